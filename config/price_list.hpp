// Price lists: from a text in one of three formats to a book, exactly or not at all.
// Fetches nothing, and judges no list by another one.
#pragma once

#include <weir/prices.hpp>

#include <cstddef>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

namespace weir::config {

/// The most bytes that a list may have.
inline constexpr std::size_t largest_price_list = 64ULL << 20U;

/// Reads a list. `automatic` takes an array of JSON for genai-prices, an object for LiteLLM, and anything
/// else for TOML. A price that cannot be said exactly, or one without which a call cannot be priced, leaves
/// its entry unpriced, and the book's notes name it. Errors (`config`): everything else, with `source` and
/// the line or JSON path; a list without a single price is one.
result<std::shared_ptr<const price_book>> read_price_list(std::string_view text, price_format format,
                                                          const std::string& source);

/// A book in the making.
struct price_draft {
  std::vector<listed_provider> providers;
  std::vector<price_note> notes;
};

/// The formats. `source` is for messages.
result<price_draft> read_weir_prices(std::string_view text, const std::string& source);
result<price_draft> read_litellm_prices(std::string_view text, const std::string& source);
result<price_draft> read_genai_prices(std::string_view text, const std::string& source);

} // namespace weir::config
