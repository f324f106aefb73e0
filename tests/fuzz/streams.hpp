// Properties of streamed replies, the same for all APIs but for the word that ends them.
// Knows how each API says that a reply is whole, and nothing else of it.
#pragma once

#include "fuzzing.hpp"

namespace weir::fuzzing {

/// One streamed response: fed whole and in pieces, held against its deltas, and passed on.
void check_stream(api_kind api, const std::uint8_t* data, std::size_t size);

} // namespace weir::fuzzing
