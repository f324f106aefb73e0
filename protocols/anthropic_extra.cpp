// Fields that weir has no member for. A request may carry OpenAI's names or this API's own.
// Wire facts: the API references of Anthropic and OpenAI.
#include "protocols/anthropic_request.hpp"

#include "protocols/anthropic_blocks.hpp"

#include <algorithm>
#include <array>
#include <set>

namespace weir::protocols::anthropic {

namespace {

/// Fields that a request sets by its own members, or whose place is in its messages.
constexpr std::array<std::string_view, 9> own_fields{
    "model",       "messages", "system", "max_tokens", "max_completion_tokens",
    "temperature", "stream",   "tools",  "stop"};

/// OpenAI's fields that the Messages API knows nothing like. They are hints, or ask for what does not change
/// the answer's meaning; the API would refuse the request for them.
constexpr std::array<std::string_view, 17> dropped_fields{"audio",
                                                          "frequency_penalty",
                                                          "logit_bias",
                                                          "logprobs",
                                                          "modalities",
                                                          "prediction",
                                                          "presence_penalty",
                                                          "prompt_cache_key",
                                                          "prompt_cache_options",
                                                          "prompt_cache_retention",
                                                          "seed",
                                                          "store",
                                                          "stream_options",
                                                          "top_logprobs",
                                                          "verbosity",
                                                          "include_obfuscation",
                                                          "moderation"};

/// Service tiers that only OpenAI has.
constexpr std::array<std::string_view, 4> foreign_tiers{"default", "flex", "priority", "scale"};

constexpr std::array<std::string_view, 2> sampling_fields{"top_p", "top_k"};

template <std::size_t Size>
bool contains(const std::array<std::string_view, Size>& names, std::string_view name) noexcept {
  return std::ranges::find(names, name) != names.end();
}

failure refused(std::string message, std::string place) {
  return make_failure(errc::invalid_request, std::move(message), std::move(place));
}

/// `response_format`: only a schema has a counterpart. `json_object` has none; OpenAI demands that the prompt
/// asks for JSON as well, so the prompt still does.
result<void> read_format(const json_value& format, sorted_extra& into) {
  if (text_of(find_member(format, "type")) != "json_schema")
    return {};
  const json_value* schema = find_member(format, "json_schema", "schema");
  if (schema == nullptr || !schema->IsObject())
    return refused("expected a JSON Schema", "response_format.json_schema.schema");
  into.schema = to_json_text(*schema);
  return {};
}

/// `minimal` is below the lowest of this API; `none` asks for what it does anyway when `thinking` is not set.
result<void> read_effort(const json_value& effort, sorted_extra& into) {
  if (effort.IsNull())
    return {};
  if (!effort.IsString())
    return refused("expected a string", "reasoning_effort");
  const auto word = text_of(&effort);
  if (word == "minimal")
    into.effort = R"("low")";
  else if (word != "none")
    into.effort = to_json_text(effort);
  return {};
}

result<void> read_user(const std::string& name, const json_value& user, sorted_extra& into) {
  if (user.IsNull())
    return {};
  if (!user.IsString())
    return refused("expected a string", name);
  // OpenAI replaces `user` by `safety_identifier`: the newer one counts.
  if (name == "safety_identifier" || into.user.empty())
    into.user = to_json_text(user);
  return {};
}

/// A choice that weir has no value for. This API's own words pass; OpenAI's lists of allowed tools cannot be
/// said.
result<bool> check_choice(const json_value& choice) {
  constexpr std::array<std::string_view, 4> words{"auto", "any", "none", "tool"};
  if (choice.IsNull())
    return true;
  if (!contains(words, text_of(find_member(choice, "type"))))
    return refused("the provider knows no such choice", "tool_choice");
  return false;
}

/// Fields with another name here. True: it was one, and nothing is left to do.
result<bool> read_mapped(const std::string& name, const std::string& json, const json_value& value,
                         sorted_extra& into) {
  const auto done = [](const result<void>& read) -> result<bool> {
    if (!read)
      return read.error();
    return true;
  };
  if (name == "reasoning_effort")
    return done(read_effort(value, into));
  if (name == "response_format")
    return done(read_format(value, into));
  if (name == "user" || name == "safety_identifier")
    return done(read_user(name, value, into));
  if (name == "parallel_tool_calls") {
    into.one_tool_at_a_time = value.IsFalse();
    return true;
  }
  if (name == "n") {
    if (!value.IsNull() && !(value.IsInt() && value.GetInt() == 1))
      return refused("the provider gives one answer to a call", "n");
    return true;
  }
  if (name == "tool_choice") // weir has a value for what both APIs can say
    return check_choice(value);
  if (name == "service_tier")
    return contains(foreign_tiers, text_of(&value));
  if (name == "output_config") {
    into.output_config = json;
    return true;
  }
  if (name == "metadata") {
    // Of its own, the API knows only a user's id. Anything else is OpenAI's map of labels.
    if (find_member(value, "user_id") != nullptr)
      into.metadata = json;
    return true;
  }
  return false;
}

/// An object with the members of `native`, then those of `mapped` that it lacks.
void write_merged(json_writer& out, std::string_view name, const std::string& native,
                  const extra_members& mapped) {
  if (native.empty() && mapped.empty())
    return;
  write_key(out, name);
  const auto parsed = json_document::parse(native.empty() ? "{}" : native);
  if (!parsed || !parsed->root().IsObject())
    return write_raw(out, native);
  out.StartObject();
  for (const auto& member : parsed->root().GetObject()) {
    write_key(out, {member.name.GetString(), member.name.GetStringLength()});
    member.value.Accept(out);
  }
  for (const auto& [key, json] : mapped)
    if (!parsed->root().HasMember(key.c_str()))
      write_raw(out, key, json);
  out.EndObject();
}

} // namespace

bool sorted_extra::has(std::string_view name) const noexcept {
  return std::ranges::any_of(native, [name](const auto& each) { return each.first == name; });
}

result<sorted_extra> sort_extra(const extra_members& extra, const dialect& how) {
  sorted_extra sorted;
  std::set<std::string_view> seen;
  for (const auto& [name, json] : extra) {
    if (contains(own_fields, name))
      return refused("the field has a member of its own in the request", name);
    if (!seen.insert(name).second)
      return refused("the field stands twice", name);
    if (!is_writable_json(json))
      return refused("the extra field is no JSON", name);
    const auto parsed = json_document::parse(json);
    if (contains(dropped_fields, name) || (!how.sampling && contains(sampling_fields, name)))
      continue;
    const auto mapped = read_mapped(name, json, parsed->root(), sorted);
    if (!mapped)
      return mapped.error();
    if (!*mapped)
      sorted.native.emplace_back(name, json);
  }
  return sorted;
}

void write_extra(json_writer& out, const sorted_extra& extra) {
  extra_members config;
  if (!extra.effort.empty())
    config.emplace_back("effort", extra.effort);
  if (!extra.schema.empty())
    config.emplace_back("format", R"({"type":"json_schema","schema":)" + extra.schema + "}");
  write_merged(out, "output_config", extra.output_config, config);
  extra_members metadata;
  if (!extra.user.empty())
    metadata.emplace_back("user_id", extra.user);
  write_merged(out, "metadata", extra.metadata, metadata);
  for (const auto& [name, json] : extra.native)
    write_raw(out, name, json);
}

} // namespace weir::protocols::anthropic
