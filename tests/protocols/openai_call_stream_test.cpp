// Streamed tool calls by what servers do differently: numbering, naming, repeating. Each was seen in the
// field.
#include "openai_fixtures.hpp"

using namespace weir;
using namespace weir::protocols;
using namespace weir::protocols::recorded;

namespace {

/// A chunk whose only choice has this delta.
std::string chunk(const std::string& delta, const std::string& finish = "null") {
  return R"({"id":"c1","model":"m1","choices":[{"index":0,"delta":)" + delta + R"(,"finish_reason":)" +
         finish + "}]}";
}

std::string call_chunk(const std::string& entries) {
  return chunk(R"({"tool_calls":[)" + entries + "]}");
}

const std::string ends = chunk("{}", "\"tool_calls\"");

streamed read(const std::vector<std::string>& data) {
  return feed_whole(*chat_codec(), stream_of(data));
}

std::vector<tool_call> calls_of(std::vector<std::string> data) {
  data.push_back(ends);
  const streamed got = read(data);
  BOOST_REQUIRE_MESSAGE(got.reply.has_value(), to_string(got.reply.error()));
  return got.reply->tool_calls;
}

errc error_of(const std::vector<std::string>& data) {
  const streamed got = read(data);
  return got.reply ? errc::none : got.reply.error().type;
}

const std::string* extra_of(const extra_members& members, std::string_view name) {
  for (const auto& [key, json] : members)
    if (key == name)
      return &json;
  return nullptr;
}

} // namespace

BOOST_AUTO_TEST_SUITE(openai_call_stream_test)

BOOST_AUTO_TEST_CASE(pieces_go_to_the_call_of_their_number) {
  const auto calls = calls_of(
      {call_chunk(R"({"index":3,"id":"a","type":"function","function":{"name":"f","arguments":""}})"),
       call_chunk(R"({"index":1,"id":"b","function":{"name":"g","arguments":"{"}})"),
       call_chunk(R"({"index":3,"function":{"arguments":"{\"x\""}})"),
       call_chunk(
           R"({"index":1,"function":{"name":"","arguments":"}"}},{"index":3,"id":"","function":{"arguments":":1}"}})")});
  BOOST_REQUIRE(calls.size() == 2U);
  BOOST_TEST(calls[0].id == "a");
  BOOST_TEST(calls[0].name == "f");
  BOOST_TEST(calls[0].arguments == R"({"x":1})");
  BOOST_TEST(calls[1].id == "b");
  BOOST_TEST(calls[1].name == "g");
  BOOST_TEST(calls[1].arguments == "{}");
}

BOOST_AUTO_TEST_CASE(without_numbers_a_new_id_is_a_new_call) {
  const auto calls = calls_of({call_chunk(R"({"id":"a","function":{"name":"f","arguments":"{\"x"}})"),
                               call_chunk(R"({"function":{"arguments":"\":1}"}})"),
                               call_chunk(R"({"id":"b","function":{"name":"f","arguments":""}})"),
                               call_chunk(R"({"id":"b","function":{"arguments":"{}"}})")});
  BOOST_REQUIRE(calls.size() == 2U);
  BOOST_TEST(calls[0].arguments == R"({"x":1})");
  BOOST_TEST(calls[1].id == "b");
  BOOST_TEST(calls[1].arguments == "{}");
}

BOOST_AUTO_TEST_CASE(without_numbers_and_ids_the_place_tells) {
  const auto calls = calls_of(
      {call_chunk(R"({"function":{"name":"f","arguments":"{"}},{"function":{"name":"g","arguments":"{"}})"),
       call_chunk(R"({"function":{"arguments":"}"}},{"function":{"arguments":"}"}})")});
  BOOST_REQUIRE(calls.size() == 2U);
  BOOST_TEST(calls[0].name == "f");
  BOOST_TEST(calls[0].arguments == "{}");
  BOOST_TEST(calls[1].arguments == "{}");
  BOOST_TEST(calls[0].id != calls[1].id); // they are given ids
  BOOST_TEST(calls[0].id.starts_with("call_"));
}

BOOST_AUTO_TEST_CASE(calls_that_all_have_one_number_are_told_apart) {
  // Gemini: each call whole, numbered 0, and with or without an id.
  const auto named =
      calls_of({call_chunk(R"({"index":0,"id":"a","function":{"name":"f","arguments":"{}"}})"),
                call_chunk(R"({"index":0,"id":"b","function":{"name":"f","arguments":"{}"}})")});
  BOOST_REQUIRE(named.size() == 2U);
  BOOST_TEST(named[1].id == "b");
  const auto nameless =
      calls_of({call_chunk(R"({"index":0,"id":"","function":{"name":"f","arguments":"{\"a\":1}"}})"),
                call_chunk(R"({"index":0,"id":"","function":{"name":"g","arguments":"{\"b\":2}"}})")});
  BOOST_REQUIRE(nameless.size() == 2U);
  BOOST_TEST(nameless[1].name == "g");
  BOOST_TEST(nameless[1].arguments == R"({"b":2})");
}

BOOST_AUTO_TEST_CASE(ids_and_names_that_are_repeated_or_changed_do_not_make_new_calls) {
  // Kimi repeats id and name; old servers of vLLM made up another id for every piece, without a name.
  const auto repeated =
      calls_of({call_chunk(R"({"index":0,"id":"a","function":{"name":"f","arguments":"{\"x\":"}})"),
                call_chunk(R"({"index":0,"id":"a","function":{"name":"f","arguments":"1}"}})")});
  BOOST_REQUIRE(repeated.size() == 1U);
  BOOST_TEST(repeated[0].arguments == R"({"x":1})");
  const auto changed = calls_of({call_chunk(R"({"index":0,"id":"a","function":{"name":"f","arguments":""}})"),
                                 call_chunk(R"({"index":0,"id":"z","function":{"arguments":"{}"}})")});
  BOOST_REQUIRE(changed.size() == 1U);
  BOOST_TEST(changed[0].id == "a");
  const auto said_again =
      calls_of({call_chunk(R"({"index":0,"id":"a","function":{"name":"f","arguments":"{\"x\":1}"}})"),
                call_chunk(R"({"index":0,"id":"a","function":{"name":"f","arguments":"{\"x\":1}"}})")});
  BOOST_REQUIRE(said_again.size() == 1U);
  BOOST_TEST(said_again[0].arguments == R"({"x":1})");
}

BOOST_AUTO_TEST_CASE(an_id_or_a_name_may_come_late) {
  const streamed got = read({call_chunk(R"({"index":0,"function":{"arguments":""}})"),
                             call_chunk(R"({"index":0,"function":{"name":"f","arguments":"{"}})"),
                             call_chunk(R"({"index":0,"id":"a","function":{"arguments":"}"}})"), ends});
  BOOST_REQUIRE(got.reply.has_value());
  BOOST_REQUIRE(got.reply->tool_calls.size() == 1U);
  BOOST_TEST(got.reply->tool_calls[0].id == "a");
  BOOST_TEST(got.reply->tool_calls[0].name == "f");
  BOOST_TEST(told(got.deltas, chat_delta::kind::tool_call) == "{}");
}

BOOST_AUTO_TEST_CASE(calls_of_other_shapes_are_read) {
  const auto legacy = calls_of({chunk(R"({"function_call":{"name":"f","arguments":""}})"),
                                chunk(R"({"function_call":{"arguments":"{\"x\":"}})"),
                                chunk(R"({"function_call":{"arguments":"1}"}})")});
  BOOST_REQUIRE(legacy.size() == 1U);
  BOOST_TEST(legacy[0].arguments == R"({"x":1})");
  BOOST_TEST(calls_of({chunk(R"({"content":"a","function_call":{"name":"","arguments":""}})")}).empty());
  const auto custom =
      calls_of({call_chunk(R"({"index":0,"id":"a","type":"custom","custom":{"name":"f","input":"1 "}})"),
                call_chunk(R"({"index":0,"custom":{"input":"+ 2"}})")});
  BOOST_REQUIRE(custom.size() == 1U);
  BOOST_TEST(custom[0].custom);
  BOOST_TEST(custom[0].arguments == "1 + 2");
  const auto object =
      calls_of({call_chunk(R"({"index":0,"id":"a","function":{"name":"f","arguments":{"x":[1]}}})")});
  BOOST_TEST(object.at(0).arguments == R"({"x":[1]})");
  const auto none = calls_of({call_chunk(R"({"index":0,"id":"a","function":{"name":"f","arguments":null}})"),
                              call_chunk(R"({"index":0,"function":null})"), call_chunk("null,7,[]")});
  BOOST_REQUIRE(none.size() == 1U);
  BOOST_TEST(none[0].arguments.empty());
  const auto signed_call = calls_of({call_chunk(
      R"({"index":0,"id":"a","function":{"name":"f","arguments":"{}"},"extra_content":{"google":{"thought_signature":"s"}}})")});
  BOOST_REQUIRE(extra_of(signed_call.at(0).extra, "extra_content") != nullptr);
  BOOST_TEST(*extra_of(signed_call[0].extra, "extra_content") == R"({"google":{"thought_signature":"s"}})");
}

BOOST_AUTO_TEST_CASE(a_call_that_was_cut_is_never_given_out) {
  const std::string half =
      call_chunk(R"({"index":0,"id":"a","function":{"name":"f","arguments":"{\"x\":"}})");
  BOOST_TEST((error_of({half}) == errc::network));
  BOOST_TEST((error_of({half, "[DONE]"}) == errc::network)); // the end mark alone does not make it whole
  BOOST_TEST((error_of({call_chunk(R"({"index":0,"id":"a","function":{"name":"f","arguments":""}})"),
                        "[DONE]"}) == errc::none));
  BOOST_TEST((error_of({half, chunk("{}", "\"length\"")}) == errc::none)); // the model's own end, and told so
}

BOOST_AUTO_TEST_SUITE_END()
