// The schema of `[llm.routes.NAME]`.
// Knows the providers that were read before, and nothing else of the file.
#pragma once

#include "config/table_reader.hpp"

#include <vector>

namespace weir::config {

/// Reads all routes, in the order of the file. `config` has its providers already. Faults are collected; what
/// is wrong keeps its default.
std::vector<route_config> read_routes(reading& shared, const toml::table* table, const std::string& path,
                                      const snapshot& config);

} // namespace weir::config
