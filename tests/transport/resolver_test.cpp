// Look-ups that hang hold up nobody else. The system's look-up is played.
#include "transport/resolver.hpp"

#include <boost/test/unit_test.hpp>

#include <atomic>
#include <future>
#include <set>
#include <thread>

using namespace weir;
using namespace weir::transport;
using namespace std::chrono_literals;

namespace {

using answer = result<name_resolver::addresses>;

const name_resolver::addresses here{boost::asio::ip::address_v4::loopback()};

std::future<answer> ask(name_resolver& names, const std::string& host) {
  auto promise = std::make_shared<std::promise<answer>>();
  names.resolve(host, [promise](answer found) { promise->set_value(std::move(found)); });
  return promise->get_future();
}

} // namespace

BOOST_AUTO_TEST_SUITE(resolver_test)

BOOST_AUTO_TEST_CASE(a_name_server_that_is_silent_holds_up_neither_other_hosts_nor_the_end) {
  const auto silence = std::make_shared<std::promise<void>>();
  const std::shared_future<void> over = silence->get_future().share();
  name_resolver names([over](const std::string& host) -> answer {
    if (host == "silent")
      over.wait();
    return here;
  });
  auto never = ask(names, "silent");
  for (int n = 0; n != 20; ++n)
    BOOST_TEST((ask(names, "host" + std::to_string(n)).get() == answer(here)));
  const auto begin = std::chrono::steady_clock::now();
  names.close();
  BOOST_TEST((std::chrono::steady_clock::now() - begin < 1s));
  silence->set_value();
  BOOST_CHECK_THROW(never.get(), std::future_error); // forgotten, not answered
}

BOOST_AUTO_TEST_CASE(who_asks_for_the_same_host_shares_one_look_up) {
  std::promise<void> go;
  const std::shared_future<void> gone = go.get_future().share();
  const auto asked = std::make_shared<std::atomic<int>>(0);
  name_resolver names([gone, asked](const std::string&) -> answer {
    ++*asked;
    gone.wait();
    return here;
  });
  std::vector<std::future<answer>> answers;
  for (int n = 0; n != 50; ++n)
    answers.push_back(ask(names, "same"));
  go.set_value();
  for (auto& each : answers)
    BOOST_TEST((each.get() == answer(here)));
  BOOST_TEST(*asked == 1);
  BOOST_TEST((ask(names, "same").get() == answer(here))); // asked anew, since names change
  BOOST_TEST(*asked == 2);
}

BOOST_AUTO_TEST_CASE(more_hosts_than_threads_are_all_found) {
  const auto at_once = std::make_shared<std::atomic<int>>(0);
  const auto most = std::make_shared<std::atomic<int>>(0);
  name_resolver names([at_once, most](const std::string&) -> answer {
    const int now = ++*at_once;
    for (int before = *most; before < now && !most->compare_exchange_weak(before, now);) {
    }
    std::this_thread::sleep_for(2ms);
    --*at_once;
    return here;
  });
  std::vector<std::future<answer>> answers;
  for (int n = 0; n != 100; ++n)
    answers.push_back(ask(names, std::to_string(n)));
  for (auto& each : answers)
    BOOST_TEST((each.get() == answer(here)));
  BOOST_TEST(*most <= static_cast<int>(name_resolver::max_threads));
}

BOOST_AUTO_TEST_CASE(the_system_knows_this_machine_and_not_what_is_invalid) {
  const answer found = ask_system("localhost");
  BOOST_REQUIRE(found.has_value());
  BOOST_TEST(found->front().is_loopback());
  const answer none = ask_system("nowhere.invalid");
  BOOST_REQUIRE(none.has_error());
  BOOST_TEST((none.error().type == errc::network));
  BOOST_TEST(none.error().message.find("nowhere.invalid") != std::string::npos);
}

BOOST_AUTO_TEST_SUITE_END()
