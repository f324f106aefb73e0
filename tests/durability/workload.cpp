// Intents, endings, late figures, new prices, clean-ups and reopenings, in a seeded order.
// Knows no disk.
#include "tests/durability/workload.hpp"

#include "tests/storage/fixture.hpp"

#include <algorithm>
#include <stdexcept>
#include <utility>

namespace weir::durability {

namespace {

constexpr std::size_t most_open = 40;
constexpr std::chrono::minutes pace{7}; // so that a run covers days, as retention and rollups have them
constexpr std::chrono::hours kept{12};

void expect(bool held, const std::string& what) {
  if (!held)
    throw std::runtime_error("workload: " + what);
}

template <class Value>
Value value_of(result<Value> done, const char* what) {
  if (!done)
    throw std::runtime_error(std::string(what) + ": " + to_string(done.error()));
  return std::move(*done);
}

timestamp day_after(timestamp time) {
  return std::chrono::ceil<std::chrono::days>(time);
}

} // namespace

workload::workload(std::filesystem::path dir, std::uint64_t seed) : dir_(std::move(dir)), random_(seed) {
  ledger_ = value_of(storage::ledger::open(options_for(dir_)), "open");
}

workload::~workload() = default;

storage::ledger_options workload::options_for(const std::filesystem::path& dir) {
  return {.dir = dir, .map_bytes = 1U << 16U}; // the least, so that it must grow
}

void workload::step(const std::function<void()>& handing_over) {
  const std::uint64_t number = ++steps_;
  if (number % 25 == 0)
    close_and_open(handing_over);
  else if (number % 8 == 0)
    clean_up(handing_over);
  else if (number % 11 == 0)
    reprice(handing_over);
  else
    switch (below(4)) {
    case 0:
      append(late_figures(), handing_over);
      break;
    case 1:
      append(new_intents(), handing_over);
      break;
    default: // as a busy ledger's group commit has it: both at once
      batch both = endings();
      std::ranges::move(new_intents(), std::back_inserter(both));
      append(std::move(both), handing_over);
    }
  if (const auto wrong = difference(*ledger_, books_))
    throw std::runtime_error("after step " + std::to_string(number) + ", with no cut at all: " + *wrong);
}

void workload::append(batch records, const std::function<void()>& handing_over) {
  if (records.empty())
    records = new_intents();
  handing_over();
  const auto done = value_of(ledger_->append(records), "append");
  expect(done.appended == records.size(), "everything given is new");
  book(records);
  ++counts_["batches"];
  counts_["records"] += records.size();
}

void workload::close_and_open(const std::function<void()>& handing_over) {
  ledger_.reset();
  ledger_ = value_of(storage::ledger::open(options_for(dir_)), "open");
  batch expected;
  for (const usage_record* each : books_.open()) {
    expected.push_back(*each);
    expected.back().state = record_state::unknown;
  }
  handing_over();
  const auto closed = value_of(ledger_->close_intents(), "close_intents");
  expect(closed.size() == expected.size(), "all open intents are closed");
  book(closed);
  ++counts_["reopenings"];
}

void workload::clean_up(const std::function<void()>& handing_over) {
  const auto ended = books_.ended();
  if (ended.empty() || ended.back()->time - kept <= ended.front()->time)
    return append(new_intents(), handing_over);
  const timestamp bound = ended.back()->time - kept;
  handing_over();
  const auto done = value_of(ledger_->cleanup({bound, {}, 0}), "cleanup");
  expect(!done.more, "a small clean-up is one step");
  std::uint64_t rows = 0;
  for (const usage_record* each : ended)
    if (each->time < bound) {
      gone_.insert(books_.rows.extract(each->id));
      ++rows;
    }
  expect(done.rows == rows,
         "the clean-up deletes " + std::to_string(rows) + " rows and not " + std::to_string(done.rows));
  books_.whole_since = day_after(bound);
  ++counts_["clean-ups"];
  counts_["deleted rows"] += rows;
}

void workload::reprice(const std::function<void()>& handing_over) {
  batch records;
  for (const usage_record* each : books_.ended())
    if (each->state != record_state::void_attempt && below(4) == 0) {
      records.push_back(*each);
      records.back().cost =
          money{static_cast<std::int64_t>(1 + below(1'000'000'000)), *currency::parse("USD")};
      ++records.back().price_version;
    }
  if (records.empty())
    return append(new_intents(), handing_over);
  handing_over();
  expect(value_of(ledger_->reprice(records), "reprice") == records.size(), "every row has a new price");
  book(records);
  ++counts_["repricings"];
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
  counts_["late figures"] += records.size();
  return records;
}

void workload::book(const batch& records) {
  books_ = after_batch(books_, records);
  count_totals();
}

void workload::count_totals() {
  usage_summary all;
  for (const auto* rows : {&books_.rows, &gone_})
    for (const auto& [id, record] : *rows)
      if (record->state != record_state::intent)
        all.add(*record);
  books_.totals.assign(all.total_requests == 0 ? 0 : 1, all);
}

} // namespace weir::durability
