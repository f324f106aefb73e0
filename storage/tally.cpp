// Adding, taking back and storing of sums.
// Knows no table.
#include "storage/tally.hpp"

#include "storage/crc32c.hpp"

#include <optional>

namespace weir::storage {

namespace {

constexpr std::uint8_t tally_version = 1;
constexpr std::size_t checksum_bytes = 4;

enum counter : std::size_t {
  total_requests,
  successful_requests,
  failed_requests,
  unknown_requests,
  void_requests,
  unpriced_requests,
  estimated_requests,
  prompt_tokens,
  completion_tokens,
  total_tokens,
  cached_tokens,
  cache_write_tokens,
  reasoning_tokens,
  response_time,
  counter_number,
};
static_assert(counter_number == tally::counters);

wide_word widened(std::int64_t picos, std::uint64_t times) {
  return static_cast<wide_word>(int128{picos}) *
         static_cast<wide_word>(int128{static_cast<std::int64_t>(times)});
}

void encode_sums(const amount_sums& sums, byte_writer& out) {
  const auto& entries = sums.entries();
  out.varint(static_cast<std::size_t>(
      std::ranges::count_if(entries, [](const auto& each) { return each.count != 0; })));
  for (const auto& each : entries) {
    if (each.count == 0)
      continue;
    out.bytes(each.unit.letters().data(), each.unit.letters().size());
    out.varint(each.count);
    out.wide(static_cast<int128>(each.picos));
  }
}

bool decode_sums(byte_reader& in, amount_sums& into) {
  std::optional<currency> last;
  for (std::uint64_t left = in.varint(); left != 0 && in.ok(); --left) {
    const auto letters = in.bytes(3);
    if (!in.ok())
      return false;
    currency unit;
    if ((letters[0] | letters[1] | letters[2]) != 0) {
      const auto parsed = currency::parse({reinterpret_cast<const char*>(letters.data()), letters.size()});
      if (!parsed)
        return false;
      unit = *parsed;
    }
    const std::uint64_t count = in.varint();
    if (count == 0 || (last && !(*last < unit)))
      return false;
    last = unit;
    into.add(unit, count, static_cast<wide_word>(in.wide()));
  }
  return in.ok();
}

} // namespace

void amount_sums::add(currency unit, std::uint64_t count, wide_word picos) {
  auto at = entries_.begin();
  while (at != entries_.end() && at->unit < unit)
    ++at;
  if (at == entries_.end() || at->unit != unit)
    at = entries_.insert(at, {unit, 0, 0});
  at->count += count;
  at->picos += picos;
}

void amount_sums::add(const amount_sums& other) {
  for (const entry& each : other.entries_)
    add(each.unit, each.count, each.picos);
}

std::map<currency, money_sum> amount_sums::to_sums() const {
  std::map<currency, money_sum> sums;
  for (const entry& each : entries_)
    if (each.count != 0)
      sums.emplace(each.unit, money_sum(static_cast<int128>(each.picos), each.unit));
  return sums;
}

void tally::count(const row_figures& row, std::uint64_t times) {
  using namespace row_layout;
  counters_[total_requests] += times;
  if (row.success) {
    counters_[successful_requests] += times;
    counters_[response_time] += times * static_cast<std::uint64_t>(row.response_time);
    response_.add(duration_histogram::bucket_of(std::chrono::microseconds{row.response_time}), times);
    if ((row.present & has_first_token_time) != 0)
      first_token_.add(duration_histogram::bucket_of(std::chrono::microseconds{row.first_token_time}), times);
    if ((row.present & has_cost) == 0)
      counters_[unpriced_requests] += times;
  } else {
    counters_[failed_requests] += times;
    if (row.state == record_state::unknown)
      counters_[unknown_requests] += times;
    if (row.state == record_state::void_attempt)
      counters_[void_requests] += times;
  }
  if (row.estimated)
    counters_[estimated_requests] += times;
  counters_[prompt_tokens] += times * row.prompt_tokens;
  counters_[completion_tokens] += times * row.completion_tokens;
  counters_[total_tokens] += times * row.total_tokens;
  counters_[cached_tokens] += times * row.cached_tokens;
  counters_[cache_write_tokens] += times * row.cache_write_tokens;
  counters_[reasoning_tokens] += times * row.reasoning_tokens;
  if ((row.present & has_cost) != 0)
    cost_.add(row.cost.unit, times, widened(row.cost.picos, times));
  if ((row.present & has_reported_cost) != 0)
    reported_.add(row.reported_cost.unit, times, widened(row.reported_cost.picos, times));
  if (row.state == record_state::unknown && (row.present & has_cost_limit) != 0)
    limit_.add(row.cost_limit.unit, times, widened(row.cost_limit.picos, times));
}

void tally::add(const tally& other) {
  for (std::size_t at = 0; at != counters; ++at)
    counters_[at] += other.counters_[at];
  first_ = std::min(first_, other.first_);
  last_ = std::max(last_, other.last_);
  cost_.add(other.cost_);
  reported_.add(other.reported_);
  limit_.add(other.limit_);
  response_.add(other.response_);
  first_token_.add(other.first_token_);
}

void tally::clear() noexcept {
  counters_ = {};
  set_times(std::numeric_limits<std::int64_t>::max(), std::numeric_limits<std::int64_t>::min());
  cost_.clear();
  reported_.clear();
  limit_.clear();
  response_.clear();
  first_token_.clear();
}

void tally::encode(std::span<const std::uint8_t> key, std::vector<std::uint8_t>& out) const {
  const std::size_t sums = cost_.entries().size() + reported_.entries().size() + limit_.entries().size();
  const std::size_t most = 1 + (counters + 5) * max_varint_bytes +
                           sums * (3 + max_varint_bytes + max_wide_bytes) + response_.most_bytes() +
                           first_token_.most_bytes() + checksum_bytes;
  const std::size_t start = out.size();
  out.resize(start + most);
  byte_writer put(out.data() + start);
  put.byte(tally_version);
  for (std::size_t at = 0; at != counters; ++at)
    put.varint(counters_[at]);
  put.zigzag(first_);
  put.varint(static_cast<std::uint64_t>(last_) - static_cast<std::uint64_t>(first_));
  encode_sums(cost_, put);
  encode_sums(reported_, put);
  encode_sums(limit_, put);
  response_.encode(put);
  first_token_.encode(put);
  put.word(crc32c({out.data() + start, put.position()}, crc32c(key)));
  out.resize(static_cast<std::size_t>(put.position() - out.data()));
}

const char* tally::add_stored(std::span<const std::uint8_t> key, std::span<const std::uint8_t> value) {
  if (value.size() < 1 + checksum_bytes)
    return "the row is too short";
  const auto body = value.first(value.size() - checksum_bytes);
  if (layout::load<std::uint32_t>(value.data() + body.size()) != crc32c(body, crc32c(key)))
    return "the checksum does not match: the row is damaged";
  if (body[0] != tally_version)
    return "the version is newer than this program knows";
  byte_reader in(body.subspan(1));
  for (std::size_t at = 0; at != counters; ++at)
    counters_[at] += in.varint();
  const std::int64_t first = in.zigzag();
  const auto last = static_cast<std::int64_t>(static_cast<std::uint64_t>(first) + in.varint());
  first_ = std::min(first_, first);
  last_ = std::max(last_, last);
  const bool sound = decode_sums(in, cost_) && decode_sums(in, reported_) && decode_sums(in, limit_) &&
                     response_.add_stored(in) && first_token_.add_stored(in);
  return sound && in.done() ? nullptr : "the row makes no sense";
}

usage_summary tally::to_summary() const {
  usage_summary made;
  made.total_requests = counters_[total_requests];
  made.successful_requests = counters_[successful_requests];
  made.failed_requests = counters_[failed_requests];
  made.unknown_requests = counters_[unknown_requests];
  made.void_requests = counters_[void_requests];
  made.unpriced_requests = counters_[unpriced_requests];
  made.estimated_requests = counters_[estimated_requests];
  made.total_prompt_tokens = counters_[prompt_tokens];
  made.total_completion_tokens = counters_[completion_tokens];
  made.total_tokens = counters_[total_tokens];
  made.total_cached_tokens = counters_[cached_tokens];
  made.total_cache_write_tokens = counters_[cache_write_tokens];
  made.total_reasoning_tokens = counters_[reasoning_tokens];
  made.total_response_time = std::chrono::microseconds{static_cast<std::int64_t>(counters_[response_time])};
  made.total_cost = cost_.to_sums();
  made.reported_cost = reported_.to_sums();
  made.unknown_cost_limit = limit_.to_sums();
  made.response_times = response_.to_histogram();
  made.first_token_times = first_token_.to_histogram();
  made.first_request_time = timestamp{std::chrono::microseconds{first_}};
  made.last_request_time = timestamp{std::chrono::microseconds{last_}};
  return made;
}

} // namespace weir::storage
