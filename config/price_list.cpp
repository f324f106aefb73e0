// Tells the formats apart.
#include "config/price_list.hpp"

#include <algorithm>

namespace weir::config {

namespace {

failure bad_list(const std::string& source, std::string problem) {
  return make_failure(errc::config, "the price list " + std::move(problem), source);
}

price_format format_of(std::string_view text) {
  const auto first = text.find_first_not_of(" \t\r\n");
  if (first == std::string_view::npos)
    return price_format::weir;
  if (text[first] == '{')
    return price_format::litellm;
  // In TOML a bracket opens a header, and never two levels of values.
  const auto second = text.find_first_not_of(" \t\r\n", first + 1);
  const bool array =
      text[first] == '[' && second != std::string_view::npos && (text[second] == '{' || text[second] == ']');
  return array ? price_format::genai_prices : price_format::weir;
}

bool has_price(const price_draft& draft) {
  return std::ranges::any_of(draft.providers, [](const listed_provider& provider) {
    return std::ranges::any_of(provider.entries, [](const price_entry& entry) {
      return std::ranges::any_of(entry.periods,
                                 [](const price_period& period) { return period.prices.has_value(); });
    });
  });
}

} // namespace

result<std::shared_ptr<const price_book>> read_price_list(std::string_view text, price_format format,
                                                          const std::string& source) {
  constexpr std::string_view mark = "\xef\xbb\xbf";
  if (text.starts_with(mark))
    text.remove_prefix(mark.size());
  if (text.size() > largest_price_list)
    return bad_list(source, "has " + std::to_string(text.size()) + " bytes; at most " +
                                std::to_string(largest_price_list) + " are read");
  const auto first = text.find_first_not_of(" \t\r\n");
  if (first == std::string_view::npos)
    return bad_list(source, "is empty");
  if (text[first] == '<')
    return bad_list(source, "is HTML or XML; expected JSON or TOML");
  if (format == price_format::automatic)
    format = format_of(text);
  auto draft = format == price_format::litellm        ? read_litellm_prices(text, source)
               : format == price_format::genai_prices ? read_genai_prices(text, source)
                                                      : read_weir_prices(text, source);
  if (!draft)
    return draft.error();
  if (!has_price(*draft))
    return bad_list(source, "has no price in it");
  return std::make_shared<const price_book>(std::move(draft->providers), std::move(draft->notes));
}

} // namespace weir::config
