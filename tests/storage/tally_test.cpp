// Sums as bytes: what goes in comes out, one content has one form, and damage is no sum.
#include "storage/crc32c.hpp"
#include "storage/tally.hpp"
#include "tests/storage/fixture.hpp"

#include <boost/test/unit_test.hpp>

#include <algorithm>
#include <array>
#include <vector>

using namespace weir;
using namespace weir::storage;
using namespace weir::storage::testing;

namespace {

using bytes = std::vector<std::uint8_t>;
using runs = std::vector<std::pair<std::size_t, std::size_t>>;

constexpr std::array<std::uint8_t, 3> key{'k', 'e', 'y'};

bytes encoded(const tally& sums) {
  bytes made;
  sums.encode(key, made);
  return made;
}

/// A call that took so long.
row_figures took(std::int64_t response_us, std::int64_t first_token_us) {
  row_figures row;
  row.success = true;
  row.response_time = response_us;
  row.first_token_time = first_token_us;
  row.present = row_layout::has_response_time | row_layout::has_first_token_time;
  return row;
}

runs runs_of(const bucket_set& set) {
  runs found;
  set.each_run([&](std::size_t begin, std::size_t end) { found.emplace_back(begin, end); });
  return found;
}

} // namespace

BOOST_AUTO_TEST_SUITE(tally_test)

BOOST_AUTO_TEST_CASE(buckets_stand_in_runs_across_gaps_of_seven_at_most) {
  bucket_set set;
  BOOST_CHECK(runs_of(set).empty());
  for (const std::size_t bucket : {0U, 8U, 17U, 56U, 64U, 72U, 119U, 128U, 1887U})
    set.add(bucket);
  const runs expected{{0, 9}, {17, 18}, {56, 73}, {119, 120}, {128, 129}, {1887, 1888}};
  BOOST_CHECK(runs_of(set) == expected);
  set.clear();
  set.add(60, 130);
  set.add(1880, 1888);
  BOOST_CHECK(runs_of(set) == (runs{{60, 130}, {1880, 1888}}));
}

BOOST_AUTO_TEST_CASE(runs_are_those_of_a_naive_search) {
  random_engine random(1);
  for (int round = 0; round != 2000; ++round) {
    std::array<bool, duration_histogram::bucket_limit> there{};
    bucket_set set;
    for (std::uint64_t left = random() % 300; left != 0; --left) {
      const std::size_t begin = random() % there.size();
      const std::size_t end =
          std::min<std::size_t>(begin + 1 + random() % 70 * (random() % 8 == 0), there.size());
      std::fill(there.begin() + static_cast<std::ptrdiff_t>(begin),
                there.begin() + static_cast<std::ptrdiff_t>(end), true);
      if (end - begin == 1)
        set.add(begin);
      else
        set.add(begin, end);
    }
    runs expected;
    for (std::size_t at = 0; at != there.size(); ++at) {
      if (!there[at])
        continue;
      if (!expected.empty() && at - expected.back().second <= 7)
        expected.back().second = at + 1;
      else
        expected.emplace_back(at, at + 1);
    }
    BOOST_REQUIRE(runs_of(set) == expected);
  }
}

BOOST_AUTO_TEST_CASE(what_was_stored_is_read_again_at_every_width_of_its_counts) {
  random_engine random(2);
  for (const std::uint64_t most : {1ULL, 255ULL, 256ULL, 70'000ULL, 5'000'000'000ULL}) {
    tally sums;
    bucket_counts expected;
    for (int each = 0; each != 200; ++each) {
      const auto us = static_cast<std::int64_t>(random() % (1ULL << random() % 40));
      sums.add(took(us, us / 3));
      expected.add(duration_histogram::bucket_of(std::chrono::microseconds{us}), 1);
    }
    for (std::uint64_t doubled = 1; doubled < most; doubled *= 2) {
      const tally same = sums;
      sums.add(same);
      const bucket_counts as_many = expected;
      expected.add(as_many);
    }
    const bytes stored = encoded(sums);
    tally found;
    BOOST_REQUIRE(found.add_stored(key, stored) == nullptr);
    BOOST_CHECK(found.to_summary() == sums.to_summary());
    BOOST_CHECK(found.to_summary().response_times == expected.to_histogram());
    BOOST_CHECK(encoded(found) == stored);
    // And once more into what has some already.
    BOOST_REQUIRE(found.add_stored(key, stored) == nullptr);
    sums.add(tally(sums));
    BOOST_CHECK(found.to_summary() == sums.to_summary());
  }
}

BOOST_AUTO_TEST_CASE(one_content_has_one_form_however_it_came_about) {
  random_engine random(3);
  for (int round = 0; round != 300; ++round) {
    std::vector<row_figures> rows;
    for (std::uint64_t left = 1 + random() % 400; left != 0; --left) {
      const auto us = static_cast<std::int64_t>(random() % (1ULL << random() % 24));
      rows.push_back(took(us, us / 2));
    }
    const std::size_t kept = random() % rows.size();
    tally direct;
    for (std::size_t at = 0; at != kept; ++at)
      direct.add(rows[at]);
    // All of them, part by way of bytes, in the memory of another; then the others are taken back.
    tally roundabout;
    roundabout.add(took(std::int64_t{1} << 40, 1));
    roundabout.clear();
    for (const row_figures& each : rows)
      roundabout.add(each);
    const bytes half = encoded(roundabout);
    roundabout.clear();
    BOOST_REQUIRE(roundabout.add_stored(key, half) == nullptr);
    for (std::size_t at = kept; at != rows.size(); ++at)
      roundabout.take_back(rows[at]);
    BOOST_REQUIRE(encoded(roundabout) == encoded(direct));
  }
}

BOOST_AUTO_TEST_CASE(no_cut_and_no_changed_byte_passes) {
  tally sums;
  for (std::int64_t us = 1; us != 500; ++us)
    sums.add(took(us * us, us));
  const bytes stored = encoded(sums);
  for (std::size_t size = 0; size != stored.size(); ++size) {
    tally found;
    BOOST_REQUIRE(found.add_stored(key, std::span(stored).first(size)) != nullptr);
  }
  for (std::size_t at = 0; at != stored.size(); ++at) {
    bytes changed = stored;
    changed[at] ^= 0x10U;
    tally found;
    BOOST_REQUIRE(found.add_stored(key, changed) != nullptr);
  }
}

BOOST_AUTO_TEST_CASE(what_was_taken_back_before_it_came_leaves_nothing) {
  const row_figures row = took(5'000, 1'000);
  const bytes empty = encoded(tally{});
  const bytes one = [&] {
    tally sums;
    sums.add(row);
    return encoded(sums);
  }();
  tally less;
  less.take_back(row);
  (void)encoded(less); // looking at it changes nothing
  tally sums;
  sums.add(row);
  sums.add(less);
  BOOST_CHECK(encoded(sums) == empty);
  BOOST_REQUIRE(less.add_stored(key, one) == nullptr);
  less.set_times(sums.first(), sums.last());
  BOOST_CHECK(encoded(less) == empty);
}

BOOST_AUTO_TEST_CASE(a_sealed_change_is_refused_or_is_another_content) {
  random_engine random(5);
  std::size_t refused = 0;
  for (int round = 0; round != 20'000; ++round) {
    tally sums;
    for (std::uint64_t left = random() % 60; left != 0; --left) {
      const auto us = static_cast<std::int64_t>(random() % (1ULL << random() % 30));
      sums.add(took(us, us / 2));
    }
    bytes changed = encoded(sums);
    changed.resize(changed.size() - 4);
    for (std::uint64_t left = 1 + random() % 3; left != 0; --left) {
      const std::size_t at = 1 + random() % (changed.size() - 1);
      if (random() % 4 == 0)
        changed.erase(changed.begin() + static_cast<std::ptrdiff_t>(at));
      else
        changed[at] = static_cast<std::uint8_t>(random() % 4 == 0 ? random() : random() % 9);
    }
    const std::uint32_t sum = crc32c(changed, crc32c(key));
    changed.resize(changed.size() + 4);
    layout::store(changed.data() + changed.size() - 4, sum);
    tally found;
    if (found.add_stored(key, changed) != nullptr)
      ++refused;
    else
      BOOST_REQUIRE(encoded(found) == changed);
  }
  BOOST_TEST(refused > 1000U);
}

BOOST_AUTO_TEST_CASE(the_figures_of_a_record_are_those_of_its_row) {
  random_engine random(4);
  for (int round = 0; round != 2000; ++round) {
    const usage_record record = random_record(random);
    const bytes row = encoded_row(record);
    row_view view;
    BOOST_REQUIRE(parse_row(make_row_key(record.time, record.id), row, view).none());
    BOOST_REQUIRE(figures_of(record, view.series) == static_cast<const row_figures&>(view));
  }
}

BOOST_AUTO_TEST_SUITE_END()
