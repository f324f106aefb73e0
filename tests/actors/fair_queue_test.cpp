// Turns in a queue: fair between keys, in order within one.
#include "actors/policy/fair_queue.hpp"

#include <boost/test/unit_test.hpp>

#include <algorithm>
#include <deque>
#include <map>
#include <memory>
#include <random>
#include <set>
#include <string>
#include <utility>
#include <vector>

using namespace weir::policy;

namespace {

template <class Value>
using queue_of = fair_queue<Value, std::string>;

template <class Value>
Value pop(queue_of<Value>& queue) {
  return queue.pop(*queue.first([](const Value&) { return true; }));
}

bool all(int) {
  return true;
}

/// A queue of numbers whose kinds may be shut.
struct doors {
  queue_of<std::pair<int, std::string>> queue;
  std::set<std::string> shut;

  void push(const std::string& key, const std::string& kind, int value) {
    queue.push(key, kind, {value, kind});
  }
  /// 0: none may go.
  int next() {
    const auto spot = queue.first([this](const auto& each) { return !shut.contains(each.second); });
    return spot ? queue.pop(*spot).first : 0;
  }
};

} // namespace

BOOST_AUTO_TEST_SUITE(fair_queue_test)

BOOST_AUTO_TEST_CASE(keys_take_turns_and_each_is_first_in_first_out) {
  queue_of<int> queue;
  for (const int n : {1, 2, 3})
    queue.push("a", "", n);
  queue.push("b", "", 10);
  queue.push("b", "", 11);
  queue.push("", "", 20);
  BOOST_TEST(queue.size() == 6U);
  std::vector<int> order;
  while (!queue.empty()) {
    const int first = queue.first(all)->value();
    order.push_back(pop(queue));
    BOOST_TEST(order.back() == first);
  }
  BOOST_TEST((order == std::vector{1, 10, 20, 2, 11, 3}));
}

BOOST_AUTO_TEST_CASE(who_floods_the_queue_does_not_starve_others) {
  queue_of<int> queue;
  for (int n = 0; n != 10'000; ++n)
    queue.push("flood", "", n);
  queue.push("quiet", "", -1);
  const auto every = [](int) { return true; };
  BOOST_TEST(queue.ahead_of("quiet", every) == 3U); // his own that waits, and one of the other's before each
  BOOST_TEST(queue.ahead_of("new", every) == 2U);
  BOOST_TEST(queue.ahead_of("flood", every) == 10'001U);
  pop(queue);
  BOOST_TEST(pop(queue) == -1);
  BOOST_TEST(queue.longest() == 9999U);
  BOOST_TEST(queue.pop_newest_of_longest() == 9999);
}

BOOST_AUTO_TEST_CASE(a_queue_agrees_with_a_plain_one_in_any_history) {
  std::mt19937_64 random(5);
  for (int history = 0; history != 200; ++history) {
    queue_of<std::unique_ptr<int>> queue;
    std::map<std::string, std::deque<int>> plain;
    std::deque<std::string> turns;
    std::size_t size = 0;
    const auto every = [](const std::unique_ptr<int>&) { return true; };
    const auto forget_empty = [&] {
      std::erase_if(turns, [&](const std::string& key) { return plain[key].empty(); });
    };
    for (int step = 0; step != 400; ++step) {
      const std::string key(1, static_cast<char>('a' + random() % 4));
      const auto what = random() % 16;
      if (what < 9) {
        if (plain[key].empty())
          turns.push_back(key);
        plain[key].push_back(step);
        queue.push(key, "", std::make_unique<int>(step));
        ++size;
      } else if (what < 14 && size != 0) {
        const std::string next = turns.front();
        turns.pop_front();
        turns.push_back(next);
        BOOST_REQUIRE(*pop(queue) == plain[next].front());
        plain[next].pop_front();
        --size;
      } else if (what == 14 && size != 0) {
        const std::size_t longest = queue.longest();
        const int out = *queue.pop_newest_of_longest();
        for (auto& [name, values] : plain)
          if (!values.empty() && values.back() == out) {
            BOOST_REQUIRE(values.size() == longest);
            values.pop_back();
          } else {
            BOOST_REQUIRE(values.size() <= longest);
          }
        --size;
      } else {
        const auto drop = [&](int value) { return value % 7 == static_cast<int>(random() % 1); };
        queue.erase_if([&](const std::unique_ptr<int>& value) { return drop(*value); });
        for (auto& [name, values] : plain)
          size -= std::erase_if(values, drop);
      }
      forget_empty();
      std::size_t seen = 0;
      queue.for_each([&seen](const std::unique_ptr<int>&) { ++seen; });
      BOOST_REQUIRE(seen == size);
      BOOST_REQUIRE(queue.size() == size);
      BOOST_REQUIRE(queue.waiting(key) == plain[key].size());
      BOOST_REQUIRE(queue.ahead_of(key, every) <= size);
    }
  }
}

BOOST_AUTO_TEST_CASE(a_kind_that_may_not_go_keeps_no_other_waiting_and_its_key_keeps_its_turn) {
  doors at;
  at.push("a", "slow", 1);
  at.push("a", "slow", 2);
  at.push("b", "fast", 10);
  at.push("a", "fast", 3);
  at.push("b", "fast", 11);
  at.push("c", "slow", 20);
  at.shut = {"slow"};
  BOOST_TEST(at.next() == 3); // it is the turn of a
  BOOST_TEST(at.next() == 10);
  at.push("d", "fast", 30);
  BOOST_TEST(at.next() == 11); // b had its turn before d came
  BOOST_TEST(at.next() == 30);
  BOOST_TEST(at.next() == 0);
  BOOST_TEST(at.queue.size() == 3U);
  at.push("b", "fast", 12);
  at.shut.clear();
  std::vector<int> order;
  while (const int next = at.next())
    order.push_back(next);
  BOOST_TEST((order == std::vector{20, 1, 12, 2})); // c has waited for its turn longest
  BOOST_TEST(at.queue.empty());
}

BOOST_AUTO_TEST_CASE(each_kind_is_looked_at_once_however_many_wait) {
  doors at;
  for (int n = 0; n != 10'000; ++n)
    at.push(std::to_string(n), n % 2 == 0 ? "slow" : "slower", n + 1);
  at.push("late", "fast", -1);
  int looks = 0;
  const auto found = at.queue.first([&looks](const auto& each) {
    ++looks;
    return each.second == "fast";
  });
  BOOST_REQUIRE(found.has_value());
  BOOST_TEST(found->value().first == -1);
  BOOST_TEST(looks <= 3);
}

BOOST_AUTO_TEST_CASE(what_is_ahead_counts_by_kind) {
  doors at;
  for (int n = 0; n != 50; ++n)
    at.push(n % 2 == 0 ? "a" : "b", "slow", n + 1);
  at.push("a", "fast", 100);
  const auto of = [](const std::string& kind) {
    return [kind](const auto& each) { return each.second == kind; };
  };
  BOOST_TEST(at.queue.ahead_of("c", of("fast")) == 1U);
  BOOST_TEST(at.queue.ahead_of("c", of("slow")) == 2U);
  BOOST_TEST(at.queue.ahead_of("a", of("fast")) == 1U);
  BOOST_TEST(at.queue.ahead_of("b", of("slow")) == 50U);
  BOOST_TEST(at.queue.ahead_of("c", [](const auto&) { return true; }) == 2U); // of two keys, one each
  BOOST_TEST(at.queue.ahead_of("a", [](const auto&) { return false; }) == 0U);
  BOOST_TEST(at.queue.waiting_for("slow") == 50U);
  BOOST_TEST(at.queue.waiting_for("none") == 0U);
  BOOST_TEST(at.queue.waiting("a", "slow") == 25U);
  BOOST_TEST(at.queue.longest() == 26U);
  BOOST_TEST(at.queue.longest_of("a") == 25U);
  BOOST_TEST(at.queue.longest_of("c") == 0U);
  BOOST_TEST(at.queue.pop_newest_of_longest().first == 49); // of a, and not what came last of it
}

BOOST_AUTO_TEST_CASE(with_kinds_it_agrees_with_a_plain_search_in_any_history) {
  std::mt19937_64 random(8);
  for (int history = 0; history != 200; ++history) {
    doors at;
    std::deque<std::pair<std::string, std::deque<std::pair<int, std::string>>>> plain; // by turn
    for (int step = 1; step != 300; ++step) {
      const std::string key(1, static_cast<char>('a' + random() % 4));
      const std::string kind(1, static_cast<char>('x' + random() % 3));
      if (random() % 2 == 0) {
        at.push(key, kind, step);
        auto found = std::ranges::find(plain, key, [](const auto& each) { return each.first; });
        if (found == plain.end())
          found = plain.insert(plain.end(), {key, {}});
        found->second.emplace_back(step, kind);
        continue;
      }
      if (random() % 16 == 0) {
        at.queue.erase_if([](const auto& each) { return each.first % 3 == 0; });
        for (auto& [name, values] : plain)
          std::erase_if(values, [](const auto& each) { return each.first % 3 == 0; });
        std::erase_if(plain, [](const auto& each) { return each.second.empty(); });
      }
      if (random() % 4 == 0)
        at.shut.contains(kind) ? (void)at.shut.erase(kind) : (void)at.shut.insert(kind);
      int expected = 0;
      for (auto lane = plain.begin(); lane != plain.end() && expected == 0; ++lane) {
        const auto goes = std::ranges::find_if(
            lane->second, [&](const auto& each) { return !at.shut.contains(each.second); });
        if (goes == lane->second.end())
          continue;
        expected = goes->first;
        auto rest = std::move(*lane);
        rest.second.erase(goes);
        plain.erase(lane);
        if (!rest.second.empty())
          plain.push_back(std::move(rest));
        break;
      }
      BOOST_REQUIRE(at.next() == expected);
      std::size_t size = 0;
      std::size_t of_kind = 0;
      for (const auto& [name, values] : plain) {
        size += values.size();
        of_kind += static_cast<std::size_t>(
            std::ranges::count(values, kind, [](const auto& each) { return each.second; }));
      }
      BOOST_REQUIRE(at.queue.size() == size);
      BOOST_REQUIRE(at.queue.waiting_for(kind) == of_kind);
    }
  }
}

BOOST_AUTO_TEST_SUITE_END()
