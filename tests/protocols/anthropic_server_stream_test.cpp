// Streams that a Messages client is sent: blocks in order, one at a time, however the deltas came.
#include "anthropic_cases.hpp"

#include "protocols/anthropic_messages_server.hpp"
#include "protocols/sse.hpp"

#include <map>

using namespace anthropic_cases;

namespace {

using kind = chat_delta::kind;

std::string encoded(const std::vector<chat_delta>& deltas, const chat_reply& whole) {
  const auto encoder = make_messages_stream_encoder(model_name("m"), "msg_1", 12);
  std::string events = encoder->begin();
  for (const chat_delta& each : deltas)
    events += encoder->encode(each);
  return events + encoder->end(whole);
}

/// Holds a stream to the reference's grammar. Gives the kinds of its blocks.
std::vector<std::string> check_grammar(std::string_view stream) {
  std::vector<std::string> blocks;
  std::vector<std::string> names;
  bool open = false;
  sse_parser events;
  while (const auto next = events.next(stream)) {
    const auto data = parsed(next->data);
    const std::string type(text_of(find_member(data, "type")));
    BOOST_TEST(next->name == type);
    names.push_back(type);
    if (!type.starts_with("content_block"))
      continue;
    const std::size_t index = find_member(data, "index")->GetUint();
    if (type == "content_block_start") {
      BOOST_TEST(!open);
      BOOST_TEST(index == blocks.size());
      blocks.emplace_back(text_of(find_member(data, "content_block", "type")));
      open = true;
    } else {
      BOOST_TEST(open);
      BOOST_TEST(index == blocks.size() - 1);
      const std::map<std::string_view, std::string_view> of{
          {"text", "text_delta"}, {"thinking", "thinking_delta"}, {"tool_use", "input_json_delta"}};
      if (type == "content_block_delta")
        BOOST_TEST(text_of(find_member(data, "delta", "type")) == of.at(blocks.back()));
      else
        open = false;
    }
  }
  BOOST_TEST(!open);
  BOOST_REQUIRE(names.size() >= 3U);
  BOOST_TEST(names.front() == "message_start");
  BOOST_TEST(names[names.size() - 2] == "message_delta");
  BOOST_TEST(names.back() == "message_stop");
  return blocks;
}

chat_delta call_piece(std::uint32_t tool, std::string text, std::string id = {}, std::string name = {}) {
  return {kind::tool_call, std::move(text), tool, std::move(id), std::move(name)};
}

chat_reply ended(finish_reason reason) {
  chat_reply whole;
  whole.finish_reason = reason;
  whole.usage.prompt_tokens = 20;
  whole.usage.completion_tokens = 9;
  whole.usage.total_tokens = 29;
  whole.usage.cached_tokens = 5;
  whole.usage.cache_write_tokens = 0;
  return whole;
}

} // namespace

BOOST_AUTO_TEST_SUITE(anthropic_server_stream_test)

BOOST_AUTO_TEST_CASE(a_stream_says_the_same_when_it_is_read_back) {
  const std::vector<chat_delta> deltas{{kind::reasoning, "hm", 0, {}, {}},
                                       {kind::reasoning, "m", 0, {}, {}},
                                       {kind::content, "I ", 0, {}, {}},
                                       {kind::content, "look.", 0, {}, {}},
                                       call_piece(0, "", "t1", "f"),
                                       call_piece(0, R"({"a")"),
                                       call_piece(0, ":1}"),
                                       call_piece(1, "{}", "t2", "g"),
                                       call_piece(2, R"({"b":[2]})", "", "h")};
  const std::string stream = encoded(deltas, ended(finish_reason::tool_calls));
  BOOST_TEST((check_grammar(stream) ==
              std::vector<std::string>{"thinking", "text", "tool_use", "tool_use", "tool_use"}));
  const auto told = listen(stream);
  BOOST_REQUIRE(told.reply.has_value());
  BOOST_TEST(told.reply->reasoning == "hmm");
  BOOST_TEST(told.reply->content == "I look.");
  BOOST_REQUIRE(told.reply->tool_calls.size() == 3U);
  BOOST_TEST((told.reply->tool_calls[0] == tool_call{"t1", "f", R"({"a":1})"}));
  BOOST_TEST((told.reply->tool_calls[1] == tool_call{"t2", "g", "{}"}));
  BOOST_TEST(told.reply->tool_calls[2].arguments == R"({"b":[2]})");
  BOOST_TEST(!told.reply->tool_calls[2].id.empty()); // nobody gave it one
  BOOST_TEST((told.reply->usage == ended(finish_reason::stop).usage));
  BOOST_TEST((told.reply->finish_reason == finish_reason::tool_calls));
}

BOOST_AUTO_TEST_CASE(every_recorded_stream_can_be_handed_on) {
  std::size_t streams = 0;
  for_each_case([&](const recorded_case& each) {
    if (!each.streamed() || !find_member(each.expected, "ok")->GetBool())
      return;
    const heard upstream = listen(to_response(each.response), [] { return 13U; });
    BOOST_REQUIRE_MESSAGE(upstream.reply.has_value(), each.id);
    const std::string stream = encoded(upstream.deltas, *upstream.reply);
    check_grammar(stream);
    const auto told = listen(stream);
    BOOST_REQUIRE_MESSAGE(told.reply.has_value(), each.id);
    BOOST_TEST(told.reply->content == upstream.reply->content, each.id);
    BOOST_TEST(told.reply->reasoning == upstream.reply->reasoning, each.id);
    BOOST_TEST(told.reply->refusal == upstream.reply->refusal, each.id);
    BOOST_TEST((told.reply->tool_calls == upstream.reply->tool_calls), each.id);
    BOOST_TEST((told.reply->finish_reason == upstream.reply->finish_reason), each.id);
    BOOST_TEST(told.reply->usage.prompt_tokens == upstream.reply->usage.prompt_tokens, each.id);
    BOOST_TEST(told.reply->usage.completion_tokens == upstream.reply->usage.completion_tokens, each.id);
    ++streams;
  });
  BOOST_TEST(streams >= 11U);
}

BOOST_AUTO_TEST_CASE(deltas_are_sent_on_as_they_come) {
  const auto encoder = make_messages_stream_encoder(model_name("m"), "msg_1", 12);
  const std::string start = encoder->begin();
  BOOST_TEST(start.starts_with("event: message_start\ndata: {"));
  BOOST_TEST(start.find(R"("input_tokens":12)") != std::string::npos);
  BOOST_TEST(encoder->encode({kind::content, "a", 0, {}, {}}).find(R"("text":"a")") != std::string::npos);
  BOOST_TEST(encoder->encode(call_piece(0, "{}", "t1", "f")).find(R"("partial_json":"{}")") !=
             std::string::npos);
  // The first call is whole, so the second begins at once.
  BOOST_TEST(encoder->encode(call_piece(1, "{", "t2", "g")).find(R"("id":"t2")") != std::string::npos);
}

BOOST_AUTO_TEST_CASE(calls_that_come_side_by_side_leave_one_after_the_other) {
  const std::vector<chat_delta> deltas{call_piece(0, "", "t1", "f"),
                                       call_piece(1, "", "t2", "g"),
                                       call_piece(1, R"({"b")"),
                                       call_piece(0, R"({"a":)"),
                                       {kind::content, "so", 0, {}, {}},
                                       call_piece(1, ":2}"),
                                       call_piece(0, "1}"),
                                       call_piece(0, "late")};
  const std::string stream = encoded(deltas, ended(finish_reason::tool_calls));
  BOOST_TEST((check_grammar(stream) == std::vector<std::string>{"tool_use", "tool_use", "text"}));
  const auto told = listen(stream);
  BOOST_REQUIRE(told.reply.value().tool_calls.size() == 2U);
  BOOST_TEST((told.reply->tool_calls[0] == tool_call{"t1", "f", R"({"a":1})"}));
  BOOST_TEST((told.reply->tool_calls[1] == tool_call{"t2", "g", R"({"b":2})"}));
  BOOST_TEST(told.reply->content == "so");
}

BOOST_AUTO_TEST_CASE(a_name_that_comes_late_is_waited_for) {
  chat_reply whole = ended(finish_reason::tool_calls);
  const std::vector<chat_delta> deltas{call_piece(0, "{", "", ""), call_piece(0, "}", "t1", "f"),
                                       call_piece(1, "{}"), call_piece(2, "{}")};
  whole.tool_calls = {{"t1", "f", "{}"}, {"t2", "g", "{}"}};
  const std::string stream = encoded(deltas, whole);
  check_grammar(stream);
  const auto told = listen(stream);
  BOOST_REQUIRE(told.reply.value().tool_calls.size() == 2U); // nobody ever named the third
  BOOST_TEST((told.reply->tool_calls[0] == tool_call{"t1", "f", "{}"}));
  BOOST_TEST(told.reply->tool_calls[1].name == "g");
}

BOOST_AUTO_TEST_CASE(a_refusal_is_text_unless_the_end_says_it) {
  const std::vector<chat_delta> deltas{{kind::refusal, "I can", 0, {}, {}},
                                       {kind::refusal, "not.", 0, {}, {}}};
  BOOST_TEST(listen(encoded(deltas, ended(finish_reason::stop))).reply.value().content == "I cannot.");
  chat_reply whole = ended(finish_reason::content_filter);
  whole.refusal = "I cannot.";
  const auto told = listen(encoded(deltas, whole));
  BOOST_TEST(told.reply.value().refusal == "I cannot.");
  BOOST_TEST(told.reply->content.empty());
}

BOOST_AUTO_TEST_CASE(a_failure_is_an_event_that_the_client_understands) {
  const auto encoder = make_messages_stream_encoder(model_name("m"), "msg_1", 12);
  failure error = make_failure(errc::server_error, "the provider is overloaded");
  error.status_code = 529;
  const std::string stream = encoder->begin() + encoder->encode({kind::content, "a", 0, {}, {}}) +
                             std::string(messages_ping) + encoder->fail(error);
  BOOST_TEST(stream.find("event: error\ndata: {") != std::string::npos);
  const auto told = listen(stream);
  BOOST_REQUIRE(told.reply.has_error());
  BOOST_TEST((told.reply.error().type == errc::server_error));
  BOOST_TEST(told.reply.error().retryable);
}

BOOST_AUTO_TEST_CASE(deltas_in_any_order_keep_the_grammar_and_lose_nothing) {
  const unsigned seed = 7;
  std::mt19937 dice(seed);
  for (int round = 0; round != 300; ++round) {
    // Each call's pieces stay in order among themselves; anything may come between them.
    std::vector<std::vector<chat_delta>> strands;
    for (std::uint32_t tool = 0; tool != 3; ++tool) {
      const std::string arguments = R"({"n":)" + std::to_string(tool) + R"(,"s":"}\"{"})";
      std::vector<chat_delta> strand{call_piece(tool, "", "t" + std::to_string(tool), "f")};
      for (std::size_t at = 0; at < arguments.size(); at += 5)
        strand.push_back(call_piece(tool, arguments.substr(at, 5)));
      strands.push_back(std::move(strand));
    }
    strands.push_back({{kind::content, "a", 0, {}, {}}, {kind::content, "b", 0, {}, {}}});
    strands.push_back({{kind::reasoning, "c", 0, {}, {}}, {kind::reasoning, "d", 0, {}, {}}});
    std::vector<chat_delta> deltas;
    while (!strands.empty()) {
      const std::size_t pick = dice() % strands.size();
      deltas.push_back(strands[pick].front());
      strands[pick].erase(strands[pick].begin());
      if (strands[pick].empty())
        strands.erase(strands.begin() + static_cast<std::ptrdiff_t>(pick));
    }
    const std::string stream = encoded(deltas, ended(finish_reason::tool_calls));
    check_grammar(stream);
    const auto told = listen(stream);
    BOOST_REQUIRE_MESSAGE(told.reply.value().tool_calls.size() == 3U, "seed " << seed << ", round " << round);
    for (const tool_call& call : told.reply->tool_calls)
      BOOST_TEST(call.arguments == R"({"n":)" + call.id.substr(1) + R"(,"s":"}\"{"})", "round " << round);
    BOOST_TEST(told.reply->content == "ab");
    BOOST_TEST(told.reply->reasoning == "cd");
  }
}

BOOST_AUTO_TEST_SUITE_END()
