// Counting tokens: pieces and tokens add up to the text, the tokens are those of byte-pair encoding done the
// slow way, and long texts take no longer than their length allows. Lists of ranks of any form are read too.
#include "fuzzing.hpp"

#include "protocols/bpe.hpp"
#include "protocols/pretokenize.hpp"
#include "protocols/utf8.hpp"
#include "protocols/vocabulary.hpp"

#include <weir/tokens.hpp>

#include <algorithm>
#include <utility>
#include <vector>

using namespace weir;
using namespace weir::fuzzing;
using namespace weir::protocols;

namespace {

std::string base64(std::string_view bytes) {
  constexpr std::string_view letters = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
  std::string text;
  for (std::size_t at = 0; at < bytes.size(); at += 3) {
    std::uint32_t word = 0;
    for (std::size_t offset = 0; offset != 3; ++offset)
      word = word << 8U | (at + offset < bytes.size() ? static_cast<unsigned char>(bytes[at + offset]) : 0U);
    for (std::size_t offset = 0; offset != 4; ++offset)
      text.push_back(at + offset > bytes.size() ? '=' : letters[word >> (18 - 6 * offset) & 63U]);
  }
  return text;
}

/// A small vocabulary, built as a real one is: each token but the single bytes is two earlier ones together.
/// Among them are some longer than what the table keeps in its slots, and runs of one letter.
std::vector<std::string> made_up_tokens() {
  std::vector<std::string> tokens;
  for (int byte = 0; byte != 256; ++byte)
    tokens.emplace_back(1, static_cast<char>(byte));
  const auto add = [&tokens](std::string_view token) {
    if (std::ranges::find(tokens, token) == tokens.end())
      tokens.emplace_back(token);
  };
  for (const char* word : {" the",
                           " and",
                           "ing",
                           "tion",
                           "hello",
                           " hello",
                           "'s",
                           "'ll",
                           "international",
                           " internationalisation",
                           "\r\n\r\n",
                           "    ",
                           "\xe4\xb8\xad\xe6\x96\x87",
                           "\xc3\xa9t\xc3\xa9",
                           "\xf0\x9f\x98\x80",
                           "123",
                           "==",
                           "====",
                           "========",
                           "ABC",
                           "Abc"})
    for (std::size_t size = 2; size <= std::string_view(word).size(); ++size)
      add(std::string_view(word).substr(0, size));
  for (const char letter : {'a', ' ', '\n', '0', '.'})
    for (std::size_t size = 2; size <= 64; size *= 2)
      add(std::string(size, letter));
  add("ab");
  add("ba");
  add("aba");
  add("bab");
  add("abab");
  add("babab");
  return tokens;
}

const std::vector<std::string>& tokens() {
  static const std::vector<std::string> all = made_up_tokens();
  return all;
}

/// The list of a vocabulary: `count` of its tokens.
std::string list_of(std::size_t count) {
  std::string lines;
  for (std::size_t at = 0; at != count; ++at)
    lines += base64(tokens()[at]) + " " + std::to_string(at) + "\n";
  return lines;
}

const rank_table& ranks() {
  static const rank_table table = *rank_table::parse(list_of(tokens().size()));
  return table;
}

/// Merges of a piece, done by the definition: the pair of the lowest rank, the leftmost first.
std::vector<token_rank> slowly_merged(std::string_view piece) {
  if (const token_rank whole = ranks().find(piece); whole != no_rank)
    return {whole};
  std::vector<std::string_view> parts;
  for (std::size_t at = 0; at != piece.size(); ++at)
    parts.push_back(piece.substr(at, 1));
  for (;;) {
    token_rank best = no_rank;
    std::size_t place = 0;
    for (std::size_t at = 0; at + 1 < parts.size(); ++at)
      if (const token_rank rank = ranks().find({parts[at].data(), parts[at].size() + parts[at + 1].size()});
          rank < best) {
        best = rank;
        place = at;
      }
    if (best == no_rank)
      break;
    parts[place] = {parts[place].data(), parts[place].size() + parts[place + 1].size()};
    parts.erase(parts.begin() + static_cast<std::ptrdiff_t>(place) + 1);
  }
  std::vector<token_rank> merged;
  for (const std::string_view part : parts)
    merged.push_back(ranks().find(part));
  return merged;
}

/// The slow way takes the square of a piece. This is long enough for both of the ways that are checked.
constexpr std::size_t longest_checked = 96;

void check_tokens(std::string_view piece, const std::vector<token_rank>& merged) {
  require(count_merged(ranks(), piece) == merged.size(), "counting is merging", piece);
  std::string again;
  for (const token_rank each : merged) {
    require(each < tokens().size(), "a token is of the vocabulary", piece);
    again += tokens()[each];
  }
  require(again == piece, "the tokens are the piece", piece);
}

const token_counter& counter_of(split_rule rule) {
  static const auto o200k = *make_token_counter("o200k_base", list_of(tokens().size()));
  static const auto cl100k = *make_token_counter("cl100k_base", list_of(tokens().size()));
  return rule == split_rule::o200k ? *o200k : *cl100k;
}

void check_text(split_rule rule, std::string_view text) {
  const pretokenizer splitter(rule);
  std::vector<token_rank> all;
  for (std::size_t begin = 0; begin != text.size();) {
    const std::size_t end = splitter.piece_end(text, begin);
    require(end > begin && end <= text.size(), "a piece has an end behind its beginning", text);
    const std::string_view piece = text.substr(begin, end - begin);
    require(valid_utf8(piece) == piece.size(), "a piece is whole characters", text);
    std::vector<token_rank> merged;
    append_merged(ranks(), piece, merged);
    check_tokens(piece, merged);
    if (piece.size() <= longest_checked)
      require(slowly_merged(piece) == merged, "tokens are those of the slow way", piece);
    all.insert(all.end(), merged.begin(), merged.end());
    begin = end;
  }
  require(counter_of(rule).encode(text) == all && counter_of(rule).count(text) == all.size(),
          "the counter does the same", text);
}

/// A list of ranks that begins as a good one does, so that what follows is looked at.
void check_list(std::string_view lines) {
  static const std::string bytes = list_of(256);
  const auto table = rank_table::parse(bytes + std::string(lines));
  if (!table)
    return require(table.error().type == errc::config && table.error().place.starts_with("line "),
                   "a fault has its line", to_string(table.error()));
  require(table->size() >= 256 && table->find("a") == 'a', "what was read can be found");
  const std::size_t count = count_merged(*table, lines);
  require(count <= lines.size() && (count > 0 || lines.empty()), "any text can be counted");
}

} // namespace

int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  input from(data, size);
  const std::uint8_t mode = from.byte();
  if (mode == 'v') {
    check_list(from.rest());
    return 0;
  }
  const split_rule rule = mode % 2 == 0 ? split_rule::o200k : split_rule::cl100k;
  const std::string_view bytes = from.rest();
  std::string text = valid_utf8(bytes) == bytes.size() ? std::string(bytes) : repaired_utf8(bytes);
  require(valid_utf8(text) == text.size(), "a repaired text is UTF-8", bytes);
  // Now and then a text so long that anything but a few steps for each byte would take minutes: it is only
  // counted.
  if (mode == 'L' || mode == 'M') {
    constexpr std::size_t long_text = 64 * 1024;
    const std::string once = text;
    while (!once.empty() && text.size() < long_text)
      text += once;
    const std::uint64_t count = counter_of(rule).count(text);
    require(count <= text.size() && (count > 0 || text.empty()), "a long text can be counted");
    return 0;
  }
  check_text(rule, text);
  return 0;
}
