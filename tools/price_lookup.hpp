// What a model costs, as a call would be booked: by the configuration first, then by the list.
// Knows no command, and prints nothing.
#pragma once

#include <weir/prices.hpp>

#include <cstdint>
#include <string>

namespace weir::tools {

/// A model's prices at a moment.
struct known_price {
  std::string provider;            ///< the configuration's, or the list's
  std::string model;               ///< as asked for; of a list, the entry
  std::string entry;               ///< of the list that it was found in; empty: the configuration's own
  const pricing* prices = nullptr; ///< null: it has none
  std::uint32_t version = 0;       ///< as in `usage_record::price_version`
};

/// `book` may be null: there is no list.
known_price price_at(const provider_config& provider, const model_name& model, const price_book* book,
                     timestamp moment);

} // namespace weir::tools
