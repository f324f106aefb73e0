// Wire facts: OpenAI's API reference, "Responses".
#include "protocols/foreign_item.hpp"

#include "protocols/json.hpp"

namespace weir::protocols {

bool may_be_left_out(const raw_part& part) {
  if (part.api != api_kind::responses)
    return false;
  const auto parsed = json_document::parse(part.json);
  if (!parsed)
    return false;
  const auto type = text_of(find_member(parsed->root(), "type"));
  return type == "reasoning" || type == "function_call" || type == "custom_tool_call";
}

} // namespace weir::protocols
