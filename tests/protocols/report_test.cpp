// Reports: valid JSON whatever is in it, CSV that a spreadsheet cannot be harmed by.
// Knows no vendor: what goes in are weir's own values.
#include "protocols/json.hpp"
#include "protocols/record_writer.hpp"
#include "protocols/report_csv.hpp"
#include "protocols/report_json.hpp"

#include <boost/test/unit_test.hpp>

#include <algorithm>
#include <limits>
#include <string>
#include <vector>

using namespace weir;
using namespace weir::protocols;

namespace {

const currency usd = *currency::parse("USD");
const currency eur = *currency::parse("EUR");

/// The fields of one CSV line, read by RFC 4180.
std::vector<std::string> fields_of(std::string_view line) {
  std::vector<std::string> fields(1);
  bool quoted = false;
  for (std::size_t at = 0; at + 2 < line.size() || (at < line.size() && quoted); ++at) {
    const char letter = line[at];
    if (letter == '"' && quoted && line[at + 1] == '"')
      fields.back() += line[++at];
    else if (letter == '"')
      quoted = !quoted;
    else if (letter == ',' && !quoted)
      fields.emplace_back();
    else
      fields.back() += letter;
  }
  return fields;
}

/// The field of that column.
std::string field_of(const std::string& header, const std::string& line, std::string_view column) {
  const auto names = fields_of(header);
  const auto found = std::ranges::find(names, column);
  BOOST_REQUIRE(found != names.end());
  return fields_of(line).at(static_cast<std::size_t>(found - names.begin()));
}

usage_record lost_record() {
  usage_record lost;
  lost.state = record_state::unknown;
  lost.error_type = errc::timeout;
  lost.cost_limit = money{900, usd};
  return lost;
}

} // namespace

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
  for (const char* name :
       {"id", "provider", "model", "error", "status_code", "message", "latency_ms", "waited_ms", "hedge"})
    BOOST_TEST(root["metadata"]["attempts"][0].HasMember(name), name);
}

BOOST_AUTO_TEST_CASE(an_attempt_says_which_model_was_asked_and_whether_it_was_a_hedge) {
  chat_reply reply;
  attempt_info first;
  first.provider = provider_name("p");
  first.model = model_name("m-1");
  first.error = errc::server_error;
  first.status_code = 503;
  first.waited = std::chrono::milliseconds{40};
  attempt_info hedge;
  hedge.hedge = true;
  reply.metadata.attempts = {first, hedge};
  const auto parsed = json_document::parse(to_json(reply));
  BOOST_REQUIRE(parsed.has_value());
  const json_value& attempts = parsed->root()["metadata"]["attempts"];
  BOOST_TEST(text_of(&attempts[0]["model"]) == "m-1");
  BOOST_TEST(text_of(&attempts[0]["error"]) == "server_error");
  BOOST_TEST(attempts[0]["waited_ms"].GetInt() == 40);
  BOOST_TEST(!attempts[0]["hedge"].GetBool());
  BOOST_TEST(attempts[1]["hedge"].GetBool());
}

BOOST_AUTO_TEST_CASE(a_restart_of_a_stream_is_a_delta_without_text) {
  chat_delta delta;
  delta.type = chat_delta::kind::restart;
  BOOST_TEST(to_json(delta) == R"({"type":"restart"})");
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
  BOOST_TEST(to_milliseconds(std::chrono::microseconds{-1'500}) == "-1.5");
  BOOST_TEST(to_milliseconds(std::chrono::microseconds::min()) == "-9223372036854775.808");
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

BOOST_AUTO_TEST_CASE(no_amount_stands_without_its_currency) {
  const usage_record lost = lost_record();
  const auto parsed = json_document::parse(to_json(lost));
  BOOST_REQUIRE(parsed.has_value());
  BOOST_TEST(parsed->root()["cost"].IsNull());
  BOOST_TEST(text_of(&parsed->root()["cost_limit"]) == "0.0000000009");
  BOOST_TEST(text_of(&parsed->root()["currency"]) == "USD");
  BOOST_TEST(field_of(csv_header(), to_csv(lost), "currency") == "USD");
  BOOST_TEST(field_of(csv_header(), to_csv(lost), "cost_limit") == "0.0000000009");
  BOOST_TEST(json_document::parse(to_json(usage_record{}))->root()["currency"].IsNull());
}

BOOST_AUTO_TEST_CASE(a_record_has_every_field_of_the_design) {
  usage_record record = lost_record();
  record.tags = {{"agent", "a\"b"}, {"user", "\xc3"}};
  const auto parsed = json_document::parse(to_json(record));
  BOOST_REQUIRE(parsed.has_value());
  const auto columns = fields_of(csv_header());
  for (const char* name : {"id",
                           "call_id",
                           "timestamp",
                           "model_name",
                           "provider_name",
                           "request_id",
                           "attempt",
                           "state",
                           "success",
                           "error_type",
                           "prompt_tokens",
                           "completion_tokens",
                           "total_tokens",
                           "cached_tokens",
                           "cache_write_tokens",
                           "reasoning_tokens",
                           "metering",
                           "cost",
                           "currency",
                           "cost_limit",
                           "price_version",
                           "response_time_ms",
                           "first_token_time_ms",
                           "tags",
                           "cache_write_1h_tokens",
                           "images",
                           "reported_cost",
                           "reported_currency"}) {
    BOOST_TEST(parsed->root().HasMember(name), name);
    BOOST_TEST(std::ranges::count(columns, name) == 1, name);
  }
  BOOST_TEST(text_of(&parsed->root()["timestamp"]) == "1970-01-01T00:00:00.000000Z");
  BOOST_TEST(text_of(&parsed->root()["error_type"]) == "timeout");
  BOOST_TEST(text_of(find_member(parsed->root(), "tags", "agent")) == "a\"b");
  BOOST_TEST(text_of(find_member(parsed->root(), "tags", "user")) == "\xef\xbf\xbd");
}

BOOST_AUTO_TEST_CASE(totals_have_the_figures_of_all_and_keep_currencies_apart) {
  usage_record paid;
  paid.success = true;
  paid.usage.total_tokens = 7;
  paid.response_time = std::chrono::microseconds{1'500};
  paid.cost = money{720'000'000, usd};
  usage_summary here;
  here.model = model_name("m");
  here.provider = provider_name("p");
  here.add(paid);
  usage_summary there = here;
  paid.cost->unit = eur;
  there.add(paid);
  const auto parsed = json_document::parse(to_json(std::vector{here, there}));
  BOOST_REQUIRE(parsed.has_value());
  const json_value& root = parsed->root();
  BOOST_TEST(root["summaries"].Size() == 2U);
  BOOST_TEST(text_of(find_member(root["summaries"][1], "total_cost", "EUR")) == "0.00072");
  BOOST_TEST(text_of(&root["summaries"][0]["model_name"]) == "m");
  BOOST_TEST(text_of(find_member(root, "totals", "total_cost", "USD")) == "0.00144");
  BOOST_TEST(text_of(find_member(root, "totals", "total_cost", "EUR")) == "0.00072");
  BOOST_TEST(root["totals"]["total_requests"].GetUint64() == 3U);
  BOOST_TEST(root["totals"]["total_tokens"].GetUint64() == 21U);
  BOOST_TEST(root["totals"]["average_response_time_ms"].GetDouble() == 1.5);
  BOOST_TEST(!root["totals"].HasMember("model_name"));
}

BOOST_AUTO_TEST_CASE(no_summaries_still_have_totals) {
  const auto parsed = json_document::parse(to_json(std::vector<usage_summary>{}));
  BOOST_REQUIRE(parsed.has_value());
  BOOST_TEST(parsed->root()["summaries"].Empty());
  BOOST_TEST(parsed->root()["totals"]["total_requests"].GetUint64() == 0U);
  BOOST_TEST(parsed->root()["totals"]["first_request_time"].IsNull());
}

BOOST_AUTO_TEST_CASE(summaries_have_a_line_for_each_currency_spent_or_at_risk) {
  usage_summary sum;
  usage_record record = lost_record();
  sum.add(record);
  record = {};
  record.success = true;
  record.cost = money{720'000'000, eur};
  sum.add(record);
  const std::string text = to_csv(std::vector{sum});
  std::vector<std::string> lines;
  for (std::size_t from = 0; from < text.size(); from = text.find("\r\n", from) + 2)
    lines.push_back(text.substr(from, text.find("\r\n", from) + 2 - from));
  BOOST_REQUIRE(lines.size() == 3U);
  const auto field = [&](std::size_t line, const char* column) {
    return field_of(lines[0], lines[line], column);
  };
  BOOST_TEST(field(1, "currency") == "EUR");
  BOOST_TEST(field(1, "total_cost") == "0.00072");
  BOOST_TEST(field(1, "unknown_cost_limit").empty());
  BOOST_TEST(field(2, "currency") == "USD");
  BOOST_TEST(field(2, "total_cost").empty());
  BOOST_TEST(field(2, "unknown_cost_limit") == "0.0000000009");
  for (const std::string& line : lines)
    BOOST_TEST(fields_of(line).size() == fields_of(lines[0]).size());
  // Unpriced and nothing at risk: still a line.
  BOOST_TEST(std::ranges::count(to_csv(std::vector{usage_summary{}}), '\n') == 2);
}

BOOST_AUTO_TEST_CASE(a_summary_has_the_members_that_were_grouped_by) {
  usage_record record = lost_record();
  record.tags = {{"agent", "=a"}};
  usage_summary sum;
  sum.add(record);
  sum.status = usage_status::unknown;
  sum.error_type = errc::timeout;
  sum.tags = {{"agent", "=a"}, {"user", ""}};
  sum.period = timestamp{};
  usage_grouping grouping;
  grouping.model = grouping.provider = false;
  grouping.status = grouping.error_type = true;
  grouping.tags = {"agent", "user"};
  grouping.step = time_step::day;
  const auto parsed = json_document::parse(to_json(std::vector{sum}, grouping));
  BOOST_REQUIRE(parsed.has_value());
  const json_value& one = parsed->root()["summaries"][0];
  BOOST_TEST(!one.HasMember("model_name"));
  BOOST_TEST(!one.HasMember("provider_name"));
  BOOST_TEST(text_of(&one["status"]) == "unknown");
  BOOST_TEST(text_of(&one["error_type"]) == "timeout");
  BOOST_TEST(text_of(&one["period"]) == "1970-01-01T00:00:00.000000Z");
  BOOST_TEST(text_of(find_member(one, "tags", "agent")) == "=a");
  BOOST_TEST(!parsed->root()["totals"].HasMember("status"));
  const std::string text = to_csv(std::vector{sum}, grouping);
  BOOST_TEST(text.starts_with("period,status,error_type,tag:agent,tag:user,total_requests,"));
  BOOST_TEST(text.find("\r\n1970-01-01T00:00:00.000000Z,unknown,timeout,\"'=a\",,1,0,1,1,") !=
             std::string::npos);
  BOOST_TEST(to_csv(std::vector<usage_summary>{}, no_grouping()).starts_with("total_requests,"));
}

BOOST_AUTO_TEST_CASE(percentiles_are_null_where_nothing_was_counted) {
  usage_record paid;
  paid.success = true;
  paid.response_time = std::chrono::milliseconds{3};
  paid.usage.reported_cost = money{5, eur};
  usage_summary sum;
  sum.add(paid);
  const auto parsed = json_document::parse(to_json(std::vector{sum}));
  BOOST_REQUIRE(parsed.has_value());
  const json_value& totals = parsed->root()["totals"];
  for (const char* name : {"response_time_p50_ms", "response_time_p90_ms", "response_time_p99_ms"})
    BOOST_TEST(totals[name].GetDouble() == 3.0, boost::test_tools::tolerance(0.04));
  for (const char* name : {"first_token_time_p50_ms", "first_token_time_p90_ms", "first_token_time_p99_ms"})
    BOOST_TEST(totals[name].IsNull(), name);
  BOOST_TEST(text_of(find_member(totals, "reported_cost", "EUR")) == "0.000000000005");
  BOOST_TEST(totals["total_cost"].ObjectEmpty());
}

BOOST_AUTO_TEST_CASE(a_document_of_records_is_whole_only_at_its_end) {
  const auto document = [](export_format format, std::size_t records, bool whole) {
    record_writer writer(format);
    std::string text;
    writer.begin(text);
    for (std::size_t at = 0; at != records; ++at)
      writer.add(lost_record(), text);
    BOOST_TEST(writer.count() == records);
    if (whole)
      writer.end(text);
    return text;
  };
  for (const std::size_t records : {0U, 1U, 3U}) {
    const auto array = json_document::parse(document(export_format::json, records, true));
    BOOST_REQUIRE(array.has_value());
    BOOST_TEST(array->root().Size() == records);
    BOOST_TEST(!json_document::parse(document(export_format::json, records, false)).has_value());
    BOOST_TEST(std::ranges::count(document(export_format::json_lines, records, true), '\n') ==
               static_cast<std::ptrdiff_t>(records));
    BOOST_TEST(std::ranges::count(document(export_format::csv, records, true), '\n') ==
               static_cast<std::ptrdiff_t>(records + 1));
  }
  BOOST_TEST((to_export_format("jsonl") == export_format::json_lines));
  BOOST_TEST(!to_export_format("xml").has_value());
}

BOOST_AUTO_TEST_CASE(fields_come_back_as_they_were_but_for_the_apostrophe) {
  for (const std::string text : {"plain", "a,b", "a\"b", "a\r\nb", "\"", ",", "\"\"", "", " a ", "a=b"}) {
    usage_record record;
    record.model = model_name(text);
    BOOST_TEST(field_of(csv_header(), to_csv(record), "model_name") == text);
  }
  for (const std::string text : {"=1", "+1", "-1", "@a", "\tx", "\rx", "=\"a\",b"}) {
    usage_record record;
    record.tags = {{text, "v"}};
    record.provider = provider_name(text);
    BOOST_TEST(field_of(csv_header(), to_csv(record), "provider_name") == "'" + text);
    BOOST_TEST(field_of(csv_header(), to_csv(record), "tags") == "'" + text + "=v");
  }
}

BOOST_AUTO_TEST_SUITE_END()
