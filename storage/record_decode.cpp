// From bytes to a usage record. The bytes come from a disk: each is doubted.
// Knows no LMDB and no file.
#include "storage/bytes.hpp"
#include "storage/crc32c.hpp"
#include "storage/error_numbers.hpp"
#include "storage/record_format.hpp"
#include "storage/series.hpp"

#include <algorithm>
#include <limits>

namespace weir::storage {

namespace {

using namespace row_layout;

/// Reads one row. Each step says whether the bytes made sense so far; the first that did not is kept.
class row_parser {
public:
  row_parser(std::span<const std::uint8_t> bytes, row_view& into) : bytes_(bytes), in_({}), into_(into) {}

  row_problem run(const row_key& key) {
    (void)(envelope(key) && states() && times() && tokens() && amounts() && names() && tags() && extension());
    return problem_;
  }

private:
  bool wrong(const char* field, const char* problem) {
    problem_ = {field, problem};
    return false;
  }
  bool present(presence bit) const { return (into_.present & bit) != 0; }
  bool read(const char* field) { return in_.ok() || wrong(field, "is no number, or ends beyond the row"); }

  bool envelope(const row_key& key) {
    if (bytes_.size() < least_bytes)
      return wrong("length", "is less than the fixed part needs");
    if (bytes_[version_at] != record_version)
      return wrong("version", bytes_[version_at] > record_version ? "is newer than this program knows"
                                                                  : "is not that of this table");
    const std::size_t body = bytes_.size() - checksum_bytes;
    if (layout::load<std::uint32_t>(bytes_.data() + body) != crc32c(bytes_.first(body), crc32c(key)))
      return wrong("checksum", "does not match: the row is damaged");
    bytes_ = bytes_.first(body);
    in_ = byte_reader(bytes_.subspan(fixed_bytes));
    into_.present = layout::load<std::uint16_t>(bytes_.data() + presence_at);
    if ((into_.present & ~all_presence) != 0)
      return wrong("presence", "has bits without a meaning");
    into_.call = bytes_.subspan(call_at, 16);
    into_.time = time_of(key).time_since_epoch().count();
    return true;
  }

  bool states() {
    const std::uint8_t flags = bytes_[flags_at];
    const auto state = static_cast<std::uint8_t>(flags & state_mask);
    if (state < static_cast<std::uint8_t>(record_state::intent) ||
        state > static_cast<std::uint8_t>(record_state::void_attempt))
      return wrong("state", "is none of the four");
    if ((flags & ~(state_mask | success_flag | estimated_flag)) != 0)
      return wrong("flags", "has bits without a meaning");
    into_.state = static_cast<record_state>(state);
    into_.success = (flags & success_flag) != 0;
    into_.estimated = (flags & estimated_flag) != 0;
    into_.error_type = errc::none;
    if (!present(has_error_type))
      return true;
    const std::uint8_t number = in_.byte();
    if (number == 0 || number >= error_types.size())
      return wrong("error_type", "is no error class");
    into_.error_type = error_types[number];
    return true;
  }

  /// A small number that is written only where it is not what it mostly is.
  bool small(presence bit, const char* field, std::uint32_t usual, std::uint32_t& value) {
    value = usual;
    if (!present(bit))
      return true;
    const std::uint64_t number = in_.varint();
    if (!read(field))
      return false;
    if (number > std::numeric_limits<std::uint32_t>::max() || number == usual)
      return wrong(field, "has a value that is never written");
    value = static_cast<std::uint32_t>(number);
    return true;
  }

  bool times() {
    if (!small(has_attempt, "attempt", 1, into_.attempt) ||
        !small(has_price_version, "price_version", 0, into_.price_version))
      return false;
    into_.response_time = present(has_response_time) ? in_.zigzag() : 0;
    if (present(has_response_time) && in_.ok() && into_.response_time == 0)
      return wrong("response_time", "has a value that is never written");
    into_.first_token_time = present(has_first_token_time) ? in_.zigzag() : 0;
    return read("response_time");
  }

  bool tokens() {
    into_.prompt_tokens = in_.varint();
    into_.completion_tokens = in_.varint();
    const std::uint64_t usual = into_.prompt_tokens + into_.completion_tokens;
    into_.total_tokens = present(has_total_tokens) ? in_.varint() : usual;
    if (present(has_total_tokens) && in_.ok() && into_.total_tokens == usual)
      return wrong("total_tokens", "has a value that is never written");
    into_.cached_tokens = present(has_cached_tokens) ? in_.varint() : 0;
    into_.cache_write_tokens = present(has_cache_write_tokens) ? in_.varint() : 0;
    into_.cache_write_1h_tokens = present(has_cache_write_1h_tokens) ? in_.varint() : 0;
    into_.reasoning_tokens = present(has_reasoning_tokens) ? in_.varint() : 0;
    return read("tokens") && small(has_images, "images", 0, into_.images);
  }

  bool amount(presence bit, const char* field, money& value) {
    value = {};
    if (!present(bit))
      return true;
    value.picos = in_.zigzag();
    const auto letters = in_.bytes(3);
    if (!read(field))
      return false;
    if ((letters[0] | letters[1] | letters[2]) == 0)
      return true;
    const auto unit = currency::parse({reinterpret_cast<const char*>(letters.data()), letters.size()});
    if (!unit)
      return wrong(field, "has a currency that is not three capital letters");
    value.unit = *unit;
    return true;
  }

  bool amounts() {
    return amount(has_cost, "cost", into_.cost) && amount(has_cost_limit, "cost_limit", into_.cost_limit) &&
           amount(has_reported_cost, "reported_cost", into_.reported_cost);
  }

  bool names() {
    into_.request_id = in_.text();
    if (!read("request_id"))
      return false;
    if (into_.request_id.size() > max_string_bytes)
      return wrong("request_id", "is longer than the limit");
    into_.content = bytes_.first(static_cast<std::size_t>(in_.position() - bytes_.data()));
    const std::uint64_t number = in_.varint();
    if (number == 0 || number > std::numeric_limits<std::uint32_t>::max())
      return wrong("series", "is no number of a series");
    into_.series = static_cast<std::uint32_t>(number);
    return true;
  }

  bool tags() {
    const std::uint64_t number = in_.varint();
    if (!read("tags") || number > max_tags)
      return wrong("tags", "are more than the limit");
    into_.tag_count = static_cast<std::uint32_t>(number);
    const std::uint8_t* const start = in_.position();
    std::uint64_t least = 0;
    for (std::uint64_t each = 0; each != number; ++each) {
      const std::uint64_t place = in_.varint();
      const std::string_view key = in_.text();
      const std::string_view value = in_.text();
      if (!read("tags"))
        return false;
      if (place < least || place >= max_tags || key.size() > max_string_bytes ||
          value.size() > max_string_bytes)
        return wrong("tags", "are out of order, or beyond their limits");
      least = place + 1;
    }
    into_.tags = {start, in_.position()};
    return true;
  }

  /// Later versions' items: skipped, unless one says that it must not be.
  bool extension() {
    into_.extension = {in_.position(), in_.left()};
    std::optional<std::uint16_t> last;
    while (!in_.done()) {
      const auto tag = in_.word<std::uint16_t>();
      (void)in_.bytes(in_.word<std::uint32_t>());
      if (!in_.ok())
        return wrong("extension", "has an item that does not end within the row");
      if (last && tag <= *last)
        return wrong("extension", "has items out of order");
      if ((tag & critical_tag) != 0)
        return wrong("extension", "has an item without which a newer program forbids to read the record");
      last = tag;
    }
    return true;
  }

  std::span<const std::uint8_t> bytes_;
  byte_reader in_;
  row_view& into_;
  row_problem problem_;
};

/// All tags in their order: those of the row at their places, those of the series between them.
template <class Visit>
bool each_tag(const row_view& row, const series& names, Visit&& visit) {
  byte_reader own(row.tags);
  std::size_t next = 0;
  std::uint64_t place = 0;
  const auto from_series = [&](std::uint64_t until) {
    for (; place < until && next != names.tags.size(); ++place, ++next)
      visit(std::string_view(names.tags[next].first), std::string_view(names.tags[next].second));
    return place == until;
  };
  for (std::uint32_t each = 0; each != row.tag_count; ++each) {
    if (!from_series(own.varint()))
      return false;
    const std::string_view key = own.text();
    const std::string_view value = own.text();
    visit(key, value);
    ++place;
  }
  (void)from_series(max_tags);
  return next == names.tags.size();
}

std::optional<std::uint64_t> count_if(const row_view& row, presence bit, std::uint64_t value) {
  return (row.present & bit) != 0 ? std::optional(value) : std::nullopt;
}
std::optional<money> amount_if(const row_view& row, presence bit, const money& value) {
  return (row.present & bit) != 0 ? std::optional(value) : std::nullopt;
}

} // namespace

failure row_problem::error() const {
  return refuse(std::string("bad record: ") + field + ' ' + problem, std::string("record.") + field);
}

row_problem parse_row(const row_key& key, std::span<const std::uint8_t> bytes, row_view& into) {
  return row_parser(bytes, into).run(key);
}

row_problem to_record(const row_key& key, const row_view& row, const series& names, usage_record& into) {
  into.id = id_of(key);
  into.time = time_of(key);
  std::ranges::copy(row.call, into.call.bytes.begin());
  // Neighbours mostly have the same names: then nothing is allocated.
  if (into.model != names.model)
    into.model = names.model;
  if (into.provider != names.provider)
    into.provider = names.provider;
  into.request_id.assign(row.request_id);
  into.attempt = row.attempt;
  into.state = row.state;
  into.usage.prompt_tokens = row.prompt_tokens;
  into.usage.completion_tokens = row.completion_tokens;
  into.usage.total_tokens = row.total_tokens;
  into.usage.cached_tokens = count_if(row, has_cached_tokens, row.cached_tokens);
  into.usage.cache_write_tokens = count_if(row, has_cache_write_tokens, row.cache_write_tokens);
  into.usage.cache_write_1h_tokens = count_if(row, has_cache_write_1h_tokens, row.cache_write_1h_tokens);
  into.usage.reasoning_tokens = count_if(row, has_reasoning_tokens, row.reasoning_tokens);
  into.usage.source = row.estimated ? metering::estimated : metering::reported;
  into.usage.images = row.images;
  into.usage.reported_cost = amount_if(row, has_reported_cost, row.reported_cost);
  into.cost = amount_if(row, has_cost, row.cost);
  into.cost_limit = amount_if(row, has_cost_limit, row.cost_limit);
  into.price_version = row.price_version;
  into.success = row.success;
  into.error_type = row.error_type;
  into.response_time = std::chrono::microseconds{row.response_time};
  into.first_token_time.reset();
  if ((row.present & has_first_token_time) != 0)
    into.first_token_time = std::chrono::microseconds{row.first_token_time};
  if (row.tag_count + names.tags.size() > max_tags)
    return {"tags", "are more than the limit"};
  into.tags.resize(row.tag_count + names.tags.size());
  std::size_t at = 0;
  const bool fits = each_tag(row, names, [&](std::string_view key_text, std::string_view value) {
    into.tags[at].first.assign(key_text);
    into.tags[at++].second.assign(value);
  });
  return fits ? row_problem{} : row_problem{"tags", "have places that those of the series do not fill"};
}

std::optional<std::string_view> find_tag(const row_view& row, const series& names, std::string_view key) {
  // Tags of one key stand all in the series or all in the row, so their order is kept.
  if (const auto found = std::ranges::find(names.tags, key, &series::tag::first); found != names.tags.end())
    return found->second;
  byte_reader own(row.tags);
  for (std::uint32_t each = 0; each != row.tag_count; ++each) {
    (void)own.varint();
    const std::string_view name = own.text();
    const std::string_view value = own.text();
    if (name == key)
      return value;
  }
  return std::nullopt;
}

bool has_tag(const row_view& row, const series& names, std::string_view key, std::string_view value) {
  const auto same = [&](const auto& tag) { return tag.first == key && tag.second == value; };
  if (std::ranges::any_of(names.tags, same))
    return true;
  byte_reader own(row.tags);
  for (std::uint32_t each = 0; each != row.tag_count; ++each) {
    (void)own.varint();
    const std::string_view name = own.text();
    const std::string_view its_value = own.text();
    if (name == key && its_value == value)
      return true;
  }
  return false;
}

std::uint32_t content_hash(const row_view& row, const series& names) {
  std::uint32_t texts = names.text_sum;
  if (row.tag_count != 0) {
    texts = sum_names(names.provider.str(), names.model.str());
    (void)each_tag(row, names,
                   [&](std::string_view key, std::string_view value) { texts = sum_tag(texts, key, value); });
  }
  std::uint8_t tail[4];
  layout::store(tail, texts);
  return crc32c(tail, crc32c(row.content));
}

} // namespace weir::storage
