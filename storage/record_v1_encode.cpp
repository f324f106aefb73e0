// From a usage record to its bytes of version 1, whose hashes the index of schema 1 has.
// Knows no LMDB and no file.
#include "storage/crc32c.hpp"
#include "storage/record_format.hpp"
#include "storage/record_v1.hpp"
#include "storage/record_v1_layout.hpp"

#include <algorithm>
#include <optional>
#include <string>
#include <string_view>
#include <utility>

namespace weir::storage {

namespace {

/// Writes the fixed part, field by field, at the place that each has. What is absent stays zero.
class fixed_part {
public:
  explicit fixed_part(std::uint8_t* bytes) : bytes_(bytes) {}

  void byte(std::size_t at, std::uint8_t value) { bytes_[at] = value; }
  template <std::unsigned_integral Word>
  void word(std::size_t at, Word value) {
    layout::store(bytes_ + at, value);
  }
  void signed_word(std::size_t at, std::int64_t value) { word(at, static_cast<std::uint64_t>(value)); }
  void id(std::size_t at, const id128& value) { std::ranges::copy(value.bytes, bytes_ + at); }

  void optional_word(std::size_t at, const std::optional<std::uint64_t>& value, layout::presence bit) {
    if (!value)
      return;
    word(at, *value);
    mark(bit);
  }
  void optional_money(std::size_t at, std::size_t currency_at, const std::optional<money>& value,
                      layout::presence bit) {
    if (!value)
      return;
    signed_word(at, value->picos);
    std::ranges::copy(value->unit.letters(), bytes_ + currency_at);
    mark(bit);
  }
  void mark(layout::presence bit) { present_ = static_cast<std::uint16_t>(present_ | bit); }
  std::uint16_t present() const { return present_; }

private:
  std::uint8_t* bytes_;
  std::uint16_t present_ = 0;
};

void put_fixed(std::uint8_t* bytes, const usage_record& record) {
  using namespace layout;
  fixed_part put(bytes);
  std::ranges::copy(magic, bytes);
  put.byte(version_at, 1);
  put.byte(state_at, static_cast<std::uint8_t>(record.state));
  put.byte(success_at, record.success ? 1 : 0);
  put.byte(error_type_at, error_number(record.error_type).value_or(0));
  put.byte(metering_at, record.usage.source == metering::estimated ? metering_estimated : metering_reported);
  put.byte(tag_count_at, static_cast<std::uint8_t>(record.tags.size()));
  put.id(id_at, record.id);
  put.id(call_at, record.call);
  put.signed_word(time_at, record.time.time_since_epoch().count());
  put.signed_word(response_time_at, record.response_time.count());
  if (record.first_token_time) {
    put.signed_word(first_token_time_at, record.first_token_time->count());
    put.mark(has_first_token_time);
  }
  const token_usage& usage = record.usage;
  put.word(prompt_tokens_at, usage.prompt_tokens);
  put.word(completion_tokens_at, usage.completion_tokens);
  put.word(total_tokens_at, usage.total_tokens);
  put.optional_word(cached_tokens_at, usage.cached_tokens, has_cached_tokens);
  put.optional_word(cache_write_tokens_at, usage.cache_write_tokens, has_cache_write_tokens);
  put.optional_word(cache_write_1h_tokens_at, usage.cache_write_1h_tokens, has_cache_write_1h_tokens);
  put.optional_word(reasoning_tokens_at, usage.reasoning_tokens, has_reasoning_tokens);
  put.optional_money(cost_at, cost_currency_at, record.cost, has_cost);
  put.optional_money(cost_limit_at, cost_limit_currency_at, record.cost_limit, has_cost_limit);
  put.word(price_version_at, record.price_version);
  put.word(attempt_at, record.attempt);
  put.word(presence_at, put.present());
}

template <std::unsigned_integral Word>
void append_word(std::vector<std::uint8_t>& out, Word value) {
  out.resize(out.size() + sizeof(Word));
  layout::store(out.data() + out.size() - sizeof(Word), value);
}

void append_text(std::vector<std::uint8_t>& out, std::string_view text) {
  append_word(out, static_cast<std::uint16_t>(text.size()));
  out.insert(out.end(), text.begin(), text.end());
}

} // namespace

void encode_record_v1(const usage_record& record, std::vector<std::uint8_t>& out) {
  const std::size_t start = out.size();
  out.resize(start + layout::fixed_bytes);
  put_fixed(out.data() + start, record);
  append_text(out, record.model.str());
  append_text(out, record.provider.str());
  append_text(out, cut_request_id(record.request_id));
  for (const auto& [key, value] : record.tags) {
    append_text(out, key);
    append_text(out, value);
  }
  append_word(out, std::uint32_t{0}); // no extension
  const std::size_t length = out.size() - start + layout::checksum_bytes;
  layout::store(out.data() + start + layout::length_at, static_cast<std::uint32_t>(length));
  append_word(out, crc32c(std::span(out).subspan(start)));
}

std::uint64_t content_hash_v1(std::span<const std::uint8_t> bytes) noexcept {
  std::uint64_t hash = 0xcbf29ce484222325;
  for (const std::uint8_t byte : bytes)
    hash = (hash ^ byte) * 0x100000001b3;
  return hash;
}

} // namespace weir::storage
