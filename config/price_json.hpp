// JSON whose numbers stay the text that they were: no price goes through a floating-point number.
// Knows no format of a list.
#pragma once

#include "config/price_list.hpp"
#include "protocols/json.hpp"

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace weir::config {

/// A parsed text. Numbers are strings here, as they were written.
class exact_json {
public:
  /// Errors (`config`): no JSON, with the byte; nested deeper than 64.
  static result<exact_json> parse(std::string_view text, const std::string& source);

  const protocols::json_value& root() const noexcept { return document_; }

private:
  exact_json() = default;

  rapidjson::Document document_;
};

/// A failure at a JSON path of a list.
failure bad_place(const std::string& source, const std::string& path, std::string_view problem);

/// A member's name in a path: `["gpt-4"]`.
std::string member_path(std::string_view name);

/// Reads the prices of one entry. The first that cannot be taken is told, and leaves the entry unpriced.
class exact_prices {
public:
  explicit exact_prices(price_unit unit) : unit_(unit) {}

  /// Nothing for null, and for what is no price.
  std::optional<price> read(const protocols::json_value& value, std::string_view field);
  /// An amount, `per` times as much as is paid for one.
  std::int64_t read_fee(const protocols::json_value& value, std::string_view field, std::int64_t per);

  void fail(std::string_view field, std::string_view why);
  /// Empty: everything could be taken.
  const std::string& problem() const noexcept { return problem_; }

private:
  price_unit unit_;
  std::string problem_;
};

/// Makes the lowest tier the base of a price; it must have input and output.
void set_base(pricing& prices, const price_tier& base);

} // namespace weir::config
