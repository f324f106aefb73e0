// Records as bytes: what goes in comes out, and the bytes are those of the documentation.
#include "storage/record_format.hpp"
#include "tests/storage/fixture.hpp"

#include <boost/test/unit_test.hpp>

#include <fstream>
#include <sstream>
#include <string>

using namespace weir;
using namespace weir::storage;
using namespace weir::storage::testing;

namespace {

using bytes = std::vector<std::uint8_t>;

bytes encode(const usage_record& record) {
  BOOST_REQUIRE(check_record(record).has_value());
  return encoded_row(record);
}

/// Reads the row of a record; gives the place of a problem, or "sound".
std::string read(const usage_record& of, const bytes& from, usage_record& into) {
  const row_key key = make_row_key(of.time, of.id);
  row_view row;
  row_problem wrong = parse_row(key, from, row);
  if (wrong.none())
    wrong = to_record(key, row, series_of(of), into);
  return wrong.none() ? "sound" : wrong.error().place;
}

usage_record decode(const usage_record& of, const bytes& from) {
  usage_record record;
  BOOST_REQUIRE_EQUAL(read(of, from, record), "sound");
  return record;
}

bytes extension_of(const usage_record& of, const bytes& from) {
  row_view row;
  BOOST_REQUIRE(parse_row(make_row_key(of.time, of.id), from, row).none());
  return {row.extension.begin(), row.extension.end()};
}

/// The worked example of docs/ledger-format.md.
usage_record example() {
  usage_record record;
  static_cast<id128&>(record.id) = *to_id128("019ab697e8007abc8000000000000001");
  static_cast<id128&>(record.call) = *to_id128("019ab697e7ff7abc8000000000000002");
  record.time = timestamp{std::chrono::microseconds{1'764'000'000'000'000}};
  record.model = model_name{"gpt-4"};
  record.provider = provider_name{"openai"};
  record.request_id = "req_1";
  record.attempt = 2;
  record.usage.prompt_tokens = 1000;
  record.usage.completion_tokens = 500;
  record.usage.total_tokens = 1500;
  record.usage.cached_tokens = 200;
  record.cost = money{60'000'000'000, *currency::parse("USD")};
  record.success = true;
  record.response_time = std::chrono::microseconds{1'250'000};
  record.first_token_time = std::chrono::microseconds{300'000};
  record.tags = {{"agent", "planner"}, {"step", "7"}};
  return record;
}

/// The bytes of the block that is marked `hex` in the document: an offset, the bytes, and a note after a bar.
bytes documented_bytes() {
  std::ifstream document(std::string(WEIR_TEST_DATA) + "/../../docs/ledger-format.md");
  BOOST_REQUIRE_MESSAGE(document.good(), "docs/ledger-format.md cannot be read");
  bytes found;
  bool inside = false;
  for (std::string line; std::getline(document, line);) {
    if (line.starts_with("```")) {
      inside = line == "```hex";
      continue;
    }
    if (!inside)
      continue;
    std::istringstream words(line.substr(0, line.find('|')));
    std::size_t offset = 0;
    words >> offset;
    BOOST_TEST(offset == found.size());
    for (unsigned byte = 0; words >> std::hex >> byte;)
      found.push_back(static_cast<std::uint8_t>(byte));
  }
  return found;
}

} // namespace

BOOST_AUTO_TEST_SUITE(record_format_test)

BOOST_AUTO_TEST_CASE(what_goes_in_comes_out) {
  auto random = make_random();
  usage_record reused;
  for (int round = 0; round != 10'000; ++round) {
    const usage_record record = random_record(random);
    const bytes row = encode(record);
    BOOST_REQUIRE_EQUAL(read(record, row, reused), "sound");
    BOOST_REQUIRE_EQUAL(reused, record);
    BOOST_REQUIRE(encode(reused) == row);
  }
}

BOOST_AUTO_TEST_CASE(the_bytes_are_those_of_the_documentation) {
  const bytes documented = documented_bytes();
  BOOST_TEST(encode(example()) == documented, boost::test_tools::per_element());
  BOOST_TEST(decode(example(), documented) == example());
}

BOOST_AUTO_TEST_CASE(an_encoder_appends_to_what_is_there) {
  bytes out{1, 2, 3};
  encode_record(example(), series_of(example()), out);
  BOOST_TEST((bytes(out.begin() + 3, out.end()) == encode(example())));
}

BOOST_AUTO_TEST_CASE(the_longest_fields_fit) {
  usage_record record = example();
  const std::string longest(max_string_bytes, 'x');
  record.model = model_name{longest};
  record.provider = provider_name{longest};
  record.request_id = longest;
  record.tags.assign(max_tags, {longest, longest});
  BOOST_TEST(decode(record, encode(record)) == record);
}

BOOST_AUTO_TEST_CASE(a_field_beyond_its_limit_is_refused_by_name) {
  const std::string too_long(max_string_bytes + 1, 'x');
  const auto refused_at = [](const usage_record& record) {
    const auto done = check_record(record);
    BOOST_REQUIRE(!done.has_value());
    BOOST_TEST((done.error().type == errc::storage));
    BOOST_TEST(!done.error().retryable);
    return done.error().place;
  };
  usage_record record = example();
  record.model = model_name{too_long};
  BOOST_TEST(refused_at(record) == "record.model");
  record = example();
  record.provider = provider_name{too_long};
  BOOST_TEST(refused_at(record) == "record.provider");
  record = example();
  record.tags.assign(max_tags + 1, {"a", "b"});
  BOOST_TEST(refused_at(record) == "record.tags");
  record = example();
  record.tags.emplace_back("a", too_long);
  BOOST_TEST(refused_at(record) == "record.tags[2].value");
  record.tags[2] = {too_long, "b"};
  BOOST_TEST(refused_at(record) == "record.tags[2].key");
  record = example();
  record.state = static_cast<record_state>(0);
  BOOST_TEST(refused_at(record) == "record.state");
  record = example();
  record.error_type = static_cast<errc>(200);
  BOOST_TEST(refused_at(record) == "record.error_type");
}

BOOST_AUTO_TEST_CASE(a_longer_request_id_is_cut_between_characters) {
  usage_record record = example();
  record.request_id = std::string(max_string_bytes - 1, 'x') + "\xe2\x82\xac and more"; // the euro sign
  BOOST_TEST(decode(record, encode(record)).request_id == std::string(max_string_bytes - 1, 'x'));
  record.request_id = std::string(max_string_bytes + 10, 'x');
  BOOST_TEST(decode(record, encode(record)).request_id == std::string(max_string_bytes, 'x'));
  record.request_id = std::string(max_string_bytes + 10, '\x80'); // not UTF-8
  BOOST_TEST(decode(record, encode(record)).request_id == std::string(max_string_bytes, '\x80'));
}

BOOST_AUTO_TEST_CASE(items_of_a_later_version_are_skipped_and_can_be_carried_along) {
  const bytes items{5, 0, 2, 0, 0, 0, 'h', 'i', 9, 0, 0, 0, 0, 0};
  const bytes row = encoded_row(example(), items);
  BOOST_TEST(decode(example(), row) == example());
  BOOST_TEST(extension_of(example(), row) == items, boost::test_tools::per_element());
  BOOST_TEST(extension_of(example(), encode(example())).empty());
}

BOOST_AUTO_TEST_CASE(a_critical_item_that_is_not_known_forbids_to_read) {
  usage_record record;
  BOOST_TEST(read(example(), encoded_row(example(), {1, 0x80, 0, 0, 0, 0}), record) == "record.extension");
}

BOOST_AUTO_TEST_CASE(a_row_is_good_at_its_key_alone) {
  const bytes row = encode(example());
  usage_record record;
  usage_record other = example();
  other.time += std::chrono::microseconds{1};
  BOOST_TEST(read(other, row, record) == "record.checksum");
  other = example();
  other.id.bytes[15] ^= 1U;
  BOOST_TEST(read(other, row, record) == "record.checksum");
}

BOOST_AUTO_TEST_CASE(tags_keep_their_order_wherever_they_stand) {
  usage_record record = example();
  record.tags = {{"x", "1"}, {"user", "u"}, {"y", ""}, {"agent", "a"}, {"user", "v"}, {"", "z"}};
  BOOST_TEST(series_of(record).tags.size() == 3U);
  BOOST_TEST((decode(record, encode(record)) == record));
}

BOOST_AUTO_TEST_CASE(a_content_is_the_same_by_whatever_tags_rollups_are_kept) {
  auto random = make_random();
  const auto hash_of = [](const usage_record& record, const std::vector<std::string>& keys) {
    bytes out;
    const series names = series_of(record, keys);
    encode_record(record, names, out);
    row_view row;
    BOOST_REQUIRE(parse_row(make_row_key(record.time, record.id), out, row).none());
    return content_hash(row, names);
  };
  for (int round = 0; round != 1000; ++round) {
    usage_record record = random_record(random);
    const std::uint32_t hash = hash_of(record, {"agent", "project", "user"});
    BOOST_REQUIRE_EQUAL(hash, hash_of(record, {}));
    BOOST_REQUIRE_EQUAL(hash, hash_of(record, {"user"}));
    record.tags.emplace_back("agent", "another");
    BOOST_REQUIRE(hash != hash_of(record, {"agent", "project", "user"}));
  }
}

BOOST_AUTO_TEST_SUITE_END()
