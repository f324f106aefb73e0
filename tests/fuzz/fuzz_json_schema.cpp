// JSON Schema: any schema and any instance, parted by a NUL, come to an end, with faults for people or none.
// A schema means the same inside `anyOf`, and the opposite inside `not`.
#include "fuzzing.hpp"

#include "protocols/json.hpp"
#include "protocols/json_schema.hpp"
#include "protocols/utf8.hpp"

#include <algorithm>

using namespace weir;
using namespace weir::fuzzing;
using protocols::json_schema;
using protocols::schema_fault;
using protocols::valid_utf8;

namespace {

bool gave_up(const std::vector<schema_fault>& faults) {
  return std::ranges::any_of(faults, [](const schema_fault& each) {
    return each.problem.find("too large or too deeply nested") != std::string::npos;
  });
}

void check_faults(const std::vector<schema_fault>& faults, bool is_utf8) {
  require(faults.size() <= json_schema::most_faults, "faults are bounded");
  for (const schema_fault& each : faults) {
    require(each.path.starts_with("$"), "a fault has a path", each.path);
    require(each.path.size() <= 1024, "a path is short", each.path);
    require(!each.problem.empty() && each.problem.size() <= 1024, "a problem is said in few words",
            each.problem);
    if (is_utf8)
      require(valid_utf8(each.path) == each.path.size() && valid_utf8(each.problem) == each.problem.size(),
              "what is told is UTF-8", [&] { return each.path + ": " + each.problem; });
  }
}

/// The same schema within another: `{"anyOf":[…]}` and so on. References would lead elsewhere.
void check_within(std::string_view text, std::string_view instance, bool fits) {
  const std::string schema(text);
  const auto any = json_schema::parse(R"({"anyOf":[)" + schema + "]}");
  const auto opposite = json_schema::parse(R"({"not":)" + schema + "}");
  if (!any || !opposite)
    return; // one level deeper than may be
  const auto of_any = any->check(instance);
  const auto of_opposite = opposite->check(instance);
  check_faults(of_any, false);
  check_faults(of_opposite, false);
  if (!gave_up(of_any))
    require(of_any.empty() == fits, "a schema means the same as the only alternative", schema);
  if (!gave_up(of_opposite))
    require(of_opposite.empty() != fits, "what is not a schema is what does not fit it", schema);
}

} // namespace

int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  input from(data, size);
  const std::string_view text = from.until('\0');
  const std::string_view instance = from.rest();
  const auto schema = json_schema::parse(text);
  if (!schema) {
    require(schema.error().type == errc::invalid_request && !schema.error().message.empty(),
            "a schema is refused with a reason", [&] { return to_string(schema.error()); });
    return 0;
  }
  const auto faults = schema->check(instance);
  check_faults(faults, valid_utf8(text) == text.size() && valid_utf8(instance) == instance.size());
  const bool blank = instance.find_first_not_of(" \t\r\n") == std::string_view::npos;
  if (!blank && !protocols::is_json(instance))
    require(!faults.empty(), "what is no JSON fits nothing", instance);
  else if (!gave_up(faults) && text.find("$ref") == std::string_view::npos &&
           text.find('\\') == std::string_view::npos)
    check_within(text, instance, faults.empty());
  return 0;
}
