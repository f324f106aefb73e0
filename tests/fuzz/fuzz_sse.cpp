// Server-sent events: however the bytes are cut, the events are the same; and they are what a plain reading
// of the grammar makes of them. The parser's limit is part of the input, and nothing grows beyond it.
#include "fuzzing.hpp"

#include "protocols/sse.hpp"

#include <optional>
#include <utility>
#include <vector>

using namespace weir::fuzzing;
using weir::protocols::sse_event;
using weir::protocols::sse_parser;

namespace {

struct told {
  std::vector<std::pair<std::string, std::string>> events;
  std::optional<std::pair<std::string, std::string>> last; ///< what `finish` said
  bool overflowed = false;

  friend bool operator==(const told&, const told&) = default;
};

class listener {
public:
  explicit listener(std::size_t limit) : limit_(limit), parser_(limit) {}

  bool feed(std::string_view piece) {
    while (const auto event = parser_.next(piece))
      said_.events.push_back(copied(*event));
    require(piece.empty(), "the parser takes all of a piece");
    return !parser_.overflowed();
  }

  told finish() {
    if (const auto event = parser_.finish())
      said_.last = copied(*event);
    said_.overflowed = parser_.overflowed();
    return std::move(said_);
  }

private:
  std::pair<std::string, std::string> copied(const sse_event& event) const {
    require(event.name.size() <= limit_ && event.data.size() <= limit_, "an event stays within the limit");
    return {std::string(event.name), std::string(event.data)};
  }

  std::size_t limit_;
  sse_parser parser_;
  told said_;
};

/// The lines of a text; the last one has no end and may be empty.
std::vector<std::string_view> lines_of(std::string_view text) {
  std::vector<std::string_view> lines;
  std::size_t begin = 0;
  for (std::size_t at = 0; at < text.size(); ++at) {
    if (text[at] != '\r' && text[at] != '\n')
      continue;
    lines.push_back(text.substr(begin, at - begin));
    if (text[at] == '\r' && at + 1 < text.size() && text[at + 1] == '\n')
      ++at;
    begin = at + 1;
  }
  lines.push_back(text.substr(begin));
  return lines;
}

/// The grammar, word for word and without a limit.
told plainly_read(std::string_view text) {
  if (text.starts_with("\xef\xbb\xbf"))
    text.remove_prefix(3);
  const auto lines = lines_of(text);
  told said;
  std::string name;
  std::optional<std::string> data;
  for (std::size_t at = 0; at != lines.size(); ++at) {
    const std::string_view line = lines[at];
    if (line.empty()) {
      if (at + 1 == lines.size())
        break;
      if (data)
        said.events.emplace_back(name, *data);
      name.clear();
      data.reset();
      continue;
    }
    const std::size_t colon = line.find(':');
    std::string_view value = colon == std::string_view::npos ? std::string_view() : line.substr(colon + 1);
    if (value.starts_with(' '))
      value.remove_prefix(1);
    if (line.substr(0, colon) == "data")
      data = data ? *data + "\n" + std::string(value) : std::string(value);
    else if (line.substr(0, colon) == "event")
      name = value;
  }
  if (data)
    said.last.emplace(name, *data);
  return said;
}

} // namespace

int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  input from(data, size);
  // The digit 0 means a limit that no input reaches.
  const std::uint8_t wish = from.byte();
  const std::size_t limit = wish == '0' ? sse_parser::default_limit : wish;
  const cutter pieces(from);
  const std::string whole(from.rest());

  listener at_once(limit);
  at_once.feed(whole);
  const told expected = at_once.finish();

  listener in_pieces(limit);
  pieces.cut(whole, [&](std::string_view piece) { return in_pieces.feed(piece); });
  require(in_pieces.finish() == expected, "pieces give the events of the whole");

  if (!expected.overflowed)
    require(plainly_read(whole) == expected, "the events are those of the grammar");
  else
    require(whole.size() > limit, "only what is longer than the limit overflows");
  return 0;
}
