// A streamed response: its pieces go out as they come, and the peer waits when the receiver does.
#include "transport/connection.hpp"

#include "transport/response_head.hpp"

#include <algorithm>
#include <utility>

namespace weir::transport {

namespace {

/// For so long the rest of a stream that nobody wants is read.
constexpr std::chrono::milliseconds rest_limit{250};

} // namespace

/// Hands out what has come of a streamed response.
void connection::pass_on() {
  if (!std::exchange(head_told_, true))
    job_->receiver()->on_head(head_of(parser_->get()));
  std::string& body = parser_->get().body();
  if (body.empty())
    return;
  if (!released_) {
    unconsumed_ += body.size();
    job_->receiver()->on_body(std::move(body));
  }
  body.clear();
}

/// Reads, unless the receiver has enough to do; then the peer is made to wait, and only the deadline runs.
void connection::read_on() {
  paused_ = job_->receiver() != nullptr && !released_ && unconsumed_ >= to_->stream_window;
  if (paused_)
    limit_ = clock_time::max();
  else
    read();
}

void connection::grant(std::size_t bytes) {
  unconsumed_ -= std::min(bytes, unconsumed_);
  if (!job_ || !paused_ || unconsumed_ >= to_->stream_window)
    return;
  enter(phase::reading, to_->idle_timeout);
  read_on();
}

void connection::release() {
  if (!job_ || job_->receiver() == nullptr)
    return;
  released_ = true;
  const bool waited = std::exchange(paused_, false);
  enter(phase::reading, rest_limit);
  if (waited)
    read();
}

} // namespace weir::transport
