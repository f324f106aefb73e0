// Models, prices.
#include "config/model_schema.hpp"

#include "config/wire_schema.hpp"

#include <array>

namespace weir::config {

namespace {

void read_price(table_reader& in, const std::string& key, price_unit unit, std::optional<price>& out) {
  std::string text;
  if (!in.decimal(key, text))
    return;
  auto read = parse_price(text, unit);
  if (read)
    out = *read;
  else
    in.fault(key, read.error().message);
}

std::optional<pricing> read_pricing(reading& shared, const toml::table* table, const std::string& path) {
  if (table == nullptr)
    return std::nullopt;
  table_reader in(shared, table, path);
  pricing prices;
  std::string code;
  if (in.text("currency", code)) {
    if (const auto parsed = currency::parse(code))
      prices.unit = *parsed;
    else
      in.fault("currency", "is '" + code.substr(0, 16) + "'; expected three capital letters such as \"USD\"");
  } else if (!in.has("currency")) {
    in.missing("currency", "three capital letters such as \"USD\"");
  }
  constexpr std::array<std::string_view, 2> units{"million_tokens", "tokens"};
  const auto chosen = in.choice("unit", units);
  const price_unit unit =
      chosen && units[*chosen] == "tokens" ? price_unit::tokens : price_unit::million_tokens;
  std::optional<price> input;
  std::optional<price> output;
  read_price(in, "input_price", unit, input);
  read_price(in, "output_price", unit, output);
  read_price(in, "cached_input_price", unit, prices.cached_input);
  read_price(in, "cache_write_price", unit, prices.cache_write);
  read_price(in, "cache_write_1h_price", unit, prices.cache_write_1h);
  for (const char* key : {"input_price", "output_price"})
    if (!in.has(key))
      in.missing(key, "a decimal number");
  in.finish();
  prices.input = input.value_or(price{});
  prices.output = output.value_or(price{});
  return prices;
}

} // namespace

model_config read_model(reading& shared, const toml::table* table, const std::string& path,
                        const std::string& name, provider_type type) {
  constexpr range<std::uint32_t> any_tokens{1, 1'000'000'000};
  table_reader in(shared, table, path);
  model_config model;
  model.name = model_name(name);
  model.display_name = name;
  in.text("display_name", model.display_name);
  in.count("max_tokens", model.max_tokens, any_tokens);
  if (in.count("context_window", model.context_window, any_tokens) && model.context_window < model.max_tokens)
    in.fault("context_window", "is less than max_tokens, which it includes");
  in.flag("supports_vision", model.supports_vision);
  in.flag("supports_tools", model.supports_tools);
  in.flag("supports_streaming", model.supports_streaming);
  in.flag("supports_prefill", model.supports_prefill);
  model.api = read_api(in, type);
  model.prices = read_pricing(shared, in.table("pricing"), in.path_of("pricing"));
  in.finish();
  return model;
}

} // namespace weir::config
