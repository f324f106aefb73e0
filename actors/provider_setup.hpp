// What a provider actor needs of a snapshot: configuration, codec and endpoint, made together and immutable.
// An attempt keeps the setup that it began with.
#pragma once

#include "protocols/codec.hpp"
#include "transport/client.hpp"

#include <weir/config.hpp>

#include <cstddef>
#include <map>
#include <memory>
#include <string>
#include <vector>

namespace weir::actors {

/// What speaks with one key: the key is in what it writes.
struct codec_set {
  std::unique_ptr<const protocols::codec> own;                        ///< of the provider's own API
  std::map<api_kind, std::unique_ptr<const protocols::codec>> others; ///< of models with another one
};

struct provider_setup {
  provider_config config;
  std::string fair_by;           ///< `limits.fair_by`
  bool price_usage = true;       ///< `cost_tracking`
  std::vector<codec_set> codecs; ///< one for each key: of `api_key`, then of `more_keys`; never empty
  std::shared_ptr<const transport::endpoint> endpoint;

  /// What speaks for a model, with a key by its place.
  const protocols::codec& codec_for(const model_name& model, std::size_t key) const noexcept;

  /// A key by its place.
  const secret& key_at(std::size_t place) const noexcept {
    return place == 0 ? config.api_key : config.more_keys[place - 1];
  }

  /// The prices of a model, or null: it has none, or costs are not tracked.
  const pricing* prices_of(const model_name& model) const noexcept;
};

using setup_ptr = std::shared_ptr<const provider_setup>;

/// The setup of one provider of a snapshot. With a `previous` one whose endpoint is the same, the endpoint
/// and so its open connections are kept. Errors: `config`.
result<setup_ptr> make_setup(const snapshot& config, const provider_config& provider,
                             const provider_setup* previous = nullptr);

} // namespace weir::actors
