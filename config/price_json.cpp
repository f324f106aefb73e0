// RapidJSON, told to leave numbers alone.
#include "config/price_json.hpp"

#include <rapidjson/error/en.h>

namespace weir::config {

namespace {

constexpr std::size_t deepest = 64;

/// How deep a text opens brackets outside its strings. Counted before it is parsed, since a parser that goes
/// down a million levels takes memory for each.
std::size_t depth_of(std::string_view text) noexcept {
  std::size_t depth = 0;
  std::size_t most = 0;
  bool inside = false;
  for (std::size_t at = 0; at < text.size(); ++at) {
    const char letter = text[at];
    if (inside) {
      at += letter == '\\' ? 1 : 0;
      inside = letter != '"';
    } else if (letter == '"') {
      inside = true;
    } else if (letter == '{' || letter == '[') {
      most = std::max(most, ++depth);
    } else if ((letter == '}' || letter == ']') && depth != 0) {
      --depth;
    }
  }
  return most;
}

} // namespace

failure bad_place(const std::string& source, const std::string& path, std::string_view problem) {
  return make_failure(errc::config, "the price list at " + path + " " + std::string(problem), source);
}

std::string member_path(std::string_view name) {
  constexpr std::size_t longest = 120;
  rapidjson::StringBuffer buffer;
  protocols::json_writer out(buffer);
  protocols::write_text(out, name.substr(0, longest));
  return "[" + std::string(buffer.GetString(), buffer.GetSize()) + "]";
}

result<exact_json> exact_json::parse(std::string_view text, const std::string& source) {
  if (depth_of(text) > deepest)
    return make_failure(
        errc::config, "the price list is nested deeper than " + std::to_string(deepest) + " levels", source);
  exact_json parsed;
  constexpr unsigned flags = rapidjson::kParseNumbersAsStringsFlag | rapidjson::kParseIterativeFlag |
                             rapidjson::kParseValidateEncodingFlag;
  parsed.document_.Parse<flags>(text.data(), text.size());
  if (parsed.document_.HasParseError())
    return make_failure(errc::config,
                        std::string("the price list is no JSON: ") +
                            rapidjson::GetParseError_En(parsed.document_.GetParseError()) + " (byte " +
                            std::to_string(parsed.document_.GetErrorOffset()) + ")",
                        source);
  return parsed;
}

std::optional<price> exact_prices::read(const protocols::json_value& value, std::string_view field) {
  if (value.IsNull())
    return std::nullopt;
  if (!value.IsString()) {
    fail(field, "is no number");
    return std::nullopt;
  }
  const auto read = parse_price(protocols::text_of(&value), unit_);
  if (read)
    return *read;
  fail(field, read.error().message);
  return std::nullopt;
}

std::int64_t exact_prices::read_fee(const protocols::json_value& value, std::string_view field,
                                    std::int64_t per) {
  exact_prices plain(price_unit::million_tokens); // has the twelve decimals of an amount
  const auto read = plain.read(value, field);
  if (!plain.problem().empty() && problem_.empty())
    problem_ = plain.problem();
  if (!read)
    return 0;
  if (read->picos_per_million % per != 0)
    fail(field, "has more than 12 decimals for one");
  return read->picos_per_million / per;
}

void exact_prices::fail(std::string_view field, std::string_view why) {
  if (problem_.empty())
    problem_ = std::string(field) + ": " + std::string(why);
}

void set_base(pricing& prices, const price_tier& base) {
  prices.input = *base.input;
  prices.output = *base.output;
  prices.cached_input = base.cached_input;
  prices.cache_write = base.cache_write;
  prices.cache_write_1h = base.cache_write_1h;
  prices.reasoning = base.reasoning;
}

} // namespace weir::config
