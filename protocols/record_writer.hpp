// A document of usage records, written piece by piece: CSV, one JSON array, or JSON Lines.
// Knows no file and keeps no record: every function only adds to a text.
#pragma once

#include <weir/usage.hpp>

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace weir::protocols {

/// `csv`, `json`, `jsonl`; nothing for any other text.
std::optional<export_format> to_export_format(std::string_view name) noexcept;

/// Writes a document: `begin`, `add` for each record, `end`. Without `end` it is no whole document, so that
/// nobody takes a part for all of it.
class record_writer {
public:
  explicit record_writer(export_format format) noexcept : format_(format) {}

  void begin(std::string& out) const;
  void add(const usage_record& record, std::string& out);
  void end(std::string& out) const;

  /// How many records were added.
  std::uint64_t count() const noexcept { return count_; }

private:
  export_format format_;
  std::uint64_t count_ = 0;
};

} // namespace weir::protocols
