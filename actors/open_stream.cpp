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
  const bool more = decoder_->feed(bytes, pending_);
  note_first(now);
  return more;
}

result<chat_reply> open_stream::finish(time_point now) {
  auto reply = decoder_->finish(pending_);
  note_first(now);
  return reply;
}

void open_stream::note_first(time_point now) {
  if (!pending_.empty() && !first_token_)
    first_token_ = now;
  note_kinds();
  if (!sink_)
    pending_.clear();
}

/// Looks through what was decoded and not sent.
void open_stream::note_kinds() {
  bool emptied = false;
  for (chat_delta& each : pending_) {
    more_than_text_ = more_than_text_ ||
                      (each.type != chat_delta::kind::content && each.type != chat_delta::kind::reasoning);
    if (gap_.empty() || each.type != chat_delta::kind::content || each.text.empty())
      continue;
    const auto [left, text] = std::ranges::mismatch(gap_, each.text);
    const bool repeated_whole = text == each.text.end();
    std::string rest(left, gap_.end());
    each.text.erase(each.text.begin(), text);
    // Once something else comes, what is left of the gap stands for good.
    gap_ = repeated_whole ? std::move(rest) : std::string();
    emptied = emptied || each.text.empty();
  }
  if (emptied)
    std::erase_if(pending_, [](const chat_delta& each) {
      return each.type == chat_delta::kind::content && each.text.empty();
    });
}

std::optional<delta_batch> open_stream::take_batch(bool last) {
  if (pending_.empty() || (waiting_ && !last))
    return std::nullopt;
  waiting_ = true;
  delivered_ = true;
  return delta_batch{call_, std::exchange(pending_, {})};
}

std::size_t open_stream::take_grant() noexcept {
  return pending_.empty() && held_ >= smallest_grant ? std::exchange(held_, 0) : 0;
}

std::optional<token_usage> open_stream::usage() const {
  return decoder_ ? std::optional(decoder_->usage()) : std::nullopt;
}

} // namespace weir::actors
