// The order of a stream. Waiting is planned, not measured, so that pings come at the same places in each run.
#include "tools/mock/stream.hpp"

#include <algorithm>
#include <array>
#include <utility>

namespace weir::mock {

namespace {

using transport::plain_step;
using transport::send_bytes;

constexpr std::string_view last_chunk = "0\r\n\r\n";

http_response stream_head(http_fields fields) {
  fields.add("Content-Type", "text/event-stream");
  fields.add("Cache-Control", "no-cache");
  fields.add("X-Accel-Buffering", "no");
  fields.add("Transfer-Encoding", "chunked");
  return {200, std::move(fields), {}};
}

bool strikes(const stream_parts& parts, fault_kind kind) {
  return parts.struck && parts.struck->kind == kind;
}

/// Whether a fault waits for a chunk of the stream.
bool strikes_within(const stream_parts& parts) {
  using enum fault_kind;
  return parts.struck && parts.struck->kind != endless && parts.struck->kind != no_done &&
         parts.struck->kind != no_finish;
}

/// Events without the last one.
std::string_view without_last(std::string_view events) {
  constexpr std::string_view blank_line = "\n\n";
  if (events.ends_with(blank_line))
    events.remove_suffix(blank_line.size());
  const auto at = events.rfind(blank_line);
  return at == std::string_view::npos ? std::string_view() : events.substr(0, at + blank_line.size());
}

/// What an endless stream goes on with: its text again, or something where it has none.
std::vector<chat_delta> text_of(const std::vector<chat_delta>& deltas) {
  std::vector<chat_delta> text;
  std::ranges::copy_if(deltas, std::back_inserter(text),
                       [](const chat_delta& each) { return each.type == chat_delta::kind::content; });
  if (text.empty())
    text.emplace_back().text = "and on";
  if (!text.front().text.starts_with(' '))
    text.front().text.insert(0, " ");
  return text;
}

} // namespace

std::string to_chunk(std::string_view bytes) {
  if (bytes.empty())
    return {};
  std::array<char, 16> size{};
  std::size_t digits = size.size();
  for (std::size_t rest = bytes.size(); rest != 0; rest /= 16)
    size[--digits] = "0123456789abcdef"[rest % 16];
  std::string coded(size.data() + digits, size.size() - digits);
  return coded.append("\r\n").append(bytes).append("\r\n");
}

http_response event_stream(http_fields fields, std::string_view body) {
  http_response made = stream_head(std::move(fields));
  made.body = to_chunk(body).append(last_chunk);
  return made;
}

stream_source::stream_source(stream_parts parts) : parts_(std::move(parts)) {}

std::optional<std::uint64_t> stream_source::planned() const noexcept {
  if (strikes(parts_, fault_kind::endless))
    return std::nullopt;
  const bool ends_early = strikes(parts_, fault_kind::cut_stream) ||
                          strikes(parts_, fault_kind::error_in_stream) ||
                          (strikes(parts_, fault_kind::stall_stream) && parts_.struck->delay.count() == 0);
  const std::uint64_t whole = parts_.deltas.size();
  return ends_early ? std::min(whole, parts_.struck->after_chunks) : whole;
}

std::optional<plain_step> stream_source::next() {
  if (over_)
    return std::nullopt;
  if (!std::exchange(begun_, true))
    return send_bytes{transport::to_bytes(stream_head(parts_.fields)) + to_chunk(parts_.encoder->begin())};
  if (auto step = wait())
    return step;
  const bool whole = at_ == parts_.deltas.size();
  if (strikes_within(parts_) && !struck_ && (chunks_ == parts_.struck->after_chunks || whole))
    if (auto step = strike())
      return step;
  if (whole && !strikes(parts_, fault_kind::endless))
    return end();
  if (chunks_ != 0 && parts_.chunk_delay.count() > 0 && !std::exchange(delayed_, true)) {
    waiting_ = parts_.chunk_delay;
    return next();
  }
  delayed_ = false;
  if (whole) {
    parts_.deltas = text_of(parts_.deltas);
    at_ = 0;
  }
  return chunk();
}

/// A part of the time to be waited, or a sign of life when it is due.
std::optional<plain_step> stream_source::wait() {
  const bool pings = parts_.ping_every.count() > 0;
  if (pings && silent_ >= parts_.ping_every) {
    silent_ = milliseconds{0};
    return send_bytes{to_chunk(parts_.ping)};
  }
  if (waiting_.count() == 0)
    return std::nullopt;
  const milliseconds part = pings ? std::min(waiting_, parts_.ping_every - silent_) : waiting_;
  waiting_ -= part;
  silent_ += part;
  return transport::pause{part};
}

/// Plays the fault that waits for this chunk. Nothing: the stream goes on.
std::optional<plain_step> stream_source::strike() {
  struck_ = true;
  if (parts_.struck->kind == fault_kind::cut_stream) {
    over_ = true;
    return transport::close_connection{};
  }
  if (parts_.struck->kind == fault_kind::error_in_stream) {
    over_ = true;
    return send_bytes{to_chunk(parts_.encoder->fail(parts_.error)).append(last_chunk)};
  }
  if (parts_.struck->kind == fault_kind::malformed_chunk)
    return send_bytes{to_chunk(parts_.broken)};
  const bool for_ever = parts_.struck->delay.count() == 0;
  if (for_ever && parts_.ping_every.count() == 0) {
    over_ = true;
    return transport::hang{};
  }
  waiting_ = for_ever ? milliseconds::max() : parts_.struck->delay;
  return wait();
}

plain_step stream_source::chunk() {
  ++chunks_;
  return send_bytes{to_chunk(parts_.encoder->encode(parts_.deltas[at_++]))};
}

plain_step stream_source::end() {
  over_ = true;
  const std::string marks = parts_.encoder->end(parts_.reply);
  if (strikes(parts_, fault_kind::no_finish))
    return send_bytes{std::string(last_chunk)};
  const std::string_view sent = strikes(parts_, fault_kind::no_done) ? without_last(marks) : marks;
  return send_bytes{to_chunk(sent).append(last_chunk)};
}

std::string bytes_of(stream_source& stream) {
  std::string bytes;
  while (const auto step = stream.next())
    if (const auto* sent = std::get_if<send_bytes>(&*step))
      bytes += sent->bytes;
  return bytes;
}

std::string events_of(stream_parts parts) {
  std::string events = parts.encoder->begin();
  for (const chat_delta& each : parts.deltas)
    events += parts.encoder->encode(each);
  return events + parts.encoder->end(parts.reply);
}

} // namespace weir::mock
