// Turns in a queue: fair between keys, in order within one.
#include "actors/policy/fair_queue.hpp"

#include <boost/test/unit_test.hpp>

#include <deque>
#include <map>
#include <memory>
#include <random>
#include <string>
#include <vector>

using namespace weir::policy;

BOOST_AUTO_TEST_SUITE(fair_queue_test)

BOOST_AUTO_TEST_CASE(keys_take_turns_and_each_is_first_in_first_out) {
  fair_queue<int> queue;
  for (const int n : {1, 2, 3})
    queue.push("a", n);
  queue.push("b", 10);
  queue.push("b", 11);
  queue.push("", 20);
  BOOST_TEST(queue.size() == 6U);
  std::vector<int> order;
  while (!queue.empty()) {
    const int first = queue.front();
    order.push_back(queue.pop());
    BOOST_TEST(order.back() == first);
  }
  BOOST_TEST((order == std::vector{1, 10, 20, 2, 11, 3}));
}

BOOST_AUTO_TEST_CASE(who_floods_the_queue_does_not_starve_others) {
  fair_queue<int> queue;
  for (int n = 0; n != 10'000; ++n)
    queue.push("flood", n);
  queue.push("quiet", -1);
  BOOST_TEST(queue.ahead_of("quiet") == 3U); // his own that waits, and one of the other's before each
  BOOST_TEST(queue.ahead_of("new") == 2U);
  BOOST_TEST(queue.ahead_of("flood") == 10'001U);
  queue.pop();
  BOOST_TEST(queue.pop() == -1);
  BOOST_TEST(queue.longest() == 9999U);
  BOOST_TEST(queue.pop_newest_of_longest() == 9999);
}

BOOST_AUTO_TEST_CASE(a_queue_agrees_with_a_plain_one_in_any_history) {
  std::mt19937_64 random(5);
  for (int history = 0; history != 200; ++history) {
    fair_queue<std::unique_ptr<int>> queue;
    std::map<std::string, std::deque<int>> plain;
    std::deque<std::string> turns;
    std::size_t size = 0;
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
        queue.push(key, std::make_unique<int>(step));
        ++size;
      } else if (what < 14 && size != 0) {
        const std::string next = turns.front();
        turns.pop_front();
        turns.push_back(next);
        BOOST_REQUIRE(*queue.pop() == plain[next].front());
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
      BOOST_REQUIRE(queue.ahead_of(key) <= size);
    }
  }
}

BOOST_AUTO_TEST_SUITE_END()
