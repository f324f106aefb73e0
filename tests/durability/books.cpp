// Books counted by hand, and their comparison with a ledger's.
// Knows no disk.
#include "tests/durability/workload.hpp"

#include "tests/storage/fixture.hpp"

#include <algorithm>
#include <tuple>

namespace weir::durability {

namespace {

constexpr usage_grouping all_in_one{.provider = false, .model = false};

std::string describe(const failure& error, const char* question) {
  return std::string(question) + " fails: " + to_string(error);
}

std::optional<std::string> compare(const char* what, const std::vector<const usage_record*>& expected,
                                   const std::vector<usage_record>& found) {
  const std::size_t common = std::min(expected.size(), found.size());
  for (std::size_t at = 0; at != common; ++at)
    if (!(*expected[at] == found[at]))
      return std::string(what) + " " + std::to_string(at) + " is " + to_string(found[at].id) + ", " +
             std::string(to_string(found[at].state)) + ", and not " + to_string(expected[at]->id) + ", " +
             std::string(to_string(expected[at]->state));
  if (expected.size() != found.size())
    return std::to_string(found.size()) + " of " + what + " and not " + std::to_string(expected.size());
  return std::nullopt;
}

std::optional<std::string> wrong_totals(const storage::ledger& ledger, const books& expected) {
  const auto totals = ledger.summary({}, all_in_one);
  if (!totals)
    return describe(totals.error(), "summary");
  if (!(*totals == expected.totals))
    return "the rollups' totals are not those of what was booked";
  usage_filter whole;
  whole.since = expected.whole_since;
  const usage_grouping fine{.status = true, .error_type = true, .tags = {"user"}, .step = time_step::day};
  for (const usage_grouping& grouping : {usage_grouping{}, fine}) {
    const auto rollups = ledger.summary(whole, grouping, storage::summary_basis::rollups);
    const auto rows = ledger.summary(whole, grouping, storage::summary_basis::rows);
    if (!rollups || !rows)
      return describe(!rollups ? rollups.error() : rows.error(), "summary");
    if (!(*rollups == *rows))
      return "the rollups are not the sums of the rows";
  }
  return std::nullopt;
}

} // namespace

std::vector<const usage_record*> books::ended() const {
  std::vector<const usage_record*> found;
  for (const auto& [id, record] : rows)
    if (record->state != record_state::intent)
      found.push_back(record.get());
  std::ranges::sort(found, {}, [](const usage_record* each) { return std::tie(each->time, each->id); });
  return found;
}

std::vector<const usage_record*> books::open() const {
  std::vector<const usage_record*> found;
  for (const auto& [id, record] : rows)
    if (record->state == record_state::intent)
      found.push_back(record.get());
  return found;
}

std::optional<std::string> difference(const storage::ledger& ledger, const books& expected) {
  std::vector<usage_record> ended;
  const auto scanned = ledger.scan({}, [&](const usage_record& record) {
    ended.push_back(record);
    return true;
  });
  if (!scanned)
    return describe(scanned.error(), "scan");
  if (auto wrong = compare("rows", expected.ended(), ended))
    return wrong;
  const auto open = ledger.intents();
  if (!open)
    return describe(open.error(), "intents");
  if (auto wrong = compare("open intents", expected.open(), *open))
    return wrong;
  if (auto wrong = wrong_totals(ledger, expected))
    return wrong;
  const auto checked = ledger.verify([](std::uint64_t) { return true; });
  if (!checked)
    return describe(checked.error(), "verify");
  if (checked->problem_count != 0)
    return "verify finds: " + (checked->problems.empty() ? "?" : checked->problems.front());
  if (checked->records != ended.size() || checked->open_intents != open->size())
    return "verify counts other rows";
  return std::nullopt;
}

std::vector<usage_record> batch_after(const books& before) {
  constexpr std::uint64_t far_away = 1U << 30U;
  std::vector<usage_record> batch = storage::testing::plain_batch(far_away, 3);
  batch[1].state = record_state::intent;
  batch[1].success = false;
  if (const auto open = before.open(); !open.empty()) {
    batch.push_back(*open.front());
    batch.back().state = record_state::unknown;
  }
  return batch;
}

books after_batch(const books& before, const std::vector<usage_record>& batch) {
  books after = before;
  for (const usage_record& record : batch) {
    after.rows[record.id] = std::make_shared<const usage_record>(record);
    if (record.state == record_state::intent)
      continue;
    if (after.totals.empty())
      after.totals.emplace_back();
    after.totals.front().add(record);
  }
  return after;
}

} // namespace weir::durability
