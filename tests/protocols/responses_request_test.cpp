// Requests of OpenAI's Responses API: what each of weir's values becomes, and what is refused, with its path.
// Expected bodies are those of recorded requests, or follow OpenAI's API reference.
#include "protocols/json.hpp"
#include "protocols/openai_responses.hpp"

#include <boost/test/unit_test.hpp>

#include <cmath>
#include <fstream>
#include <iterator>

using namespace weir;
using namespace weir::protocols;

namespace {

provider_config make_provider() {
  provider_config provider;
  provider.base_url = "http://127.0.0.1:1/v1";
  provider.wire.emplace();
  provider.wire->api = api_kind::responses;
  return provider;
}

result<http_request> encode(const chat_request& request) {
  return openai_responses::make(make_provider()).value()->encode_chat(request);
}

json_document body_of(const chat_request& request) {
  auto encoded = encode(request);
  BOOST_REQUIRE_MESSAGE(encoded.has_value(), to_string(encoded.error()));
  return std::move(json_document::parse(encoded->body).value());
}

/// A member of the body as JSON text; empty: it is not there.
std::string member(const chat_request& request, const char* name) {
  const auto body = body_of(request);
  return body.root().HasMember(name) ? to_json_text(body.root()[name]) : std::string();
}

failure refusal(const chat_request& request) {
  const auto encoded = encode(request);
  BOOST_REQUIRE(encoded.has_error());
  BOOST_TEST((encoded.error().type == errc::invalid_request));
  return encoded.error();
}

chat_request ask(std::string text) {
  chat_request request;
  request.model = model_name("m");
  request.messages.push_back(make_message(role::user, std::move(text)));
  return request;
}

message with_parts(role from, std::vector<content_part> parts) {
  message made;
  made.role = from;
  made.content = std::move(parts);
  return made;
}

message answer_to(std::string id, std::string text) {
  message made = make_message(role::tool, std::move(text));
  made.tool_call_id = std::move(id);
  return made;
}

const raw_part thought{api_kind::responses,
                       R"({"type":"reasoning","id":"rs_1","summary":[],"encrypted_content":"gAAA"})"};
const raw_part reference{api_kind::responses, R"({"type":"reasoning","id":"rs_2","summary":[]})"};

std::string read(const std::string& file) {
  std::ifstream in(std::string(WEIR_TEST_DATA) + "/fixtures/" + file, std::ios::binary);
  return {std::istreambuf_iterator<char>(in), {}};
}

} // namespace

BOOST_AUTO_TEST_SUITE(responses_request_test)

BOOST_AUTO_TEST_CASE(a_question_is_one_item_and_nothing_is_stored) {
  const auto encoded = encode(ask("hello"));
  BOOST_REQUIRE(encoded.has_value());
  BOOST_TEST(encoded->body == R"({"model":"m","input":[{"role":"user","content":"hello"}],"store":false})");
  BOOST_TEST(encoded->head->text().starts_with("POST /v1/responses HTTP/1.1\r\n"));
}

BOOST_AUTO_TEST_CASE(a_path_of_the_configuration_counts_only_where_it_is_of_this_api) {
  provider_config provider = make_provider();
  provider.wire->path = "/other";
  const auto own = openai_responses::make(provider).value()->encode_chat(ask("x"));
  BOOST_TEST(own->head->text().starts_with("POST /v1/other HTTP/1.1\r\n"));
  provider.wire->api = api_kind::chat;
  const auto foreign = openai_responses::make(provider).value()->encode_chat(ask("x"));
  BOOST_TEST(foreign->head->text().starts_with("POST /v1/responses HTTP/1.1\r\n"));
}

BOOST_AUTO_TEST_CASE(an_image_is_asked_about_as_recorded) {
  const auto file = json_document::parse(read("openai/responses/image_url.json"));
  BOOST_REQUIRE(file.has_value());
  const json_value& recorded = *find_member(file->root(), "request", "body");
  const json_value& parts = *find_member((*find_member(recorded, "input"))[0], "content");
  chat_request request;
  request.model = model_name(text_of(find_member(recorded, "model")));
  request.messages.push_back(
      with_parts(role::user, {text_part{std::string(text_of(find_member(parts[0], "text")))},
                              image_part{std::string(text_of(find_member(parts[1], "image_url")))}}));
  const auto body = body_of(request);
  BOOST_TEST((*find_member(body.root(), "input") == *find_member(recorded, "input")));
  BOOST_TEST((*find_member(body.root(), "model") == *find_member(recorded, "model")));
}

BOOST_AUTO_TEST_CASE(tools_are_asked_for_as_recorded) {
  const auto file = json_document::parse(read("generic/deepseek/responses/stream_tool.json"));
  BOOST_REQUIRE(file.has_value());
  const json_value& recorded = *find_member(file->root(), "request", "body");
  const json_value& wanted = (*find_member(recorded, "tools"))[0];
  chat_request request =
      ask(std::string(text_of(find_member((*find_member(recorded, "input"))[0], "content"))));
  request.stream = true;
  request.tool_choice.emplace();
  request.tools.push_back({std::string(text_of(find_member(wanted, "name"))),
                           std::string(text_of(find_member(wanted, "description"))),
                           to_json_text(*find_member(wanted, "parameters")), true});
  const auto body = body_of(request);
  for (const char* name : {"input", "tools", "tool_choice", "stream"})
    BOOST_TEST((*find_member(body.root(), name) == *find_member(recorded, name)), name);
}

BOOST_AUTO_TEST_CASE(system_messages_at_the_front_are_instructions_and_later_ones_are_items) {
  chat_request request = ask("hello");
  request.messages.insert(request.messages.begin(),
                          {make_message(role::system, "Be short."), make_message(role::system, "Be kind.")});
  request.messages.push_back(make_message(role::system, "Be funny."));
  BOOST_TEST(member(request, "instructions") == R"("Be short.\n\nBe kind.")");
  BOOST_TEST(member(request, "input") ==
             R"([{"role":"user","content":"hello"},{"role":"system","content":"Be funny."}])");
}

BOOST_AUTO_TEST_CASE(a_request_of_system_messages_alone_still_has_input) {
  chat_request request;
  request.messages = {make_message(role::system, "one"), make_message(role::system, "two")};
  BOOST_TEST(member(request, "instructions") == R"("one")");
  BOOST_TEST(member(request, "input") == R"([{"role":"system","content":"two"}])");
}

BOOST_AUTO_TEST_CASE(calls_and_their_results_are_items_of_their_own) {
  chat_request request = ask("Weather?");
  message calls = make_message(role::assistant, "I look.");
  calls.tool_calls = {{"call_1", "get_weather", R"({"city":"Rome"})"}, {"call_2", "now", ""}};
  calls.tool_calls.push_back({"call_3", "grep", "a|b", true});
  request.messages.push_back(calls);
  request.messages.push_back(answer_to("call_3", "none"));
  request.messages.push_back(answer_to("call_1", "sunny"));
  request.messages.push_back(answer_to("call_2", "no clock"));
  request.messages.back().is_error = true;
  BOOST_TEST(
      member(request, "input") ==
      R"([{"role":"user","content":"Weather?"},)"
      R"({"role":"assistant","content":[{"type":"output_text","text":"I look."}]},)"
      R"({"type":"function_call","call_id":"call_1","name":"get_weather","arguments":"{\"city\":\"Rome\"}"},)"
      R"({"type":"function_call","call_id":"call_2","name":"now","arguments":"{}"},)"
      R"({"type":"custom_tool_call","call_id":"call_3","name":"grep","input":"a|b"},)"
      R"({"type":"custom_tool_call_output","call_id":"call_3","output":"none"},)"
      R"({"type":"function_call_output","call_id":"call_1","output":"sunny"},)"
      R"({"type":"function_call_output","call_id":"call_2","output":"Error: no clock"}])");
}

BOOST_AUTO_TEST_CASE(an_image_of_a_tool_is_a_part_of_its_output) {
  chat_request request = ask("Look.");
  request.messages.push_back(
      with_parts(role::tool, {text_part{"here"}, image_part{"data:image/png;base64,AAAA", "low"}}));
  request.messages.back().tool_call_id = "c";
  BOOST_TEST(member(request, "input") ==
             R"([{"role":"user","content":"Look."},{"type":"function_call_output","call_id":"c","output":[)"
             R"({"type":"input_text","text":"here"},)"
             R"({"type":"input_image","image_url":"data:image/png;base64,AAAA","detail":"low"}]}])");
  request.messages.back().is_error = true;
  BOOST_TEST(member(request, "input").find(R"("text":"Error: here")") != std::string::npos);
}

BOOST_AUTO_TEST_CASE(thoughts_go_back_as_they_came_and_in_their_place) {
  chat_request request = ask("x");
  request.messages.push_back(with_parts(role::assistant, {text_part{"a"}, thought, text_part{"b"}}));
  request.messages.back().tool_calls = {{"c", "f", "{}"}};
  BOOST_TEST(member(request, "input") ==
             R"([{"role":"user","content":"x"},)"
             R"({"role":"assistant","content":[{"type":"output_text","text":"a"}]},)" +
                 thought.json +
                 R"(,{"role":"assistant","content":[{"type":"output_text","text":"b"}]},)"
                 R"({"type":"function_call","call_id":"c","name":"f","arguments":"{}"}])");
}

BOOST_AUTO_TEST_CASE(a_call_that_stands_among_the_thoughts_is_not_said_twice) {
  chat_request request = ask("x");
  const raw_part call{api_kind::responses,
                      R"({"type":"function_call","call_id":"c1","name":"f","arguments":"{}"})"};
  request.messages.push_back(with_parts(role::assistant, {call, thought}));
  request.messages.back().tool_calls = {{"c1", "f", "{}"}, {"c2", "g", "{}"}};
  BOOST_TEST(member(request, "input") ==
             R"([{"role":"user","content":"x"},)" + call.json + "," + thought.json +
                 R"(,{"type":"function_call","call_id":"c2","name":"g","arguments":"{}"}])");
}

BOOST_AUTO_TEST_CASE(a_thought_that_is_only_a_reference_goes_back_where_it_was_stored) {
  chat_request request = ask("x");
  request.messages.push_back(with_parts(role::assistant, {reference, text_part{"a"}}));
  BOOST_TEST(member(request, "input").find("rs_2") == std::string::npos);
  request.extra = {{"store", "true"}};
  BOOST_TEST(member(request, "input").find("rs_2") != std::string::npos);
  BOOST_TEST(member(request, "store") == "true");
}

BOOST_AUTO_TEST_CASE(a_thought_of_another_vendor_is_left_out) {
  chat_request request = ask("x");
  request.messages.push_back(
      with_parts(role::assistant, {reasoning_part{"hm", "signature"}, text_part{"a"}}));
  BOOST_TEST(member(request, "input") ==
             R"([{"role":"user","content":"x"},)"
             R"({"role":"assistant","content":[{"type":"output_text","text":"a"}]}])");
}

BOOST_AUTO_TEST_CASE(a_file_is_a_part_of_its_message) {
  chat_request request;
  const raw_part file{api_kind::responses, R"({"type":"input_file","file_url":"https://x/y.pdf"})"};
  request.messages.push_back(with_parts(role::user, {text_part{"Read."}, file}));
  BOOST_TEST(member(request, "input") ==
             R"([{"role":"user","content":[{"type":"input_text","text":"Read."},)" + file.json + "]}]");
}

BOOST_AUTO_TEST_CASE(what_the_api_cannot_be_told_is_refused_with_its_path) {
  const auto place_of = [](role from, content_part part) {
    chat_request request = ask("x");
    request.messages.push_back(with_parts(from, {text_part{"y"}, std::move(part)}));
    return refusal(request).place;
  };
  BOOST_TEST(place_of(role::user, raw_part{api_kind::chat, "{}"}) == "messages[1].content[1]");
  BOOST_TEST(place_of(role::assistant, raw_part{api_kind::messages, "{}"}) == "messages[1].content[1]");
  BOOST_TEST(place_of(role::assistant, raw_part{api_kind::responses, "{"}) == "messages[1].content[1]");
  BOOST_TEST(place_of(role::assistant, raw_part{api_kind::responses, "[]"}) == "messages[1].content[1]");
  BOOST_TEST(place_of(role::assistant, image_part{"https://x/y.png"}) == "messages[1].content[1]");
  BOOST_TEST(place_of(role::system, image_part{"https://x/y.png"}) == "messages[1].content[1]");
  BOOST_TEST(place_of(role::tool, thought) == "messages[1].content[1]");
  chat_request request = ask("x");
  request.stop = {"END"};
  BOOST_TEST(refusal(request).place == "stop");
  request = ask("x");
  request.temperature = std::nan("");
  BOOST_TEST(refusal(request).place == "temperature");
  request = ask("x");
  request.tools.push_back({"f", "", "{"});
  BOOST_TEST(refusal(request).place == "tools[0].function.parameters");
  request.tools = {{.name = "f", .description = {}, .parameters = {}, .raw = "[]"}};
  BOOST_TEST(refusal(request).place == "tools[0]");
}

BOOST_AUTO_TEST_CASE(limits_are_sent_under_this_apis_names) {
  chat_request request = ask("x");
  request.max_tokens = 64;
  request.temperature = 0.5;
  BOOST_TEST(member(request, "max_output_tokens") == "64");
  BOOST_TEST(member(request, "temperature") == "0.5");
}

BOOST_AUTO_TEST_CASE(a_tool_is_flat_and_strict_only_where_it_is_asked_for) {
  chat_request request = ask("x");
  request.tools.push_back({"f", "Does.", R"({"type":"object"})"});
  request.tools.push_back({"g", "", ""});
  BOOST_TEST(member(request, "tools") ==
             R"([{"type":"function","name":"f","description":"Does.","parameters":{"type":"object"},)"
             R"("strict":false},{"type":"function","name":"g",)"
             R"("parameters":{"type":"object","properties":{}},"strict":false}])");
}

BOOST_AUTO_TEST_CASE(tools_of_the_provider_go_as_they_are_and_custom_ones_in_this_apis_shape) {
  chat_request request = ask("x");
  request.tools.push_back(
      {.name = "search", .description = {}, .parameters = {}, .raw = R"({"type":"web_search"})"});
  request.tools.push_back({.name = "sql",
                           .description = {},
                           .parameters = {},
                           .raw = R"({"type":"custom","custom":{"name":"sql","format":{"type":"grammar",)"
                                  R"("grammar":{"syntax":"lark","definition":"start: /.+/"}}}})"});
  request.tool_choice = tool_choice{tool_choice::mode::one, "sql"};
  BOOST_TEST(member(request, "tools") ==
             R"([{"type":"web_search"},{"type":"custom","name":"sql","format":)"
             R"({"type":"grammar","syntax":"lark","definition":"start: /.+/"}}])");
  BOOST_TEST(member(request, "tool_choice") == R"({"type":"custom","name":"sql"})");
  request.tool_choice->tool = "search";
  BOOST_TEST(member(request, "tool_choice") == R"({"type":"web_search"})");
}

BOOST_AUTO_TEST_CASE(each_way_to_choose_a_tool_has_its_word) {
  chat_request request = ask("x");
  request.tools.push_back({"f", "", ""});
  const auto choice = [&request](tool_choice::mode mode) {
    request.tool_choice = tool_choice{mode, "f"};
    return member(request, "tool_choice");
  };
  BOOST_TEST(choice(tool_choice::mode::automatic) == R"("auto")");
  BOOST_TEST(choice(tool_choice::mode::required) == R"("required")");
  BOOST_TEST(choice(tool_choice::mode::none) == R"("none")");
  BOOST_TEST(choice(tool_choice::mode::one) == R"({"type":"function","name":"f"})");
}

BOOST_AUTO_TEST_CASE(fields_of_chat_completions_get_their_name_here) {
  chat_request request = ask("x");
  request.extra = {{"reasoning_effort", R"("low")"},
                   {"reasoning", R"({"summary":"auto"})"},
                   {"verbosity", R"("high")"},
                   {"response_format", R"({"type":"json_schema","json_schema":{"name":"n","strict":true,)"
                                       R"("schema":{"type":"object"}}})"},
                   {"top_p", "0.5"},
                   {"seed", "1"},
                   {"n", "1"},
                   {"stream_options", R"({"include_usage":true})"},
                   {"include", R"(["reasoning.encrypted_content"])"},
                   {"user", "null"}};
  BOOST_TEST(member(request, "reasoning") == R"({"summary":"auto","effort":"low"})");
  BOOST_TEST(member(request, "text") ==
             R"({"format":{"type":"json_schema","name":"n","strict":true,"schema":{"type":"object"}},)"
             R"("verbosity":"high"})");
  BOOST_TEST(member(request, "top_p") == "0.5");
  BOOST_TEST(member(request, "include") == R"(["reasoning.encrypted_content"])");
  for (const char* gone :
       {"reasoning_effort", "verbosity", "response_format", "seed", "n", "stream_options", "user"})
    BOOST_TEST(member(request, gone).empty(), gone);
  request.extra = {{"response_format", R"({"type":"json_object"})"}};
  BOOST_TEST(member(request, "text") == R"({"format":{"type":"json_object"}})");
}

BOOST_AUTO_TEST_CASE(extra_fields_that_cannot_be_sent_are_refused_by_name) {
  const auto place_of = [](extra_members extra) {
    chat_request request = ask("x");
    request.extra = std::move(extra);
    return refusal(request).place;
  };
  for (const char* name : {"model", "input", "instructions", "max_output_tokens", "max_tokens", "messages",
                           "stream", "tools", "tool_choice", "stop", "functions"})
    BOOST_TEST(place_of({{name, "1"}}) == name);
  BOOST_TEST(place_of({{"n", "2"}}) == "n");
  BOOST_TEST(place_of({{"background", "true"}}) == "background");
  BOOST_TEST(place_of({{"top_p", "{"}}) == "top_p");
  BOOST_TEST(place_of({{"top_p", "1"}, {"top_p", "1"}}) == "top_p");
  BOOST_TEST(place_of({{"reasoning", "[]"}}) == "reasoning");
  BOOST_TEST(place_of({{"reasoning", R"({"effort":"low"})"}, {"reasoning_effort", R"("low")"}}) ==
             "reasoning_effort");
  BOOST_TEST(place_of({{"response_format", "1"}}) == "response_format");
}

BOOST_AUTO_TEST_SUITE_END()
