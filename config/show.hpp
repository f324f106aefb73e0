// The effective configuration as TOML, every default written out and every secret masked.
// Knows no command; writes no file.
#pragma once

#include <weir/config.hpp>

#include <string>

namespace weir::config {

std::string to_toml(const snapshot& config);

} // namespace weir::config
