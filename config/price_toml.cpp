// Our own price list: `[prices.PROVIDER]` with `[[prices.PROVIDER.models]]`, whose keys are those of
// `[….pricing]`, a name or a rule for names, and from when until when.
#include "config/price_list.hpp"
#include "config/price_schema.hpp"

#include <algorithm>
#include <array>
#include <utility>

namespace weir::config {

namespace {

std::optional<timestamp> read_moment(table_reader& in, const std::string& key) {
  std::string text;
  if (!in.text(key, text))
    return std::nullopt;
  const auto moment = parse_timestamp(text);
  if (moment)
    return *moment;
  in.fault(key, moment.error().message);
  return std::nullopt;
}

/// `name`, or one of the rules. Nothing when there is none; two are a fault.
std::optional<std::pair<std::string, name_rule>> read_rule(table_reader& in) {
  using kind = name_rule::kind;
  constexpr std::array<std::pair<const char*, kind>, 5> keys{{{"name", kind::equals},
                                                              {"starts_with", kind::starts_with},
                                                              {"ends_with", kind::ends_with},
                                                              {"contains", kind::contains},
                                                              {"regex", kind::regex}}};
  std::optional<std::pair<std::string, name_rule>> found;
  for (const auto& [key, how] : keys) {
    std::string text;
    if (!in.text(key, text))
      continue;
    auto rule = name_rule::make(how, text);
    if (text.empty() || !rule)
      in.fault(key, text.empty() ? "is empty" : rule.error().message);
    else if (found)
      in.fault(key, "is a second rule for names; expected one");
    else
      found = {how == kind::equals ? text : std::string(key) + ":" + text, std::move(*rule)};
  }
  if (!found && std::ranges::none_of(keys, [&in](const auto& each) { return in.has(each.first); }))
    in.missing("name", "a name, or starts_with, ends_with, contains or regex");
  return found;
}

void read_model(reading& shared, const toml::table* table, const std::string& path, listed_provider& into) {
  table_reader in(shared, table, path);
  auto rule = read_rule(in);
  price_period period{.from = read_moment(in, "from"), .until = read_moment(in, "until")};
  if (period.from && period.until && *period.until <= *period.from)
    in.fault("until", "is not after 'from'");
  period.prices = read_pricing_keys(shared, in);
  in.finish();
  if (!rule)
    return;
  const auto known = std::ranges::find(into.entries, rule->first, &price_entry::name);
  if (known == into.entries.end())
    into.entries.push_back({std::move(rule->first), std::move(rule->second), {std::move(period)}});
  else
    known->periods.push_back(std::move(period));
}

listed_provider read_provider(reading& shared, const toml::table* table, const std::string& path,
                              const std::string& name) {
  table_reader in(shared, table, path);
  listed_provider provider;
  provider.name = name;
  std::string address;
  if (in.text("base_url", address))
    provider.address = *name_rule::make(name_rule::kind::starts_with, address);
  std::vector<std::string> aliases;
  if (in.texts("aliases", aliases)) {
    std::vector<name_rule> any;
    for (std::string& each : aliases)
      any.push_back(*name_rule::make(name_rule::kind::equals, std::move(each)));
    provider.match = name_rule::make(name_rule::kind::any, std::move(any));
  }
  in.texts("fallback", provider.fallback);
  for (const toml::table* each : in.tables("models"))
    read_model(shared, each, in.path_of("models"), provider);
  in.finish();
  return provider;
}

} // namespace

result<price_draft> read_weir_prices(std::string_view text, const std::string& source) {
  const auto refused = [&source](const config_faults& faults) {
    constexpr std::size_t most = 5;
    std::string all = "the price list has faults: ";
    for (std::size_t n = 0; n != std::min(faults.size(), most); ++n)
      all += (n == 0 ? "" : "; ") + to_string(faults[n]);
    if (faults.size() > most)
      all += "; and " + std::to_string(faults.size() - most) + " more";
    return make_failure(errc::config, std::move(all), source);
  };
  auto parsed = toml_document::parse(text, source);
  if (!parsed)
    return refused({parsed.error()});
  const environment none = [](const std::string&) -> std::optional<std::string> { return std::nullopt; };
  reading shared{*parsed, none, {}, false};
  table_reader top(shared, &parsed->root(), "");
  table_reader providers(shared, top.table("prices"), "prices");
  if (!top.has("prices"))
    top.missing("prices", "a table");
  price_draft draft;
  for (const std::string& name : providers.names())
    if (const toml::table* entry = providers.table(name))
      draft.providers.push_back(read_provider(shared, entry, providers.path_of(name), name));
  top.finish();
  if (!shared.faults.empty())
    return refused(shared.faults);
  return draft;
}

} // namespace weir::config
