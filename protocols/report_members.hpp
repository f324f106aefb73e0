// The members that all of weir's own JSON reports are made of.
// Knows no report: which members one has, it says itself.
#pragma once

#include "protocols/json.hpp"

#include <weir/error.hpp>
#include <weir/usage.hpp>

#include <chrono>
#include <cstdint>
#include <optional>
#include <string>

namespace weir::protocols {

/// A count; null where it is not known.
void write_count(json_writer& out, const char* name, std::optional<std::uint64_t> value);
void write_flag(json_writer& out, const char* name, bool value);
/// A time in milliseconds, exactly; null where there is none.
void write_time(json_writer& out, const char* name, std::optional<std::chrono::microseconds> time);
/// The class of an error; null for `none`.
void write_error_name(json_writer& out, const char* name, errc type);
/// A failure as an object.
void write_failure(json_writer& out, const failure& error);
/// A failure; null where there is none.
void write_error(json_writer& out, const char* name, const std::optional<failure>& error);

/// A summary as an object, with the members that were grouped by.
void write_summary(json_writer& out, const usage_summary& summary, const usage_grouping& grouping);

/// An array of what `write_one` writes of each value.
template <class Values, class Write>
void write_array(json_writer& out, const char* name, const Values& values, Write write_one) {
  out.Key(name);
  out.StartArray();
  for (const auto& each : values)
    write_one(out, each);
  out.EndArray();
}

/// The text of what `write` writes.
template <class Write>
std::string written(Write write) {
  rapidjson::StringBuffer buffer;
  json_writer out(buffer);
  write(out);
  return {buffer.GetString(), buffer.GetSize()};
}

} // namespace weir::protocols
