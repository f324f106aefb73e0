// Providers: whose defaults hold, where they are, with which key, and within which bounds.
#include "config/provider_schema.hpp"

#include "config/model_schema.hpp"
#include "config/wire_schema.hpp"

#include <weir/url.hpp>

#include <algorithm>
#include <array>
#include <fstream>
#include <iterator>

namespace weir::config {

namespace {

constexpr milliseconds longest{24 * 3'600'000};
constexpr range<milliseconds> any_limit{milliseconds{1}, longest};
constexpr range<milliseconds> any_delay{milliseconds{0}, longest};

/// Whose defaults hold for a provider.
struct origin {
  const preset* defaults;
  bool sure; ///< false: the preset is wrong or excused, and what it would demand is not known
};

/// `type` and `preset`, of which the second says the first.
origin read_origin(table_reader& in, provider_config& provider) {
  constexpr std::array types{provider_type::openai, provider_type::claude, provider_type::generic};
  std::array<std::string_view, types.size()> type_names;
  std::ranges::transform(types, type_names.begin(), [](provider_type each) { return to_string(each); });
  std::vector<std::string_view> preset_names;
  std::ranges::transform(presets(), std::back_inserter(preset_names), &preset::name);

  const auto type = in.choice("type", type_names);
  const auto named = in.choice("preset", preset_names);
  if (type)
    provider.type = types[*type];
  if (!named) {
    if (!in.has("type") && !in.has("preset"))
      in.missing("type", one_of(type_names) + ", or a preset in its stead");
    return {&preset_of(provider.type), !in.has("preset")};
  }
  const preset& defaults = presets()[*named];
  if (type && provider.type != defaults.type)
    in.fault("type", "is \"" + std::string(to_string(provider.type)) + "\", and the preset \"" +
                         std::string(defaults.name) + "\" is of type \"" +
                         std::string(to_string(defaults.type)) + "\"; leave the type out");
  provider.preset = defaults.name;
  provider.type = defaults.type;
  return {&defaults, true};
}

void read_base_url(table_reader& in, const origin& from, provider_config& provider) {
  provider.base_url = from.defaults->base_url;
  in.flag("allow_insecure_http", provider.allow_insecure_http);
  if (!in.text("base_url", provider.base_url)) {
    if (!in.has("base_url") && provider.base_url.empty() && provider.enabled && from.sure)
      in.missing("base_url", provider.preset == "azure"
                                 ? "the resource's, such as \"https://RESOURCE.openai.azure.com/openai/v1\""
                                 : "the URL of a provider of type generic");
    return;
  }
  const auto parsed = parse_url(provider.base_url);
  if (!parsed)
    in.fault("base_url", "is no base URL: " + parsed.error().message +
                             (provider.base_url.find('?') != std::string::npos
                                  ? "; what follows a '?' stands in the table query"
                                  : ""));
  else if (!parsed->tls && !is_loopback(parsed->host) && !provider.allow_insecure_http)
    in.fault("base_url",
             "is plain http to another machine, where keys can be read on the way; use https, or set "
             "allow_insecure_http = true");
}

/// What no key has, since no header could carry it.
bool has_space_or_control(const std::string& text) {
  return std::ranges::any_of(
      text, [](char letter) { return static_cast<unsigned char>(letter) <= 0x20 || letter == 0x7f; });
}

/// `api_keys`: the first is the key, the others are used in turn with it. Their text is never repeated.
void read_key_list(table_reader& in, bool told, provider_config& provider) {
  const std::string name = "api_keys";
  constexpr std::size_t most = 1000;
  const auto entries = in.entries(name);
  if (!entries)
    return;
  if (in.has("api_key"))
    in.fault(name, "is given beside api_key; leave one of them out");
  if (entries->empty())
    return in.fault(name, "is empty; expected one key or more");
  if (entries->size() > most)
    return in.fault(name, "has " + std::to_string(entries->size()) + " keys; at most 1,000 can be used");
  if (!told)
    in.fault(name, "is given, and auth = \"none\" tells none; leave one of them out");
  std::vector<secret> keys;
  for (const toml::node* each : *entries) {
    auto text = in.entry(name, *each);
    if (!text)
      continue;
    const auto same = [&text](const secret& key) { return key.reveal() == *text; };
    if (text->empty())
      in.bad_entry(name, *each, "has an empty key");
    else if (has_space_or_control(*text))
      in.bad_entry(name, *each, "has a key with a space or control character in it");
    // What `config show` has masked is no key, and two of those may look alike.
    else if (!text->starts_with("****") && std::ranges::any_of(keys, same))
      in.bad_entry(name, *each, "has the same key twice");
    keys.emplace_back(std::move(*text));
  }
  if (keys.empty())
    return;
  provider.api_key = std::move(keys.front());
  provider.more_keys.assign(std::make_move_iterator(keys.begin() + 1), std::make_move_iterator(keys.end()));
}

/// To be called when the way of telling the key is known.
void read_key(table_reader& in, const origin& from, provider_config& provider) {
  const bool told = provider.wire->key != key_style::none;
  const bool needed = provider.enabled && told && from.sure && !from.defaults->key_variable.empty();
  std::string key;
  if (in.text("api_key", key)) {
    if (key.empty() && needed)
      in.fault("api_key", "is empty");
    if (!key.empty() && !told)
      in.fault("api_key", "is given, and auth = \"none\" tells none; leave one of them out");
    // The text itself is never repeated.
    if (has_space_or_control(key))
      in.fault("api_key", "has a space or control character in it");
    provider.api_key = secret(std::move(key));
  } else if (!in.has("api_key") && !in.has("api_keys") && needed) {
    in.missing("api_key", "a key, such as \"${" + std::string(from.defaults->key_variable) + "}\"");
  }
  read_key_list(in, told, provider);
}

/// What a provider may be asked for, at once and in a minute.
void read_limits(table_reader& in, provider_config& provider) {
  constexpr std::uint32_t most = 4'000'000'000;
  in.count("max_concurrency", provider.max_concurrency, {1, 100'000});
  in.count("max_queue", provider.max_queue, {0, 1'000'000});
  in.duration("max_queue_wait", provider.max_queue_wait, any_delay);
  in.count("requests_per_minute", provider.requests_per_minute, {0, most});
  std::uint32_t tokens = 0;
  if (in.count("tokens_per_minute", tokens, {0, most}))
    provider.tokens_per_minute = tokens;
  in.flag("learn_limits", provider.learn_limits);
  in.flag("adaptive_concurrency", provider.adaptive_concurrency);
}

void read_bounds(table_reader& in, provider_config& provider) {
  in.duration("timeout", provider.timeout, any_limit);
  in.duration("stream_timeout", provider.stream_timeout, any_limit);
  in.duration("first_token_timeout", provider.first_token_timeout, any_delay);
  in.duration("connect_timeout", provider.connect_timeout, any_limit);
  in.duration("tls_timeout", provider.tls_timeout, any_limit);
  in.duration("first_byte_timeout", provider.first_byte_timeout, any_limit);
  in.duration("idle_timeout", provider.idle_timeout, any_limit);
  std::uint32_t retries = 0;
  if (in.count("max_retries", retries, {0, 100}))
    provider.max_retries = retries;
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
  const origin from = read_origin(in, provider);
  table_reader models(shared, in.table("models"), in.path_of("models"));
  for (const std::string& model : models.names()) {
    check_name(models, model);
    if (const toml::table* entry = models.table(model))
      provider.models.push_back(read_model(shared, entry, models.path_of(model), model, provider.type));
  }
  provider.wire = read_wire(shared, in, provider, *from.defaults);
  read_base_url(in, from, provider);
  read_key(in, from, provider);
  read_bounds(in, provider);
  read_limits(in, provider);
  in.text("price_list", provider.price_list);
  if (in.text("ca_file", provider.ca_file) && !std::ifstream(provider.ca_file))
    in.fault("ca_file", "cannot be read");
  read_headers(shared, in.table("headers"), in.path_of("headers"), provider);
  in.finish();
  shared.lenient = false;
  return provider;
}

} // namespace weir::config
