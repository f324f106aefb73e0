// What standard output or standard error is connected to: a terminal, how wide, with which letters.
// Knows no table: what is made of it, others decide.
#pragma once

#include <chrono>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace weir::tools {

/// What an output can show.
struct display {
  bool terminal = false;
  bool blocks = false; ///< a terminal with UTF-8: bars and sparklines
  bool colour = false; ///< a terminal that knows bold and dim, and nobody asked for none (`NO_COLOR`)
  unsigned width = 0;  ///< columns of a terminal; 0: not known, or no terminal: as wide as need be
};

/// Looks at a descriptor and at `TERM`, `NO_COLOR`, `COLUMNS` and the locale. Takes the environment's
/// letters (`LC_CTYPE`) for the whole program; numbers stay as they are in the C locale.
display look_at(int descriptor);

/// A text in bold or in a faint colour, where the display knows how.
std::string bold(const display& on, const std::string& text);
std::string dim(const display& on, const std::string& text);

/// A text as it may be shown: control characters, such as those that steer a terminal, become `?`.
std::string harmless(std::string_view text);

/// How far something long has come, on standard error, and only if that is a terminal. Drawn ten times a
/// second at most, and taken away at the end.
class progress_line {
public:
  explicit progress_line(std::string what);
  progress_line(const progress_line&) = delete;
  progress_line& operator=(const progress_line&) = delete;
  ~progress_line();

  /// So many are done; of how many, by thousandths, if that is known.
  void show(std::uint64_t done, std::optional<std::uint64_t> permille);

private:
  std::string what_;
  display on_;
  bool drawn_ = false;
  std::chrono::steady_clock::time_point begin_;
  std::chrono::steady_clock::time_point next_;
};

/// The line itself: `exporting  ████████▌░░░░░░░  42 %  420,000 rows  310,000/s  2 s left`.
std::string progress_text(std::string_view what, std::uint64_t done, std::optional<std::uint64_t> permille,
                          std::chrono::milliseconds elapsed, bool blocks);

} // namespace weir::tools
