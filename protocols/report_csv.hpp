// Usage records and summaries as CSV (RFC 4180), safe to open in a spreadsheet.
// Lines end in CRLF; money is a plain decimal; nothing is an empty field.
#pragma once

#include <weir/usage.hpp>

#include <string>
#include <vector>

namespace weir::protocols {

/// The header line of records, with its line end.
std::string csv_header();

/// One record as a line, with its line end. Tags are `key=value` joined by `;`.
std::string to_csv(const usage_record& record);

/// Header and one line for each summary and currency, be it of a cost, of an unknown cost's limit or of what
/// a provider said. The columns that were grouped by come first; a tag's is named `tag:KEY`.
std::string to_csv(const std::vector<usage_summary>& summaries, const usage_grouping& grouping = {});

} // namespace weir::protocols
