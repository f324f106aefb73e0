// Records from a bad disk: every damage is found, and named where the bytes are sound but make no sense.
#include "storage/bytes.hpp"
#include "storage/crc32c.hpp"
#include "storage/record_format.hpp"
#include "tests/storage/fixture.hpp"

#include <boost/test/unit_test.hpp>

#include <algorithm>
#include <string>

using namespace weir;
using namespace weir::storage;
using namespace weir::storage::testing;

namespace {

using bytes = std::vector<std::uint8_t>;

row_key key_of(const usage_record& record) {
  return make_row_key(record.time, record.id);
}

/// Makes the checksum fit the bytes, so that the fields themselves are put to the test.
void seal(const row_key& key, bytes& row) {
  const std::size_t body = row.size() - row_layout::checksum_bytes;
  layout::store(row.data() + body, crc32c(std::span(row).first(body), crc32c(key)));
}

/// The place that a failure names, or "sound".
std::string place_of(const usage_record& of, const bytes& row) {
  // In memory of its own size, so that a read beyond the end is seen by the sanitizer.
  const bytes exact(row);
  row_view view;
  usage_record record;
  row_problem wrong = parse_row(key_of(of), exact, view);
  if (wrong.none())
    wrong = to_record(key_of(of), view, series_of(of), record);
  if (wrong.none())
    return "sound";
  BOOST_TEST((wrong.error().type == errc::storage));
  return wrong.error().place;
}

std::string place_after(std::size_t at, std::uint8_t value, usage_record record = plain_record(1)) {
  bytes row = encoded_row(record);
  row.at(at) = value;
  seal(key_of(record), row);
  return place_of(record, row);
}

/// All fields at once, each in one byte, so that their places can be counted.
usage_record full_record() {
  usage_record record = plain_record(1);
  record.error_type = errc::timeout;
  record.attempt = 2;
  record.price_version = 3;
  record.response_time = std::chrono::microseconds{4};
  record.first_token_time = std::chrono::microseconds{5};
  record.usage = {10, 20, 31, 1, 2, 3, 4, metering::estimated, 9, money{6, *currency::parse("EUR")}};
  record.cost = money{7, *currency::parse("USD")};
  record.cost_limit = money{8, *currency::parse("USD")};
  record.request_id = "r";
  record.tags = {{"x", "y"}};
  return record;
}

} // namespace

BOOST_AUTO_TEST_SUITE(format_damage_test)

BOOST_AUTO_TEST_CASE(every_flipped_bit_is_found) {
  const usage_record record = full_record();
  const bytes row = encoded_row(record);
  for (std::size_t at = 0; at != row.size(); ++at)
    for (unsigned bit = 0; bit != 8; ++bit) {
      bytes bad = row;
      bad[at] = static_cast<std::uint8_t>(bad[at] ^ (1U << bit));
      BOOST_TEST(place_of(record, bad) != "sound");
    }
}

BOOST_AUTO_TEST_CASE(every_cut_is_found) {
  const usage_record record = full_record();
  const bytes row = encoded_row(record, {5, 0, 2, 0, 0, 0, 'h', 'i'});
  for (std::size_t size = 0; size != row.size(); ++size)
    BOOST_TEST(place_of(record, bytes(row.begin(), row.begin() + static_cast<std::ptrdiff_t>(size))) !=
               "sound");
  bytes longer = row;
  longer.push_back(0);
  BOOST_TEST(place_of(record, longer) == "record.checksum");
}

BOOST_AUTO_TEST_CASE(every_sealed_cut_is_found) {
  const usage_record record = full_record();
  const bytes items{5, 0, 2, 0, 0, 0, 'h', 'i'};
  const bytes row = encoded_row(record, items);
  const std::size_t without_items = row.size() - items.size();
  for (std::size_t size = row_layout::least_bytes; size != row.size(); ++size) {
    bytes cut(row.begin(), row.begin() + static_cast<std::ptrdiff_t>(size));
    seal(key_of(record), cut);
    BOOST_TEST((place_of(record, cut) == "sound") == (size == without_items)); // items are not counted
  }
}

BOOST_AUTO_TEST_CASE(random_bytes_are_no_record) {
  auto random = make_random();
  const usage_record record = plain_record(1);
  for (int round = 0; round != 20'000; ++round) {
    bytes row(random() % 200);
    std::ranges::generate(row, [&] { return static_cast<std::uint8_t>(random()); });
    BOOST_TEST(place_of(record, row) != "sound");
    if (row.size() < row_layout::least_bytes)
      continue;
    // The same with a sound envelope: what is read is checked field by field.
    row[row_layout::version_at] = record_version;
    row[row_layout::flags_at] &= 31U;
    row[row_layout::presence_at + 1] &= 63U;
    seal(key_of(record), row);
    (void)place_of(record, row);
  }
}

BOOST_AUTO_TEST_CASE(a_sealed_change_is_refused_or_is_a_record_that_encodes_to_the_same_bytes) {
  auto random = make_random();
  int accepted = 0;
  for (int round = 0; round != 20'000; ++round) {
    const usage_record original = random_record(random);
    bytes row = encoded_row(original);
    for (std::uint64_t changes = 1 + random() % 3; changes != 0; --changes)
      row[random() % (row.size() - row_layout::checksum_bytes)] = static_cast<std::uint8_t>(random());
    seal(key_of(original), row);
    series names = series_of(original);
    row_view view;
    usage_record record;
    if (!parse_row(key_of(original), row, view).none())
      continue;
    names.number = view.series; // to know whether the number is that of the names is not the row's part
    if (!to_record(key_of(original), view, names, record).none() || series_of(record).tags != names.tags)
      continue;
    bytes again;
    encode_record(record, names, again, view.extension);
    BOOST_REQUIRE((again == row));
    ++accepted;
  }
  BOOST_TEST(accepted > 1000);
}

BOOST_AUTO_TEST_CASE(each_field_is_named) {
  using namespace row_layout;
  const usage_record full = full_record();
  const auto after = [&](std::size_t at, std::uint8_t value) { return place_after(at, value, full); };
  BOOST_TEST(place_of(full, encoded_row(full)) == "sound");
  BOOST_TEST(after(version_at, 3) == "record.version");
  BOOST_TEST(after(version_at, 0) == "record.version");
  BOOST_TEST(after(flags_at, 0) == "record.state");
  BOOST_TEST(after(flags_at, 5) == "record.state");
  BOOST_TEST(after(flags_at, 0x22) == "record.flags");
  BOOST_TEST(after(presence_at + 1, 0x40) == "record.presence");
  BOOST_TEST(after(20, 0) == "record.error_type");
  BOOST_TEST(after(20, 20) == "record.error_type");
  BOOST_TEST(after(21, 1) == "record.attempt");
  BOOST_TEST(after(22, 0) == "record.price_version");
  BOOST_TEST(after(23, 0) == "record.response_time");
  BOOST_TEST(after(27, 30) == "record.total_tokens");
  BOOST_TEST(after(32, 0) == "record.images");
  BOOST_TEST(after(34, 'u') == "record.cost");
  BOOST_TEST(after(38, '1') == "record.cost_limit");
  BOOST_TEST(after(42, 0) == "record.reported_cost");
  BOOST_TEST(after(45, 0x7f) == "record.request_id");
  BOOST_TEST(after(47, 0) == "record.series");
  BOOST_TEST(after(48, 65) == "record.tags");
  BOOST_TEST(after(48, 2) == "record.tags");
  BOOST_TEST(after(48, 0) == "record.extension");
  BOOST_TEST(after(49, 1) == "record.tags"); // after a place that nothing fills
}

BOOST_AUTO_TEST_CASE(a_number_is_written_as_short_as_it_can_be) {
  usage_record record = plain_record(3);
  record.response_time = std::chrono::microseconds{64}; // 80 01
  const bytes row = encoded_row(record);
  BOOST_TEST(row[20] == 0x80);
  BOOST_TEST(row[21] == 0x01);
  BOOST_TEST(place_after(21, 0x00, record) == "record.response_time");
}

BOOST_AUTO_TEST_CASE(extension_items_must_be_whole_and_in_order) {
  const usage_record record = plain_record(1);
  const auto place = [&](const bytes& items) { return place_of(record, encoded_row(record, items)); };
  BOOST_TEST(place({1, 0, 0, 0, 0, 0, 2, 0, 0, 0, 0, 0}) == "sound");
  BOOST_TEST(place({2, 0, 0, 0, 0, 0, 1, 0, 0, 0, 0, 0}) == "record.extension");
  BOOST_TEST(place({2, 0, 0, 0, 0, 0, 2, 0, 0, 0, 0, 0}) == "record.extension");
  BOOST_TEST(place({1, 0, 0, 0}) == "record.extension");
  BOOST_TEST(place({1, 0, 1, 0, 0, 0}) == "record.extension");
  BOOST_TEST(place({1, 0, 0xff, 0xff, 0xff, 0xff, 7}) == "record.extension");
}

BOOST_AUTO_TEST_SUITE_END()
