// A plan in JSON as the same plan in TOML, so that both are read by one schema.
// Knows no member of a plan.
#pragma once

#include <weir/config.hpp>

#include <string>

namespace weir::mock {

/// Translates a JSON object; members that are null are left out. The fault of a text that is no JSON has line
/// and column; `file` is named in it.
boost::system::result<std::string, config_fault> json_to_toml(const std::string& text,
                                                              const std::string& file);

} // namespace weir::mock
