// A streamed call for programs without actors: deltas are pulled one by one, as fast as they are read.
// Knows no message and no CAF.
#pragma once

#include <weir/chat.hpp>

#include <cstddef>
#include <iterator>
#include <memory>
#include <optional>

namespace weir {

/// What `client::open_stream` gives. While nobody pulls, nothing more than a window's worth is read from the
/// provider. For one thread at a time, but for `cancel`, which any may call. Its end cancels the call.
///
///     for (const weir::chat_delta& delta : stream) show(delta);
///     const weir::chat_reply& reply = stream.reply();
class chat_stream {
public:
  class iterator;
  struct implementation;

  explicit chat_stream(std::shared_ptr<implementation> impl);
  chat_stream(chat_stream&&) noexcept;
  chat_stream& operator=(chat_stream&&) noexcept;
  ~chat_stream();

  /// Waits for the next delta; nothing at the end, which `reply` then explains.
  std::optional<chat_delta> next();

  /// Waits for the end and gives the whole reply, of success and of failure alike. Deltas that were not
  /// pulled are passed over.
  const chat_reply& reply();

  /// Ends the call as `cancelled`, if it has not ended.
  void cancel();

  iterator begin();
  std::default_sentinel_t end() const noexcept { return {}; }

private:
  std::shared_ptr<implementation> impl_; ///< null: moved from
};

/// Goes once over the deltas of a stream.
class chat_stream::iterator {
public:
  using value_type = chat_delta;
  using difference_type = std::ptrdiff_t;
  using iterator_concept = std::input_iterator_tag;

  explicit iterator(chat_stream& from) : from_(&from), now_(from.next()) {}

  const chat_delta& operator*() const noexcept { return *now_; }
  const chat_delta* operator->() const noexcept { return &*now_; }
  iterator& operator++() {
    now_ = from_->next();
    return *this;
  }
  void operator++(int) { ++*this; }
  friend bool operator==(const iterator& at, std::default_sentinel_t) noexcept { return !at.now_; }

private:
  chat_stream* from_;
  std::optional<chat_delta> now_;
};

inline chat_stream::iterator chat_stream::begin() {
  return iterator(*this);
}

} // namespace weir
