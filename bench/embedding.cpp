// Filling in the embedder's side.
#include "bench/embedding.hpp"

#include <algorithm>
#include <utility>

namespace weir::bench {

caf::actor_system_config& share_work(caf::actor_system_config& config) {
  config.set("scheduler.policy", caf::atom("sharing"));
  config.set("scheduler.max-threads", std::size_t{1});
  return config;
}

std::shared_ptr<snapshot> config_for_upstream(const call_options& options,
                                              const std::filesystem::path& folder) {
  auto config = std::make_shared<snapshot>();
  provider_config provider;
  provider.name = provider_name("mock");
  provider.type = provider_type::generic;
  provider.api_key = secret("bench-key");
  provider.base_url = options.upstream;
  provider.allow_insecure_http = true; // its key is none
  provider.max_concurrency = std::max(256U, options.concurrency);
  model_config model;
  model.name = model_name(options.model);
  pricing prices;
  prices.unit = *currency::parse("USD");
  prices.input = *parse_price("30.0", price_unit::million_tokens);
  prices.output = *parse_price("60.0", price_unit::million_tokens);
  model.prices = prices;
  provider.models.push_back(std::move(model));
  config->default_provider = provider.name;
  config->providers.push_back(std::move(provider));
  config->usage_data_dir = folder;
  config->limits.max_in_flight = std::max(2000U, options.concurrency);
  return config;
}

chat_request make_question(const call_options& options) {
  chat_request request;
  request.model = model_name(options.model);
  request.messages.push_back(make_message(role::system, "You are a helpful assistant that answers briefly."));
  request.messages.push_back(make_message(role::user,
                                          "Which ocean contains Bouvet Island, and how far is the nearest "
                                          "inhabited land? Answer in up to three words."));
  request.max_tokens = 256;
  return request;
}

} // namespace weir::bench
