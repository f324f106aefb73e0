// Names of roles and reasons, and small helpers for messages.
// Knows no wire format.
#include <weir/chat.hpp>

#include <algorithm>
#include <array>

namespace weir {

namespace {

constexpr std::array<std::string_view, 4> role_names{"system", "user", "assistant", "tool"};
constexpr std::array<std::string_view, 7> finish_names{"unknown",        "stop",  "length", "tool_calls",
                                                       "content_filter", "pause", "error"};

constexpr std::array<std::string_view, 5> kind_names{"content", "reasoning", "refusal", "tool_call",
                                                     "restart"};
constexpr std::array<std::string_view, 4> rescue_names{"fail", "buffer", "restart", "continue"};

} // namespace

std::string_view to_string(role value) noexcept {
  return role_names[static_cast<std::size_t>(value)];
}

std::optional<role> to_role(std::string_view name) noexcept {
  const auto found = std::ranges::find(role_names, name);
  if (found == role_names.end())
    return std::nullopt;
  return static_cast<role>(found - role_names.begin());
}

std::string_view to_string(finish_reason value) noexcept {
  return finish_names[static_cast<std::size_t>(value)];
}

std::string_view to_string(chat_delta::kind value) noexcept {
  return kind_names[static_cast<std::size_t>(value)];
}

std::string_view to_string(rescue_policy value) noexcept {
  return rescue_names[static_cast<std::size_t>(value)];
}

std::optional<rescue_policy> to_rescue_policy(std::string_view name) noexcept {
  const auto found = std::ranges::find(rescue_names, name);
  if (found == rescue_names.end())
    return std::nullopt;
  return static_cast<rescue_policy>(found - rescue_names.begin());
}

message make_message(role from, std::string text) {
  message made;
  made.role = from;
  made.content.emplace_back(text_part{std::move(text)});
  return made;
}

std::string text_of(const message& value) {
  std::string text;
  for (const content_part& part : value.content)
    if (const auto* piece = std::get_if<text_part>(&part))
      text += piece->text;
  return text;
}

message to_message(const chat_reply& reply) {
  message made;
  made.role = role::assistant;
  made.content = reply.parts;
  if (made.content.empty() && !reply.content.empty())
    made.content.emplace_back(text_part{reply.content});
  made.tool_calls = reply.tool_calls;
  made.extra = reply.extra;
  return made;
}

} // namespace weir
