// Reserve, settle, and what the ledger is asked.
#include "actors/policy/budget.hpp"

#include <algorithm>
#include <utility>

namespace weir::policy {

namespace {

failure not_known(const budget_config& config) {
  failure refused = make_failure(errc::storage,
                                 "what was spent of the budget '" + config.name +
                                     "' is not known yet: the ledger has not answered",
                                 "llm.budgets." + config.name);
  refused.retryable = true;
  return refused;
}

failure no_room(const budget_config& config, std::size_t room, const budget_span& span, timestamp now) {
  failure refused = make_failure(errc::budget_exceeded,
                                 "the budget '" + config.name + "' takes no new value of the tag '" +
                                     config.tag_key + "': " + std::to_string(room) + " accounts are in use",
                                 "llm.budgets." + config.name);
  if (span.end != timestamp::max())
    refused.retry_after = std::chrono::ceil<milliseconds>(span.end - now);
  return refused;
}

/// What an attempt counts with. A success without a cost had a bound, or it would have been unbounded.
std::optional<money> booked_amount(const usage_record& record) {
  switch (record.state) {
  case record_state::settled:
    return record.cost || !record.success ? record.cost : record.cost_limit;
  case record_state::unknown:
    return record.cost_limit;
  case record_state::intent:
  case record_state::void_attempt:
    break;
  }
  return std::nullopt;
}

std::int64_t reserved_amount(const budget_line& line, const usage_record& intent) {
  return static_cast<std::int64_t>(std::max(line.counted(intent.cost_limit), int128{0}));
}

} // namespace

std::string soft_limit_text(const budget_health& budget) {
  constexpr std::size_t longest = 64;
  const std::string unit = ' ' + budget.limit.unit.str();
  std::string text = "the budget '" + budget.name + "'";
  if (!budget.value.empty())
    text += " of '" + budget.value.substr(0, longest) + "'";
  text += " has passed its soft limit";
  if (budget.soft_limit)
    text += " of " + to_decimal(*budget.soft_limit) + unit;
  text += ": " + to_decimal(budget.spent) + " of " + to_decimal(budget.limit) + unit + " are spent";
  if (budget.end)
    text += "; the next period begins at " + to_string(*budget.end);
  return text;
}

result<void> budgets::adopt(const std::vector<budget_config>& configs) {
  std::vector<budget_line> fresh;
  for (const budget_config& config : configs) {
    const auto same = [&config](const budget_line& each) { return each.counts_like(config); };
    if (std::ranges::any_of(lines_, same))
      continue;
    auto made = budget_line::make(config, ++last_serial_);
    if (!made)
      return made.error();
    fresh.push_back(std::move(*made));
  }
  std::vector<budget_line> next;
  auto unused = fresh.begin();
  for (const budget_config& config : configs) {
    const auto known =
        std::ranges::find_if(lines_, [&config](const budget_line& each) { return each.counts_like(config); });
    if (known == lines_.end()) {
      next.push_back(std::move(*unused++));
      continue;
    }
    next.push_back(std::move(*known));
    next.back().adopt(config);
  }
  lines_ = std::move(next);
  for (auto& [id, held] : open_)
    std::erase_if(held, [this](const hold& each) { return find(each.line) == nullptr; });
  std::erase_if(open_, [](const auto& each) { return each.second.empty(); });
  return {};
}

bool budgets::ready() const noexcept {
  return std::ranges::all_of(lines_,
                             [](const budget_line& each) { return each.stage == budget_stage::known; });
}

std::vector<budget_question> budgets::questions(timestamp now) {
  latest_ = std::max(latest_, now);
  std::vector<budget_question> asked;
  for (budget_line& line : lines_) {
    if (line.stage != budget_stage::waiting)
      continue;
    line.stage = budget_stage::asked;
    line.forget_spent();
    const budget_config& config = line.config();
    budget_question question{
        .line = line.serial(), .span = line.span_at(latest_), .filter = {}, .grouping = {}};
    if (config.period != budget_period::total)
      question.filter.since = question.span.begin;
    question.filter.provider = config.provider;
    question.filter.model = config.model;
    question.grouping.provider = false;
    question.grouping.model = false;
    if (line.by_value())
      question.grouping.tags = {config.tag_key};
    else if (!config.tag_key.empty())
      question.filter.tags = {{config.tag_key, config.tag_value}};
    asked.push_back(std::move(question));
  }
  return asked;
}

std::vector<budget_health> budgets::seed(const budget_question& asked,
                                         const std::vector<usage_summary>& answer) {
  std::vector<budget_health> passed;
  budget_line* line = find(asked.line);
  if (line == nullptr || line->stage != budget_stage::asked)
    return passed;
  line->stage = budget_stage::known;
  const currency unit = line->config().limit.unit;
  for (const usage_summary& each : answer) {
    const std::string value =
        line->by_value() && !each.tags.empty() ? each.tags.front().second : std::string();
    if (line->by_value() && value.empty()) // who has no such tag is not covered
      continue;
    int128 spent = 0;
    for (const auto* sums : {&each.total_cost, &each.unknown_cost_limit})
      if (const auto sum = sums->find(unit); sum != sums->end())
        spent += sum->second.picos();
    if (spent == 0)
      continue;
    // Beyond the room as well: what was spent must not be forgotten.
    budget_account& account = line->open(value, asked.span);
    if (line->spend(account, spent))
      passed.push_back(line->state_of({asked.span.begin, value}, account));
  }
  return passed;
}

void budgets::unanswered(const budget_question& asked) {
  budget_line* line = find(asked.line);
  if (line != nullptr && line->stage == budget_stage::asked)
    line->stage = budget_stage::waiting;
}

std::optional<failure> budgets::reserve(const usage_record& intent, bool priced) {
  if (lines_.empty() || open_.contains(intent.id))
    return std::nullopt;
  latest_ = std::max(latest_, intent.time);
  const timestamp moment = std::max(intent.time, latest_ - grace);
  struct place {
    budget_line* line;
    budget_span span;
    std::string value;
  };
  std::vector<place> places;
  for (budget_line& line : lines_) {
    line.drop_ended(latest_ - grace);
    auto value = line.value_of(intent);
    if (!value)
      continue;
    if (line.stage != budget_stage::known)
      return not_known(line.config());
    const budget_span span = line.span_at(moment);
    if (auto refused = line.refusal(intent, priced, *value, span))
      return refused;
    places.push_back({&line, span, std::move(*value)});
  }
  std::size_t used = accounts();
  for (const place& each : places)
    if (each.line->find({each.span.begin, each.value}) == nullptr && ++used > room_ && each.line->by_value())
      return no_room(each.line->config(), room_, each.span, moment);
  if (places.empty())
    return std::nullopt;
  std::vector<hold>& held = open_[intent.id];
  for (place& each : places) {
    budget_account& account = each.line->open(each.value, each.span);
    const std::int64_t picos = reserved_amount(*each.line, intent);
    account.reserved += picos;
    ++account.holds;
    held.push_back({each.line->serial(), {each.span.begin, std::move(each.value)}, picos});
  }
  return std::nullopt;
}

/// Takes an attempt's reservations out of their accounts, and says where they were.
std::vector<budgets::hold> budgets::take_holds(const attempt_id& id) {
  auto found = open_.extract(id);
  if (found.empty())
    return {};
  for (const hold& each : found.mapped()) {
    budget_line* line = find(each.line);
    budget_account* account = line == nullptr ? nullptr : line->find(each.account);
    if (account == nullptr)
      continue;
    account->reserved -= each.picos;
    --account->holds;
  }
  return std::move(found.mapped());
}

/// Where an attempt's cost is counted: where it had reserved, else in the period in which it began. Null:
/// that is over and forgotten, or there is no room; then nobody can be refused by it any more, or nobody new
/// is let in.
budget_account* budgets::account_for(budget_line& line, const usage_record& record, const std::string& value,
                                     const std::vector<hold>& held) {
  const auto own = std::ranges::find(held, line.serial(), &hold::line);
  if (own != held.end())
    return line.find(own->account);
  const budget_span span = line.span_at(record.time);
  if (budget_account* account = line.find({span.begin, value}))
    return account;
  if (span.end <= latest_ - grace || (line.by_value() && accounts() >= room_))
    return nullptr;
  return &line.open(value, span);
}

std::vector<budget_health> budgets::settle(const usage_record& record, const std::optional<money>& before) {
  std::vector<budget_health> passed;
  if (lines_.empty() || record.state == record_state::intent)
    return passed;
  const std::vector<hold> held = take_holds(record.id);
  const auto remembered = take_unknown(record.id);
  const std::optional<money> earlier = before ? before : remembered;
  const std::optional<money> booked = booked_amount(record);
  if (record.state == record_state::unknown && booked)
    remember_unknown(record.id, *booked);
  for (budget_line& line : lines_) {
    // Who was not asked yet will answer with this one as well.
    if (line.stage == budget_stage::waiting)
      continue;
    const auto value = line.value_of(record);
    const int128 more = line.counted(booked) - line.counted(earlier);
    if (!value || more == 0)
      continue;
    budget_account* account = account_for(line, record, *value, held);
    if (account == nullptr)
      continue;
    const auto own = std::ranges::find(held, line.serial(), &hold::line);
    const timestamp begin = own != held.end() ? own->account.first : line.span_at(record.time).begin;
    if (line.spend(*account, more))
      passed.push_back(line.state_of({begin, *value}, *account));
  }
  return passed;
}

std::optional<money> budgets::take_unknown(const attempt_id& id) {
  auto found = unknown_.extract(id);
  return found.empty() ? std::nullopt : std::optional(found.mapped());
}

void budgets::remember_unknown(const attempt_id& id, const money& amount) {
  unknown_.insert_or_assign(id, amount);
  unknown_order_.push_back(id);
  if (unknown_order_.size() <= most_unknown)
    return;
  unknown_.erase(unknown_order_.front());
  unknown_order_.pop_front();
}

std::vector<budget_health> budgets::state(timestamp now, std::size_t most_values) const {
  std::vector<budget_health> states;
  for (const budget_line& line : lines_) {
    auto of_line = line.state(std::max(now, latest_ - grace), most_values);
    states.insert(states.end(), std::make_move_iterator(of_line.begin()),
                  std::make_move_iterator(of_line.end()));
  }
  return states;
}

std::size_t budgets::accounts() const noexcept {
  std::size_t sum = 0;
  for (const budget_line& each : lines_)
    sum += each.accounts();
  return sum;
}

budget_line* budgets::find(std::uint64_t serial) {
  const auto found = std::ranges::find(lines_, serial, &budget_line::serial);
  return found == lines_.end() ? nullptr : &*found;
}

} // namespace weir::policy
