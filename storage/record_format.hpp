// A usage record as bytes, in the form in which it stays on disk for good (docs/ledger-format.md).
// Knows no LMDB and no file.
#pragma once

#include "storage/keys.hpp"

#include <weir/usage.hpp>

#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace weir::storage {

struct series;

/// The version of a record that this program writes.
inline constexpr std::uint8_t record_version = 2;

/// The longest model, provider, request id, tag key or tag value, in bytes.
inline constexpr std::size_t max_string_bytes = 65'535;

/// The most tags that one record may have.
inline constexpr std::size_t max_tags = 64;

/// Where the parts of a record stand.
namespace row_layout {

inline constexpr std::size_t version_at = 0;
inline constexpr std::size_t flags_at = 1;
inline constexpr std::size_t presence_at = 2;
inline constexpr std::size_t call_at = 4;
inline constexpr std::size_t fixed_bytes = 20;
inline constexpr std::size_t checksum_bytes = 4;
/// Two counts of tokens, an empty request id, a series, no tags.
inline constexpr std::size_t least_bytes = fixed_bytes + 5 + checksum_bytes;

inline constexpr std::uint8_t state_mask = 7;
inline constexpr std::uint8_t success_flag = 8;
inline constexpr std::uint8_t estimated_flag = 16;

enum presence : std::uint16_t {
  has_error_type = 1U << 0U,
  has_attempt = 1U << 1U,
  has_price_version = 1U << 2U,
  has_response_time = 1U << 3U,
  has_first_token_time = 1U << 4U,
  has_total_tokens = 1U << 5U,
  has_cached_tokens = 1U << 6U,
  has_cache_write_tokens = 1U << 7U,
  has_cache_write_1h_tokens = 1U << 8U,
  has_reasoning_tokens = 1U << 9U,
  has_images = 1U << 10U,
  has_cost = 1U << 11U,
  has_cost_limit = 1U << 12U,
  has_reported_cost = 1U << 13U,
  all_presence = (1U << 14U) - 1U,
};

/// An extension item: its tag (2), the length of its bytes (4), its bytes.
inline constexpr std::size_t item_head_bytes = 6;

/// A tag with this bit changes the meaning of the rest: who does not know it must not read the record.
inline constexpr std::uint16_t critical_tag = 0x8000;

} // namespace row_layout

/// What of a row is summed up, and by what. Absent figures are zero; `present` tells.
struct row_figures {
  record_state state = record_state::settled;
  bool success = false;
  bool estimated = false;
  errc error_type = errc::none;
  std::uint16_t present = 0;
  std::uint32_t series = 0; ///< the number of the names and tags that it shares with others
  std::int64_t time = 0;    ///< microseconds since 1970
  std::int64_t response_time = 0;
  std::int64_t first_token_time = 0;
  std::uint64_t prompt_tokens = 0;
  std::uint64_t completion_tokens = 0;
  std::uint64_t total_tokens = 0;
  std::uint64_t cached_tokens = 0;
  std::uint64_t cache_write_tokens = 0;
  std::uint64_t reasoning_tokens = 0;
  money cost;
  money cost_limit;
  money reported_cost;

  friend bool operator==(const row_figures&, const row_figures&) = default;
};

/// The figures of a record as the row would have them that `encode_record` makes of it.
row_figures figures_of(const usage_record& record, std::uint32_t series) noexcept;

/// What a row says, without its names and tags. Texts and spans point into the row.
struct row_view : row_figures {
  std::uint32_t attempt = 1;
  std::uint32_t price_version = 0;
  std::uint32_t images = 0;
  std::uint64_t cache_write_1h_tokens = 0;
  std::string_view request_id;
  std::span<const std::uint8_t> call;
  std::uint32_t tag_count = 0;             ///< of the tags that stand in the row itself
  std::span<const std::uint8_t> tags;      ///< each: its place among all tags, key, value
  std::span<const std::uint8_t> extension; ///< items of a later version
  std::span<const std::uint8_t> content;   ///< all that stands before the series
};

/// The field that makes no sense, and why; no field: all is well.
struct row_problem {
  const char* field = nullptr;
  const char* problem = "";

  bool none() const noexcept { return field == nullptr; }
  failure error() const;
};

/// The request id up to the limit, without the character that the limit would cut in two.
std::string_view cut_request_id(std::string_view text) noexcept;

/// Whether a record can be written: a field beyond its limit, other than `request_id`, is a `storage` failure
/// that names the field in `place`.
result<void> check_record(const usage_record& record);

/// Appends the bytes of a record that `check_record` accepted to `out`. A longer `request_id` is cut, for the
/// provider chose it. `names` is the record's series; `extension` are items of a later version to carry
/// along.
void encode_record(const usage_record& record, const series& names, std::vector<std::uint8_t>& out,
                   std::span<const std::uint8_t> extension = {});

/// Reads a row. Takes nothing for granted: bytes that `encode_record` cannot have written for this key are a
/// problem, and `into` is then unspecified. The tags are checked as well, except their number against that of
/// the series.
[[nodiscard]] row_problem parse_row(const row_key& key, std::span<const std::uint8_t> bytes, row_view& into);

/// Completes a parsed row with the names and tags of its series, reusing the record's memory.
[[nodiscard]] row_problem to_record(const row_key& key, const row_view& row, const series& names,
                                    usage_record& into);

/// The value of the first tag with this key; nothing when there is none.
std::optional<std::string_view> find_tag(const row_view& row, const series& names, std::string_view key);

/// Whether the row has this tag with this value.
bool has_tag(const row_view& row, const series& names, std::string_view key, std::string_view value);

/// Tells one content from another, by whatever series they are written; protects against nobody.
std::uint32_t content_hash(const row_view& row, const series& names);

} // namespace weir::storage
