// Faults of a request, found before anybody is asked: each at its path, all at once, and none in a good one.
#include "tests/protocols/validating.hpp"

#include <weir/image.hpp>

#include <limits>

using namespace weir;
using namespace weir::test;

BOOST_AUTO_TEST_SUITE(validate_test)

BOOST_AUTO_TEST_CASE(a_good_request_has_no_fault) {
  chat_request request = ask({calls({{"a", "f", "{}"}, {"b", "g", "no JSON"}}), answer("b"), answer("a"),
                              make_message(role::assistant, "Done."), make_message(role::user, "Thanks.")});
  request.messages.insert(request.messages.begin(), make_message(role::system, "Be short."));
  request.messages.back().extra = {{"name", R"("Ann")"}};
  request.messages[2].tool_calls[0].extra = {{"extra_content", "{}"}};
  request.messages.push_back(with_parts(role::user, {image_part{"https://example.org/a.png", "low"},
                                                     image_part{"data:image/png;base64,iVBORw0KGgo="},
                                                     raw_part{api_kind::chat, R"({"type":"file"})"}}));
  request.messages.push_back(
      with_parts(role::assistant, {reasoning_part{"hm", "sig"}, text_part{"x", R"({"type":"ephemeral"})"}}));
  request.temperature = 2;
  request.max_tokens = 100;
  request.stop = {"a", "b", "c", "d"};
  request.stream = true;
  request.tools = {function("f", R"({"type":"object","properties":{}})"),
                   function("g-_9", "{}"),
                   {.name = "", .description = {}, .parameters = {}, .raw = R"({"type":"web_search"})"}};
  request.tool_choice = tool_choice{tool_choice::mode::one, "f"};
  request.extra = {{"n", " 1 "}, {"top_p", "0.5"}, {"seed", "null"}};
  model_config model;
  model.max_tokens = 100;
  model.supports_vision = model.supports_tools = model.supports_streaming = true;
  check(request, {});
  check(request, {}, &model);
}

BOOST_AUTO_TEST_CASE(there_must_be_a_message_and_a_user_says_something) {
  check({}, {"messages"});
  check(ask({with_parts(role::user, {})}), {"messages[1].content"});
  check(ask({make_message(role::user, "")}), {"messages[1].content"});
  check(ask({make_message(role::assistant, ""), make_message(role::system, "")}), {});
}

BOOST_AUTO_TEST_CASE(each_role_holds_only_what_is_its_own) {
  const image_part image{"https://x/y.png"};
  check(ask({with_parts(role::system,
                        {text_part{"a"}, image, reasoning_part{"b"}, raw_part{api_kind::chat, "{}"}})}),
        {"messages[1].content[1]", "messages[1].content[2]", "messages[1].content[3]"});
  check(ask({with_parts(role::assistant, {image})}), {"messages[1].content[0]"});
  check(ask({with_parts(role::user, {text_part{"a"}, reasoning_part{"b"}})}), {"messages[1].content[1]"});
  chat_request request = ask({make_message(role::user, "x")});
  request.messages[1].tool_calls = {{"a", "f", "{}"}};
  request.messages[1].tool_call_id = "a";
  check(request, {"messages[1].tool_calls", "messages[1].tool_call_id"});
  check(ask({with_parts(role::user, {raw_part{api_kind::chat, "[]"}, raw_part{api_kind::chat, "{"}})}),
        {"messages[1].content[0]", "messages[1].content[1]"});
  check(ask({with_parts(role::user, {text_part{"a", "{"}})}), {"messages[1].content[0].cache_control"});
}

BOOST_AUTO_TEST_CASE(every_call_has_one_answer_right_behind_it) {
  const message two = calls({{"z", "f", "{}"}, {"a", "f", "{}"}});
  check(ask({two, answer("a"), answer("z")}), {});
  check(ask({two}), {"messages[1].tool_calls[0].id", "messages[1].tool_calls[1].id"});
  check(ask({two, answer("z")}), {"messages[1].tool_calls[1].id"});
  check(ask({two, answer("z"), make_message(role::user, "x"), answer("a")}),
        {"messages[1].tool_calls[1].id", "messages[4].tool_call_id"});
  check(ask({two, answer("z"), answer("a"), answer("z")}), {"messages[4].tool_call_id"});
  check(ask({two, answer("z"), answer("a"), answer("other"), answer("")}),
        {"messages[4].tool_call_id", "messages[5].tool_call_id"});
  check(ask({answer("a")}), {"messages[1].tool_call_id"});
  // The same ids may come again in another turn.
  check(ask({two, answer("z"), answer("a"), two, answer("a"), answer("z")}), {});
  check(ask({two, two, answer("z"), answer("a")}),
        {"messages[1].tool_calls[0].id", "messages[1].tool_calls[1].id"});
}

BOOST_AUTO_TEST_CASE(an_answer_may_come_first_where_the_provider_keeps_the_conversation) {
  chat_request request;
  request.messages = {answer("a")};
  request.extra = {{"previous_response_id", R"("resp_1")"}};
  check(request, {});
  request.extra[0].second = "null";
  check(request, {"messages[0].tool_call_id"});
}

BOOST_AUTO_TEST_CASE(calls_have_ids_and_names_of_their_own) {
  check(ask({calls({{"a", "f", "{}"}, {"a", "g", "{}"}}), answer("a")}), {"messages[1].tool_calls[1].id"});
  check(ask({calls({{"", "f", "{}"}})}), {"messages[1].tool_calls[0].id"});
  check(ask({calls({{"a", "", "{}"},
                    {"b", "a b", "{}"},
                    {"c", std::string(128, 'x'), ""},
                    {"d", std::string(129, 'x'), ""}}),
             answer("a"), answer("b"), answer("c"), answer("d")}),
        {"messages[1].tool_calls[0].function.name", "messages[1].tool_calls[1].function.name",
         "messages[1].tool_calls[3].function.name"});
  check(ask({calls({{"a", "é", "", true}}), answer("a")}), {"messages[1].tool_calls[0].custom.name"});
}

BOOST_AUTO_TEST_CASE(an_image_has_a_url_that_providers_take) {
  for (const char* url :
       {"http://h/x", "HTTPS://h", "data:image/jpeg;base64,AAAA", "data:IMAGE/webp;base64,AA=="})
    check(see(url), {});
  for (const char* url : {"", "x.png", "ftp://h/x", "https://", "https:///x", "http://h/a b", "http://h/\n",
                          "file:///etc/passwd", "data:", "data:image/png,AAAA", "data:image/png;base64,",
                          "data:image/svg+xml;base64,AAAA", "data:text/plain;base64,AAAA",
                          "data:image/png;base64,AAA", "data:image/png;base64,AA*A"})
    check(see(url), {"messages[1].content[1].image_url.url"});
  check(see("https://h/x", "auto"), {});
  check(see("https://h/x", "Low"), {"messages[1].content[1].image_url.detail"});
}

BOOST_AUTO_TEST_CASE(an_image_may_be_as_large_as_providers_take) {
  // The size of the text, with and without padding, on both sides of the limit.
  const std::size_t letters = (largest_image + 2) / 3 * 4;
  static_assert(largest_image % 3 == 2);
  check(see("data:image/png;base64," + std::string(letters - 1, 'A') + "="), {});
  check(see("data:image/png;base64," + std::string(letters, 'A')), {"messages[1].content[1].image_url.url"});
}

BOOST_AUTO_TEST_CASE(what_a_model_cannot_do_is_refused) {
  model_config model;
  chat_request request = see("https://h/x");
  request.messages.push_back(request.messages.back());
  request.tools = {function("f")};
  request.stream = true;
  check(request, {}, &model);
  model.supports_vision = model.supports_tools = model.supports_streaming = false;
  check(request, {"messages[1].content[1]", "stream", "tools"}, &model);
  check(ask(), {}, &model);
}

BOOST_AUTO_TEST_CASE(options_have_their_ranges) {
  for (const double wrong :
       {-0.1, 2.1, std::numeric_limits<double>::quiet_NaN(), std::numeric_limits<double>::infinity()}) {
    chat_request request = ask();
    request.temperature = wrong;
    check(request, {"temperature"});
  }
  model_config model;
  chat_request request = ask();
  request.max_tokens = 0;
  check(request, {"max_tokens"}, &model);
  request.max_tokens = 4000'000'000U;
  check(request, {}, &model);
  model.max_tokens = 4096;
  check(request, {"max_tokens"}, &model);
  request = ask();
  request.stop = {"a", "", "c", "d", ""};
  check(request, {"stop", "stop[1]", "stop[4]"});
}

BOOST_AUTO_TEST_CASE(tools_have_valid_names_of_their_own_and_schemas) {
  chat_request request = ask();
  request.tools = {function(""),
                   function("a.b"),
                   function("f", "{"),
                   function("g", "[]"),
                   function("h", R"({"type":"string"})"),
                   function("f"),
                   {.name = "r", .description = {}, .parameters = {}, .raw = "7"},
                   function("ok")};
  request.tools[7].description = std::string(100'000, 'x');
  check(request, {"tools[0].function.name", "tools[1].function.name", "tools[2].function.parameters",
                  "tools[3].function.parameters", "tools[4].function.parameters.type",
                  "tools[5].function.name", "tools[6]", "tools[7].function.description"});
}

BOOST_AUTO_TEST_CASE(a_choice_needs_its_tool) {
  chat_request request = ask();
  request.tool_choice = tool_choice{tool_choice::mode::automatic, {}};
  check(request, {"tool_choice"});
  request.tools = {function("f")};
  check(request, {});
  request.tool_choice = tool_choice{tool_choice::mode::one, "g"};
  check(request, {"tool_choice.function.name"});
}

BOOST_AUTO_TEST_CASE(extra_fields_are_json_and_stand_once_and_nowhere_else) {
  chat_request request = ask();
  request.extra = {{"top_p", "1"}, {"top_p", "1"}, {"stop", "[]"}, {"seed", "x"},
                   {"n", "2"},     {"", "1"},      {"user", ""}};
  check(request, {"top_p", "stop", "seed", "extra", "user", "n"});
  request.extra.clear();
  request.messages[0].extra = {{"role", "1"}, {"name", "{"}, {"", "1"}};
  check(request, {"messages[0].role", "messages[0].name", "messages[0]"});
  request = ask({calls({{"a", "f", "{}"}}), answer("a")});
  request.messages[1].tool_calls[0].extra = {{"id", "1"}};
  check(request, {"messages[1].tool_calls[0].id"});
}

BOOST_AUTO_TEST_CASE(a_request_that_is_too_large_is_one_fault) {
  chat_request request = ask({make_message(role::user, std::string(largest_request_text, 'x'))});
  const auto faults = validate(request, nullptr);
  BOOST_REQUIRE_EQUAL(faults.size(), 1U);
  BOOST_TEST((faults[0].type == errc::token_limit));
  BOOST_TEST(faults[0].place == "messages");
}

BOOST_AUTO_TEST_CASE(faults_are_told_all_at_once_and_up_to_a_limit) {
  chat_request request = ask(std::vector<message>(1000, answer("x")));
  BOOST_TEST(validate(request, nullptr).size() == most_faults);
}

BOOST_AUTO_TEST_CASE(many_calls_are_checked_in_little_time) {
  constexpr std::size_t many = 20'000;
  chat_request request = ask({calls({})});
  for (std::size_t n = 0; n != many; ++n) {
    request.messages[1].tool_calls.push_back({"call_" + std::to_string(n), "f", "{}"});
    request.extra.emplace_back("field_" + std::to_string(n), "1");
  }
  for (std::size_t n = many; n != 0; --n)
    request.messages.push_back(answer("call_" + std::to_string(n - 1)));
  check(request, {});
}

BOOST_AUTO_TEST_CASE(faults_become_one_failure_that_tells_them_all) {
  chat_request request = ask();
  request.temperature = 3;
  const auto one = validate(request, nullptr);
  BOOST_TEST((to_failure(one) == one.front()));
  request.stop = {""};
  const failure both = to_failure(validate(request, nullptr));
  BOOST_TEST((both.type == errc::invalid_request));
  BOOST_TEST(both.place == "temperature");
  BOOST_TEST(both.message == "the request has 2 faults: temperature: expected a number from 0 to 2; "
                             "stop[0]: expected a text that is not empty");
  BOOST_TEST((to_failure({}).type == errc::none));
}

BOOST_AUTO_TEST_SUITE_END()
