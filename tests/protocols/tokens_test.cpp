// Vocabularies: reading ranks, merging bytes, counting texts, loading and installing. With vocabularies made
// up here; that counts with OpenAI's are tiktoken's is what tests/acceptance/tokens.py shows.
#include "made_vocabulary.hpp"
#include "protocols/anthropic_reply.hpp"
#include "protocols/bpe.hpp"
#include "protocols/estimate.hpp"
#include "protocols/responses_reply.hpp"
#include "protocols/vocabulary.hpp"

#include <weir/tokens.hpp>

#include <boost/test/unit_test.hpp>

#include <atomic>
#include <filesystem>
#include <fstream>
#include <map>
#include <random>
#include <thread>

#include <sys/wait.h>
#include <unistd.h>

using namespace weir;
using namespace weir::protocols;
using namespace weir::test;

namespace {

/// Merging as it is defined, step by step over strings.
std::vector<std::string> merged_slowly(const std::map<std::string, token_rank>& ranks,
                                       std::string_view piece) {
  std::vector<std::string> tokens;
  for (const char each : piece)
    tokens.emplace_back(1, each);
  if (ranks.contains(std::string(piece)))
    return {std::string(piece)};
  for (;;) {
    std::size_t best = tokens.size();
    token_rank least = no_rank;
    for (std::size_t at = 0; at + 1 < tokens.size(); ++at)
      if (const auto found = ranks.find(tokens[at] + tokens[at + 1]);
          found != ranks.end() && found->second < least) {
        least = found->second;
        best = at;
      }
    if (best == tokens.size())
      return tokens;
    tokens[best] += tokens[best + 1];
    tokens.erase(tokens.begin() + static_cast<std::ptrdiff_t>(best) + 1);
  }
}

failure fault_of(std::string_view ranks) {
  const auto parsed = rank_table::parse(ranks);
  BOOST_REQUIRE(parsed.has_error());
  return parsed.error();
}

} // namespace

BOOST_AUTO_TEST_SUITE(tokens_test)

BOOST_AUTO_TEST_CASE(ranks_are_read_and_found) {
  const std::string long_token(13, 'x'), longest(rank_table::longest_token, 'y');
  const std::vector<std::string> tokens{"ab",
                                        "abc",
                                        "abcd",
                                        "abcde",
                                        "abcdefg",
                                        "abcdefgh",
                                        "abcdefghi",
                                        "abcdefghijkl",
                                        long_token,
                                        longest,
                                        std::string("a\0b", 3),
                                        std::string("a\0", 2)};
  const rank_table table = ranks_with(tokens);
  BOOST_TEST(table.size() == 256 + tokens.size());
  for (std::size_t at = 0; at != tokens.size(); ++at) {
    BOOST_TEST(table.find(tokens[at]) == 256 + at);
    BOOST_TEST(table.find_unlikely(tokens[at]) == 256 + at);
  }
  BOOST_TEST(table.find_pair('a', 'b') == 256U);
  BOOST_TEST(table.find_pair('b', 'a') == no_rank);
  BOOST_TEST(table.find("\xff") == 255U);
  for (const std::string_view none : {"", "ba", "abcdef", "abcdefghijklm", "abcdefghijkk"}) {
    BOOST_TEST(table.find(none) == no_rank);
    if (!none.empty())
      BOOST_TEST(table.find_unlikely(none) == no_rank);
  }
  BOOST_TEST(table.find(longest + "y") == no_rank);
  BOOST_TEST(ranks_with({}).size() == 256U);
}

BOOST_AUTO_TEST_CASE(a_faulty_rank_file_is_refused_with_its_line) {
  const std::string good = rank_file();
  for (const std::string& line :
       {std::string("\n"), std::string("YWI=\n"), std::string("YWI= \n"), std::string("YWI= -1\n"),
        std::string("YWI= 1x\n"), std::string("YWI= 16777216\n"), std::string("YWI 256\n"),
        std::string("Y!I= 256\n"), std::string("==== 256\n"), std::string("YQ== 256\n"),
        std::string("YWI= 5\n"), " 256\n" + std::string("x"),
        base64(std::string(rank_table::longest_token + 1, 'x')) + " 256\n"}) {
    const failure error = fault_of(good + line);
    BOOST_TEST((error.type == errc::config));
    BOOST_TEST(error.place == "line 257", line);
  }
  BOOST_TEST(fault_of("").message.find("single byte 0") != std::string::npos);
  BOOST_TEST(fault_of(good.substr(good.find('\n') + 1)).message.find("single byte 0") != std::string::npos);
  BOOST_TEST(rank_table::parse(good.substr(0, good.size() - 1)).has_value()); // no line break at the end
  std::string windows = good;
  for (std::size_t at = windows.find('\n'); at != std::string::npos; at = windows.find('\n', at + 2))
    windows.insert(at, 1, '\r');
  BOOST_TEST(rank_table::parse(windows).has_value());
}

BOOST_AUTO_TEST_CASE(the_lowest_rank_is_merged_first_and_the_leftmost_of_equals) {
  const auto tokens_in = [](const rank_table& table, std::string_view piece) {
    std::vector<token_rank> found;
    append_merged(table, piece, found);
    BOOST_TEST(count_merged(table, piece) == found.size());
    return found;
  };
  const rank_table table = ranks_with({"bc", "ab", "xaby", "aa"});
  BOOST_TEST(tokens_in(table, "xabc") == (std::vector<token_rank>{'x', 'a', 256}),
             boost::test_tools::per_element());
  BOOST_TEST(tokens_in(table, "aaa") == (std::vector<token_rank>{259, 'a'}),
             boost::test_tools::per_element());
  // A piece that is a token is that token, even where merging would not come to it.
  BOOST_TEST(tokens_in(table, "xaby") == (std::vector<token_rank>{258}), boost::test_tools::per_element());
  BOOST_TEST(tokens_in(table, "a") == (std::vector<token_rank>{'a'}), boost::test_tools::per_element());
  BOOST_TEST(tokens_in(table, "").empty());
}

BOOST_AUTO_TEST_CASE(short_and_long_pieces_merge_as_the_definition_has_it) {
  std::mt19937 random(11);
  for (int round = 0; round != 60; ++round) {
    // Any tokens at all: also such as no training would make, with parts that are none.
    std::map<std::string, token_rank> ranks;
    std::vector<std::string> tokens;
    for (int n = 0; n != 60; ++n) {
      std::string token;
      for (std::size_t size = 2 + random() % (n % 5 == 0 ? 20 : 4); size != 0; --size)
        token += static_cast<char>('a' + random() % 3);
      if (ranks.try_emplace(token, static_cast<token_rank>(256 + tokens.size())).second)
        tokens.push_back(token);
    }
    const rank_table table = ranks_with(tokens);
    for (char letter = 'a'; letter != 'd'; ++letter)
      ranks[std::string(1, letter)] = static_cast<token_rank>(letter);
    for (const std::size_t size : {2U, 3U, 7U, 8U, 9U, 31U, 63U, 64U, 65U, 66U, 127U, 300U}) {
      std::string piece;
      for (std::size_t n = 0; n != size; ++n)
        piece += static_cast<char>('a' + random() % (round % 3 + 1));
      std::vector<token_rank> expected;
      for (const std::string& token : merged_slowly(ranks, piece))
        expected.push_back(ranks.at(token));
      std::vector<token_rank> found;
      append_merged(table, piece, found);
      BOOST_REQUIRE(found == expected);
      BOOST_REQUIRE(count_merged(table, piece) == expected.size());
    }
  }
}

BOOST_AUTO_TEST_CASE(megabytes_without_a_break_take_no_quadratic_time) {
  const auto counter = counter_with({"aa", "aaaa", "aaaaaaaa", "ab", "abab", "  ", "    ", "00", "000"});
  for (const std::string_view run :
       {"a", "ab", " ", "0", "A", "\u0301", "\u4e2d", "'s", "\n ", "aA", "\xff"}) {
    std::string text;
    while (text.size() < 1U << 20U)
      text += run;
    const std::uint64_t tokens = counter->count(text);
    BOOST_TEST(tokens > 0U);
    BOOST_TEST(tokens <= 3 * text.size());
  }
  BOOST_TEST(counter->count(std::string(1U << 20U, 'a')) == (1U << 20U) / 8);
}

BOOST_AUTO_TEST_CASE(a_counter_counts_what_it_encodes) {
  const auto counter = counter_with({"he", "ll", "hell", "hello", " w", " wo", " world"});
  BOOST_TEST(counter->vocabulary() == "o200k_base");
  const std::vector<std::uint32_t> expected{259, 262};
  BOOST_TEST(counter->encode("hello world") == expected, boost::test_tools::per_element());
  BOOST_TEST(counter->count("hello world") == 2U);
  BOOST_TEST(counter->count("") == 0U);
  // Special tokens are text like any other; each fault is U+FFFD, of three bytes.
  BOOST_TEST(counter->count("<|endoftext|>") == 13U);
  BOOST_TEST(counter->count("\xff\xff") == 6U);
  const auto unknown = make_token_counter("p50k_base", rank_file());
  BOOST_REQUIRE(unknown.has_error());
  BOOST_TEST(unknown.error().message.find("p50k_base") != std::string::npos);
}

BOOST_AUTO_TEST_CASE(a_vocabulary_is_loaded_from_its_file) {
  const auto folder =
      std::filesystem::temp_directory_path() / ("weir-tokens-test-" + std::to_string(::getpid()));
  std::filesystem::create_directory(folder);
  const auto write = [&](const std::string& name, const std::string& text) {
    std::ofstream(folder / name, std::ios::binary) << text;
    return load_vocabulary(folder / name);
  };
  const auto good = write("cl100k_base.tiktoken", rank_file({"ab"}));
  BOOST_REQUIRE(good.has_value());
  BOOST_TEST((*good)->vocabulary() == "cl100k_base");
  BOOST_TEST((*good)->count("abab") == 2U);
  for (const auto& [name, words] :
       std::map<std::string, std::string>{{"o200k_base.tiktoken", "line 1"}, {"other.tiktoken", "other"}}) {
    const auto bad = write(name, "x");
    BOOST_REQUIRE(bad.has_error());
    BOOST_TEST((bad.error().type == errc::config));
    BOOST_TEST(to_string(bad.error()).find(words) != std::string::npos, to_string(bad.error()));
  }
  BOOST_TEST(load_vocabulary(folder / "nowhere").error().message.find("cannot be read") != std::string::npos);
  BOOST_TEST(load_vocabulary(folder).error().message.find("cannot be read") != std::string::npos);
  std::filesystem::remove_all(folder);
}

BOOST_AUTO_TEST_CASE(a_vocabulary_is_installed_once_for_all_threads) {
  const pid_t child = ::fork();
  BOOST_REQUIRE(child >= 0);
  if (child == 0) {
    const model_name model("gpt-4");
    bool good = estimate_tokens("ab", model) == token_count{1, false} &&
                installed_vocabulary("cl100k_base") == nullptr;
    std::atomic<int> installed{0}, exact{0};
    {
      std::vector<std::jthread> threads;
      for (int n = 0; n != 8; ++n)
        threads.emplace_back([&] {
          installed += install_vocabulary(counter_with({"ab"}, "cl100k_base")) ? 1 : 0;
          for (int round = 0; round != 100; ++round)
            exact += estimate_tokens("abab", model) == token_count{2, true} ? 1 : 0;
        });
    }
    good = good && installed == 1 && exact == 800 && !install_vocabulary(nullptr) &&
           installed_vocabulary("none") == nullptr;
    good = good && installed_vocabulary("cl100k_base") == installed_vocabulary("cl100k_base");
    good = good && !estimate_tokens("abab", model_name("gpt-4o")).exact;
    good = good && estimate_text_tokens("abab", model) == 2 &&
           estimate_prompt_tokens(asking("gpt-4", "abab")) == 9;
    good = good && estimate_tokens(asking("gpt-4", "abab")) == token_count{9, true};
    ::_exit(good ? 0 : 1);
  }
  int status = 0;
  BOOST_REQUIRE(::waitpid(child, &status, 0) == child);
  BOOST_TEST((WIFEXITED(status) && WEXITSTATUS(status) == 0));
}

BOOST_AUTO_TEST_CASE(a_reply_without_a_usage_is_counted_with_the_models_vocabulary) {
  const auto responses = [](const std::string& model) {
    const http_response whole{200, {}, R"({"status":"completed","model":")" + model + R"(","output":[
      {"type":"reasoning","summary":[{"type":"summary_text","text":"abab"}]},
      {"type":"message","content":[{"type":"output_text","text":"abab"},{"type":"refusal","refusal":"abab"}]},
      {"type":"function_call","call_id":"c","name":"abab","arguments":"{}"}]})"};
    const auto reply = decode_responses_reply(whole, {});
    return reply ? reply->usage : token_usage{};
  };
  const auto messages = [](const std::string& model) {
    const http_response whole{200, {}, R"({"type":"message","model":")" + model + R"(","content":[
      {"type":"thinking","thinking":"abab"},{"type":"text","text":"abab"},
      {"type":"tool_use","id":"t","name":"abab","input":{}}]})"};
    const auto reply = anthropic::decode_reply(whole, {});
    return reply ? reply->usage : token_usage{};
  };
  const auto is = [](const token_usage& usage, std::uint64_t tokens) {
    return usage.completion_tokens == tokens && usage.total_tokens == tokens &&
           usage.source == metering::estimated;
  };
  BOOST_TEST(is(responses("gpt-4o-2024-08-06"), 5));
  BOOST_TEST(is(messages("openai/gpt-4o"), 4));
  const pid_t child = ::fork();
  BOOST_REQUIRE(child >= 0);
  if (child == 0) {
    install_vocabulary(counter_with({"ab"}));
    const bool good = is(responses("gpt-4o-2024-08-06"), 10) && is(messages("openai/gpt-4o"), 8) &&
                      is(responses("other"), 5) && is(messages("claude-sonnet-4-5"), 4);
    ::_exit(good ? 0 : 1);
  }
  int status = 0;
  BOOST_REQUIRE(::waitpid(child, &status, 0) == child);
  BOOST_TEST((WIFEXITED(status) && WEXITSTATUS(status) == 0));
}

BOOST_AUTO_TEST_SUITE_END()
