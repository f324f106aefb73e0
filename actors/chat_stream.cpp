// The pulling side of a stream: a bounded shelf between weir's thread and the caller's.
#include "actors/chat_stream.hpp"

#include <caf/send.hpp>

#include <utility>

namespace weir {

chat_stream::chat_stream(std::shared_ptr<implementation> impl) : impl_(std::move(impl)) {}
chat_stream::chat_stream(chat_stream&&) noexcept = default;

chat_stream& chat_stream::operator=(chat_stream&& other) noexcept {
  if (this != &other) {
    cancel();
    impl_ = std::move(other.impl_);
  }
  return *this;
}

chat_stream::~chat_stream() {
  cancel();
}

std::optional<chat_delta> chat_stream::next() {
  return impl_->next();
}

const chat_reply& chat_stream::reply() {
  while (impl_->next()) {
  }
  return *impl_->reply;
}

void chat_stream::cancel() {
  if (impl_)
    impl_->cancel();
}

/// The call may have ended before its caller's handle is known here.
void chat_stream::implementation::start(actors::stream_caller_actor by) {
  const std::lock_guard hold(lock);
  if (!reply)
    caller = std::move(by);
}

std::optional<chat_delta> chat_stream::implementation::next() {
  std::unique_lock hold(lock);
  if (shelf.empty() && owes) {
    owes = false;
    if (caller)
      caf::anon_send(caller, actors::pulled{});
  }
  news.wait(hold, [this] { return !shelf.empty() || reply; });
  if (shelf.empty())
    return std::nullopt;
  std::optional<chat_delta> first = std::move(shelf.front());
  shelf.pop_front();
  return first;
}

actors::sink_verdict chat_stream::implementation::put(std::vector<chat_delta> deltas) {
  const std::lock_guard hold(lock);
  for (chat_delta& each : deltas)
    shelf.push_back(std::move(each));
  news.notify_all();
  owes = true;
  return actors::sink_verdict::wait;
}

void chat_stream::implementation::end(chat_reply whole) {
  const std::lock_guard hold(lock);
  reply = std::move(whole);
  // Without the handle nothing of ours keeps the actor system waiting.
  caller = nullptr;
  owes = false;
  news.notify_all();
}

void chat_stream::implementation::cancel() {
  const std::lock_guard hold(lock);
  if (caller)
    caf::anon_send(caller, actors::abandoned{});
}

} // namespace weir
