// Lines are taken where they lie; only one that is cut by the end of a piece is copied.
#include "protocols/sse.hpp"

#include <cstring>
#include <utility>

namespace weir::protocols {

namespace {

constexpr std::string_view byte_order_mark = "\xef\xbb\xbf";

/// Where the line ends: at a CR or LF, or `npos`.
std::size_t line_end(std::string_view bytes) noexcept {
  const void* const found = std::memchr(bytes.data(), '\n', bytes.size());
  const std::size_t feed = found == nullptr
                               ? bytes.size()
                               : static_cast<std::size_t>(static_cast<const char*>(found) - bytes.data());
  // Both searches run at the speed of memory, and the second no further than the first came.
  if (feed != 0)
    if (const void* const back = std::memchr(bytes.data(), '\r', feed))
      return static_cast<std::size_t>(static_cast<const char*>(back) - bytes.data());
  return feed == bytes.size() ? std::string_view::npos : feed;
}

} // namespace

/// The next whole line, without its end. False: it is not whole; what there is of it is kept.
bool sse_parser::take_line(std::string_view& bytes, std::string_view& line) {
  if (partial_used_) {
    partial_.clear();
    partial_used_ = false;
  }
  if (after_cr_ && !bytes.empty()) {
    after_cr_ = false;
    if (bytes.front() == '\n')
      bytes.remove_prefix(1);
  }
  if (bytes.empty())
    return false;
  const std::size_t end = line_end(bytes);
  const std::size_t length = end == std::string_view::npos ? bytes.size() : end;
  if (partial_.size() + length > limit_) {
    overflowed_ = true;
    return false;
  }
  if (end == std::string_view::npos) {
    partial_.append(bytes);
    bytes = {};
    return false;
  }
  line = bytes.substr(0, end);
  if (!partial_.empty()) {
    partial_.append(line);
    line = partial_;
    partial_used_ = true;
  }
  after_cr_ = bytes[end] == '\r';
  bytes.remove_prefix(end + 1);
  if (at_start_) {
    at_start_ = false;
    if (line.starts_with(byte_order_mark))
      line.remove_prefix(byte_order_mark.size());
  }
  return true;
}

void sse_parser::field(std::string_view line) {
  const std::size_t colon = line.find(':');
  const std::string_view name = line.substr(0, colon);
  std::string_view value = colon == std::string_view::npos ? std::string_view() : line.substr(colon + 1);
  if (value.starts_with(' '))
    value.remove_prefix(1);
  if (name == "data")
    add_data(value);
  else if (name == "event")
    name_.assign(value);
}

/// Nearly every event has one line, which is read where it lies.
void sse_parser::add_data(std::string_view value) {
  keep_line();
  if (data_.size() + value.size() + 1 > limit_) {
    overflowed_ = true;
    return;
  }
  const bool first = !std::exchange(has_data_, true);
  if (first && !partial_used_) {
    whole_line_ = value;
    return;
  }
  if (!first)
    data_.push_back('\n');
  data_.append(value);
}

/// Copies a line that lies in a piece: it is not the event's only one, or the piece ends.
void sse_parser::keep_line() {
  data_.append(std::exchange(whole_line_, {}));
}

std::optional<sse_event> sse_parser::dispatch() {
  if (!has_data_) {
    name_.clear();
    return std::nullopt;
  }
  dispatched_ = true;
  return sse_event{name_, data_.empty() ? whole_line_ : data_};
}

std::optional<sse_event> sse_parser::next(std::string_view& bytes) {
  if (dispatched_) {
    name_.clear();
    data_.clear();
    whole_line_ = {};
    has_data_ = false;
    dispatched_ = false;
  }
  std::string_view line;
  while (!overflowed_ && take_line(bytes, line)) {
    if (!line.empty()) {
      field(line); // a comment is a field whose name is empty
      continue;
    }
    if (auto event = dispatch())
      return event;
  }
  if (overflowed_)
    bytes = {};
  keep_line();
  return std::nullopt;
}

std::optional<sse_event> sse_parser::finish() {
  std::string_view end = "\n";
  if (auto event = next(end)) // ends a last line without its end
    return event;
  return overflowed_ ? std::nullopt : dispatch();
}

} // namespace weir::protocols
