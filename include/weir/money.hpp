// Exact money: amounts, prices, and the one formula that multiplies them. No floating point anywhere.
// Knows no price list and no ledger.
#pragma once

#include <weir/error.hpp>

#include <array>
#include <compare>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace weir {

/// Three capital letters of ISO 4217; all zero means "no currency".
class currency {
public:
  constexpr currency() = default;

  /// Accepts three letters A–Z and nothing else.
  static std::optional<currency> parse(std::string_view code) noexcept;

  /// The three letters, or empty.
  std::string str() const;
  bool empty() const noexcept { return letters_[0] == 0; }
  const std::array<char, 3>& letters() const noexcept { return letters_; }

  friend bool operator==(const currency&, const currency&) = default;
  friend auto operator<=>(const currency&, const currency&) = default;

private:
  std::array<char, 3> letters_{};
};

/// How many of an amount's counts make one unit of its currency: 10^12.
inline constexpr std::int64_t picos_per_unit = 1'000'000'000'000;

__extension__ typedef __int128 int128; ///< for sums: 2^127 picos are 1.7e26 units

/// An amount: a count of 10^-12 of its currency's unit. The range is about ±9.2 million units.
struct money {
  std::int64_t picos = 0;
  currency unit;

  friend bool operator==(const money&, const money&) = default;
};

/// A sum of amounts in one currency. Adding another currency is refused.
class money_sum {
public:
  money_sum() = default;
  explicit money_sum(currency unit) : unit_(unit) {}
  money_sum(int128 picos, currency unit) : picos_(picos), unit_(unit) {}

  /// Adds; the first amount fixes the currency of an empty sum. False, and unchanged, for another currency.
  [[nodiscard]] bool add(const money& amount) noexcept;
  [[nodiscard]] bool add(const money_sum& other) noexcept;

  int128 picos() const noexcept { return picos_; }
  currency unit() const noexcept { return unit_; }

  friend bool operator==(const money_sum&, const money_sum&) = default;

private:
  int128 picos_ = 0;
  currency unit_;
};

/// A plain decimal without trailing zeros and without exponent: `0.00072`, `0`, `-1.5`.
std::string to_decimal(int128 picos);
inline std::string to_decimal(const money& amount) {
  return to_decimal(int128{amount.picos});
}
inline std::string to_decimal(const money_sum& sum) {
  return to_decimal(sum.picos());
}

/// Reads a plain or exponent decimal (`5`, `0.25`, `1e-6`, `1_000`) as an amount, exactly.
/// Errors (`config`): not a decimal, negative, more than 12 decimals, out of range.
result<money> parse_amount(std::string_view text, currency unit);

/// A price: 10^-12 of the currency's unit per *million* tokens, so that 0.0375 USD per million is the
/// integer 37,500,000,000, and a price with twelve decimals per million is still exact.
struct price {
  std::int64_t picos_per_million = 0;

  friend bool operator==(const price&, const price&) = default;
};

/// What a price in the configuration is counted in.
enum class price_unit : std::uint8_t { tokens, million_tokens };

/// Reads a plain or exponent decimal (`30`, `30.0`, `1.5e-05`, `3_000.5`) as a price, exactly.
/// Errors (`config`): not a decimal, negative, more than 12 decimals per million, out of range.
result<price> parse_price(std::string_view text, price_unit unit);

/// The price per million tokens as a plain decimal.
std::string to_decimal(const price& value);

/// Prices of a call whose prompt is long: they replace the base prices for all of its tokens, not only for
/// those beyond the bound. What is absent stays as the base has it.
struct price_tier {
  std::uint64_t above = 0; ///< holds for prompts of more tokens than this
  std::optional<price> input{};
  std::optional<price> output{};
  std::optional<price> cached_input{};
  std::optional<price> cache_write{};
  std::optional<price> cache_write_1h{};
  std::optional<price> reasoning{};

  friend bool operator==(const price_tier&, const price_tier&) = default;
};

/// A model's prices. What is absent is priced like plain input (cached, cache writes) or output (reasoning).
struct pricing {
  currency unit;
  price input;
  price output;
  std::optional<price> cached_input;
  std::optional<price> cache_write;
  std::optional<price> cache_write_1h; ///< cache writes that live an hour (Anthropic)
  std::optional<price> reasoning{};    ///< output tokens that were spent on thinking
  std::int64_t request_fee = 0;        ///< of each successful request, in 10^-12 of the unit
  std::int64_t image_fee = 0;          ///< of each image in the request, likewise
  std::vector<price_tier> tiers{};     ///< ascending by `above`, each bound once

  friend bool operator==(const pricing&, const pricing&) = default;
};

struct token_usage;

/// The exact cost of a usage, rounded once, half to even, to 10^-12 of the unit:
/// (P − R − W)·input + R·cached + W5·write + W1h·write_1h + (O − T)·output + T·reasoning + request fee +
/// images·image fee, with P all prompt tokens, R the cached and W = W5 + W1h the written ones among them, O
/// all completion tokens and T the reasoning ones among them, at most O. The prices are those of the highest
/// tier that P is above. Nothing when the figures contradict themselves (R + W > P) or the amount does not
/// fit.
std::optional<money> cost_of(const token_usage& usage, const pricing& prices) noexcept;

} // namespace weir
