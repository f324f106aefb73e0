// How attempts are booked and how long they are kept: each key of the ledger, and each of its faults.
#include "config/show.hpp"
#include "tests/config/loading.hpp"

#include <boost/test/unit_test.hpp>

using namespace weir;
using namespace weir::tests;
using namespace std::chrono_literals;

namespace {

snapshot loaded_from(const std::string& text) {
  const auto loaded = load(text);
  BOOST_REQUIRE_MESSAGE(loaded.has_value(), only_fault(text));
  return **loaded;
}

/// The ledger of a file with these lines, the same when it is shown and loaded again.
ledger_config ledger_of(const std::string& lines) {
  const snapshot config = loaded_from(with("", "[llm.ledger]\n" + lines));
  const ledger_config same = loaded_from(config::to_toml(config)).ledger;
  BOOST_TEST((same.durability == config.ledger.durability));
  BOOST_TEST(same.rollup_tags == config.ledger.rollup_tags, boost::test_tools::per_element());
  BOOST_TEST((same.cancel_drain_time == config.ledger.cancel_drain_time));
  BOOST_TEST(same.max_draining == config.ledger.max_draining);
  BOOST_TEST((same.retention == config.ledger.retention));
  return config.ledger;
}

/// A fault in the first line of `[llm.ledger]`.
void is_ledger_fault(const std::string& line, const std::string& place, const std::string& words) {
  is_fault(with("", "[llm.ledger]\n" + line), "7:" + place, words);
}

void is_retention_fault(const std::string& lines, const std::string& place, const std::string& words) {
  is_fault(with("", "[llm.ledger.retention]\n" + lines), place, words);
}

} // namespace

BOOST_AUTO_TEST_SUITE(ledger_schema_test)

BOOST_AUTO_TEST_CASE(books_are_strict_unless_they_are_said_to_be_relaxed) {
  BOOST_TEST((ledger_of("").durability == durability::strict));
  BOOST_TEST((ledger_of("durability = \"strict\"").durability == durability::strict));
  BOOST_TEST((ledger_of("durability = \"relaxed\"").durability == durability::relaxed));
  is_ledger_fault("durability = \"lax\"", "14 llm.ledger.durability", "\"strict\" or \"relaxed\"");
  is_ledger_fault("durability = true", "14 llm.ledger.durability", "expected a string");
}

BOOST_AUTO_TEST_CASE(rollups_are_kept_by_a_few_tags) {
  using texts = std::vector<std::string>;
  BOOST_TEST((ledger_of("").rollup_tags == texts{"agent", "project", "user"}));
  BOOST_TEST(ledger_of("rollup_tags = []").rollup_tags.empty());
  BOOST_TEST((ledger_of("rollup_tags = [\"team\", \"a b\"]").rollup_tags == texts{"team", "a b"}));
  BOOST_TEST(ledger_of("rollup_tags = ['1','2','3','4','5','6','7','8']").rollup_tags.size() == 8U);
  BOOST_TEST(ledger_of("rollup_tags = ['" + std::string(64, 'k') + "']").rollup_tags.size() == 1U);
  is_ledger_fault("rollup_tags = ['1','2','3','4','5','6','7','8','9']", "15 llm.ledger.rollup_tags",
                  "has 9 keys of tags; there can be at most 8");
  is_ledger_fault("rollup_tags = ['a', '']", "21 llm.ledger.rollup_tags", "is empty");
  is_ledger_fault("rollup_tags = ['a', 'b', 'a']", "26 llm.ledger.rollup_tags", "\"a\" a second time");
  is_ledger_fault("rollup_tags = ['" + std::string(65, 'k') + "']", "16 llm.ledger.rollup_tags",
                  "has 65 bytes; there can be at most 64");
  is_ledger_fault("rollup_tags = 'agent'", "15 llm.ledger.rollup_tags", "an array of strings");
  is_ledger_fault("rollup_tags = [1]", "15 llm.ledger.rollup_tags", "an array of strings");
}

BOOST_AUTO_TEST_CASE(a_cancelled_stream_is_read_on_within_bounds) {
  BOOST_TEST((ledger_of("").cancel_drain_time == 5s));
  BOOST_TEST(ledger_of("").max_draining == 100U);
  BOOST_TEST((ledger_of("cancel_drain_time = \"2m\"").cancel_drain_time == 2min));
  BOOST_TEST((ledger_of("cancel_drain_time = 0").cancel_drain_time == 0ms));
  BOOST_TEST(ledger_of("max_draining = 0").max_draining == 0U);
  is_ledger_fault("cancel_drain_time = \"11m\"", "21 llm.ledger.cancel_drain_time", "from 0 to 600000 ms");
  is_ledger_fault("max_draining = 100001", "16 llm.ledger.max_draining", "from 0 to 100000");
  is_ledger_fault("max_drained = 1", "1 llm.ledger.max_drained", "did you mean 'max_draining'?");
}

BOOST_AUTO_TEST_CASE(nothing_is_deleted_unless_it_is_said) {
  BOOST_TEST((ledger_of("").retention == retention_config{}));
  const retention_config kept =
      ledger_of(
          "[llm.ledger.retention]\nrows = \"90d\"\nrollups = \"730d\"\nmax_bytes = \"2GiB\"\nevery = \"6h\"")
          .retention;
  BOOST_TEST((kept.rows == 90 * 24h));
  BOOST_TEST((kept.rollups == 730 * 24h));
  BOOST_TEST(kept.max_bytes == 2ULL << 30U);
  BOOST_TEST((kept.every == 6h));
}

BOOST_AUTO_TEST_CASE(rollups_are_kept_at_least_as_long_as_rows) {
  BOOST_TEST(
      (ledger_of("[llm.ledger.retention]\nrows = \"90d\"\nrollups = \"90d\"").retention.rollups == 90 * 24h));
  BOOST_TEST((ledger_of("[llm.ledger.retention]\nrows = \"90d\"\nrollups = 0").retention.rollups == 0ms));
  BOOST_TEST((ledger_of("[llm.ledger.retention]\nrollups = \"1d\"").retention.rows == 0ms));
  is_retention_fault("rows = \"90d\"\nrollups = \"89d\"", "8:11 llm.ledger.retention.rollups",
                     "is shorter than 'rows'");
}

BOOST_AUTO_TEST_CASE(a_wrong_retention_is_told_by_its_place) {
  is_retention_fault("rows = \"90 days\"", "7:8 llm.ledger.retention.rows", "\"7d\"");
  is_retention_fault("rows = -1", "7:8 llm.ledger.retention.rows", "is no time");
  is_retention_fault("rows = \"36501d\"", "7:8 llm.ledger.retention.rows", "is no time");
  is_retention_fault("rows = \"200000000000d\"", "7:8 llm.ledger.retention.rows", "is no time");
  is_retention_fault("rollups = true", "7:11 llm.ledger.retention.rollups", "milliseconds or a string");
  is_retention_fault("max_bytes = 1048575", "7:13 llm.ledger.retention.max_bytes", "at least 1 MiB");
  is_retention_fault("max_bytes = -1", "7:13 llm.ledger.retention.max_bytes", "is no size");
  is_retention_fault("every = 999", "7:9 llm.ledger.retention.every", "is no time from 1000");
  is_retention_fault("every = \"31d\"", "7:9 llm.ledger.retention.every", "is no time");
  is_retention_fault("row = 1", "7:1 llm.ledger.retention.row", "did you mean 'rows'?");
  is_ledger_fault("retention = 5", "13 llm.ledger.retention", "expected a table");
}

BOOST_AUTO_TEST_SUITE_END()
