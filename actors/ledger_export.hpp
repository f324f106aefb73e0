// Writing the books to a file: the ledger's records, in one of the formats, whole or not at all.
// Knows no actor.
#pragma once

#include "storage/ledger.hpp"

#include <weir/messages.hpp>

#include <cstdint>
#include <functional>

namespace weir::actors {

/// Writes matching records to a file through a temporary name, in bounded memory. `progress` gets the records
/// so far, and ends the export by false (`cancelled`). Errors: `storage`; the file is as it was then.
result<exported> export_records(const storage::ledger& ledger, const export_usage& what,
                                const std::function<bool(std::uint64_t)>& progress);

} // namespace weir::actors
