// How a provider is: what its actor knows, and what an active probe finds.
#include "actors/provider.hpp"

#include <caf/send.hpp>

#include <utility>

namespace weir::actors {

provider_state::health_promise provider_state::check(const provider_probe& question) {
  auto answer = self_->make_response_promise<provider_health>();
  health_.in_flight = static_cast<std::uint32_t>(in_flight_.size());
  door_->tell(health_, now());
  if (!question.active) {
    answer.deliver(health_);
    return answer;
  }
  if (offline_) {
    provider_health seen = health_;
    seen.probe_error = is_offline();
    answer.deliver(std::move(seen));
    return answer;
  }
  const std::uint64_t number = ++last_probe_;
  probes_.emplace(number, promise_guard<provider_health>{answer, [] { return provider_health{}; }});
  auto home = caf::actor_cast<provider_impl>(self_);
  const std::size_t key = door_->key_for_probe(now());
  world_->network->post(setup_->endpoint, setup_->codec_for({}, key).encode_models(), setup_->config.timeout,
                        [home = std::move(home), number, setup = setup_, key](transport::exchange done) {
                          caf::anon_send(home, probe_end{number, setup, key, std::move(done)});
                        });
  return answer;
}

void provider_state::probed(probe_end& done) {
  auto found = probes_.extract(done.number);
  if (found.empty())
    return;
  provider_health seen = health_;
  seen.probe_latency = done.exchange.total;
  if (!done.exchange.response)
    seen.probe_error = std::move(done.exchange.response.error());
  else if (auto listed = done.setup->codec_for({}, done.key).decode_models(*done.exchange.response, today()))
    seen.models = std::move(*listed);
  else
    seen.probe_error = std::move(listed.error());
  seen.reachable = !seen.probe_error;
  if (seen.probe_error)
    seen.probe_error->provider = seen.name.str();
  found.mapped().deliver(std::move(seen));
}

} // namespace weir::actors
