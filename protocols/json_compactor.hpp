// JSON text that comes in pieces: drops the space between its tokens and knows when it is whole.
// Parses nothing and keeps nothing of the text; knows no vendor.
#pragma once

#include <cstddef>
#include <string>
#include <string_view>

namespace weir::protocols {

/// Follows one text. Strings and numbers stay exactly as they were written.
class json_compactor {
public:
  /// Appends to `out` what the next piece says.
  void append(std::string_view piece, std::string& out);

  /// An object or array began, and its last bracket has come. Says nothing of what stands between.
  bool whole() const noexcept { return opened_ && depth_ == 0; }

private:
  void take(char letter, std::string& out);

  std::size_t depth_ = 0;
  bool opened_ = false;
  bool quoted_ = false;
  bool escaped_ = false;
  bool gap_ = false;       ///< space came and may have to stay
  bool word_last_ = false; ///< the last token was a number or a word
};

} // namespace weir::protocols
