// Reading a plan. A JSON plan has the same members as a TOML one, so it is read through the same schema.
#include "tools/mock/plan.hpp"

#include "config/table_reader.hpp"
#include "tools/mock/plan_json.hpp"

#include <algorithm>
#include <array>
#include <charconv>
#include <fstream>
#include <iterator>
#include <utility>

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
  std::vector<std::string> models;
  in.texts("models", models);
  for (std::string& each : models)
    when.models.emplace_back(std::move(each));
}

bool read_kind(table_reader& in, fault_kind& kind) {
  std::string word;
  if (!in.text("kind", word)) {
    if (!in.has("kind"))
      in.missing("kind", "a kind of fault");
    return false;
  }
  std::string all;
  for (auto each = fault_kind::refuse; static_cast<std::size_t>(each) != fault_kinds;
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
  constexpr std::uint32_t with_error = bits(status, error_in_200, error_in_stream);
  constexpr std::uint32_t within_stream = bits(cut_stream, error_in_stream, malformed_chunk, stall_stream);
  return std::array<heeded_member, 18>{{{"requests", any_request},
                                        {"models", any_request},
                                        {"every", any_request},
                                        {"probability", any_request},
                                        {"status", with_error},
                                        {"message", with_error},
                                        {"code", with_error},
                                        {"body", bits(status)},
                                        {"retry_after", bits(status)},
                                        {"retry_after_ms", bits(status)},
                                        {"headers", bits(status)},
                                        {"after_bytes", bits(reset, close)},
                                        {"after_chunks", within_stream},
                                        {"bytes", bits(raw)},
                                        {"then", bits(raw)},
                                        {"piece_bytes", bits(drip)},
                                        {"body_bytes", bits(oversized_body)},
                                        {"delay", any_response}}};
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
  in.text("bytes", read.bytes);
  constexpr std::array<std::string_view, 3> ends{"keep", "close", "reset"};
  if (const auto which = in.choice("then", ends))
    read.then = static_cast<aftermath>(*which);
  in.size("after_bytes", read.after_bytes, any_size);
  in.size("after_chunks", read.after_chunks, any_size);
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

/// `true`, `false`, or "all" for every tool at once.
void read_tool_calls(table_reader& in, const toml::table& table, calling& out) {
  const std::string key = "tool_calls";
  const toml::node* node = table.get(key);
  bool calls = false;
  if (std::string word; node != nullptr && node->is_string()) {
    if (in.text(key, word) && word == "all")
      out = calling::all;
    else
      in.fault(key, "is '" + word.substr(0, 40) + "'; expected true, false or \"all\"");
  } else if (in.flag(key, calls)) {
    out = calls ? calling::first : calling::none;
  }
}

void read_reply(table_reader& in, const toml::table& table, plan& out) {
  in.text("reply", out.reply);
  in.text("reasoning", out.reasoning);
  read_tool_calls(in, table, out.tool_calls);
  read_tokens(in, "prompt_tokens", out.prompt_tokens);
  read_tokens(in, "completion_tokens", out.completion_tokens);
  read_tokens(in, "cached_tokens", out.cached_tokens);
  constexpr std::array<std::string_view, 3> reasons{"stop", "length", "content_filter"};
  constexpr std::array<finish_reason, 3> finishes{finish_reason::stop, finish_reason::length,
                                                  finish_reason::content_filter};
  if (const auto which = in.choice("finish_reason", reasons))
    out.finish = finishes[*which];
  constexpr std::array<std::string_view, 3> prefills{"continue", "refuse", "ignore"};
  if (const auto which = in.choice("prefill", prefills))
    out.prefill = static_cast<prefilling>(*which);
  read_tokens(in, "context_window", out.context_window);
  in.count("chunk_tokens", out.chunk_tokens, {1, 1'000'000});
  in.duration("chunk_delay", out.chunk_delay, any_time);
  in.duration("ping_every", out.ping_every, any_time);
}

plan read_plan(config::reading& shared) {
  table_reader in(shared, &shared.document.root(), "");
  plan read;
  read_reply(in, shared.document.root(), read);
  std::vector<std::string> models;
  if (in.texts("models", models)) {
    read.models.clear();
    for (std::string& each : models)
      read.models.emplace_back(std::move(each));
  }
  in.text("api_key", read.api_key);
  constexpr std::array<std::string_view, 3> headers{"authorization", "x-api-key", "api-key"};
  if (const auto which = in.choice("key_header", headers)) {
    read.key_header = headers[*which];
    if (read.api_key.empty())
      in.fault("key_header", "has no effect without 'api_key'");
  }
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
