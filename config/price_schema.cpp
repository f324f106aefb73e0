// Prices in TOML, read and written. Decimals are taken as they stand in the text.
#include "config/price_schema.hpp"

#include "config/supervision_schema.hpp"
#include "config/toml_text.hpp"

#include <weir/url.hpp>

#include <algorithm>
#include <array>
#include <ostream>
#include <utility>

namespace weir::config {

namespace {

void read_price(table_reader& in, const std::string& key, price_unit unit, std::optional<price>& out) {
  std::string text;
  if (!in.decimal(key, text))
    return;
  const auto read = parse_price(text, unit);
  if (read)
    out = *read;
  else
    in.fault(key, read.error().message);
}

/// An amount for each of something.
void read_fee(table_reader& in, const std::string& key, std::int64_t& out) {
  std::string text;
  if (!in.decimal(key, text))
    return;
  // An amount and a price per million have the same twelve decimals.
  const auto read = parse_price(text, price_unit::million_tokens);
  if (read)
    out = read->picos_per_million;
  else
    in.fault(key, "is no amount of at most 12 decimals, such as 0.01");
}

/// The prices that a tier may replace.
template <class Prices>
void read_optional_prices(table_reader& in, price_unit unit, Prices& prices) {
  read_price(in, "cached_input_price", unit, prices.cached_input);
  read_price(in, "cache_write_price", unit, prices.cache_write);
  read_price(in, "cache_write_1h_price", unit, prices.cache_write_1h);
  read_price(in, "reasoning_price", unit, prices.reasoning);
}

price_tier read_tier(reading& shared, const toml::table* table, const std::string& path, price_unit unit) {
  table_reader in(shared, table, path);
  price_tier tier;
  std::uint32_t above = 0;
  if (in.count("above", above, {1, 1'000'000'000}))
    tier.above = above;
  else if (!in.has("above"))
    in.missing("above", "a number of prompt tokens");
  read_price(in, "input_price", unit, tier.input);
  read_price(in, "output_price", unit, tier.output);
  read_optional_prices(in, unit, tier);
  in.finish();
  return tier;
}

void read_tiers(reading& shared, table_reader& in, price_unit unit, std::vector<price_tier>& tiers) {
  for (const toml::table* each : in.tables("tiers"))
    tiers.push_back(read_tier(shared, each, in.path_of("tiers"), unit));
  const auto above = [](const price_tier& each) { return each.above; };
  if (std::ranges::adjacent_find(tiers, std::ranges::greater_equal{}, above) != tiers.end())
    in.fault("tiers", "are not in ascending order of 'above', each bound once");
}

void read_currency(table_reader& in, currency& out) {
  std::string code;
  if (in.text("currency", code)) {
    if (const auto parsed = currency::parse(code))
      out = *parsed;
    else
      in.fault("currency", "is '" + code.substr(0, 16) + "'; expected three capital letters such as \"USD\"");
  } else if (!in.has("currency")) {
    in.missing("currency", "three capital letters such as \"USD\"");
  }
}

/// A file that may come later is no fault; a URL that can never be asked is one.
void read_source(table_reader& in, std::string& source) {
  if (!in.text("source", source) || source.find("://") == std::string::npos)
    return;
  const auto parsed = parse_url(source);
  if (!parsed)
    in.fault("source", parsed.error().message);
  else if (!parsed->tls && !is_loopback(parsed->host))
    in.fault("source", "would be read in the clear, where anybody can change prices; use https://");
}

template <class Prices>
void write_optional_prices(const Prices& prices, const auto& write) {
  write("cached_input_price", prices.cached_input);
  write("cache_write_price", prices.cache_write);
  write("cache_write_1h_price", prices.cache_write_1h);
  write("reasoning_price", prices.reasoning);
}

} // namespace

std::optional<pricing> read_pricing_keys(reading& shared, table_reader& in) {
  const std::size_t faults = shared.faults.size();
  pricing prices;
  read_currency(in, prices.unit);
  constexpr std::array<std::string_view, 2> units{"million_tokens", "tokens"};
  const auto chosen = in.choice("unit", units);
  const price_unit unit =
      chosen && units[*chosen] == "tokens" ? price_unit::tokens : price_unit::million_tokens;
  std::optional<price> input;
  std::optional<price> output;
  read_price(in, "input_price", unit, input);
  read_price(in, "output_price", unit, output);
  read_optional_prices(in, unit, prices);
  read_fee(in, "request_fee", prices.request_fee);
  read_fee(in, "image_fee", prices.image_fee);
  read_tiers(shared, in, unit, prices.tiers);
  for (const char* key : {"input_price", "output_price"})
    if (!in.has(key))
      in.missing(key, "a decimal number");
  prices.input = input.value_or(price{});
  prices.output = output.value_or(price{});
  return shared.faults.size() == faults ? std::optional(std::move(prices)) : std::nullopt;
}

std::optional<pricing> read_pricing(reading& shared, const toml::table* table, const std::string& path) {
  if (table == nullptr)
    return std::nullopt;
  table_reader in(shared, table, path);
  auto prices = read_pricing_keys(shared, in);
  in.finish();
  return prices;
}

void read_prices(reading& shared, const toml::table* table, const std::string& path, prices_config& prices) {
  table_reader in(shared, table, path);
  read_source(in, prices.source);
  constexpr std::array formats{price_format::automatic, price_format::weir, price_format::litellm,
                               price_format::genai_prices};
  std::array<std::string_view, formats.size()> words;
  std::ranges::transform(formats, words.begin(), [](price_format each) { return to_string(each); });
  if (const auto chosen = in.choice("format", words))
    prices.format = formats[*chosen];
  constexpr milliseconds longest{365LL * 24 * 3'600'000};
  in.duration("refresh", prices.refresh, {milliseconds{0}, longest});
  read_permille(in, "max_change", prices.max_change_permille, {1, 1'000'000});
  in.finish();
}

void write_pricing(std::ostream& out, const std::string& path, const pricing& prices) {
  const auto amount = [](std::int64_t picos) { return basic_string(to_decimal(int128{picos})); };
  out << "\n[" << path << ".pricing]\n"
      << "currency = " << string_value(prices.unit.str()) << '\n'
      << "unit = \"million_tokens\"\n"
      << "input_price = " << basic_string(to_decimal(prices.input)) << '\n'
      << "output_price = " << basic_string(to_decimal(prices.output)) << '\n';
  write_optional_prices(prices, [&out](const char* name, const std::optional<price>& value) {
    if (value)
      out << name << " = " << basic_string(to_decimal(*value)) << '\n';
  });
  if (prices.request_fee != 0)
    out << "request_fee = " << amount(prices.request_fee) << '\n';
  if (prices.image_fee != 0)
    out << "image_fee = " << amount(prices.image_fee) << '\n';
  if (prices.tiers.empty())
    return;
  out << "tiers = [\n";
  for (const price_tier& tier : prices.tiers) {
    out << "  { above = " << tier.above;
    const auto inside = [&out](const char* name, const std::optional<price>& value) {
      if (value)
        out << ", " << name << " = " << basic_string(to_decimal(*value));
    };
    inside("input_price", tier.input);
    inside("output_price", tier.output);
    write_optional_prices(tier, inside);
    out << " },\n";
  }
  out << "]\n";
}

void write_prices(std::ostream& out, const prices_config& prices) {
  if (prices.source.empty())
    return;
  out << "\n[llm.prices]\n"
      << "source = " << string_value(prices.source) << '\n'
      << "format = " << basic_string(to_string(prices.format)) << '\n'
      << "refresh = " << prices.refresh.count() << '\n'
      << "max_change = " << permille_text(prices.max_change_permille) << '\n';
}

} // namespace weir::config
