// From one API to the other and back: what both can say is still said. What may differ is taken out by the
// rules of docs/wire-mapping.md, which stand here as code.
#include "anthropic_cases.hpp"

#include "protocols/anthropic_messages_server.hpp"
#include "protocols/openai_chat.hpp"
#include "protocols/openai_chat_server.hpp"

#include <algorithm>
#include <set>

using namespace anthropic_cases;

namespace {

using value = rapidjson::Value;
using document = rapidjson::Document;

bool is_blank(std::string_view text) {
  return text.find_first_not_of(" \t\r\n") == std::string_view::npos;
}

value string_value(std::string_view text, document& owner) {
  return {text.data(), static_cast<rapidjson::SizeType>(text.size()), owner.GetAllocator()};
}

/// A string is one block of text; blank texts are not sent.
value as_blocks(const value* content, document& owner) {
  value blocks(rapidjson::kArrayType);
  const auto add_text = [&](std::string_view text) {
    value block(rapidjson::kObjectType);
    block.AddMember("type", "text", owner.GetAllocator());
    block.AddMember("text", string_value(text, owner), owner.GetAllocator());
    blocks.PushBack(block, owner.GetAllocator());
  };
  if (content != nullptr && content->IsString() && !is_blank(text_of(content)))
    add_text(text_of(content));
  if (content != nullptr && content->IsArray())
    for (const value& each : content->GetArray())
      if (text_of(find_member(each, "type")) != "text" || !is_blank(text_of(find_member(each, "text"))))
        blocks.PushBack(value(each, owner.GetAllocator()), owner.GetAllocator());
  return blocks;
}

void set_member(value& into, const char* name, value&& to, document& owner) {
  into.RemoveMember(name);
  into.AddMember(rapidjson::StringRef(name), to, owner.GetAllocator());
}

/// Removes a member that says what its absence says.
void drop_if(value& from, const char* name, const value& nothing) {
  if (from.HasMember(name) && from[name] == nothing)
    from.RemoveMember(name);
}

void keep_only(value& from, const std::set<std::string_view>& names) {
  for (auto member = from.MemberBegin(); member != from.MemberEnd();)
    member = names.contains(text_of(&member->name)) ? member + 1 : from.EraseMember(member);
}

/// A value whose strings, too, live in `memory`.
value parsed_into(std::string_view json, rapidjson::MemoryPoolAllocator<>& memory) {
  document made(&memory);
  made.Parse(json.data(), json.size());
  value moved;
  moved.Swap(made);
  return moved;
}

/// The texts of blocks, joined by blank lines; nothing where one of them carries more than text.
std::optional<std::string> joined(const value& blocks) {
  std::string text;
  for (const value& each : blocks.GetArray()) {
    if (each.MemberCount() != 2)
      return std::nullopt;
    text += (text.empty() ? "" : "\n\n") + std::string(text_of(find_member(each, "text")));
  }
  return text;
}

void settle_block(value& block, document& owner) {
  if (!block.IsObject())
    return;
  block.RemoveMember("caller"); // who made the call: not kept
  if (text_of(find_member(block, "type")) != "tool_result")
    return;
  drop_if(block, "is_error", value(false));
  value inside = as_blocks(find_member(block, "content"), owner);
  for (value& each : inside.GetArray())
    if (each.HasMember("cache_control")) {
      set_member(block, "cache_control", value(each["cache_control"], owner.GetAllocator()), owner);
      each.RemoveMember("cache_control");
    }
  set_member(block, "content", std::move(inside), owner);
}

/// A Messages request without the differences that do not count.
document settled(std::string_view json) {
  document body = parsed(json);
  drop_if(body, "stream", value(false));
  if (!body.HasMember("max_tokens"))
    body.AddMember("max_tokens", 4096, body.GetAllocator());
  if (body.HasMember("system")) {
    value blocks = as_blocks(&body["system"], body);
    if (const auto text = joined(blocks))
      set_member(body, "system", string_value(*text, body), body);
    else
      set_member(body, "system", std::move(blocks), body);
  }
  for (value& message : body["messages"].GetArray()) {
    value blocks = as_blocks(find_member(message, "content"), body);
    for (value& block : blocks.GetArray())
      settle_block(block, body);
    set_member(message, "content", std::move(blocks), body);
  }
  if (body.HasMember("tools"))
    for (value& tool : body["tools"].GetArray()) {
      drop_if(tool, "type", value("custom"));
      drop_if(tool, "description", value(""));
      if (!tool.HasMember("type")) // a function: hints such as `defer_loading` are not kept
        keep_only(tool, {"name", "description", "input_schema", "strict", "cache_control"});
    }
  return body;
}

void check_there_and_back(const std::string& json, std::string_view id) {
  const auto request = decode_messages_request(json);
  BOOST_REQUIRE_MESSAGE(request.has_value(), id);
  const auto sent = make()->encode_chat(*request);
  BOOST_REQUIRE_MESSAGE(sent.has_value(), id);
  const document before = settled(json);
  const document after = settled(sent->body);
  BOOST_TEST((before == after), id << "\n" << to_json_text(before) << "\n" << to_json_text(after));
}

// OpenAI's side.

std::unique_ptr<const codec> openai() {
  provider_config provider = plain_provider();
  provider.type = provider_type::generic;
  return std::move(openai_chat::make(provider, wire_of(provider)).value());
}

/// Fields that the Messages API has nothing like, and those that `encode_chat` adds of itself.
constexpr std::array no_counterpart{"seed",       "frequency_penalty", "presence_penalty",
                                    "logprobs",   "stop_token_ids",    "top_logprobs",
                                    "logit_bias", "stream_options",    "store",
                                    "verbosity",  "prompt_cache_key",  "modalities",
                                    "audio",      "prediction",        "n",
                                    "metadata"};

/// Messages with the system's texts first and as one, neighbours of one role as one, texts without the rest
/// of their message's members.
value settled_messages(const value& messages, document& owner) {
  auto& memory = owner.GetAllocator();
  std::string system;
  value list(rapidjson::kArrayType);
  for (const value& each : messages.GetArray()) {
    const auto role = text_of(find_member(each, "role"));
    value content = as_blocks(find_member(each, "content"), owner);
    for (value& part : content.GetArray())
      if (part.HasMember("image_url"))
        part["image_url"].RemoveMember("detail");
    if (role == "system" || role == "developer") {
      for (const value& part : content.GetArray())
        system += (system.empty() ? "" : "\n\n") + std::string(text_of(find_member(part, "text")));
      continue;
    }
    value calls(rapidjson::kArrayType);
    if (const value* made = find_member(each, "tool_calls"); made != nullptr)
      for (const value& call : made->GetArray()) {
        value kept(call, memory);
        keep_only(kept, {"id", "type", "function"});
        const auto arguments = text_of(find_member(call, "function", "arguments"));
        value input = parsed_into(is_blank(arguments) ? "{}" : arguments, memory);
        set_member(kept["function"], "arguments", std::move(input), owner);
        calls.PushBack(kept, memory);
      }
    if (content.Empty() && calls.Empty() && role != "tool")
      continue;
    if (role == "user" && !list.Empty() && text_of(find_member(list[list.Size() - 1], "role")) == "user") {
      for (value& part : content.GetArray())
        list[list.Size() - 1]["content"].PushBack(part, memory);
      continue;
    }
    value message(rapidjson::kObjectType);
    message.AddMember("role", string_value(role, owner), memory);
    message.AddMember("content", content, memory);
    message.AddMember("tool_calls", calls, memory);
    if (const value* id = find_member(each, "tool_call_id"); id != nullptr)
      message.AddMember("tool_call_id", value(*id, memory), memory);
    list.PushBack(message, memory);
  }
  value whole(rapidjson::kArrayType);
  whole.PushBack(string_value(system, owner), memory);
  whole.PushBack(list, memory);
  return whole;
}

void settle_format(document& body) {
  const auto type = text_of(find_member(body, "response_format", "type"));
  if (type != "json_schema")
    body.RemoveMember("response_format"); // only a schema has a counterpart
  else
    keep_only(body["response_format"]["json_schema"], {"schema"});
}

/// A Chat Completions request without the differences that the mapping knows.
document settled_chat(std::string_view json) {
  document body = parsed(json);
  auto& memory = body.GetAllocator();
  for (const char* name : no_counterpart)
    body.RemoveMember(name);
  set_member(body, "messages", settled_messages(body["messages"], body), body);
  if (!body.HasMember("max_tokens"))
    body.AddMember("max_tokens", 4096, memory); // the Messages API demands one
  if (body.HasMember("temperature") && body["temperature"].GetDouble() > 1)
    body["temperature"].SetDouble(1);
  drop_if(body, "parallel_tool_calls", value(true));
  drop_if(body, "tools", value(rapidjson::kArrayType));
  if (!body.HasMember("tools"))
    for (const char* name : {"tool_choice", "parallel_tool_calls"})
      body.RemoveMember(name);
  else
    for (value& tool : body["tools"].GetArray())
      if (tool.HasMember("function") && !tool["function"].HasMember("parameters"))
        tool["function"].AddMember("parameters", parsed_into(R"({"type":"object","properties":{}})", memory),
                                   memory);
  if (body.HasMember("parallel_tool_calls") && !body.HasMember("tool_choice"))
    body.AddMember("tool_choice", "auto", memory); // where the Messages API says it
  settle_format(body);
  if (text_of(find_member(body, "reasoning_effort")) == "minimal")
    body["reasoning_effort"].SetString("low");
  drop_if(body, "reasoning_effort", value("none"));
  if (body.HasMember("safety_identifier")) {
    set_member(body, "user", value(body["safety_identifier"], memory), body);
    body.RemoveMember("safety_identifier");
  }
  for (const char* tier : {"default", "flex", "priority"})
    drop_if(body, "service_tier", value(rapidjson::StringRef(tier)));
  return body;
}

/// False: the request says what the Messages API cannot be told, and is refused with its place.
bool check_by_way_of_anthropic(const std::string& json, std::string_view id) {
  const auto request = decode_chat_request(json);
  BOOST_REQUIRE_MESSAGE(request.has_value(), id);
  const auto direct = openai()->encode_chat(*request);
  BOOST_REQUIRE_MESSAGE(direct.has_value(), id);
  const auto sent = make()->encode_chat(*request);
  if (!sent) {
    BOOST_TEST((sent.error().type == errc::invalid_request), id);
    BOOST_TEST(!sent.error().place.empty(), id);
    return false;
  }
  const auto read = decode_messages_request(sent->body);
  BOOST_REQUIRE_MESSAGE(read.has_value(), id);
  const auto back = openai()->encode_chat(*read);
  BOOST_REQUIRE_MESSAGE(back.has_value(), id << ": " << (back ? "" : to_string(back.error())));
  const document before = settled_chat(direct->body);
  const document after = settled_chat(back->body);
  BOOST_TEST((before == after), id << "\n" << to_json_text(before) << "\n" << to_json_text(after));
  return true;
}

/// Bodies that real clients sent to a path.
std::vector<std::string> captured(std::string_view path) {
  const auto file = parsed(read_file("gateway_requests/cases.json"));
  std::vector<std::string> bodies;
  for (const json_value& each : find_member(file, "requests")->GetArray())
    if (text_of(find_member(each, "path")).ends_with(path))
      bodies.push_back(to_json_text(*find_member(each, "body")));
  return bodies;
}

} // namespace

BOOST_AUTO_TEST_SUITE(round_trip_test)

BOOST_AUTO_TEST_CASE(every_recorded_messages_request_is_sent_on_with_the_same_meaning) {
  std::size_t same = 0;
  for_each_case([&](const recorded_case& each) {
    const json_value& body = *find_member(each.request, "body");
    if (each.id == "anthropic/error/bad_shape_400") {
      BOOST_TEST(decode_messages_request(to_json_text(body)).error().place == "messages[0]");
      return;
    }
    check_there_and_back(to_json_text(body), each.id);
    ++same;
  });
  BOOST_TEST(same >= 29U);
  for (const std::string& body : captured("/messages"))
    check_there_and_back(body, body);
}

BOOST_AUTO_TEST_CASE(blocks_of_every_kind_are_sent_on_with_the_same_meaning) {
  check_there_and_back(R"({"model":"m","max_tokens":9,"temperature":0.5,"top_p":0.9,"top_k":4,"stream":true,
    "system":[{"type":"text","text":"a","cache_control":{"type":"ephemeral","ttl":"1h"}},{"type":"text","text":"b"}],
    "stop_sequences":["X"],"metadata":{"user_id":"u"},"service_tier":"standard_only","container":"c",
    "thinking":{"type":"enabled","budget_tokens":1024},
    "output_config":{"effort":"max","format":{"type":"json_schema","schema":{"type":"object"}}},
    "tools":[{"name":"f","description":"d","input_schema":{"type":"object"},"strict":true,"cache_control":{"type":"ephemeral"}},
      {"type":"web_search_20250305","name":"web_search","max_uses":2}],
    "tool_choice":{"type":"tool","name":"f","disable_parallel_tool_use":true},
    "messages":[{"role":"user","content":[{"type":"text","text":"t","cache_control":{"type":"ephemeral"}},
        {"type":"image","source":{"type":"url","url":"https://example.com/a.png"},"cache_control":{"type":"ephemeral"}},
        {"type":"image","source":{"type":"base64","media_type":"image/png","data":"QUJD"}},
        {"type":"image","source":{"type":"file","file_id":"f1"}},{"type":"document","source":{"type":"url","url":"https://x/y.pdf"}}]},
      {"role":"assistant","content":[{"type":"thinking","thinking":"hm","signature":"s"},
        {"type":"redacted_thinking","data":"r"},{"type":"text","text":"so"},
        {"type":"server_tool_use","id":"s1","name":"web_search","input":{}},
        {"type":"web_search_tool_result","tool_use_id":"s1","content":[]},
        {"type":"tool_use","id":"t1","name":"f","input":{"a":[1,2.5]}},{"type":"tool_use","id":"t2","name":"f","input":{}}]},
      {"role":"user","content":[{"type":"tool_result","tool_use_id":"t1","content":"ok","cache_control":{"type":"ephemeral"}},
        {"type":"tool_result","tool_use_id":"t2","is_error":true,"content":[{"type":"text","text":"no"},
          {"type":"image","source":{"type":"base64","media_type":"image/png","data":"QUJD"}}]},
        {"type":"text","text":"go on"}]}]})",
                       "every kind");
}

BOOST_AUTO_TEST_CASE(every_recorded_chat_request_keeps_what_both_apis_can_say) {
  const auto index = parsed(read_file("index.json"));
  std::size_t same = 0;
  std::size_t refused = 0;
  for (const json_value& entry : find_member(index, "cases")->GetArray()) {
    if (text_of(find_member(entry, "api")) != "openai.chat")
      continue;
    const std::string id(text_of(find_member(entry, "id")));
    const auto file = parsed(read_file(std::string(text_of(find_member(entry, "file")))));
    const json_value* body = find_member(*find_case(file, id), "request", "body");
    if (body == nullptr || !body->IsObject() || !decode_chat_request(to_json_text(*body)))
      continue;
    ++(check_by_way_of_anthropic(to_json_text(*body), id) ? same : refused);
  }
  BOOST_TEST(same >= 70U);
  BOOST_TEST(refused <= 6U);
  std::size_t sent = 0;
  for (const std::string& body : captured("/chat/completions"))
    sent += check_by_way_of_anthropic(body, body) ? 1U : 0U;
  BOOST_TEST(sent >= 12U);
}

BOOST_AUTO_TEST_CASE(a_chat_request_with_everything_keeps_what_both_apis_can_say) {
  BOOST_TEST(check_by_way_of_anthropic(
      R"({"model":"m","max_tokens":9,"temperature":1.5,"top_p":0.9,"stream":true,"stop":"X",
    "seed":1,"frequency_penalty":1,"presence_penalty":1,"logprobs":true,"logit_bias":{},"n":1,"store":false,
    "user":"u","reasoning_effort":"minimal","verbosity":"low","metadata":{"run":"1"},"service_tier":"flex",
    "response_format":{"type":"json_schema","json_schema":{"name":"x","schema":{"type":"object"}}},
    "parallel_tool_calls":false,"tool_choice":{"type":"function","function":{"name":"f"}},
    "tools":[{"type":"function","function":{"name":"f","description":"d","parameters":{"type":"object"},"strict":true}},
      {"type":"function","function":{"name":"g"}}],
    "messages":[{"role":"developer","content":"be brief"},{"role":"system","content":[{"type":"text","text":"be kind"}]},
      {"role":"user","name":"ann","content":[{"type":"text","text":"look"},
        {"type":"image_url","image_url":{"url":"data:image/png;base64,QUJD","detail":"high"}},
        {"type":"image_url","image_url":{"url":"https://example.com/a.png"}}]},
      {"role":"assistant","content":null,"tool_calls":[
        {"id":"c1","type":"function","function":{"name":"f","arguments":"{ \"a\": 1 }"}},
        {"id":"c2","type":"function","function":{"name":"g","arguments":""}}]},
      {"role":"tool","tool_call_id":"c2","content":"two"},{"role":"tool","tool_call_id":"c1","content":[{"type":"text","text":"one"}]},
      {"role":"user","content":"so?"}]})",
      "everything"));
  for (const char* refused :
       {R"("n":2)", R"("tool_choice":{"type":"allowed_tools","allowed_tools":{"mode":"auto"}})"})
    BOOST_TEST(!check_by_way_of_anthropic(
        R"({"model":"m","messages":[{"role":"user","content":"x"}],)" + std::string(refused) + "}", refused));
}

BOOST_AUTO_TEST_CASE(a_reply_keeps_its_meaning_through_both_servers) {
  std::size_t replies = 0;
  for_each_case([&](const recorded_case& each) {
    const auto upstream = listen(to_response(each.response), [] { return 17U; }).reply;
    if (!upstream)
      return;
    const auto by_messages = make()->decode_chat(encode_messages_reply(*upstream, "msg_1"), {});
    BOOST_REQUIRE_MESSAGE(by_messages.has_value(), each.id);
    BOOST_TEST(by_messages->content == upstream->content, each.id);
    BOOST_TEST((by_messages->tool_calls == upstream->tool_calls), each.id);
    BOOST_TEST((by_messages->parts == upstream->parts), each.id);
    BOOST_TEST((by_messages->finish_reason == upstream->finish_reason), each.id);
    BOOST_TEST(by_messages->usage.total_tokens == upstream->usage.total_tokens, each.id);
    const auto by_chat = openai()->decode_chat(encode_chat_reply(*upstream, "chatcmpl-1", 0), {});
    BOOST_REQUIRE_MESSAGE(by_chat.has_value(), each.id);
    BOOST_TEST((by_chat->content == upstream->content || by_chat->content == upstream->refusal), each.id);
    BOOST_TEST((by_chat->tool_calls == upstream->tool_calls), each.id);
    BOOST_TEST((by_chat->finish_reason == upstream->finish_reason), each.id);
    BOOST_TEST(by_chat->usage.prompt_tokens == upstream->usage.prompt_tokens, each.id);
    BOOST_TEST(by_chat->usage.completion_tokens == upstream->usage.completion_tokens, each.id);
    BOOST_TEST((by_chat->usage.cached_tokens == upstream->usage.cached_tokens), each.id);
    ++replies;
  });
  BOOST_TEST(replies >= 20U);
}

BOOST_AUTO_TEST_SUITE_END()
