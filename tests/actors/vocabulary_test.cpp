// Who makes the vocabularies of a configuration known to the process: a runtime that starts, and a reload.
#include "tests/actors/stage.hpp"
#include "tests/protocols/made_vocabulary.hpp"

#include <weir/client.hpp>
#include <weir/tokens.hpp>

#include <boost/test/unit_test.hpp>

#include <caf/send.hpp>

#include <sys/wait.h>
#include <unistd.h>

using namespace weir;

namespace {

std::shared_ptr<snapshot> counting_with(token_counter_ptr vocabulary) {
  auto config = std::make_shared<snapshot>();
  provider_config provider;
  provider.name = provider_name("p");
  provider.type = provider_type::generic;
  provider.base_url = "http://127.0.0.1:9/v1"; // nobody listens
  config->providers.push_back(provider);
  config->default_provider = provider.name;
  config->enable_usage_tracking = false;
  config->vocabularies.push_back({{}, std::move(vocabulary)});
  return config;
}

/// Runs a check in a process of its own, since what is installed stays until the process ends.
template <class Check>
bool holds_apart(Check check) {
  const pid_t child = ::fork();
  BOOST_REQUIRE(child >= 0);
  if (child == 0)
    ::_exit(check() ? 0 : 1);
  int status = 0;
  BOOST_REQUIRE(::waitpid(child, &status, 0) == child);
  return WIFEXITED(status) && WEXITSTATUS(status) == 0;
}

} // namespace

BOOST_AUTO_TEST_SUITE(vocabulary_test)

BOOST_AUTO_TEST_CASE(a_runtime_that_starts_installs_what_its_configuration_names) {
  BOOST_TEST(holds_apart([] {
    const token_counter_ptr named = test::counter_with({"ab"});
    auto weir = client::start(counting_with(named));
    const bool good = weir.has_value() && installed_vocabulary("o200k_base") == named &&
                      estimate_tokens("abab", model_name("gpt-4o")) == token_count{2, true};
    if (weir)
      weir->stop();
    return good;
  }));
}

BOOST_AUTO_TEST_CASE(a_vocabulary_that_nobody_loaded_does_not_matter) {
  BOOST_TEST(holds_apart([] {
    auto weir = client::start(counting_with(nullptr));
    const bool good = weir.has_value() && installed_vocabulary("o200k_base") == nullptr;
    if (weir)
      weir->stop();
    return good;
  }));
}

BOOST_AUTO_TEST_CASE(a_reload_installs_what_is_new_and_replaces_nothing) {
  BOOST_TEST(holds_apart([] {
    const token_counter_ptr first = test::counter_with({"ab"});
    const token_counter_ptr second = test::counter_with({"abab"});
    const token_counter_ptr other = test::counter_with({"ab"}, "cl100k_base");
    tests::stage on(counting_with(nullptr));
    const auto reload = [&on](std::shared_ptr<snapshot> next) {
      caf::anon_send(on.manager, snapshot_ptr(std::move(next)));
      on.run();
    };
    bool good = installed_vocabulary("o200k_base") == nullptr;
    reload(counting_with(first));
    good = good && installed_vocabulary("o200k_base") == first;
    auto next = counting_with(second);
    next->vocabularies.push_back({{}, other});
    reload(std::move(next));
    good =
        good && installed_vocabulary("o200k_base") == first && installed_vocabulary("cl100k_base") == other;
    auto without = counting_with(nullptr);
    without->vocabularies.clear();
    reload(std::move(without));
    return good && installed_vocabulary("o200k_base") == first;
  }));
}

BOOST_AUTO_TEST_SUITE_END()
