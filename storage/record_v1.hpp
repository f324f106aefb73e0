// Records and hashes as schema 1 had them: read when a ledger is brought up to date.
// Knows no LMDB and no file.
#pragma once

#include <weir/usage.hpp>

#include <cstdint>
#include <span>
#include <vector>

namespace weir::storage {

/// Reads a record into `into`, reusing its memory. Takes nothing for granted: bytes that cannot have been
/// written are a `storage` failure that names the field in `place`, and `into` is then unspecified.
result<void> decode_record_v1(std::span<const std::uint8_t> bytes, usage_record& into);

/// The extension items of a record that `decode_record_v1` has accepted; empty when there are none.
std::span<const std::uint8_t> extension_of_v1(std::span<const std::uint8_t> bytes) noexcept;

/// Appends what version 1 would have written of a record that `check_record` has accepted.
void encode_record_v1(const usage_record& record, std::vector<std::uint8_t>& out);

/// FNV-1a of 64 bits over a record's bytes: what the index of schema 1 holds of a content.
std::uint64_t content_hash_v1(std::span<const std::uint8_t> bytes) noexcept;

} // namespace weir::storage
