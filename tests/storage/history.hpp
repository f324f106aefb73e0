// A ledger to which everything happens that may, in any order; and questions about it.
// Knows no rollups.
#pragma once

#include "storage/ledger.hpp"
#include "tests/storage/fixture.hpp"

#include <boost/test/unit_test.hpp>

#include <algorithm>
#include <array>
#include <memory>
#include <optional>
#include <string>
#include <vector>

namespace weir::storage::testing {

inline constexpr std::int64_t start_us = 1'764'000'000'000'000; // 2025-11-24T16:00:00Z
inline constexpr std::int64_t span_us = 5LL * 24 * 3'600'000'000;

inline timestamp at_us(std::int64_t count) {
  return timestamp{std::chrono::microseconds{count}};
}

/// A history of a ledger, and what it should have made of it.
class history {
public:
  explicit history(random_engine& random) : random_(random) { reopen({"agent", "project", "user"}); }

  ledger& books() { return *books_; }

  void reopen(std::vector<std::string> tags) {
    books_.reset();
    ledger_options options{scratch_.path(), 1U << 20U};
    options.rollup_tags = std::move(tags);
    auto opened = ledger::open(options);
    BOOST_REQUIRE_MESSAGE(opened.has_value(), to_string(opened.error()));
    books_ = std::move(*opened);
  }

  void step() {
    switch (below(6)) {
    case 0:
      return append_some(record_state::intent);
    case 1:
      return end_intents();
    case 2:
      return settle_unknowns();
    case 3:
      return reprice();
    case 4:
      if (below(5) == 0)
        BOOST_REQUIRE(books_->close_intents().has_value());
      return;
    default:
      return append_some(record_state::settled);
    }
  }

  usage_filter any_filter() {
    usage_filter filter;
    if (below(2) == 0)
      filter.since = any_moment();
    if (below(2) == 0)
      filter.until = any_moment();
    if (below(4) == 0)
      filter.model = model_name{"model-" + std::to_string(below(4))};
    if (below(4) == 0)
      filter.provider = provider_name{"provider-" + std::to_string(below(3))};
    if (below(4) == 0)
      filter.status = static_cast<usage_status>(1 + below(4));
    if (below(4) == 0)
      filter.error_type = static_cast<errc>(below(4));
    if (below(4) == 0)
      filter.tags.emplace_back(any_key(), "v" + std::to_string(below(3)));
    return filter;
  }

  usage_grouping any_grouping() {
    static constexpr std::array zones{"UTC", "Europe/Berlin", "Asia/Kolkata", "America/New_York"};
    usage_grouping grouping;
    grouping.provider = below(2) == 0;
    grouping.model = below(2) == 0;
    grouping.status = below(2) == 0;
    grouping.error_type = below(3) == 0;
    if (below(3) == 0)
      grouping.tags.push_back(any_key());
    if (below(2) == 0) {
      grouping.step = static_cast<time_step>(below(3));
      grouping.time_zone = zones[below(zones.size())];
    }
    return grouping;
  }

private:
  std::uint64_t below(std::uint64_t bound) { return random_() % bound; }

  std::string any_key() {
    static constexpr std::array keys{"agent", "user", "session"};
    return keys[below(keys.size())];
  }

  /// Often the very edge of an hour or of a day.
  timestamp any_moment() {
    constexpr std::int64_t hour = 3'600'000'000;
    const std::int64_t moment = start_us + static_cast<std::int64_t>(below(span_us));
    switch (below(3)) {
    case 0:
      return at_us(moment / hour * hour + static_cast<std::int64_t>(below(3)) - 1);
    case 1:
      return at_us(moment / (24 * hour) * (24 * hour));
    default:
      return at_us(moment);
    }
  }

  std::optional<money> any_money() {
    if (below(4) == 0)
      return std::nullopt;
    return money{static_cast<std::int64_t>(below(1'000'000'000'000)) - 1000,
                 *currency::parse(below(2) == 0 ? "USD" : "EUR")};
  }

  usage_record any_record(record_state state) {
    usage_record record = plain_record(next_++);
    record.time = any_moment();
    record.state = state;
    record.model = model_name{"model-" + std::to_string(below(3))};
    record.provider = provider_name{"provider-" + std::to_string(below(2))};
    record.tags.clear();
    for (const char* key : {"agent", "user", "session", "agent"})
      if (below(3) != 0)
        record.tags.emplace_back(key, "v" + std::to_string(below(3)));
    fill(record);
    return record;
  }

  void fill(usage_record& record) {
    record.success = record.state == record_state::settled && below(4) != 0;
    record.error_type = record.success ? errc::none : static_cast<errc>(below(4));
    record.usage.prompt_tokens = below(10'000);
    record.usage.completion_tokens = below(1000);
    record.usage.total_tokens = record.usage.prompt_tokens + below(1000);
    record.usage.cached_tokens = below(2) == 0 ? std::nullopt : std::optional(below(500));
    record.usage.reasoning_tokens = below(2) == 0 ? std::nullopt : std::optional(below(500));
    record.usage.source = below(3) == 0 ? metering::estimated : metering::reported;
    record.usage.reported_cost = any_money();
    record.cost = any_money();
    record.cost_limit = any_money();
    record.response_time = std::chrono::microseconds{below(100'000'000)};
    record.first_token_time.reset();
    if (below(2) == 0)
      record.first_token_time = std::chrono::microseconds{below(5'000'000)};
  }

  void append(const std::vector<usage_record>& batch) {
    const auto done = books_->append(batch);
    BOOST_REQUIRE_MESSAGE(done.has_value(), to_string(done.error()));
    BOOST_REQUIRE_EQUAL(done->appended, batch.size());
  }

  void append_some(record_state state) {
    std::vector<usage_record> batch;
    for (std::uint64_t left = 1 + below(40); left != 0; --left)
      batch.push_back(
          any_record(state == record_state::intent ? state : static_cast<record_state>(2 + below(3))));
    // What comes and goes in one batch leaves nothing behind.
    for (std::size_t at = 0, size = batch.size(); at != size; ++at)
      if (batch[at].state == record_state::unknown && below(3) == 0) {
        usage_record settled = batch[at];
        settled.state = record_state::settled;
        fill(settled);
        batch.push_back(std::move(settled));
      }
    append(batch);
  }

  void end_intents() {
    std::vector<usage_record> batch = books_->intents().value();
    std::ranges::shuffle(batch, random_);
    batch.resize(below(batch.size() + 1));
    for (usage_record& record : batch) {
      record.state = static_cast<record_state>(2 + below(3));
      fill(record);
    }
    append(batch);
  }

  void settle_unknowns() {
    std::vector<usage_record> batch;
    for (usage_record& record : all_records(*books_))
      if (record.state == record_state::unknown && below(3) == 0) {
        record.state = record_state::settled;
        if (below(3) == 0) // by another way than it set out
          record.model = model_name{"model-" + std::to_string(below(3))};
        fill(record);
        batch.push_back(std::move(record));
      }
    append(batch);
  }

  void reprice() {
    std::vector<usage_record> batch;
    for (usage_record& record : all_records(*books_))
      if (record.state != record_state::void_attempt && below(5) == 0) {
        record.cost = any_money();
        record.cost_limit = any_money();
        record.price_version += 1;
        batch.push_back(std::move(record));
      }
    BOOST_REQUIRE_EQUAL(books_->reprice(batch).value(), batch.size());
  }

  random_engine& random_;
  scratch_folder scratch_;
  std::unique_ptr<ledger> books_;
  std::uint64_t next_ = 0;
};

} // namespace weir::storage::testing
