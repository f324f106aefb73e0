// A request's limits on both sides, every place that counts towards them, and what stands at the edge of a
// rule.
#include "tests/protocols/validating.hpp"

#include <functional>

using namespace weir;
using namespace weir::test;

BOOST_AUTO_TEST_SUITE(validate_limits_test)

BOOST_AUTO_TEST_CASE(limits_are_what_they_say) {
  chat_request request = ask();
  request.temperature = 0;
  request.tools = {function("f")};
  request.tools[0].description = std::string(64 * 1024, 'x');
  check(request, {});
  request.tools[0].description += 'x';
  check(request, {"tools[0].function.description"});
  request = ask();
  request.messages[0] = make_message(role::user, std::string(largest_request_text, 'x'));
  check(request, {});
}

BOOST_AUTO_TEST_CASE(all_text_counts_towards_the_largest_request) {
  const auto too_large = [](const std::function<void(chat_request&, std::string)>& put) {
    chat_request request = ask({calls({{"a", "f", "{}"}}), answer("a")});
    request.tools = {function("f")};
    put(request, std::string(largest_request_text, 'x'));
    const auto faults = validate(request, nullptr);
    return faults.size() == 1 && faults[0].type == errc::token_limit;
  };
  using text = std::string;
  const std::vector<std::function<void(chat_request&, text)>> places{
      [](auto& in, text long_one) { in.messages[0].content = {reasoning_part{std::move(long_one)}}; },
      [](auto& in, text long_one) {
        in.messages[0].content = {reasoning_part{{}, std::move(long_one)}};
      },
      [](auto& in, text long_one) {
        in.messages[0].content = {reasoning_part{{}, {}, std::move(long_one)}};
      },
      [](auto& in, text long_one) {
        in.messages[0].content = {raw_part{api_kind::chat, std::move(long_one)}};
      },
      [](auto& in, text long_one) { in.messages[0].content = {image_part{"https://h/" + long_one}}; },
      [](auto& in, text long_one) {
        in.messages[0].extra = {{"name", std::move(long_one)}};
      },
      [](auto& in, text long_one) { in.messages[1].tool_calls[0].id = std::move(long_one); },
      [](auto& in, text long_one) { in.messages[1].tool_calls[0].name = std::move(long_one); },
      [](auto& in, text long_one) { in.messages[1].tool_calls[0].arguments = std::move(long_one); },
      [](auto& in, text long_one) {
        in.messages[1].tool_calls[0].extra = {{std::move(long_one), "1"}};
      },
      [](auto& in, text long_one) { in.messages[2].tool_call_id = std::move(long_one); },
      [](auto& in, text long_one) { in.tools[0].name = std::move(long_one); },
      [](auto& in, text long_one) { in.tools[0].description = std::move(long_one); },
      [](auto& in, text long_one) { in.tools[0].parameters = std::move(long_one); },
      [](auto& in, text long_one) { in.tools[0].raw = std::move(long_one); },
      [](auto& in, text long_one) { in.stop = {std::move(long_one)}; },
      [](auto& in, text long_one) {
        in.extra = {{"user", std::move(long_one)}};
      }};
  for (std::size_t at = 0; at != places.size(); ++at)
    BOOST_TEST(too_large(places[at]), at);
  // Images have a limit each.
  const std::string image = "data:image/png;base64," + std::string(20U << 20U, 'A');
  check(ask({with_parts(role::user, {image_part{image}, image_part{image}})}), {});
}

BOOST_AUTO_TEST_CASE(what_has_a_place_of_its_own_is_no_extra_field) {
  for (const char* name : {"model", "messages", "temperature", "max_tokens", "max_completion_tokens",
                           "stream", "tools", "tool_choice", "stop"}) {
    chat_request request = ask();
    request.extra = {{name, "1"}};
    check(request, {name});
  }
  for (const char* name : {"role", "content", "tool_calls", "tool_call_id"}) {
    chat_request request = ask();
    request.messages[0].extra = {{name, "1"}};
    check(request, {std::string("messages[0].") + name});
  }
  for (const char* name : {"id", "type", "function", "custom"}) {
    chat_request request = ask({calls({{"a", "f", "{}"}}), answer("a")});
    request.messages[1].tool_calls[0].extra = {{name, "1"}};
    check(request, {std::string("messages[1].tool_calls[0].") + name});
  }
  for (const auto& [json, good] : {std::pair{"null", true}, std::pair{"1", true}, std::pair{"0", false},
                                   std::pair{"\"1\"", false}, std::pair{"1.5", false}}) {
    chat_request request = ask();
    request.extra = {{"n", json}};
    check(request, good ? paths{} : paths{"n"});
  }
}

BOOST_AUTO_TEST_CASE(a_url_names_a_host_and_has_nothing_that_is_not_seen) {
  for (const char* url :
       {"https://?x", "https://#x", "http:///", "https://h/\x7f", "https://h/\t", "http:/h/x"})
    check(see(url), {"messages[1].content[1].image_url.url"});
  check(see("https://h/\xc3\xa9"), {});
  check(see("https://h/x", "high"), {});
  // A tool may show an image; each may have a mark, which is an object.
  message shown = with_parts(role::tool, {image_part{"https://h/x"}});
  shown.tool_call_id = "a";
  check(ask({calls({{"a", "f", "{}"}}), shown}), {});
  check(ask({with_parts(role::user, {image_part{"https://h/x", {}, "7"}})}),
        {"messages[1].content[0].cache_control"});
  check(ask({with_parts(role::user, {text_part{""}, image_part{"https://h/x"}})}), {});
  check(ask({with_parts(role::user, {text_part{""}, text_part{""}})}), {"messages[1].content"});
}

BOOST_AUTO_TEST_CASE(tools_of_one_api_need_no_name_and_take_none_twice) {
  const tool search{
      .name = "", .description = {}, .parameters = "no JSON", .raw = R"({"type":"web_search"})"};
  chat_request request = ask();
  request.tools = {search, search};
  check(request, {});
  request.tools[0].name = request.tools[1].name = "s";
  check(request, {"tools[1].function.name"});
  request.tools = {function("f", R"({"type":["object"]})"), function("g", R"({"type":null})")};
  check(request, {"tools[0].function.parameters.type"});
  request.tools = {function("f"), search};
  request.tools[0].cache_control = request.tools[1].cache_control = "[]";
  check(request, {"tools[0].cache_control", "tools[1].cache_control"});
}

BOOST_AUTO_TEST_CASE(what_the_provider_keeps_excuses_only_what_stands_before_all_turns) {
  chat_request request;
  request.messages = {answer("a"), calls({{"b", "f", "{}"}}), answer("b"), answer("c")};
  request.extra = {{"conversation", R"("conv_1")"}};
  check(request, {"messages[3].tool_call_id"});
  const auto told = [](const chat_request& wrong) { return validate(wrong, nullptr).at(0).message; };
  BOOST_TEST(told(ask({calls({{"a", "f", "{}"}})})) == "the call is not answered");
  BOOST_TEST(told(ask({calls({{"a", "f", "{}"}}), make_message(role::user, "x"), answer("a")})) ==
             "the call is not answered before messages[2]");
  // What is quoted is cut, and not within a character.
  const std::string most(63, 'a');
  BOOST_TEST(told(ask({answer(most + "\xc3\xa9z")})).ends_with("'" + most + "…'"));
  BOOST_TEST(told(ask({answer(most + "b")})).ends_with("'" + most + "b'"));
}

BOOST_AUTO_TEST_SUITE_END()
