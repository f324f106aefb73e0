// Finding a row's or a rollup's group.
// Knows filter and grouping; no table.
#include "storage/summary_groups.hpp"

#include "storage/error_numbers.hpp"

#include <algorithm>
#include <limits>
#include <tuple>

namespace weir::storage {

namespace {

timestamp at(std::int64_t time) {
  return timestamp{std::chrono::microseconds{time}};
}

} // namespace

summary_groups::summary_groups(const usage_filter& filter, const usage_grouping& grouping, time_zone zone)
    : filter_(filter), grouping_(grouping), zone_(zone) {
  static_assert(error_types.size() <= 32);
  if (filter.status)
    status_ = static_cast<std::uint8_t>(*filter.status);
  if (filter.error_type)
    error_ = error_number(*filter.error_type).value_or(0xff);
  if (!grouping.step) {
    period_begin_ = std::numeric_limits<std::int64_t>::min();
    period_last_ = std::numeric_limits<std::int64_t>::max();
  }
}

bool summary_groups::tags_among(const std::vector<std::string>& keys) const {
  const auto kept = [&](const std::string& key) { return std::ranges::find(keys, key) != keys.end(); };
  return std::ranges::all_of(grouping_.tags, kept) &&
         std::ranges::all_of(filter_.tags, [&](const auto& tag) { return kept(tag.first); });
}

void summary_groups::enter_period(std::int64_t time) {
  if (time >= period_begin_ && time <= period_last_)
    return;
  period_begin_ = zone_.begin_of(at(time), *grouping_.step).time_since_epoch().count();
  period_last_ = zone_.end_of(at(time), *grouping_.step).time_since_epoch().count() - 1;
  // At the ends of time no calendar is right; there each moment is a period of its own.
  if (period_begin_ > time || period_last_ < time)
    period_begin_ = period_last_ = time;
  ++stamp_;
}

bool summary_groups::within_one_period(std::int64_t first, std::int64_t last) {
  enter_period(first);
  return last <= period_last_;
}

std::uint32_t summary_groups::part_number(part made) {
  std::string text = made.provider.str() + '\0' + made.model.str();
  for (const std::string& tag : made.tags)
    text.append(1, '\0').append(std::to_string(tag.size())).append(1, ':').append(tag);
  text += '\0' + std::to_string(made.provider.str().size()); // so that no two parts have one text
  const auto [entry, fresh] = part_by_text_.try_emplace(text, static_cast<std::uint32_t>(parts_.size()));
  if (fresh) {
    parts_.push_back(std::move(made));
    slots_.emplace_back();
  }
  return entry->second;
}

std::uint32_t summary_groups::part_of(const series& names) {
  if (names.number == last_series_)
    return last_part_;
  const auto [entry, fresh] = part_by_series_.try_emplace(names.number, not_asked_yet);
  if (fresh) {
    const auto has_key = [&](const std::string& key) {
      return std::ranges::find(names.tags, key, &series::tag::first) != names.tags.end();
    };
    // A key that the series does not have may stand in the row.
    const bool complete =
        std::ranges::all_of(grouping_.tags, has_key) &&
        std::ranges::all_of(filter_.tags, [&](const auto& tag) { return has_key(tag.first); });
    row_view bare;
    bare.series = names.number;
    entry->second = complete ? part_of(bare, names) : by_row;
  }
  last_series_ = names.number;
  last_part_ = entry->second;
  return last_part_;
}

std::uint32_t summary_groups::part_of(const row_view& row, const series& names) {
  if ((filter_.model && *filter_.model != names.model) ||
      (filter_.provider && *filter_.provider != names.provider))
    return no_part;
  for (const auto& [key, value] : filter_.tags)
    if (!has_tag(row, names, key, value))
      return no_part;
  part made;
  if (grouping_.provider)
    made.provider = names.provider;
  if (grouping_.model)
    made.model = names.model;
  for (const std::string& key : grouping_.tags)
    made.tags.emplace_back(find_tag(row, names, key).value_or(std::string_view{}));
  return part_number(std::move(made));
}

tally* summary_groups::sums_of(std::uint32_t number, std::uint8_t status, std::uint8_t error) {
  if (number == no_part)
    return nullptr;
  status = grouping_.status ? status : std::uint8_t{0};
  error = grouping_.error_type ? error : std::uint8_t{0};
  std::vector<slot>& its = slots_[number];
  if (its.empty())
    its.resize(kinds);
  slot& place = its[std::size_t{status} * 32 + error];
  if (place.stamp != stamp_) {
    place = {stamp_, static_cast<std::uint32_t>(groups_.size())};
    group& fresh = groups_.emplace_back();
    fresh.part = number;
    fresh.status = status;
    fresh.error = error;
    if (grouping_.step)
      fresh.period = at(period_begin_);
  }
  return &groups_[place.group].sums;
}

tally* summary_groups::of(const row_view& row, const series& names) {
  const std::uint8_t status = status_number(row);
  const std::uint8_t error = error_number(row.error_type).value_or(0);
  if ((status_ && *status_ != status) || (error_ && *error_ != error))
    return nullptr;
  std::uint32_t number = part_of(names);
  if (number == by_row)
    number = part_of(row, names);
  if (number == no_part)
    return nullptr;
  enter_period(row.time);
  return sums_of(number, status, error);
}

tally* summary_groups::of(const rollup_id& id, const series& names) {
  if ((status_ && *status_ != id.status) || (error_ && *error_ != id.error))
    return nullptr;
  std::uint32_t number = part_of(names);
  if (number == by_row) { // of a rollup, the tags of the series are all that there are
    const auto [entry, fresh] = rollup_part_by_series_.try_emplace(names.number, no_part);
    if (fresh)
      entry->second = part_of(row_view{}, names);
    number = entry->second;
  }
  if (number == no_part)
    return nullptr;
  enter_period(id.span.begin());
  return sums_of(number, id.status, id.error);
}

std::vector<usage_summary> summary_groups::finish() const {
  std::vector<const group*> order;
  for (const group& each : groups_)
    if (each.sums.requests() != 0)
      order.push_back(&each);
  const auto names_of = [&](const group* each) {
    const part& its = parts_[each->part];
    return std::tie(each->period, its.provider, its.model, each->status, each->error, its.tags);
  };
  std::ranges::stable_sort(
      order, [&](const group* left, const group* right) { return names_of(left) < names_of(right); });
  std::vector<usage_summary> made;
  made.reserve(order.size());
  for (std::size_t next = 0; next != order.size();) {
    const group& first = *order[next];
    tally sums = first.sums;
    for (++next; next != order.size() && names_of(order[next]) == names_of(&first); ++next)
      sums.add(order[next]->sums); // a period that was met twice
    usage_summary& summary = made.emplace_back(sums.to_summary());
    const part& its = parts_[first.part];
    summary.provider = its.provider;
    summary.model = its.model;
    if (grouping_.status)
      summary.status = static_cast<usage_status>(first.status);
    if (grouping_.error_type)
      summary.error_type = error_types[first.error];
    for (std::size_t at = 0; at != its.tags.size(); ++at)
      summary.tags.emplace_back(grouping_.tags[at], its.tags[at]);
    summary.period = first.period;
  }
  return made;
}

} // namespace weir::storage
