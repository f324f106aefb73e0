// The course of a history.
#include "tests/simulation/history.hpp"

#include "tests/simulation/random_config.hpp"

#include <caf/send.hpp>

#include <algorithm>
#include <utility>

namespace weir::simulation {

namespace {

using std::chrono::microseconds;

/// Every call of a history has ended so long after the healing.
constexpr std::chrono::milliseconds longest_call{40'000};

std::shared_ptr<const tool_registry> tools_of(const caf::actor& tool_of) {
  auto made = std::make_shared<tool_registry>();
  tool description;
  description.name = "clock";
  description.description = "Tells the time";
  description.parameters = R"({"type":"object","properties":{}})";
  if (!made->add(std::move(description), caf::actor_cast<tool_actor>(tool_of)))
    return nullptr;
  return made;
}

} // namespace

history::history(std::uint64_t seed, const options& how)
    : how_(how), random_(seed), notes_(how.verbose), machine_(events_, random_.split(), random_.chance(300)),
      judge_(
          notes_, how_, [this] { return machine_.now(); }, [this] { return machine_.wall(); }),
      disk_(std::make_shared<disk>(
          events_, [this] { return machine_.now(); }, random_.split(), how_.plant)),
      world_(std::make_shared<world>(
          events_, world::clocks{[this] { return machine_.now(); }, [this] { return machine_.wall(); }},
          judge_, random_.split())),
      around_{events_, [this] { return machine_.now(); }, judge_, random_} {
  told_.seed = seed;
  config_ = random_config(random_);
  longest_open_ = config_->breaker.max_open_time;
  tool_ = make_tool(machine_.system(), around_);
  tools_ = tools_of(tool_);
  judge_.read(*disk_);
  judge_.adopted(config_);
  machine_.on_time = [this] { judge_.look(); };
  machine_.start(world_, disk_, config_);
}

history::~history() {
  for (const caf::actor& each : sinks_) {
    caf::anon_send(each, go_on{});
    caf::anon_send_exit(each, caf::exit_reason::user_shutdown);
  }
  sinks_.clear();
  caf::anon_send(tool_, go_on{});
  caf::anon_send_exit(tool_, caf::exit_reason::user_shutdown);
  tool_ = nullptr;
  tools_ = nullptr;
  machine_.run_until(machine_.now());
  world_->forget();
  machine_.stop();
}

time_point history::at_random() {
  const auto span = std::chrono::duration_cast<microseconds>(healed_ - machine_.now()).count();
  return machine_.now() + microseconds{random_.between<std::int64_t>(0, span)};
}

void history::sometimes(std::uint32_t most, const std::function<void()>& what) {
  for (std::uint64_t n = random_.below(most + 1); n != 0; --n)
    events_.at(at_random(), what);
}

// --- calls -----------------------------------------------------------------------------------------------

planned_call history::plan_call() {
  planned_call call;
  call.number = calls_++;
  chat_request& request = call.request;
  static const std::vector<std::string> names{"m", "n", "o", "fast", "smart"};
  const provider_config& known = random_.pick(config_->providers);
  if (random_.chance(30))
    request.model = model_name(random_.pick(names)); // which may be nowhere
  else if (random_.chance(350))
    request.model = random_.pick(config_->routes).name;
  else
    request.model = random_.pick(known.models).name;
  if (random_.chance(100))
    request.provider = known.name;
  request.messages.push_back(make_message(role::user, "#" + std::to_string(call.number) + "#"));
  request.max_tokens = 100;
  request.id = call_id{make_id128(call.number, random_.next(), random_.next())};
  request.timeout = random_.chance(200) ? random_.ms(200, 2'000) : random_.ms(2'000, longest_call.count());
  request.tags = {{"call", std::to_string(call.number)},
                  {"agent", "agent-" + std::to_string(random_.below(5))}};
  call.uses_tools = random_.chance(30);
  if (!call.uses_tools && random_.chance(350)) {
    call.streamed = true;
    request.stream = true;
    if (random_.chance(600))
      request.rescue = static_cast<rescue_policy>(random_.below(4));
    call.sink = random_.chance(700) ? manner::prompt : static_cast<manner>(random_.below(5));
  }
  if (random_.chance(80))
    call.cancel_after = random_.ms(1, 10'000);
  return call;
}

void history::plan_calls() {
  const std::int64_t gap = random_.between<std::int64_t>(100, 900);
  time_point at = machine_.now();
  for (std::uint32_t n = 0; n != how_.calls; ++n) {
    at += random_.chance(500) ? random_.ms(0, 20) : random_.ms(0, 4 * gap);
    events_.at(at, [this, call = plan_call()]() mutable { make(std::move(call)); });
  }
  healed_ = at + random_.ms(0, 5'000);
}

void history::make(planned_call call) {
  // Numbers are in the order of planning, and that is the order of time.
  call.at = machine_.now();
  judge_.sent(call);
  const caller_handles made = make_call(machine_.system(), around_, machine_.manager(), call, tools_);
  if (made.sink)
    sinks_.push_back(made.sink);
  if (call.cancel_after)
    events_.at(machine_.now() + *call.cancel_after,
               [this, number = call.number, who = caf::actor_cast<caf::weak_actor_ptr>(made.caller)] {
                 // A caller that has its answer is gone.
                 if (const auto alive = caf::actor_cast<caf::actor>(who)) {
                   judge_.cancelled(number);
                   caf::anon_send(alive, give_up{});
                 }
               });
}

// --- disturbances ----------------------------------------------------------------------------------------

void history::plan_disturbances() {
  for (const provider_config& each : config_->providers)
    hosts_.push_back(each.name.str());
  for (const std::string& each : host_names)
    world_->plan(each, random_host(random_, machine_.now(), healed_));
  sometimes(3, [this] { world_->blow_up(some_host(), random_.between(1U, 3U)); });
  sometimes(2, [this] { break_disk(); });
  if (random_.chance(600))
    sometimes(3, [this] { reload(); });
  sometimes(2, [this] {
    const std::int64_t most = random_.chance(500) ? 5'000 : 86'400'000;
    machine_.jump(random_.ms(-most, most));
    notes_.note(machine_.now(), "jump", 0);
  });
  if (random_.chance(300))
    events_.at(at_random(), [this] {
      go(random_.chance(600) ? run_mode::offline : run_mode::read_only);
      events_.at(std::min(healed_, machine_.now() + random_.ms(0, 10'000)), [this] { go(run_mode::normal); });
    });
  if (random_.chance(80))
    events_.at(at_random(), [this] { start_drain(); });
  events_.at(machine_.now() + random_.ms(0, 4'000), [this] { watch_health(); });
}

void history::reload() {
  const auto next = changed_config(random_, *config_);
  config_ = next;
  longest_open_ = std::max(longest_open_, next->breaker.max_open_time);
  judge_.adopted(config_);
  caf::anon_send(machine_.manager(), snapshot_ptr(config_));
}

void history::go(run_mode mode) {
  judge_.went(mode);
  caf::anon_send(machine_.manager(), set_mode{mode});
}

void history::break_disk() {
  disk_->broken = true;
  notes_.note(machine_.now(), "disk", 0, "broken");
  events_.at(std::min(healed_, machine_.now() + random_.ms(10, 15'000)), [this] {
    disk_->broken = false;
    notes_.note(machine_.now(), "disk", 0, "well");
  });
}

void history::start_drain() {
  drained_ = true;
  judge_.drains();
  notes_.note(machine_.now(), "drain", 0);
  drain order;
  order.patience = random_.ms(0, 15'000);
  const time_point by = machine_.now() + *order.patience + std::chrono::seconds{1};
  const auto heard = std::make_shared<bool>(false);
  machine_.ask<drained>(order, [heard](const drained&) { *heard = true; });
  events_.at(by, [this, heard] {
    if (!*heard)
      judge_.blame("a_drain_ends_in_time", "nobody was told of its end");
  });
}

void history::watch_health() {
  machine_.ask<health_report>(health_query{}, [this](const health_report& seen) { judge_.saw(seen); });
  if (machine_.now() < healed_)
    events_.at(machine_.now() + random_.ms(500, 8'000), [this] { watch_health(); });
}

// --- the end ---------------------------------------------------------------------------------------------

void history::heal() {
  notes_.note(machine_.now(), "heal", 0);
  world_->heal();
  disk_->broken = false;
  go(run_mode::normal);
}

/// Hosts that told weir when to come back are not asked before.
void history::await_holds() {
  milliseconds longest{0};
  machine_.ask<health_report>(health_query{}, [&](const health_report& seen) {
    for (const provider_health& each : seen.providers) {
      longest = std::max(longest, each.held_for);
      for (const key_health& key : each.keys)
        longest = std::max(longest, key.until);
    }
  });
  machine_.run_until(machine_.now() + milliseconds{1});
  machine_.run_until(machine_.now() + longest);
}

/// A few calls to every provider and model, so that whatever is open may close.
void history::trickle() {
  time_point at = machine_.now();
  const std::uint32_t rounds = config_->breaker.half_open_permits + 2;
  for (std::uint32_t round = 0; round != rounds; ++round)
    for (const provider_config& each : config_->providers)
      for (const model_config& model : each.models) {
        if (!each.enabled)
          continue;
        planned_call call = plan_call();
        call.uses_tools = false;
        call.streamed = call.request.stream = false;
        call.request.rescue.reset();
        call.cancel_after.reset();
        call.request.timeout = milliseconds{10'000};
        call.request.provider = each.name;
        call.request.model = model.name;
        events_.at(at += milliseconds{1'250}, [this, call]() mutable { make(std::move(call)); });
      }
  machine_.run_until(at + milliseconds{1});
}

void history::end() {
  const auto quiet = [this] { return judge_.open_calls() == 0; };
  machine_.run_until(healed_ + longest_call + std::chrono::seconds{2}, quiet);
  if (!drained_) {
    // A first round of probes may have begun before all was well.
    for (int round = 0; round != 2; ++round) {
      machine_.run_until(machine_.now() + longest_open_ * 14 / 10 + std::chrono::seconds{6});
      await_holds();
      trickle();
    }
    machine_.run_until(machine_.now() + std::chrono::seconds{12}, quiet);
  }
  machine_.run_until(machine_.now() + std::chrono::seconds{3}); // the last bookings
  bool heard = false;
  machine_.ask<health_report>(health_query{}, [&](const health_report& seen) {
    heard = true;
    judge_.saw_last(seen, !drained_);
  });
  machine_.run_until(machine_.now() + std::chrono::seconds{1}, [&] { return heard; });
  if (!heard)
    judge_.blame("counters_come_back_to_zero", "nobody tells how weir is");
  judge_.conclude(disk_->records());
}

report history::live() {
  machine_.run_until(machine_.now());
  plan_calls();
  plan_disturbances();
  events_.at(healed_, [this] { heal(); });
  if (!machine_.run_until(healed_))
    judge_.blame("the_history_ends", "too many messages");
  else
    end();
  told_.hash = notes_.hash();
  told_.calls = calls_;
  told_.attempts = disk_->records().size();
  told_.posts = judge_.posts;
  told_.steps = machine_.steps();
  told_.virtual_time = std::chrono::duration_cast<milliseconds>(machine_.now().time_since_epoch());
  told_.violations = judge_.violations;
  told_.ignored = judge_.ignored;
  told_.outcomes = judge_.outcomes;
  return told_;
}

report run(std::uint64_t seed, const options& how) {
  history lived(seed, how);
  return lived.live();
}

} // namespace weir::simulation
