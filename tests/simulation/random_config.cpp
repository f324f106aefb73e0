// The ranges are chosen so that limits are met often, and everything ends within some virtual minutes.
#include "tests/simulation/random_config.hpp"

#include <algorithm>

namespace weir::simulation {

namespace {

const std::vector<std::string> model_names{"m", "n", "o"};

pricing some_prices() {
  static const pricing prices = [] {
    pricing made;
    made.unit = *currency::parse("USD");
    made.input = *parse_price("30", price_unit::million_tokens);
    made.output = *parse_price("60", price_unit::million_tokens);
    return made;
  }();
  return prices;
}

model_config random_model(dice& random, const std::string& name) {
  model_config model;
  model.name = model_name(name);
  model.display_name = name;
  model.max_tokens = 1000;
  model.context_window = random.chance(200) ? 100'000 : 0;
  model.supports_prefill = random.chance(500);
  if (random.chance(900))
    model.prices = some_prices();
  return model;
}

void limit(dice& random, provider_config& provider) {
  provider.timeout = random.ms(2'000, 20'000);
  provider.stream_timeout = random.ms(5'000, 40'000);
  provider.first_token_timeout = random.chance(500) ? random.ms(1'000, 10'000) : milliseconds{0};
  provider.first_byte_timeout = random.ms(2'000, 60'000);
  provider.idle_timeout = random.ms(1'000, 30'000);
  provider.max_retries = std::nullopt;
  if (random.chance(300))
    provider.max_retries = random.between(0U, 4U);
  provider.max_concurrency = random.chance(300) ? random.between(1U, 4U) : random.between(5U, 64U);
  provider.max_queue = random.chance(300) ? random.between(1U, 5U) : random.between(5U, 100U);
  provider.max_queue_wait = random.ms(500, 30'000);
  provider.requests_per_minute = random.chance(300) ? random.between(60U, 300U) : 0;
  provider.tokens_per_minute = random.chance(200) ? random.between(20'000U, 200'000U) : 0;
  provider.learn_limits = random.chance(800);
  provider.adaptive_concurrency = random.chance(200);
}

provider_config random_provider(dice& random, const std::string& name) {
  provider_config provider;
  provider.name = provider_name(name);
  provider.type =
      random.pick(std::vector{provider_type::openai, provider_type::claude, provider_type::generic});
  provider.base_url = "http://" + name + "/v1";
  provider.allow_insecure_http = true;
  provider.api_key = secret(key_of(name, 1));
  if (random.chance(300))
    for (std::uint32_t more = random.between(1U, 2U), number = 2; more != 0; --more, ++number)
      provider.more_keys.emplace_back(key_of(name, number));
  for (const std::string& each : model_names)
    if (each == "m" || random.chance(400))
      provider.models.push_back(random_model(random, each));
  limit(random, provider);
  return provider;
}

retry_config random_retry(dice& random) {
  retry_config retry = retry_config::defaults();
  if (random.chance(500))
    for (auto& [type, rule] : retry.rules) {
      rule.max_retries = random.between(0U, 5U);
      rule.backoff =
          random.pick(std::vector{backoff_kind::exponential, backoff_kind::linear, backoff_kind::fixed});
      rule.base_delay = random.ms(10, 2'000);
      rule.max_delay = rule.base_delay + random.ms(0, 10'000);
      rule.factor_permille = random.between(1'000U, 4'000U);
    }
  retry.max_total_attempts = random.chance(500) ? 6 : random.between(1U, 10U);
  retry.max_unknown_repeats = random.between(0U, 2U);
  retry.max_retry_after = random.chance(500) ? milliseconds{120'000} : random.ms(500, 10'000);
  retry.jitter = random.chance(700);
  retry.budget.enabled = random.chance(850);
  retry.budget.tokens = random.chance(500) ? 10 : random.between(1U, 20U);
  retry.budget.per_success_permille = random.chance(500) ? 100 : random.between(0U, 500U);
  retry.budget.refill_time = random.chance(300) ? milliseconds{0} : random.ms(1'000, 60'000);
  return retry;
}

breaker_config random_breaker(dice& random) {
  breaker_config breaker;
  breaker.window = random.ms(2'000, 30'000);
  breaker.min_calls = random.between(2U, 12U);
  breaker.failure_percent = random.between(20U, 90U);
  breaker.slow_after = random.chance(500) ? milliseconds{0} : random.ms(200, 4'000);
  breaker.slow_percent = random.between(30U, 100U);
  breaker.open_time = random.ms(300, 8'000);
  breaker.max_open_time = breaker.open_time + random.ms(0, 30'000);
  breaker.half_open_permits = random.between(1U, 3U);
  breaker.jitter_percent = random.between(0U, 30U);
  breaker.last_resort = random.chance(300) ? milliseconds{0} : random.ms(500, 5'000);
  return breaker;
}

route_config random_route(dice& random, const std::string& name, const snapshot& config) {
  route_config route;
  route.name = model_name(name);
  route.strategy = static_cast<route_strategy>(random.below(5));
  for (const provider_config& each : config.providers)
    if (random.chance(700))
      route.candidates.push_back({each.name, random.pick(each.models).name, random.between(0U, 5U)});
  if (route.candidates.empty())
    route.candidates.push_back({config.providers.front().name, model_name("m"), 1});
  // Weights of zero alone would leave `weighted` without a choice.
  route.candidates.front().weight = std::max(route.candidates.front().weight, 1U);
  for (std::size_t n = route.candidates.size(); n > 1; --n)
    std::swap(route.candidates[n - 1], route.candidates[static_cast<std::size_t>(random.below(n))]);
  if (random.chance(300))
    route.sticky_by = "agent";
  if (random.chance(400))
    route.rescue = static_cast<rescue_policy>(random.below(4));
  if (random.chance(200))
    route.hedge_after = random.ms(100, 3'000);
  route.reroute_content_filter = random.chance(300);
  return route;
}

void add_routes(dice& random, snapshot& config) {
  config.routes.clear();
  for (const char* name : {"fast", "smart"})
    config.routes.push_back(random_route(random, name, config));
}

limits_config random_limits(dice& random) {
  limits_config limits;
  limits.max_in_flight = random.chance(200) ? random.between(5U, 30U) : 2'000;
  limits.call_timeout = random.ms(10'000, 60'000);
  limits.drain_timeout = random.ms(0, 20'000);
  limits.queue_patience = random.ms(0, 3'000);
  return limits;
}

ledger_config random_ledger(dice& random) {
  ledger_config ledger;
  ledger.batch_records = random.between(1U, 64U);
  ledger.batch_delay = random.ms(1, 100);
  ledger.max_pending = random.chance(300) ? random.between(10U, 100U) : 65'536;
  ledger.refuse_when_broken = random.chance(700);
  ledger.durability = random.chance(700) ? durability::strict : durability::relaxed;
  ledger.cancel_drain_time = random.chance(300) ? milliseconds{0} : random.ms(100, 6'000);
  ledger.max_draining = random.between(1U, 20U);
  return ledger;
}

} // namespace

std::string key_of(const std::string& provider, std::uint32_t number) {
  return "key-" + provider + "-" + std::to_string(number);
}

std::shared_ptr<snapshot> random_config(dice& random) {
  auto config = std::make_shared<snapshot>();
  const std::uint64_t count = 1 + random.below(4);
  for (std::uint64_t n = 0; n != count; ++n)
    config->providers.push_back(random_provider(random, host_names[static_cast<std::size_t>(n)]));
  config->default_provider = random.pick(config->providers).name;
  config->retry = random_retry(random);
  config->breaker = random_breaker(random);
  config->limits = random_limits(random);
  config->ledger = random_ledger(random);
  add_routes(random, *config);
  return config;
}

std::shared_ptr<snapshot> changed_config(dice& random, const snapshot& old) {
  auto config = std::make_shared<snapshot>(old);
  ++config->version;
  for (provider_config& each : config->providers) {
    if (random.chance(300))
      limit(random, each);
    if (random.chance(100) && each.more_keys.empty())
      each.more_keys.emplace_back(key_of(each.name.str(), 2));
    each.enabled = random.chance(900) || each.name == config->default_provider;
  }
  if (config->providers.size() > 1 && random.chance(300))
    std::erase_if(config->providers, [&](const provider_config& each) {
      return each.name != config->default_provider && random.chance(400);
    });
  for (const std::string& name : host_names)
    if (random.chance(150) && config->find(provider_name(name)) == nullptr)
      config->providers.push_back(random_provider(random, name));
  if (random.chance(300))
    config->breaker = random_breaker(random);
  if (random.chance(300))
    config->limits = random_limits(random);
  if (random.chance(300))
    config->ledger = random_ledger(random);
  add_routes(random, *config);
  return config;
}

} // namespace weir::simulation
