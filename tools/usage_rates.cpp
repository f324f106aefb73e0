// Sixty minutes in a ring.
#include "tools/usage_rates.hpp"

#include <algorithm>
#include <utility>

namespace weir::tools {

namespace {

constexpr std::int64_t fresh_minutes = 3; // read at every look: this one and two before
constexpr std::chrono::seconds one_minute{60};

timestamp begin_of(std::int64_t number) {
  return timestamp{std::chrono::minutes{number}};
}

} // namespace

void rate_figures::add(const usage_record& record) {
  ++attempts;
  failed += record.success ? 0U : 1U;
  tokens += record.usage.total_tokens;
  if (record.cost)
    (void)cost.try_emplace(record.cost->unit, record.cost->unit).first->second.add(*record.cost);
  if (record.error_type != errc::none)
    ++errors[record.error_type];
}

void rate_figures::add(const rate_figures& other) {
  attempts += other.attempts;
  failed += other.failed;
  tokens += other.tokens;
  for (const auto& [unit, sum] : other.cost)
    (void)cost.try_emplace(unit, unit).first->second.add(sum);
  for (const auto& [type, count] : other.errors)
    errors[type] += count;
}

std::uint64_t permille_per_second(std::uint64_t count, std::chrono::seconds time) {
  const auto seconds = static_cast<std::uint64_t>(std::max<std::int64_t>(time.count(), 1));
  return static_cast<std::uint64_t>((int128{count} * 1000 + seconds / 2) / seconds);
}

money_sum per_hour(const money_sum& sum, std::chrono::seconds time) {
  const int128 seconds = std::max<std::int64_t>(time.count(), 1);
  // Whole parts first, so that nothing is too large.
  return {sum.picos() / seconds * 3600 + sum.picos() % seconds * 3600 / seconds, sum.unit()};
}

std::string thousandths(std::uint64_t permille) {
  std::string text = std::to_string(permille / 1000);
  std::string rest = std::to_string(permille % 1000 + 1000).substr(1);
  while (!rest.empty() && rest.back() == '0')
    rest.pop_back();
  return rest.empty() ? text : text + "." + rest;
}

std::int64_t rate_window::number_of(timestamp time) {
  return std::chrono::floor<std::chrono::minutes>(time.time_since_epoch()).count();
}

const rate_window::minute* rate_window::find(std::int64_t number) const {
  const minute& there = minutes_[static_cast<std::size_t>(number) % minutes];
  return there.number == number ? &there : nullptr;
}

timestamp rate_window::first_of_hour() const {
  return begin_of(number_of(now_) - static_cast<std::int64_t>(minutes) + 1);
}

void rate_window::begin(timestamp now) {
  now_ = now;
  last_minute_ = {};
  const std::int64_t current = number_of(now);
  for (minute& each : minutes_)
    if (each.number <= current - static_cast<std::int64_t>(minutes) || each.number > current)
      each = {};
}

std::vector<std::pair<timestamp, timestamp>> rate_window::wanted() {
  const std::int64_t current = number_of(now_);
  const std::int64_t first = current - static_cast<std::int64_t>(minutes) + 1;
  // What was fresh at the last look may have changed since then.
  const std::int64_t from = read_to_ ? std::clamp(*read_to_ - fresh_minutes + 1, first, current) : first;
  std::vector<std::pair<timestamp, timestamp>> spans;
  if (from > first) {
    const std::int64_t older = first + turn_++ % (from - first);
    at(older) = {.number = older, .figures = {}};
    spans.emplace_back(begin_of(older), begin_of(older + 1));
  }
  for (std::int64_t each = from; each <= current; ++each)
    at(each) = {.number = each, .figures = {}};
  spans.emplace_back(begin_of(from), begin_of(current + 1));
  read_to_ = current;
  return spans;
}

void rate_window::add(const usage_record& record) {
  const std::int64_t number = number_of(record.time);
  if (find(number) == nullptr)
    return;
  at(number).figures.add(record);
  if (record.time > now_ - one_minute)
    last_minute_.add(record);
  keep_if_new(record);
}

void rate_window::keep_if_new(const usage_record& record) {
  const auto key = [](const usage_record& each) { return std::pair(each.time, each.id); };
  if (last_.size() == last_records && key(record) < key(last_.front()))
    return;
  const auto place = std::ranges::lower_bound(last_, key(record), {}, key);
  if (place != last_.end() && place->id == record.id)
    *place = record;
  else
    last_.insert(place, record);
  if (last_.size() > last_records)
    last_.pop_front();
}

rate_report rate_window::report() const {
  rate_report made;
  made.time = now_;
  made.hour = std::max(std::chrono::floor<std::chrono::seconds>(now_ - first_of_hour()), one_minute);
  made.last_minute = last_minute_;
  made.last = last_;
  const std::int64_t current = number_of(now_);
  for (std::int64_t each = current - static_cast<std::int64_t>(minutes) + 1; each <= current; ++each) {
    const minute* there = find(each);
    made.attempts_by_minute.push_back(there == nullptr ? 0 : there->figures.attempts);
    if (there != nullptr)
      made.last_hour.add(there->figures);
  }
  return made;
}

} // namespace weir::tools
