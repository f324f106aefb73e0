// Prices and their differences, as JSON and as tables for people.
// Knows no command and prints nothing. Every amount is a decimal.
#pragma once

#include "tools/price_lookup.hpp"

#include <weir/prices.hpp>

#include <optional>
#include <string>
#include <vector>

namespace weir::tools {

/// `{"source":…,"version":…,"prices":[{provider,model,entry,currency,input_price,…,tiers:[…]}…],
/// "unpriced":[{place,problem}…]}`. `book` may be null.
std::string prices_document(const std::vector<known_price>& prices, const std::string& source,
                            const price_book* book);
std::string prices_table(const std::vector<known_price>& prices);

/// `{"source":…,"version":…,"changed":…,"changes":[…],"error":…}`
std::string update_document(const std::string& source, const price_book* book,
                            const std::vector<price_change>& changes, const std::optional<failure>& error);

/// `{"changes":[{provider,model,field,from,old,new,percent}…]}`
std::string changes_document(const std::vector<price_change>& changes);
std::string changes_table(const std::vector<price_change>& changes);

/// A change in per cent, with its sign and a tenth: `+12.5`; empty where there is none.
std::string percent_words(const price_change& change);

} // namespace weir::tools
