// The credit's arithmetic: at the most one batch is with the sink, one window's worth waits here.
#include "actors/open_stream.hpp"

#include <algorithm>
#include <utility>

namespace weir::actors {

namespace {

/// Fewer bytes than this are not worth a message to the network.
constexpr std::size_t smallest_grant = 16 * 1024;

} // namespace

bool open_stream::feed(std::string_view bytes, time_point now) {
  held_ += bytes.size();
  const std::size_t had = pending_.size();
  const std::size_t tail = had == 0 ? 0 : pending_.back().text.size();
  const bool more = decoder_->feed(bytes, pending_);
  if (counted_)
    count(had, tail);
  look_through(had, now);
  return more;
}

/// Keeps what has come: the deltas from number `from` on, and of the one before it what is behind `tail`.
void open_stream::count(std::size_t from, std::size_t tail) {
  const auto keep = [this](const chat_delta& each, std::size_t begin) {
    std::string& to = each.type == chat_delta::kind::reasoning ? uncounted_.thought : uncounted_.shown;
    to.append(each.text, begin);
  };
  if (from != 0)
    keep(pending_[from - 1], tail);
  for (std::size_t n = from; n < pending_.size(); ++n) {
    uncounted_.shown += pending_[n].tool_name;
    keep(pending_[n], 0);
  }
}

result<chat_reply> open_stream::finish(time_point now) {
  const std::size_t had = pending_.size();
  auto reply = decoder_->finish(pending_);
  look_through(had, now);
  return reply;
}

/// Looks through what was decoded: deltas from number `from` on are new, and the one before may have grown.
void open_stream::look_through(std::size_t from, time_point now) {
  if (pending_.size() > from && !first_token_)
    first_token_ = now;
  for (std::size_t n = from; n < pending_.size(); ++n)
    more_than_text_ = more_than_text_ || (pending_[n].type != chat_delta::kind::content &&
                                          pending_[n].type != chat_delta::kind::reasoning);
  pass_over_gap();
  if (!sink_)
    pending_.clear();
}

/// Takes off what repeats the gap. Until something else comes, all content so far was taken off; then what is
/// left of the gap stands for good.
void open_stream::pass_over_gap() {
  for (auto each = pending_.begin(); each != pending_.end() && !gap_.empty(); ++each) {
    if (each->type != chat_delta::kind::content)
      continue;
    const auto [left, rest] = std::ranges::mismatch(gap_, each->text);
    const bool repeats_whole = rest == each->text.end();
    content_sent_ += static_cast<std::size_t>(rest - each->text.begin());
    each->text.erase(each->text.begin(), rest);
    gap_.erase(gap_.begin(), repeats_whole ? left : gap_.end());
  }
}

std::optional<delta_batch> open_stream::take_batch(bool last) {
  if (pending_.empty() || (waiting_ && !last))
    return std::nullopt;
  waiting_ = true;
  delivered_ = true;
  for (const chat_delta& each : pending_)
    content_sent_ += each.type == chat_delta::kind::content ? each.text.size() : 0;
  return delta_batch{call_, std::exchange(pending_, {})};
}

std::size_t open_stream::take_grant() noexcept {
  return pending_.empty() && held_ >= smallest_grant ? std::exchange(held_, 0) : 0;
}

std::optional<token_usage> open_stream::usage() const {
  return decoder_ ? std::optional(decoder_->usage()) : std::nullopt;
}

} // namespace weir::actors
