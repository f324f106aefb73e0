// Series as bytes, and the book of those that were met.
// Knows no record's figures.
#include "storage/series.hpp"

#include "storage/bytes.hpp"
#include "storage/crc32c.hpp"
#include "storage/record_format.hpp"

#include <algorithm>
#include <limits>
#include <mutex>

namespace weir::storage {

namespace {

constexpr std::uint8_t series_version = 1;

/// Numbers beyond this are looked up by hash, so that a damaged number cannot ask for all memory.
constexpr std::uint32_t near_numbers = 1U << 20U;

std::uint32_t sum_text(std::uint32_t before, std::string_view text) {
  std::uint8_t size[4];
  layout::store(size, static_cast<std::uint32_t>(text.size()));
  return crc32c({reinterpret_cast<const std::uint8_t*>(text.data()), text.size()}, crc32c(size, before));
}

void put_varint(std::string& out, std::size_t value) {
  for (; value >= 0x80; value >>= 7U)
    out.push_back(static_cast<char>(value | 0x80U));
  out.push_back(static_cast<char>(value));
}

void put_text(std::string& out, std::string_view text) {
  put_varint(out, text.size());
  out.append(text);
}

/// Whether rollups are kept by a tag's key.
bool is_kept(const series::tag& tag, std::span<const std::string> keys) {
  return std::ranges::find(keys, tag.first) != keys.end();
}

std::span<const std::uint8_t> to_bytes(std::string_view text) {
  return {reinterpret_cast<const std::uint8_t*>(text.data()), text.size()};
}

} // namespace

series_key make_series_key(std::uint32_t number) noexcept {
  series_key key{};
  layout::store_sorted(key.data(), number);
  return key;
}

std::uint32_t sum_names(std::string_view provider, std::string_view model) {
  return sum_text(sum_text(0, provider), model);
}

std::uint32_t sum_tag(std::uint32_t before, std::string_view key, std::string_view value) {
  return sum_text(sum_text(before, key), value);
}

void describe_series(const usage_record& record, std::span<const std::string> keys, std::string& out) {
  out.assign(1, static_cast<char>(series_version));
  put_text(out, record.provider.str());
  put_text(out, record.model.str());
  for (const series::tag& tag : record.tags)
    if (is_kept(tag, keys)) {
      put_text(out, tag.first);
      put_text(out, tag.second);
    }
}

void encode_series(std::uint32_t number, std::string_view description, std::vector<std::uint8_t>& out) {
  const auto bytes = to_bytes(description);
  out.insert(out.end(), bytes.begin(), bytes.end());
  std::uint8_t sum[4];
  layout::store(sum, crc32c(bytes, crc32c(make_series_key(number))));
  out.insert(out.end(), std::begin(sum), std::end(sum));
}

const char* decode_series(std::span<const std::uint8_t> key, std::span<const std::uint8_t> value,
                          series& into) {
  if (key.size() != sizeof(series_key))
    return "a key that is not 4 bytes long";
  if (value.size() < 3 + 4)
    return "the row is too short";
  const auto body = value.first(value.size() - 4);
  if (layout::load<std::uint32_t>(value.data() + body.size()) != crc32c(body, crc32c(key)))
    return "the checksum does not match: the row is damaged";
  if (body[0] != series_version)
    return "the version is newer than this program knows";
  into.number = layout::load_sorted<std::uint32_t>(key.data());
  byte_reader in(body.subspan(1));
  into.provider = provider_name{in.text()};
  into.model = model_name{in.text()};
  into.text_sum = sum_names(into.provider.str(), into.model.str());
  into.tags.clear();
  while (!in.done()) {
    const std::string_view name = in.text();
    const std::string_view text = in.text();
    into.tags.emplace_back(name, text);
    into.text_sum = sum_tag(into.text_sum, name, text);
  }
  if (!in.ok() || into.number == 0 || into.tags.size() > max_tags)
    return "the row makes no sense";
  return nullptr;
}

series_ptr series_book::find(std::uint32_t number) const {
  const std::shared_lock hold(lock_);
  return number < by_number_.size() ? by_number_[number] : nullptr;
}

void series_book::add(series_ptr met) {
  if (met->number >= near_numbers)
    return;
  const std::unique_lock hold(lock_);
  if (met->number >= by_number_.size())
    by_number_.resize(met->number + std::size_t{1});
  by_number_[met->number] = std::move(met);
}

void series_book::clear() {
  const std::unique_lock hold(lock_);
  by_number_.clear();
  by_description.clear();
  complete = 0;
}

const series* series_reader::met(std::uint32_t number) const {
  if (number < met_.size())
    return met_[number].get();
  const auto known = far_.find(number);
  return known != far_.end() ? known->second.get() : nullptr;
}

const series* series_reader::find(lmdb::transaction& txn, MDB_dbi table, std::uint32_t number) {
  const series* const known = met(number);
  return known != nullptr ? known : load(txn, table, number);
}

const series* series_reader::load(lmdb::transaction& txn, MDB_dbi table, std::uint32_t number) {
  series_ptr found = book_.find(number);
  if (!found) {
    const series_key key = make_series_key(number);
    lmdb::bytes_view value;
    if (!txn.find(table, key, value).ok()) {
      problem_ = "its series is not there";
      return nullptr;
    }
    auto read = std::make_shared<series>();
    if (decode_series(key, value, *read) != nullptr) {
      problem_ = "its series is damaged";
      return nullptr;
    }
    found = std::move(read);
    if (!writing_)
      book_.add(found);
  }
  if (number >= near_numbers)
    return far_.emplace(number, std::move(found)).first->second.get();
  if (number >= met_.size())
    met_.resize(number + std::size_t{1});
  return (met_[number] = std::move(found)).get();
}

series_writer::~series_writer() {
  for (const std::string& each : made_)
    book_.by_description.erase(each);
}

lmdb::status series_writer::begin() {
  lmdb::cursor at;
  lmdb::status answer = at.open(txn_, table_);
  if (!answer.ok())
    return answer;
  last_ = book_.complete;
  for (answer = at.seek(make_series_key(book_.complete + 1)); answer.ok(); answer = at.next()) {
    if (at.key().size() != sizeof(series_key))
      continue;
    last_ = std::max(last_, layout::load_sorted<std::uint32_t>(at.key().data()));
    auto read = std::make_shared<series>();
    if (decode_series(at.key(), at.value(), *read) != nullptr)
      continue; // its rows cannot be read; new ones get another number
    const auto text = at.value().first(at.value().size() - 4);
    book_.add(read);
    book_.by_description.insert_or_assign(
        std::string(reinterpret_cast<const char*>(text.data()), text.size()), std::move(read));
  }
  book_.complete = last_;
  return answer.code == MDB_NOTFOUND ? lmdb::status{} : answer;
}

/// Tells most names from others, by how long they are and how they end.
std::size_t series_writer::hash_of(const usage_record& record) const {
  std::uint64_t sum = 0;
  const auto take = [&sum](const std::string& text) {
    std::uint64_t end = text.size();
    for (std::size_t at = text.size() - std::min<std::size_t>(text.size(), 4); at != text.size(); ++at)
      end = end << 8U | static_cast<unsigned char>(text[at]);
    sum = (sum ^ end) * 0x9e3779b97f4a7c15ULL;
  };
  take(record.provider.str());
  take(record.model.str());
  for (const series::tag& tag : record.tags)
    if (is_kept(tag, keys_))
      take(tag.second);
  return static_cast<std::size_t>(sum >> 32U);
}

bool series_writer::is_of(const usage_record& record, const series& names) const {
  if (record.model != names.model || record.provider != names.provider)
    return false;
  std::size_t next = 0;
  for (const series::tag& tag : record.tags)
    if (is_kept(tag, keys_) && (next == names.tags.size() || tag != names.tags[next++]))
      return false;
  return next == names.tags.size();
}

lmdb::status series_writer::resolve(const usage_record& record, const series*& found) {
  const std::size_t hash = hash_of(record);
  recent& place = recent_[hash % recent_.size()];
  if (place.found != nullptr && place.hash == hash && is_of(record, *place.found)) {
    found = place.found;
    return {};
  }
  const lmdb::status answer = look_up(record, found);
  if (answer.ok())
    place = {hash, found};
  return answer;
}

lmdb::status series_writer::look_up(const usage_record& record, const series*& found) {
  describe_series(record, keys_, description_);
  if (const auto known = book_.by_description.find(std::string_view(description_));
      known != book_.by_description.end()) {
    found = known->second.get();
    return {};
  }
  return make(found);
}

lmdb::status series_writer::make(const series*& made) {
  if (last_ == std::numeric_limits<std::uint32_t>::max())
    return {MDB_DBS_FULL, "series"};
  const std::uint32_t number = last_ + 1;
  const series_key key = make_series_key(number);
  bytes_.clear();
  encode_series(number, description_, bytes_);
  const lmdb::status answer = txn_.replace(table_, key, bytes_);
  if (!answer.ok())
    return answer;
  auto fresh = std::make_shared<series>();
  (void)decode_series(key, bytes_, *fresh);
  made = fresh.get();
  last_ = number;
  made_.push_back(description_);
  book_.by_description.emplace(description_, std::move(fresh));
  return {};
}

void series_writer::keep() {
  for (const std::string& each : made_)
    book_.add(book_.by_description.find(each)->second);
  made_.clear();
  book_.complete = last_;
}

} // namespace weir::storage
