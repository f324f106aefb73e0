// Budgets beside a model that adds everything up anew: the ledger's word, reloads, and long random runs.
#include "actors/policy/budget.hpp"
#include "tests/actors/spending.hpp"

#include <boost/test/unit_test.hpp>

#include <map>
#include <random>
#include <string>

using namespace weir;
using namespace weir::policy;
using namespace weir::tests;
using namespace std::chrono_literals;

namespace {

usage_summary summary_of(std::int64_t cost, std::int64_t unknown = 0, const std::string& user = {}) {
  usage_summary summary;
  if (!user.empty())
    summary.tags = {{"user", user}};
  const currency unit = usd(0).unit;
  summary.total_cost[unit] = money_sum(usd(cost).picos, unit);
  summary.unknown_cost_limit[unit] = money_sum(usd(unknown).picos, unit);
  const currency euro = currency::parse("EUR").value();
  summary.total_cost[euro] = money_sum(usd(100).picos, euro);
  return summary;
}

/// Attempts of the model: what is known of them, and whether they are over.
struct attempt {
  usage_record record;
  bool open = true;
  std::int64_t counted = 0; ///< once it is over
};

/// Adds up everything that ever was, each time.
struct model {
  std::vector<budget_config> configs;
  std::vector<attempt> attempts;

  static bool covers(const budget_config& config, const usage_record& record, const std::string& value) {
    const std::string key = config.tag_key;
    const auto tag = std::ranges::find(record.tags, key, [](const auto& each) { return each.first; });
    return (!config.provider || *config.provider == record.provider) &&
           (key.empty() || (tag != record.tags.end() && tag->second == value));
  }
  static std::int64_t period(const budget_config& config, timestamp time) {
    const auto hours = std::chrono::floor<std::chrono::hours>(time.time_since_epoch()).count();
    return config.period == budget_period::hour  ? hours
           : config.period == budget_period::day ? hours / 24
                                                 : 0;
  }
  /// What is spent and what is reserved, of one account.
  std::pair<int128, int128> account(const budget_config& config, const usage_record& of,
                                    const std::string& value) const {
    std::pair<int128, int128> sums{0, 0};
    for (const attempt& each : attempts)
      if (covers(config, each.record, value) && period(config, each.record.time) == period(config, of.time))
        (each.open ? sums.second : sums.first) += each.open ? each.record.cost_limit->picos : each.counted;
    return sums;
  }
  /// The value whose account an attempt goes to; nothing: it is not covered.
  static std::optional<std::string> value_of(const budget_config& config, const usage_record& record) {
    for (const auto& [key, value] : record.tags)
      if (key == config.tag_key)
        return covers(config, record, config.tag_value.empty() ? value : config.tag_value)
                   ? std::optional(value)
                   : std::nullopt;
    return config.tag_key.empty() && covers(config, record, {}) ? std::optional(std::string()) : std::nullopt;
  }
  bool admits(const usage_record& record) const {
    for (const budget_config& config : configs)
      if (const auto value = value_of(config, record)) {
        const auto [spent, reserved] = account(config, record, *value);
        if (spent + reserved + record.cost_limit->picos > config.limit.picos)
          return false;
      }
    return true;
  }
};

std::vector<budget_config> several() {
  std::vector<budget_config> configs{budget_for("all", 400), budget_for("p", 200),
                                     budget_for("ann", 60),  per_user(50),
                                     budget_for("hour", 90), budget_for("total", 30'000)};
  configs[1].provider = provider_name("p");
  configs[2].tag_key = "user";
  configs[2].tag_value = "ann";
  configs[4].period = budget_period::hour;
  configs[5].period = budget_period::total;
  return configs;
}

/// Drives budgets by chance, and everything that is asked of them is asked of the model too.
class run {
public:
  run(std::uint64_t seed, bool with_model)
      : random_(seed), with_model_(with_model), model_{several(), {}}, all_(ready_budgets(model_.configs)) {}

  void step() {
    time_ += std::chrono::microseconds{pick(200'000'000)};
    if (open_.empty() || pick(2) == 0)
      begin();
    else
      end(pick(open_.size()));
    check_law();
  }
  void end_all() {
    while (!open_.empty())
      end(open_.size() - 1);
  }
  /// All accounts of now are as the model has them.
  bool agrees() {
    for (const budget_config& config : model_.configs)
      for (const budget_health& each : all_.state(time_)) {
        if (each.name != config.name)
          continue;
        const std::string value = config.tag_value.empty() ? each.value : config.tag_value;
        const auto [spent, reserved] = model_.account(config, intent(0, 0, time_), value);
        if (each.spent.picos() != spent || each.reserved.picos() != reserved)
          return false;
      }
    return true;
  }

  budgets& all() { return all_; }
  int admitted = 0;
  int refused = 0;

private:
  std::uint64_t pick(std::uint64_t below) { return random_() % below; }

  void begin() {
    usage_record record = intent(++number_, static_cast<std::int64_t>(pick(20)) + 1, time_);
    record.provider = provider_name(pick(2) == 0 ? "p" : "q");
    if (pick(4) != 0)
      record = tagged(record, "user", std::array{"ann", "bob", "eve"}[pick(3)]);
    const bool let_in = !all_.reserve(record, true);
    if (with_model_)
      BOOST_REQUIRE_EQUAL(let_in, model_.admits(record));
    ++(let_in ? admitted : refused);
    if (!let_in)
      return;
    open_.push_back(record);
    if (with_model_)
      model_.attempts.push_back({record});
  }

  void end(std::size_t which) {
    std::swap(open_[which], open_.back());
    usage_record record = open_.back();
    open_.pop_back();
    std::int64_t counted = 0;
    const auto kind = pick(3);
    const money limit = *record.cost_limit;
    record.state = std::array{record_state::settled, record_state::unknown, record_state::void_attempt}[kind];
    record.success = kind == 0;
    if (kind == 0)
      record.cost =
          money{static_cast<std::int64_t>(pick(static_cast<std::uint64_t>(limit.picos) + 1)), limit.unit};
    counted = kind == 0 ? record.cost->picos : kind == 1 ? limit.picos : 0;
    all_.settle(record);
    if (kind == 1 && pick(2) == 0) { // its figures come after all
      record.state = record_state::settled;
      record.success = true;
      record.cost = money{limit.picos / 3, limit.unit};
      counted = record.cost->picos;
      all_.settle(record);
    }
    for (attempt& each : model_.attempts)
      if (each.record.id == record.id) {
        each.open = false;
        each.counted = counted;
      }
  }

  void check_law() {
    for (const budget_health& each : all_.state(time_))
      if (each.spent.picos() + each.reserved.picos() > each.limit.picos || each.reserved.picos() < 0)
        BOOST_FAIL("overspent: " << each.name << ' ' << each.value);
  }

  std::mt19937_64 random_;
  bool with_model_;
  model model_;
  budgets all_;
  timestamp time_ = noon;
  std::uint64_t number_ = 0;
  std::vector<usage_record> open_;
};

} // namespace

BOOST_AUTO_TEST_SUITE(budget_run_test)

BOOST_AUTO_TEST_CASE(nothing_is_let_through_before_the_ledger_has_said_what_was_spent) {
  budgets all;
  BOOST_TEST(all.empty());
  BOOST_TEST(all.ready());
  BOOST_TEST(!all.reserve(intent(1, 1), true));
  BOOST_REQUIRE(all.adopt({budget_for("b", 10), per_user(5)}).has_value());
  BOOST_TEST(!all.ready());
  const auto refused = all.reserve(intent(1, 1), true);
  BOOST_REQUIRE(refused.has_value());
  BOOST_TEST((refused->type == errc::storage));
  BOOST_TEST(refused->retryable);
  const auto asked = all.questions(noon);
  BOOST_REQUIRE_EQUAL(asked.size(), 2U);
  BOOST_TEST((asked[0].filter.since == moment("2026-03-01")));
  BOOST_TEST(!asked[0].grouping.provider);
  BOOST_TEST(!asked[0].grouping.model);
  BOOST_TEST(asked[0].grouping.tags.empty());
  BOOST_TEST(asked[1].grouping.tags.at(0) == "user");
  BOOST_TEST(all.questions(noon).empty());
  all.settle(tagged(settled(7, 1), "user", "ann")); // ends while the ledger looks it up
  BOOST_TEST(all.seed(asked[0], {summary_of(5, 2)}).empty());
  BOOST_TEST(all.reserve(tagged(intent(1, 1), "user", "ann"), true).has_value());
  all.seed(asked[1], {summary_of(3, 0, "ann"), summary_of(4, 1, "bob"), summary_of(50)});
  BOOST_TEST(all.ready());
  BOOST_TEST(spent_of(all) == "8 5 4"); // all, bob, ann
  all.seed(asked[0], {summary_of(1)});  // an answer counts once
  BOOST_TEST(spent_of(all) == "8 5 4");
  BOOST_TEST(all.reserve(tagged(intent(1, 1), "user", "bob"), true).has_value());
  BOOST_TEST(!all.reserve(tagged(intent(1, 1), "user", "ann"), true));
}

BOOST_AUTO_TEST_CASE(a_question_is_narrowed_as_its_budget_is) {
  budget_config config = budget_for("b", 10);
  config.provider = provider_name("p");
  config.model = model_name("m");
  config.tag_key = "agent";
  config.tag_value = "planner";
  config.period = budget_period::total;
  budgets all;
  BOOST_REQUIRE(all.adopt({config}).has_value());
  const auto asked = all.questions(noon);
  BOOST_TEST(asked.at(0).filter.provider.value().str() == "p");
  BOOST_TEST(asked.at(0).filter.model.value().str() == "m");
  BOOST_TEST((asked.at(0).filter.tags.at(0) == std::pair<std::string, std::string>("agent", "planner")));
  BOOST_TEST(asked.at(0).grouping.tags.empty());
  BOOST_TEST(!asked.at(0).filter.since.has_value());
  BOOST_TEST(!asked.at(0).filter.until.has_value());
}

BOOST_AUTO_TEST_CASE(a_question_without_an_answer_is_asked_again) {
  budgets all;
  BOOST_REQUIRE(all.adopt({budget_for("b", 10)}).has_value());
  const auto first = all.questions(noon);
  all.settle(settled(1, 3));
  all.unanswered(first.at(0));
  all.settle(settled(2, 1));
  const auto second = all.questions(noon);
  BOOST_REQUIRE_EQUAL(second.size(), 1U);
  all.settle(settled(3, 2));
  all.seed(second.at(0), {summary_of(4)}); // both that were settled before
  BOOST_TEST(spent_of(all) == "6");
}

BOOST_AUTO_TEST_CASE(a_soft_limit_that_was_passed_before_the_start_is_told_as_well) {
  budget_config config = budget_for("b", 10);
  config.soft_limit = usd(8);
  budgets all;
  BOOST_REQUIRE(all.adopt({config}).has_value());
  BOOST_TEST(all.seed(all.questions(noon).at(0), {summary_of(9)}).size() == 1U);
  BOOST_TEST(all.settle(settled(1, 1)).empty());
}

BOOST_AUTO_TEST_CASE(a_reload_keeps_what_is_counted_alike_and_asks_for_the_rest) {
  budgets all = ready_budgets({budget_for("a", 10), budget_for("b", 10)});
  BOOST_TEST(!all.reserve(intent(1, 4), true));
  all.settle(settled(2, 5));
  budget_config moved = budget_for("b", 10);
  moved.period = budget_period::month;
  BOOST_REQUIRE(all.adopt({moved, budget_for("a", 20)}).has_value());
  BOOST_TEST(!all.ready());
  const auto asked = all.questions(noon);
  BOOST_REQUIRE_EQUAL(asked.size(), 1U);
  all.seed(asked[0], {summary_of(5)});
  BOOST_TEST(spent_of(all) == "5 5");
  BOOST_TEST(reserved_of(all) == "0 4");
  BOOST_TEST(!all.reserve(intent(3, 5), true));
  all.settle(settled(1, 4)); // began before the month's budget was there, and counts in it
  BOOST_TEST(spent_of(all) == "9 9");
  BOOST_TEST(reserved_of(all) == "5 5");
  BOOST_REQUIRE(all.adopt({budget_for("a", 1)}).has_value());
  BOOST_TEST(all.reserve(intent(4, 1), true).has_value()); // the lower limit is passed already
  BOOST_REQUIRE(all.adopt({}).has_value());
  BOOST_TEST(all.reservations() == 0U);
  BOOST_TEST(!all.reserve(intent(5, 100), true));
  budget_config nowhere = budget_for("x", 1);
  nowhere.time_zone = "Mars/Olympus";
  BOOST_TEST(all.adopt({budget_for("a", 1), nowhere}).has_error());
  BOOST_TEST(all.empty());
}

BOOST_AUTO_TEST_CASE(budgets_are_what_a_plain_sum_of_everything_gives) {
  for (std::uint64_t seed = 1; seed != 9; ++seed) {
    BOOST_TEST_CONTEXT("seed " << seed) {
      run random(seed, true);
      for (int n = 0; n != 1500; ++n) {
        random.step();
        if (n % 50 == 0)
          BOOST_REQUIRE(random.agrees());
      }
      BOOST_TEST(random.admitted > 100);
      BOOST_TEST(random.refused > 100);
      random.end_all();
      BOOST_TEST(random.agrees());
      BOOST_TEST(random.all().reservations() == 0U);
    }
  }
}

BOOST_AUTO_TEST_CASE(a_hundred_thousand_steps_leave_nothing_behind) {
  run random(11, false);
  for (int n = 0; n != 100'000; ++n)
    random.step();
  random.end_all();
  BOOST_TEST(random.all().reservations() == 0U);
  for (const budget_health& each : random.all().state(noon + 24h * 365))
    BOOST_TEST(to_decimal(each.reserved) == "0");
  BOOST_TEST(random.all().accounts() < 50U); // those of months that are over are gone
}

BOOST_AUTO_TEST_SUITE_END()
