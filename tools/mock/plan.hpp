// What the mock provider answers, and which faults it has, as data.
// Knows no socket: a plan is loaded, and asked what a request gets.
#pragma once

#include <weir/chat.hpp>
#include <weir/config.hpp>

#include <chrono>
#include <cstdint>
#include <optional>
#include <string>
#include <utility>
#include <vector>

namespace weir::mock {

enum class fault_kind : std::uint8_t {
  refuse,             ///< connections are refused for a time: nobody listens
  reset,              ///< RST after `after_bytes` of the response
  close,              ///< FIN after `after_bytes` of the response
  hang,               ///< no answer at all
  drip,               ///< the response in pieces of `piece_bytes`, `delay` apart
  status,             ///< an error reply of `status`
  malformed_json,     ///< status 200, JSON that is none
  truncated_json,     ///< status 200, half of the body, with a length that fits it
  wrong_content_type, ///< status 200, an HTML page
  oversized_body,     ///< status 200, `body_bytes` of it
  slow_first_byte,    ///< the honest reply, after `delay`
  empty_body,         ///< status 200, nothing in it
  error_in_200,       ///< status 200, an error object in it
  raw,                ///< these bytes and nothing else; then the connection is kept, closed or reset
  cut_stream,         ///< FIN after `after_chunks` chunks of a stream
  error_in_stream,    ///< an error event after `after_chunks` chunks of a stream, which ends there
  malformed_chunk,    ///< an event whose JSON is none after `after_chunks` chunks of a stream, which goes on
  stall_stream,       ///< silence for `delay` after `after_chunks` chunks of a stream
  no_done,            ///< a stream without its last end mark: `[DONE]`, `message_stop`
  no_finish,          ///< a stream without any end mark, not even why it stopped
  endless,            ///< a stream that says its reply again and again
};
inline constexpr std::size_t fault_kinds = 21;

std::string_view to_string(fault_kind kind) noexcept;

/// Whether a kind hits streamed requests only.
constexpr bool needs_stream(fault_kind kind) noexcept {
  return kind >= fault_kind::cut_stream;
}

/// What becomes of the connection after the bytes of `raw`.
enum class aftermath : std::uint8_t { keep, close, reset };

/// Which chat requests a fault hits. They are counted from 1.
struct selector {
  std::vector<std::pair<std::uint64_t, std::uint64_t>> ranges; ///< from, to, both included; empty: any
  std::uint64_t every = 1;                                     ///< each n-th of them
  std::uint32_t permille = 1000;  ///< this share of them, decided by seed and number
  std::vector<model_name> models; ///< those that ask for one of these; empty: any
};

/// A chat request as faults see it.
struct occasion {
  std::uint64_t number = 1; ///< among all chat requests, from 1
  bool streamed = false;
  model_name model{};
  milliseconds age{0}; ///< when it came, since the mock's start
};

struct fault {
  fault_kind kind = fault_kind::status;
  selector when;
  int status = 500;
  std::string message;             ///< of the error reply; empty: one that fits the status
  std::string code;                ///< of the error reply
  std::optional<std::string> body; ///< the whole body, instead of an error object
  std::vector<std::pair<std::string, std::string>> headers; ///< `retry-after` and any other
  std::uint64_t after_bytes = 0;
  std::uint64_t after_chunks = 0;
  std::uint64_t piece_bytes = 1;
  std::uint64_t body_bytes = 64ULL << 20U;
  std::string bytes;                ///< of `raw`: the whole response, head and all
  aftermath then = aftermath::keep; ///< of `raw`
  milliseconds delay{0};            ///< before the first byte; of `stall_stream` the silence, 0: for ever
  milliseconds from{0};             ///< since the mock's start
  std::optional<milliseconds> to;   ///< excluded; nothing: for ever
};

/// Which tools are called when a user speaks last and the request leaves the choice.
enum class calling : std::uint8_t { none, first, all };

/// What is done with a request that ends with a beginning of the answer: a message of the assistant's.
enum class prefilling : std::uint8_t {
  go_on,  ///< the reply is what follows it
  refuse, ///< status 400
  ignore, ///< the reply begins anew
};

struct plan {
  std::string reply;                              ///< empty: made from the request's last messages
  std::string reasoning;                          ///< what is thought before it; empty: nothing
  calling tool_calls = calling::none;             ///< a request that demands a call gets one all the same
  std::optional<std::uint64_t> prompt_tokens;     ///< nothing: a token for each four bytes
  std::optional<std::uint64_t> completion_tokens; ///< the same
  std::optional<std::uint64_t> cached_tokens;     ///< reported when set
  std::optional<weir::finish_reason> finish;      ///< of a reply without tool calls; nothing: `stop`
  prefilling prefill = prefilling::go_on;
  std::optional<std::uint64_t> context_window; ///< tokens; a request that may need more is refused
  std::vector<model_name> models{model_name("mock-model")};
  std::string api_key;    ///< empty: any key, and none
  std::string key_header; ///< where the key must stand; empty: in any of the headers that clients use
  milliseconds latency{0};
  milliseconds jitter{0};         ///< up to so much more, decided by seed and number
  std::uint32_t chunk_tokens = 1; ///< words, or parts of long ones, in a chunk of a stream
  milliseconds chunk_delay{0};    ///< between two of them
  milliseconds ping_every{0};     ///< a sign of life after so much waiting within a stream; 0: none
  std::uint64_t seed = 1;
  std::vector<fault> faults; ///< the first that fits hits
};

/// Reads a plan from a TOML file, or from a JSON one (`{` as its first character). Faults with file, line and
/// column (JSON: with the path of the member).
boost::system::result<plan, config_faults> load_plan(const std::string& file);

/// The fault that hits a request, or null.
const fault* fault_for(const plan& of, const occasion& now);

/// How long the honest answer to a request takes to begin.
milliseconds latency_for(const plan& of, std::uint64_t number);

} // namespace weir::mock
