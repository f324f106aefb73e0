// Records from a bad disk: every damage is found, and named where the bytes are sound but make no sense.
#include "storage/crc32c.hpp"
#include "storage/record_format.hpp"
#include "storage/record_layout.hpp"
#include "tests/storage/fixture.hpp"

#include <boost/test/unit_test.hpp>

#include <algorithm>
#include <string>

using namespace weir;
using namespace weir::storage;
using namespace weir::storage::testing;

namespace {

using bytes = std::vector<std::uint8_t>;

bytes encoded(const usage_record& record, const bytes& extension = {}) {
  bytes out;
  BOOST_REQUIRE(encode_record(record, out, extension).has_value());
  return out;
}

/// Makes length and checksum fit the bytes, so that the fields themselves are put to the test.
void seal(bytes& row) {
  layout::store(row.data() + layout::length_at, static_cast<std::uint32_t>(row.size()));
  const std::size_t body = row.size() - layout::checksum_bytes;
  layout::store(row.data() + body, crc32c(std::span(row).first(body)));
}

/// The place that a failure names, or "sound".
std::string place_of(const bytes& row) {
  // In memory of its own size, so that a read beyond the end is seen by the sanitizer.
  const bytes exact(row);
  usage_record record;
  const auto done = decode_record(exact, record);
  if (done)
    return "sound";
  BOOST_TEST((done.error().type == errc::storage));
  return done.error().place;
}

std::string place_after(std::size_t at, std::uint8_t value, usage_record record = plain_record(1)) {
  bytes row = encoded(record);
  row[at] = value;
  seal(row);
  return place_of(row);
}

} // namespace

BOOST_AUTO_TEST_SUITE(format_damage_test)

BOOST_AUTO_TEST_CASE(every_flipped_bit_is_found) {
  const bytes row = encoded(plain_record(1));
  for (std::size_t at = 0; at != row.size(); ++at)
    for (unsigned bit = 0; bit != 8; ++bit) {
      bytes bad = row;
      bad[at] = static_cast<std::uint8_t>(bad[at] ^ (1U << bit));
      BOOST_TEST(place_of(bad) != "sound");
    }
}

BOOST_AUTO_TEST_CASE(every_cut_is_found) {
  const bytes row = encoded(plain_record(1));
  for (std::size_t size = 0; size != row.size(); ++size)
    BOOST_TEST(place_of(bytes(row.begin(), row.begin() + static_cast<std::ptrdiff_t>(size))) != "sound");
  bytes longer = row;
  longer.push_back(0);
  BOOST_TEST(place_of(longer) == "record.length");
}

BOOST_AUTO_TEST_CASE(every_sealed_cut_is_found) {
  const bytes row = encoded(plain_record(1), {5, 0, 2, 0, 0, 0, 'h', 'i'});
  for (std::size_t size = layout::least_bytes; size != row.size(); ++size) {
    bytes cut(row.begin(), row.begin() + static_cast<std::ptrdiff_t>(size));
    seal(cut);
    BOOST_TEST(place_of(cut) != "sound");
  }
}

BOOST_AUTO_TEST_CASE(random_bytes_are_no_record) {
  auto random = make_random();
  for (int round = 0; round != 20'000; ++round) {
    bytes row(random() % 400);
    std::ranges::generate(row, [&] { return static_cast<std::uint8_t>(random()); });
    BOOST_TEST(place_of(row) != "sound");
    if (row.size() < layout::least_bytes)
      continue;
    // The same with a sound envelope: what is read is checked field by field.
    std::ranges::copy(layout::magic, row.begin());
    row[layout::version_at] = record_version;
    seal(row);
    (void)place_of(row);
  }
}

BOOST_AUTO_TEST_CASE(a_sealed_change_is_refused_or_is_a_record_that_encodes_to_the_same_bytes) {
  auto random = make_random();
  for (int round = 0; round != 20'000; ++round) {
    bytes row = encoded(random_record(random));
    for (std::uint64_t changes = 1 + random() % 3; changes != 0; --changes)
      row[random() % (row.size() - layout::checksum_bytes)] = static_cast<std::uint8_t>(random());
    seal(row);
    usage_record record;
    if (!decode_record(row, record))
      continue;
    const auto items = extension_of(row);
    BOOST_REQUIRE((encoded(record, bytes(items.begin(), items.end())) == row));
  }
}

BOOST_AUTO_TEST_CASE(each_field_is_named) {
  using namespace layout;
  BOOST_TEST(place_after(0, 'w') == "record.magic");
  BOOST_TEST(place_after(version_at, 2) == "record.version");
  BOOST_TEST(place_after(version_at, 0) == "record.version");
  BOOST_TEST(place_after(state_at, 0) == "record.state");
  BOOST_TEST(place_after(state_at, 5) == "record.state");
  BOOST_TEST(place_after(success_at, 2) == "record.success");
  BOOST_TEST(place_after(error_type_at, 20) == "record.error_type");
  BOOST_TEST(place_after(metering_at, 2) == "record.metering");
  BOOST_TEST(place_after(presence_at + 1, 1) == "record.presence");
  BOOST_TEST(place_after(reserved_at, 1) == "record.reserved");
  BOOST_TEST(place_after(cached_tokens_at, 1) == "record.cached_tokens");
  BOOST_TEST(place_after(cache_write_tokens_at, 1) == "record.cache_write_tokens");
  BOOST_TEST(place_after(cache_write_1h_tokens_at, 1) == "record.cache_write_1h_tokens");
  BOOST_TEST(place_after(reasoning_tokens_at, 1) == "record.reasoning_tokens");
  BOOST_TEST(place_after(first_token_time_at, 1) == "record.first_token_time");
  BOOST_TEST(place_after(cost_currency_at, 'u') == "record.cost");
  BOOST_TEST(place_after(cost_limit_at, 1) == "record.cost_limit");
  BOOST_TEST(place_after(cost_limit_currency_at, 'U') == "record.cost_limit");
  BOOST_TEST(place_after(tag_count_at, 65) == "record.tags");
  BOOST_TEST(place_after(tag_count_at, 64) == "record.tags");
  BOOST_TEST(place_after(tag_count_at, 0) == "record.extension");
  BOOST_TEST(place_after(fixed_bytes + 1, 0xff) == "record.model");
}

BOOST_AUTO_TEST_CASE(extension_items_must_be_whole_and_in_order) {
  const usage_record record = plain_record(1);
  BOOST_TEST(place_of(encoded(record, {1, 0, 0, 0, 0, 0, 2, 0, 0, 0, 0, 0})) == "sound");
  BOOST_TEST(place_of(encoded(record, {2, 0, 0, 0, 0, 0, 1, 0, 0, 0, 0, 0})) == "record.extension");
  BOOST_TEST(place_of(encoded(record, {2, 0, 0, 0, 0, 0, 2, 0, 0, 0, 0, 0})) == "record.extension");
  BOOST_TEST(place_of(encoded(record, {1, 0, 0, 0})) == "record.extension");
  BOOST_TEST(place_of(encoded(record, {1, 0, 1, 0, 0, 0})) == "record.extension");
  BOOST_TEST(place_of(encoded(record, {1, 0, 0xff, 0xff, 0xff, 0xff, 7})) == "record.extension");
}

BOOST_AUTO_TEST_SUITE_END()
