// Builds setups. Pure apart from allocation: nothing is opened here.
#include "actors/provider_setup.hpp"

#include <weir/url.hpp>

namespace weir::actors {

namespace {

result<codec_set> make_codecs(const provider_config& provider) {
  const api_kind own = wire_of(provider).api;
  auto codec = protocols::make_codec(provider, own);
  if (!codec)
    return codec.error();
  codec_set made;
  made.own = std::move(*codec);
  for (const model_config& model : provider.models)
    if (model.api && *model.api != own && !made.others.contains(*model.api)) {
      auto other = protocols::make_codec(provider, *model.api);
      if (!other)
        return other.error();
      made.others.emplace(*model.api, std::move(*other));
    }
  return made;
}

} // namespace

const protocols::codec& provider_setup::codec_for(const model_name& model, std::size_t key) const noexcept {
  const codec_set& speaking = codecs[key];
  if (speaking.others.empty())
    return *speaking.own;
  const model_config* const found = find_model(config, model);
  const auto other =
      found != nullptr && found->api ? speaking.others.find(*found->api) : speaking.others.end();
  return other == speaking.others.end() ? *speaking.own : *other->second;
}

const price_entry* found_entries::find(const price_book& list, const listed_provider& provider,
                                       const model_name& model) {
  const std::lock_guard<std::mutex> lock(guard_);
  const auto known = found_.find(model.str());
  if (known != found_.end())
    return known->second;
  if (found_.size() >= room)
    found_.clear();
  return found_.emplace(model.str(), list.find(provider, model.str())).first->second;
}

priced provider_setup::prices_of(const model_name& model, timestamp moment) const {
  if (!price_usage)
    return {};
  const model_config* const own = find_model(config, model);
  if (own != nullptr && own->prices)
    return {&*own->prices, 0};
  if (price_list == nullptr)
    return {};
  const price_entry* const entry = entries->find(*prices, *price_list, model);
  const pricing* const listed = entry == nullptr ? nullptr : entry->at(moment);
  return listed == nullptr ? priced{} : priced{listed, prices->version()};
}

result<setup_ptr> make_setup(const snapshot& config, const provider_config& provider,
                             const provider_setup* previous) {
  auto base = parse_url(provider.base_url);
  if (!base)
    return base.error();
  // The loader says so too, with the line; but a snapshot may be made by hand.
  if (!base->tls && !provider.allow_insecure_http && !is_loopback(base->host))
    return make_failure(errc::config,
                        "'" + provider.name.str() +
                            "' would send its key in the clear: use https, or set "
                            "allow_insecure_http = true",
                        "base_url");
  auto setup = std::make_shared<provider_setup>();
  setup->config = provider;
  for (std::size_t key = 0; key <= provider.more_keys.size(); ++key) {
    provider_config with_key = provider;
    with_key.api_key = setup->key_at(key);
    auto codecs = make_codecs(with_key);
    if (!codecs)
      return codecs.error();
    setup->codecs.push_back(std::move(*codecs));
  }
  transport::endpoint endpoint;
  endpoint.tls = base->tls;
  endpoint.host = base->host;
  endpoint.port = base->port;
  endpoint.ca_file = provider.ca_file;
  endpoint.connect_timeout = provider.connect_timeout;
  endpoint.tls_timeout = provider.tls_timeout;
  endpoint.first_byte_timeout = provider.first_byte_timeout;
  endpoint.idle_timeout = provider.idle_timeout;
  endpoint.max_connections = provider.max_concurrency;
  endpoint.max_header_bytes = config.limits.max_header_bytes;
  endpoint.max_body_bytes = config.limits.max_body_bytes;
  setup->fair_by = config.limits.fair_by;
  setup->price_usage = config.cost_tracking;
  setup->prices = config.prices;
  setup->price_list = config.prices ? config.prices->provider_of(provider) : nullptr;
  setup->cancel_drain_time = config.ledger.cancel_drain_time;
  setup->max_draining = config.ledger.max_draining;
  if (previous != nullptr && *previous->endpoint == endpoint)
    setup->endpoint = previous->endpoint;
  else
    setup->endpoint = std::make_shared<const transport::endpoint>(std::move(endpoint));
  return setup_ptr(std::move(setup));
}

} // namespace weir::actors
