// The heuristic.
#include "protocols/estimate.hpp"

#include <variant>

namespace weir::protocols {

std::uint64_t estimate_text_tokens(std::string_view text) noexcept {
  return (text.size() + 3) / 4;
}

std::uint64_t estimate_prompt_tokens(const chat_request& request) noexcept {
  std::uint64_t tokens = 0;
  for (const message& each : request.messages) {
    for (const content_part& part : each.content)
      if (const auto* text = std::get_if<text_part>(&part))
        tokens += estimate_text_tokens(text->text);
    for (const tool_call& call : each.tool_calls)
      tokens += estimate_text_tokens(call.name) + estimate_text_tokens(call.arguments);
  }
  for (const tool& each : request.tools)
    tokens += estimate_text_tokens(each.name) + estimate_text_tokens(each.description) +
              estimate_text_tokens(each.parameters);
  return tokens;
}

} // namespace weir::protocols
