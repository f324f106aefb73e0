// Byte-pair encoding: the bytes of a piece are merged, lowest rank first, until no two neighbours are a
// token. Knows no pattern and no file; pure, and exact for input of any length.
#pragma once

#include "protocols/vocabulary.hpp"

#include <cstddef>
#include <string_view>
#include <vector>

namespace weir::protocols {

/// Into how many tokens a piece is merged. Of several pairs of the lowest rank the leftmost is merged first,
/// and a piece that is a token as a whole is that token: both as tiktoken does. Takes n·log n steps, and some
/// 24 bytes of memory for each byte of a long piece.
std::size_t count_merged(const rank_table& ranks, std::string_view piece);

/// The same tokens, appended to `into`.
void append_merged(const rank_table& ranks, std::string_view piece, std::vector<token_rank>& into);

} // namespace weir::protocols
