// LiteLLM's model_prices_and_context_window.json (https://github.com/BerriAI/litellm): an object of models
// with prices per token in USD. Those of longer prompts are keys of their own, such as
// `input_cost_per_token_above_200k_tokens`.
#include "config/price_json.hpp"

#include <algorithm>
#include <array>
#include <charconv>
#include <unordered_map>
#include <utility>

namespace weir::config {

namespace {

using protocols::find_member;
using protocols::json_value;
using protocols::text_of;

/// What a key of the list is among our prices.
struct known_price {
  std::string_view key;
  std::optional<price> price_tier::*member;
};

constexpr std::array<known_price, 7> known_prices{
    {{"input_cost_per_token", &price_tier::input},
     {"output_cost_per_token", &price_tier::output},
     {"cache_read_input_token_cost", &price_tier::cached_input},
     {"input_cost_per_token_cache_hit", &price_tier::cached_input}, // older entries of DeepSeek
     {"cache_creation_input_token_cost", &price_tier::cache_write},
     {"cache_creation_input_token_cost_above_1hr", &price_tier::cache_write_1h},
     {"output_cost_per_reasoning_token", &price_tier::reasoning}}};

/// Other names of the list's providers, in small letters.
constexpr std::array<std::array<std::string_view, 2>, 4> other_names{{{"together_ai", "together"},
                                                                      {"fireworks_ai", "fireworks"},
                                                                      {"cohere_chat", "cohere"},
                                                                      {"gemini", "google"}}};

std::string_view view_of(const json_value& text) {
  return {text.GetString(), text.GetStringLength()};
}

/// The bound in `…_above_128k_tokens`, and what is before it; zero where there is none.
std::pair<std::string_view, std::uint64_t> split_bound(std::string_view key) {
  constexpr std::string_view mark = "_above_";
  constexpr std::string_view end = "k_tokens";
  const auto at = key.rfind(mark);
  if (at == std::string_view::npos || !key.ends_with(end))
    return {key, 0};
  const std::string_view digits = key.substr(at + mark.size(), key.size() - end.size() - at - mark.size());
  std::uint32_t thousands = 0;
  const auto [stop, error] = std::from_chars(digits.data(), digits.data() + digits.size(), thousands);
  if (error != std::errc{} || stop != digits.data() + digits.size())
    return {key, 0};
  return {key.substr(0, at), std::uint64_t{thousands} * 1000};
}

/// The tier of a bound, made where there is none yet.
price_tier& tier_above(std::vector<price_tier>& tiers, std::uint64_t bound) {
  auto found = std::ranges::lower_bound(tiers, bound, {}, &price_tier::above);
  if (found == tiers.end() || found->above != bound)
    found = tiers.insert(found, price_tier{.above = bound});
  return *found;
}

/// Takes a price where its key is a known one.
void take(std::string_view key, const json_value& value, price_tier& into, exact_prices& exact) {
  const auto known = std::ranges::find(known_prices, key, &known_price::key);
  if (known == known_prices.end())
    return;
  if (const auto read = exact.read(value, key))
    into.*(known->member) = read;
}

/// `tiered_pricing`: a list of ranges, each with prices of its own. The lowest is the base.
void take_ranges(const json_value& listed, price_tier& base, std::vector<price_tier>& tiers,
                 exact_prices& exact) {
  if (!listed.IsArray())
    return exact.fail("tiered_pricing", "is no list");
  for (const json_value& each : listed.GetArray()) {
    const json_value* const range = find_member(each, "range");
    const json_value* const low =
        range != nullptr && range->IsArray() && !range->Empty() ? &(*range)[0] : nullptr;
    const auto bound = low != nullptr && low->IsString()
                           ? parse_price(text_of(low), price_unit::million_tokens) // read like any number
                           : result<price>(failure{});
    if (!bound || bound->picos_per_million % picos_per_unit != 0)
      return exact.fail("tiered_pricing", "has a range that is none");
    const auto above = static_cast<std::uint64_t>(bound->picos_per_million / picos_per_unit);
    price_tier& into = above == 0 ? base : tier_above(tiers, above);
    for (const auto& member : each.GetObject())
      take(view_of(member.name), member.value, into, exact);
  }
}

/// A price that a lower tier has holds above the higher bound too.
void hand_up(std::vector<price_tier>& tiers) {
  for (std::size_t n = 1; n < tiers.size(); ++n)
    for (const known_price& each : known_prices)
      if (!(tiers[n].*(each.member)))
        tiers[n].*(each.member) = tiers[n - 1].*(each.member);
}

bool is_token_priced(const json_value& model) {
  constexpr std::array<std::string_view, 4> modes{"", "chat", "completion", "responses"};
  return std::ranges::find(modes, text_of(find_member(model, "mode"))) != modes.end() &&
         (find_member(model, "tiered_pricing") != nullptr ||
          (find_member(model, "input_cost_per_token") != nullptr &&
           find_member(model, "output_cost_per_token") != nullptr));
}

std::optional<pricing> read_pricing(const json_value& model, const std::string& name,
                                    std::vector<price_note>& notes) {
  exact_prices exact(price_unit::tokens);
  pricing prices;
  price_tier base;
  for (const auto& member : model.GetObject()) {
    const std::string_view key = view_of(member.name);
    const auto [plain, bound] = split_bound(key);
    if (key == "tiered_pricing")
      take_ranges(member.value, base, prices.tiers, exact);
    else if (key == "input_cost_per_request")
      prices.request_fee = exact.read_fee(member.value, key, 1);
    else if (key == "input_cost_per_image")
      prices.image_fee = exact.read_fee(member.value, key, 1);
    else if (bound == 0)
      take(key, member.value, base, exact);
    else if (std::ranges::find(known_prices, plain, &known_price::key) != known_prices.end())
      take(plain, member.value, tier_above(prices.tiers, bound), exact);
  }
  if (!base.input || !base.output)
    exact.fail("tiered_pricing", "has no prices for short prompts");
  if (!exact.problem().empty()) {
    notes.push_back({name, exact.problem()});
    return std::nullopt;
  }
  prices.unit = *currency::parse("USD");
  set_base(prices, base);
  hand_up(prices.tiers);
  return prices;
}

/// The model's name as its provider knows it: the list puts the provider in front of most.
std::string_view own_name(std::string_view name, std::string_view provider) {
  const auto slash = name.find('/');
  const bool prefixed = slash != std::string_view::npos && provider.starts_with(name.substr(0, slash));
  return prefixed ? name.substr(slash + 1) : name;
}

name_rule rule_for(std::string_view name) {
  auto same = *name_rule::make(name_rule::kind::equals, std::string(name));
  if (!name.starts_with("ft:"))
    return same;
  // A model that was made of this one by training: `ft:gpt-4o:company::id`.
  std::vector<name_rule> either{std::move(same)};
  either.push_back(*name_rule::make(name_rule::kind::starts_with, std::string(name) + ":"));
  return name_rule::make(name_rule::kind::any, std::move(either));
}

listed_provider make_provider(std::string_view name) {
  listed_provider made;
  made.name = name;
  const auto other = std::ranges::find(other_names, name, [](const auto& each) { return each[0]; });
  if (other != other_names.end())
    made.match = *name_rule::make(name_rule::kind::equals, std::string((*other)[1]));
  return made;
}

} // namespace

result<price_draft> read_litellm_prices(std::string_view text, const std::string& source) {
  const auto parsed = exact_json::parse(text, source);
  if (!parsed)
    return parsed.error();
  if (!parsed->root().IsObject())
    return bad_place(source, "$", "is no object of models");
  price_draft draft;
  std::unordered_map<std::string_view, std::size_t> places;
  for (const auto& member : parsed->root().GetObject()) {
    const std::string_view name = view_of(member.name);
    if (name == "sample_spec")
      continue;
    if (!member.value.IsObject())
      return bad_place(source, "$" + member_path(name), "is no object");
    if (!is_token_priced(member.value))
      continue;
    const std::string_view provider = text_of(find_member(member.value, "litellm_provider"));
    if (provider.empty())
      return bad_place(source, "$" + member_path(name), "has no litellm_provider");
    const auto [place, fresh] = places.emplace(provider, draft.providers.size());
    if (fresh)
      draft.providers.push_back(make_provider(provider));
    const std::string own(own_name(name, provider));
    std::vector<price_period> periods{{.prices = read_pricing(member.value, std::string(name), draft.notes)}};
    draft.providers[place->second].entries.push_back({own, rule_for(own), std::move(periods)});
  }
  return draft;
}

} // namespace weir::config
