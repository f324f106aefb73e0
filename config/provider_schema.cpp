// Providers, models, prices.
#include "config/provider_schema.hpp"

#include <weir/url.hpp>

#include <algorithm>
#include <array>
#include <fstream>

namespace weir::config {

namespace {

constexpr milliseconds longest{24 * 3'600'000};
constexpr range<milliseconds> any_limit{milliseconds{1}, longest};

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
  std::string word = "million_tokens";
  in.text("unit", word);
  if (word != "million_tokens" && word != "tokens")
    in.fault("unit", "is '" + word.substr(0, 32) + "'; expected \"million_tokens\" or \"tokens\"");
  const price_unit unit = word == "tokens" ? price_unit::tokens : price_unit::million_tokens;
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

model_config read_model(reading& shared, const toml::table* table, const std::string& path,
                        const std::string& name) {
  table_reader in(shared, table, path);
  model_config model;
  model.name = model_name(name);
  model.display_name = name;
  in.text("display_name", model.display_name);
  in.count("max_tokens", model.max_tokens, {1, 1'000'000'000});
  in.flag("supports_vision", model.supports_vision);
  in.flag("supports_tools", model.supports_tools);
  in.flag("supports_streaming", model.supports_streaming);
  model.prices = read_pricing(shared, in.table("pricing"), in.path_of("pricing"));
  in.finish();
  return model;
}

void read_type(table_reader& in, provider_config& provider) {
  std::string word;
  if (!in.text("type", word)) {
    if (!in.has("type"))
      in.missing("type", "\"openai\", \"claude\" or \"generic\"");
    return;
  }
  for (const provider_type each : {provider_type::openai, provider_type::claude, provider_type::generic})
    if (word == to_string(each)) {
      provider.type = each;
      return;
    }
  in.fault("type", "is '" + word.substr(0, 32) + "'; expected \"openai\", \"claude\" or \"generic\"");
}

void read_base_url(table_reader& in, provider_config& provider) {
  if (provider.type == provider_type::openai)
    provider.base_url = "https://api.openai.com/v1";
  else if (provider.type == provider_type::claude)
    provider.base_url = "https://api.anthropic.com/v1";
  in.flag("allow_insecure_http", provider.allow_insecure_http);
  if (!in.text("base_url", provider.base_url)) {
    if (!in.has("base_url") && provider.base_url.empty() && provider.enabled)
      in.missing("base_url", "the URL of a provider of type generic");
    return;
  }
  const auto parsed = parse_url(provider.base_url);
  if (!parsed)
    in.fault("base_url", "is no base URL: " + parsed.error().message);
  else if (!parsed->tls && !is_loopback(parsed->host) && !provider.allow_insecure_http)
    in.fault("base_url",
             "is plain http to another machine, where keys can be read on the way; use https, or set "
             "allow_insecure_http = true");
}

void read_key(table_reader& in, provider_config& provider) {
  std::string key;
  if (in.text("api_key", key)) {
    if (key.empty() && provider.enabled && provider.type != provider_type::generic)
      in.fault("api_key", "is empty");
    // The text itself is never repeated.
    if (std::ranges::any_of(
            key, [](char letter) { return static_cast<unsigned char>(letter) <= 0x20 || letter == 0x7f; }))
      in.fault("api_key", "has a space or control character in it");
    provider.api_key = secret(std::move(key));
  } else if (!in.has("api_key") && provider.enabled && provider.type != provider_type::generic) {
    in.missing("api_key", "a key, such as \"${OPENAI_API_KEY}\"");
  }
}

char lower(char letter) {
  return letter >= 'A' && letter <= 'Z' ? static_cast<char>(letter + 32) : letter;
}

/// RFC 9110: a token. This and the next two are the twins of what request_head::make refuses
/// (protocols/http_message.cpp), which must not be included here: a file is refused with the place of the
/// fault, instead of a provider that never starts.
bool is_header_name(std::string_view text) {
  constexpr std::string_view marks = "!#$%&'*+-.^_`|~";
  return !text.empty() && std::ranges::all_of(text, [marks](char letter) {
    return (letter >= '0' && letter <= '9') || (lower(letter) >= 'a' && lower(letter) <= 'z') ||
           marks.find(letter) != std::string_view::npos;
  });
}

/// Those that frame the message, and Host, which stands in each request once.
bool is_weirs_own(std::string_view name) {
  constexpr std::array<std::string_view, 6> own{"content-length", "transfer-encoding", "connection",
                                                "upgrade",        "trailer",           "host"};
  return std::ranges::any_of(
      own, [name](std::string_view each) { return std::ranges::equal(each, name, {}, {}, lower); });
}

bool is_header_value(std::string_view text) {
  return std::ranges::all_of(text, [](char letter) {
    const auto byte = static_cast<unsigned char>(letter);
    return byte == '\t' || (byte >= 0x20 && byte != 0x7f);
  });
}

void read_headers(reading& shared, const toml::table* table, const std::string& path,
                  provider_config& provider) {
  table_reader in(shared, table, path);
  for (const std::string& name : in.names()) {
    if (!is_header_name(name))
      in.bad_key(name, "is no name of a header; expected letters, digits and !#$%&'*+-.^_`|~");
    else if (is_weirs_own(name))
      in.bad_key(name, "is a header that weir writes itself");
    std::string value;
    if (!in.text(name, value))
      continue;
    if (!is_header_value(value))
      in.fault(name, "has a control character in it");
    provider.headers[name] = std::move(value);
  }
}

} // namespace

void check_name(table_reader& in, const std::string& name) {
  // Names stand in each record of the ledger, whose format has room for 65,535 bytes; requests are bounded
  // alike (actors/policy/routing.cpp).
  constexpr std::size_t longest_name = 1024;
  if (name.size() > longest_name)
    in.bad_key(name, "is a name of " + std::to_string(name.size()) + " bytes; at most 1,024 can be booked");
}

provider_config read_provider(reading& shared, const toml::table* table, const std::string& path,
                              const std::string& name) {
  table_reader in(shared, table, path);
  provider_config provider;
  provider.name = provider_name(name);
  in.flag("enabled", provider.enabled);
  shared.lenient = !provider.enabled;
  read_type(in, provider);
  read_base_url(in, provider);
  read_key(in, provider);
  in.duration("timeout", provider.timeout, any_limit);
  in.duration("connect_timeout", provider.connect_timeout, any_limit);
  in.duration("tls_timeout", provider.tls_timeout, any_limit);
  in.duration("first_byte_timeout", provider.first_byte_timeout, any_limit);
  in.duration("idle_timeout", provider.idle_timeout, any_limit);
  std::uint32_t retries = 0;
  if (in.count("max_retries", retries, {0, 100}))
    provider.max_retries = retries;
  in.count("max_concurrency", provider.max_concurrency, {1, 100'000});
  in.count("max_queue", provider.max_queue, {0, 1'000'000});
  if (in.text("ca_file", provider.ca_file) && !std::ifstream(provider.ca_file))
    in.fault("ca_file", "cannot be read");
  read_headers(shared, in.table("headers"), in.path_of("headers"), provider);
  table_reader models(shared, in.table("models"), in.path_of("models"));
  for (const std::string& model : models.names()) {
    check_name(models, model);
    if (const toml::table* entry = models.table(model))
      provider.models.push_back(read_model(shared, entry, models.path_of(model), model));
  }
  in.finish();
  shared.lenient = false;
  return provider;
}

} // namespace weir::config
