// The pool step by step, and under random use.
#include "transport/pool.hpp"

#include <boost/test/unit_test.hpp>

#include <map>
#include <random>
#include <set>

using namespace weir::transport;
using namespace std::chrono_literals;
using action = connection_pool::action;

namespace {

const connection_pool::clock_time start{std::chrono::hours{1}};
constexpr std::chrono::milliseconds keep = 1h; // the pool's own limits are shorter

} // namespace

BOOST_AUTO_TEST_SUITE(pool_test)

BOOST_AUTO_TEST_CASE(the_connection_used_last_is_used_first) {
  connection_pool pool({});
  const auto one = pool.acquire(1, start).connection;
  const auto two = pool.acquire(2, start).connection;
  pool.release(one, keep, start);
  pool.release(two, keep, start);
  const auto next = pool.acquire(3, start);
  BOOST_TEST((next.what == action::use));
  BOOST_TEST(next.connection == two);
}

BOOST_AUTO_TEST_CASE(who_finds_no_place_waits_and_is_served_in_order) {
  connection_pool pool({.max_connections = 1});
  const auto only = pool.acquire(1, start).connection;
  BOOST_TEST((pool.acquire(2, start).what == action::wait));
  BOOST_TEST((pool.acquire(3, start).what == action::wait));
  const auto second = pool.release(only, keep, start).next;
  BOOST_REQUIRE(second.has_value());
  BOOST_TEST(second->waiter == 2U);
  BOOST_TEST((second->given.what == action::use));
  const auto third = pool.release(only, std::nullopt, start).next; // a broken one makes room for a new one
  BOOST_REQUIRE(third.has_value());
  BOOST_TEST(third->waiter == 3U);
  BOOST_TEST((third->given.what == action::open));
  BOOST_TEST(third->given.connection != only);
}

BOOST_AUTO_TEST_CASE(who_gave_up_is_not_served) {
  connection_pool pool({.max_connections = 1});
  const auto only = pool.acquire(1, start).connection;
  pool.acquire(2, start);
  BOOST_TEST(pool.forget(2));
  BOOST_TEST(!pool.forget(2));
  BOOST_TEST(!pool.release(only, keep, start).next.has_value());
}

BOOST_AUTO_TEST_CASE(idle_and_old_connections_are_not_used_again) {
  connection_pool pool({.keep_alive = 15s, .max_age = 300s});
  const auto first = pool.acquire(1, start).connection;
  pool.release(first, keep, start);
  BOOST_TEST((pool.acquire(2, start + 15s).what == action::open));
  BOOST_TEST((pool.expire(start + 15s) == std::vector{first}));
  // One that is used all the time ends by its age.
  connection_pool busy({.keep_alive = 15s, .max_age = 300s});
  const auto used = busy.acquire(1, start).connection;
  for (auto now = start; now < start + 300s; now += 10s) {
    busy.release(used, keep, now);
    BOOST_REQUIRE(busy.acquire(1, now).connection == used);
  }
  BOOST_TEST(!busy.release(used, keep, start + 301s).kept);
  BOOST_TEST(busy.open_connections() == 0U);
}

BOOST_AUTO_TEST_CASE(a_server_that_keeps_connections_for_less_is_heeded) {
  connection_pool pool({.keep_alive = 15s});
  const auto only = pool.acquire(1, start).connection;
  BOOST_TEST(pool.release(only, 4s, start).kept);
  BOOST_TEST(pool.acquire(2, start + 3s).connection == only);
  pool.release(only, 4s, start + 3s);
  BOOST_TEST((pool.acquire(3, start + 7s).what == action::open));
}

BOOST_AUTO_TEST_CASE(random_use_keeps_the_bound_and_serves_each_waiter_once) {
  const auto seed = std::random_device{}();
  BOOST_TEST_MESSAGE("seed " << seed);
  std::mt19937_64 random(seed);
  connection_pool pool({.max_connections = 5, .keep_alive = 100ms, .max_age = 1s});
  std::set<std::uint64_t> busy;
  std::set<std::uint64_t> waiting;
  auto now = start;
  std::uint64_t who = 0;
  for (int step = 0; step != 100'000; ++step) {
    now += std::chrono::milliseconds{random() % 20};
    const auto begin = [&](connection_pool::assignment given) {
      BOOST_REQUIRE((given.what != action::wait));
      BOOST_REQUIRE(busy.insert(given.connection).second);
    };
    switch (random() % 4) {
    case 0:
    case 1: {
      const auto given = pool.acquire(++who, now);
      if (given.what == action::wait)
        BOOST_REQUIRE(waiting.insert(who).second);
      else
        begin(given);
      break;
    }
    case 2:
      if (!busy.empty()) {
        const auto key = *busy.begin();
        busy.erase(busy.begin());
        const auto end =
            random() % 3 == 0 ? std::nullopt : std::optional{std::chrono::milliseconds{random() % 200}};
        const auto verdict = pool.release(key, end, now);
        BOOST_REQUIRE(end || !verdict.kept);
        if (const auto turn = verdict.next) {
          BOOST_REQUIRE(waiting.erase(turn->waiter) == 1U);
          begin(turn->given);
        }
      }
      break;
    default:
      if (random() % 2 == 0) {
        for (const auto old : pool.expire(now))
          BOOST_REQUIRE(!busy.contains(old));
      } else if (!waiting.empty()) {
        BOOST_REQUIRE(pool.forget(*waiting.begin()));
        waiting.erase(waiting.begin());
      }
    }
    BOOST_REQUIRE(busy.size() <= 5U);
    BOOST_REQUIRE(waiting.empty() || busy.size() == 5U);
    BOOST_REQUIRE(pool.waiters() == waiting.size());
    BOOST_REQUIRE(pool.open_connections() == busy.size() + pool.idle_connections());
  }
}

BOOST_AUTO_TEST_SUITE_END()
