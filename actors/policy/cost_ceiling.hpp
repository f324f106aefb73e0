// What one call may cost (`max_cost`): whether an attempt may be sent, and when a stream must be ended.
// Pure functions and one counter. Knows no actor, no clock and no way to count tokens: counts are arguments.
#pragma once

#include <weir/chat.hpp>
#include <weir/config.hpp>
#include <weir/money.hpp>
#include <weir/usage.hpp>

#include <cstdint>
#include <optional>

namespace weir::policy {

/// What an attempt of a call with a ceiling is judged by.
struct ceiling_facts {
  money ceiling;  ///< `max_cost` of the request
  money_sum gone; ///< what other attempts of the call have cost, or may cost where that is not known
  std::uint64_t prompt_tokens = 0;     ///< of the request, estimated
  provider_name provider;              ///< who would be asked
  const model_config* model = nullptr; ///< null: the provider lists none
  const pricing* prices = nullptr;     ///< of that model; null: it has none
};

/// Whether an attempt may be sent.
struct ceiling_verdict {
  std::optional<failure> refused; ///< `budget_exceeded`; nothing: it may
  bool watch =
      false; ///< it is a stream that could pass the ceiling, and must be watched by a `stream_ceiling`
};

/// A whole answer is let through if the most that it can cost (`cost_bound`) is left. Of a stream, which can
/// be ended, the prompt and one token must be. Without a price in the ceiling's currency nobody is asked.
ceiling_verdict judge(const chat_request& request, const ceiling_facts& facts);

/// Watches a stream. What the provider generates after the last delta that was seen is billed as well, and
/// thinking that it does not show; so a stream is ended at the ceiling as far as that can be seen from here.
class stream_ceiling {
public:
  /// For an attempt that `judge` has let through.
  stream_ceiling(const chat_request& request, const ceiling_facts& facts);

  /// Counts a delta of so many output tokens. False: with it, the stream would pass the ceiling; it is not
  /// counted, and the stream has to be ended.
  [[nodiscard]] bool take(std::uint64_t tokens, bool thinking = false);
  /// The provider's own figures so far, which take the place of ours; output tokens never become fewer.
  /// False: they pass the ceiling.
  [[nodiscard]] bool told(const token_usage& usage);

  /// What has been used as far as is known here.
  const token_usage& used() const noexcept { return used_; }
  /// The failure of a stream that is ended.
  failure reached() const;

private:
  bool fits(const token_usage& usage) const;

  pricing prices_;
  money ceiling_;
  int128 left_;
  std::string provider_;
  token_usage used_;
};

} // namespace weir::policy
