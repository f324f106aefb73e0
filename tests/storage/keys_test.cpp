// Keys sort as time does, and the checksum is the published one.
#include "storage/crc32c.hpp"
#include "storage/keys.hpp"
#include "storage/record_v1.hpp"
#include "tests/storage/fixture.hpp"

#include <boost/test/unit_test.hpp>

#include <algorithm>
#include <array>
#include <limits>
#include <string_view>

using namespace weir;
using namespace weir::storage;
using namespace weir::storage::testing;

namespace {

timestamp at_us(std::int64_t count) {
  return timestamp{std::chrono::microseconds{count}};
}

std::uint32_t crc32c_of(std::string_view text) {
  return crc32c({reinterpret_cast<const std::uint8_t*>(text.data()), text.size()});
}

/// The definition, a bit at a time.
std::uint32_t slow_crc32c(std::span<const std::uint8_t> bytes) {
  std::uint32_t sum = 0xffffffff;
  for (const std::uint8_t byte : bytes) {
    sum ^= byte;
    for (int bit = 0; bit != 8; ++bit)
      sum = (sum >> 1U) ^ ((sum & 1U) != 0 ? 0x82f63b78U : 0U);
  }
  return ~sum;
}

} // namespace

BOOST_AUTO_TEST_SUITE(keys_test)

BOOST_AUTO_TEST_CASE(the_checksum_is_castagnolis) {
  BOOST_TEST(crc32c_of("123456789") == 0xe3069283U);
  BOOST_TEST(crc32c_of("") == 0U);
  BOOST_TEST(crc32c(std::vector<std::uint8_t>(32, 0)) == 0x8a9136aaU);    // RFC 3720 B.4
  BOOST_TEST(crc32c(std::vector<std::uint8_t>(32, 0xff)) == 0x62a8ab43U); // RFC 3720 B.4
  auto random = make_random();
  std::vector<std::uint8_t> bytes(100);
  std::ranges::generate(bytes, [&] { return static_cast<std::uint8_t>(random()); });
  for (std::size_t size = 0; size != bytes.size(); ++size) {
    const auto part = std::span(bytes).first(size);
    BOOST_TEST(crc32c(part) == slow_crc32c(part));
    BOOST_TEST(crc32c_by_tables(part) == slow_crc32c(part));
    BOOST_TEST(crc32c(std::span(bytes).subspan(size), crc32c(part)) == slow_crc32c(bytes));
    BOOST_TEST(crc32c_by_tables(std::span(bytes).subspan(size), crc32c(part)) == slow_crc32c(bytes));
  }
}

BOOST_AUTO_TEST_CASE(keys_sort_as_times_do_before_and_after_1970) {
  constexpr auto least = std::numeric_limits<std::int64_t>::min();
  constexpr auto most = std::numeric_limits<std::int64_t>::max();
  const std::vector<std::int64_t> times{least, least + 1, -256, -1, 0, 1, 255, 256, 4'294'967'296'000'000,
                                        most};
  id128 low;
  id128 high;
  high.bytes.fill(0xff);
  for (std::size_t at = 0; at + 1 != times.size(); ++at) {
    BOOST_TEST((make_row_key(at_us(times[at]), high) < make_row_key(at_us(times[at + 1]), low)));
    BOOST_TEST((make_row_key(at_us(times[at]), low) < make_row_key(at_us(times[at]), high)));
    BOOST_TEST((time_of(make_row_key(at_us(times[at]), high)) == at_us(times[at])));
  }
}

BOOST_AUTO_TEST_CASE(a_key_has_the_bytes_of_the_documentation) {
  const id128 id = *to_id128("019ab697e8007abc8000000000000001");
  const row_key expected{0x80, 0x06, 0x44, 0x59, 0x41, 0x62, 0x40, 0x00, 0x01, 0x9a, 0xb6, 0x97,
                         0xe8, 0x00, 0x7a, 0xbc, 0x80, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x01};
  BOOST_TEST(make_row_key(at_us(1'764'000'000'000'000), id) == expected, boost::test_tools::per_element());
}

BOOST_AUTO_TEST_CASE(the_content_hash_of_schema_1_is_fnv_1a) {
  const std::vector<std::uint8_t> text{'f', 'o', 'o', 'b', 'a', 'r'};
  BOOST_TEST(content_hash_v1({}) == 0xcbf29ce484222325U);
  BOOST_TEST(content_hash_v1(text) == 0x85944171f73967e8U); // the algorithm's published vector
}

BOOST_AUTO_TEST_CASE(a_key_gives_back_its_id) {
  const usage_record record = plain_record(7);
  const row_key key = make_row_key(record.time, record.id);
  BOOST_TEST((id_of(key) == record.id));
  BOOST_TEST(describe(key).find(to_string(record.id)) != std::string::npos);
}

BOOST_AUTO_TEST_CASE(an_id_entry_remembers_two_earlier_contents_and_no_more) {
  const attempt_id id = plain_record(7).id;
  id_entry entry(id, at_us(-5));
  BOOST_TEST(entry.add(12));
  BOOST_TEST(entry.add(13));
  BOOST_TEST(!entry.add(14));
  BOOST_TEST(entry.has_been(12));
  BOOST_TEST(entry.has_been(13));
  BOOST_TEST(!entry.has_been(14));
  const auto again = id_entry::parse(id, entry.bytes());
  BOOST_REQUIRE(again.has_value());
  BOOST_TEST((again->time() == at_us(-5)));
  BOOST_TEST(again->has_been(13));
  BOOST_TEST(!again->is_old());
}

BOOST_AUTO_TEST_CASE(an_id_entry_is_as_short_as_its_distance_from_the_time_in_the_id) {
  const usage_record record = plain_record(7);
  const std::int64_t in_id = record.time.time_since_epoch().count();
  constexpr auto least = std::numeric_limits<std::int64_t>::min();
  constexpr auto most = std::numeric_limits<std::int64_t>::max();
  const std::vector<std::pair<std::int64_t, std::size_t>> sizes{{in_id, 1},
                                                                {in_id + 1, 3},
                                                                {in_id + 65'535, 3},
                                                                {in_id + 65'536, 5},
                                                                {in_id - 1, 5},
                                                                {in_id + 0x7fffffff, 5},
                                                                {in_id + 0x80000000, 9},
                                                                {in_id - 0x80000000, 5},
                                                                {in_id - 0x80000001, 9},
                                                                {least, 9},
                                                                {most, 9},
                                                                {0, 9}};
  for (const auto& [time, size] : sizes)
    for (std::size_t earlier = 0; earlier != 3; ++earlier) {
      id_entry entry(record.id, at_us(time));
      for (std::uint32_t each = 0; each != earlier; ++each)
        BOOST_TEST(entry.add(each));
      BOOST_TEST(entry.bytes().size() == size + 4 * earlier);
      const auto again = id_entry::parse(record.id, entry.bytes());
      BOOST_REQUIRE(again.has_value());
      BOOST_TEST((again->time() == at_us(time)));
    }
}

BOOST_AUTO_TEST_CASE(an_id_entry_of_schema_1_is_understood) {
  const id128 id{};
  const row_key time = first_key_of(at_us(-5));
  std::vector<std::uint8_t> stored(time.begin(), time.begin() + 8);
  for (const std::uint8_t hash : {std::uint8_t{11}, std::uint8_t{12}, std::uint8_t{13}}) {
    stored.push_back(hash);
    stored.resize(stored.size() + 7);
    auto entry = id_entry::parse(id, stored);
    BOOST_REQUIRE(entry.has_value());
    BOOST_TEST((entry->time() == at_us(-5)));
    BOOST_TEST(entry->is_old());
    BOOST_TEST(entry->has_been_v1(hash));
    BOOST_TEST(entry->has_been_v1(11));
    BOOST_TEST(!entry->has_been_v1(14));
    BOOST_TEST(entry->bytes() == stored, boost::test_tools::per_element());
  }
}

BOOST_AUTO_TEST_CASE(an_id_entry_of_another_size_is_none) {
  for (unsigned form = 0; form != 256; ++form)
    for (std::size_t size = 1; size != 64; ++size) {
      std::vector<std::uint8_t> bytes(size);
      bytes[0] = static_cast<std::uint8_t>(form);
      const std::size_t width = std::array<std::size_t, 4>{0, 2, 4, 8}[(form >> 2U) & 3U];
      const bool today = form < 16 && (form & 3U) < 3 && size == 1 + width + 4 * (form & 3U);
      const bool old = size == 16 || size == 24 || size == 32;
      BOOST_TEST(id_entry::parse({}, bytes).has_value() == (today || old));
    }
}

BOOST_AUTO_TEST_SUITE_END()
