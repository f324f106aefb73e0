// Writing of members whose name or value is at hand as text.
// Knows no vendor. Raw JSON that is handed in must have been checked.
#pragma once

#include "protocols/json.hpp"

#include <string_view>

namespace weir::protocols {

/// The name of a member whose value comes next.
inline void write_key(json_writer& out, std::string_view name) {
  out.Key(name.data(), static_cast<rapidjson::SizeType>(name.size()));
}

/// JSON text as it is, as a value.
inline void write_raw(json_writer& out, std::string_view json) {
  out.RawValue(json.data(), json.size(), rapidjson::kObjectType);
}

/// The same as a member.
inline void write_raw(json_writer& out, std::string_view name, std::string_view json) {
  write_key(out, name);
  write_raw(out, json);
}

} // namespace weir::protocols
