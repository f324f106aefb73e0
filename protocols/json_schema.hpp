// JSON Schema, as definitions of tools have it: is this JSON what the schema asks for, and if not, what is
// wrong? Knows no tool and no vendor. Neither a hostile schema nor hostile JSON makes it run away.
#pragma once

#include <weir/error.hpp>

#include <cstddef>
#include <memory>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace weir::protocols {

/// One thing that does not fit, in words that help a model to correct its call.
struct schema_fault {
  std::string path;    ///< where, such as `$.city` or `$.stops[2]["post code"]`
  std::string problem; ///< such as `expected a string, got a number`

  friend bool operator==(const schema_fault&, const schema_fault&) = default;
};

struct parsed_schema;

/// A schema that was read. Copies share it, and threads may.
class json_schema {
public:
  /// Reads a schema of draft 2020-12, or of an older draft where it means the same. Keywords that are not
  /// understood are passed over. Errors (`invalid_request`, with the path in the schema): no JSON; a keyword
  /// whose value is of the wrong type; a `$ref` that does not lead to a schema in the same text; more than
  /// `largest` bytes.
  static result<json_schema> parse(std::string_view text);

  /// What is wrong with a JSON text: at most `most_faults`, none if it fits. No text at all counts as `{}`,
  /// as some models call tools without arguments.
  std::vector<schema_fault> check(std::string_view json) const;

  static constexpr std::size_t largest = 1U << 20U;
  static constexpr std::size_t most_faults = 20;

private:
  explicit json_schema(std::shared_ptr<const parsed_schema> parsed) : parsed_(std::move(parsed)) {}

  std::shared_ptr<const parsed_schema> parsed_;
};

} // namespace weir::protocols
