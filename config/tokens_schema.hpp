// The schema of `[llm.tokens]`.
// Knows nothing of the rest of the file; loads the vocabularies that it names, and installs none.
#pragma once

#include "config/table_reader.hpp"

namespace weir::config {

/// Reads the table, and the files that stand in it but for those whose vocabulary the process has already:
/// they need only be there. What cannot be loaded is a fault of the key.
std::vector<vocabulary_file> read_tokens(reading& shared, const toml::table* table, const std::string& path);

} // namespace weir::config
