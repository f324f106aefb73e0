// The schemas of prices: of `[….pricing]`, of a price list in TOML, and of `[llm.prices]`.
// Reads no file but the one that it is given, and fetches nothing. Faults are collected.
#pragma once

#include "config/table_reader.hpp"

#include <iosfwd>
#include <optional>
#include <string>

namespace weir::config {

/// Reads the keys of a `pricing`, which may stand among others. Nothing when one of them is wrong or missing.
std::optional<pricing> read_pricing_keys(reading& shared, table_reader& in);

/// Reads `[….pricing]`; nothing where there is no such table. One that is wrong is a fault.
std::optional<pricing> read_pricing(reading& shared, const toml::table* table, const std::string& path);

/// Reads `[llm.prices]`.
void read_prices(reading& shared, const toml::table* table, const std::string& path, prices_config& prices);

/// Writes `[PATH.pricing]` so that it can be read again.
void write_pricing(std::ostream& out, const std::string& path, const pricing& prices);

/// Writes `[llm.prices]`.
void write_prices(std::ostream& out, const prices_config& prices);

} // namespace weir::config
