// Exact decimals in both directions, and the cost formula. Integers only.
// Knows no price list, no record and no currency by name.
#include <weir/money.hpp>

#include <weir/usage.hpp>

#include <algorithm>
#include <limits>

namespace weir {

namespace {

__extension__ typedef unsigned __int128 uint128;

constexpr int decimals = 12; ///< of a pico

bool is_digit(char letter) noexcept {
  return letter >= '0' && letter <= '9';
}

/// A decimal's digits without its point, and how far the point stands from their end.
struct scaled_decimal {
  std::string digits;
  int exponent = 0; ///< value = digits · 10^exponent
};

/// What follows an `e`. Nothing for no whole number, and for one further from zero than any price has use
/// for.
std::optional<int> read_exponent(std::string_view text) {
  const bool negative = text.starts_with('-');
  if (negative || text.starts_with('+'))
    text.remove_prefix(1);
  constexpr int most = 9999;
  int value = 0;
  char before = '\0';
  for (const char letter : text) {
    const bool good = is_digit(letter) || (letter == '_' && is_digit(before));
    if (!good || value > most)
      return std::nullopt;
    value = is_digit(letter) ? value * 10 + (letter - '0') : value;
    before = letter;
  }
  if (!is_digit(before) || value > most)
    return std::nullopt;
  return negative ? -value : value;
}

/// Takes a decimal apart. Nothing when it is none: a sign other than `+`, no digits, a misplaced underscore.
std::optional<scaled_decimal> take_apart(std::string_view text) {
  scaled_decimal parts;
  std::size_t at = !text.empty() && text.front() == '+' ? 1 : 0;
  bool point = false;
  char before = '\0';
  for (; at < text.size() && text[at] != 'e' && text[at] != 'E'; ++at) {
    const char letter = text[at];
    if (is_digit(letter)) {
      parts.digits += letter;
      parts.exponent -= point ? 1 : 0;
    } else if (letter == '_') {
      if (!is_digit(before) || at + 1 == text.size() || !is_digit(text[at + 1]))
        return std::nullopt;
    } else if (letter == '.' && !point && is_digit(before) && at + 1 < text.size() &&
               is_digit(text[at + 1])) {
      point = true;
    } else {
      return std::nullopt;
    }
    before = letter;
  }
  if (parts.digits.empty())
    return std::nullopt;
  if (at == text.size())
    return parts;
  const auto power = read_exponent(text.substr(at + 1));
  if (!power)
    return std::nullopt;
  parts.exponent += *power;
  return parts;
}

/// digits · 10^exponent as an integer. Nothing when it is none, or too large.
std::optional<std::int64_t> to_integer(scaled_decimal parts) {
  while (parts.exponent < 0 && !parts.digits.empty()) {
    if (parts.digits.back() != '0')
      return std::nullopt;
    parts.digits.pop_back();
    ++parts.exponent;
  }
  const auto first = parts.digits.find_first_not_of('0');
  if (first == std::string::npos)
    return 0;
  if (static_cast<int>(parts.digits.size() - first) + parts.exponent > 19)
    return std::nullopt;
  int128 value = 0;
  for (const char digit : parts.digits)
    value = value * 10 + (digit - '0');
  for (; parts.exponent > 0; --parts.exponent)
    value *= 10;
  if (value > std::numeric_limits<std::int64_t>::max())
    return std::nullopt;
  return static_cast<std::int64_t>(value);
}

failure bad_decimal(std::string_view what, std::string_view text, std::string_view why) {
  return make_failure(errc::config, "the " + std::string(what) + " '" + std::string(text.substr(0, 40)) +
                                        "' " + std::string(why));
}

/// A decimal times a power of ten, which must be a whole number.
result<std::int64_t> read_scaled(std::string_view what, std::string_view text, int power,
                                 std::string_view unit) {
  if (!text.empty() && text.front() == '-')
    return bad_decimal(what, text, "is negative");
  auto parts = take_apart(text);
  if (!parts)
    return bad_decimal(what, text, "is not a decimal number");
  parts->exponent += power;
  const auto value = to_integer(std::move(*parts));
  if (!value)
    return bad_decimal(what, text, "is out of range, or has more than 12 decimals" + std::string(unit));
  return *value;
}

/// numerator / 10^6, rounded half to even.
int128 per_million(int128 numerator) noexcept {
  constexpr int128 million = 1'000'000;
  int128 quotient = numerator / million;
  const int128 rest = numerator % million;
  if (rest * 2 > million || (rest * 2 == million && quotient % 2 != 0))
    ++quotient;
  return quotient;
}

/// What a token costs in a prompt of some length.
struct rates {
  price input;
  price output;
  std::optional<price> cached_input;
  std::optional<price> cache_write;
  std::optional<price> cache_write_1h;
  std::optional<price> reasoning;
};

rates rates_for(std::uint64_t prompt_tokens, const pricing& prices) noexcept {
  rates found{prices.input,       prices.output,         prices.cached_input,
              prices.cache_write, prices.cache_write_1h, prices.reasoning};
  const price_tier* tier = nullptr;
  for (const price_tier& each : prices.tiers)
    if (prompt_tokens > each.above)
      tier = &each;
  if (tier == nullptr)
    return found;
  const auto replace = [](auto& base, const std::optional<price>& higher) {
    if (higher)
      base = *higher;
  };
  replace(found.input, tier->input);
  replace(found.output, tier->output);
  replace(found.cached_input, tier->cached_input);
  replace(found.cache_write, tier->cache_write);
  replace(found.cache_write_1h, tier->cache_write_1h);
  replace(found.reasoning, tier->reasoning);
  return found;
}

} // namespace

std::optional<currency> currency::parse(std::string_view code) noexcept {
  if (code.size() != 3 ||
      !std::ranges::all_of(code, [](char letter) { return letter >= 'A' && letter <= 'Z'; }))
    return std::nullopt;
  currency parsed;
  std::ranges::copy(code, parsed.letters_.begin());
  return parsed;
}

std::string currency::str() const {
  return empty() ? std::string() : std::string(letters_.data(), letters_.size());
}

bool money_sum::add(const money& amount) noexcept {
  return add(money_sum(amount.picos, amount.unit));
}

bool money_sum::add(const money_sum& other) noexcept {
  if (other.unit_.empty() && other.picos_ == 0)
    return true;
  if (unit_.empty() && picos_ == 0)
    unit_ = other.unit_;
  if (unit_ != other.unit_)
    return false;
  picos_ += other.picos_;
  return true;
}

std::string to_decimal(int128 picos) {
  const bool negative = picos < 0;
  auto rest = negative ? -static_cast<uint128>(picos) : static_cast<uint128>(picos);
  std::string reversed;
  for (int place = 0; rest != 0 || place <= decimals; ++place) {
    if (place == decimals && !reversed.empty())
      reversed += '.';
    const char digit = static_cast<char>('0' + static_cast<int>(rest % 10));
    rest /= 10;
    // Zeros after the last digit that counts are left out.
    if (place >= decimals || digit != '0' || !reversed.empty())
      reversed += digit;
  }
  if (negative)
    reversed += '-';
  return {reversed.rbegin(), reversed.rend()};
}

result<money> parse_amount(std::string_view text, currency unit) {
  const auto picos = read_scaled("amount", text, decimals, "");
  if (!picos)
    return picos.error();
  return money{*picos, unit};
}

result<price> parse_price(std::string_view text, price_unit unit) {
  const int power = decimals + (unit == price_unit::tokens ? 6 : 0);
  const auto picos = read_scaled("price", text, power, " per million tokens");
  if (!picos)
    return picos.error();
  return price{*picos};
}

std::string to_decimal(const price& value) {
  return to_decimal(int128{value.picos_per_million});
}

std::optional<money> cost_of(const token_usage& usage, const pricing& prices) noexcept {
  const std::uint64_t cached = usage.cached_tokens.value_or(0);
  const std::uint64_t long_writes = usage.cache_write_1h_tokens.value_or(0);
  const std::uint64_t writes = std::max(usage.cache_write_tokens.value_or(0), long_writes);
  if (cached > usage.prompt_tokens || writes > usage.prompt_tokens - cached)
    return std::nullopt;
  const rates each = rates_for(usage.prompt_tokens, prices);
  const std::uint64_t thought =
      each.reasoning ? std::min(usage.reasoning_tokens.value_or(0), usage.completion_tokens) : 0;
  const auto part = [](std::uint64_t tokens, price one) { return int128{tokens} * one.picos_per_million; };
  // Seven products of a 64-bit and a 63-bit number: their sum may pass 2^127, so the counts are bounded
  // first.
  constexpr std::uint64_t most = 1ULL << 53U;
  if (usage.prompt_tokens > most || usage.completion_tokens > most)
    return std::nullopt;
  const price write_price = each.cache_write.value_or(each.input);
  const int128 numerator = part(usage.prompt_tokens - cached - writes, each.input) +
                           part(cached, each.cached_input.value_or(each.input)) +
                           part(writes - long_writes, write_price) +
                           part(long_writes, each.cache_write_1h.value_or(write_price)) +
                           part(usage.completion_tokens - thought, each.output) +
                           part(thought, each.reasoning.value_or(each.output));
  const int128 fees = int128{prices.request_fee} + int128{prices.image_fee} * usage.images;
  const int128 picos = per_million(numerator) + fees;
  if (picos > std::numeric_limits<std::int64_t>::max())
    return std::nullopt;
  return money{static_cast<std::int64_t>(picos), prices.unit};
}

} // namespace weir
