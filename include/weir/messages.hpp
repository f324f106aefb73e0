// What crosses between actors, by who talks to whom. Local messages only: they may hold anything copyable.
// An embedder's own messages come after this file, in one of his own.
#pragma once

#include <weir/chat.hpp>
#include <weir/config.hpp>
#include <weir/delta_sink.hpp>
#include <weir/health.hpp>
#include <weir/usage.hpp>

#include <caf/allowed_unsafe_message_type.hpp>
#include <caf/error.hpp>

#include <chrono>
#include <cstdint>
#include <filesystem>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <vector>

namespace weir {

// --- a caller to the manager -----------------------------------------------------------------------------
// A call is a `chat_request` and is answered by one `chat_reply`, of success and of failure alike.

// With a `delta_sink` beside it, the call is streamed: the deltas go to the sink, and the reply comes at the
// end.

/// Ends the call of that id, if it is still open: it is answered as `cancelled`, and its connection closed.
struct cancel_call {
  call_id id;
};

/// Asks how everything is. With `probe`, each enabled provider is asked for its list of models, which is
/// free.
struct health_query {
  bool probe = false;
  provider_name provider{}; ///< this one only; empty: all
};

/// Asks the books. With `since_start`, from memory and at once: what this runtime booked, by provider and
/// model; otherwise the whole ledger.
struct usage_query {
  usage_filter filter;
  bool since_start = false; ///< then of the filter only provider and model count, and the grouping does not
  usage_grouping group{};
};

struct usage_report {
  std::vector<usage_summary> summaries; ///< by period, provider, model, and the other groups
};

/// Asks the books about one model, at all providers.
struct model_usage {
  model_name model;
  std::optional<timestamp> since{}; ///< inclusive
  std::optional<timestamp> until{}; ///< exclusive
};

/// Asks what was spent.
struct total_cost {
  usage_filter filter;
};

/// What was spent, by currency. Amounts of two currencies are never added.
struct cost_report {
  std::map<currency, money_sum> cost;
  std::map<currency, money_sum> unknown_cost_limit; ///< upper bound of what unknown attempts cost besides
  std::uint64_t unpriced_requests = 0;              ///< successful attempts whose cost is not known
};

/// Writes matching records to a file, replaced as a whole or not at all.
struct export_usage {
  usage_filter filter;
  export_format format = export_format::csv;
  std::filesystem::path file;
};

/// The answer to `export_usage`.
struct exported {
  std::uint64_t records = 0;
  std::uint64_t bytes = 0;
};

/// Deletes what is older than the times say, beside live traffic. Nothing: as the configuration says.
struct cleanup_usage {
  std::optional<retention_config> retention{};
};

/// The answer to `cleanup_usage`.
struct cleaned {
  std::uint64_t rows = 0;
  std::uint64_t rollups = 0;
};

/// Reads the price list anew.
struct refresh_prices {};

/// The answer to `refresh_prices`: the list that is in use, whether or not it is new.
struct price_report {
  std::string source;           ///< empty: there is none
  std::uint32_t version = 0;    ///< as in `usage_record::price_version`
  std::uint64_t models = 0;     ///< in the list
  bool changed = false;         ///< it was replaced just now
  std::optional<failure> error; ///< why a newer one was not taken
};

/// A list to price with from now on. From the price keeper.
struct new_prices {
  std::shared_ptr<const price_book> book;
};

/// No call and no drain waits longer; a larger time, `milliseconds::max()` included, is taken for this.
inline constexpr milliseconds longest_wait = std::chrono::hours{24};

/// Changes what weir may do, until the next such message or a reload with another `mode` than before.
/// `normal` does not end a mode that has a cause, such as a ledger that cannot be written: that ends with its
/// cause.
struct set_mode {
  run_mode mode = run_mode::normal;
};

/// Refuses new calls, waits for those in flight until `patience` is over, then ends them as `cancelled`.
struct drain {
  std::optional<milliseconds> patience; ///< nothing: `limits.drain_timeout` of the configuration
};

/// The answer to `drain`.
struct drained {
  std::uint32_t cancelled = 0; ///< calls that had to be ended
};

// --- the manager to the supervisor -----------------------------------------------------------------------

/// A call on its way: stamped and routed, with the snapshot that it keeps to its end.
struct call {
  call_id id;
  std::shared_ptr<const chat_request> request;
  snapshot_ptr config;
  std::vector<route_candidate> candidates; ///< in the order of preference, never empty
  const route_config* route = nullptr;     ///< of `config`; null: none has the model's name
  delta_sink sink;                         ///< null: nobody wants the deltas
  time_point begin{};
  time_point deadline{};
};

// --- the supervisor to a provider ------------------------------------------------------------------------

/// One attempt of a call. Nothing reaches the wire after the deadline.
struct attempt {
  attempt_id id;
  call_id call;
  std::uint32_t number = 1;
  std::shared_ptr<const chat_request> request;
  delta_sink sink; ///< where deltas go; null: nowhere
  std::string gap; ///< white space that was shown and is not in the request: not to be shown again
  time_point deadline{};
  milliseconds patience = longest_wait; ///< it waits no longer at a provider that is full
  money_sum gone; ///< with a `max_cost`: what earlier attempts of the call have cost, or may have
};

/// How an attempt ended. It is in the books already.
struct attempt_end {
  result<chat_reply> outcome = failure{};
  std::chrono::microseconds latency{0};
  bool delivered = false; ///< deltas have reached the sink: nobody else can begin the answer anew
  /// It says nothing about the provider: it ended before it was sent, because of us or of the sink.
  bool blameless = false;
  bool other_key = false;      ///< the failure was of one key, and another can be used at once
  std::optional<money> cost{}; ///< what it cost; where that is not known, the most that it may have
  std::string partial;   ///< of a streamed attempt that failed: the content that it delivered, if gathered
  bool resumable = true; ///< another attempt can go on from `partial`: it is all that was delivered
  std::optional<std::chrono::microseconds> first_token; ///< of a streamed attempt, from its begin
};

/// An attempt that has ended, on its way through the books: who waits for it is answered when its record is
/// in them; when they are kept strictly, when it is on the disk.
struct settlement {
  usage_record record;
  attempt_end end;
};

/// Ends an attempt early. Booked like any other end.
struct cancel_attempt {
  attempt_id id;
};

/// Asks a provider how it is.
struct provider_probe {
  bool active = false; ///< ask the provider itself, over the wire
};

// --- a provider and the supervisor to the accumulator ----------------------------------------------------
// A `usage_record` is booked and answered by `booked`. That of an intent asks the budgets first, which may
// refuse it (`budget_exceeded`).

/// The record is in the books; when they are kept strictly, on the disk.
struct booked {};

/// Makes everything booked so far durable.
struct flush {};

/// The answer to `flush`.
struct flushed {
  std::uint64_t pending = 0; ///< records that could not be made durable
};

// --- the accumulator to the supervisor -------------------------------------------------------------------

/// Whether the books can take more. While they cannot, new calls are refused.
struct ledger_pressure {
  std::optional<failure> refuse; ///< why calls must be refused; nothing: they are welcome
};

// --- failures as CAF errors ------------------------------------------------------------------------------

/// A failure as the content of a `caf::error`; `to_failure` gives it back whole.
caf::error to_error(const failure& what);

/// The failure in an error of ours; any other error becomes `unknown` with CAF's text.
failure to_failure(const caf::error& error);

} // namespace weir

CAF_ALLOW_UNSAFE_MESSAGE_TYPE(weir::alert)
CAF_ALLOW_UNSAFE_MESSAGE_TYPE(weir::attempt)
CAF_ALLOW_UNSAFE_MESSAGE_TYPE(weir::attempt_end)
CAF_ALLOW_UNSAFE_MESSAGE_TYPE(weir::booked)
CAF_ALLOW_UNSAFE_MESSAGE_TYPE(weir::call)
CAF_ALLOW_UNSAFE_MESSAGE_TYPE(weir::cancel_attempt)
CAF_ALLOW_UNSAFE_MESSAGE_TYPE(weir::cancel_call)
CAF_ALLOW_UNSAFE_MESSAGE_TYPE(weir::chat_reply)
CAF_ALLOW_UNSAFE_MESSAGE_TYPE(weir::chat_request)
CAF_ALLOW_UNSAFE_MESSAGE_TYPE(weir::cleaned)
CAF_ALLOW_UNSAFE_MESSAGE_TYPE(weir::cleanup_usage)
CAF_ALLOW_UNSAFE_MESSAGE_TYPE(weir::cost_report)
CAF_ALLOW_UNSAFE_MESSAGE_TYPE(weir::drain)
CAF_ALLOW_UNSAFE_MESSAGE_TYPE(weir::drained)
CAF_ALLOW_UNSAFE_MESSAGE_TYPE(weir::export_usage)
CAF_ALLOW_UNSAFE_MESSAGE_TYPE(weir::exported)
CAF_ALLOW_UNSAFE_MESSAGE_TYPE(weir::failure)
CAF_ALLOW_UNSAFE_MESSAGE_TYPE(weir::flush)
CAF_ALLOW_UNSAFE_MESSAGE_TYPE(weir::flushed)
CAF_ALLOW_UNSAFE_MESSAGE_TYPE(weir::health_query)
CAF_ALLOW_UNSAFE_MESSAGE_TYPE(weir::health_report)
CAF_ALLOW_UNSAFE_MESSAGE_TYPE(weir::ledger_health)
CAF_ALLOW_UNSAFE_MESSAGE_TYPE(weir::ledger_pressure)
CAF_ALLOW_UNSAFE_MESSAGE_TYPE(weir::model_usage)
CAF_ALLOW_UNSAFE_MESSAGE_TYPE(weir::new_prices)
CAF_ALLOW_UNSAFE_MESSAGE_TYPE(weir::price_report)
CAF_ALLOW_UNSAFE_MESSAGE_TYPE(weir::provider_health)
CAF_ALLOW_UNSAFE_MESSAGE_TYPE(weir::provider_probe)
CAF_ALLOW_UNSAFE_MESSAGE_TYPE(weir::refresh_prices)
CAF_ALLOW_UNSAFE_MESSAGE_TYPE(weir::set_mode)
CAF_ALLOW_UNSAFE_MESSAGE_TYPE(weir::settlement)
CAF_ALLOW_UNSAFE_MESSAGE_TYPE(weir::snapshot_ptr)
CAF_ALLOW_UNSAFE_MESSAGE_TYPE(weir::total_cost)
CAF_ALLOW_UNSAFE_MESSAGE_TYPE(weir::usage_query)
CAF_ALLOW_UNSAFE_MESSAGE_TYPE(weir::usage_record)
CAF_ALLOW_UNSAFE_MESSAGE_TYPE(weir::usage_report)
CAF_ALLOW_UNSAFE_MESSAGE_TYPE(weir::usage_summary)
