// The schema of `[llm.providers.P.models.M]` and of its prices.
// Knows nothing of the provider but its type, and opens nothing.
#pragma once

#include "config/table_reader.hpp"

namespace weir::config {

/// Reads one model of a provider of that type. Faults are collected; what is wrong keeps its default.
model_config read_model(reading& shared, const toml::table* table, const std::string& path,
                        const std::string& name, provider_type type);

} // namespace weir::config
