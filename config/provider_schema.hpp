// The schema of `[llm.providers.P]` and of its models and prices.
// Knows nothing of the rest of the file, and opens nothing but the CA file, to see that it is there.
#pragma once

#include "config/table_reader.hpp"

namespace weir::config {

/// Reads one provider. Faults are collected; what is wrong keeps its default.
provider_config read_provider(reading& shared, const toml::table* table, const std::string& path,
                              const std::string& name);

} // namespace weir::config
