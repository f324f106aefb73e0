// Amounts for people: exact, and in a column with their points below each other.
// Knows no price and no ledger.
#include "tools/table.hpp"

#include <algorithm>
#include <array>
#include <string_view>

namespace weir::tools {

namespace {

/// Currencies whose smallest unit is not a hundredth (ISO 4217).
constexpr std::array<std::string_view, 15> without_decimals{
    "BIF", "CLP", "DJF", "GNF", "ISK", "JPY", "KMF", "KRW", "PYG", "RWF", "UGX", "VND", "VUV", "XAF", "XOF"};
constexpr std::array<std::string_view, 7> with_three_decimals{"BHD", "IQD", "JOD", "KWD",
                                                              "LYD", "OMR", "TND"};

std::size_t usual_decimals(currency unit) {
  const std::string code = unit.str();
  if (std::ranges::find(without_decimals, code) != without_decimals.end())
    return 0;
  return std::ranges::find(with_three_decimals, code) != with_three_decimals.end() ? 3 : 2;
}

struct split_amount {
  std::string whole;    ///< with its sign, and thousands set apart
  std::string decimals; ///< without the point; may be empty
};

split_amount split(const money_sum& amount) {
  const std::string text = to_decimal(amount);
  const std::size_t point = std::min(text.find('.'), text.size());
  split_amount parts{text.substr(0, point), text.substr(std::min(point + 1, text.size()))};
  const std::size_t first_digit = parts.whole.starts_with('-') ? 1 : 0;
  for (std::size_t at = parts.whole.size(); at > first_digit + 3;) {
    at -= 3;
    parts.whole.insert(at, 1, ',');
  }
  const std::size_t usual = usual_decimals(amount.unit());
  if (parts.decimals.size() < usual)
    parts.decimals.append(usual - parts.decimals.size(), '0');
  return parts;
}

} // namespace

std::size_t decimals_of(const money_sum& amount) {
  return split(amount).decimals.size();
}

std::vector<std::string> aligned(const std::vector<money_cell>& cells, std::size_t least_decimals) {
  std::size_t room = least_decimals;
  for (const money_cell& each : cells)
    if (each.amount)
      room = std::max(room, decimals_of(*each.amount));
  std::vector<std::string> texts;
  texts.reserve(cells.size());
  for (const money_cell& each : cells) {
    std::string text = each.words;
    if (each.amount) {
      const split_amount parts = split(*each.amount);
      text += (text.empty() ? "" : " ") + parts.whole;
      if (!parts.decimals.empty())
        text += "." + parts.decimals;
      else if (room != 0)
        text += ' ';
      text.append(room - parts.decimals.size(), ' ');
      text += " " + each.amount->unit().str();
    }
    texts.push_back(std::move(text));
  }
  return texts;
}

std::string money_words(const money_sum& amount) {
  return aligned({{.words = {}, .amount = amount}}).front();
}

} // namespace weir::tools
