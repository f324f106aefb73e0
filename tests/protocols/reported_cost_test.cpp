// What providers say that a call cost: read to the last digit, from whole and streamed replies, or not at
// all.
#include "openai_fixtures.hpp"

#include "protocols/openai_usage.hpp"

#include <map>

using namespace weir;
using namespace weir::protocols;
using namespace weir::protocols::recorded;

namespace {

std::string words(const std::optional<money>& cost) {
  return cost ? to_decimal(*cost) + " " + cost->unit.str() : "none";
}

std::string cost_of_usage(const std::string& cost) {
  const auto parsed =
      json_document::parse(R"({"usage":{"prompt_tokens":1,"completion_tokens":1,"cost":)" + cost + "}}");
  BOOST_REQUIRE_MESSAGE(parsed.has_value(), cost);
  const auto usage = read_openai_usage(parsed->root());
  BOOST_REQUIRE(usage.has_value());
  return words(usage->reported_cost);
}

} // namespace

BOOST_AUTO_TEST_SUITE(reported_cost_test)

BOOST_AUTO_TEST_CASE(an_amount_is_read_to_the_digit_that_was_written) {
  const std::map<std::string, std::string> cases{{"0.00219855", "0.00219855 USD"},
                                                 {"0.1", "0.1 USD"},
                                                 {"1.5e-07", "0.00000015 USD"},
                                                 {"0", "0 USD"},
                                                 {"0.0", "0 USD"},
                                                 {"12", "12 USD"},
                                                 {"0.000000000001", "0.000000000001 USD"},
                                                 {"0.0000055500000004", "0.00000555 USD"},
                                                 {"0.30000000000000004", "0.3 USD"},
                                                 {R"({"total_cost":0.00501})", "0.00501 USD"}};
  for (const auto& [written, read] : cases)
    BOOST_TEST(cost_of_usage(written) == read, written);
}

BOOST_AUTO_TEST_CASE(what_is_no_amount_is_passed_over) {
  for (const char* cost : {"-0.5", "null", "\"0.5\"", "true", "[]", "{}", R"({"total_cost":"1"})", "1e300",
                           R"({"total_cost":{"total_cost":1}})"})
    BOOST_TEST(cost_of_usage(cost) == "none", cost);
}

BOOST_AUTO_TEST_CASE(recorded_replies_tell_what_they_cost) {
  const std::map<std::string, std::string> told{
      {"generic/openrouter/chat/basic", "0.000427 USD"},
      {"generic/openrouter/stream/tool_comments", "0.001008 USD"},
      {"generic/openrouter/stream/reasoning_details_tool", "0.001156 USD"},
      {"generic/perplexity/stream/crlf_no_done_usage_each_chunk", "0.00501 USD"}};
  std::size_t seen = 0;
  for_each_case([&](const json_value& entry, const json_value& recorded) {
    const auto wanted = told.find(std::string(text_of(find_member(entry, "id"))));
    if (wanted == told.end())
      return;
    ++seen;
    const http_response response = response_of(recorded);
    const auto codec = chat_codec();
    const auto reply = is_streamed(recorded, response)
                           ? feed_whole(*codec, response).reply
                           : codec->decode_chat(response, std::chrono::sys_seconds{});
    BOOST_REQUIRE_MESSAGE(reply.has_value(), wanted->first);
    BOOST_TEST(words(reply->usage.reported_cost) == wanted->second, wanted->first);
  });
  BOOST_TEST(seen == told.size());
}

BOOST_AUTO_TEST_SUITE_END()
