// The same order as in a provider's setup.
#include "tools/price_lookup.hpp"

namespace weir::tools {

known_price price_at(const provider_config& provider, const model_name& model, const price_book* book,
                     timestamp moment) {
  known_price found{provider.name.str(), model.str(), {}, nullptr, 0};
  const model_config* const own = find_model(provider, model);
  if (own != nullptr && own->prices) {
    found.prices = &*own->prices;
    return found;
  }
  const listed_provider* const listed = book == nullptr ? nullptr : book->provider_of(provider);
  if (const price_entry* const entry = listed == nullptr ? nullptr : book->find(*listed, model.str())) {
    found.entry = entry->name;
    found.prices = entry->at(moment);
    found.version = found.prices == nullptr ? 0 : book->version();
  }
  return found;
}

} // namespace weir::tools
