// One pass over the bytes. Space between two words stays, so that broken JSON does not become good.
#include "protocols/json_compactor.hpp"

namespace weir::protocols {

namespace {

bool is_space(char letter) noexcept {
  return letter == ' ' || letter == '\t' || letter == '\n' || letter == '\r';
}

bool is_mark(char letter) noexcept {
  return std::string_view("{}[]:,\"").find(letter) != std::string_view::npos;
}

} // namespace

void json_compactor::append(std::string_view piece, std::string& out) {
  out.reserve(out.size() + piece.size());
  for (const char letter : piece) {
    if (quoted_) {
      out.push_back(letter);
      if (escaped_)
        escaped_ = false;
      else if (letter == '\\')
        escaped_ = true;
      else
        quoted_ = letter != '"';
    } else if (is_space(letter)) {
      gap_ = true;
    } else {
      take(letter, out);
    }
  }
}

void json_compactor::take(char letter, std::string& out) {
  const bool word = !is_mark(letter);
  if (gap_ && word && word_last_)
    out.push_back(' ');
  gap_ = false;
  word_last_ = word;
  out.push_back(letter);
  quoted_ = letter == '"';
  if (letter == '{' || letter == '[') {
    opened_ = true;
    ++depth_;
  } else if ((letter == '}' || letter == ']') && depth_ > 0) {
    --depth_;
  }
}

} // namespace weir::protocols
