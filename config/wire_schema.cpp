// APIs, keys, fields, paths, queries.
#include "config/wire_schema.hpp"

#include <algorithm>
#include <array>

namespace weir::config {

namespace {

constexpr std::array kinds{api_kind::chat, api_kind::messages, api_kind::responses};
constexpr std::array styles{key_style::bearer, key_style::x_api_key, key_style::api_key, key_style::none};
constexpr std::array<std::string_view, 2> token_fields{"max_tokens", "max_completion_tokens"};

/// How the file spells each of an enumeration's values.
template <class Value, std::size_t Count>
std::array<std::string_view, Count> names_of(const std::array<Value, Count>& values) {
  std::array<std::string_view, Count> names;
  std::ranges::transform(values, names.begin(), [](Value each) { return to_string(each); });
  return names;
}

bool is_control(char letter) {
  return static_cast<unsigned char>(letter) < 0x20 || letter == 0x7f;
}

/// Whether every brace belongs to a `{model}`.
bool has_known_braces(std::string_view path) {
  constexpr std::string_view mark = "{model}";
  for (auto at = path.find_first_of("{}"); at != std::string_view::npos; at = path.find_first_of("{}")) {
    if (path.substr(at, mark.size()) != mark)
      return false;
    path.remove_prefix(at + mark.size());
  }
  return true;
}

/// A path is the twin of what request_head::make takes (protocols/http_message.cpp), which must not be
/// included here.
void read_path(table_reader& in, wire_options& wire) {
  std::string path;
  if (!in.text("path", path))
    return;
  const auto fits = [](char letter) {
    return letter > ' ' && letter < 0x7f && letter != '?' && letter != '#';
  };
  if (!path.starts_with('/'))
    return in.fault("path", "does not begin with '/'");
  if (!std::ranges::all_of(path, fits))
    return in.fault("path", "has something other than visible ASCII characters, or '?' or '#', in it; what "
                            "follows a '?' stands in the table query");
  if (!has_known_braces(path))
    return in.fault("path", "has a brace in it that is not of '{model}'");
  wire.path = std::move(path);
}

/// `sure`: the provider's own API is known, so what it asks for is known as well.
void read_api_version(table_reader& in, const provider_config& provider, bool sure, wire_options& wire) {
  const bool asked =
      wire.api == api_kind::messages || std::ranges::any_of(provider.models, [](const model_config& each) {
        return each.api == api_kind::messages;
      });
  if (asked)
    wire.api_version = default_api_version;
  std::string version;
  if (!in.text("api_version", version))
    return;
  constexpr std::size_t longest = 64;
  const auto fits = [](char letter) {
    return (letter >= '0' && letter <= '9') || (letter >= 'a' && letter <= 'z') ||
           (letter >= 'A' && letter <= 'Z') || letter == '-' || letter == '.' || letter == '_';
  };
  if (version.empty() || version.size() > longest || !std::ranges::all_of(version, fits))
    return in.fault("api_version", "is no version; expected one such as \"2023-06-01\"");
  if (!asked && sure)
    return in.fault("api_version", "is of the API \"messages\" alone; Azure's stands in the table query, as "
                                   "api-version");
  if (asked)
    wire.api_version = std::move(version);
}

void read_query(reading& shared, const toml::table* table, const std::string& path, wire_options& wire) {
  table_reader in(shared, table, path);
  for (const std::string& name : in.names()) {
    if (name.empty() || std::ranges::any_of(name, is_control))
      in.bad_key(name, "is no name of a query parameter; expected one without control characters");
    std::string value;
    if (!in.text(name, value))
      continue;
    if (std::ranges::any_of(value, is_control))
      in.fault(name, "has a control character in it");
    wire.query[name] = std::move(value);
  }
}

} // namespace

std::optional<api_kind> read_api(table_reader& in, provider_type type) {
  const auto chosen = in.choice("api", names_of(kinds));
  if (!chosen)
    return std::nullopt;
  const api_kind kind = kinds[*chosen];
  if (type == provider_type::claude && kind == api_kind::responses) {
    in.fault("api", "is \"responses\", which Anthropic does not have; expected \"messages\" or \"chat\"");
    return std::nullopt;
  }
  if (type == provider_type::openai && kind == api_kind::messages) {
    in.fault("api", "is \"messages\", which OpenAI does not have; expected \"chat\" or \"responses\" (a "
                    "server that has it is of type \"generic\")");
    return std::nullopt;
  }
  return kind;
}

wire_options read_wire(reading& shared, table_reader& in, const provider_config& provider,
                       const preset& defaults) {
  const auto api = read_api(in, provider.type);
  wire_options wire = default_wire(defaults, api.value_or(default_api(provider.type)));
  if (const auto style = in.choice("auth", names_of(styles)))
    wire.key = styles[*style];
  if (const auto field = in.choice("max_tokens_field", token_fields))
    wire.max_tokens_field = token_fields[*field];
  in.flag("stream_usage", wire.stream_usage);
  read_path(in, wire);
  read_api_version(in, provider, api || !in.has("api"), wire);
  read_query(shared, in.table("query"), in.path_of("query"), wire);
  return wire;
}

} // namespace weir::config
