// Coverage, periods, and the sentences of a refusal.
#include "actors/policy/budget_line.hpp"

#include <algorithm>

namespace weir::policy {

namespace {

std::optional<time_step> step_of(budget_period period) {
  switch (period) {
  case budget_period::hour:
    return time_step::hour;
  case budget_period::day:
    return time_step::day;
  case budget_period::month:
    return time_step::month;
  case budget_period::total:
    break;
  }
  return std::nullopt;
}

std::string period_text(budget_period period) {
  return period == budget_period::total ? "in total" : "for this " + std::string(to_string(period));
}

} // namespace

result<budget_line> budget_line::make(const budget_config& config, std::uint64_t serial) {
  auto zone = time_zone::find(config.time_zone);
  if (!zone)
    return zone.error();
  return budget_line(config, *zone, serial);
}

bool budget_line::counts_like(const budget_config& other) const {
  return config_.name == other.name && config_.provider == other.provider && config_.model == other.model &&
         config_.tag_key == other.tag_key && config_.tag_value == other.tag_value &&
         config_.period == other.period && config_.time_zone == other.time_zone &&
         config_.limit.unit == other.limit.unit;
}

void budget_line::adopt(const budget_config& config) {
  if (config.soft_limit != config_.soft_limit)
    for (auto& [key, account] : accounts_)
      account.warned = false;
  config_ = config;
}

std::optional<std::string> budget_line::value_of(const usage_record& record) const {
  if ((config_.provider && *config_.provider != record.provider) ||
      (config_.model && *config_.model != record.model))
    return std::nullopt;
  if (config_.tag_key.empty())
    return std::string();
  const auto tag = std::ranges::find_if(record.tags, [this](const auto& each) {
    return each.first == config_.tag_key && (by_value() || each.second == config_.tag_value);
  });
  if (tag == record.tags.end() || tag->second.empty())
    return std::nullopt;
  return by_value() ? tag->second : std::string();
}

budget_span budget_line::span_at(timestamp moment) const {
  const auto step = step_of(config_.period);
  if (!step)
    return {};
  if (moment < last_.begin || moment >= last_.end)
    last_ = {zone_.begin_of(moment, *step), zone_.end_of(moment, *step)};
  return last_;
}

int128 budget_line::counted(const std::optional<money>& amount) const {
  return amount && amount->unit == config_.limit.unit ? int128{amount->picos} : int128{0};
}

std::string budget_line::named(const std::string& value) const {
  constexpr std::size_t longest = 64;
  std::string text = "the budget '" + config_.name + "'";
  if (by_value())
    text += " of " + config_.tag_key.substr(0, longest) + " '" + value.substr(0, longest) + "'";
  return text;
}

std::string budget_line::amount_text(int128 picos) const {
  return to_decimal(picos) + ' ' + config_.limit.unit.str();
}

failure budget_line::over_limit(const usage_record& intent, const std::string& value,
                                const budget_account& account, const std::optional<int128>& wanted) const {
  const int128 left = std::max(config_.limit.picos - account.spent - account.reserved, int128{0});
  std::string text = named(value) + " has " + amount_text(left) + " left of " +
                     amount_text(config_.limit.picos) + ' ' + period_text(config_.period) + " (spent " +
                     to_decimal(account.spent) + ", reserved " + to_decimal(account.reserved) + ")";
  if (wanted)
    text += ", and this attempt may cost " + amount_text(*wanted) +
            " (max_tokens, of the call or of its model, bounds that)";
  if (account.end != timestamp::max())
    text += "; the next period begins at " + to_string(account.end);
  failure refused = make_failure(errc::budget_exceeded, std::move(text), "llm.budgets." + config_.name);
  if (account.end != timestamp::max())
    refused.retry_after =
        std::max(std::chrono::ceil<milliseconds>(account.end - intent.time), milliseconds{0});
  return refused;
}

std::optional<failure> budget_line::refusal(const usage_record& intent, bool priced, const std::string& value,
                                            const budget_span& span) const {
  const budget_account* found = find({span.begin, value});
  const budget_account account = found != nullptr ? *found : budget_account{.end = span.end};
  const int128 gone = account.spent + account.reserved;
  if (intent.cost_limit && intent.cost_limit->unit == config_.limit.unit) {
    const int128 wanted = intent.cost_limit->picos;
    if (wanted > 0 && gone + wanted > config_.limit.picos)
      return over_limit(intent, value, account, wanted);
    return std::nullopt;
  }
  if (!config_.refuse_unbounded)
    return gone < config_.limit.picos ? std::nullopt
                                      : std::optional(over_limit(intent, value, account, std::nullopt));
  const std::string unit = config_.limit.unit.str();
  const std::string why = priced && !intent.cost_limit
                              ? "the most that this attempt may cost is not known: set max_tokens"
                              : "the model '" + intent.model.str() + "' of '" + intent.provider.str() +
                                    "' has no price in " + unit;
  return make_failure(errc::budget_exceeded, named(value) + " cannot be kept, since " + why,
                      "llm.budgets." + config_.name);
}

const budget_account* budget_line::find(const account_key& key) const {
  const auto found = accounts_.find(key);
  return found == accounts_.end() ? nullptr : &found->second;
}

budget_account* budget_line::find(const account_key& key) {
  const auto found = accounts_.find(key);
  return found == accounts_.end() ? nullptr : &found->second;
}

budget_account& budget_line::open(const std::string& value, const budget_span& span) {
  return accounts_.try_emplace({span.begin, value}, budget_account{.end = span.end}).first->second;
}

void budget_line::drop_ended(timestamp by) {
  for (auto at = accounts_.begin(); at != accounts_.end() && at->second.end <= by;)
    at = at->second.holds == 0 ? accounts_.erase(at) : std::next(at);
}

void budget_line::forget_spent() {
  for (auto& [key, account] : accounts_)
    account.spent = 0;
}

bool budget_line::spend(budget_account& account, int128 picos) const {
  account.spent += picos;
  if (account.warned || !config_.soft_limit || account.spent < config_.soft_limit->picos)
    return false;
  account.warned = true;
  return true;
}

budget_health budget_line::state_of(const account_key& key, const budget_account& account) const {
  const currency unit = config_.limit.unit;
  budget_health state;
  state.name = config_.name;
  state.value = key.second;
  if (config_.period != budget_period::total) {
    state.begin = key.first;
    state.end = account.end;
  }
  state.limit = config_.limit;
  state.soft_limit = config_.soft_limit;
  state.spent = money_sum(account.spent, unit);
  state.reserved = money_sum(account.reserved, unit);
  state.known = stage == budget_stage::known;
  return state;
}

std::vector<budget_health> budget_line::state(timestamp now, std::size_t most) const {
  const budget_span span = span_at(now);
  std::vector<std::pair<const account_key*, const budget_account*>> found;
  for (auto at = accounts_.lower_bound({span.begin, {}});
       at != accounts_.end() && at->first.first == span.begin; ++at)
    found.emplace_back(&at->first, &at->second);
  const std::size_t shown = std::min(most, found.size());
  const auto gone = [](const auto& each) { return each.second->spent + each.second->reserved; };
  std::partial_sort(found.begin(), found.begin() + static_cast<std::ptrdiff_t>(shown), found.end(),
                    [gone](const auto& left, const auto& right) { return gone(left) > gone(right); });
  std::vector<budget_health> states;
  for (std::size_t n = 0; n != shown; ++n)
    states.push_back(state_of(*found[n].first, *found[n].second));
  if (found.empty() && !by_value()) // nothing was spent yet, which is worth knowing
    states.push_back(state_of({span.begin, {}}, budget_account{.end = span.end}));
  return states;
}

} // namespace weir::policy
