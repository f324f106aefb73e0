// Budgets: what attempts may cost is reserved before they are sent, and what they did cost takes its place.
// A pure state machine: no actor, no clock, no ledger. What was spent before is asked of who has it.
#pragma once

#include "actors/policy/budget_line.hpp"

#include <weir/config.hpp>
#include <weir/health.hpp>
#include <weir/usage.hpp>

#include <cstddef>
#include <cstdint>
#include <deque>
#include <optional>
#include <string>
#include <unordered_map>
#include <vector>

namespace weir::policy {

/// A question to the ledger, to be asked with `rollups`: what was spent before in the period that runs now.
struct budget_question {
  std::uint64_t line = 0; ///< whose: the budget's serial number
  budget_span span;
  usage_filter filter;
  usage_grouping grouping;
};

/// Sentence of an alert: a soft limit was passed.
std::string soft_limit_text(const budget_health& budget);

/// All budgets of a snapshot. In every period of every account, what was spent and what is reserved are
/// together never made more than the limit by a reservation: parallel calls cannot overspend. What a provider
/// bills beyond the reservation can, and then nothing more is let through until the period ends.
///
/// An attempt counts in the period in which it began. A clock that is set back is followed for `grace` only,
/// and then counts in the period that it had reached, until time catches up: nothing is spent twice.
class budgets {
public:
  /// How long an ended period is kept for who began just before its end.
  static constexpr std::chrono::minutes grace{5};
  static constexpr std::size_t most_accounts = 100'000; ///< of all budgets
  static constexpr std::size_t most_unknown = 100'000;  ///< unknown attempts whose amount is remembered

  explicit budgets(std::size_t accounts = most_accounts) : room_(accounts) {}

  /// Takes the budgets of a snapshot. One that counts the same keeps what it knows and takes the new limits;
  /// one that is new or counts differently has to be told what was spent. Errors, which change nothing: a
  /// time zone that the system does not have.
  result<void> adopt(const std::vector<budget_config>& configs);

  bool empty() const noexcept { return lines_.empty(); }
  /// Whether it is known of all budgets what was spent; until then `reserve` refuses what they cover.
  bool ready() const noexcept;

  /// The questions that nobody was asked yet. From this call on, what is settled counts here; everything that
  /// was settled before must be in the answers, and nothing that is settled after.
  std::vector<budget_question> questions(timestamp now);
  /// The answer to a question. The budgets whose soft limit was passed already.
  std::vector<budget_health> seed(const budget_question& asked, const std::vector<usage_summary>& answer);
  /// There was no answer: it will be asked again by the next `questions`.
  void unanswered(const budget_question& asked);

  /// Reserves `cost_limit` in all budgets that cover the attempt, or in none: then the failure
  /// (`budget_exceeded`; `storage` while a budget is not ready) says which refused and why, with the end of
  /// its period as `retry_after`. `priced`: the model has a price, whether or not it gives a limit. Who has
  /// reserved already, has.
  std::optional<failure> reserve(const usage_record& intent, bool priced);

  /// Books an attempt's end, once, and frees what it reserved, if it did: a settled attempt counts with its
  /// cost, an unknown one with its limit, a void one not at all. An unknown attempt that is settled later is
  /// corrected; `before` is the amount that was booked for it, nothing: what is remembered of it. Gives the
  /// budgets whose soft limit was passed, each once in a period.
  std::vector<budget_health> settle(const usage_record& record, const std::optional<money>& before = {});

  /// The budgets in the period of a moment, in the order of the configuration; of one for each value, the
  /// fullest `most_values`.
  std::vector<budget_health> state(timestamp now, std::size_t most_values = 100) const;

  std::size_t reservations() const noexcept { return open_.size(); } ///< attempts that hold some
  std::size_t accounts() const noexcept;

private:
  struct hold {
    std::uint64_t line;
    budget_line::account_key account;
    std::int64_t picos;
  };

  budget_line* find(std::uint64_t serial);
  std::vector<hold> take_holds(const attempt_id& id);
  std::optional<money> take_unknown(const attempt_id& id);
  void remember_unknown(const attempt_id& id, const money& amount);
  budget_account* account_for(budget_line& line, const usage_record& record, const std::string& value,
                              const std::vector<hold>& held);

  std::size_t room_;
  std::vector<budget_line> lines_;
  std::uint64_t last_serial_ = 0;
  timestamp latest_{}; ///< begin of the latest attempt
  std::unordered_map<attempt_id, std::vector<hold>> open_;
  std::unordered_map<attempt_id, money> unknown_;
  std::deque<attempt_id> unknown_order_; ///< oldest first; those that were settled since are among them
};

} // namespace weir::policy
