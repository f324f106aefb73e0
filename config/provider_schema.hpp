// The schema of `[llm.providers.P]`, with all that stands below it.
// Knows nothing of the rest of the file, and opens nothing but the CA file, to see that it is there.
#pragma once

#include "config/table_reader.hpp"

namespace weir::config {

/// Faults a provider's or model's name, a key of `in`, that has more than 1,024 bytes.
void check_name(table_reader& in, const std::string& name);

/// Reads one provider. Faults are collected; what is wrong keeps its default.
provider_config read_provider(reading& shared, const toml::table* table, const std::string& path,
                              const std::string& name);

} // namespace weir::config
