// What a provider actor needs of a snapshot: configuration, codec and endpoint, made together and immutable.
// An attempt keeps the setup that it began with.
#pragma once

#include "protocols/codec.hpp"
#include "transport/client.hpp"

#include <weir/config.hpp>
#include <weir/prices.hpp>

#include <cstddef>
#include <map>
#include <memory>
#include <mutex>
#include <string>
#include <unordered_map>
#include <vector>

namespace weir::actors {

/// What speaks with one key: the key is in what it writes.
struct codec_set {
  std::unique_ptr<const protocols::codec> own;                        ///< of the provider's own API
  std::map<api_kind, std::unique_ptr<const protocols::codec>> others; ///< of models with another one
};

/// The entries of a price list that one provider's models were found in. The setup that has it is shared by
/// actors, so it is guarded.
class found_entries {
public:
  /// Null: the list has no such model.
  const price_entry* find(const price_book& list, const listed_provider& provider, const model_name& model);

private:
  /// A provider that takes any name may be asked for any number of them.
  static constexpr std::size_t room = 4096;

  std::mutex guard_;
  std::unordered_map<std::string, const price_entry*> found_;
};

struct provider_setup {
  provider_config config;
  std::string fair_by;               ///< `limits.fair_by`
  bool price_usage = true;           ///< `cost_tracking`
  milliseconds cancel_drain_time{0}; ///< `ledger.cancel_drain_time`
  std::uint32_t max_draining = 0;    ///< `ledger.max_draining`
  std::vector<codec_set> codecs;     ///< one for each key: of `api_key`, then of `more_keys`; never empty
  std::shared_ptr<const transport::endpoint> endpoint;
  std::shared_ptr<const price_book> prices;    ///< null: only the configuration has some
  const listed_provider* price_list = nullptr; ///< of it: as whose models these are listed; null: nobody's
  std::unique_ptr<found_entries> entries = std::make_unique<found_entries>();

  /// What speaks for a model, with a key by its place.
  const protocols::codec& codec_for(const model_name& model, std::size_t key) const noexcept;

  /// A key by its place.
  const secret& key_at(std::size_t place) const noexcept {
    return place == 0 ? config.api_key : config.more_keys[place - 1];
  }

  /// The prices of a model at a moment: the configuration's, else the list's. Null where it has none, or
  /// costs are not tracked. They live as long as the setup.
  priced prices_of(const model_name& model, timestamp moment) const;
};

using setup_ptr = std::shared_ptr<const provider_setup>;

/// The setup of one provider of a snapshot. With a `previous` one whose endpoint is the same, the endpoint
/// and so its open connections are kept. Errors: `config`.
result<setup_ptr> make_setup(const snapshot& config, const provider_config& provider,
                             const provider_setup* previous = nullptr);

} // namespace weir::actors
