// The configuration as an immutable snapshot of values, and the doorway that loads it.
// Knows no TOML: how a file becomes a snapshot stands in config/.
#pragma once

#include <weir/api.hpp>
#include <weir/chat.hpp>
#include <weir/error.hpp>
#include <weir/health.hpp>
#include <weir/money.hpp>
#include <weir/names.hpp>
#include <weir/secret.hpp>

#include <chrono>
#include <cstdint>
#include <filesystem>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace weir {

using std::chrono::milliseconds;

/// Which API a provider speaks.
enum class provider_type : std::uint8_t { openai, claude, generic };

std::string_view to_string(provider_type value) noexcept;

/// One model of a provider: `[llm.providers.P.models.M]`.
struct model_config {
  model_name name;
  std::string display_name;         ///< default: the name
  std::uint32_t max_tokens = 0;     ///< of one reply; 0: not said
  std::uint32_t context_window = 0; ///< tokens of request and reply together; 0: not said
  std::optional<bool>
      supports_vision{}; ///< false: such a request is refused unsent; nothing: the provider decides
  std::optional<bool> supports_tools{};
  std::optional<bool> supports_streaming{};
  bool supports_prefill = false;   ///< goes on from a last message of the assistant's: `rescue = "continue"`
  std::optional<api_kind> api{};   ///< nothing: the provider's
  std::optional<pricing> prices{}; ///< nothing: the cost is unknown, never zero
};

/// How the wait grows from one retry to the next.
enum class backoff_kind : std::uint8_t { exponential, linear, fixed };

/// What is done about one class of error at one provider.
struct retry_rule {
  std::uint32_t max_retries = 0; ///< 0: none
  backoff_kind backoff = backoff_kind::exponential;
  milliseconds base_delay{1000};
  milliseconds max_delay{10000};
  std::uint32_t factor_permille = 2000; ///< growth of `exponential`, in thousandths

  friend bool operator==(const retry_rule&, const retry_rule&) = default;
};

/// `[llm.retry.budget]`: what the retries of one provider may be, in all calls together. A storm of retries
/// would keep down a provider that could recover. Figures of gRPC's A6 proposal.
struct retry_budget_config {
  bool enabled = true;
  std::uint32_t tokens = 10;                ///< room of the bucket; a retry takes one
  std::uint32_t per_success_permille = 100; ///< what a success gives back, in thousandths of a token
  milliseconds refill_time{60'000};         ///< a token comes back after this, without any success; 0: none

  friend bool operator==(const retry_budget_config&, const retry_budget_config&) = default;
};

/// `[llm.retry]`.
struct retry_config {
  std::map<errc, retry_rule> rules;      ///< classes that are not in it are not retried
  std::uint32_t max_total_attempts = 6;  ///< of one call, over all classes and providers
  std::uint32_t max_unknown_repeats = 1; ///< how often one call may repeat a request whose fate is unknown
  milliseconds max_retry_after{120'000}; ///< a longer hint of the server fails over instead of waiting
  bool jitter = true;                    ///< full jitter: the wait is uniform in (0, delay]
  retry_budget_config budget;

  /// The policy where the file says nothing: network 3 exponential, rate_limit 5 linear, server_error 2
  /// fixed.
  static retry_config defaults();
};

/// `[llm.circuit_breaker]`: one breaker for each provider and model.
struct breaker_config {
  milliseconds window{30'000};        ///< outcomes older than this do not count
  std::uint32_t min_calls = 10;       ///< below this the breaker never opens
  std::uint32_t failure_percent = 50; ///< opens at this share of failures or more
  milliseconds slow_after{0};         ///< a first token that comes later is slow; 0: none is. Streams only
  std::uint32_t slow_percent = 80;    ///< opens at this share of slow streams or more
  milliseconds open_time{30'000};     ///< first time spent open; doubles with each failed probe round
  milliseconds max_open_time{300'000};
  std::uint32_t half_open_permits = 2; ///< probes; all must succeed to close
  std::uint32_t jitter_percent = 20;   ///< the time spent open is so much longer or shorter, at random
  milliseconds last_resort{5'000};     ///< where every candidate is open, one is asked this often; 0: never

  friend bool operator==(const breaker_config&, const breaker_config&) = default;
};

/// How the candidates of a route are ordered for a call. Ties keep the order of the file; with the last
/// three, who failed a moment ago comes last.
enum class route_strategy : std::uint8_t {
  priority,       ///< as listed
  weighted,       ///< the first by chance, by weight; the rest as listed
  least_busy,     ///< fewest attempts in flight first
  lowest_latency, ///< fastest of late first; who has not answered yet goes before
  lowest_cost,    ///< cheapest for this request first; who has no price goes last
};
std::string_view to_string(route_strategy value) noexcept;

/// One place where a route leads.
struct route_candidate {
  provider_name provider;
  model_name model;         ///< as that provider knows it
  std::uint32_t weight = 1; ///< of `weighted`; 0: only when the others fail
};

/// `[llm.routes.NAME]`: where calls for the model or alias NAME go. Without a route, a call goes to the
/// providers that offer its model.
struct route_config {
  model_name name;
  route_strategy strategy = route_strategy::priority;
  std::vector<route_candidate> candidates; ///< in order of preference, never empty
  std::string sticky_by;                   ///< key of a tag: calls of one value have one first candidate
  std::optional<rescue_policy> rescue;     ///< of calls that name none
  milliseconds hedge_after{0};             ///< 0: never. A second bill: see docs/supervision.md
  bool reroute_content_filter = false;     ///< a refusal by safety rules is taken to the next candidate
};

/// `[llm.limits]`: a bound on everything.
struct limits_config {
  std::uint32_t max_in_flight = 2000;          ///< calls; more are refused as `overloaded`
  milliseconds call_timeout{600'000};          ///< deadline of a call that names none
  std::uint32_t max_header_bytes = 16 * 1024;  ///< of a response
  std::uint64_t max_body_bytes = 32ULL << 20U; ///< of a response
  milliseconds drain_timeout{30'000};          ///< how long a stop waits for calls in flight
  milliseconds queue_patience{1'000}; ///< who could be asked elsewhere waits no longer at a full provider
  std::string fair_by = "agent"; ///< key of a tag: who waits at a provider, waits among those of his value
};

/// When an answer is released.
enum class durability : std::uint8_t {
  strict,  ///< nothing is sent before its intent is durable, nothing answered before its settlement is
  relaxed, ///< at once; records are committed by count and delay
};
std::string_view to_string(durability value) noexcept;

/// `[llm.ledger.retention]`: what is deleted, and when. Zero: never.
struct retention_config {
  milliseconds rows{0};          ///< rows that are older than this
  milliseconds rollups{0};       ///< rollups that are older; they must be kept at least as long as rows
  std::uint64_t max_bytes = 0;   ///< oldest rows first, until the pages in use are fewer
  milliseconds every{3'600'000}; ///< how often

  friend bool operator==(const retention_config&, const retention_config&) = default;
};

/// `[llm.ledger]`.
struct ledger_config {
  weir::durability durability = durability::strict;
  std::uint32_t batch_records = 1024;    ///< when relaxed: commit at this many records …
  milliseconds batch_delay{20};          ///< … or after this long
  std::uint32_t max_pending = 65'536;    ///< records not yet committed; at this many new calls are refused
  std::uint64_t map_bytes = 1ULL << 30U; ///< first size of the LMDB map (sparse); it grows by itself
  bool refuse_when_broken = true; ///< a failed commit makes weir `read_only` until one succeeds; false:
                                  ///< records gather in memory, up to `max_pending`
  std::vector<std::string> rollup_tags{"agent", "project", "user"}; ///< keys of tags that rollups are kept by
  milliseconds cancel_drain_time{5'000}; ///< how long a cancelled stream is read on for its usage; 0: not
  std::uint32_t max_draining = 100;      ///< such streams at one provider at a time
  retention_config retention;
};

/// Over what time a budget counts.
enum class budget_period : std::uint8_t { hour, day, month, total };
std::string_view to_string(budget_period value) noexcept;

/// `[llm.budgets.NAME]`: what may be spent in each period by the attempts that it covers.
struct budget_config {
  std::string name;
  std::optional<provider_name> provider{}; ///< nothing: every provider
  std::optional<model_name> model{};       ///< nothing: every model
  std::string tag_key;                     ///< empty: whatever the tags
  std::string tag_value;                   ///< empty, with a key: each value has a budget of its own
  budget_period period = budget_period::month;
  std::string time_zone = "UTC"; ///< whose days and months these are
  money limit; ///< hard: an attempt that could pass it is refused unsent (`budget_exceeded`)
  std::optional<money> soft_limit{}; ///< passing it raises an alert
  bool refuse_unbounded = true; ///< an attempt whose cost has no known upper bound is refused; false: it is
                                ///< let through while there is something left

  friend bool operator==(const budget_config&, const budget_config&) = default;
};

/// How a price list is written.
enum class price_format : std::uint8_t { automatic, weir, litellm, genai_prices };
std::string_view to_string(price_format value) noexcept;

/// `[llm.prices]`: a list of prices beside those in the configuration, which come first.
struct prices_config {
  std::string source; ///< a file, or an `https://` URL; empty: none
  price_format format = price_format::automatic;
  milliseconds refresh{24 * 3'600'000}; ///< how often it is looked at again; 0: only when asked
  std::uint32_t max_change_permille =
      10'000; ///< a new list with a price that is so many times another is refused

  friend bool operator==(const prices_config&, const prices_config&) = default;
};

class price_book;

/// How a provider wants to be told its key: `auth` of the configuration.
enum class key_style : std::uint8_t {
  bearer,    ///< `Authorization: Bearer …`
  x_api_key, ///< `x-api-key: …`
  api_key,   ///< `api-key: …`
  none,      ///< not at all
};

/// As the configuration has it: `bearer`, `x-api-key`, `api-key`, `none`.
std::string_view to_string(key_style value) noexcept;

/// Where providers of one API disagree. A preset or the type says it; each key of the file overrides it.
struct wire_options {
  api_kind api = api_kind::chat;
  key_style key = key_style::bearer;
  std::string max_tokens_field = "max_tokens"; ///< of the chat API: `max_tokens` or `max_completion_tokens`
  bool stream_usage = true; ///< of the chat API: streams must be asked for their usage (`stream_options`)
  std::string api_version;  ///< value of `anthropic-version`, of the messages API
  std::string path;         ///< instead of the API's own after the base URL; `{model}` stands for the model
  std::map<std::string, std::string> query; ///< added to each URL, such as `api-version`

  friend bool operator==(const wire_options&, const wire_options&) = default;
};

/// One provider: `[llm.providers.P]`.
struct provider_config {
  provider_name name;
  provider_type type = provider_type::openai;
  std::string preset;               ///< whose defaults these are, such as `groq`; empty: the type's
  std::optional<wire_options> wire; ///< nothing: the type's, as `wire_of` says; the loader always sets it
  secret api_key;
  std::vector<secret> more_keys; ///< used in turn with `api_key`; one that is refused or held rests
  std::string base_url;          ///< taken as given; the endpoint's path is appended
  bool enabled = true;
  milliseconds timeout{30'000};         ///< of one attempt, in all; of a streamed one, to its first token
  milliseconds stream_timeout{600'000}; ///< of one streamed attempt, in all
  milliseconds first_token_timeout{0};  ///< of a streamed attempt; 0: `timeout`
  milliseconds connect_timeout{5'000};
  milliseconds tls_timeout{10'000};
  milliseconds first_byte_timeout{60'000};
  milliseconds idle_timeout{60'000};        ///< between two reads of a body
  std::optional<std::uint32_t> max_retries; ///< caps every rule at this provider; nothing: no cap
  std::uint32_t max_concurrency = 256;      ///< attempts in flight
  std::uint32_t max_queue = 1024;           ///< attempts waiting for a place; more fail over as `overloaded`
  milliseconds max_queue_wait{30'000};      ///< who would wait longer is refused at once
  std::uint32_t requests_per_minute = 0;    ///< 0: no limit of ours
  std::uint64_t tokens_per_minute = 0;      ///< of input and output; 0: no limit of ours
  bool learn_limits = true;                 ///< heed what the provider's rate-limit headers say
  bool adaptive_concurrency = false; ///< find out how many attempts it bears, up to `max_concurrency` (AIMD)
  bool allow_insecure_http = false;  ///< `http://` to another host than loopback
  std::string ca_file;               ///< PEM file of trusted authorities; empty: the system's store
  std::map<std::string, std::string> headers; ///< sent with each request
  std::vector<model_config> models;           ///< in file order; empty: takes any model name, unpriced
  std::string price_list; ///< as whose models the price list knows its models; empty: found by its base URL
};

class token_counter;

/// A vocabulary to count tokens with: a file that `[llm.tokens]` names.
struct vocabulary_file {
  std::filesystem::path file;                      ///< empty when made in code
  std::shared_ptr<const token_counter> vocabulary; ///< what was in it; null: nothing is made known
};

/// A whole, valid configuration. Immutable once published; a call keeps the one that it began with.
struct snapshot {
  std::filesystem::path source;  ///< the file; empty when made in code
  std::uint64_t source_hash = 0; ///< `content_hash` of the text that it was loaded from; 0: made in code
  provider_name default_provider;
  bool enable_usage_tracking = true;
  bool cost_tracking = true;
  std::filesystem::path usage_data_dir = "./data/llm-usage";
  std::uint32_t io_threads = 1;
  std::uint32_t worker_threads = 1;       ///< of the actor system that weir makes itself
  std::vector<provider_config> providers; ///< in file order, disabled ones included
  retry_config retry = retry_config::defaults();
  breaker_config breaker;
  limits_config limits;
  std::vector<route_config> routes; ///< in file order, each name once
  run_mode mode = run_mode::normal;
  ledger_config ledger;
  std::vector<budget_config> budgets; ///< in file order, each name once
  prices_config price_source;
  std::shared_ptr<const price_book> prices; ///< what was read from there; null: nothing yet
  /// Made known to the whole process (`install_vocabulary`) by a runtime that takes this snapshot. Each name
  /// once: the first that was installed stays until the process ends, whatever a reload says.
  std::vector<vocabulary_file> vocabularies;
  std::uint64_t version = 1; ///< grows with each reload

  const provider_config* find(const provider_name& name) const noexcept;
};

/// How a snapshot is passed around.
using snapshot_ptr = std::shared_ptr<const snapshot>;

/// How a runtime is started.
struct runtime_options {
  bool watch_config = true; ///< reload the snapshot's file when it changes; no effect without a file
};

/// How a provider is spoken to.
wire_options wire_of(const provider_config& provider);

/// The route of that name, or null.
const route_config* route_for(const snapshot& config, const model_name& name) noexcept;

/// The model's entry, or null.
const model_config* find_model(const provider_config& provider, const model_name& name) noexcept;

/// Whether the provider takes this model: it lists it, or lists none.
bool offers(const provider_config& provider, const model_name& name) noexcept;

/// One fault of a configuration file.
struct config_fault {
  std::string file;
  std::uint32_t line = 0;   ///< from 1; 0: the file as a whole
  std::uint32_t column = 0; ///< from 1, in bytes
  std::string key;          ///< dotted, such as `llm.providers.openai.timeout`; empty: none
  std::string problem;      ///< what is wrong and what was expected

  friend bool operator==(const config_fault&, const config_fault&) = default;
};

/// `file:line:column: key: problem`.
std::string to_string(const config_fault& fault);

/// Everything that is wrong with a file, in its order. Never empty in a failed result.
using config_faults = std::vector<config_fault>;

/// FNV-1a of 64 bits over a file's bytes; tells one text from another, protects against nobody.
std::uint64_t content_hash(std::string_view text) noexcept;

/// Reads, substitutes `${VAR}` from the environment, validates. A snapshot, or every fault at once.
boost::system::result<snapshot_ptr, config_faults> load_config(const std::filesystem::path& file);

/// Called by `result::value()`; throws `std::runtime_error` with one line a fault.
[[noreturn]] void throw_exception_from_error(const config_faults& faults,
                                             const boost::source_location& where);

} // namespace weir
