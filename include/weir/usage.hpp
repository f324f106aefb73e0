// Tokens used and what is booked of every attempt.
// Knows no disk: how a record becomes bytes stands in storage/.
#pragma once

#include <weir/calendar.hpp>
#include <weir/error.hpp>
#include <weir/histogram.hpp>
#include <weir/money.hpp>
#include <weir/names.hpp>

#include <chrono>
#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <utility>
#include <vector>

namespace weir {

/// A moment of monotonic time, against which waits and deadlines are measured (virtual in tests).
using time_point = std::chrono::steady_clock::time_point;

/// Who counted the tokens.
enum class metering : std::uint8_t {
  reported,  ///< the provider's own figures
  estimated, ///< ours, since the provider gave none
};

/// Token counts. `prompt_tokens` is all input, cached included; `completion_tokens` all output, reasoning
/// included. The optional ones are parts of these; nothing means "not reported", which is not zero.
struct token_usage {
  std::uint64_t prompt_tokens = 0;
  std::uint64_t completion_tokens = 0;
  std::uint64_t total_tokens = 0;
  std::optional<std::uint64_t> cached_tokens;
  std::optional<std::uint64_t> cache_write_tokens;    ///< all cache writes
  std::optional<std::uint64_t> cache_write_1h_tokens; ///< those of them that live an hour
  std::optional<std::uint64_t> reasoning_tokens;
  metering source = metering::reported;
  std::uint32_t images = 0; ///< in the request, where they are paid for by the piece; counted by us
  std::optional<money> reported_cost{}; ///< what the provider says that it cost; ours is kept apart from it

  friend bool operator==(const token_usage&, const token_usage&) = default;
};

/// Where an attempt stands in the books.
enum class record_state : std::uint8_t {
  intent = 1,      ///< about to be sent; the cost is an upper estimate
  settled = 2,     ///< answered: the figures are final
  unknown = 3,     ///< sent, and what it used cannot be known; the cost is an upper estimate
  void_attempt = 4 ///< never reached the provider; `void` outside C++
};

std::string_view to_string(metering value) noexcept;
std::string_view to_string(record_state value) noexcept;

/// One attempt in the ledger.
struct usage_record {
  attempt_id id;    ///< the record's identity
  call_id call;     ///< the call that it belongs to
  timestamp time{}; ///< when the attempt began
  model_name model; ///< as asked for
  provider_name provider;
  std::string request_id;    ///< the provider's own id; may be empty and may repeat
  std::uint32_t attempt = 1; ///< 1 for the first attempt of the call
  record_state state = record_state::settled;
  token_usage usage;
  std::optional<money> cost;       ///< nothing: the model has no price
  std::optional<money> cost_limit; ///< upper estimate, for `intent` and `unknown`
  std::uint32_t price_version = 0; ///< which price table; 0: the configuration's own
  bool success = false;
  errc error_type = errc::none;
  std::chrono::microseconds response_time{0};
  std::optional<std::chrono::microseconds> first_token_time;
  std::vector<std::pair<std::string, std::string>> tags; ///< given by the caller: agent, user, project

  friend bool operator==(const usage_record&, const usage_record&) = default;
};

/// How an attempt ended, in one word.
enum class usage_status : std::uint8_t {
  succeeded = 1,
  failed = 2,      ///< answered, and not by a success
  unknown = 3,     ///< sent, fate not known
  void_attempt = 4 ///< never reached the provider; `void` outside C++
};
std::string_view to_string(usage_status value) noexcept;
std::optional<usage_status> to_usage_status(std::string_view name) noexcept;
/// Of a record that has ended.
usage_status status_of(const usage_record& record) noexcept;

/// What to look at. Empty members do not narrow.
struct usage_filter {
  std::optional<timestamp> since; ///< inclusive
  std::optional<timestamp> until; ///< exclusive
  std::optional<model_name> model;
  std::optional<provider_name> provider;
  std::optional<usage_status> status{};
  std::optional<errc> error_type{};
  std::vector<std::pair<std::string, std::string>> tags{}; ///< the record has all of these
};

/// Whether a record is among what is looked at.
bool matches(const usage_filter& filter, const usage_record& record) noexcept;

/// By what a summary is divided. Without any: one summary of all.
struct usage_grouping {
  bool provider = true;
  bool model = true;
  bool status = false;
  bool error_type = false;
  std::vector<std::string> tags{}; ///< keys; who has no such tag is in the group of the empty value
  std::optional<time_step> step{}; ///< by hour, day or month, of when the attempt began
  std::string time_zone = "UTC";   ///< of `step`; a name of the IANA database
  friend bool operator==(const usage_grouping&, const usage_grouping&) = default;
};

/// How an export is written.
enum class export_format : std::uint8_t { csv, json, json_lines };

/// The books of one group: by default, of one provider and model.
struct usage_summary {
  model_name model; ///< empty unless grouped by it; likewise the next ones
  provider_name provider;
  std::optional<usage_status> status{};
  std::optional<errc> error_type{};
  std::vector<std::pair<std::string, std::string>> tags{}; ///< those that were grouped by, in that order
  std::optional<timestamp> period{};                       ///< where the hour, day or month begins
  std::uint64_t total_requests = 0;                        ///< attempts of every state
  std::uint64_t successful_requests = 0;
  std::uint64_t failed_requests = 0;
  std::uint64_t unknown_requests = 0;   ///< among the failed: sent, fate unknown
  std::uint64_t void_requests = 0;      ///< among the failed: never reached the provider
  std::uint64_t unpriced_requests = 0;  ///< successful, but the model has no price
  std::uint64_t estimated_requests = 0; ///< whose tokens are our own count
  std::uint64_t total_prompt_tokens = 0;
  std::uint64_t total_completion_tokens = 0;
  std::uint64_t total_tokens = 0;
  std::uint64_t total_cached_tokens = 0;       ///< where reported; among the prompt tokens
  std::uint64_t total_cache_write_tokens = 0;  ///< likewise
  std::uint64_t total_reasoning_tokens = 0;    ///< where reported; among the completion tokens
  std::map<currency, money_sum> total_cost;    ///< a sum for each currency
  std::map<currency, money_sum> reported_cost; ///< what providers themselves said, where they did
  std::map<currency, money_sum>
      unknown_cost_limit; ///< upper estimate of what `unknown` attempts may have cost
  std::chrono::microseconds total_response_time{0}; ///< over successful requests
  duration_histogram response_times;                ///< of successful requests
  duration_histogram first_token_times;             ///< of successful requests that were streamed
  timestamp first_request_time{};
  timestamp last_request_time{};

  /// Mean over the successful requests; zero when there is none.
  std::chrono::microseconds average_response_time() const noexcept {
    return successful_requests == 0 ? std::chrono::microseconds{0}
                                    : total_response_time / static_cast<std::int64_t>(successful_requests);
  }
  void add(const usage_record& record);
  void add(const usage_summary& other);

  friend bool operator==(const usage_summary&, const usage_summary&) = default;
};

/// RFC 3339 in UTC with microseconds: `2026-11-24T12:00:00.000000Z`.
std::string to_string(timestamp time);

/// Reads RFC 3339 (`2026-11-24T12:00:00Z`, fractions and offsets included), a date (`2026-11-24`, midnight
/// UTC), or Unix seconds (`1764000000`); errors are `invalid_request`.
result<timestamp> parse_timestamp(std::string_view text);

} // namespace weir
