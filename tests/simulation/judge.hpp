// The invariants: sees every call, post, bill, reply and delta of a history, and says what must not be.
// Knows no actor and nothing of how supervision is done: what it holds against a history are promises of the
// documentation.
#pragma once

#include "tests/simulation/callers.hpp"
#include "tests/simulation/disk.hpp"
#include "tests/simulation/simulation.hpp"
#include "tests/simulation/trace.hpp"
#include "tests/simulation/world.hpp"

#include <weir/config.hpp>
#include <weir/health.hpp>
#include <weir/usage.hpp>

#include <algorithm>
#include <cstdint>
#include <deque>
#include <functional>
#include <map>
#include <optional>
#include <set>
#include <string>
#include <utility>
#include <vector>

namespace weir::simulation {

/// Messages of one moment are handled in any order, and in some histories take time: what is told at a moment
/// is in force after this.
inline constexpr std::chrono::milliseconds settling{100};

/// A call begins when the manager reads it, and times are rounded up to milliseconds.
inline constexpr std::chrono::milliseconds slip{10};

class judge final : public observer, public listener {
public:
  judge(trace& notes, const options& how, std::function<time_point()> now, std::function<timestamp()> wall)
      : notes_(notes), how_(how), now_(std::move(now)), wall_(std::move(wall)) {}

  /// Reads these books along.
  void read(const disk& books) { books_ = &books; }

  // --- what the history does
  void adopted(const snapshot_ptr& config);
  void went(run_mode mode);
  void sent(const planned_call& plan);
  void cancelled(std::uint64_t call);
  void drains() { draining_ = true; }
  void removed(const std::string& host) { unsure(host); }

  // --- what it sees
  void posted(const post& what) override;
  void blew_up(const std::string& host) override;
  void billed(const post& what, const spoken& text) override;
  void answered_well(const post& what) override;
  void ended(const post& what, const answer& by, bool complete, std::string_view how) override;
  void answered(std::uint64_t call, const chat_reply& reply) override;
  void shown(std::uint64_t call, const delta_batch& batch) override;
  /// Time has moved.
  void look();
  void saw(const health_report& health);

  // --- the end
  /// After the world was healed, every call has had its time, and everything is flushed. Without `settled`
  /// (after a drain) the breakers may be in any state.
  void saw_last(const health_report& health, bool settled);
  void conclude(const std::vector<usage_record>& records);

  void blame(std::string_view invariant, std::string what);

  std::size_t open_calls() const noexcept { return open_; }
  std::vector<violation> violations;
  std::map<std::string, std::uint64_t> ignored;
  std::map<std::string, std::uint64_t> outcomes;
  std::uint64_t posts = 0;

private:
  /// What a call was told with one key.
  struct key_facts {
    time_point told{};       ///< when it was told last
    time_point not_before{}; ///< a hint was given
    bool never = false;      ///< the server says that it must not be repeated
    bool is_dead = false;
  };
  /// What a call did at one host with one model.
  struct site {
    std::string host;
    std::string model;
    std::string last_key;
    std::uint32_t posts = 0;
    std::map<std::string, key_facts> keys;
    time_point ended{};                       ///< the last failed post
    errc error = errc::none;                  ///< of it, as far as its status says
    std::uint32_t repeats = 0;                ///< with the same key
    std::map<errc, std::uint32_t> repeats_of; ///< by the error before
  };
  struct call_state {
    planned_call plan;
    snapshot_ptr config; ///< in force when it was sent
    time_point sent{};
    time_point deadline{};
    std::optional<time_point> answered;
    std::optional<time_point> cancelled;
    std::optional<time_point> first_shown;
    const route_config* route = nullptr; ///< of `config`
    bool unsure = false;                 ///< another configuration may count
    std::size_t candidate = 0;           ///< of the route: the last that was asked
    bool may_hedge = false;
    bool hopeless = false;    ///< somebody said that the request is wrong
    bool filtered = false;    ///< somebody refused its content
    bool unknown_end = false; ///< since the last post, one broke off
    std::uint32_t unknown_repeats = 0;
    bool may_rescue = false; ///< by request or route
    bool may_restart = false;
    bool whole = false; ///< a good answer was on its way
    run_mode mode = run_mode::normal;
    bool refused = false; ///< it was sent while nothing may be done
    std::uint32_t posts = 0;
    std::vector<site> sites;
    std::string text; ///< as the sink has it
    std::vector<attempt_id> attempts;
    bool success = false;
    errc error = errc::none;
    std::string content;
  };
  struct host_state {
    std::deque<time_point> posts; ///< of the last minute
    std::uint64_t retries = 0;
    std::uint64_t successes = 0;
    std::uint64_t fresh_buckets = 1;      ///< a provider that comes back begins anew
    time_point crashed{};                 ///< its actor, the last time
    time_point unsure_until{};            ///< two actors may post to it
    std::optional<time_point> idle_since; ///< some wait, and nothing is in flight
  };
  struct bill {
    std::uint64_t call = 0;
    std::string host;
    spoken text;
    bool billed = false;
    bool whole = false;
  };

  call_state* find(std::uint64_t call);
  site& site_of(call_state& call, const post& what);
  void unsure(const std::string& host);
  /// The largest value that was in force of late.
  template <class Value>
  std::uint64_t most(Value of, std::optional<time_point> since = {}) const;
  template <class Value>
  std::uint64_t most_of(const std::string& host, Value of) const;
  void check_call(call_state& call, const post& what);
  void check_host(const post& what);
  void check_repeat(const call_state& call, site& place, const post& what);
  void check_budget(const call_state& call, const post& what);
  void check_route(call_state& call, const post& what);
  /// From a response that has arrived.
  void learn(call_state& call, const post& what, const answer& by);
  void note_hint(const call_state& call, const std::string& host, key_facts& key, const answer& by) const;
  void check_refusal(const call_state& call);
  bool strictly_kept() const;
  void check_intent(const call_state& call, const post& what);
  void check_settled(const chat_reply& reply);
  void check_shown(const call_state& call);
  void check_books(const std::vector<usage_record>& records);
  void check_bills(const std::vector<usage_record>& records);
  void check_breakers(const provider_health& provider);

  trace& notes_;
  const options& how_;
  std::function<time_point()> now_;
  std::function<timestamp()> wall_;
  std::vector<std::pair<time_point, snapshot_ptr>> configs_;
  std::map<std::string, std::uint64_t> counts_; ///< of violations, by invariant
  const disk* books_ = nullptr;
  run_mode mode_ = run_mode::normal;
  time_point mode_since_{};
  bool draining_ = false;
  std::deque<call_state> calls_; ///< by number
  std::set<std::pair<time_point, std::uint64_t>> deadlines_;
  std::map<std::string, host_state> hosts_;
  std::deque<bill> bills_; ///< by post, from 1
  std::size_t open_ = 0;
};

template <class Value>
std::uint64_t judge::most(Value of, std::optional<time_point> since) const {
  std::uint64_t largest = 0;
  for (std::size_t n = configs_.size(); n-- != 0;) {
    largest = std::max<std::uint64_t>(largest, of(*configs_[n].second));
    if (configs_[n].first + settling < since.value_or(now_()))
      break;
  }
  return largest;
}

template <class Value>
std::uint64_t judge::most_of(const std::string& host, Value of) const {
  return most([&](const snapshot& config) -> std::uint64_t {
    const provider_config* const found = config.find(provider_name(host));
    return found == nullptr ? 0 : of(*found);
  });
}

} // namespace weir::simulation
