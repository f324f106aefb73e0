// Reports: valid JSON whatever is in it, CSV that a spreadsheet cannot be harmed by.
#include "protocols/json.hpp"
#include "protocols/report_csv.hpp"
#include "protocols/report_json.hpp"

#include <boost/test/unit_test.hpp>

using namespace weir;
using namespace weir::protocols;

BOOST_AUTO_TEST_SUITE(report_test)

BOOST_AUTO_TEST_CASE(a_reply_has_every_field_of_the_design) {
  chat_reply reply;
  reply.success = true;
  reply.content = "bad \xff byte";
  reply.cost = money{840'000'000, *currency::parse("USD")};
  reply.metadata.attempts.emplace_back();
  const auto parsed = json_document::parse(to_json(reply));
  BOOST_REQUIRE(parsed.has_value());
  const json_value& root = parsed->root();
  for (const char* name : {"success", "content", "model", "usage", "finish_reason", "tool_calls", "metadata"})
    BOOST_TEST(root.HasMember(name), name);
  BOOST_TEST(root["error"].IsNull());
  for (const char* name : {"prompt_tokens", "completion_tokens", "total_tokens", "cached_tokens",
                           "cache_write_tokens", "reasoning_tokens", "cost", "currency", "metering"})
    BOOST_TEST(root["usage"].HasMember(name), name);
  BOOST_TEST(text_of(&root["usage"]["cost"]) == "0.00084");
  BOOST_TEST(root["usage"]["cached_tokens"].IsNull()); // not reported is not zero
  for (const char* name : {"request_id", "provider", "attempts", "latency_ms", "call_id"})
    BOOST_TEST(root["metadata"].HasMember(name), name);
}

BOOST_AUTO_TEST_CASE(an_error_has_its_hint_in_milliseconds) {
  chat_reply reply;
  reply.error = make_failure(errc::rate_limit, "slow down");
  reply.error->retry_after = std::chrono::milliseconds{1500};
  const auto parsed = json_document::parse(to_json(reply));
  BOOST_TEST(text_of(find_member(parsed->root(), "error", "type")) == "rate_limit");
  BOOST_TEST(find_member(parsed->root(), "error", "retry_after_ms")->GetInt() == 1500);
}

BOOST_AUTO_TEST_CASE(milliseconds_are_written_exactly) {
  BOOST_TEST(to_milliseconds(std::chrono::microseconds{0}) == "0");
  BOOST_TEST(to_milliseconds(std::chrono::microseconds{12'345}) == "12.345");
  BOOST_TEST(to_milliseconds(std::chrono::microseconds{1'010}) == "1.01");
  BOOST_TEST(to_milliseconds(std::chrono::microseconds{7}) == "0.007");
}

BOOST_AUTO_TEST_CASE(a_formula_in_a_name_is_disarmed) {
  usage_record record;
  record.model = model_name("=cmd|' /C calc'!A0");
  record.provider = provider_name("a,\"b\"\r\nc");
  record.request_id = "-1+2";
  const std::string line = to_csv(record);
  BOOST_TEST(line.find(",\"'=cmd") != std::string::npos);
  BOOST_TEST(line.find("\"a,\"\"b\"\"\r\nc\"") != std::string::npos);
  BOOST_TEST(line.find("\"'-1+2\"") != std::string::npos);
  BOOST_TEST(line.ends_with("\r\n"));
}

BOOST_AUTO_TEST_CASE(a_record_has_a_field_for_each_column) {
  const std::string header = csv_header();
  const std::string line = to_csv(usage_record{});
  BOOST_TEST(std::ranges::count(header, ',') == std::ranges::count(line, ','));
}

BOOST_AUTO_TEST_SUITE_END()
