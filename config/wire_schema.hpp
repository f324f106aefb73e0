// The schema of how a provider is spoken to: its API, how the key is told, and where servers of one API
// differ. Knows nothing of limits, models' prices or the rest of the file.
#pragma once

#include "config/presets.hpp"
#include "config/table_reader.hpp"

#include <optional>

namespace weir::config {

/// Reads `api` of a provider or of one of its models. Nothing where it is absent or wrong.
std::optional<api_kind> read_api(table_reader& in, provider_type type);

/// Reads the options of a provider whose type, preset and models are known. Faults are collected; what is
/// wrong keeps its default.
wire_options read_wire(reading& shared, table_reader& in, const provider_config& provider,
                       const preset& defaults);

} // namespace weir::config
