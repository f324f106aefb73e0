// The data of genai-prices (https://github.com/pydantic/genai-prices, prices/data.schema.json): providers
// with their models, rules for names, prices per million tokens in USD, tiers, and constraints of time.
#include "config/price_json.hpp"

#include <algorithm>
#include <array>
#include <set>
#include <utility>

namespace weir::config {

namespace {

using protocols::find_member;
using protocols::json_value;
using protocols::text_of;

using optional_price = std::optional<price>;

/// What a key of the list is among our prices.
struct known_price {
  const char* key;
  optional_price price_tier::*member;
};

constexpr std::array<known_price, 6> known_prices{{{"input_mtok", &price_tier::input},
                                                   {"output_mtok", &price_tier::output},
                                                   {"cache_read_mtok", &price_tier::cached_input},
                                                   {"cache_write_mtok", &price_tier::cache_write},
                                                   {"cache_write_1h_mtok", &price_tier::cache_write_1h},
                                                   {"output_reasoning_mtok", &price_tier::reasoning}}};

/// A list on its way to a draft. Members that give a result name the place themselves.
class genai_reader {
public:
  explicit genai_reader(const std::string& source) : source_(source) {}

  result<price_draft> read(const json_value& root);

private:
  result<listed_provider> read_provider(const json_value& from, const std::string& path);
  result<price_entry> read_entry(const json_value& from, const std::string& path,
                                 const std::string& provider);
  result<void> read_periods(const json_value& from, const std::string& path, const std::string& place,
                            price_entry& entry);
  result<price_period> read_period(const json_value& from, const std::string& path, const std::string& place);
  result<name_rule> read_rule(const json_value& from, const std::string& path);
  std::optional<pricing> read_pricing(const json_value& from, const std::string& place);

  failure bad(const std::string& path, std::string_view problem) const {
    return bad_place(source_, path, problem);
  }

  const std::string& source_;
  price_draft draft_;
};

/// The price of each tier, by its bound; a plain price has none.
std::vector<std::pair<std::uint64_t, price>> read_tiers(const json_value& from, const char* key,
                                                        exact_prices& exact) {
  std::vector<std::pair<std::uint64_t, price>> tiers;
  const json_value* const listed = find_member(from, "tiers");
  if (listed == nullptr || !listed->IsArray()) {
    exact.fail(key, "has no tiers");
    return tiers;
  }
  for (const json_value& each : listed->GetArray()) {
    const json_value* const start = find_member(each, "start");
    const json_value* const value = find_member(each, "price");
    const auto read = value == nullptr ? std::nullopt : exact.read(*value, key);
    const auto bound =
        start == nullptr || !start->IsString()
            ? result<price>(failure{})
            : parse_price(text_of(start), price_unit::million_tokens); // a whole number, and read like any
    if (!read || !bound || bound->picos_per_million % picos_per_unit != 0) {
      exact.fail(key, "has a tier that is none");
      return tiers;
    }
    tiers.emplace_back(static_cast<std::uint64_t>(bound->picos_per_million / picos_per_unit), *read);
  }
  std::ranges::sort(tiers, {}, [](const auto& tier) { return tier.first; });
  return tiers;
}

/// `16:30:00Z`, `16:30:00+02:00`: the time of day in UTC.
std::optional<std::chrono::seconds> to_time_of_day(std::string_view text) {
  const auto moment = parse_timestamp("2000-01-02T" + std::string(text));
  if (!moment || text.size() < 9)
    return std::nullopt;
  const auto of_day = *moment - std::chrono::floor<std::chrono::days>(*moment);
  const auto whole = std::chrono::floor<std::chrono::seconds>(of_day);
  return whole == of_day ? std::optional(whole) : std::nullopt;
}

std::optional<pricing> genai_reader::read_pricing(const json_value& from, const std::string& place) {
  exact_prices exact(price_unit::million_tokens);
  price_tier base;
  std::map<const char*, std::vector<std::pair<std::uint64_t, price>>> tiers;
  std::set<std::uint64_t> bounds;
  for (const auto& [key, member] : known_prices) {
    const json_value* const value = find_member(from, key);
    if (value == nullptr)
      continue;
    if (!value->IsObject()) {
      base.*member = exact.read(*value, key);
      continue;
    }
    const json_value* const first = find_member(*value, "base");
    base.*member = first == nullptr ? std::nullopt : exact.read(*first, key);
    tiers[key] = read_tiers(*value, key, exact);
    for (const auto& tier : tiers[key])
      bounds.insert(tier.first);
  }
  pricing prices;
  if (const json_value* const fee = find_member(from, "requests_kcount"))
    prices.request_fee = exact.read_fee(*fee, "requests_kcount", 1000);
  if (!base.input)
    exact.fail("input_mtok", "there is no price for input");
  if (!base.output)
    exact.fail("output_mtok", "there is no price for output");
  if (!exact.problem().empty()) {
    draft_.notes.push_back({place, exact.problem()});
    return std::nullopt;
  }
  prices.unit = *currency::parse("USD");
  set_base(prices, base);
  // Each price has bounds of its own: one of ours says all that hold above it.
  for (const std::uint64_t bound : bounds) {
    price_tier& tier = prices.tiers.emplace_back();
    tier.above = bound;
    for (const auto& [key, member] : known_prices)
      for (const auto& [start, value] : tiers[key])
        if (start <= bound)
          tier.*member = value;
  }
  return prices;
}

result<name_rule> genai_reader::read_rule(const json_value& from, const std::string& path) {
  using kind = name_rule::kind;
  constexpr std::array<std::pair<const char*, kind>, 7> words{{{"equals", kind::equals},
                                                               {"starts_with", kind::starts_with},
                                                               {"ends_with", kind::ends_with},
                                                               {"contains", kind::contains},
                                                               {"regex", kind::regex},
                                                               {"or", kind::any},
                                                               {"and", kind::all}}};
  for (const auto& [word, how] : words) {
    const json_value* const value = find_member(from, word);
    if (value == nullptr)
      continue;
    if (how != kind::any && how != kind::all) {
      auto rule = value->IsString() ? name_rule::make(how, std::string(text_of(value)))
                                    : result<name_rule>(make_failure(errc::config, "is no string"));
      return rule ? std::move(rule) : result<name_rule>(bad(path + "." + word, rule.error().message));
    }
    if (!value->IsArray() || value->Empty())
      return bad(path + "." + word, "is no list of rules");
    std::vector<name_rule> parts;
    for (const json_value& each : value->GetArray()) {
      auto part = read_rule(each, path + "." + word + "[" + std::to_string(parts.size()) + "]");
      if (!part)
        return part.error();
      parts.push_back(std::move(*part));
    }
    return name_rule::make(how, std::move(parts));
  }
  return bad(path, "is no rule for names that is known");
}

result<price_period> genai_reader::read_period(const json_value& from, const std::string& path,
                                               const std::string& place) {
  price_period period;
  const json_value* const prices = find_member(from, "prices");
  if (prices == nullptr || !prices->IsObject())
    return bad(path, "has no prices");
  if (const json_value* const limit = find_member(from, "constraint")) {
    const json_value* const begin = find_member(*limit, "start_date");
    const json_value* const daily_begin = find_member(*limit, "start_time");
    const json_value* const daily_end = find_member(*limit, "end_time");
    if (begin != nullptr && daily_begin == nullptr && daily_end == nullptr) {
      const auto date = parse_timestamp(text_of(begin));
      if (!date)
        return bad(path + ".constraint.start_date", date.error().message);
      period.from = *date;
    } else if (begin == nullptr && daily_begin != nullptr && daily_end != nullptr) {
      period.daily_from = to_time_of_day(text_of(daily_begin));
      period.daily_until = to_time_of_day(text_of(daily_end));
      if (!period.daily_from || !period.daily_until)
        return bad(path + ".constraint", "has no time of day such as \"16:30:00Z\"");
    } else {
      return bad(path + ".constraint",
                 "is none that is known: a start_date, or a start_time and an end_time");
    }
  }
  period.prices = read_pricing(*prices, place);
  return period;
}

result<void> genai_reader::read_periods(const json_value& from, const std::string& path,
                                        const std::string& place, price_entry& entry) {
  if (from.IsObject()) {
    entry.periods.push_back({.prices = read_pricing(from, place)});
    return {};
  }
  if (!from.IsArray())
    return bad(path, "is neither prices nor a list of them");
  for (const json_value& each : from.GetArray()) {
    auto period = read_period(each, path + "[" + std::to_string(entry.periods.size()) + "]", place);
    if (!period)
      return period.error();
    entry.periods.push_back(std::move(*period));
  }
  // Where none holds, the package takes the first one.
  if (!entry.periods.empty())
    entry.periods.insert(entry.periods.begin(), price_period{.prices = entry.periods.front().prices});
  return {};
}

result<price_entry> genai_reader::read_entry(const json_value& from, const std::string& path,
                                             const std::string& provider) {
  const json_value* const match = find_member(from, "match");
  const json_value* const prices = find_member(from, "prices");
  const std::string name(text_of(find_member(from, "id")));
  if (name.empty() || match == nullptr || prices == nullptr)
    return bad(path, "lacks id, match or prices");
  auto rule = read_rule(*match, path + ".match");
  if (!rule)
    return rule.error();
  price_entry entry{name, std::move(*rule), {}};
  if (auto read = read_periods(*prices, path + ".prices", provider + "/" + name, entry); !read)
    return read.error();
  return entry;
}

result<listed_provider> genai_reader::read_provider(const json_value& from, const std::string& path) {
  listed_provider provider;
  provider.name = text_of(find_member(from, "id"));
  const json_value* const models = find_member(from, "models");
  if (provider.name.empty() || models == nullptr || !models->IsArray())
    return bad(path, "lacks id or models");
  if (const json_value* const address = find_member(from, "api_pattern")) {
    auto rule = name_rule::make(name_rule::kind::regex, "^(?:" + std::string(text_of(address)) + ")");
    if (!rule)
      return bad(path + ".api_pattern", rule.error().message);
    provider.address = std::move(*rule);
  }
  if (const json_value* const match = find_member(from, "provider_match")) {
    auto rule = read_rule(*match, path + ".provider_match");
    if (!rule)
      return rule.error();
    provider.match = std::move(*rule);
  }
  if (const json_value* const others = find_member(from, "fallback_model_providers");
      others && others->IsArray())
    for (const json_value& each : others->GetArray())
      provider.fallback.emplace_back(text_of(&each));
  for (const json_value& each : models->GetArray()) {
    auto entry =
        read_entry(each, path + ".models[" + std::to_string(provider.entries.size()) + "]", provider.name);
    if (!entry)
      return entry.error();
    provider.entries.push_back(std::move(*entry));
  }
  return provider;
}

result<price_draft> genai_reader::read(const json_value& root) {
  if (!root.IsArray())
    return bad("$", "is no list of providers");
  for (const json_value& each : root.GetArray()) {
    auto provider = read_provider(each, "$[" + std::to_string(draft_.providers.size()) + "]");
    if (!provider)
      return provider.error();
    draft_.providers.push_back(std::move(*provider));
  }
  return std::move(draft_);
}

} // namespace

result<price_draft> read_genai_prices(std::string_view text, const std::string& source) {
  const auto parsed = exact_json::parse(text, source);
  if (!parsed)
    return parsed.error();
  return genai_reader(source).read(parsed->root());
}

} // namespace weir::config
