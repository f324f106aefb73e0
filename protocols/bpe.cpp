// Two ways to merge: over a small array that is searched anew for each merge, and with a heap for long
// pieces.
#include "protocols/bpe.hpp"

#include <algorithm>
#include <array>
#include <functional>
#include <queue>
#include <utility>

namespace weir::protocols {

namespace {

/// Up to here searching the array is quicker than keeping a heap.
constexpr std::size_t longest_short = 64;

/// A short piece. Tokens are known by their first bytes and chained in both directions.
class short_piece {
public:
  short_piece(const rank_table& ranks, std::string_view piece) : ranks_(ranks), piece_(piece) {
    const std::size_t count = piece.size();
    turns_.fill(no_turn);
    for (std::size_t at = 0; at != count; ++at) {
      next_[at] = static_cast<std::uint8_t>(at + 1);
      previous_[at + 1] = static_cast<std::uint8_t>(at);
    }
    for (std::size_t at = 0; at + 1 != count; ++at)
      turns_[at] = turn_of(ranks.find_pair(piece[at], piece[at + 1]), at);
  }

  /// Merges what can be merged. How many tokens are left.
  std::size_t merge() {
    std::size_t count = piece_.size();
    for (turn best = least(); best != no_turn; best = least()) {
      const std::size_t at = static_cast<std::size_t>(best) % longest_short;
      const std::size_t second = next_[at];
      turns_[second] = no_turn;
      next_[at] = next_[second];
      previous_[next_[at]] = static_cast<std::uint8_t>(at);
      ask(at);
      if (at != 0)
        ask(previous_[at]);
      --count;
    }
    return count;
  }

  template <class Each>
  void tell(Each each) const {
    for (std::size_t at = 0; at != piece_.size(); at = next_[at])
      each(piece_.substr(at, next_[at] - at));
  }

private:
  /// The rank of a token and the next one together, above the place of the first: the least is merged first.
  using turn = std::int32_t;
  static constexpr turn no_turn = 0x7fffffff;
  static_assert(rank_table::largest_rank < static_cast<token_rank>(no_turn) / longest_short);

  static turn turn_of(token_rank rank, std::size_t at) noexcept {
    return rank == no_rank ? no_turn : static_cast<turn>(rank * longest_short + at);
  }

  /// In blocks of a size that compilers make vectors of.
  turn least() const noexcept {
    constexpr std::size_t lanes = 8;
    std::array<turn, lanes> best;
    best.fill(no_turn);
    for (std::size_t block = 0; block < piece_.size(); block += lanes)
      for (std::size_t lane = 0; lane != lanes; ++lane)
        best[lane] = std::min(best[lane], turns_[block + lane]);
    return *std::ranges::min_element(best);
  }

  void ask(std::size_t at) noexcept {
    const std::size_t second = next_[at];
    turns_[at] = second == piece_.size()
                     ? no_turn
                     : turn_of(ranks_.find_unlikely(piece_.substr(at, next_[second] - at)), at);
  }

  const rank_table& ranks_;
  std::string_view piece_;
  std::array<turn, longest_short> turns_;
  std::array<std::uint8_t, longest_short> next_;
  std::array<std::uint8_t, longest_short + 1> previous_;
};

/// A long piece. Tokens are chained by their lengths: one says at its first byte how long it is, and at its
/// last byte as well.
class long_piece {
public:
  long_piece(const rank_table& ranks, std::string_view piece)
      : ranks_(ranks), piece_(piece), sizes_(piece.size(), 1), pairs_(piece.size(), no_rank) {
    std::vector<std::uint64_t> first;
    for (std::size_t at = 0; at + 1 < piece.size(); ++at) {
      pairs_[at] = ranks.find_pair(piece[at], piece[at + 1]);
      if (pairs_[at] != no_rank)
        first.push_back(turn_of(pairs_[at], at));
    }
    turns_ = heap(std::greater<>{}, std::move(first));
  }

  /// Merges what can be merged. How many tokens are left.
  std::size_t merge() {
    std::size_t count = piece_.size();
    while (!turns_.empty()) {
      const std::uint64_t turn = turns_.top();
      turns_.pop();
      const std::size_t at = turn & largest_place;
      // The pair may have gone into another since; its place then holds another rank, or none.
      if (pairs_[at] != turn >> place_bits)
        continue;
      merge_at(at);
      --count;
    }
    return count;
  }

  template <class Each>
  void tell(Each each) const {
    for (std::size_t at = 0; at != piece_.size(); at += sizes_[at])
      each(piece_.substr(at, sizes_[at]));
  }

private:
  /// A pair that is a token, as a number in the order of merging: its rank above its place.
  static constexpr unsigned place_bits = 40;
  static constexpr std::uint64_t largest_place = (std::uint64_t{1} << place_bits) - 1;
  static_assert(rank_table::largest_rank >> (64 - place_bits) == 0);
  static_assert(rank_table::longest_token <= 0xffff, "a token's length fits into 16 bits");

  using heap = std::priority_queue<std::uint64_t, std::vector<std::uint64_t>, std::greater<>>;

  static std::uint64_t turn_of(token_rank rank, std::size_t at) noexcept {
    return std::uint64_t{rank} << place_bits | at;
  }

  void merge_at(std::size_t at) {
    const std::size_t second = at + sizes_[at];
    pairs_[second] = no_rank;
    const std::size_t whole = std::size_t{sizes_[at]} + sizes_[second];
    sizes_[at] = sizes_[at + whole - 1] = static_cast<std::uint16_t>(whole);
    ask(at);
    if (at != 0)
      ask(at - sizes_[at - 1]);
  }

  void ask(std::size_t at) {
    const std::size_t second = at + sizes_[at];
    if (second == piece_.size()) {
      pairs_[at] = no_rank;
      return;
    }
    pairs_[at] = ranks_.find_unlikely(piece_.substr(at, std::size_t{sizes_[at]} + sizes_[second]));
    if (pairs_[at] != no_rank)
      turns_.push(turn_of(pairs_[at], at));
  }

  const rank_table& ranks_;
  std::string_view piece_;
  std::vector<std::uint16_t> sizes_;
  std::vector<token_rank> pairs_;
  heap turns_;
};

/// The rank of a piece as a whole; one of a single byte always is a token.
token_rank rank_of_whole(const rank_table& ranks, std::string_view piece) noexcept {
  return piece.size() == 2 ? ranks.find_pair(piece[0], piece[1]) : ranks.find(piece);
}

} // namespace

std::size_t count_merged(const rank_table& ranks, std::string_view piece) {
  if (piece.size() < 2 || rank_of_whole(ranks, piece) != no_rank)
    return piece.empty() ? 0 : 1;
  return piece.size() <= longest_short ? short_piece(ranks, piece).merge() : long_piece(ranks, piece).merge();
}

void append_merged(const rank_table& ranks, std::string_view piece, std::vector<token_rank>& into) {
  if (piece.empty())
    return;
  if (const token_rank whole = rank_of_whole(ranks, piece); whole != no_rank)
    return into.push_back(whole);
  const auto append = [&](auto merged) {
    merged.merge();
    merged.tell([&](std::string_view token) { into.push_back(ranks.find(token)); });
  };
  if (piece.size() <= longest_short)
    append(short_piece(ranks, piece));
  else
    append(long_piece(ranks, piece));
}

} // namespace weir::protocols
