// What json_schema.cpp and json_schema_check.cpp share: a schema that was looked through once.
// Knows no JSON to check.
#pragma once

#include "protocols/json.hpp"
#include "protocols/json_schema.hpp"
#include "protocols/text_pattern.hpp"

#include <map>
#include <optional>
#include <string>
#include <unordered_map>
#include <utility>
#include <vector>

namespace weir::protocols {

/// A schema's text as values, and what was found in it. A schema is known by the address of its value.
struct parsed_schema {
  explicit parsed_schema(json_document parsed) : document(std::move(parsed)) {}

  json_document document;
  std::unordered_map<const json_value*, const json_value*> references; ///< by the schema that has the `$ref`
  std::map<std::string, std::optional<text_pattern>, std::less<>>
      patterns; ///< by text; nothing: not understood
};

/// `path.name`, or `path["name"]` where the name is no plain word. Very long ones are cut.
void append_member(std::string& path, std::string_view name);
std::string member_path(std::string_view path, std::string_view name);

/// A member's name, or a string's text.
std::string_view name_of(const json_value& value) noexcept;

/// Checks a value. Everything that is wrong with it, up to `most`.
std::vector<schema_fault> check_value(const parsed_schema& schema, const json_value& value, std::size_t most);

} // namespace weir::protocols
