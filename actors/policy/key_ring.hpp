// The keys of one provider: which is used next, which rest since they were refused, and which are held for a
// model. Knows no key's text, no actor and no clock: keys are numbers, and time is an argument.
#pragma once

#include "actors/policy/by_model.hpp"

#include <weir/config.hpp>
#include <weir/health.hpp>
#include <weir/names.hpp>
#include <weir/usage.hpp>

#include <cstddef>
#include <cstdint>
#include <optional>
#include <vector>

namespace weir::policy {

/// A key that was picked for an attempt.
struct picked_key {
  std::size_t index = 0;    ///< in the configuration
  std::uint64_t serial = 0; ///< what its ends are reported by: it stays when a reload moves the key
  errc rested = errc::none; ///< it is the first to use it since it was refused because of this
};

/// When a key can be picked, and why not before.
struct key_wait {
  milliseconds time{0}; ///< 0: now
  errc why = errc::none;
  bool by_trials = false; ///< all were refused: one attempt at a time finds out whether they still are
};

/// Picks keys in turn, and lets those rest that the provider refuses or holds.
///
/// A key that is refused (401) rests for a minute, and twice as long each time again, up to an hour; an only
/// key does so from the third refusal in a row. One without quota rests for five minutes. One that is held
/// (429) rests until the hint for the model that was asked for, if there are other keys: what one alone is
/// told is kept in `told_limits`. Where no key is left for a model and one of them because of a hold, none
/// passes until the first rest is over; where all were refused or have no quota, one attempt each five
/// seconds tries the one that has rested longest.
class key_ring {
public:
  static constexpr milliseconds first_quarantine = std::chrono::minutes{1};
  static constexpr milliseconds longest_quarantine = std::chrono::hours{1};
  static constexpr milliseconds quota_rest = std::chrono::minutes{5};
  static constexpr milliseconds hold_without_hint = std::chrono::seconds{1};
  static constexpr milliseconds trial_interval = std::chrono::seconds{5};
  static constexpr std::uint32_t refusals_of_only_key = 3;

  /// `keys` 0 counts as 1: a provider that wants no key has one that is empty.
  explicit key_ring(std::size_t keys);
  /// New keys: for each, which of those until now it is; nothing: it is new. Those that stay keep their
  /// state.
  void configure(const std::vector<std::optional<std::size_t>>& from);

  std::size_t size() const noexcept { return keys_.size(); }

  /// When `pick` gives a key, if nobody else comes before.
  key_wait wait(const model_name& model, time_point now) const;
  /// The next key, or nothing while `wait` says so.
  std::optional<picked_key> pick(const model_name& model, time_point now);
  /// Where all were refused: when the next trial may be made. Else there is nothing to wait for.
  key_wait wait_of_trials(time_point now) const;
  /// A key for a question that counts for nothing: one that was not refused, else the one that rests longest.
  std::size_t peek(time_point now) const;

  /// An attempt with the key, begun at `began`, succeeded. True: that ends a rest, or a row of refusals that
  /// had led to one. What began before the rest says nothing about it.
  bool success(std::uint64_t serial, time_point began);
  /// An attempt with it failed because of the key: `auth`, `quota_exceeded` or `rate_limit`; others count for
  /// nothing. How long the key rests, if it begins to.
  std::optional<milliseconds> failed(std::uint64_t serial, const model_name& model, errc why,
                                     std::optional<milliseconds> hint, time_point began, time_point now);

  /// Whether an attempt that failed with this key can be repeated with another at once.
  bool has_other(std::uint64_t serial, const model_name& model, time_point now) const;

  /// The key's place in the configuration, from 1; 0: it is gone.
  std::uint32_t number_of(std::uint64_t serial) const;
  /// A key that is held for any model counts as held, until the last of its holds is over.
  std::vector<key_health> health(time_point now) const;
  /// The longest that the keys' holds leave a model without any.
  milliseconds held_for(time_point now) const;

private:
  struct key {
    std::uint64_t serial = 0;
    errc resting = errc::none;            ///< it was refused: stays until the key is used after its rest
    time_point since = time_point::min(); ///< when it was last refused
    time_point until{};
    by_model<time_point> held;  ///< until when, since a 429
    std::uint32_t refusals = 0; ///< in a row
    milliseconds quarantine{0}; ///< the last one's length
  };

  key* find(std::uint64_t serial);
  static bool is_refused(const key& which, time_point now);
  static time_point free_at(const key& which, const model_name& model, time_point now);
  static void refuse(key& which, errc why, milliseconds time, time_point now);
  std::optional<milliseconds> hold(key& which, const model_name& model, std::optional<milliseconds> hint,
                                   time_point now);
  template <class Free>
  std::optional<std::size_t> next_in_turn(Free is_free) const;
  std::size_t longest_resting() const;
  std::optional<time_point> next_trial(time_point now) const;

  std::vector<key> keys_;
  std::size_t turn_ = 0;
  std::uint64_t last_serial_ = 0;
  std::optional<time_point> last_trial_;
};

} // namespace weir::policy
