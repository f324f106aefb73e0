// Arguments for a tool call, made from the tool's schema: the smallest that fit it, always the same ones.
// Knows no tool and no plan.
#pragma once

#include <string>
#include <string_view>

namespace weir::mock {

/// A JSON object for a JSON Schema: what is required, by its type ("text", 1, true, [], the first of an
/// `enum`). A schema that is none gives `{}`.
std::string make_arguments(std::string_view schema);

} // namespace weir::mock
