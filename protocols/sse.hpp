// Server-sent events as an incremental parser: bytes in, in pieces of any size, events out.
// Grammar: WHATWG HTML, "Server-sent events". Knows no vendor and no JSON; `id` and `retry` are passed over.
#pragma once

#include <cstddef>
#include <optional>
#include <string>
#include <string_view>

namespace weir::protocols {

/// One dispatched event. The views are into the parser, or into the piece, and end with the next call.
struct sse_event {
  std::string_view name; ///< of the `event` field; empty: none was given ("message" in the grammar)
  std::string_view data; ///< the `data` lines, joined by line feeds
};

/// Each byte is looked at once. A line, and an event, may have `limit` bytes at most.
class sse_parser {
public:
  static constexpr std::size_t default_limit = 16U << 20U;

  explicit sse_parser(std::size_t limit = default_limit) : limit_(limit) {}

  /// Takes the front of `bytes` up to the end of the next event, and removes it. Nothing: everything was
  /// taken, and no event is whole yet (or `overflowed()`).
  std::optional<sse_event> next(std::string_view& bytes);

  /// What stands after the last blank line when the bytes are over: the grammar drops it, but a last event
  /// of a server that closes too soon is told here. To be called once, last.
  std::optional<sse_event> finish();

  /// A line or an event grew beyond the limit; the parser takes nothing any more.
  bool overflowed() const noexcept { return overflowed_; }

private:
  bool take_line(std::string_view& bytes, std::string_view& line);
  void field(std::string_view line);
  void add_data(std::string_view value);
  void keep_line();
  std::optional<sse_event> dispatch();

  std::size_t limit_;
  std::string partial_; ///< the beginning of a line whose end has not come yet
  bool partial_used_ = false;
  std::string name_;
  std::string data_;            ///< the lines so far, unless `whole_line_` has them
  std::string_view whole_line_; ///< the only line so far, where it lies in the piece
  bool has_data_ = false;
  bool dispatched_ = false; ///< the last event's memory is to be cleared
  bool after_cr_ = false;   ///< a line feed that comes first belongs to the carriage return before it
  bool at_start_ = true;    ///< a byte order mark may come
  bool overflowed_ = false;
};

} // namespace weir::protocols
