// The grammar of server-sent events against the vectors of tests/data/fixtures/sse, however the bytes arrive.
#include "openai_fixtures.hpp"

#include "protocols/sse.hpp"

using namespace weir::protocols;
using namespace weir::protocols::recorded;

namespace {

using seen_event = std::pair<std::string, std::string>; ///< name, data

void take_all(sse_parser& parser, std::string_view piece, std::vector<seen_event>& into) {
  const std::string memory(piece); // a view that outlives its piece shows under a sanitizer
  std::string_view rest = memory;
  while (const auto event = parser.next(rest))
    into.emplace_back(event->name.empty() ? "message" : event->name, event->data);
  BOOST_REQUIRE(rest.empty());
}

std::vector<seen_event> parsed(const std::vector<std::string_view>& pieces) {
  sse_parser parser;
  std::vector<seen_event> events;
  for (const std::string_view each : pieces)
    take_all(parser, each, events);
  return events;
}

std::vector<std::string_view> cut(std::string_view text, std::size_t size) {
  std::vector<std::string_view> pieces;
  for (std::size_t at = 0; at < text.size(); at += size)
    pieces.push_back(text.substr(at, size));
  return pieces;
}

struct vector_case {
  std::string name;
  std::string input;
  std::vector<seen_event> events;
};

std::vector<vector_case> vectors() {
  const auto file = json_document::parse(read_fixture("sse/vectors.json"));
  BOOST_REQUIRE(file.has_value());
  std::vector<vector_case> cases;
  for (const json_value& each : find_member(file->root(), "vectors")->GetArray()) {
    vector_case& made = cases.emplace_back();
    made.name = text_of(find_member(each, "name"));
    made.input = text_of(find_member(each, "input"));
    for (const json_value& event : find_member(each, "events")->GetArray())
      made.events.emplace_back(text_of(find_member(event, "event")), text_of(find_member(event, "data")));
  }
  return cases;
}

} // namespace

BOOST_AUTO_TEST_SUITE(sse_test)

BOOST_AUTO_TEST_CASE(every_vector_gives_its_events_however_it_arrives) {
  std::size_t cases = 0;
  for (const vector_case& each : vectors()) {
    ++cases;
    BOOST_TEST((parsed({each.input}) == each.events), each.name << " whole");
    for (const std::size_t size : {1U, 2U, 3U, 5U})
      BOOST_TEST((parsed(cut(each.input, size)) == each.events), each.name << " in pieces of " << size);
    for (std::size_t at = 0; at <= each.input.size(); ++at) {
      const std::string_view text = each.input;
      BOOST_TEST((parsed({text.substr(0, at), text.substr(at)}) == each.events), each.name << " at " << at);
      for (std::size_t then = at; then <= each.input.size(); ++then)
        BOOST_REQUIRE_MESSAGE(
            (parsed({text.substr(0, at), text.substr(at, then - at), text.substr(then)}) == each.events),
            each.name << " at " << at << " and " << then);
    }
  }
  BOOST_TEST(cases == 31U);
}

BOOST_AUTO_TEST_CASE(what_no_blank_line_ends_is_told_at_the_end_only) {
  for (const auto& [input, data] :
       {std::pair{"data: a\n\ndata: [DONE]\n", "[DONE]"}, std::pair{"data: a\n\ndata: [DONE]", "[DONE]"},
        std::pair{"data: a\n\nevent: x\ndata: 1\r\ndata: 2\r", "1\n2"}}) {
    for (const std::size_t size : {1U, 4U, 1000U}) {
      sse_parser parser;
      std::vector<seen_event> events;
      for (const std::string_view piece : cut(input, size))
        take_all(parser, piece, events);
      BOOST_TEST(events.size() == 1U, input);
      const auto last = parser.finish();
      BOOST_REQUIRE_MESSAGE(last.has_value(), input);
      BOOST_TEST(last->data == data, input);
    }
  }
  sse_parser none;
  std::string_view bytes = "data: a\n\n: comment";
  BOOST_TEST(none.next(bytes).has_value());
  BOOST_TEST(!none.next(bytes).has_value());
  BOOST_TEST(!none.finish().has_value());
  sse_parser empty;
  BOOST_TEST(!empty.finish().has_value());
}

BOOST_AUTO_TEST_CASE(each_byte_is_looked_at_once) {
  // A parser that looks again at what it has kept would read 9·10¹² bytes here, and not come to its end.
  constexpr std::size_t size = 6U << 20U;
  sse_parser parser;
  std::vector<seen_event> events;
  const auto feed_byte = [&](char letter) {
    std::string_view one(&letter, 1);
    while (const auto event = parser.next(one))
      events.emplace_back(event->name, event->data);
  };
  for (const char letter : std::string_view("data: "))
    feed_byte(letter);
  for (std::size_t n = 0; n != size; ++n)
    feed_byte('x');
  feed_byte('\n');
  for (std::size_t n = 0; n != size / 16; ++n) // and an event of many lines
    for (const char letter : std::string_view("data:\n"))
      feed_byte(letter);
  feed_byte('\n');
  BOOST_REQUIRE(events.size() == 1U);
  BOOST_TEST(events.front().second.size() == size + size / 16);
}

BOOST_AUTO_TEST_CASE(a_line_or_an_event_beyond_the_limit_stops_the_parser) {
  for (const std::size_t piece : {1U, 7U, 4096U}) {
    for (const bool in_lines : {false, true}) {
      sse_parser parser(1000);
      std::string input = "data: fits\n\n";
      if (in_lines)
        for (int n = 0; n != 200; ++n)
          input += "data: 0123456789\n";
      else
        input += "data: " + std::string(2000, 'x') + "\n\n";
      std::size_t events = 0;
      for (const std::string_view each : cut(input, piece)) {
        std::string_view rest = each;
        while (parser.next(rest))
          ++events;
      }
      BOOST_TEST(parser.overflowed());
      BOOST_TEST(events == 1U);
      std::string_view more = "\n\ndata: more\n\n";
      BOOST_TEST(!parser.next(more).has_value());
      BOOST_TEST(more.empty());
      BOOST_TEST(!parser.finish().has_value());
    }
  }
}

BOOST_AUTO_TEST_CASE(a_long_stream_of_comments_holds_no_memory_and_says_nothing) {
  sse_parser parser(64);
  const std::string comment = ": OPENROUTER PROCESSING\n\n";
  for (int n = 0; n != 10'000; ++n) {
    std::string_view rest = comment;
    BOOST_REQUIRE(!parser.next(rest).has_value());
  }
  BOOST_TEST(!parser.overflowed());
  std::string_view last = "data: a\n\n";
  BOOST_TEST(parser.next(last).has_value());
}

BOOST_AUTO_TEST_CASE(random_bytes_never_do_harm) {
  std::mt19937_64 dice(20'261'125);
  constexpr std::string_view letters = "data:event \r\n\n:x\xef\xbb\xbf";
  for (int round = 0; round != 2000; ++round) {
    std::string input;
    for (std::size_t n = dice() % 200; n > 0; --n)
      input += letters[dice() % letters.size()];
    const auto whole = parsed({input});
    BOOST_REQUIRE((parsed(cut(input, 1)) == whole));
    BOOST_REQUIRE((parsed(cut(input, 1 + dice() % 9)) == whole));
  }
}

BOOST_AUTO_TEST_SUITE_END()
