// The storm's provider is a formula, so that what is seen comes from the retries alone.
#include "tests/simulation/storm.hpp"

#include "tests/simulation/callers.hpp"
#include "tests/simulation/disk.hpp"
#include "tests/simulation/machine.hpp"
#include "tests/simulation/world.hpp"

#include <algorithm>
#include <deque>
#include <map>
#include <memory>
#include <vector>

namespace weir::simulation {

namespace {

using std::chrono::microseconds;
using std::chrono::milliseconds;

/// Counts posts, and remembers which calls succeeded at once.
class storm_watch final : public observer, public listener {
public:
  explicit storm_watch(std::function<time_point()> now) : now_(std::move(now)) {}

  void posted(const post& what) override { posts.push_back(what.at); }
  void blew_up(const std::string&) override {}
  void billed(const post&, const spoken&) override {}
  void answered_well(const post&) override {}
  void ended(const post&, const answer&, bool, std::string_view) override {}
  void shown(std::uint64_t, const delta_batch&) override {}
  void answered(std::uint64_t call, const chat_reply& reply) override {
    ++replies;
    smooth[static_cast<std::size_t>(call)] = reply.success && reply.metadata.attempts.size() == 1;
  }

  std::vector<time_point> posts;
  std::vector<time_point> sent;
  std::vector<bool> smooth; ///< by call
  std::uint64_t replies = 0;

private:
  std::function<time_point()> now_;
};

snapshot_ptr storm_config(const storm_options& how) {
  auto config = std::make_shared<snapshot>();
  provider_config provider;
  provider.name = provider_name("a");
  provider.type = provider_type::generic;
  provider.base_url = "http://a/v1";
  provider.allow_insecure_http = true;
  provider.max_concurrency = 2'000;
  model_config model;
  model.name = model_name("m");
  provider.models.push_back(model);
  config->default_provider = provider.name;
  config->providers.push_back(std::move(provider));
  config->retry.budget.enabled = how.budget;
  if (!how.breaker)
    config->breaker.min_calls = UINT32_MAX;
  return config;
}

/// The provider: what it makes of a request depends on how many came in the last second.
class crowded_host {
public:
  crowded_host(const storm_options& how, time_point begin, dice random)
      : how_(how), dip_begin_(begin + how.before), dip_end_(dip_begin_ + how.dip), random_(random) {}

  answer operator()(const question& asked) {
    recent_.push_back(asked.now);
    while (recent_.front() + std::chrono::seconds{1} <= asked.now)
      recent_.pop_front();
    const std::uint64_t capacity =
        asked.now >= dip_begin_ && asked.now < dip_end_ ? how_.dip_capacity : how_.capacity;
    const std::uint64_t crowd = recent_.size();
    answer made;
    if (crowd > capacity &&
        !random_.chance(static_cast<std::uint32_t>(capacity * capacity * 1'000 / (crowd * crowd)))) {
      made.is = fault::refuse;
      made.delay = milliseconds{5};
      failure refused = make_failure(errc::network, "connection refused");
      refused.fate = outcome::not_sent;
      made.breaks = std::move(refused);
      return made;
    }
    made.delay = milliseconds{50};
    made.text.prompt_tokens = made.text.completion_tokens = 1;
    made.text.words = {"yes"};
    made.head.status = 200;
    made.head.body = reply_body(asked.said.speaks, made.text);
    return made;
  }

private:
  storm_options how_;
  time_point dip_begin_;
  time_point dip_end_;
  dice random_;
  std::deque<time_point> recent_;
};

std::uint32_t peak_of(const std::vector<time_point>& posts, time_point from) {
  std::size_t most = 0;
  std::size_t first = 0;
  for (std::size_t n = 0; n != posts.size(); ++n) {
    while (posts[first] + std::chrono::seconds{1} <= posts[n])
      ++first;
    if (posts[n] >= from)
      most = std::max(most, n - first + 1);
  }
  return static_cast<std::uint32_t>(most);
}

/// When the last second began that has more than one in a hundred calls with trouble.
std::optional<milliseconds> recovery_of(const storm_watch& seen, time_point dip_end, time_point end) {
  time_point last_bad = dip_end;
  std::deque<std::size_t> window;
  std::size_t bad = 0;
  for (std::size_t n = 0; n != seen.sent.size(); ++n) {
    if (seen.sent[n] < dip_end)
      continue;
    window.push_back(n);
    bad += seen.smooth[n] ? 0 : 1;
    while (seen.sent[window.front()] + std::chrono::seconds{1} <= seen.sent[n]) {
      bad -= seen.smooth[window.front()] ? 0 : 1;
      window.pop_front();
    }
    if (!seen.smooth[n] && bad * 100 > window.size())
      last_bad = seen.sent[n];
  }
  if (last_bad + std::chrono::seconds{5} > end)
    return std::nullopt;
  return std::chrono::duration_cast<milliseconds>(last_bad - dip_end);
}

} // namespace

storm_report run_storm(std::uint64_t seed, const storm_options& how) {
  dice random(seed);
  agenda events;
  machine on(events, random.split(), false);
  const auto now = [&on] { return on.now(); };
  storm_watch seen(now);
  const auto network =
      std::make_shared<world>(events, world::clocks{now, [&on] { return on.wall(); }}, seen, random.split());
  const time_point begin = on.now();
  const time_point end = begin + how.before + how.dip + how.after;
  network->decider = crowded_host(how, begin, random.split());
  on.start(network, std::make_shared<disk>(events, now, random.split(), planted_fault::none),
           storm_config(how));
  const surroundings around{events, now, seen, random};
  const std::int64_t gap = 1'000'000 / how.offered;
  const std::uint64_t calls = static_cast<std::uint64_t>((end - begin) / microseconds{gap});
  seen.smooth.resize(static_cast<std::size_t>(calls));
  for (std::uint64_t n = 0; n != calls; ++n) {
    const time_point at =
        begin + microseconds{static_cast<std::int64_t>(n) * gap + random.between<std::int64_t>(0, gap / 2)};
    seen.sent.push_back(at);
    events.at(at, [&, n] {
      planned_call call;
      call.number = n;
      call.request.model = model_name("m");
      call.request.messages.push_back(make_message(role::user, "#" + std::to_string(n) + "#"));
      call.request.timeout = std::chrono::minutes{1};
      make_call(on.system(), around, on.manager(), call, nullptr);
    });
  }
  on.run_until(end);
  on.run_until(end + std::chrono::minutes{2}, [&] { return seen.replies == calls; });
  storm_report told;
  told.seed = seed;
  told.calls = calls;
  told.posts = seen.posts.size();
  told.peak = peak_of(seen.posts, begin + how.before);
  told.amplification = static_cast<double>(told.peak) / how.offered;
  told.recovery = recovery_of(seen, begin + how.before + how.dip, end);
  on.stop();
  network->forget();
  return told;
}

} // namespace weir::simulation
