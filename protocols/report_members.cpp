// Counts, times, flags and failures as every report has them.
#include "protocols/report_members.hpp"

#include "protocols/report_json.hpp"

namespace weir::protocols {

void write_count(json_writer& out, const char* name, std::optional<std::uint64_t> value) {
  out.Key(name);
  if (value)
    out.Uint64(*value);
  else
    out.Null();
}

void write_flag(json_writer& out, const char* name, bool value) {
  out.Key(name);
  out.Bool(value);
}

void write_time(json_writer& out, const char* name, std::optional<std::chrono::microseconds> time) {
  out.Key(name);
  if (!time)
    return void(out.Null());
  const std::string text = to_milliseconds(*time);
  out.RawValue(text.data(), text.size(), rapidjson::kNumberType);
}

void write_error_name(json_writer& out, const char* name, errc type) {
  out.Key(name);
  if (type == errc::none)
    out.Null();
  else
    write_text(out, to_string(type));
}

void write_failure(json_writer& out, const failure& error) {
  out.StartObject();
  write_member(out, "type", to_string(error.type));
  write_member(out, "message", error.message);
  write_member(out, "vendor_message", error.vendor_message);
  write_member(out, "vendor_code", error.vendor_code);
  write_member(out, "provider", error.provider);
  write_member(out, "place", error.place);
  out.Key("status_code");
  out.Int(error.status_code);
  write_flag(out, "retryable", error.retryable);
  write_count(out, "retry_after_ms",
              error.retry_after ? std::optional(static_cast<std::uint64_t>(error.retry_after->count()))
                                : std::nullopt);
  write_member(out, "outcome", to_string(error.fate));
  out.EndObject();
}

void write_error(json_writer& out, const char* name, const std::optional<failure>& error) {
  out.Key(name);
  if (error)
    write_failure(out, *error);
  else
    out.Null();
}

} // namespace weir::protocols
