// Strings and keys as TOML writes them, so that any text can be printed and read again.
// Knows no schema and no variables.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

namespace weir::config {

/// A basic string with its quotes: quotes, backslashes and control characters are escaped, and bytes that are
/// no UTF-8 become U+FFFD. One line, always.
std::string basic_string(std::string_view text);

/// A string value: a basic string in which `${` is written so that it stays what it is. In keys it needs no
/// such care. Not named `quoted`: for a std::string the call would go to std::quoted, which lets control
/// characters through.
std::string string_value(std::string_view text);

/// Thousandths as a decimal: `1.125`.
std::string permille_text(std::uint32_t value);

/// A key: bare where TOML allows it, a basic string otherwise.
std::string key_text(std::string_view name);

} // namespace weir::config
