// What the books say of an attempt that has ended. A pure function, so that every case can be read and
// tested. Knows no actor, no clock and no ledger.
#pragma once

#include <weir/chat.hpp>
#include <weir/config.hpp>
#include <weir/prices.hpp>
#include <weir/usage.hpp>

#include <cstdint>
#include <optional>

namespace weir::policy {

/// What is known of an attempt besides its end.
struct attempt_facts {
  attempt_id id;
  call_id call;
  std::uint32_t number = 1;
  timestamp began{};
  std::chrono::microseconds latency{0};
  std::optional<std::chrono::microseconds> first_token; ///< of a stream, from the attempt's begin
  std::optional<token_usage>
      seen; ///< of an attempt of unknown fate: what it is known, or thought, to have used
};

/// Output that is assumed of a model whose `max_tokens` is not known when a request names none: more than any
/// published model writes in one reply.
inline constexpr std::uint64_t assumed_output_tokens = 131'072;

/// The dearest way to bill this request; nothing when the amount does not fit. `model` null: not listed.
std::optional<money> cost_bound(const chat_request& request, const model_config* model,
                                const pricing& prices);

/// The record of an attempt that is about to be sent, with an upper estimate of its cost. `prices` null:
/// there is none.
usage_record make_intent(const attempt_facts& facts, const chat_request& request,
                         const provider_name& provider, const model_config* model, const priced& by);

/// The record of an attempt. A success is `settled` at its cost; a failure is `void` when nothing was sent,
/// `settled` at zero when the provider refused it unprocessed, and otherwise `unknown` with an upper estimate
/// of its cost. Without prices the cost is unknown.
usage_record make_record(const attempt_facts& facts, const chat_request& request,
                         const provider_name& provider, const model_config* model, const priced& by,
                         const result<chat_reply>& end);

/// How many images a request has: what a fee for each is paid for.
std::uint32_t images_in(const chat_request& request) noexcept;

/// An upper bound of the tokens of a request's input: no token of a byte-pair encoding is shorter than a
/// byte. An image counts as 49,152 tokens, more than any published rule gives one of any size
/// (docs/tokens.md).
std::uint64_t prompt_token_bound(const chat_request& request);

} // namespace weir::policy
