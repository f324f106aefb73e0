// Intents, endings, late figures, new prices, clean-ups and reopenings, in a seeded order.
// Knows no disk.
#include "tests/durability/workload.hpp"

#include "tests/storage/fixture.hpp"

#include <algorithm>
#include <utility>

namespace weir::durability {

namespace {

constexpr std::size_t most_open = 40;
constexpr std::chrono::minutes pace{7}; // so that a run covers days, as retention and rollups have them
constexpr std::chrono::hours kept{12};

timestamp day_after(timestamp time) {
  return std::chrono::ceil<std::chrono::days>(time);
}

} // namespace

task workload::next() {
  const std::uint64_t number = ++tasks_;
  task made;
  if (number % 25 == 0)
    made = close_intents();
  else if (number % 8 == 0)
    made = clean_up();
  else if (number % 11 == 0)
    made = reprice();
  else
    switch (below(4)) {
    case 0:
      made = append(late_figures());
      break;
    case 1:
      made = append(new_intents());
      break;
    default: // as a busy ledger's group commit has it: both at once
      batch both = endings();
      std::ranges::move(new_intents(), std::back_inserter(both));
      made = append(std::move(both));
    }
  made.after = books_;
  return made;
}

task workload::append(batch records) {
  if (records.empty())
    records = new_intents();
  book(records);
  return {.what = task::kind::append, .batch = records, .changes = records.size()};
}

task workload::close_intents() {
  batch records;
  for (const usage_record* each : books_.open()) {
    records.push_back(*each);
    records.back().state = record_state::unknown;
    records.back().usage.source = metering::estimated;
    records.back().error_type = errc::unknown;
  }
  book(records);
  return {.what = task::kind::reopen_and_close_intents, .changes = records.size()};
}

task workload::clean_up() {
  const auto ended = books_.ended();
  if (ended.empty() || ended.back()->time - kept <= ended.front()->time)
    return append(new_intents());
  task made{.what = task::kind::clean_up, .bound = ended.back()->time - kept};
  for (const usage_record* each : ended)
    if (each->time < made.bound) {
      gone_.insert(books_.rows.extract(each->id));
      ++made.changes;
    }
  books_.whole_since = day_after(made.bound);
  return made;
}

task workload::reprice() {
  batch records;
  for (const usage_record* each : books_.ended())
    if (each->state != record_state::void_attempt && below(4) == 0) {
      records.push_back(*each);
      records.back().cost =
          money{static_cast<std::int64_t>(1 + below(1'000'000'000)), *currency::parse("USD")};
      ++records.back().price_version;
    }
  if (records.empty())
    return append(new_intents());
  book(records);
  return {.what = task::kind::reprice, .batch = records, .changes = records.size()};
}

usage_record workload::new_record() {
  const std::uint64_t number = next_number_++;
  usage_record record = storage::testing::plain_record(number);
  record.time += number * pace;
  record.state = record_state::intent;
  record.success = false;
  record.usage = {};
  record.cost.reset();
  record.response_time = {};
  record.cost_limit = money{static_cast<std::int64_t>(5'000'000'000 + below(1000)), *currency::parse("USD")};
  return record;
}

workload::batch workload::new_intents() {
  batch records;
  for (std::uint64_t left = 1 + below(9); left != 0; --left)
    records.push_back(new_record());
  return records;
}

void workload::settle(usage_record& record) {
  record.state = record_state::settled;
  record.success = below(5) != 0;
  record.error_type = record.success ? errc::none : errc::server_error;
  record.usage.prompt_tokens = below(100'000);
  record.usage.completion_tokens = below(9'000);
  record.usage.total_tokens = record.usage.prompt_tokens + record.usage.completion_tokens;
  record.cost = money{static_cast<std::int64_t>(below(1'000'000'000'000)),
                      *currency::parse(below(4) == 0 ? "EUR" : "USD")};
  record.cost_limit.reset();
  record.response_time = std::chrono::microseconds{below(20'000'000)};
  if (below(2) == 0)
    record.first_token_time = record.response_time / 4;
  record.request_id = std::string(below(60), 'r');
}

workload::batch workload::endings() {
  batch records;
  const auto open = books_.open();
  for (const usage_record* each : open) {
    if (open.size() < most_open && below(3) == 0)
      continue;
    records.push_back(*each);
    usage_record& record = records.back();
    switch (below(8)) {
    case 0:
      record.state = record_state::unknown;
      record.error_type = errc::timeout;
      break;
    case 1:
      record.state = record_state::void_attempt;
      record.error_type = errc::network;
      record.cost_limit.reset();
      break;
    default:
      settle(record);
    }
  }
  if (below(3) == 0) { // one whose intent was never in the books
    usage_record direct = new_record();
    settle(direct);
    records.push_back(std::move(direct));
  }
  return records;
}

workload::batch workload::late_figures() {
  batch records;
  for (const usage_record* each : books_.ended())
    if (each->state == record_state::unknown && below(2) == 0) {
      records.push_back(*each);
      settle(records.back());
    }
  return records;
}

void workload::book(const batch& records) {
  books_ = after_batch(books_, records);
  usage_summary all; // anew, for what changed was counted before
  for (const auto* rows : {&books_.rows, &gone_})
    for (const auto& [id, record] : *rows)
      if (record->state != record_state::intent)
        all.add(*record);
  books_.totals.assign(all.total_requests == 0 ? 0 : 1, all);
}

storage::ledger_options options_for(const std::filesystem::path& dir) {
  return {.dir = dir, .map_bytes = 1U << 16U}; // the least, so that it must grow
}

result<std::uint64_t> perform(const task& given, const storage::ledger_options& options,
                              std::unique_ptr<storage::ledger>& ledger) {
  if (given.what == task::kind::reopen_and_close_intents)
    ledger.reset();
  if (ledger == nullptr) {
    auto opened = storage::ledger::open(options);
    if (!opened)
      return opened.error();
    ledger = std::move(*opened);
  }
  std::uint64_t changed = 0;
  switch (given.what) {
  case task::kind::append: {
    const auto done = ledger->append(given.batch);
    return done ? result<std::uint64_t>(done->appended) : done.error();
  }
  case task::kind::reopen_and_close_intents: {
    const auto done = ledger->close_intents();
    return done ? result<std::uint64_t>(done->size()) : done.error();
  }
  case task::kind::clean_up:
    for (;;) {
      const auto done = ledger->cleanup({given.bound, {}, 0});
      if (!done)
        return done.error();
      changed += done->rows;
      if (!done->more)
        return changed;
    }
  case task::kind::reprice: {
    const auto done = ledger->reprice(given.batch);
    return done ? result<std::uint64_t>(*done) : done.error();
  }
  }
  return changed;
}

} // namespace weir::durability
