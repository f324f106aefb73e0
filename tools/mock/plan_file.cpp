// Reading a plan. A JSON plan has the same members as a TOML one, so it is read through the same schema.
#include "tools/mock/plan.hpp"

#include "config/table_reader.hpp"
#include "protocols/json.hpp"

#include <algorithm>
#include <array>
#include <charconv>
#include <fstream>
#include <iterator>
#include <utility>

#include <rapidjson/error/en.h>

namespace weir::mock {

namespace {

using config::range;
using config::table_reader;

constexpr milliseconds longest{24 * 3'600'000};
constexpr range<milliseconds> any_time{milliseconds{0}, longest};
constexpr range<std::uint64_t> any_size{0, 1ULL << 32U};

std::optional<std::uint64_t> number(std::string_view text) {
  std::uint64_t value = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (error != std::errc{} || end != text.data() + text.size())
    return std::nullopt;
  return value;
}

/// `3`, `1-3,7`, `10-`: request numbers from 1.
std::optional<std::vector<std::pair<std::uint64_t, std::uint64_t>>> read_ranges(std::string_view text) {
  std::vector<std::pair<std::uint64_t, std::uint64_t>> ranges;
  while (!text.empty()) {
    const auto comma = text.find(',');
    const std::string_view part = text.substr(0, comma);
    text = comma == std::string_view::npos ? std::string_view() : text.substr(comma + 1);
    const auto dash = part.find('-');
    const auto first = number(part.substr(0, dash));
    const auto last = dash == std::string_view::npos ? first
                      : dash + 1 == part.size()      ? std::optional{UINT64_MAX}
                                                     : number(part.substr(dash + 1));
    if (!first || !last || *first == 0 || *last < *first)
      return std::nullopt;
    ranges.emplace_back(*first, *last);
  }
  if (ranges.empty())
    return std::nullopt;
  return ranges;
}

void read_selector(table_reader& in, selector& when) {
  std::string text;
  if (in.text("requests", text)) {
    if (auto ranges = read_ranges(text))
      when.ranges = std::move(*ranges);
    else
      in.fault("requests",
               "is '" + text.substr(0, 40) + "'; expected request numbers such as \"1-3,7\" or \"10-\"");
  }
  std::uint32_t every = 1;
  in.count("every", every, {1, 1'000'000'000});
  when.every = every;
  if (in.decimal("probability", text)) {
    constexpr std::int64_t permille = picos_per_unit / 1000;
    const auto share = parse_price(text, price_unit::million_tokens);
    if (share && share->picos_per_million <= picos_per_unit)
      when.permille = static_cast<std::uint32_t>(share->picos_per_million / permille);
    else
      in.fault("probability", "is '" + text.substr(0, 40) + "'; expected a number from 0 to 1");
  }
}

bool read_kind(table_reader& in, fault_kind& kind) {
  std::string word;
  if (!in.text("kind", word)) {
    if (!in.has("kind"))
      in.missing("kind", "a kind of fault");
    return false;
  }
  std::string all;
  for (auto each = fault_kind::refuse; each <= fault_kind::error_in_200;
       each = static_cast<fault_kind>(static_cast<int>(each) + 1)) {
    if (word == to_string(each)) {
      kind = each;
      return true;
    }
    all += (all.empty() ? "" : ", ") + std::string(to_string(each));
  }
  in.fault("kind", "is '" + word.substr(0, 40) + "'; expected one of " + all);
  return false;
}

/// A member of a fault and the kinds that heed it, a bit for each.
struct heeded_member {
  std::string_view name;
  std::uint32_t kinds;
};

template <class... Kind>
constexpr std::uint32_t bits(Kind... kind) {
  return ((std::uint32_t{1} << static_cast<unsigned>(kind)) | ...);
}

/// Members that not every kind heeds.
constexpr auto choosy_members = [] {
  using enum fault_kind;
  constexpr std::uint32_t any_request = ~bits(refuse);
  // A response that is sent from its beginning to its end can come late.
  constexpr std::uint32_t any_response = ~bits(refuse, reset, close, hang);
  return std::array<heeded_member, 16>{{{"requests", any_request},
                                        {"every", any_request},
                                        {"probability", any_request},
                                        {"status", bits(status, error_in_200)},
                                        {"message", bits(status, error_in_200)},
                                        {"code", bits(status, error_in_200)},
                                        {"body", bits(status)},
                                        {"retry_after", bits(status)},
                                        {"retry_after_ms", bits(status)},
                                        {"headers", bits(status)},
                                        {"after_bytes", bits(reset, close)},
                                        {"piece_bytes", bits(drip)},
                                        {"body_bytes", bits(oversized_body)},
                                        {"delay", any_response},
                                        {"from", bits(refuse)},
                                        {"to", bits(refuse)}}};
}();

/// A member that the kind does not heed is a fault: whoever wrote it expects something that never happens.
void refuse_unheeded(table_reader& in, fault_kind kind) {
  for (const auto& [name, kinds] : choosy_members) {
    const std::string key(name);
    if ((kinds & bits(kind)) != 0 || !in.has(key))
      continue;
    std::string problem = "has no effect on a fault of kind '" + std::string(to_string(kind)) + "'";
    if (kind == fault_kind::refuse)
      problem += ", which closes the port to all; 'from' and 'to' say when";
    in.fault(key, std::move(problem));
  }
}

fault read_fault(config::reading& shared, const toml::table& table, const std::string& path) {
  table_reader in(shared, &table, path);
  fault read;
  if (read_kind(in, read.kind))
    refuse_unheeded(in, read.kind);
  read_selector(in, read.when);
  std::uint32_t status = 500;
  if (in.count("status", status, {200, 599}))
    read.status = static_cast<int>(status);
  in.text("message", read.message);
  in.text("code", read.code);
  std::string text;
  if (in.text("body", text))
    read.body = text;
  for (const char* name : {"retry_after", "retry_after_ms"})
    if (in.text(name, text))
      read.headers.emplace_back(std::string_view(name) == "retry_after" ? "retry-after" : "retry-after-ms",
                                text);
  table_reader headers(shared, in.table("headers"), in.path_of("headers"));
  for (const std::string& name : headers.names())
    if (headers.text(name, text))
      read.headers.emplace_back(name, text);
  in.size("after_bytes", read.after_bytes, any_size);
  in.size("piece_bytes", read.piece_bytes, {1, 1ULL << 20U});
  in.size("body_bytes", read.body_bytes, any_size);
  in.duration("delay", read.delay, any_time);
  in.duration("from", read.from, any_time);
  milliseconds to{0};
  if (in.duration("to", to, any_time)) {
    read.to = to;
    if (to < read.from)
      in.fault("to", "is before 'from'");
  }
  in.finish();
  return read;
}

void read_tokens(table_reader& in, const char* key, std::optional<std::uint64_t>& out) {
  std::uint32_t count = 0;
  if (in.count(key, count, {0, UINT32_MAX}))
    out = count;
}

plan read_plan(config::reading& shared) {
  table_reader in(shared, &shared.document.root(), "");
  plan read;
  in.text("reply", read.reply);
  read_tokens(in, "prompt_tokens", read.prompt_tokens);
  read_tokens(in, "completion_tokens", read.completion_tokens);
  read_tokens(in, "cached_tokens", read.cached_tokens);
  std::vector<std::string> models;
  if (in.texts("models", models)) {
    read.models.clear();
    for (std::string& each : models)
      read.models.emplace_back(std::move(each));
  }
  in.text("api_key", read.api_key);
  in.duration("latency", read.latency, any_time);
  in.duration("jitter", read.jitter, any_time);
  std::uint32_t seed = 1;
  in.count("seed", seed, {0, UINT32_MAX});
  read.seed = seed;
  for (const toml::table* each : in.tables("faults"))
    read.faults.push_back(read_fault(shared, *each, "faults"));
  in.finish();
  return read;
}

void write_toml(std::string& out, const rapidjson::Value& value);

void write_toml_string(std::string& out, std::string_view text) {
  constexpr std::string_view digits = "0123456789abcdef";
  out += '"';
  for (const char letter : text) {
    const auto byte = static_cast<unsigned char>(letter);
    if (letter == '"' || letter == '\\') {
      out += '\\';
      out += letter;
    } else if (byte < 0x20 || byte == 0x7f) {
      out += "\\u00";
      out += digits[byte >> 4U];
      out += digits[byte & 15U];
    } else {
      out += letter;
    }
  }
  out += '"';
}

/// JSON as an inline TOML value: what is null is left out by the caller.
void write_toml(std::string& out, const rapidjson::Value& value) {
  if (value.IsObject()) {
    out += '{';
    bool first = true;
    for (const auto& member : value.GetObject()) {
      if (member.value.IsNull())
        continue;
      out += first ? "" : ", ";
      first = false;
      write_toml_string(out, {member.name.GetString(), member.name.GetStringLength()});
      out += " = ";
      write_toml(out, member.value);
    }
    out += '}';
  } else if (value.IsArray()) {
    out += '[';
    for (const auto& each : value.GetArray()) {
      write_toml(out, each);
      out += ", ";
    }
    out += ']';
  } else if (value.IsString()) {
    write_toml_string(out, {value.GetString(), value.GetStringLength()});
  } else if (value.IsBool()) {
    out += value.GetBool() ? "true" : "false";
  } else if (value.IsInt64()) {
    out += std::to_string(value.GetInt64());
  } else {
    out += std::to_string(value.IsNumber() ? value.GetDouble() : 0.0);
  }
}

boost::system::result<std::string, config_fault> json_to_toml(const std::string& text,
                                                              const std::string& file) {
  rapidjson::Document document;
  // Parsing reads whole blocks of 16 bytes.
  const std::string padded = text + std::string(16, '\0');
  document.Parse<rapidjson::kParseIterativeFlag>(padded.c_str());
  if (document.HasParseError()) {
    const auto at =
        text.begin() + static_cast<std::ptrdiff_t>(std::min(document.GetErrorOffset(), text.size()));
    const auto line = static_cast<std::uint32_t>(std::count(text.begin(), at, '\n') + 1);
    const auto begin = std::find(std::reverse_iterator(at), text.rend(), '\n').base();
    return config_fault{file,
                        line,
                        static_cast<std::uint32_t>(at - begin + 1),
                        {},
                        rapidjson::GetParseError_En(document.GetParseError())};
  }
  std::string toml;
  for (const auto& member : document.GetObject()) {
    if (member.value.IsNull())
      continue;
    write_toml_string(toml, {member.name.GetString(), member.name.GetStringLength()});
    toml += " = ";
    write_toml(toml, member.value);
    toml += '\n';
  }
  // Said in full: a fault can be made of a string, too.
  return {boost::system::in_place_value, std::move(toml)};
}

} // namespace

boost::system::result<plan, config_faults> load_plan(const std::string& file) {
  // One byte more than a plan may have is enough to be refused; a folder opens, and cannot be read.
  constexpr std::size_t largest = 1 << 20;
  std::ifstream stream(file, std::ios::binary);
  std::string text(largest + 1, '\0');
  stream.read(text.data(), static_cast<std::streamsize>(text.size()));
  if (!stream.is_open() || stream.bad())
    return config_faults{{file, 0, 0, {}, "cannot be read"}};
  text.resize(static_cast<std::size_t>(stream.gcount()));
  if (text.size() > largest)
    return config_faults{{file, 0, 0, {}, "is larger than 1 MiB"}};
  const auto first = text.find_first_not_of(" \t\r\n");
  const bool json = first != std::string::npos && text[first] == '{';
  if (json) {
    auto toml = json_to_toml(text, file);
    if (!toml)
      return config_faults{toml.error()};
    text = std::move(*toml);
  }
  const auto parsed = config::toml_document::parse(text, file);
  if (!parsed)
    return config_faults{parsed.error()};
  const config::environment variables = config::process_environment;
  config::reading shared{*parsed, variables, {}, false};
  plan read = read_plan(shared);
  if (shared.faults.empty())
    return read;
  std::ranges::stable_sort(shared.faults, {},
                           [](const config_fault& each) { return std::pair(each.line, each.column); });
  // Lines of a translated text would mislead: the key says where it is.
  if (json)
    for (config_fault& each : shared.faults)
      each.line = each.column = 0;
  return std::move(shared.faults);
}

} // namespace weir::mock
