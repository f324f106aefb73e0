// What differs between two lists, and whether a new one can be believed.
#include <weir/prices.hpp>

#include <algorithm>
#include <set>
#include <string>
#include <unordered_map>
#include <utility>

namespace weir {

namespace {

/// One price of an entry by its name, as a count of 10^-12.
struct field {
  std::string name;
  std::optional<std::int64_t> value;
};

template <class Prices>
void add_fields(std::vector<field>& fields, const std::string& prefix, const Prices& prices) {
  const auto add = [&](const char* name, const std::optional<price>& value) {
    fields.push_back(
        {prefix + name, value ? std::optional(value->picos_per_million) : std::optional<std::int64_t>()});
  };
  add("input_price", prices.input);
  add("output_price", prices.output);
  add("cached_input_price", prices.cached_input);
  add("cache_write_price", prices.cache_write);
  add("cache_write_1h_price", prices.cache_write_1h);
  add("reasoning_price", prices.reasoning);
}

std::vector<field> fields_of(const pricing& prices) {
  std::vector<field> fields;
  add_fields(fields, "", prices);
  const auto add_fee = [&fields](const char* name, std::int64_t fee) {
    fields.push_back({name, fee == 0 ? std::optional<std::int64_t>() : std::optional(fee)});
  };
  add_fee("request_fee", prices.request_fee);
  add_fee("image_fee", prices.image_fee);
  for (const price_tier& tier : prices.tiers)
    add_fields(fields, "above " + std::to_string(tier.above) + ": ", tier);
  return fields;
}

std::string text_of(const std::optional<std::int64_t>& value) {
  return value ? to_decimal(int128{*value}) : std::string();
}

std::optional<std::int64_t> permille_of(const std::optional<std::int64_t>& before,
                                        const std::optional<std::int64_t>& after) {
  if (!before || !after || *before == 0)
    return std::nullopt;
  constexpr std::int64_t most = INT64_MAX;
  const int128 share = int128{*after} * 1000 / *before;
  return share > most ? most : static_cast<std::int64_t>(share);
}

/// Now, and every later moment from which a price of one of the two holds.
std::vector<std::optional<timestamp>> moments_of(const price_entry* before, const price_entry* after,
                                                 timestamp now) {
  std::set<timestamp> later;
  for (const price_entry* const each : {before, after})
    if (each != nullptr)
      for (const price_period& period : each->periods) {
        if (period.from && *period.from > now)
          later.insert(*period.from);
        if (period.daily_from) // today's hours of the day, of which each may have a price of its own
          later.insert(std::chrono::floor<std::chrono::days>(now) + std::chrono::days{1} +
                       *period.daily_from);
      }
  std::vector<std::optional<timestamp>> moments{std::nullopt};
  moments.insert(moments.end(), later.begin(), later.end());
  return moments;
}

class comparison {
public:
  explicit comparison(timestamp now) : now_(now) {}

  void compare(const std::string& provider, const price_entry* before, const price_entry* after) {
    for (const std::optional<timestamp>& moment : moments_of(before, after, now_)) {
      const auto at = [&](const price_entry* entry) {
        return entry == nullptr ? nullptr : entry->at(moment.value_or(now_));
      };
      price_change change{.provider = provider,
                          .entry = before != nullptr ? before->name : after->name,
                          .field = {},
                          .from = moment,
                          .before = {},
                          .after = {},
                          .permille = {}};
      compare(std::move(change), at(before), at(after));
    }
  }

  std::vector<price_change> take() { return std::move(changes_); }

private:
  void compare(price_change change, const pricing* before, const pricing* after) {
    const auto put = [&](std::string name, std::string old_value, std::string new_value,
                         std::optional<std::int64_t> permille) {
      // What holds from later on is told only where it is something new.
      const bool told = std::ranges::any_of(changes_, [&](const price_change& each) {
        return each.provider == change.provider && each.entry == change.entry && each.field == name &&
               each.before == old_value && each.after == new_value;
      });
      if (told)
        return;
      change.field = std::move(name);
      change.before = std::move(old_value);
      change.after = std::move(new_value);
      change.permille = permille;
      changes_.push_back(change);
    };
    if (before == nullptr || after == nullptr) {
      const pricing* const there = before != nullptr ? before : after;
      if (there == nullptr)
        return;
      const std::string prices =
          to_decimal(there->input) + "/" + to_decimal(there->output) + " " + there->unit.str();
      return before != nullptr ? put("entry", prices, "", {}) : put("entry", "", prices, {});
    }
    if (before->unit != after->unit)
      put("currency", before->unit.str(), after->unit.str(), {});
    const auto old_fields = fields_of(*before);
    const auto new_fields = fields_of(*after);
    const auto value_in = [](const std::vector<field>& fields, const std::string& name) {
      const auto found = std::ranges::find(fields, name, &field::name);
      return found == fields.end() ? std::nullopt : found->value;
    };
    for (const field& each : old_fields)
      if (const auto now_is = value_in(new_fields, each.name); now_is != each.value)
        put(each.name, text_of(each.value), text_of(now_is), permille_of(each.value, now_is));
    for (const field& each : new_fields)
      if (each.value && std::ranges::find(old_fields, each.name, &field::name) == old_fields.end())
        put(each.name, "", text_of(each.value), {});
  }

  timestamp now_;
  std::vector<price_change> changes_;
};

/// The entries of a provider by name; of two of one name the first, which is the one that counts.
std::unordered_map<std::string_view, const price_entry*> by_name(const listed_provider* provider) {
  std::unordered_map<std::string_view, const price_entry*> entries;
  if (provider != nullptr)
    for (const price_entry& each : provider->entries)
      entries.emplace(each.name, &each);
  return entries;
}

failure refused(std::string why) {
  return make_failure(errc::config, "the price list is not believed: " + std::move(why));
}

std::string place_of(const price_change& change) {
  return change.provider + "/" + change.entry + " " + change.field;
}

/// The models of the configuration whose price the new list has lost.
std::optional<failure> lost_model(const price_book& before, const price_book& after,
                                  const plausibility& bounds) {
  const auto price_in = [&bounds](const price_book& book, const provider_config& provider,
                                  const model_name& model) -> const pricing* {
    const listed_provider* const listed = book.provider_of(provider);
    const price_entry* const entry = listed == nullptr ? nullptr : book.find(*listed, model.str());
    return entry == nullptr ? nullptr : entry->at(bounds.now);
  };
  const auto is_lost = [&](const provider_config& provider, const model_name& model) {
    return price_in(before, provider, model) != nullptr && price_in(after, provider, model) == nullptr;
  };
  for (const provider_config& provider : bounds.used->providers)
    for (const model_config& model : provider.models)
      if (!model.prices && is_lost(provider, model.name))
        return refused("it has lost the price of " + provider.name.str() + "/" + model.name.str() +
                       ", which the configuration uses");
  for (const route_config& route : bounds.used->routes)
    for (const route_candidate& each : route.candidates)
      if (const provider_config* const provider = bounds.used->find(each.provider))
        if (is_lost(*provider, each.model))
          return refused("it has lost the price of " + provider->name.str() + "/" + each.model.str() +
                         ", which the configuration uses");
  return std::nullopt;
}

} // namespace

std::vector<price_change> changes_between(const price_book& before, const price_book& after, timestamp now) {
  std::vector<price_change> all;
  const auto compare = [&](const listed_provider* old_one, const listed_provider* new_one) {
    const auto old_entries = by_name(old_one);
    const auto new_entries = by_name(new_one);
    const std::string& name = old_one != nullptr ? old_one->name : new_one->name;
    const auto add = [&](const price_entry* old_entry, const price_entry* new_entry) {
      comparison each(now);
      each.compare(name, old_entry, new_entry);
      std::ranges::move(each.take(), std::back_inserter(all));
    };
    if (old_one != nullptr)
      for (const price_entry& each : old_one->entries) {
        if (old_entries.at(each.name) != &each)
          continue;
        const auto other = new_entries.find(each.name);
        add(&each, other == new_entries.end() ? nullptr : other->second);
      }
    if (new_one != nullptr)
      for (const price_entry& each : new_one->entries)
        if (new_entries.at(each.name) == &each && !old_entries.contains(each.name))
          add(nullptr, &each);
  };
  const auto find = [](const price_book& book, const std::string& name) -> const listed_provider* {
    const auto found = std::ranges::find(book.providers(), name, &listed_provider::name);
    return found == book.providers().end() ? nullptr : &*found;
  };
  for (const listed_provider& each : before.providers())
    compare(&each, find(after, each.name));
  for (const listed_provider& each : after.providers())
    if (find(before, each.name) == nullptr)
      compare(nullptr, &each);
  return all;
}

std::optional<failure> implausible(const price_book* before, const price_book& after,
                                   const plausibility& bounds) {
  if (before == nullptr || before->version() == after.version())
    return std::nullopt;
  if (bounds.used != nullptr)
    if (auto lost = lost_model(*before, after, bounds))
      return lost;
  const std::int64_t most = bounds.max_change_permille;
  std::size_t gone = 0;
  for (const price_change& each : changes_between(*before, after, bounds.now)) {
    if (each.field == "currency")
      return refused(place_of(each) + " was " + each.before + " and is " + each.after);
    gone += each.field == "entry" && each.after.empty() && !each.from ? 1 : 0;
    const bool to_nothing = each.after == "0" && !each.before.empty();
    if (to_nothing || (each.permille && (*each.permille > most || *each.permille * most < 1'000'000)))
      return refused(place_of(each) + " was " + each.before + " and is " + each.after +
                     ", more than the factor " + to_decimal(int128{most} * (picos_per_unit / 1000)) +
                     " (max_change)");
  }
  constexpr std::size_t share = 20; // one in twenty may go
  if (gone * share > before->entry_count())
    return refused("it has lost " + std::to_string(gone) + " of " + std::to_string(before->entry_count()) +
                   " entries");
  return std::nullopt;
}

} // namespace weir
