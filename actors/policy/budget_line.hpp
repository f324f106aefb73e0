// One budget: whom it covers, the periods of its time zone, and an account for each of them.
// Knows no other budget, no clock and no ledger.
#pragma once

#include <weir/calendar.hpp>
#include <weir/config.hpp>
#include <weir/health.hpp>
#include <weir/usage.hpp>

#include <cstddef>
#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <utility>
#include <vector>

namespace weir::policy {

/// A span in which a budget counts. That of `total` has neither begin nor end: those of all time.
struct budget_span {
  timestamp begin{};
  timestamp end = timestamp::max();
};

/// What of a budget is gone in one period. Amounts are counts of 10^-12 of its currency's unit.
struct budget_account {
  timestamp end = timestamp::max();
  int128 spent = 0;
  int128 reserved = 0;
  std::uint32_t holds = 0; ///< attempts that have reserved, be it nothing
  bool warned = false;     ///< of its soft limit
};

/// How far it is known what the ledger says was spent before.
enum class budget_stage : std::uint8_t { waiting, asked, known };

class budget_line {
public:
  /// Of an account: where its period begins, and the value of the tag.
  using account_key = std::pair<timestamp, std::string>;

  /// `serial` tells the line from every other one that ever was. Errors: no such time zone.
  static result<budget_line> make(const budget_config& config, std::uint64_t serial);

  /// Whether what was counted for this line is what the other budget would have counted.
  bool counts_like(const budget_config& other) const;
  /// Takes new limits; the accounts stay.
  void adopt(const budget_config& config);

  /// Whose account an attempt goes to: empty where there is one for all; nothing: it is not covered.
  std::optional<std::string> value_of(const usage_record& record) const;
  budget_span span_at(timestamp moment) const;
  /// The part of an amount that counts here: nothing in another currency.
  int128 counted(const std::optional<money>& amount) const;

  /// Why an attempt of this value may not begin in this period; nothing: it may.
  std::optional<failure> refusal(const usage_record& intent, bool priced, const std::string& value,
                                 const budget_span& span) const;

  budget_account* find(const account_key& key);
  const budget_account* find(const account_key& key) const;
  budget_account& open(const std::string& value, const budget_span& span);
  /// Drops the accounts of periods that were over then, unless somebody has reserved there.
  void drop_ended(timestamp by);
  /// Forgets what was spent, to be told it by the ledger.
  void forget_spent();

  /// Adds to what was spent. Whether the soft limit has been passed by it, for the first time.
  bool spend(budget_account& account, int128 picos) const;

  /// The accounts of the period of a moment, the fullest first, at most so many.
  std::vector<budget_health> state(timestamp now, std::size_t most) const;
  budget_health state_of(const account_key& key, const budget_account& account) const;

  const budget_config& config() const noexcept { return config_; }
  std::uint64_t serial() const noexcept { return serial_; }
  std::size_t accounts() const noexcept { return accounts_.size(); }
  bool by_value() const noexcept { return !config_.tag_key.empty() && config_.tag_value.empty(); }

  budget_stage stage = budget_stage::waiting;

private:
  budget_line(budget_config config, time_zone zone, std::uint64_t serial)
      : config_(std::move(config)), zone_(zone), serial_(serial) {}

  std::string named(const std::string& value) const;
  std::string amount_text(int128 picos) const;
  failure over_limit(const usage_record& intent, const std::string& value, const budget_account& account,
                     const std::optional<int128>& wanted) const;

  budget_config config_;
  time_zone zone_;
  std::uint64_t serial_ = 0;
  std::map<account_key, budget_account> accounts_; ///< those of ended periods come first
  mutable budget_span last_{timestamp{},
                            timestamp{}}; ///< the span that was asked for last: mostly it is again
};

} // namespace weir::policy
