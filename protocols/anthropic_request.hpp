// Requests out: weir's values as the body of a Messages request.
// Knows no HTTP. What the API cannot be told is refused with its place, or left out by a rule that the
// documentation names (docs/wire-mapping.md).
#pragma once

#include "protocols/json.hpp"

#include <weir/chat.hpp>

#include <cstdint>
#include <string>

namespace weir::protocols::anthropic {

/// What the provider's configuration says of its requests.
struct dialect {
  bool sampling = true; ///< false: temperature, top_p and top_k are left out, since it refuses them
  std::uint32_t max_tokens = 4096; ///< where the request names none: the API demands one
};

/// The whole body. Errors: `invalid_request` with the JSON path of what cannot be said.
result<std::string> encode_body(const chat_request& request, const dialect& how);

/// Writes `system`, if anything is to be said, and `messages`.
result<void> write_conversation(json_writer& out, const std::vector<message>& messages);

/// What a request's further fields mean to this API. All texts are JSON; empty: not said.
struct sorted_extra {
  extra_members native;      ///< written as they are
  std::string output_config; ///< native; what is mapped is merged in
  std::string metadata;      ///< native
  std::string effort;
  std::string schema;
  std::string user;
  bool one_tool_at_a_time = false;

  bool has(std::string_view name) const noexcept;
};

/// Sorts `request.extra`: what has another name here, what means nothing here, what is to be sent unchanged.
result<sorted_extra> sort_extra(const extra_members& extra, const dialect& how);

/// Writes what was sorted, but for `one_tool_at_a_time`, which belongs to `tool_choice`. Native members win.
void write_extra(json_writer& out, const sorted_extra& extra);

} // namespace weir::protocols::anthropic
