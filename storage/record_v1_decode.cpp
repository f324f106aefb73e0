// From the bytes of version 1 to a usage record. The bytes come from a disk: each is doubted.
// Knows no LMDB and no file.
#include "storage/crc32c.hpp"
#include "storage/record_format.hpp"
#include "storage/record_v1.hpp"
#include "storage/record_v1_layout.hpp"

#include <algorithm>
#include <optional>
#include <string>
#include <string_view>

namespace weir::storage {

namespace {

using namespace layout;

/// Reads one record. Each step says whether the bytes made sense so far; the first that did not is kept.
class decoder {
public:
  decoder(std::span<const std::uint8_t> bytes, usage_record& into) : bytes_(bytes), into_(into) {}

  bool run() {
    return envelope() && states() && times() && tokens() && amounts() && strings() && tags() && extension();
  }

  failure error() const {
    failure bad = make_failure(errc::storage, std::string("bad record: ") + field_ + ' ' + problem_,
                               std::string("record.") + field_);
    bad.retryable = false;
    return bad;
  }

private:
  bool wrong(const char* field, const char* problem) {
    field_ = field;
    problem_ = problem;
    return false;
  }

  template <std::unsigned_integral Word>
  Word word(std::size_t at) const {
    return load<Word>(bytes_.data() + at);
  }
  std::int64_t signed_word(std::size_t at) const {
    return static_cast<std::int64_t>(word<std::uint64_t>(at));
  }
  bool present(presence bit) const { return (present_ & bit) != 0; }

  bool envelope() {
    if (bytes_.size() < least_bytes)
      return wrong("length", "is less than the fixed part needs");
    if (!std::ranges::equal(bytes_.first(magic.size()), magic))
      return wrong("magic", "is not that of a weir record");
    if (bytes_[version_at] > 1)
      return wrong("version", "is newer than this program knows");
    if (bytes_[version_at] != 1)
      return wrong("version", "has never been written");
    if (word<std::uint32_t>(length_at) != bytes_.size())
      return wrong("length", "differs from the size of the row");
    const std::size_t body = bytes_.size() - checksum_bytes;
    if (word<std::uint32_t>(body) != crc32c(bytes_.first(body)))
      return wrong("checksum", "does not match: the row is damaged");
    bytes_ = bytes_.first(body);
    at_ = fixed_bytes;
    present_ = word<std::uint16_t>(presence_at);
    if ((present_ & ~all_presence) != 0)
      return wrong("presence", "has bits without a meaning");
    if (word<std::uint16_t>(reserved_at) != 0)
      return wrong("reserved", "is not zero");
    return true;
  }

  bool states() {
    const std::uint8_t state = bytes_[state_at];
    if (state < static_cast<std::uint8_t>(record_state::intent) ||
        state > static_cast<std::uint8_t>(record_state::void_attempt))
      return wrong("state", "is none of the four");
    into_.state = static_cast<record_state>(state);
    if (bytes_[success_at] > 1)
      return wrong("success", "is neither 0 nor 1");
    into_.success = bytes_[success_at] == 1;
    if (bytes_[error_type_at] >= error_types.size())
      return wrong("error_type", "is no error class");
    into_.error_type = error_types[bytes_[error_type_at]];
    if (bytes_[metering_at] != metering_reported && bytes_[metering_at] != metering_estimated)
      return wrong("metering", "is neither reported nor estimated");
    into_.usage.source = bytes_[metering_at] == metering_estimated ? metering::estimated : metering::reported;
    return true;
  }

  bool times() {
    std::copy_n(bytes_.begin() + id_at, into_.id.bytes.size(), into_.id.bytes.begin());
    std::copy_n(bytes_.begin() + call_at, into_.call.bytes.size(), into_.call.bytes.begin());
    into_.time = timestamp{std::chrono::microseconds{signed_word(time_at)}};
    into_.response_time = std::chrono::microseconds{signed_word(response_time_at)};
    into_.price_version = word<std::uint32_t>(price_version_at);
    into_.attempt = word<std::uint32_t>(attempt_at);
    into_.first_token_time.reset();
    if (present(has_first_token_time))
      into_.first_token_time = std::chrono::microseconds{signed_word(first_token_time_at)};
    else if (signed_word(first_token_time_at) != 0)
      return wrong("first_token_time", "is absent and not zero");
    return true;
  }

  bool count(std::size_t at, presence bit, const char* field, std::optional<std::uint64_t>& value) {
    const auto number = word<std::uint64_t>(at);
    value.reset();
    if (present(bit))
      value = number;
    else if (number != 0)
      return wrong(field, "is absent and not zero");
    return true;
  }

  bool tokens() {
    token_usage& usage = into_.usage;
    usage.images = 0;
    usage.reported_cost.reset();
    usage.prompt_tokens = word<std::uint64_t>(prompt_tokens_at);
    usage.completion_tokens = word<std::uint64_t>(completion_tokens_at);
    usage.total_tokens = word<std::uint64_t>(total_tokens_at);
    return count(cached_tokens_at, has_cached_tokens, "cached_tokens", usage.cached_tokens) &&
           count(cache_write_tokens_at, has_cache_write_tokens, "cache_write_tokens",
                 usage.cache_write_tokens) &&
           count(cache_write_1h_tokens_at, has_cache_write_1h_tokens, "cache_write_1h_tokens",
                 usage.cache_write_1h_tokens) &&
           count(reasoning_tokens_at, has_reasoning_tokens, "reasoning_tokens", usage.reasoning_tokens);
  }

  bool amount(std::size_t at, std::size_t unit_at, presence bit, const char* field,
              std::optional<money>& value) {
    value.reset();
    const auto letters = bytes_.subspan(unit_at, 3);
    const bool no_unit = std::ranges::all_of(letters, [](std::uint8_t each) { return each == 0; });
    if (!present(bit))
      return (no_unit && signed_word(at) == 0) || wrong(field, "is absent and not zero");
    currency unit;
    if (!no_unit) {
      const std::array<char, 3> code{static_cast<char>(letters[0]), static_cast<char>(letters[1]),
                                     static_cast<char>(letters[2])};
      const auto parsed = currency::parse({code.data(), code.size()});
      if (!parsed)
        return wrong(field, "has a currency that is not three capital letters");
      unit = *parsed;
    }
    value = money{signed_word(at), unit};
    return true;
  }

  bool amounts() {
    return amount(cost_at, cost_currency_at, has_cost, "cost", into_.cost) &&
           amount(cost_limit_at, cost_limit_currency_at, has_cost_limit, "cost_limit", into_.cost_limit);
  }

  bool text(const char* field, std::string_view& value) {
    if (bytes_.size() - at_ < 2)
      return wrong(field, "has no length");
    const std::size_t size = word<std::uint16_t>(at_);
    at_ += 2;
    if (bytes_.size() - at_ < size)
      return wrong(field, "is longer than the row");
    value = {reinterpret_cast<const char*>(bytes_.data()) + at_, size};
    at_ += size;
    return true;
  }

  bool strings() {
    std::string_view model;
    std::string_view provider;
    std::string_view request_id;
    if (!text("model", model) || !text("provider", provider) || !text("request_id", request_id))
      return false;
    // Neighbours mostly have the same names: then nothing is allocated.
    if (into_.model.str() != model)
      into_.model = model_name{model};
    if (into_.provider.str() != provider)
      into_.provider = provider_name{provider};
    into_.request_id.assign(request_id);
    return true;
  }

  bool tags() {
    const std::size_t number = bytes_[tag_count_at];
    if (number > max_tags)
      return wrong("tags", "are more than the limit");
    into_.tags.resize(number);
    for (auto& [key, value] : into_.tags) {
      std::string_view key_text;
      std::string_view value_text;
      if (!text("tags", key_text) || !text("tags", value_text))
        return false;
      key.assign(key_text);
      value.assign(value_text);
    }
    return true;
  }

  /// Later versions' items: skipped, unless one says that it must not be.
  bool extension() {
    if (bytes_.size() - at_ < 4)
      return wrong("extension", "has no length");
    if (word<std::uint32_t>(at_) != bytes_.size() - at_ - 4)
      return wrong("extension", "does not end where the row ends");
    at_ += 4;
    std::optional<std::uint16_t> last;
    while (at_ != bytes_.size()) {
      if (bytes_.size() - at_ < item_head_bytes)
        return wrong("extension", "has an item without a head");
      const auto tag = word<std::uint16_t>(at_);
      const auto size = word<std::uint32_t>(at_ + 2);
      at_ += item_head_bytes;
      if (bytes_.size() - at_ < size)
        return wrong("extension", "has an item that is longer than the row");
      if (last && tag <= *last)
        return wrong("extension", "has items out of order");
      if ((tag & critical_tag) != 0)
        return wrong("extension", "has an item without which a newer program forbids to read the record");
      last = tag;
      at_ += size;
    }
    return true;
  }

  std::span<const std::uint8_t> bytes_;
  usage_record& into_;
  std::size_t at_ = 0;
  std::uint16_t present_ = 0;
  const char* field_ = "";
  const char* problem_ = "";
};

} // namespace

result<void> decode_record_v1(std::span<const std::uint8_t> bytes, usage_record& into) {
  decoder reader(bytes, into);
  if (!reader.run())
    return reader.error();
  return {};
}

std::span<const std::uint8_t> extension_of_v1(std::span<const std::uint8_t> bytes) noexcept {
  std::size_t at = fixed_bytes;
  const std::size_t strings = 3 + 2 * std::size_t{bytes[tag_count_at]};
  for (std::size_t each = 0; each != strings; ++each)
    at += 2 + std::size_t{load<std::uint16_t>(bytes.data() + at)};
  return bytes.subspan(at + 4, load<std::uint32_t>(bytes.data() + at));
}

} // namespace weir::storage
