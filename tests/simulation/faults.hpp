// How a host answers a request: the list of faults, the phases that choose among them, and the answer as a
// script of what happens when. Knows no exchange and no clock: times are relative to the request.
#pragma once

#include "tests/simulation/dice.hpp"
#include "tests/simulation/wire.hpp"

#include <weir/error.hpp>
#include <weir/usage.hpp>

#include <chrono>
#include <cstdint>
#include <limits>
#include <optional>
#include <string>
#include <vector>

namespace weir::simulation {

/// Everything that can go wrong above the socket.
enum class fault : std::uint8_t {
  none,
  refuse,           ///< no connection
  reset_before,     ///< the request was written, and nothing done
  reset_after,      ///< it was done and billed, and the answer lost
  hang,             ///< nothing ever comes
  slow,             ///< the answer, or its first token, comes late
  server_error,     ///< 500, 502, 504
  overload,         ///< 503, 529, with and without a body that says so
  rate_limit,       ///< 429 with every kind of hint
  own_time_out,     ///< 408
  wrong_key,        ///< 401
  forbidden,        ///< 403
  no_quota,         ///< 402 or 429 with `insufficient_quota`
  bad_request,      ///< 400, 404, 409, 413, 422
  too_long,         ///< 400, `context_length_exceeded`
  filtered,         ///< 400, `content_filter`
  truncated_body,   ///< half of a JSON text
  html_body,        ///< a page with 200 or 502
  empty_body,       ///< 200, and nothing
  error_in_success, ///< 200 with an error in it
  no_usage,         ///< a good answer without figures
  stream_cut,       ///< connection lost in the middle
  stream_stall,     ///< nothing more comes
  stream_nonsense,  ///< a chunk that is no JSON
  stream_error,     ///< an error event in the middle
  stream_no_mark,   ///< the end mark is missing
};

/// What a host is like for a time.
enum class mood : std::uint8_t { healthy, brown_out, down, hanging, limited, slow, flapping, nasty, no_keys };

/// One phase of a host's life.
struct phase {
  time_point until{};
  mood is = mood::healthy;
  std::uint32_t permille = 0; ///< of `brown_out`, `limited`, `nasty`: how many requests fail
};

/// One host, as the history begins.
struct host_plan {
  std::vector<phase> phases; ///< in order; healthy after the last
  std::chrono::milliseconds fastest{5};
  std::chrono::milliseconds slowest{500};
  std::uint32_t capacity = 20; ///< requests that it bears at once; more take longer, or are refused
};

host_plan random_host(dice& random, time_point begin, time_point healed);

/// What becomes of one request.
struct answer {
  fault is = fault::none;
  std::string label;                      ///< for the trace, such as `429 retry-after: 2`
  std::chrono::microseconds connected{0}; ///< until then no byte has been written
  std::chrono::microseconds delay{0};     ///< until head, or failure
  std::optional<failure> breaks;          ///< no response: how the exchange ends
  bool never = false;                     ///< nothing comes
  http_response head;                     ///< for a request that is not streamed, with its body
  bool streamed = false;
  std::vector<std::string> pieces; ///< of a stream's body
  std::chrono::microseconds gap{0};
  std::optional<failure> broken_end; ///< of a stream: how it ends after its pieces
  bool stalls = false;               ///< of a stream: it does not end by itself
  bool billed = false;               ///< the host did the work
  bool whole = false;                ///< a good answer, if it arrives
  spoken text;
  std::optional<std::chrono::milliseconds> hint;      ///< a valid one
  std::optional<std::chrono::sys_seconds> hint_until; ///< one that is a date, valid or not
  bool do_not_retry = false;
};

/// What a host needs to know to answer.
struct question {
  asked said;
  bool streamed = false;
  std::uint64_t number = 0; ///< of the post
  time_point now{};
  timestamp wall{};
  std::uint32_t in_flight = 0; ///< at the host, this one included
};

answer decide(dice& random, const host_plan& host, const question& asked);

std::string_view to_string(fault value) noexcept;

} // namespace weir::simulation
