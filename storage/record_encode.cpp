// From a usage record to its bytes.
// Knows no LMDB and no file.
#include "storage/bytes.hpp"
#include "storage/crc32c.hpp"
#include "storage/error_numbers.hpp"
#include "storage/record_format.hpp"
#include "storage/series.hpp"

namespace weir::storage {

namespace {

using namespace row_layout;

failure cannot(const usage_record& record, const std::string& field, const std::string& problem) {
  return refuse("record " + to_string(record.id) + " cannot be booked: " + field + ' ' + problem,
                "record." + field);
}

/// Which of a record's figures its row has.
std::uint16_t presence_of(const usage_record& record) noexcept {
  const token_usage& usage = record.usage;
  unsigned made = 0;
  const auto note = [&made](presence bit, bool there) { made |= there ? unsigned{bit} : 0U; };
  note(has_error_type, record.error_type != errc::none);
  note(has_attempt, record.attempt != 1);
  note(has_price_version, record.price_version != 0);
  note(has_response_time, record.response_time.count() != 0);
  note(has_first_token_time, record.first_token_time.has_value());
  note(has_total_tokens, usage.total_tokens != usage.prompt_tokens + usage.completion_tokens);
  note(has_cached_tokens, usage.cached_tokens.has_value());
  note(has_cache_write_tokens, usage.cache_write_tokens.has_value());
  note(has_cache_write_1h_tokens, usage.cache_write_1h_tokens.has_value());
  note(has_reasoning_tokens, usage.reasoning_tokens.has_value());
  note(has_images, usage.images != 0);
  note(has_cost, record.cost.has_value());
  note(has_cost_limit, record.cost_limit.has_value());
  note(has_reported_cost, usage.reported_cost.has_value());
  return static_cast<std::uint16_t>(made);
}

/// Writes a record; first the content, then the names, then the end.
class row_writer {
public:
  row_writer(std::uint8_t* start, const usage_record& record)
      : record_(record), start_(start), out_(start), present_(presence_of(record)) {}

  /// All before the series.
  void content() {
    const token_usage& usage = record_.usage;
    head();
    if (has(has_error_type))
      out_.byte(error_number(record_.error_type).value_or(0));
    if (has(has_attempt))
      out_.varint(record_.attempt);
    if (has(has_price_version))
      out_.varint(record_.price_version);
    if (has(has_response_time))
      out_.zigzag(record_.response_time.count());
    if (has(has_first_token_time))
      out_.zigzag(record_.first_token_time->count());
    out_.varint(usage.prompt_tokens);
    out_.varint(usage.completion_tokens);
    if (has(has_total_tokens))
      out_.varint(usage.total_tokens);
    count(usage.cached_tokens);
    count(usage.cache_write_tokens);
    count(usage.cache_write_1h_tokens);
    count(usage.reasoning_tokens);
    if (has(has_images))
      out_.varint(usage.images);
    amount(record_.cost);
    amount(record_.cost_limit);
    amount(usage.reported_cost);
    out_.text(cut_request_id(record_.request_id));
  }

  void names(const series& shared) {
    out_.varint(shared.number);
    out_.varint(record_.tags.size() - shared.tags.size());
    std::size_t next = 0;
    for (std::size_t place = 0; place != record_.tags.size(); ++place) {
      const auto& tag = record_.tags[place];
      if (next != shared.tags.size() && tag == shared.tags[next]) {
        ++next;
        continue;
      }
      out_.varint(place);
      out_.text(tag.first);
      out_.text(tag.second);
    }
  }

  std::uint8_t* end(std::span<const std::uint8_t> extension) {
    out_.bytes(extension.data(), extension.size());
    const row_key key = make_row_key(record_.time, record_.id);
    const auto size = static_cast<std::size_t>(out_.position() - start_);
    out_.word(crc32c({start_, size}, crc32c(key)));
    return out_.position();
  }

private:
  bool has(presence bit) const noexcept { return (present_ & bit) != 0; }
  void count(const std::optional<std::uint64_t>& value) {
    if (value)
      out_.varint(*value);
  }
  void amount(const std::optional<money>& value) {
    if (!value)
      return;
    out_.zigzag(value->picos);
    out_.bytes(value->unit.letters().data(), value->unit.letters().size());
  }
  void head() {
    out_.byte(record_version);
    out_.byte(static_cast<std::uint8_t>(static_cast<unsigned>(record_.state) |
                                        (record_.success ? success_flag : 0U) |
                                        (record_.usage.source == metering::estimated ? estimated_flag : 0U)));
    out_.word(present_);
    out_.bytes(record_.call.bytes.data(), record_.call.bytes.size());
  }

  const usage_record& record_;
  std::uint8_t* start_;
  byte_writer out_;
  std::uint16_t present_;
};

} // namespace

std::string_view cut_request_id(std::string_view text) noexcept {
  if (text.size() <= max_string_bytes)
    return text;
  std::size_t end = max_string_bytes;
  // A UTF-8 character has three continuation bytes at most; what has more is not UTF-8 and is cut as it is.
  for (int step = 0; step != 3 && (static_cast<unsigned char>(text[end]) & 0xc0U) == 0x80U; ++step)
    --end;
  if ((static_cast<unsigned char>(text[end]) & 0xc0U) == 0x80U)
    end = max_string_bytes;
  return text.substr(0, end);
}

result<void> check_record(const usage_record& record) {
  const auto too_long = [&](const std::string& field, std::size_t bytes) {
    return cannot(record, field,
                  "has " + std::to_string(bytes) + " bytes; the limit is " +
                      std::to_string(max_string_bytes));
  };
  if (record.state < record_state::intent || record.state > record_state::void_attempt)
    return cannot(record, "state", "is none of the four");
  if (!error_number(record.error_type))
    return cannot(record, "error_type", "is no error class");
  if (record.usage.source != metering::reported && record.usage.source != metering::estimated)
    return cannot(record, "metering", "is neither reported nor estimated");
  if (record.model.str().size() > max_string_bytes)
    return too_long("model", record.model.str().size());
  if (record.provider.str().size() > max_string_bytes)
    return too_long("provider", record.provider.str().size());
  if (record.tags.size() > max_tags)
    return cannot(record, "tags",
                  "are " + std::to_string(record.tags.size()) + "; the limit is " + std::to_string(max_tags));
  for (std::size_t at = 0; at != record.tags.size(); ++at) {
    const auto& [key, value] = record.tags[at];
    if (key.size() > max_string_bytes)
      return too_long("tags[" + std::to_string(at) + "].key", key.size());
    if (value.size() > max_string_bytes)
      return too_long("tags[" + std::to_string(at) + "].value", value.size());
  }
  return {};
}

row_figures figures_of(const usage_record& record, std::uint32_t series) noexcept {
  const token_usage& usage = record.usage;
  row_figures made;
  made.state = record.state;
  made.success = record.success;
  made.estimated = usage.source == metering::estimated;
  made.error_type = record.error_type;
  made.present = presence_of(record);
  made.series = series;
  made.time = record.time.time_since_epoch().count();
  made.response_time = record.response_time.count();
  made.first_token_time = record.first_token_time.value_or(std::chrono::microseconds{0}).count();
  made.prompt_tokens = usage.prompt_tokens;
  made.completion_tokens = usage.completion_tokens;
  made.total_tokens = usage.total_tokens;
  made.cached_tokens = usage.cached_tokens.value_or(0);
  made.cache_write_tokens = usage.cache_write_tokens.value_or(0);
  made.reasoning_tokens = usage.reasoning_tokens.value_or(0);
  made.cost = record.cost.value_or(money{});
  made.cost_limit = record.cost_limit.value_or(money{});
  made.reported_cost = usage.reported_cost.value_or(money{});
  return made;
}

void encode_record(const usage_record& record, const series& names, std::vector<std::uint8_t>& out,
                   std::span<const std::uint8_t> extension) {
  // Room for every number at its longest.
  std::size_t most = fixed_bytes + 20 * max_varint_bytes +
                     std::min(record.request_id.size(), max_string_bytes) + extension.size() + checksum_bytes;
  if (record.tags.size() != names.tags.size())
    for (const auto& [key, value] : record.tags)
      most += 3 * max_varint_bytes + key.size() + value.size();
  const std::size_t start = out.size();
  out.resize(start + most);
  row_writer write(out.data() + start, record);
  write.content();
  write.names(names);
  out.resize(static_cast<std::size_t>(write.end(extension) - out.data()));
}

} // namespace weir::storage
