// Between two quotes, what is neither quote, backslash nor control character is the string itself.
#include "protocols/event_pattern.hpp"

#include "protocols/json.hpp"
#include "protocols/utf8.hpp"

namespace weir::protocols {

namespace {

/// Where a string that begins at `at` has its closing quote.
std::size_t closing_quote(std::string_view json, std::size_t at) noexcept {
  while (at < json.size() && json[at] != '"')
    at += json[at] == '\\' ? 2 : 1;
  return at;
}

/// Takes a string that stands for itself off the front, up to its closing quote.
std::optional<std::string_view> take_plain(std::string_view& from) noexcept {
  const std::size_t at = plain_json(from);
  if (at == from.size() || from[at] != '"')
    return std::nullopt;
  const std::string_view text = from.substr(0, at);
  if (valid_utf8(text) != text.size())
    return std::nullopt;
  from.remove_prefix(at);
  return text;
}

} // namespace

void event_pattern::learn(const sse_event& event, std::size_t words, std::optional<std::size_t> padding) {
  const std::size_t after = closing_quote(event.data, words);
  known_ = after < event.data.size();
  if (!known_)
    return;
  name_ = event.name;
  head_ = event.data.substr(0, words);
  tail_.clear();
  if (!padding || *padding < after) {
    middle_ = event.data.substr(after);
    return;
  }
  middle_ = event.data.substr(after, *padding - after);
  tail_ = event.data.substr(closing_quote(event.data, *padding));
}

std::optional<std::string_view> event_pattern::match(const sse_event& event) const noexcept {
  std::string_view rest = event.data;
  if (!known_ || event.name != name_ || !rest.starts_with(head_))
    return std::nullopt;
  rest.remove_prefix(head_.size());
  const auto words = take_plain(rest);
  if (!words || !rest.starts_with(middle_))
    return std::nullopt;
  rest.remove_prefix(middle_.size());
  if (!tail_.empty() && !take_plain(rest))
    return std::nullopt;
  return rest == tail_ ? words : std::nullopt;
}

} // namespace weir::protocols
