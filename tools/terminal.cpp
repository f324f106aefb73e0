// isatty, the environment, and the one line that is drawn again and again.
#include "tools/terminal.hpp"

#include "tools/common.hpp"
#include "tools/graphs.hpp"
#include "tools/table.hpp"

#include <algorithm>
#include <clocale>
#include <cstdlib>
#include <string_view>
#include <utility>

#include <sys/ioctl.h>
#include <unistd.h>

namespace weir::tools {

namespace {

constexpr std::chrono::milliseconds redraw_time{100};
constexpr unsigned widest = 10'000;

std::string_view variable(const char* name) {
  const char* value = std::getenv(name);
  return value == nullptr ? std::string_view() : std::string_view(value);
}

/// Who sets COLUMNS means it.
unsigned width_of(int descriptor) {
  const std::string columns(variable("COLUMNS"));
  const auto wished = std::strtoul(columns.c_str(), nullptr, 10);
  if (wished > 0 && wished <= widest)
    return static_cast<unsigned>(wished);
  winsize size{};
  return ::ioctl(descriptor, TIOCGWINSZ, &size) == 0 ? size.ws_col : 0U;
}

/// Whether the locale's letters are those of Unicode in UTF-8.
bool knows_blocks() {
  constexpr std::string_view block = "█";
  wchar_t letter = 0;
  return std::mbtowc(&letter, block.data(), block.size()) == static_cast<int>(block.size()) &&
         letter == L'\u2588';
}

} // namespace

display look_at(int descriptor) {
  std::setlocale(LC_CTYPE, "");
  display found;
  found.terminal = ::isatty(descriptor) == 1;
  if (!found.terminal)
    return found;
  const std::string_view kind = variable("TERM");
  const bool plain = kind.empty() || kind == "dumb";
  found.blocks = !plain && knows_blocks();
  found.colour = !plain && variable("NO_COLOR").empty();
  found.width = width_of(descriptor);
  return found;
}

std::string bold(const display& on, const std::string& text) {
  return on.colour ? "\x1b[1m" + text + "\x1b[0m" : text;
}

std::string dim(const display& on, const std::string& text) {
  return on.colour ? "\x1b[2m" + text + "\x1b[0m" : text;
}

std::string harmless(std::string_view text) {
  std::string shown(text);
  for (char& letter : shown)
    if (static_cast<unsigned char>(letter) < 0x20 || letter == 0x7f)
      letter = '?';
  // The second half of the control characters, in UTF-8.
  for (std::size_t at = 0; at + 1 < shown.size(); ++at)
    if (shown[at] == '\xc2' && static_cast<unsigned char>(shown[at + 1]) < 0xa0)
      shown[at] = shown[at + 1] = '?';
  return shown;
}

progress_line::progress_line(std::string what)
    : what_(std::move(what)), on_(look_at(STDERR_FILENO)), begin_(std::chrono::steady_clock::now()),
      next_(begin_ + redraw_time) {}

progress_line::~progress_line() {
  if (drawn_)
    tell("\r\x1b[K");
}

void progress_line::show(std::uint64_t done, std::optional<std::uint64_t> permille) {
  if (!on_.terminal)
    return;
  const auto now = std::chrono::steady_clock::now();
  if (now < next_)
    return;
  next_ = now + redraw_time;
  drawn_ = true;
  const auto elapsed = std::chrono::duration_cast<std::chrono::milliseconds>(now - begin_);
  tell("\r" + progress_text(what_, done, permille, elapsed, on_.blocks) + "\x1b[K");
}

std::string progress_text(std::string_view what, std::uint64_t done, std::optional<std::uint64_t> permille,
                          std::chrono::milliseconds elapsed, bool blocks) {
  constexpr unsigned bar_cells = 24;
  const auto ms = static_cast<std::uint64_t>(std::max<std::int64_t>(elapsed.count(), 1));
  std::string text(what);
  if (permille) {
    const std::uint64_t part = std::min<std::uint64_t>(*permille, 1000);
    if (blocks)
      text += "  " + filled_bar(part, bar_cells);
    text += "  " + std::to_string(part / 10) + " %";
  }
  text += "  " + with_thousands(done) + " rows  " + with_thousands(done * 1000 / ms) + "/s";
  if (permille && *permille > 0 && *permille < 1000)
    text += "  " + with_thousands((ms * (1000 - *permille) / *permille + 999) / 1000) + " s left";
  return text;
}

} // namespace weir::tools
