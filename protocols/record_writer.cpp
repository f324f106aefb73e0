// What stands before, between and behind the records of each format.
// Knows no fields: those stand in report_csv and report_json.
#include "protocols/record_writer.hpp"

#include "protocols/report_csv.hpp"
#include "protocols/report_json.hpp"

namespace weir::protocols {

std::optional<export_format> to_export_format(std::string_view name) noexcept {
  if (name == "csv")
    return export_format::csv;
  if (name == "json")
    return export_format::json;
  if (name == "jsonl")
    return export_format::json_lines;
  return std::nullopt;
}

void record_writer::begin(std::string& out) const {
  if (format_ == export_format::csv)
    out += csv_header();
}

void record_writer::add(const usage_record& record, std::string& out) {
  if (format_ == export_format::csv) {
    out += to_csv(record);
  } else {
    if (format_ == export_format::json)
      out += count_ == 0 ? "[" : ",\n";
    out += to_json(record);
    if (format_ == export_format::json_lines)
      out += '\n';
  }
  ++count_;
}

void record_writer::end(std::string& out) const {
  if (format_ == export_format::json)
    out += count_ == 0 ? "[]\n" : "]\n";
}

} // namespace weir::protocols
