// Summaries as JSON: the names that were grouped by, then the figures.
// Knows no ledger: how groups are made stands in storage/.
#include "protocols/report_json.hpp"
#include "protocols/report_members.hpp"

namespace weir::protocols {

namespace {

void write_sums(json_writer& out, const char* name, const std::map<currency, money_sum>& sums) {
  out.Key(name);
  out.StartObject();
  for (const auto& [unit, sum] : sums)
    write_member(out, unit.str(), to_decimal(sum));
  out.EndObject();
}

void write_moment(json_writer& out, const char* name, std::optional<timestamp> moment) {
  out.Key(name);
  if (moment)
    write_text(out, to_string(*moment));
  else
    out.Null();
}

void write_percentiles(json_writer& out, const duration_histogram& times, const char* half,
                       const char* nine_tenths, const char* most) {
  write_time(out, half, percentile_of(times, 500));
  write_time(out, nine_tenths, percentile_of(times, 900));
  write_time(out, most, percentile_of(times, 990));
}

void write_group(json_writer& out, const usage_summary& summary, const usage_grouping& grouping) {
  if (grouping.step)
    write_moment(out, "period", summary.period);
  if (grouping.model)
    write_member(out, "model_name", summary.model.str());
  if (grouping.provider)
    write_member(out, "provider_name", summary.provider.str());
  if (grouping.status)
    write_member(out, "status", summary.status ? to_string(*summary.status) : "");
  if (grouping.error_type)
    write_error_name(out, "error_type", summary.error_type.value_or(errc::none));
  if (grouping.tags.empty())
    return;
  out.Key("tags");
  out.StartObject();
  for (const auto& [key, value] : summary.tags)
    write_member(out, key, value);
  out.EndObject();
}

void write_figures(json_writer& out, const usage_summary& summary) {
  write_count(out, "total_requests", summary.total_requests);
  write_count(out, "successful_requests", summary.successful_requests);
  write_count(out, "failed_requests", summary.failed_requests);
  write_count(out, "unknown_requests", summary.unknown_requests);
  write_count(out, "void_requests", summary.void_requests);
  write_count(out, "unpriced_requests", summary.unpriced_requests);
  write_count(out, "estimated_requests", summary.estimated_requests);
  write_count(out, "total_prompt_tokens", summary.total_prompt_tokens);
  write_count(out, "total_completion_tokens", summary.total_completion_tokens);
  write_count(out, "total_tokens", summary.total_tokens);
  write_count(out, "total_cached_tokens", summary.total_cached_tokens);
  write_count(out, "total_cache_write_tokens", summary.total_cache_write_tokens);
  write_count(out, "total_reasoning_tokens", summary.total_reasoning_tokens);
  write_sums(out, "total_cost", summary.total_cost);
  write_sums(out, "reported_cost", summary.reported_cost);
  write_sums(out, "unknown_cost_limit", summary.unknown_cost_limit);
  write_time(out, "average_response_time_ms", summary.average_response_time());
  write_percentiles(out, summary.response_times, "response_time_p50_ms", "response_time_p90_ms",
                    "response_time_p99_ms");
  write_percentiles(out, summary.first_token_times, "first_token_time_p50_ms", "first_token_time_p90_ms",
                    "first_token_time_p99_ms");
  const bool any = summary.total_requests != 0;
  write_moment(out, "first_request_time", any ? std::optional(summary.first_request_time) : std::nullopt);
  write_moment(out, "last_request_time", any ? std::optional(summary.last_request_time) : std::nullopt);
}

} // namespace

std::optional<std::chrono::microseconds> percentile_of(const duration_histogram& times,
                                                       std::uint32_t permille) {
  return times.empty() ? std::nullopt : std::optional(times.percentile(permille));
}

void write_summary(json_writer& out, const usage_summary& summary, const usage_grouping& grouping) {
  out.StartObject();
  write_group(out, summary, grouping);
  write_figures(out, summary);
  out.EndObject();
}

std::string to_json(const std::vector<usage_summary>& summaries, const usage_grouping& grouping) {
  usage_summary totals;
  for (const usage_summary& each : summaries)
    totals.add(each);
  return written([&](json_writer& out) {
    out.StartObject();
    write_array(out, "summaries", summaries, [&grouping](json_writer& to, const usage_summary& each) {
      write_summary(to, each, grouping);
    });
    out.Key("totals");
    write_summary(out, totals, no_grouping());
    out.EndObject();
  });
}

} // namespace weir::protocols
