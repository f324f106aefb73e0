// Anthropic's API as its server: what its clients send, and what they are answered. Replies and streams are
// read back by the client's side, which the recorded traffic holds to the truth.
#include "anthropic_cases.hpp"

#include "protocols/anthropic_messages_server.hpp"

#include <set>

using namespace anthropic_cases;

namespace {

chat_request read_request(std::string_view json) {
  auto request = decode_messages_request(json);
  BOOST_REQUIRE_MESSAGE(request.has_value(), (request ? "" : to_string(request.error())));
  return std::move(*request);
}

/// A request with these messages.
chat_request with_messages(const std::string& messages) {
  return read_request(R"({"model":"m","max_tokens":9,"messages":)" + messages + "}");
}

std::string extra_of(const chat_request& request, std::string_view name) {
  for (const auto& [key, json] : request.extra)
    if (key == name)
      return json;
  return "nothing";
}

void check_fault(std::string_view json, std::string_view place) {
  const auto request = decode_messages_request(json);
  BOOST_REQUIRE_MESSAGE(request.has_error(), json);
  BOOST_TEST((request.error().type == errc::invalid_request));
  BOOST_TEST(request.error().status_code == 400);
  BOOST_TEST(request.error().place == place, json << ": " << request.error().place);
}

std::string text_at(const message& from, std::size_t part) {
  return std::get<text_part>(from.content.at(part)).text;
}

chat_reply full_reply() {
  chat_reply reply;
  reply.success = true;
  reply.model = model_name("m");
  reply.content = "I look.";
  reply.reasoning = "hm";
  reply.parts = {reasoning_part{"hm", "sig"}, reasoning_part{{}, {}, "secret"},
                 raw_part{api_kind::messages, R"({"type":"server_tool_use","id":"s"})"},
                 text_part{"I look."}};
  reply.tool_calls = {{"t1", "f", R"({"a":1})"}, {"t2", "g", "{}"}};
  reply.finish_reason = finish_reason::tool_calls;
  reply.usage.prompt_tokens = 1160;
  reply.usage.completion_tokens = 110;
  reply.usage.total_tokens = 1270;
  reply.usage.cached_tokens = 1069;
  reply.usage.cache_write_tokens = 85;
  reply.usage.cache_write_1h_tokens = 5;
  reply.usage.reasoning_tokens = 7;
  return reply;
}

} // namespace

BOOST_AUTO_TEST_SUITE(anthropic_server_test)

BOOST_AUTO_TEST_CASE(every_request_that_a_real_client_sent_is_read) {
  const auto file = parsed(read_file("gateway_requests/cases.json"));
  std::size_t read = 0;
  for (const json_value& each : find_member(file, "requests")->GetArray()) {
    if (!text_of(find_member(each, "path")).starts_with("/v1/messages"))
      continue;
    const auto request = read_request(to_json_text(*find_member(each, "body")));
    const json_value& summary = *find_member(each, "summary");
    BOOST_TEST(request.model.str() == text_of(find_member(summary, "model")));
    BOOST_TEST(request.stream == find_member(summary, "stream")->GetBool());
    if (const json_value* limit = find_member(summary, "max_tokens"); limit != nullptr)
      BOOST_TEST((request.max_tokens == limit->GetUint()));
    if (const json_value* system = find_member(summary, "system"); system != nullptr)
      BOOST_TEST(text_of(request.messages.front()) == text_of(system));
    std::size_t images = 0;
    for (const message& said : request.messages)
      for (const content_part& part : said.content)
        images += std::holds_alternative<image_part>(part) ? 1U : 0U;
    BOOST_TEST(images == find_member(summary, "images")->GetUint64());
    if (const json_value* tools = find_member(summary, "tools"); tools != nullptr) {
      BOOST_REQUIRE(request.tools.size() == tools->Size());
      BOOST_TEST(request.tools[0].name == text_of(&(*tools)[0]));
    }
    ++read;
  }
  BOOST_TEST(read >= 7U);
}

BOOST_AUTO_TEST_CASE(each_result_of_a_tool_is_a_message_before_the_rest) {
  const auto request = with_messages(R"([
    {"role":"assistant","content":[{"type":"thinking","thinking":"hm","signature":"sig"},
      {"type":"redacted_thinking","data":"secret"},{"type":"text","text":"I look."},
      {"type":"tool_use","id":"t1","name":"f","input":{"a": 1}},{"type":"tool_use","id":"t2","name":"g"}]},
    {"role":"user","content":[{"type":"text","text":"well?"},
      {"type":"tool_result","tool_use_id":"t1","content":"sunny","cache_control":{"type":"ephemeral"}},
      {"type":"tool_result","tool_use_id":"t2","is_error":true,"content":[{"type":"text","text":"rain"},
        {"type":"image","source":{"type":"url","url":"https://example.com/a.png"}},{"type":"tool_reference","tool_name":"x"}]},
      {"type":"document","title":"d"}]}])");
  BOOST_REQUIRE(request.messages.size() == 4U);
  const message& said = request.messages[0];
  BOOST_TEST(
      (said.content == std::vector<content_part>{reasoning_part{"hm", "sig"},
                                                 reasoning_part{{}, {}, "secret"}, text_part{"I look."}}));
  BOOST_TEST((said.tool_calls == std::vector<tool_call>{{"t1", "f", R"({"a":1})"}, {"t2", "g", "{}"}}));
  const message& first = request.messages[1];
  BOOST_TEST((first.role == role::tool));
  BOOST_TEST(first.tool_call_id == "t1");
  BOOST_TEST(!first.is_error);
  BOOST_TEST((first.content == std::vector<content_part>{text_part{"sunny", R"({"type":"ephemeral"})"}}));
  const message& second = request.messages[2];
  BOOST_TEST(second.is_error);
  BOOST_TEST(text_at(second, 0) == "rain");
  BOOST_TEST(std::get<image_part>(second.content.at(1)).url == "https://example.com/a.png");
  BOOST_TEST((std::get<raw_part>(second.content.at(2)).api == api_kind::messages));
  BOOST_TEST((request.messages[3].role == role::user));
  BOOST_TEST(text_at(request.messages[3], 0) == "well?");
  BOOST_TEST(std::get<raw_part>(request.messages[3].content.at(1)).json ==
             R"({"type":"document","title":"d"})");
}

BOOST_AUTO_TEST_CASE(fields_get_openais_names_where_both_have_one) {
  const auto request = read_request(R"({"model":"m","max_tokens":9,"stream":true,"temperature":0.2,"top_k":5,
    "system":[{"type":"text","text":"long","cache_control":{"type":"ephemeral"}}],"stop_sequences":["END"],
    "metadata":{"user_id":"u1"},"user":"ignored","output_config":{"effort":"high","format":{"type":"json_schema","schema":{"type":"object"}}},
    "tool_choice":{"type":"any","disable_parallel_tool_use":true},"thinking":{"type":"adaptive"},"n":null,
    "tools":[{"name":"f","description":"does","input_schema":{"type":"object"},"strict":true,"cache_control":{"type":"ephemeral"},"eager_input_streaming":true},
             {"type":"custom","name":"g"},{"type":"web_search_20250305","name":"web_search","max_uses":1}],
    "messages":[{"role":"user","content":"hi"}]})");
  BOOST_TEST(request.stream);
  BOOST_TEST((request.temperature == 0.2));
  BOOST_TEST((request.stop == std::vector<std::string>{"END"}));
  BOOST_TEST((request.messages.front().content ==
              std::vector<content_part>{text_part{"long", R"({"type":"ephemeral"})"}}));
  BOOST_TEST((request.tool_choice == tool_choice{tool_choice::mode::required, {}}));
  BOOST_TEST(extra_of(request, "parallel_tool_calls") == "false");
  BOOST_TEST(extra_of(request, "user") == R"("u1")");
  BOOST_TEST(extra_of(request, "reasoning_effort") == R"("high")");
  BOOST_TEST(text_of(find_member(parsed(extra_of(request, "response_format")), "json_schema", "schema",
                                 "type")) == "object");
  BOOST_TEST(extra_of(request, "thinking") == R"({"type":"adaptive"})");
  BOOST_TEST(extra_of(request, "top_k") == "5");
  for (const char* name : {"metadata", "output_config", "n"})
    BOOST_TEST(extra_of(request, name) == "nothing", name);
  BOOST_REQUIRE(request.tools.size() == 3U);
  BOOST_TEST(
      (request.tools[0] == tool{"f", "does", R"({"type":"object"})", true, R"({"type":"ephemeral"})"}));
  BOOST_TEST(request.tools[1].raw.empty());
  BOOST_TEST(request.tools[2].raw == R"({"type":"web_search_20250305","name":"web_search","max_uses":1})");
  const auto more =
      read_request(R"({"messages":[{"role":"user","content":"x"}],"metadata":{"user_id":"u","x":1},
    "output_config":{"effort":"low","task_budget":1}})");
  BOOST_TEST(extra_of(more, "metadata") == R"({"user_id":"u","x":1})");
  BOOST_TEST(extra_of(more, "output_config") == R"({"effort":"low","task_budget":1})");
}

BOOST_AUTO_TEST_CASE(each_fault_of_a_request_names_its_place) {
  check_fault("[]", "$");
  check_fault("{}", "messages");
  check_fault(R"({"messages":[]})", "messages");
  check_fault(R"({"messages":[7]})", "messages[0]");
  check_fault(R"({"messages":[{"role":"tool","content":"x"}]})", "messages[0].role");
  check_fault(R"({"messages":[{"role":"user"}]})", "messages[0].content");
  check_fault(R"({"messages":[{"role":"user","content":7}]})", "messages[0].content");
  const auto in_block = [](const std::string& role, const std::string& block, const std::string& place) {
    check_fault(R"({"messages":[{"role":")" + role + R"(","content":[)" + block + "]}]}",
                "messages[0].content[0]" + place);
  };
  in_block("user", "7", "");
  in_block("user", "{}", ".type");
  in_block("user", R"({"type":"text"})", ".text");
  in_block("user", R"({"type":"image"})", ".source");
  in_block("user", R"({"type":"image","source":{"type":"base64","data":"x"}})", ".source.media_type");
  in_block("user", R"({"type":"image","source":{"type":"base64","media_type":"image/png"}})", ".source.data");
  in_block("user", R"({"type":"image","source":{"type":"url"}})", ".source.url");
  in_block("user", R"({"type":"tool_result"})", ".tool_use_id");
  in_block("user", R"({"type":"tool_result","tool_use_id":"t","content":[{"type":"text"}]})",
           ".content[0].text");
  in_block("assistant", R"({"type":"tool_use","name":"f"})", ".id");
  in_block("assistant", R"({"type":"tool_use","id":"t"})", ".name");
  in_block("assistant", R"({"type":"tool_use","id":"t","name":"f","input":"x"})", ".input");
  const auto beside = [](const std::string& members, std::string_view place) {
    check_fault(R"({"messages":[{"role":"user","content":"x"}],)" + members + "}", place);
  };
  beside(R"("model":7)", "model");
  beside(R"("max_tokens":0)", "max_tokens");
  beside(R"("temperature":1.5)", "temperature");
  beside(R"("stream":1)", "stream");
  beside(R"("stop_sequences":"x")", "stop_sequences");
  beside(R"("stop_sequences":["a",1])", "stop_sequences[1]");
  beside(R"("system":7)", "system");
  beside(R"("system":[{"type":"text"}])", "system[0].text");
  beside(R"("tools":{})", "tools");
  beside(R"("tools":[{}])", "tools[0].name");
  beside(R"("tools":[{"name":"f","input_schema":"x"}])", "tools[0].input_schema");
  beside(R"("tool_choice":{"type":"tool"})", "tool_choice.name");
  beside(R"("tool_choice":"auto")", "tool_choice.type");
  beside(R"("top_k":1,"top_k":2)", "top_k");
}

BOOST_AUTO_TEST_CASE(values_of_any_kind_in_any_place_are_faults_or_requests_that_can_be_sent_on) {
  const auto chat = make();
  std::size_t sent = 0;
  std::size_t faults = 0;
  for_each_change(
      R"({"model":"m","max_tokens":9,"temperature":0.5,"stop_sequences":["x"],"metadata":{"user_id":"u"},
    "system":[{"type":"text","text":"s","cache_control":{"type":"ephemeral"}}],
    "output_config":{"effort":"low","format":{"type":"json_schema","schema":{}}},
    "tool_choice":{"type":"tool","name":"f","disable_parallel_tool_use":true},
    "tools":[{"name":"f","description":"d","input_schema":{"type":"object"},"strict":true,"cache_control":{"type":"x"}}],
    "messages":[{"role":"user","content":[{"type":"image","source":{"type":"base64","media_type":"image/png","data":"QQ=="}},
        {"type":"image","source":{"type":"url","url":"https://x/a"}},{"type":"document","source":{}}]},
      {"role":"assistant","content":[{"type":"thinking","thinking":"t","signature":"s"},{"type":"redacted_thinking","data":"d"},
        {"type":"tool_use","id":"t1","name":"f","input":{"a":[1]}}]},
      {"role":"user","content":[{"type":"tool_result","tool_use_id":"t1","is_error":true,
        "content":[{"type":"text","text":"x","cache_control":{"type":"ephemeral"}}]}]}]})",
      [&](const std::string& body) {
        const auto request = decode_messages_request(body);
        if (!request) {
          BOOST_REQUIRE_MESSAGE(!request.error().place.empty(), body);
          ++faults;
          return;
        }
        const auto made = chat->encode_chat(*request);
        if (made) {
          BOOST_REQUIRE_MESSAGE(is_json(made->body), body);
          ++sent;
        } else {
          BOOST_REQUIRE_MESSAGE(!made.error().place.empty(), body);
          ++faults;
        }
      });
  BOOST_TEST(sent > 100U);
  BOOST_TEST(faults > 100U);
}

BOOST_AUTO_TEST_CASE(a_whole_reply_says_the_same_when_it_is_read_back) {
  const chat_reply sent = full_reply();
  const http_response response = encode_messages_reply(sent, "msg_7");
  BOOST_TEST(response.status == 200);
  const auto body = parsed(response.body);
  BOOST_TEST(text_of(find_member(body, "type")) == "message");
  BOOST_TEST(text_of(find_member(body, "role")) == "assistant");
  BOOST_TEST(find_member(body, "usage", "input_tokens")->GetUint() == 6U); // without what was cached
  BOOST_TEST(body.HasMember("stop_sequence"));
  const auto read = make()->decode_chat(response, {});
  BOOST_REQUIRE(read.has_value());
  BOOST_TEST(read->content == sent.content);
  BOOST_TEST(read->reasoning == sent.reasoning);
  BOOST_TEST((read->parts == sent.parts));
  BOOST_TEST((read->tool_calls == sent.tool_calls));
  BOOST_TEST((read->usage == sent.usage));
  BOOST_TEST((read->finish_reason == sent.finish_reason));
  BOOST_TEST(read->metadata.request_id == "msg_7");
}

BOOST_AUTO_TEST_CASE(each_reason_to_finish_has_its_word) {
  const auto word = [](finish_reason reason, const char* met = "") {
    chat_reply reply;
    reply.finish_reason = reason;
    reply.metadata.stop_sequence = met;
    reply.refusal = reason == finish_reason::content_filter ? "no" : "";
    const auto read = make()->decode_chat(encode_messages_reply(reply, "x"), {});
    BOOST_TEST(read.value().metadata.stop_sequence == met);
    BOOST_TEST(read->refusal == reply.refusal);
    return read->metadata.raw_finish_reason;
  };
  BOOST_TEST(word(finish_reason::stop) == "end_turn");
  BOOST_TEST(word(finish_reason::stop, "END") == "stop_sequence");
  BOOST_TEST(word(finish_reason::unknown) == "end_turn");
  BOOST_TEST(word(finish_reason::length) == "max_tokens");
  BOOST_TEST(word(finish_reason::tool_calls) == "tool_use");
  BOOST_TEST(word(finish_reason::content_filter) == "refusal");
  BOOST_TEST(word(finish_reason::pause) == "pause_turn");
}

BOOST_AUTO_TEST_CASE(parts_of_other_apis_and_broken_arguments_still_make_a_reply) {
  chat_reply reply;
  reply.parts = {raw_part{api_kind::responses, R"({"type":"reasoning"})"}, text_part{"a"}};
  reply.tool_calls = {{"t1", "f", "{\"a\":"}, {"t2", "g", ""}, {"t3", "h", "words", true}};
  const auto body = parsed(encode_messages_reply(reply, "x").body);
  BOOST_TEST((*find_member(body, "content") == parsed(R"([{"type":"text","text":"a"},
    {"type":"tool_use","id":"t1","name":"f","input":{"input":"{\"a\":"}},
    {"type":"tool_use","id":"t2","name":"g","input":{}},
    {"type":"tool_use","id":"t3","name":"h","input":{"input":"words"}}])")));
}

BOOST_AUTO_TEST_CASE(an_error_keeps_its_class_when_it_is_read_back) {
  for (const errc type : {errc::auth, errc::rate_limit, errc::token_limit, errc::model_not_found,
                          errc::invalid_request, errc::server_error, errc::timeout, errc::quota_exceeded}) {
    for (const int status : {400, 401, 403, 404, 413, 429, 500, 529}) {
      failure error = make_failure(type, "prompt is too long: model: x not found", "messages[0]");
      error.status_code = status;
      error.request_id = "req_1";
      const http_response response = encode_messages_error(error);
      BOOST_TEST(response.status == status);
      const auto body = parsed(response.body);
      BOOST_TEST(text_of(find_member(body, "type")) == "error");
      BOOST_TEST(text_of(find_member(body, "request_id")) == "req_1");
    }
  }
  const auto back = [](errc type, int status, std::string vendor_message = {}) {
    failure error = make_failure(type, "it failed");
    error.status_code = status;
    error.vendor_message = std::move(vendor_message);
    return make()->decode_chat(encode_messages_error(error), {}).error().type;
  };
  BOOST_TEST((back(errc::auth, 401) == errc::auth));
  BOOST_TEST((back(errc::auth, 403) == errc::auth));
  BOOST_TEST((back(errc::rate_limit, 429) == errc::rate_limit));
  BOOST_TEST((back(errc::token_limit, 400, "prompt is too long: 9 tokens") == errc::token_limit));
  BOOST_TEST((back(errc::token_limit, 413) == errc::token_limit));
  BOOST_TEST((back(errc::model_not_found, 404, "model: x") == errc::model_not_found));
  BOOST_TEST((back(errc::invalid_request, 400) == errc::invalid_request));
  BOOST_TEST((back(errc::quota_exceeded, 429) == errc::quota_exceeded));
  BOOST_TEST((back(errc::timeout, 504) == errc::timeout));
  BOOST_TEST((back(errc::overloaded, 529) == errc::server_error));
  BOOST_TEST((back(errc::server_error, 200) == errc::server_error)); // not as a success
  failure placed = make_failure(errc::invalid_request, "expected a string", "messages[0].content");
  BOOST_TEST(text_of(find_member(parsed(encode_messages_error(placed).body), "error", "message")) ==
             "messages[0].content: expected a string");
  BOOST_TEST(encode_messages_error(placed).status == 500);
}

BOOST_AUTO_TEST_CASE(lists_and_counts_have_the_apis_shape) {
  const auto list = parsed(encode_messages_model_list({model_name("a"), model_name("b")}).body);
  BOOST_TEST((list == parsed(R"({"data":[
    {"type":"model","id":"a","display_name":"a","created_at":"1970-01-01T00:00:00Z"},
    {"type":"model","id":"b","display_name":"b","created_at":"1970-01-01T00:00:00Z"}],
    "has_more":false,"first_id":"a","last_id":"b"})")));
  const auto none = parsed(encode_messages_model_list({}).body);
  BOOST_TEST((none == parsed(R"({"data":[],"has_more":false,"first_id":null,"last_id":null})")));
  BOOST_TEST(encode_token_count(12).body == R"({"input_tokens":12})");
  const auto names =
      make()->decode_models(encode_messages_model_list({model_name("a"), model_name("b")}), {});
  BOOST_TEST((names.value() == std::vector{model_name("a"), model_name("b")}));
}

BOOST_AUTO_TEST_SUITE_END()
