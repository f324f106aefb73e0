// What stands behind a tool's name.
// Knows no loop.
#pragma once

#include "protocols/json_schema.hpp"

#include <weir/tools.hpp>

#include <memory>
#include <variant>

namespace weir {

struct tool_registry::entry {
  std::variant<function, tool_actor> handler;
  std::shared_ptr<const protocols::json_schema> schema; ///< null: the tool takes what it is given
};

} // namespace weir
