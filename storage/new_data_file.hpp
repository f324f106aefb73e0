// Making a ledger's data file: whole, and only then under its name.
// Knows LMDB's file; knows no table.
#pragma once

#include "storage/lmdb.hpp"

#include <weir/error.hpp>

#include <cstdint>
#include <filesystem>

namespace weir::storage {

/// Makes `data.mdb` in a folder where there is none, empty and durable. LMDB alone would write its first two
/// pages under the name at once and sync them much later: a power cut in between could leave one of them,
/// which is no LMDB file for ever.
result<void> make_data_file(const std::filesystem::path& dir, std::uint64_t map_bytes);

} // namespace weir::storage
