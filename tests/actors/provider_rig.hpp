// A rig for one provider actor, which is asked for attempts directly: no manager and no supervisor. The
// network does what the test says, and time is virtual. Knows no case.
#pragma once

#include "actors/log.hpp"
#include "actors/provider.hpp"
#include "actors/usage_accumulator.hpp"
#include "tests/actors/stage.hpp"

#include <caf/event_based_actor.hpp>

#include <boost/test/unit_test.hpp>

#include <algorithm>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

namespace weir::tests {

/// One provider, which is asked for attempts directly.
class rig {
public:
  explicit rig(std::shared_ptr<snapshot> config) : config_(std::move(config)) {
    actors::log().set_level(spdlog::level::off);
    ends.reserve(100'000); // requesters point into it
    settings_.set("scheduler.policy", caf::atom("testing"));
    system_.emplace(settings_);
    scheduler_ = &dynamic_cast<caf::scheduler::test_coordinator&>(system_->scheduler());
    const auto world = std::make_shared<const actors::services>(actors::services{
        network, ledger, [] { return timestamp{std::chrono::seconds{1'764'000'000}}; }, [] { return 1U; }});
    books_ = system_->spawn(actors::usage_accumulator, world, snapshot_ptr(config_));
    provider_ = system_->spawn(actors::provider, world, books_,
                               *actors::make_setup(*config_, config_->providers.front()));
    run();
  }
  rig(const rig&) = delete;
  rig& operator=(const rig&) = delete;
  ~rig() {
    network->on_post = nullptr;
    network->wire.clear();
    for (const auto& each :
         {caf::actor_cast<caf::actor>(provider_), caf::actor_cast<caf::actor>(books_), sink_})
      if (each)
        caf::anon_send_exit(each, caf::exit_reason::user_shutdown);
    provider_ = nullptr;
    books_ = nullptr;
    sink_ = nullptr;
    run();
    while (scheduler_->has_pending_timeout() || scheduler_->has_job()) {
      scheduler_->trigger_timeouts();
      run();
    }
  }

  void run() {
    while (scheduler_->try_run_once()) {
    }
  }
  void advance(milliseconds time, milliseconds step = milliseconds{10}) {
    for (; time.count() > 0; time -= step) {
      scheduler_->advance_time(std::min(time, step));
      run();
    }
  }

  /// Sends an attempt; its end will stand in `ends` at the index that is returned.
  std::size_t ask(milliseconds patience = std::chrono::seconds{60},
                  chat_request request = stage::question()) {
    const std::size_t n = ends.size();
    ends.emplace_back();
    attempt work;
    work.id = attempt_id{make_id128(n + 1, 0, 0)};
    work.deadline = scheduler_->clock().now() + patience;
    if (request.stream)
      work.sink = caf::actor_cast<delta_sink>(sink());
    work.request = std::make_shared<const chat_request>(std::move(request));
    system_->spawn(
        [](caf::event_based_actor* self, provider_actor whom, attempt what,
           std::optional<attempt_end>* into) {
          self->request(whom, caf::infinite, std::move(what))
              .then([into](attempt_end& end) { *into = std::move(end); }, [](const caf::error&) {});
        },
        provider_, std::move(work), &ends.back());
    run();
    return n;
  }
  std::size_t ask_as(const std::string& agent) {
    chat_request request = stage::question();
    request.tags.emplace_back("agent", agent);
    return ask(std::chrono::seconds{60}, std::move(request));
  }

  std::shared_ptr<std::optional<provider_health>> health(bool probe = false) {
    auto seen = std::make_shared<std::optional<provider_health>>();
    system_->spawn(
        [](caf::event_based_actor* self, provider_actor whom, bool active,
           std::shared_ptr<std::optional<provider_health>> into) {
          self->request(whom, caf::infinite, provider_probe{active})
              .then([into](provider_health& told) { *into = std::move(told); }, [](const caf::error&) {});
        },
        provider_, probe, seen);
    run();
    return seen;
  }

  void cancel(std::size_t n) {
    caf::anon_send(provider_, cancel_attempt{attempt_id{make_id128(n + 1, 0, 0)}});
    run();
  }

  void adopt(std::shared_ptr<snapshot> next) {
    config_ = std::move(next);
    caf::anon_send(provider_, snapshot_ptr(config_));
    run();
  }

  /// Answers the oldest request and runs.
  void complete(std::uint64_t prompt = 10, std::uint64_t completion = 5) {
    BOOST_REQUIRE(network->complete(prompt, completion));
    run();
  }
  void answer(int status, http_fields fields = {}, const std::string& body = "{}") {
    BOOST_REQUIRE(network->answer(status, body, std::move(fields)));
    run();
  }
  /// The key in the newest request on the wire.
  std::string key() const {
    const std::string_view head = network->wire.back().request.head->text();
    const auto at = head.find("Bearer ");
    return std::string(head.substr(at + 7, head.find('\r', at) - at - 7));
  }

  bool ended(std::size_t n) const { return ends[n].has_value(); }
  bool succeeded(std::size_t n) const { return ends[n] && ends[n]->outcome.has_value(); }
  failure error(std::size_t n) const {
    BOOST_REQUIRE(ends[n].has_value());
    BOOST_REQUIRE(!ends[n]->outcome.has_value());
    return ends[n]->outcome.error();
  }

  std::shared_ptr<fake_network> network = std::make_shared<fake_network>();
  std::shared_ptr<fake_ledger> ledger = std::make_shared<fake_ledger>();
  std::vector<std::optional<attempt_end>> ends;
  std::string shown; ///< what the sink was told

private:
  caf::actor sink() {
    if (!sink_)
      sink_ = system_->spawn([this](caf::event_based_actor*) -> caf::behavior {
        return {[this](delta_batch& batch) {
          for (const chat_delta& each : batch.deltas)
            shown += each.text;
          return more_deltas{};
        }};
      });
    return sink_;
  }

  std::shared_ptr<snapshot> config_;
  caf::actor_system_config settings_;
  std::optional<caf::actor_system> system_;
  caf::scheduler::test_coordinator* scheduler_ = nullptr;
  accumulator_actor books_;
  provider_actor provider_;
  caf::actor sink_;
};

/// It was refused by the provider's door.
inline void refused(const failure& error, std::string_view why, milliseconds retry_after,
                    errc type = errc::overloaded) {
  BOOST_TEST((error.type == type));
  BOOST_TEST((error.fate == outcome::not_sent));
  BOOST_TEST(error.message == why);
  BOOST_REQUIRE(error.retry_after.has_value());
  BOOST_TEST(std::abs((*error.retry_after - retry_after).count()) <= 10);
}

} // namespace weir::tests
