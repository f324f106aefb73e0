// A usage record as bytes, in the form in which it stays on disk for good (docs/ledger-format.md).
// Knows no LMDB and no file.
#pragma once

#include <weir/usage.hpp>

#include <cstddef>
#include <cstdint>
#include <span>
#include <vector>

namespace weir::storage {

/// The version of a record that this program writes, and the newest that it reads.
inline constexpr std::uint8_t record_version = 1;

/// The longest model, provider, request id, tag key or tag value, in bytes.
inline constexpr std::size_t max_string_bytes = 65'535;

/// The most tags that one record may have.
inline constexpr std::size_t max_tags = 64;

/// Appends the record's bytes to `out`. A longer `request_id` is cut at the limit, before the character that
/// crosses it, for the provider chose it; any other field beyond its limit is a `storage` failure that names
/// the field in `place`, and then `out` is as before. `extension` are items of a later version to carry
/// along, as `extension_of` gave them.
result<void> encode_record(const usage_record& record, std::vector<std::uint8_t>& out,
                           std::span<const std::uint8_t> extension = {});

/// Reads a record into `into`, reusing its memory. Takes nothing for granted: bytes that `encode_record`
/// cannot have written are a `storage` failure that names the field in `place`, and `into` is then
/// unspecified.
result<void> decode_record(std::span<const std::uint8_t> bytes, usage_record& into);

/// The extension items of a record that `decode_record` has accepted; empty when there are none.
std::span<const std::uint8_t> extension_of(std::span<const std::uint8_t> bytes) noexcept;

} // namespace weir::storage
