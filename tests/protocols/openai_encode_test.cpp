// What a request looks like on the wire: recorded requests said again, and what each option of a server
// changes.
#include "openai_fixtures.hpp"

#include "protocols/openai_chat_server.hpp"

#include <rapidjson/document.h>

using namespace weir;
using namespace weir::protocols;
using namespace weir::protocols::recorded;

namespace {

chat_request plain(std::string text = "x") {
  chat_request request;
  request.model = model_name("m");
  request.messages.push_back(make_message(role::user, std::move(text)));
  return request;
}

std::string body_of(const chat_request& request, wire_options wire = {}) {
  const auto made = chat_codec(std::move(wire))->encode_chat(request);
  return made ? made->body : to_string(made.error());
}

std::string place_of(const chat_request& request) {
  const auto made = chat_codec()->encode_chat(request);
  if (made || made.error().type != errc::invalid_request)
    return "said";
  return made.error().place;
}

/// The `messages` of a body, as JSON text.
std::string messages_of(const chat_request& request) {
  const auto parsed = json_document::parse(body_of(request));
  BOOST_REQUIRE(parsed.has_value());
  return to_json_text(*find_member(parsed->root(), "messages"));
}

/// A recorded request in weir's own words. All that it does: null members and `stream: false` are gone, an
/// empty list of tools too; one stop text is a list; `developer` is `system`; content that is one text
/// without a mark is plain; content that is null is "" where there are no calls; `max_tokens` has the name of
/// `field`.
class normalised {
public:
  explicit normalised(const json_value& body) {
    document_.CopyFrom(body, document_.GetAllocator());
    drop_nulls(document_);
    for (const char* name : {"max_tokens", "max_completion_tokens"})
      if (document_.HasMember(name))
        field_ = name;
    if (document_.HasMember("stream") && !document_["stream"].GetBool())
      document_.RemoveMember("stream");
    if (document_.HasMember("tools") && document_["tools"].Empty())
      document_.RemoveMember("tools");
    if (document_.HasMember("stop") && document_["stop"].IsString()) {
      rapidjson::Value one(document_["stop"], document_.GetAllocator());
      document_["stop"].SetArray().PushBack(one, document_.GetAllocator());
    }
    if (document_.HasMember("tools"))
      for (json_value& each : document_["tools"].GetArray())
        if (each.HasMember("function") && text_of(find_member(each, "function", "description")).empty())
          each["function"].RemoveMember("description");
    for (json_value& each : document_["messages"].GetArray())
      message(each);
  }

  const json_value& body() const { return document_; }
  const std::string& field() const { return field_; }

private:
  static void drop_nulls(json_value& object) {
    for (auto member = object.MemberBegin(); member != object.MemberEnd();)
      member = member->value.IsNull() ? object.EraseMember(member) : member + 1;
  }
  void message(json_value& value) {
    const bool empty = !value.HasMember("content") || value["content"].IsNull();
    drop_nulls(value);
    if (text_of(&value["role"]) == "developer")
      value["role"].SetString("system");
    if (empty) {
      json_value none = value.HasMember("tool_calls") ? json_value() : json_value("");
      value.AddMember("content", none, document_.GetAllocator());
    }
    json_value& content = value["content"];
    if (content.IsArray())
      for (json_value& part : content.GetArray())
        if (part.HasMember("image_url") && part["image_url"].IsString()) {
          json_value url(part["image_url"], document_.GetAllocator());
          part["image_url"].SetObject().AddMember("url", url, document_.GetAllocator());
        }
    if (content.IsArray() && content.Size() == 1 && text_of(find_member(content[0], "type")) == "text" &&
        !content[0].HasMember("cache_control")) {
      json_value text(content[0]["text"], document_.GetAllocator());
      content = text;
    }
  }

  rapidjson::Document document_;
  std::string field_ = "max_tokens";
};

void check_said_again(const json_value& body, const std::string& id) {
  const auto read = decode_chat_request(to_json_text(body));
  BOOST_REQUIRE_MESSAGE(read.has_value(), id << ": " << to_string(read.error()));
  const normalised expected(body);
  wire_options wire;
  wire.stream_usage = false; // would add what the request does not have
  wire.max_tokens_field = expected.field();
  const auto again = json_document::parse(body_of(*read, wire));
  BOOST_REQUIRE_MESSAGE(again.has_value(), id);
  BOOST_TEST((again->root() == expected.body()), id << ":\n"
                                                    << to_json_text(again->root()) << "\ninstead of\n"
                                                    << to_json_text(expected.body()));
}

} // namespace

BOOST_AUTO_TEST_SUITE(openai_encode_test)

BOOST_AUTO_TEST_CASE(every_recorded_request_can_be_said_again) {
  std::size_t requests = 0;
  for_each_case([&](const json_value& entry, const json_value& recorded) {
    const json_value* body = find_member(recorded, "request", "body");
    if (text_of(find_member(entry, "api")) != "openai.chat" || body == nullptr ||
        find_member(*body, "messages") == nullptr)
      return;
    check_said_again(*body, std::string(text_of(find_member(entry, "id"))));
    ++requests;
  });
  BOOST_TEST(requests == 101U);
}

BOOST_AUTO_TEST_CASE(every_request_of_a_real_client_can_be_said_again) {
  const auto file = json_document::parse(read_fixture("gateway_requests/cases.json"));
  BOOST_REQUIRE(file.has_value());
  std::size_t requests = 0;
  for (const json_value& each : find_member(file->root(), "requests")->GetArray())
    if (text_of(find_member(each, "path")).ends_with("/chat/completions")) {
      check_said_again(*find_member(each, "body"), std::string(text_of(find_member(each, "client"))));
      ++requests;
    }
  BOOST_TEST(requests == 13U);
}

BOOST_AUTO_TEST_CASE(the_limit_of_tokens_has_the_name_that_the_server_knows) {
  chat_request request = plain();
  request.max_tokens = 5;
  wire_options wire;
  BOOST_TEST(body_of(request, wire).find(R"("max_tokens":5)") != std::string::npos);
  wire.max_tokens_field = "max_completion_tokens";
  BOOST_TEST(body_of(request, wire).find(R"("max_completion_tokens":5)") != std::string::npos);
  BOOST_TEST(body_of(request, wire).find("max_tokens\"") == std::string::npos);
}

BOOST_AUTO_TEST_CASE(a_stream_is_asked_for_with_its_usage_where_the_server_knows_how) {
  chat_request request = plain();
  BOOST_TEST(body_of(request).find("stream") == std::string::npos);
  request.stream = true;
  BOOST_TEST(body_of(request).find(R"("stream":true,"stream_options":{"include_usage":true}})") !=
             std::string::npos);
  wire_options wire;
  wire.stream_usage = false;
  BOOST_TEST(body_of(request, wire).ends_with(R"("stream":true})"));
  for (const auto& [own, sent] :
       {std::pair{R"({"include_obfuscation":false})",
                  R"({"include_obfuscation":false,"include_usage":true})"},
        std::pair{R"({"include_usage":false})", R"({"include_usage":false})"},
        std::pair{R"({"include_usage":null})", R"({"include_usage":null})"}, std::pair{"null", "null"}}) {
    request.extra = {{"stream_options", own}};
    BOOST_TEST(body_of(request).ends_with(std::string(R"("stream":true,"stream_options":)") + sent + "}"),
               own);
    BOOST_TEST(body_of(request, wire).ends_with(std::string(R"("stream_options":)") + own + "}"), own);
  }
}

BOOST_AUTO_TEST_CASE(content_has_the_plainest_form_that_says_the_same) {
  chat_request request = plain("hi");
  BOOST_TEST(messages_of(request) == R"([{"role":"user","content":"hi"}])");
  request.messages[0].content = {text_part{"hi", R"({"type":"ephemeral"})"}};
  BOOST_TEST(
      messages_of(request) ==
      R"([{"role":"user","content":[{"type":"text","text":"hi","cache_control":{"type":"ephemeral"}}]}])");
  request.messages[0].content = {text_part{"a"}, image_part{"https://x/", "low", R"({"type":"e"})"},
                                 raw_part{api_kind::chat, R"({"type":"file","file":{}})"}};
  BOOST_TEST(
      messages_of(request) ==
      R"([{"role":"user","content":[{"type":"text","text":"a"},)"
      R"({"type":"image_url","image_url":{"url":"https://x/","detail":"low"},"cache_control":{"type":"e"}},)"
      R"({"type":"file","file":{}}]}])");
  request.messages[0].content.clear();
  BOOST_TEST(messages_of(request) == R"([{"role":"user","content":""}])");
}

BOOST_AUTO_TEST_CASE(an_assistants_turn_is_sent_back_as_it_came) {
  chat_request request;
  message& turn = request.messages.emplace_back();
  turn.role = role::assistant;
  turn.content = {reasoning_part{"thought", "signature"}, text_part{"Let me see"}};
  turn.tool_calls = {{"1", "f", R"({"x":1})", false, {{"extra_content", R"({"google":{"s":"t"}})"}}},
                     {"2", "c", "free \"text\"", true}};
  turn.extra = {{"reasoning_details", R"([{"type":"t"}])"}, {"name", R"("n")"}};
  BOOST_TEST(
      messages_of(request) ==
      R"([{"role":"assistant","content":"Let me see","tool_calls":[)"
      R"({"id":"1","type":"function","function":{"name":"f","arguments":"{\"x\":1}"},"extra_content":{"google":{"s":"t"}}},)"
      R"({"id":"2","type":"custom","custom":{"name":"c","input":"free \"text\""}}],)"
      R"("reasoning_details":[{"type":"t"}],"name":"n"}])");
  turn.content = {reasoning_part{"thought"}};
  BOOST_TEST(messages_of(request).starts_with(R"([{"role":"assistant","content":null,"tool_calls")"));
  turn.tool_calls.clear();
  turn.extra = {{"function_call", R"({"name":"f","arguments":"{}"})"}};
  BOOST_TEST(messages_of(request) ==
             R"([{"role":"assistant","content":null,"function_call":{"name":"f","arguments":"{}"}}])");
}

BOOST_AUTO_TEST_CASE(a_tool_that_failed_says_so_in_its_text) {
  chat_request request;
  message& result = request.messages.emplace_back(make_message(role::tool, "no such city"));
  result.tool_call_id = "1";
  result.is_error = true;
  BOOST_TEST(messages_of(request) ==
             R"([{"role":"tool","content":"Error: no such city","tool_call_id":"1"}])");
  result.content = {text_part{"Error: gone"}};
  BOOST_TEST(messages_of(request).find(R"("content":"Error: gone")") != std::string::npos);
  result.content = {text_part{"a"}, text_part{"b"}};
  BOOST_TEST(messages_of(request).find(R"([{"type":"text","text":"Error: a"},{"type":"text","text":"b"}])") !=
             std::string::npos);
  result.content.clear();
  BOOST_TEST(messages_of(request).find(R"("content":"Error: the tool failed")") != std::string::npos);
  result.is_error = false;
  BOOST_TEST(messages_of(request).find(R"("content":"")") != std::string::npos);
}

BOOST_AUTO_TEST_CASE(images_of_tools_are_shown_in_a_message_behind_the_run) {
  chat_request request = plain();
  const auto add_result = [&](const char* id, std::vector<content_part> content) {
    message& result = request.messages.emplace_back();
    result.role = role::tool;
    result.tool_call_id = id;
    result.content = std::move(content);
  };
  add_result("1", {text_part{"see"}, image_part{"https://a/"}});
  add_result("2", {image_part{"https://b/"}});
  add_result("3", {text_part{"plain"}});
  request.messages.push_back(make_message(role::assistant, "done"));
  BOOST_TEST(messages_of(request) ==
             R"([{"role":"user","content":"x"},)"
             R"({"role":"tool","content":"see","tool_call_id":"1"},)"
             R"({"role":"tool","content":"The result is shown in a message below.","tool_call_id":"2"},)"
             R"({"role":"tool","content":"plain","tool_call_id":"3"},)"
             R"({"role":"user","content":[{"type":"text","text":"Result of the tool call 1:"},)"
             R"({"type":"image_url","image_url":{"url":"https://a/"}},)"
             R"({"type":"text","text":"Result of the tool call 2:"},)"
             R"({"type":"image_url","image_url":{"url":"https://b/"}}]},)"
             R"({"role":"assistant","content":"done"}])");
  request.messages.pop_back(); // and at the end of all
  BOOST_TEST(messages_of(request).ends_with(R"("https://b/"}}]}])"));
}

BOOST_AUTO_TEST_CASE(tools_and_choices_have_their_words) {
  chat_request request = plain();
  request.tools = {{"f", "d", R"({"type":"object"})", true, R"({"type":"e"})"},
                   {"c", "", "", {}, "", R"({"type":"custom","custom":{"name":"c"}})"},
                   {"web_search", "", "", {}, "", R"({"type":"web_search"})"}};
  const std::string body = body_of(request);
  BOOST_TEST(body.find(R"("tools":[{"type":"function","function":{"name":"f","description":"d",)"
                       R"("parameters":{"type":"object"},"strict":true},"cache_control":{"type":"e"}},)"
                       R"({"type":"custom","custom":{"name":"c"}},{"type":"web_search"}])") !=
             std::string::npos);
  for (const auto& [name, choice] : {std::pair{"f", R"({"type":"function","function":{"name":"f"}})"},
                                     std::pair{"c", R"({"type":"custom","custom":{"name":"c"}})"}}) {
    request.tool_choice = tool_choice{tool_choice::mode::one, name};
    BOOST_TEST(body_of(request).ends_with(std::string(R"("tool_choice":)") + choice + "}"), name);
  }
  request.tool_choice.reset();
  request.extra = {{"tool_choice", R"({"type":"allowed_tools"})"}};
  BOOST_TEST(body_of(request).ends_with(R"("tool_choice":{"type":"allowed_tools"}})"));
}

BOOST_AUTO_TEST_CASE(what_the_responses_api_encrypted_is_left_out_and_nothing_else_of_it) {
  const raw_part thought{api_kind::responses, R"({"type":"reasoning","id":"rs_1","encrypted_content":"x"})"};
  chat_request request;
  message& turn = request.messages.emplace_back(make_message(role::assistant, "so"));
  turn.content = {thought, text_part{"so"}, thought};
  BOOST_TEST(messages_of(request) == R"([{"role":"assistant","content":"so"}])");
  turn.content = {thought, text_part{"a"}, text_part{"b"}};
  BOOST_TEST(messages_of(request) ==
             R"([{"role":"assistant","content":[{"type":"text","text":"a"},{"type":"text","text":"b"}]}])");
  turn.content = {thought};
  BOOST_TEST(messages_of(request) == R"([{"role":"assistant","content":""}])");
  turn.tool_calls = {{"c", "f", "{}"}};
  // A call between two thoughts keeps its place by an item of its own.
  turn.content = {thought, raw_part{api_kind::responses, R"({"type":"function_call","call_id":"c"})"},
                  thought};
  BOOST_TEST(messages_of(request) ==
             R"([{"role":"assistant","content":null,"tool_calls":[{"id":"c","type":"function",)"
             R"("function":{"name":"f","arguments":"{}"}}]}])");
  for (const char* other : {R"({"type":"web_search_call"})", R"({"type":"reasoning_text"})", R"({"type":1})",
                            R"(["reasoning"])", R"({"type":"reasoning")", "{}", ""}) {
    turn.content = {thought, raw_part{api_kind::responses, other}};
    BOOST_TEST(place_of(request) == "messages[0].content[1]", other);
  }
  turn.content = {raw_part{api_kind::messages, thought.json}};
  BOOST_TEST(place_of(request) == "messages[0].content[0]");
  // A model's thought stands in what it said, nowhere else.
  for (const role from : {role::system, role::user, role::tool}) {
    turn = make_message(from, "x");
    turn.content.emplace_back(thought);
    BOOST_TEST(place_of(request) == "messages[0].content[1]", to_string(from));
  }
}

BOOST_AUTO_TEST_CASE(what_cannot_be_said_names_its_path) {
  chat_request request = plain();
  request.messages.push_back(make_message(role::user, "y"));
  BOOST_TEST(place_of(request) == "said");
  auto& content = request.messages[1].content;
  content.emplace_back(raw_part{api_kind::messages, "{}"});
  BOOST_TEST(place_of(request) == "messages[1].content[1]");
  content.back() = raw_part{api_kind::chat, "{"};
  BOOST_TEST(place_of(request) == "messages[1].content[1]");
  content.back() = text_part{"x", "{} {}"};
  BOOST_TEST(place_of(request) == "messages[1].content[1].cache_control");
  content.pop_back();
  request.messages[1].extra = {{"role", R"("system")"}};
  BOOST_TEST(place_of(request) == "messages[1].role");
  request.messages[1].extra = {{"name", std::string("1\0", 2)}}; // a NUL at the end is no JSON either
  BOOST_TEST(place_of(request) == "messages[1].name");
  request.messages[1].extra.clear();
  request.messages[1].tool_calls = {{"1", "f", "not even JSON: the model's own", false, {{"id", "2"}}}};
  BOOST_TEST(place_of(request) == "messages[1].tool_calls[0].id");
  request.messages[1].tool_calls[0].extra.clear();
  BOOST_TEST(place_of(request) == "said");
  request.tools = {{"f", "", "{]"}};
  BOOST_TEST(place_of(request) == "tools[0].function.parameters");
  request.tools = {{"f", "", "", {}, "", "raw"}};
  BOOST_TEST(place_of(request) == "tools[0]");
  request.tools = {{"f", "", "", {}, "mark"}};
  BOOST_TEST(place_of(request) == "tools[0].cache_control");
  request.tools.clear();
  request.extra = {{"tool_choice", "{}"}};
  BOOST_TEST(place_of(request) == "said");
  request.tool_choice = tool_choice{};
  BOOST_TEST(place_of(request) == "tool_choice");
  request.extra = {{"stream", "true"}};
  BOOST_TEST(place_of(request) == "stream");
}

BOOST_AUTO_TEST_SUITE_END()
