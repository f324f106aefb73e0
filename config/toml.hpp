// The one place that sets toml++ up. Its asserts, which crafted files reach, become exceptions, and nesting
// is bounded.
#pragma once

#include <stdexcept>

namespace weir::config {

/// An assertion of toml++ failed: the text is no TOML that it can say more of.
struct toml_assertion : std::logic_error {
  using std::logic_error::logic_error;
};

} // namespace weir::config

#define TOML_ASSERT(condition)                                                                               \
  do {                                                                                                       \
    if (!(condition))                                                                                        \
      throw ::weir::config::toml_assertion(#condition);                                                      \
  } while (false)
#define TOML_MAX_NESTED_VALUES 32
#define TOML_HEADER_ONLY 1
// Some of its asserts stand in noexcept functions; those are unreachable from a text.
#pragma GCC diagnostic push
#pragma GCC diagnostic ignored "-Wterminate"
#include <toml++/toml.h>
#pragma GCC diagnostic pop
