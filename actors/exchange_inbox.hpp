// Where the network's threads lay down what became of a provider's exchanges: one message to the actor serves
// all that lie there, since a message of its own for each costs more than the look into it. Knows no attempt.
#pragma once

#include "transport/client.hpp"

#include <weir/names.hpp>

#include <functional>
#include <memory>
#include <mutex>
#include <string>
#include <utility>
#include <variant>
#include <vector>

namespace weir::actors {

/// The head of a streamed response.
struct stream_head {
  http_response response;
};

/// Bytes of its body.
struct stream_piece {
  std::string bytes;
};

/// What the network says of an attempt. An exchange is its end.
struct exchange_news {
  attempt_id id;
  std::variant<stream_head, stream_piece, transport::exchange> what;
};

/// All members may be called from any thread.
class exchange_inbox {
public:
  /// True for the first since `take`: the actor must be told.
  [[nodiscard]] bool add(exchange_news news) {
    const std::lock_guard hold(lock_);
    if (!news_.empty() && news_.back().id == news.id && join(news_.back(), news))
      return false;
    news_.push_back(std::move(news));
    return news_.size() == 1;
  }

  std::vector<exchange_news> take() {
    const std::lock_guard hold(lock_);
    return std::exchange(news_, {});
  }

private:
  /// Neighbouring pieces of one body are one piece.
  static bool join(exchange_news& last, exchange_news& next) {
    auto* const before = std::get_if<stream_piece>(&last.what);
    auto* const after = std::get_if<stream_piece>(&next.what);
    if (before == nullptr || after == nullptr)
      return false;
    before->bytes.append(after->bytes);
    return true;
  }

  std::mutex lock_;
  std::vector<exchange_news> news_;
};

/// Lays a streamed response down in an inbox. `tell` wakes the actor; it is called from the network's threads
/// and let go at the response's end, since it may keep the actor alive.
class inbox_receiver final : public transport::stream_receiver {
public:
  inbox_receiver(std::shared_ptr<exchange_inbox> inbox, attempt_id id, std::function<void()> tell)
      : inbox_(std::move(inbox)), id_(id), tell_(std::move(tell)) {}

  void on_head(http_response head) override { add(stream_head{std::move(head)}); }
  void on_body(std::string bytes) override { add(stream_piece{std::move(bytes)}); }
  void on_end(transport::exchange end) override {
    add(std::move(end));
    tell_ = nullptr;
  }

private:
  template <class What>
  void add(What what) {
    if (inbox_->add({id_, std::move(what)}) && tell_)
      tell_();
  }

  std::shared_ptr<exchange_inbox> inbox_;
  attempt_id id_;
  std::function<void()> tell_;
};

} // namespace weir::actors
