// Checks before parsing, and parsing.
#include "config/toml_document.hpp"

#include <algorithm>

namespace weir::config {

namespace {

constexpr std::size_t most_dots_in_line =
    64; // a dotted key of a hundred thousand parts overflows the parser's stack

struct place {
  std::uint32_t line = 1;
  std::uint32_t column = 1;
};

config_fault fault_at(const std::string& file, place at, std::string problem) {
  return {file, at.line, at.column, {}, std::move(problem)};
}

/// Follows strings and comments, so that what stands outside of them can be told.
class outline {
public:
  /// Whether the character at `at` stands outside of strings and comments. To be asked for each in turn.
  bool outside(std::string_view text, std::size_t at) {
    if (at < skip_until_)
      return false;
    if (comment_) {
      comment_ = text[at] != '\n';
      return !comment_;
    }
    if (!quote_.empty()) {
      if (quote_.front() == '"' && text[at] == '\\')
        skip_until_ = at + 2;
      else if (text.substr(at, quote_.size()) == quote_ || (quote_.size() == 1 && text[at] == '\n'))
        leave(text, at);
      return false;
    }
    if (text[at] == '#')
      comment_ = true;
    else if (text[at] == '"' || text[at] == '\'')
      enter(text, at);
    return !comment_ && quote_.empty();
  }

private:
  void enter(std::string_view text, std::size_t at) {
    const std::string one(1, text[at]);
    quote_ = text.substr(at, 3) == one + one + one ? one + one + one : one;
    skip_until_ = at + quote_.size();
  }
  void leave(std::string_view text, std::size_t at) {
    skip_until_ = at + quote_.size();
    // Where four or five quotes stand together, the string ends behind the last: one or two are content.
    const std::size_t most = quote_.size() == 3 ? skip_until_ + 2 : skip_until_;
    while (skip_until_ < most && skip_until_ < text.size() && text[skip_until_] == quote_.front())
      ++skip_until_;
    quote_.clear();
  }

  std::string quote_; ///< what ends the string that we are in; empty outside
  bool comment_ = false;
  std::size_t skip_until_ = 0;
};

/// The first thing that the parser must not see.
std::optional<config_fault> objection(std::string_view text, const std::string& file) {
  place at;
  std::size_t dots = 0;
  outline around;
  for (std::size_t n = 0; n != text.size(); ++n) {
    const char letter = text[n];
    const bool outside = around.outside(text, n);
    if (letter == '\n') {
      ++at.line;
      at.column = 1;
      dots = 0;
      continue;
    }
    if (letter == '\0')
      return fault_at(file, at, "a NUL byte; the file is no text");
    if (letter == '\r' && (n + 1 == text.size() || text[n + 1] != '\n'))
      return fault_at(file, at, "a lone carriage return; lines end in LF or CRLF");
    if (outside && static_cast<unsigned char>(letter) >= 0x80)
      return fault_at(file, at, "a character outside of ASCII; such names are to be quoted");
    if (outside && letter == '.' && ++dots > most_dots_in_line)
      return fault_at(file, at, "more than 64 dots in one line");
    ++at.column;
  }
  return std::nullopt;
}

} // namespace

boost::system::result<toml_document, config_fault> toml_document::parse(std::string_view text,
                                                                        const std::string& file) {
  if (text.size() > largest)
    return config_fault{file, 0, 0, {}, "is larger than 1 MiB"};
  if (text.starts_with("\xef\xbb\xbf"))
    text.remove_prefix(3);
  if (auto no = objection(text, file))
    return std::move(*no);
  toml_document parsed;
  parsed.text_ = text;
  parsed.file_ = file;
  parsed.lines_.push_back(0);
  for (std::size_t n = 0; n != text.size(); ++n)
    if (text[n] == '\n')
      parsed.lines_.push_back(n + 1);
  try {
    parsed.root_ = toml::parse(std::string_view(parsed.text_), std::string_view(file));
  } catch (const toml::parse_error& error) {
    return fault_at(file, {error.source().begin.line, error.source().begin.column},
                    std::string(error.description()));
  } catch (const toml_assertion&) {
    return config_fault{file, 0, 0, {}, "is no TOML"};
  }
  return parsed;
}

std::string_view toml_document::number_at(const toml::source_position& place) const {
  if (place.line == 0 || place.line > lines_.size())
    return {};
  std::string_view rest = std::string_view(text_).substr(lines_[place.line - 1]);
  // Columns count characters, not bytes.
  for (std::uint32_t column = 1; column < place.column && !rest.empty(); ++column) {
    rest.remove_prefix(1);
    while (!rest.empty() && (static_cast<unsigned char>(rest.front()) & 0xc0U) == 0x80U)
      rest.remove_prefix(1);
  }
  return rest.substr(0, rest.find_first_of(" \t\r\n,#]}"));
}

} // namespace weir::config
