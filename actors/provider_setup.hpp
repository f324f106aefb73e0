// What a provider actor needs of a snapshot: configuration, codec and endpoint, made together and immutable.
// An attempt keeps the setup that it began with.
#pragma once

#include "protocols/codec.hpp"
#include "transport/client.hpp"

#include <weir/config.hpp>

#include <map>
#include <memory>

namespace weir::actors {

struct provider_setup {
  provider_config config;
  bool price_usage = true;                                                  ///< `cost_tracking`
  std::unique_ptr<const protocols::codec> codec;                            ///< of the provider's own API
  std::map<api_kind, std::unique_ptr<const protocols::codec>> other_codecs; ///< of models with another one
  std::shared_ptr<const transport::endpoint> endpoint;

  /// What speaks for a model.
  const protocols::codec& codec_for(const model_name& model) const noexcept;

  /// The prices of a model, or null: it has none, or costs are not tracked.
  const pricing* prices_of(const model_name& model) const noexcept;
};

using setup_ptr = std::shared_ptr<const provider_setup>;

/// The setup of one provider of a snapshot. With a `previous` one whose endpoint is the same, the endpoint
/// and so its open connections are kept. Errors: `config`.
result<setup_ptr> make_setup(const snapshot& config, const provider_config& provider,
                             const provider_setup* previous = nullptr);

} // namespace weir::actors
