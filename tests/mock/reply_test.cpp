// What the mock says: when tools are called, what an echo quotes, and that deltas are the reply.
#include "tools/mock/dialect.hpp"
#include "tools/mock/reply.hpp"

#include <boost/test/unit_test.hpp>

#include <algorithm>

using namespace weir;
using namespace weir::mock;

namespace {

chat_request two_tools() {
  chat_request request;
  request.model = model_name("m");
  request.messages = {make_message(role::user, "What now?")};
  request.tools = {{"own", "", "", {}, "", "{\"type\":\"web_search\",\"name\":\"own\"}"},
                   {"first", "", R"({"required":["a"],"properties":{"a":{"type":"string"}}})"},
                   {"second", "", ""}};
  return request;
}

std::string called(const plan& of, const chat_request& request) {
  const chat_reply reply = make_reply(of, request, api_kind::chat, 3);
  BOOST_TEST((reply.finish_reason == finish_reason::tool_calls) == !reply.tool_calls.empty());
  std::string names;
  for (const tool_call& each : reply.tool_calls)
    names += each.id + ":" + each.name + each.arguments + " ";
  return names;
}

} // namespace

BOOST_AUTO_TEST_SUITE(reply_test)

BOOST_AUTO_TEST_CASE(tools_are_called_when_plan_or_request_say_so) {
  plan silent;
  plan calling_first;
  calling_first.tool_calls = calling::first;
  plan calling_all;
  calling_all.tool_calls = calling::all;
  chat_request request = two_tools();
  const std::string first = R"(call_mock_3_1:first{"a":"text"} )";
  BOOST_TEST(called(silent, request) == "");
  BOOST_TEST(called(calling_first, request) == first);
  BOOST_TEST(called(calling_all, request) == first + "call_mock_3_2:second{} ");
  request.extra = {{"parallel_tool_calls", "false"}};
  BOOST_TEST(called(calling_all, request) == first);
  request.tool_choice = tool_choice{tool_choice::mode::none, {}};
  BOOST_TEST(called(calling_first, request) == "");
  request.tool_choice = tool_choice{tool_choice::mode::required, {}};
  BOOST_TEST(called(silent, request) == first);
  request.tool_choice = tool_choice{tool_choice::mode::one, "second"};
  BOOST_TEST(called(silent, request) == "call_mock_3_1:second{} ");
  request.tools.clear();
  BOOST_TEST(called(silent, request) == "");
}

BOOST_AUTO_TEST_CASE(tool_results_are_quoted_in_their_order) {
  plan calling_first;
  calling_first.tool_calls = calling::first;
  chat_request request = two_tools();
  request.messages.push_back(make_message(role::tool, "sunny"));
  request.messages.push_back(make_message(role::tool, "no such city"));
  request.messages.back().is_error = true;
  const chat_reply reply = make_reply(calling_first, request, api_kind::messages, 1);
  BOOST_TEST(reply.content == R"(The tools said: "sunny", failed with "no such city")");
  BOOST_TEST(reply.tool_calls.empty());
  calling_first.reply = "Fine.";
  BOOST_TEST(make_reply(calling_first, request, api_kind::messages, 1).content == "Fine.");
}

BOOST_AUTO_TEST_CASE(an_echo_is_cut_between_characters_and_counts_images) {
  chat_request request;
  std::string umlauts;
  for (int n = 0; n != 100; ++n)
    umlauts += "ü";
  request.messages = {make_message(role::user, "x" + umlauts)};
  const std::string said = make_reply({}, request, api_kind::chat, 1).content;
  BOOST_TEST(said == "You said: x" + umlauts.substr(0, 118));
  request.messages = {make_message(role::user, "What?")};
  request.messages[0].content.emplace_back(image_part{"data:image/png;base64,AA=="});
  BOOST_TEST(make_reply({}, request, api_kind::chat, 1).content == "You said: What? (with 1 image)");
}

BOOST_AUTO_TEST_CASE(deltas_put_together_are_the_reply) {
  plan talkative;
  talkative.reply =
      "  Two spaces, a long_word_without_any_space_in_it, ümläüts_öhne_ende_üüüüü…\n and an end. ";
  talkative.reasoning = "Let me think.";
  talkative.tool_calls = calling::all;
  for (const bool tools : {false, true}) {
    std::size_t most = 100;
    for (const std::uint32_t chunk_tokens : {1U, 2U, 1000U}) {
      chat_request request = two_tools();
      if (!tools)
        request.tools.clear();
      const chat_reply reply = make_reply(talkative, request, api_kind::chat, 1);
      const auto deltas = make_deltas(reply, chunk_tokens);
      std::string content;
      std::string reasoning;
      std::vector<tool_call> calls;
      for (const chat_delta& each : deltas) {
        if (each.type == chat_delta::kind::content)
          content += each.text;
        else if (each.type == chat_delta::kind::reasoning)
          reasoning += each.text;
        else if (each.tool_id.empty())
          calls.at(each.tool_index).arguments += each.text;
        else
          calls.push_back({each.tool_id, each.tool_name, each.text});
      }
      BOOST_TEST(content == reply.content);
      BOOST_TEST(reasoning == reply.reasoning);
      BOOST_TEST((calls == reply.tool_calls));
      BOOST_TEST(deltas.size() < most);
      most = deltas.size();
    }
  }
}

BOOST_AUTO_TEST_CASE(a_reply_goes_on_from_what_it_was_begun_with) {
  plan of;
  of.reply = "one two three";
  chat_request request;
  request.messages = {make_message(role::user, "Count."), make_message(role::assistant, "one two")};
  const auto said = [&] { return make_reply(of, request, api_kind::chat, 1); };
  BOOST_TEST(said().content == " three");
  BOOST_TEST(said().usage.completion_tokens == 2U);
  of.prefill = prefilling::ignore;
  BOOST_TEST(said().content == "one two three");
  of.prefill = prefilling::go_on;
  request.messages.back() = make_message(role::assistant, "two");
  BOOST_TEST(said().content == "one two three"); // no beginning of it
  request.messages.push_back(make_message(role::user, "Again."));
  BOOST_TEST(said().content == "one two three");
}

BOOST_AUTO_TEST_CASE(usage_counts_what_was_thought_and_called) {
  plan thinking;
  thinking.reasoning = "12345678";
  chat_request request;
  request.messages = {make_message(role::user, "1234")};
  token_usage usage = make_reply(thinking, request, api_kind::chat, 1).usage;
  BOOST_TEST(usage.prompt_tokens == 1U);
  BOOST_TEST(usage.completion_tokens == 4U + 2U); // "You said: 1234" and the reasoning
  BOOST_TEST(usage.reasoning_tokens.value() == 2U);
  thinking.completion_tokens = 1;
  usage = make_reply(thinking, request, api_kind::chat, 1).usage;
  BOOST_TEST(usage.completion_tokens == 1U);
  BOOST_TEST(usage.reasoning_tokens.value() == 1U);
  BOOST_TEST(usage.total_tokens == 2U);
}

BOOST_AUTO_TEST_SUITE_END()
