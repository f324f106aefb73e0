// Requests to Anthropic's API: where they go and what stands in them.
#include "anthropic_cases.hpp"

#include <limits>

using namespace anthropic_cases;

namespace {

chat_request asking(std::string text = "hi") {
  chat_request request;
  request.model = model_name("m");
  request.messages.push_back(make_message(role::user, std::move(text)));
  return request;
}

rapidjson::Document body_of(const chat_request& request, const provider_config& provider = plain_provider()) {
  const auto made = make(provider)->encode_chat(request);
  BOOST_REQUIRE_MESSAGE(made.has_value(), (made ? "" : to_string(made.error())));
  return parsed(made->body);
}

/// The member of that name is this JSON.
void check_member(const json_value& body, const char* name, const char* json) {
  const json_value* got = find_member(body, name);
  BOOST_REQUIRE_MESSAGE(got != nullptr, name);
  BOOST_TEST((*got == parsed(json)), name << ": " << to_json_text(*got));
}

void check_messages(const chat_request& request, const char* json) {
  check_member(body_of(request), "messages", json);
}

void check_refused(const chat_request& request, std::string_view place) {
  const auto made = make()->encode_chat(request);
  BOOST_REQUIRE_MESSAGE(made.has_error(), place);
  BOOST_TEST((made.error().type == errc::invalid_request), place);
  BOOST_TEST(made.error().place == place);
}

message calling(std::string id, std::string arguments) {
  message made;
  made.role = role::assistant;
  made.tool_calls.push_back({std::move(id), "f", std::move(arguments)});
  return made;
}

message answering(std::string id, std::string text) {
  message made = make_message(role::tool, std::move(text));
  made.tool_call_id = std::move(id);
  return made;
}

chat_request with_extra(extra_members extra) {
  chat_request request = asking();
  request.extra = std::move(extra);
  return request;
}

} // namespace

BOOST_AUTO_TEST_SUITE(anthropic_request_test)

BOOST_AUTO_TEST_CASE(the_head_says_where_and_who_in_the_providers_manner) {
  const auto made = make()->encode_chat(asking());
  const std::string_view head = made.value().head->text();
  BOOST_TEST(head.starts_with("POST /v1/messages HTTP/1.1\r\n"));
  BOOST_TEST(head.find("x-api-key: sk-canary\r\n") != std::string_view::npos);
  BOOST_TEST(head.find("anthropic-version: 2023-06-01\r\n") != std::string_view::npos);
  BOOST_TEST(head.find("Content-Type: application/json\r\n") != std::string_view::npos);
  BOOST_TEST(make()->encode_models().head->text().starts_with("GET /v1/models HTTP/1.1\r\n"));

  provider_config other = plain_provider();
  other.wire = wire_of(other);
  other.wire->key = key_style::bearer;
  other.wire->api_version = "2026-10-21";
  other.wire->path = "/models/{model}:rawPredict";
  other.wire->query = {{"beta", "a b"}};
  other.headers = {{"anthropic-beta", "x-1"}};
  chat_request request = asking();
  request.model = model_name("claude 4/x");
  const auto placed = make(other)->encode_chat(request);
  const std::string_view text = placed.value().head->text();
  BOOST_TEST(text.starts_with("POST /v1/models/claude%204%2Fx:rawPredict?beta=a%20b HTTP/1.1\r\n"), text);
  BOOST_TEST(text.find("Authorization: Bearer sk-canary\r\n") != std::string_view::npos);
  BOOST_TEST(text.find("anthropic-version: 2026-10-21\r\n") != std::string_view::npos);
  BOOST_TEST(text.find("anthropic-beta: x-1\r\n") != std::string_view::npos);
  BOOST_TEST(text.find("x-api-key") == std::string_view::npos);
}

BOOST_AUTO_TEST_CASE(the_limit_of_the_reply_is_the_requests_or_the_models_or_a_usual_one) {
  provider_config provider = plain_provider();
  provider.models.resize(2);
  provider.models[0].name = model_name("m");
  provider.models[0].max_tokens = 777;
  provider.models[1].name = model_name("n");
  chat_request request = asking();
  check_member(body_of(request, provider), "max_tokens", "777");
  request.model = model_name("n");
  check_member(body_of(request, provider), "max_tokens", "4096");
  request.max_tokens = 5;
  check_member(body_of(request, provider), "max_tokens", "5");
  BOOST_TEST(!body_of(request).HasMember("max_completion_tokens"));
}

BOOST_AUTO_TEST_CASE(system_messages_stand_apart_and_as_blocks_where_one_is_marked) {
  chat_request request = asking();
  request.messages.insert(request.messages.begin(), make_message(role::system, "Be terse."));
  request.messages.push_back(make_message(role::system, "Be kind."));
  request.messages.push_back(make_message(role::system, " "));
  check_member(body_of(request), "system", R"("Be terse.\n\nBe kind.")");
  check_messages(request, R"([{"role":"user","content":"hi"}])");
  request.messages.front().content = {text_part{"Be terse.", R"({"type":"ephemeral","ttl":"1h"})"}};
  check_member(body_of(request), "system",
               R"([{"type":"text","text":"Be terse.","cache_control":{"type":"ephemeral","ttl":"1h"}},
                   {"type":"text","text":"Be kind."}])");
  request.messages.front().content = {image_part{"https://example.com/a.png"}};
  check_refused(request, "messages[0].content[0]");
}

BOOST_AUTO_TEST_CASE(results_of_tools_open_the_next_turn_all_together) {
  chat_request request = asking();
  request.messages.push_back(calling("t1", R"({ "city": "Paris" })"));
  request.messages.back().tool_calls.push_back({"t2", "g", ""});
  request.messages.back().tool_calls.push_back({"t3", "h", "null"});
  request.messages.push_back(make_message(role::user, "quick"));
  request.messages.push_back(answering("t1", "sunny"));
  request.messages.push_back(answering("t2", ""));
  request.messages.push_back(answering("t3", "boom"));
  request.messages.back().is_error = true;
  request.messages.back().content.push_back(image_part{"data:image/png;base64,QUJD"});
  request.messages.push_back(make_message(role::user, "and?"));
  check_messages(request, R"([{"role":"user","content":"hi"},
    {"role":"assistant","content":[{"type":"tool_use","id":"t1","name":"f","input":{"city":"Paris"}},
      {"type":"tool_use","id":"t2","name":"g","input":{}},{"type":"tool_use","id":"t3","name":"h","input":{}}]},
    {"role":"user","content":[{"type":"tool_result","tool_use_id":"t1","content":"sunny"},
      {"type":"tool_result","tool_use_id":"t2"},
      {"type":"tool_result","tool_use_id":"t3","content":[{"type":"text","text":"boom"},
        {"type":"image","source":{"type":"base64","media_type":"image/png","data":"QUJD"}}],"is_error":true},
      {"type":"text","text":"quick"},{"type":"text","text":"and?"}]}])");
  request.messages[3].tool_call_id.clear();
  check_refused(request, "messages[3].tool_call_id");
}

BOOST_AUTO_TEST_CASE(a_mark_within_a_result_is_the_results) {
  chat_request request = asking();
  request.messages.push_back(calling("t1", "{}"));
  request.messages.push_back(answering("t1", "sunny"));
  std::get<text_part>(request.messages.back().content[0]).cache_control = R"({"type":"ephemeral"})";
  const auto body = body_of(request);
  check_member(
      (*find_member(body, "messages"))[2], "content",
      R"([{"type":"tool_result","tool_use_id":"t1","content":"sunny","cache_control":{"type":"ephemeral"}}])");
  std::get<text_part>(request.messages.back().content[0]).cache_control = "nonsense";
  check_refused(request, "messages[2].content[0].cache_control");
}

BOOST_AUTO_TEST_CASE(an_image_is_a_url_or_bytes_taken_apart) {
  chat_request request = asking();
  request.messages[0].content = {
      image_part{"HTTPS://example.com/a.png", "high"},
      image_part{"data:image/jpeg;charset=x;base64,QUJD", {}, R"({"type":"ephemeral"})"}, text_part{"what?"},
      text_part{""}};
  check_messages(request, R"([{"role":"user","content":[
    {"type":"image","source":{"type":"url","url":"HTTPS://example.com/a.png"}},
    {"type":"image","source":{"type":"base64","media_type":"image/jpeg","data":"QUJD"},"cache_control":{"type":"ephemeral"}},
    {"type":"text","text":"what?"}]}])");
  for (const char* url :
       {"", "data:", "data:image/png,abc", "data:;base64,QUJD", "data:image/png;base64,", "ftp://x/a"}) {
    request.messages[0].content[1] = image_part{url};
    check_refused(request, "messages[0].content[1]");
  }
}

BOOST_AUTO_TEST_CASE(thoughts_go_back_as_they_came_if_they_are_signed) {
  chat_request request = asking();
  message said = calling("t1", "{}");
  said.content = {reasoning_part{"hm", "sig"}, reasoning_part{{}, {}, "secret"}, reasoning_part{"unsigned"},
                  text_part{"\n\n"}, raw_part{api_kind::messages, R"({"type":"server_tool_use","id":"s"})"}};
  request.messages.push_back(said);
  const auto body = body_of(request);
  check_member(
      (*find_member(body, "messages"))[1], "content",
      R"([{"type":"thinking","thinking":"hm","signature":"sig"},{"type":"redacted_thinking","data":"secret"},
                   {"type":"server_tool_use","id":"s"},{"type":"tool_use","id":"t1","name":"f","input":{}}])");
  request.messages[1].content[4] = raw_part{api_kind::chat, R"({"type":"input_audio"})"};
  check_refused(request, "messages[1].content[4]");
  request.messages[1].content[4] = raw_part{api_kind::messages, "[]"};
  check_refused(request, "messages[1].content[4]");
}

BOOST_AUTO_TEST_CASE(what_the_responses_api_encrypted_is_left_out_and_nothing_else_of_it) {
  const raw_part thought{api_kind::responses, R"({"type":"reasoning","id":"rs_1","encrypted_content":"x"})"};
  chat_request request = asking();
  message said = calling("t1", "{}");
  said.content = {thought, text_part{"Let me see"}, thought};
  request.messages.push_back(said);
  const auto written = [&] { return to_json_text((*find_member(body_of(request), "messages"))[1]); };
  BOOST_TEST(written() == R"({"role":"assistant","content":[{"type":"text","text":"Let me see"},)"
                          R"({"type":"tool_use","id":"t1","name":"f","input":{}}]})");
  // Text that is left alone is plain, and a turn of nothing else is none.
  request.messages[1] = make_message(role::assistant, "so");
  request.messages[1].content.insert(request.messages[1].content.begin(), thought);
  BOOST_TEST(written() == R"({"role":"assistant","content":"so"})");
  request.messages[1].content = {thought};
  BOOST_TEST(find_member(body_of(request), "messages")->Size() == 1U);
  for (const char* other : {R"({"type":"web_search_call"})", R"({"type":"reasoning_text"})", R"({"type":1})",
                            R"(["reasoning"])", R"({"type":"reasoning")", "{}", ""}) {
    request.messages[1].content = {thought, raw_part{api_kind::responses, other}};
    check_refused(request, "messages[1].content[1]");
  }
  request.messages[1].content = {raw_part{api_kind::chat, thought.json}};
  check_refused(request, "messages[1].content[0]");
  // A model's thought stands in what it said, nowhere else.
  request.messages[0].content = {text_part{"x"}, thought};
  check_refused(request, "messages[0].content[1]");
}

BOOST_AUTO_TEST_CASE(what_cannot_be_sent_is_refused_with_its_place) {
  chat_request request = asking();
  request.messages.push_back(calling("t1", R"({"city":)"));
  check_refused(request, "messages[1].tool_calls[0].function.arguments");
  request.messages[1] = calling("t1", "[1]");
  check_refused(request, "messages[1].tool_calls[0].function.arguments");
  request.messages[1] = calling("", "{}");
  check_refused(request, "messages[1].tool_calls[0].id");
  request = asking("");
  check_refused(request, "messages");
  request = asking();
  request.stop = {"a", " \n"};
  check_refused(request, "stop[1]");
  request = asking();
  request.temperature = std::numeric_limits<double>::infinity();
  check_refused(request, "temperature");
  check_refused(with_extra({{"n", "2"}}), "n");
  check_refused(with_extra({{"n", "\"1\""}}), "n");
  check_refused(with_extra({{"model", "\"x\""}}), "model");
  check_refused(with_extra({{"top_k", "1"}, {"top_k", "2"}}), "top_k");
  check_refused(with_extra({{"top_k", "1}, \"model\": \"x"}}), "top_k");
  check_refused(with_extra({{"top_k", std::string("1\0", 2)}}), "top_k");
  check_refused(with_extra({{"user", "7"}}), "user");
  check_refused(with_extra({{"response_format", R"({"type":"json_schema"})"}}),
                "response_format.json_schema.schema");
  request = asking();
  request.tools.push_back({"f", "", "[]", {}});
  check_refused(request, "tools[0].function.parameters");
  request.tools[0] = {};
  request.tools[0].raw = "x";
  check_refused(request, "tools[0]");
  request.tools[0].raw = R"({"type":"custom","custom":{"name":"x"}})";
  check_refused(request, "tools[0].custom");
}

BOOST_AUTO_TEST_CASE(tools_have_a_schema_of_an_object_whatever_theirs_was) {
  chat_request request = asking();
  request.tools = {
      {"a", "does a", R"({"type":"object","properties":{"x":{}}})", true, R"({"type":"ephemeral"})"},
      {"b", "", "", {}},
      {"c", "", "{}", {}},
      {"d", "", R"({"properties":{"x":{"type":"string"}},"type":null})", false}};
  request.tools.emplace_back().raw = R"({"type":"web_search_20250305","name":"web_search"})";
  check_member(body_of(request), "tools", R"([
    {"name":"a","description":"does a","input_schema":{"type":"object","properties":{"x":{}}},"strict":true,
     "cache_control":{"type":"ephemeral"}},
    {"name":"b","input_schema":{"type":"object","properties":{}}},
    {"name":"c","input_schema":{"type":"object","properties":{}}},
    {"name":"d","input_schema":{"type":"object","properties":{"x":{"type":"string"}}},"strict":false},
    {"type":"web_search_20250305","name":"web_search"}])");
}

BOOST_AUTO_TEST_CASE(the_choice_of_a_tool_also_says_whether_calls_may_come_side_by_side) {
  chat_request request = asking();
  request.tools = {{"f", "", "", {}}};
  BOOST_TEST(!body_of(request).HasMember("tool_choice"));
  const auto check = [&request](std::optional<tool_choice> choice, const char* extra, const char* json) {
    request.tool_choice = std::move(choice);
    request.extra = {{"parallel_tool_calls", extra}};
    check_member(body_of(request), "tool_choice", json);
  };
  using mode = tool_choice::mode;
  check(tool_choice{mode::automatic, {}}, "true", R"({"type":"auto"})");
  check(tool_choice{mode::required, {}}, "false", R"({"type":"any","disable_parallel_tool_use":true})");
  check(tool_choice{mode::none, {}}, "false", R"({"type":"none"})");
  check(tool_choice{mode::one, "f"}, "null", R"({"type":"tool","name":"f"})");
  check(std::nullopt, "false", R"({"type":"auto","disable_parallel_tool_use":true})");
  // What weir has no value for: this API's own form passes, OpenAI's lists do not.
  request.tool_choice.reset();
  request.extra = {{"tool_choice", R"({"type":"any","x":1})"}};
  check_member(body_of(request), "tool_choice", R"({"type":"any","x":1})");
  request.extra = {{"tool_choice", R"({"type":"allowed_tools","allowed_tools":{}})"}};
  check_refused(request, "tool_choice");
  request.extra.clear();
  request.tools.clear(); // the API refuses a choice without tools
  BOOST_TEST(!body_of(request).HasMember("tool_choice"));
}

BOOST_AUTO_TEST_CASE(temperatures_are_clamped_or_left_out_by_the_versions_rule) {
  chat_request request = asking();
  request.temperature = 1.7;
  request.extra = {{"top_p", "0.9"}, {"top_k", "5"}};
  check_member(body_of(request), "temperature", "1.0");
  check_member(body_of(request), "top_k", "5");
  provider_config later = plain_provider();
  later.wire = wire_of(later);
  later.wire->api_version = "2026-10-21";
  for (const char* name : {"temperature", "top_p", "top_k"})
    BOOST_TEST(!body_of(request, later).HasMember(name), name);
  later.wire->api_version.clear(); // a server that is asked for no version
  check_member(body_of(request, later), "top_p", "0.9");
}

BOOST_AUTO_TEST_CASE(openais_fields_get_this_apis_names_or_are_left_out) {
  chat_request request = with_extra(
      {{"reasoning_effort", "\"high\""},
       {"response_format",
        R"({"type":"json_schema","json_schema":{"name":"x","strict":true,"schema":{"type":"object"}}})"},
       {"user", "\"u1\""},
       {"service_tier", "\"flex\""},
       {"metadata", R"({"run":"7"})"},
       {"n", "1"}});
  for (const char* name :
       {"seed", "frequency_penalty", "presence_penalty", "logprobs", "top_logprobs", "logit_bias",
        "stream_options", "store", "verbosity", "prompt_cache_key", "modalities"})
    request.extra.emplace_back(name, "1");
  request.stop = {"END"};
  request.stream = true;
  const auto made = make()->encode_chat(request);
  BOOST_TEST((parsed(made.value().body) == parsed(R"({"model":"m","max_tokens":4096,"stream":true,
    "stop_sequences":["END"],"messages":[{"role":"user","content":"hi"}],
    "output_config":{"effort":"high","format":{"type":"json_schema","schema":{"type":"object"}}},
    "metadata":{"user_id":"u1"}})")),
             made->body);
  check_member(body_of(with_extra({{"user", "\"a\""}, {"safety_identifier", "\"b\""}})), "metadata",
               R"({"user_id":"b"})");
  check_member(body_of(with_extra({{"reasoning_effort", "\"minimal\""}})), "output_config",
               R"({"effort":"low"})");
  for (const extra_members& nothing : {extra_members{{"reasoning_effort", "\"none\""}},
                                       {{"user", "null"}},
                                       {{"response_format", R"({"type":"json_object"})"}}}) {
    const auto body = body_of(with_extra(nothing));
    BOOST_TEST(!body.HasMember("output_config"), nothing[0].first);
    BOOST_TEST(!body.HasMember("metadata"), nothing[0].first);
  }
}

BOOST_AUTO_TEST_CASE(fields_of_this_api_pass_unchanged_and_win_over_mapped_ones) {
  const auto body =
      body_of(with_extra({{"thinking", R"({"type":"enabled","budget_tokens":2048})"},
                          {"output_config", R"({"effort":"max","task_budget":{"total":9}})"},
                          {"reasoning_effort", "\"low\""},
                          {"response_format", R"({"type":"json_schema","json_schema":{"schema":{}}})"},
                          {"metadata", R"({"user_id":"mine"})"},
                          {"user", "\"theirs\""},
                          {"service_tier", "\"standard_only\""},
                          {"container", "\"c1\""},
                          {"cache_control", R"({"type":"ephemeral"})"},
                          {"stop_sequences", R"(["X"])"}}));
  check_member(body, "thinking", R"({"type":"enabled","budget_tokens":2048})");
  check_member(body, "output_config",
               R"({"effort":"max","task_budget":{"total":9},"format":{"type":"json_schema","schema":{}}})");
  check_member(body, "metadata", R"({"user_id":"mine"})");
  check_member(body, "service_tier", "\"standard_only\"");
  check_member(body, "container", "\"c1\"");
  check_member(body, "cache_control", R"({"type":"ephemeral"})");
  check_member(body, "stop_sequences", R"(["X"])");
  BOOST_TEST(!body.HasMember("reasoning_effort"));
}

BOOST_AUTO_TEST_CASE(what_only_the_chat_api_is_sent_stays_here) {
  chat_request request = asking();
  request.messages[0].extra = {{"name", "\"ann\""}};
  request.messages.push_back(calling("t1", "free text"));
  request.messages[1].tool_calls[0].custom = true;
  request.messages[1].tool_calls[0].extra = {{"extra_content", "{}"}};
  check_messages(request, R"([{"role":"user","content":"hi"},{"role":"assistant","content":[
    {"type":"tool_use","id":"t1","name":"f","input":{"input":"free text"}}]}])");
}

BOOST_AUTO_TEST_SUITE_END()
