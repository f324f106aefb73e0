// Streams: their framing, their order, their silences, and every fault in both dialects.
#include "tests/mock/asking.hpp"

#include <boost/test/unit_test.hpp>

#include <numeric>

using namespace weir;
using namespace weir::mock;
using namespace weir::mock::testing;
using namespace std::chrono_literals;

namespace {

constexpr std::array both{api_kind::chat, api_kind::messages};

answer streamed(const plan& of, api_kind dialect, const std::string& more = "") {
  return answer_chat(of, asking(dialect, "\"stream\":true" + more), 1, 7);
}

/// The text of a stream's events.
std::string said(const std::string& body, api_kind dialect) {
  return gathered(body, dialect == api_kind::chat ? "content" : "text");
}

bool ends_well(const std::string& body) {
  return body.ends_with("data: [DONE]\n\n") || body.ends_with("{\"type\":\"message_stop\"}\n\n");
}

milliseconds waited(const std::vector<transport::plain_step>& steps) {
  milliseconds sum{0};
  for (const auto& step : steps)
    if (const auto* each = std::get_if<transport::pause>(&step))
      sum += each->time;
  return sum;
}

plan striking(fault_kind kind, std::uint64_t after) {
  plan made = with_fault(kind);
  made.faults[0].after_chunks = after;
  return made;
}

} // namespace

BOOST_AUTO_TEST_SUITE(stream_test)

BOOST_AUTO_TEST_CASE(a_stream_says_its_reply_in_chunks) {
  for (const api_kind dialect : both) {
    const answer given = streamed(any_model(), dialect);
    const parted response = part(bytes_of(given));
    BOOST_TEST(response.head.find("Content-Type: text/event-stream") != std::string::npos);
    BOOST_TEST(response.head.find("request-id: req_mock_1") != std::string::npos);
    BOOST_TEST(response.ended);
    BOOST_TEST(ends_well(response.body));
    BOOST_TEST(said(response.body, dialect) == "You said: Hello there");
    BOOST_TEST(given.chunks.value() == 4U); // a word each
    BOOST_TEST(given.source->chunks() == 4U);
    BOOST_TEST(given.stream);
    BOOST_TEST(given.billed);
    BOOST_TEST(given.completion_tokens == 6U);
    plan coarse = any_model();
    coarse.chunk_tokens = 3;
    BOOST_TEST(streamed(coarse, dialect).chunks.value() == 2U);
  }
}

BOOST_AUTO_TEST_CASE(usage_comes_where_it_is_wanted) {
  const auto body = [](const std::string& more) {
    return part(bytes_of(streamed(any_model(), api_kind::chat, more))).body;
  };
  BOOST_TEST(count(body(""), "\"usage\"") == 0U);
  BOOST_TEST(count(body(R"(,"stream_options":{"include_usage":false})"), "\"usage\"") == 0U);
  BOOST_TEST(count(body(R"(,"stream_options":{"include_usage":true})"), R"("usage":{"prompt_tokens":3)") ==
             1U);
  BOOST_TEST(count(part(bytes_of(streamed(any_model(), api_kind::messages))).body, R"("output_tokens":6)") ==
             1U);
}

BOOST_AUTO_TEST_CASE(reasoning_and_calls_are_streamed) {
  plan of = any_model();
  of.reasoning = "Let me think.";
  of.tool_calls = calling::all;
  const std::string chat = part(bytes_of(streamed(of, api_kind::chat, R"(,"tools":[
      {"type":"function","function":{"name":"f","parameters":{"required":["a"],"properties":{"a":{"type":"string"}}}}},
      {"type":"function","function":{"name":"g"}}])")))
                               .body;
  BOOST_TEST(gathered(chat, "reasoning_content") == "Let me think.");
  BOOST_TEST(gathered(chat, "arguments") == R"({"a":"text"}{})");
  BOOST_TEST(count(chat, R"("finish_reason":"tool_calls")") == 1U);
  const std::string messages = part(bytes_of(streamed(of, api_kind::messages, R"(,"tools":[
      {"name":"f","input_schema":{"type":"object","required":["a"],"properties":{"a":{"type":"string"}}}},
      {"name":"g","input_schema":{"type":"object"}}])")))
                                   .body;
  BOOST_TEST(gathered(messages, "thinking") == "Let me think.");
  BOOST_TEST(gathered(messages, "partial_json") == R"({"a":"text"}{})");
  BOOST_TEST(count(messages, R"("type":"content_block_start")") == 3U);
  BOOST_TEST(count(messages, R"("stop_reason":"tool_use")") == 1U);
}

BOOST_AUTO_TEST_CASE(chunks_are_delayed_and_pings_fill_the_silence) {
  for (const api_kind dialect : both) {
    plan slow = any_model();
    slow.chunk_delay = 20ms;
    BOOST_TEST((waited(steps_of(streamed(slow, dialect))) == 60ms)); // between four chunks
    slow.ping_every = 15ms;
    const auto steps = steps_of(streamed(slow, dialect));
    BOOST_TEST((waited(steps) == 60ms));
    const std::string body = part(bytes_of(steps)).body;
    BOOST_TEST(count(body, dialect == api_kind::chat ? ": ping\n\n" : "event: ping\n") == 4U);
    BOOST_TEST(said(body, dialect) == "You said: Hello there");
    slow.latency = 100ms;
    BOOST_TEST((waited(steps_of(streamed(slow, dialect))) == 160ms));
  }
}

BOOST_AUTO_TEST_CASE(a_stream_is_cut_after_so_many_chunks_and_without_its_end_marks) {
  for (const api_kind dialect : both)
    for (std::uint64_t after = 0; after != 6; ++after) {
      const answer given = streamed(striking(fault_kind::cut_stream, after), dialect);
      const auto steps = steps_of(given);
      const parted response = part(bytes_of(steps));
      BOOST_TEST(std::holds_alternative<transport::close_connection>(steps.back()));
      BOOST_TEST(!response.ended);
      BOOST_TEST(!ends_well(response.body));
      BOOST_TEST(given.chunks.value() == std::min<std::uint64_t>(after, 4));
      BOOST_TEST(given.source->chunks() == given.chunks.value());
      BOOST_TEST(!given.billed);
    }
}

BOOST_AUTO_TEST_CASE(an_error_ends_a_stream_as_an_event) {
  for (const api_kind dialect : both) {
    plan of = striking(fault_kind::error_in_stream, 2);
    of.faults[0].status = 529;
    of.faults[0].message = "too much";
    const answer given = streamed(of, dialect);
    const parted response = part(bytes_of(given));
    BOOST_TEST(response.ended);
    BOOST_TEST(given.status == 200);
    BOOST_TEST(said(response.body, dialect) == "You said:");
    const std::string_view event =
        dialect == api_kind::chat
            ? R"(data: {"error":{"message":"too much")"
            : "event: error\ndata: {\"type\":\"error\",\"error\":{\"type\":\"overloaded_error\"";
    BOOST_TEST(count(response.body, event) == 1U);
    BOOST_TEST(!ends_well(response.body));
  }
}

BOOST_AUTO_TEST_CASE(a_stalled_stream_is_silent_for_a_time_or_for_ever) {
  for (const api_kind dialect : both) {
    plan of = striking(fault_kind::stall_stream, 2);
    const answer for_ever = streamed(of, dialect);
    BOOST_TEST(has<transport::hang>(for_ever));
    BOOST_TEST(for_ever.chunks.value() == 2U);
    BOOST_TEST(!for_ever.billed);
    of.faults[0].delay = 500ms;
    const answer a_while = streamed(of, dialect);
    const auto steps = steps_of(a_while);
    BOOST_TEST((waited(steps) == 500ms));
    BOOST_TEST(ends_well(part(bytes_of(steps)).body));
    BOOST_TEST(a_while.billed);
    of.ping_every = 100ms;
    BOOST_TEST(count(bytes_of(streamed(of, dialect)), "ping\n") == 5U);
    of.faults[0].delay = 0ms;
    BOOST_TEST(count(bytes_of(steps_of(streamed(of, dialect), 1000)), "ping\n") > 400U);
  }
}

BOOST_AUTO_TEST_CASE(a_malformed_chunk_stands_within_a_stream_that_goes_on) {
  for (const api_kind dialect : both)
    for (const std::uint64_t after : {0U, 2U, 9U}) {
      const answer given = streamed(striking(fault_kind::malformed_chunk, after), dialect);
      const parted response = part(bytes_of(given));
      BOOST_TEST(response.ended);
      BOOST_TEST(count(response.body, "unfinished\n\n") == 1U);
      BOOST_TEST(ends_well(response.body));
      BOOST_TEST(given.chunks.value() == 4U);
      BOOST_TEST(given.billed);
    }
}

BOOST_AUTO_TEST_CASE(end_marks_can_be_left_out_one_or_all) {
  for (const api_kind dialect : both) {
    const std::string_view why =
        dialect == api_kind::chat ? R"("finish_reason":"stop")" : R"("stop_reason":"end_turn")";
    const parted no_done = part(bytes_of(streamed(with_fault(fault_kind::no_done), dialect)));
    BOOST_TEST(no_done.ended);
    BOOST_TEST(!ends_well(no_done.body));
    BOOST_TEST(count(no_done.body, why) == 1U);
    BOOST_TEST(said(no_done.body, dialect) == "You said: Hello there");
    const answer given = streamed(with_fault(fault_kind::no_finish), dialect);
    const parted no_finish = part(bytes_of(given));
    BOOST_TEST(no_finish.ended);
    BOOST_TEST(count(no_finish.body, why) == 0U);
    BOOST_TEST(said(no_finish.body, dialect) == "You said: Hello there");
    BOOST_TEST(given.billed);
  }
}

BOOST_AUTO_TEST_CASE(an_endless_stream_goes_on) {
  for (const api_kind dialect : both) {
    const answer given = streamed(with_fault(fault_kind::endless), dialect);
    BOOST_TEST(!given.chunks.has_value());
    const std::string body = part(bytes_of(steps_of(given, 1001))).body;
    BOOST_TEST(given.source->chunks() == 1000U);
    BOOST_TEST(count(said(body, dialect), " there You said: Hello") > 240U);
  }
}

BOOST_AUTO_TEST_CASE(faults_of_streams_leave_whole_replies_alone) {
  for (const fault_kind kind :
       {fault_kind::cut_stream, fault_kind::error_in_stream, fault_kind::malformed_chunk,
        fault_kind::stall_stream, fault_kind::no_done, fault_kind::no_finish, fault_kind::endless})
    for (const api_kind dialect : both) {
      const answer given = answer_chat(with_fault(kind), asking(dialect), 1, 7);
      BOOST_TEST(given.struck == nullptr);
      BOOST_TEST(bytes_of(given).find("You said: Hello there") != std::string::npos);
    }
}

BOOST_AUTO_TEST_CASE(every_other_fault_hits_streams_as_well) {
  for (const api_kind dialect : both) {
    const auto given = [dialect](fault_kind kind) {
      plan of = with_fault(kind);
      of.faults[0].after_bytes = 50;
      of.faults[0].body_bytes = 1000;
      of.faults[0].delay = 5ms;
      return streamed(of, dialect);
    };
    const auto body = [&given](fault_kind kind) { return part(bytes_of(given(kind))).body; };
    const auto is_stream = [&given](fault_kind kind) {
      return bytes_of(given(kind)).find("Content-Type: text/event-stream") != std::string::npos;
    };
    BOOST_TEST(has<transport::reset_connection>(given(fault_kind::reset)));
    BOOST_TEST(bytes_of(given(fault_kind::reset)).size() == 50U);
    BOOST_TEST(has<transport::close_connection>(given(fault_kind::close)));
    BOOST_TEST(has<transport::hang>(given(fault_kind::hang)));
    BOOST_TEST(steps_of(given(fault_kind::drip)).size() > 500U);
    BOOST_TEST(said(body(fault_kind::drip), dialect) == "You said: Hello there");
    BOOST_TEST(bytes_of(given(fault_kind::status)).starts_with("HTTP/1.1 500 "));
    BOOST_TEST(!is_stream(fault_kind::status));
    BOOST_TEST(body(fault_kind::malformed_json).ends_with("unfinished\n\n"));
    BOOST_TEST(is_stream(fault_kind::malformed_json));
    const std::string half = body(fault_kind::truncated_json);
    BOOST_TEST(part(bytes_of(given(fault_kind::truncated_json))).ended);
    BOOST_TEST(!ends_well(half));
    BOOST_TEST(half.size() > 100U);
    BOOST_TEST(body(fault_kind::wrong_content_type).starts_with("<html>"));
    BOOST_TEST(body(fault_kind::oversized_body) == "data: \"" + std::string(1000, 'x') + "\"\n\n");
    BOOST_TEST((waited(steps_of(given(fault_kind::slow_first_byte))) == 5ms));
    BOOST_TEST(ends_well(body(fault_kind::slow_first_byte)));
    BOOST_TEST(body(fault_kind::empty_body).empty());
    BOOST_TEST(is_stream(fault_kind::empty_body));
    BOOST_TEST(body(fault_kind::error_in_200).find("\"error\"") != std::string::npos);
    BOOST_TEST(!is_stream(fault_kind::error_in_200));
  }
}

BOOST_AUTO_TEST_SUITE_END()
