// From a ledger into a file, a record at a time: memory stays the same however many there are.
// Knows no format: the writer that it is given does.
#pragma once

#include "storage/export_file.hpp"
#include "storage/ledger.hpp"

#include <cstdint>
#include <filesystem>
#include <optional>
#include <string>
#include <utility>

namespace weir::storage {

/// What came of an export.
struct export_report {
  std::uint64_t records = 0;
  std::uint64_t bytes = 0;
};

/// Writes every matching record into the file, which appears whole or not at all. A writer adds to a text, as
/// `begin(text)`, `add(record, text)` and `end(text)`; `go_on(record)` is asked before each record, and ends
/// the export by false. Errors: those of the scan and of the file; `cancelled` when it was ended.
template <class Writer, class GoOn>
result<export_report> export_records(const ledger& from, const usage_filter& filter, Writer writer,
                                     const std::filesystem::path& to, GoOn go_on) {
  auto file = export_file::create(to);
  if (!file)
    return file.error();
  export_report report;
  std::optional<failure> failed;
  std::string text;
  const auto flush = [&] {
    if (auto written = file->write(text); !written)
      failed = written.error();
    text.clear();
    return !failed;
  };
  writer.begin(text);
  auto scanned = from.scan(filter, [&](const usage_record& record) {
    if (!go_on(record)) {
      failed = make_failure(errc::cancelled, "the export was ended; there is no file", to.string());
      return false;
    }
    ++report.records;
    writer.add(record, text);
    return flush();
  });
  if (!scanned)
    return scanned.error();
  if (failed)
    return *std::move(failed);
  writer.end(text);
  if (!flush())
    return *std::move(failed);
  if (auto committed = file->commit(); !committed)
    return committed.error();
  report.bytes = file->bytes();
  return report;
}

} // namespace weir::storage
