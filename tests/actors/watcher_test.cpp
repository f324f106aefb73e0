// The watcher on a virtual clock: a file system that the test plays, and files that are torn, broken, or
// busy.
#include "actors/config_watcher.hpp"
#include "actors/log.hpp"

#include <boost/test/unit_test.hpp>

#include <caf/actor_system.hpp>
#include <caf/actor_system_config.hpp>
#include <caf/scheduler/test_coordinator.hpp>

#include <filesystem>
#include <fstream>

#include <unistd.h>

using namespace weir;
using namespace std::chrono_literals;

namespace {

/// A manager that keeps the snapshots that it is told.
struct listener_state {
  explicit listener_state(manager_actor::pointer) {}
};

manager_actor::behavior_type listener(manager_actor::stateful_pointer<listener_state>,
                                      std::shared_ptr<std::vector<snapshot_ptr>> into) {
  return {[](chat_request&) { return chat_reply{}; },
          [](chat_request&, delta_sink&) { return chat_reply{}; },
          [](tool_request&) { return tool_reply{}; },
          [](tool_request&, delta_sink&) { return tool_reply{}; },
          [](const cancel_call&) {},
          [](const health_query&) { return health_report{}; },
          [](const usage_record&) { return booked{}; },
          [](const usage_query&) { return usage_report{}; },
          [](const model_usage&) { return usage_summary{}; },
          [](const total_cost&) { return cost_report{}; },
          [](const export_usage&) { return exported{}; },
          [](const cleanup_usage&) { return cleaned{}; },
          [](const drain&) { return drained{}; },
          [](const set_mode&) {},
          [](const refresh_prices&) { return price_report{}; },
          [](const new_prices&) {},
          [into](const snapshot_ptr& next) { into->push_back(next); }};
}

class folder {
public:
  /// With an edit between the loading of the file and the start of the watcher, if one is given.
  explicit folder(const std::string& edit = {}) {
    actors::log().set_level(spdlog::level::off);
    write("1000");
    const snapshot_ptr loaded = *load_config(file());
    if (!edit.empty())
      write(edit);
    settings_.set("scheduler.policy", caf::atom("testing"));
    system_.emplace(settings_);
    scheduler_ = &dynamic_cast<caf::scheduler::test_coordinator&>(system_->scheduler());
    manager_ = system_->spawn(listener, published);
    watcher_ = system_->spawn(
        actors::config_watcher, manager_, loaded,
        actors::watch_starter([this](const std::filesystem::path&, std::function<void()> told) {
          changed = std::move(told);
          return result<std::unique_ptr<actors::file_watch>>(std::make_unique<silent_watch>());
        }));
    run();
  }
  ~folder() {
    changed = nullptr;
    for (const auto& actor : {caf::actor_cast<caf::actor>(watcher_), caf::actor_cast<caf::actor>(manager_)})
      caf::anon_send_exit(actor, caf::exit_reason::user_shutdown);
    watcher_ = nullptr;
    manager_ = nullptr;
    while (scheduler_->has_pending_timeout() || scheduler_->has_job()) {
      scheduler_->trigger_timeouts();
      run();
    }
    std::filesystem::remove(file());
  }

  std::string file() const {
    return (std::filesystem::temp_directory_path() / ("weir-watch-" + std::to_string(::getpid()) + ".toml"))
        .string();
  }
  void write(const std::string& timeout, const std::string& rest = {}) {
    std::ofstream(file())
        << "[llm]\n[llm.providers.p]\ntype = \"generic\"\nbase_url = \"https://x\"\ntimeout = " << timeout
        << "\n"
        << rest;
  }
  void advance(std::chrono::milliseconds time) {
    for (; time.count() > 0; time -= 10ms) {
      scheduler_->advance_time(10ms);
      run();
    }
  }
  void tell() {
    changed();
    run();
  }

  std::shared_ptr<std::vector<snapshot_ptr>> published = std::make_shared<std::vector<snapshot_ptr>>();
  std::function<void()> changed;

private:
  struct silent_watch : actors::file_watch {};

  void run() {
    while (scheduler_->try_run_once()) {
    }
  }

  caf::actor_system_config settings_;
  std::optional<caf::actor_system> system_;
  caf::scheduler::test_coordinator* scheduler_ = nullptr;
  manager_actor manager_;
  watcher_actor watcher_;
};

} // namespace

BOOST_AUTO_TEST_SUITE(watcher_test)

BOOST_AUTO_TEST_CASE(a_change_is_published_once_and_within_a_second) {
  folder here;
  here.write("2000");
  for (int n = 0; n != 5; ++n)
    here.tell();
  here.advance(900ms);
  BOOST_REQUIRE_EQUAL(here.published->size(), 1U);
  BOOST_TEST((here.published->front()->providers[0].timeout == 2s));
  BOOST_TEST(here.published->front()->version == 2U);
  here.tell(); // nothing has changed
  here.advance(2s);
  BOOST_TEST(here.published->size() == 1U);
}

BOOST_AUTO_TEST_CASE(an_edit_between_loading_and_watching_is_seen) {
  folder here("2000");
  here.advance(1s);
  BOOST_REQUIRE_EQUAL(here.published->size(), 1U);
  BOOST_TEST((here.published->front()->providers[0].timeout == 2s));
}

BOOST_AUTO_TEST_CASE(a_file_refused_for_what_it_names_is_judged_again_when_that_has_come) {
  folder here;
  const std::string authorities = here.file() + ".pem";
  here.write("2000", "ca_file = \"" + authorities + "\"\n");
  here.tell();
  here.advance(1s);
  BOOST_TEST(here.published->empty());
  std::ofstream(authorities) << "x";
  here.tell();
  here.advance(1s);
  std::filesystem::remove(authorities);
  BOOST_TEST(here.published->size() == 1U);
}

BOOST_AUTO_TEST_CASE(a_broken_file_changes_nothing_and_a_mended_one_counts) {
  folder here;
  here.write("\"soon\"");
  here.tell();
  here.advance(1s);
  BOOST_TEST(here.published->empty());
  here.write("3000");
  here.tell();
  here.advance(1s);
  BOOST_REQUIRE_EQUAL(here.published->size(), 1U);
}

BOOST_AUTO_TEST_CASE(a_file_that_is_still_being_written_is_not_judged) {
  folder here;
  here.write("2000");
  here.tell();
  here.advance(250ms); // read once
  here.write("2000", "max_retries = 1\n");
  here.advance(80ms); // read again, and different
  BOOST_TEST(here.published->empty());
  here.advance(300ms);
  BOOST_REQUIRE_EQUAL(here.published->size(), 1U);
  BOOST_TEST(here.published->front()->providers[0].max_retries.value() == 1U);
}

BOOST_AUTO_TEST_CASE(a_busy_folder_does_not_put_a_change_off_for_ever) {
  folder here;
  here.write("2000");
  for (int n = 0; n != 20; ++n) {
    here.tell();
    here.advance(50ms);
  }
  BOOST_TEST(here.published->size() == 1U);
}

BOOST_AUTO_TEST_CASE(a_file_that_is_gone_for_a_moment_is_waited_for) {
  folder here;
  std::filesystem::remove(here.file());
  here.tell();
  here.advance(1s);
  BOOST_TEST(here.published->empty());
  here.write("4000");
  here.tell();
  here.advance(1s);
  BOOST_TEST(here.published->size() == 1U);
}

BOOST_AUTO_TEST_SUITE_END()
