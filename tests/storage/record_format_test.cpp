// Records as bytes: what goes in comes out, and the bytes are those of the documentation.
#include "storage/record_format.hpp"
#include "storage/record_layout.hpp"
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
  bytes out;
  BOOST_REQUIRE(encode_record(record, out).has_value());
  return out;
}

usage_record decode(const bytes& from) {
  usage_record record;
  const auto done = decode_record(from, record);
  BOOST_REQUIRE_MESSAGE(done.has_value(), to_string(done.error()));
  return record;
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
  record.tags = {{"agent", "planner"}};
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
    BOOST_REQUIRE(decode_record(row, reused).has_value());
    BOOST_REQUIRE_EQUAL(reused, record);
    BOOST_REQUIRE(encode(reused) == row);
  }
}

BOOST_AUTO_TEST_CASE(the_bytes_are_those_of_the_documentation) {
  const bytes documented = documented_bytes();
  BOOST_TEST(encode(example()) == documented, boost::test_tools::per_element());
  BOOST_TEST(decode(documented) == example());
}

BOOST_AUTO_TEST_CASE(an_encoder_appends_to_what_is_there) {
  bytes out{1, 2, 3};
  BOOST_REQUIRE(encode_record(example(), out).has_value());
  BOOST_TEST((bytes(out.begin() + 3, out.end()) == encode(example())));
}

BOOST_AUTO_TEST_CASE(the_longest_fields_fit) {
  usage_record record = example();
  const std::string longest(max_string_bytes, 'x');
  record.model = model_name{longest};
  record.provider = provider_name{longest};
  record.request_id = longest;
  record.tags.assign(max_tags, {longest, longest});
  BOOST_TEST(decode(encode(record)) == record);
}

BOOST_AUTO_TEST_CASE(a_field_beyond_its_limit_is_refused_by_name) {
  const std::string too_long(max_string_bytes + 1, 'x');
  const auto refused_at = [](const usage_record& record) {
    bytes out{9};
    const auto done = encode_record(record, out);
    BOOST_TEST((out == bytes{9}));
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
  BOOST_TEST(refused_at(record) == "record.tags[1].value");
  record.tags[1] = {too_long, "b"};
  BOOST_TEST(refused_at(record) == "record.tags[1].key");
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
  BOOST_TEST(decode(encode(record)).request_id == std::string(max_string_bytes - 1, 'x'));
  record.request_id = std::string(max_string_bytes + 10, 'x');
  BOOST_TEST(decode(encode(record)).request_id == std::string(max_string_bytes, 'x'));
  record.request_id = std::string(max_string_bytes + 10, '\x80'); // not UTF-8
  BOOST_TEST(decode(encode(record)).request_id == std::string(max_string_bytes, '\x80'));
}

BOOST_AUTO_TEST_CASE(items_of_a_later_version_are_skipped_and_can_be_carried_along) {
  const bytes items{5, 0, 2, 0, 0, 0, 'h', 'i', 9, 0, 0, 0, 0, 0};
  bytes row;
  BOOST_REQUIRE(encode_record(example(), row, items).has_value());
  BOOST_TEST(decode(row) == example());
  const auto found = extension_of(row);
  BOOST_TEST((bytes(found.begin(), found.end()) == items));
  BOOST_TEST(extension_of(encode(example())).empty());
}

BOOST_AUTO_TEST_CASE(a_critical_item_that_is_not_known_forbids_to_read) {
  bytes row;
  BOOST_REQUIRE(encode_record(example(), row, bytes{1, 0x80, 0, 0, 0, 0}).has_value());
  usage_record record;
  const auto done = decode_record(row, record);
  BOOST_REQUIRE(!done.has_value());
  BOOST_TEST(done.error().place == "record.extension");
}

BOOST_AUTO_TEST_SUITE_END()
