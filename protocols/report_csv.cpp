// Quoting by RFC 4180; a text that a spreadsheet would take for a formula gets an apostrophe before it.
// Knows no file: every function returns text.
#include "protocols/report_csv.hpp"

#include "protocols/report_json.hpp"

#include <optional>
#include <set>
#include <string_view>

namespace weir::protocols {

namespace {

/// Puts fields together into a line.
class csv_line {
public:
  csv_line& text(std::string_view value) {
    const bool formula =
        !value.empty() && std::string_view("=+-@\t\r").find(value.front()) != std::string_view::npos;
    if (!formula && value.find_first_of(",\"\r\n") == std::string_view::npos)
      return plain(value);
    std::string quoted = formula ? "\"'" : "\"";
    for (const char letter : value)
      quoted.append(letter == '"' ? 2 : 1, letter);
    return plain(quoted + '"');
  }
  csv_line& plain(std::string_view value) {
    if (!line_.empty() || fields_ > 0)
      line_ += ',';
    ++fields_;
    line_ += value;
    return *this;
  }
  csv_line& count(std::optional<std::uint64_t> value) {
    return plain(value ? std::to_string(*value) : std::string());
  }
  csv_line& amount(const std::optional<money>& value) {
    return plain(value ? to_decimal(*value) : std::string());
  }
  csv_line& time(std::optional<std::chrono::microseconds> value) {
    return plain(value ? to_milliseconds(*value) : std::string());
  }
  std::string end() const { return line_ + "\r\n"; }

private:
  std::string line_;
  std::size_t fields_ = 0;
};

std::string joined(const std::vector<std::pair<std::string, std::string>>& tags) {
  std::string text;
  for (const auto& [key, value] : tags)
    text += (text.empty() ? "" : ";") + key + "=" + value;
  return text;
}

/// Every currency in which something was spent, may have been spent, or is said to have been.
std::set<currency> currencies_of(const usage_summary& summary) {
  std::set<currency> units;
  for (const auto* sums : {&summary.total_cost, &summary.unknown_cost_limit, &summary.reported_cost})
    for (const auto& [unit, sum] : *sums)
      units.insert(unit);
  return units;
}

/// The sum in that currency; empty where there is none.
std::string decimal_in(const std::map<currency, money_sum>& sums, currency unit) {
  const auto found = sums.find(unit);
  return found == sums.end() ? std::string() : to_decimal(found->second);
}

std::string summary_header(const usage_grouping& grouping) {
  csv_line line;
  if (grouping.step)
    line.plain("period");
  if (grouping.model)
    line.plain("model_name");
  if (grouping.provider)
    line.plain("provider_name");
  if (grouping.status)
    line.plain("status");
  if (grouping.error_type)
    line.plain("error_type");
  for (const std::string& key : grouping.tags)
    line.text("tag:" + key);
  return line
      .plain("total_requests,successful_requests,failed_requests,unknown_requests,unpriced_requests,"
             "total_prompt_tokens,total_completion_tokens,total_tokens,total_cost,currency,"
             "unknown_cost_limit,average_response_time_ms,first_request_time,last_request_time,"
             "void_requests,estimated_requests,total_cached_tokens,total_cache_write_tokens,"
             "total_reasoning_tokens,reported_cost,response_time_p50_ms,response_time_p90_ms,"
             "response_time_p99_ms,first_token_time_p50_ms,first_token_time_p90_ms,first_token_time_p99_ms")
      .end();
}

void add_group(csv_line& line, const usage_summary& summary, const usage_grouping& grouping) {
  if (grouping.step)
    line.plain(summary.period ? to_string(*summary.period) : std::string());
  if (grouping.model)
    line.text(summary.model.str());
  if (grouping.provider)
    line.text(summary.provider.str());
  if (grouping.status)
    line.plain(summary.status ? to_string(*summary.status) : "");
  if (grouping.error_type) {
    const errc type = summary.error_type.value_or(errc::none);
    line.plain(type == errc::none ? "" : to_string(type));
  }
  for (const auto& [key, value] : summary.tags)
    line.text(value);
}

std::string summary_line(const usage_summary& each, const usage_grouping& grouping, currency unit) {
  csv_line line;
  add_group(line, each, grouping);
  const bool any = each.total_requests != 0;
  return line.count(each.total_requests)
      .count(each.successful_requests)
      .count(each.failed_requests)
      .count(each.unknown_requests)
      .count(each.unpriced_requests)
      .count(each.total_prompt_tokens)
      .count(each.total_completion_tokens)
      .count(each.total_tokens)
      .plain(decimal_in(each.total_cost, unit))
      .plain(unit.str())
      .plain(decimal_in(each.unknown_cost_limit, unit))
      .time(each.average_response_time())
      .plain(any ? to_string(each.first_request_time) : std::string())
      .plain(any ? to_string(each.last_request_time) : std::string())
      .count(each.void_requests)
      .count(each.estimated_requests)
      .count(each.total_cached_tokens)
      .count(each.total_cache_write_tokens)
      .count(each.total_reasoning_tokens)
      .plain(decimal_in(each.reported_cost, unit))
      .time(percentile_of(each.response_times, 500))
      .time(percentile_of(each.response_times, 900))
      .time(percentile_of(each.response_times, 990))
      .time(percentile_of(each.first_token_times, 500))
      .time(percentile_of(each.first_token_times, 900))
      .time(percentile_of(each.first_token_times, 990))
      .end();
}

} // namespace

std::string csv_header() {
  return "id,call_id,timestamp,model_name,provider_name,request_id,attempt,state,success,error_type,"
         "prompt_tokens,completion_tokens,total_tokens,cached_tokens,cache_write_tokens,reasoning_tokens,"
         "metering,cost,currency,cost_limit,price_version,response_time_ms,first_token_time_ms,tags,"
         "cache_write_1h_tokens,images,reported_cost,reported_currency\r\n";
}

std::string to_csv(const usage_record& record) {
  const std::optional<money>& any = record.cost ? record.cost : record.cost_limit;
  return csv_line()
      .plain(to_string(record.id))
      .plain(to_string(record.call))
      .plain(to_string(record.time))
      .text(record.model.str())
      .text(record.provider.str())
      .text(record.request_id)
      .count(record.attempt)
      .plain(to_string(record.state))
      .plain(record.success ? "true" : "false")
      .plain(record.error_type == errc::none ? "" : to_string(record.error_type))
      .count(record.usage.prompt_tokens)
      .count(record.usage.completion_tokens)
      .count(record.usage.total_tokens)
      .count(record.usage.cached_tokens)
      .count(record.usage.cache_write_tokens)
      .count(record.usage.reasoning_tokens)
      .plain(to_string(record.usage.source))
      .amount(record.cost)
      .plain(any ? any->unit.str() : std::string())
      .amount(record.cost_limit)
      .count(record.price_version)
      .time(record.response_time)
      .time(record.first_token_time)
      .text(joined(record.tags))
      .count(record.usage.cache_write_1h_tokens)
      .count(record.usage.images)
      .amount(record.usage.reported_cost)
      .plain(record.usage.reported_cost ? record.usage.reported_cost->unit.str() : std::string())
      .end();
}

std::string to_csv(const std::vector<usage_summary>& summaries, const usage_grouping& grouping) {
  std::string text = summary_header(grouping);
  for (const usage_summary& each : summaries) {
    const std::set<currency> units = currencies_of(each);
    if (units.empty())
      text += summary_line(each, grouping, currency());
    for (const currency unit : units)
      text += summary_line(each, grouping, unit);
  }
  return text;
}

} // namespace weir::protocols
