// Looking up who costs what, and when.
// Knows no file format; a list is as its reader made it.
#include <weir/prices.hpp>

#include <boost/regex.hpp>

#include <algorithm>
#include <array>

namespace weir {

namespace {

constexpr std::size_t longest_name = 512; ///< no model is called more, and patterns are not tried on more

char lower(char letter) noexcept {
  return letter >= 'A' && letter <= 'Z' ? static_cast<char>(letter + 32) : letter;
}

std::string lower(std::string_view text) {
  std::string small(text);
  std::ranges::transform(small, small.begin(), [](char letter) { return lower(letter); });
  return small;
}

bool is_number(std::string_view text, int least, int most) noexcept {
  int value = 0;
  for (const char letter : text) {
    if (letter < '0' || letter > '9')
      return false;
    value = value * 10 + (letter - '0');
  }
  return value >= least && value <= most;
}

/// A release date as `-20250131` in the way that lists write it, `-2025-01-31`. The same text where there is
/// none.
std::string with_spread_date(std::string_view name) {
  constexpr std::size_t digits = 8;
  std::string spread(name);
  for (std::size_t at = spread.find("-20"); at != std::string::npos; at = spread.find("-20", at + 1)) {
    const std::string_view date = std::string_view(spread).substr(at + 1, digits);
    const std::size_t end = at + 1 + digits;
    if (date.size() == digits && (end == spread.size() || spread[end] == '-' || spread[end] == ':') &&
        is_number(date.substr(0, 4), 2000, 2099) && is_number(date.substr(4, 2), 1, 12) &&
        is_number(date.substr(6, 2), 1, 31)) {
      spread.insert(at + 7, 1, '-');
      spread.insert(at + 5, 1, '-');
    }
  }
  return spread;
}

/// FNV-1a over what a list says, each part closed off from the next.
class digest {
public:
  void add(std::string_view text) noexcept {
    for (const char letter : text)
      step(static_cast<unsigned char>(letter));
    step(0x1ff);
  }
  void add(std::int64_t number) noexcept { add(std::string_view(std::to_string(number))); }
  void add(const price& value) noexcept { add(value.picos_per_million); }
  void add(timestamp moment) noexcept { add(std::int64_t{moment.time_since_epoch().count()}); }
  void add(std::chrono::seconds time) noexcept { add(std::int64_t{time.count()}); }
  template <class Value>
  void add(const std::optional<Value>& value) noexcept {
    step(value ? 1 : 0);
    if (value)
      add(*value);
  }
  void add(const name_rule& rule) noexcept {
    step(static_cast<std::uint64_t>(rule.how()));
    add(std::string_view(rule.text()));
    add(static_cast<std::int64_t>(rule.parts().size()));
    for (const name_rule& part : rule.parts())
      add(part);
  }
  void add(const pricing& prices) noexcept {
    add(std::string_view(prices.unit.letters().data(), prices.unit.letters().size()));
    add(prices.input);
    add(prices.output);
    for (const auto& each :
         {prices.cached_input, prices.cache_write, prices.cache_write_1h, prices.reasoning})
      add(each);
    add(prices.request_fee);
    add(prices.image_fee);
    for (const price_tier& tier : prices.tiers) {
      add(static_cast<std::int64_t>(tier.above));
      for (const auto& each : {tier.input, tier.output, tier.cached_input, tier.cache_write,
                               tier.cache_write_1h, tier.reasoning})
        add(each);
    }
  }
  void add(const price_entry& entry) noexcept {
    add(std::string_view(entry.name));
    add(entry.match);
    for (const price_period& period : entry.periods) {
      add(period.from);
      add(period.until);
      add(period.daily_from);
      add(period.daily_until);
      add(period.prices);
    }
  }

  std::uint32_t value() const noexcept {
    const auto folded = static_cast<std::uint32_t>(hash_ ^ (hash_ >> 32U));
    return folded == 0 ? 1 : folded;
  }

private:
  void step(std::uint64_t word) noexcept { hash_ = (hash_ ^ word) * 0x100000001b3; }

  std::uint64_t hash_ = 0xcbf29ce484222325;
};

} // namespace

struct name_rule::pattern {
  boost::regex expression;
};

result<name_rule> name_rule::make(kind how, std::string text) {
  name_rule rule;
  rule.how_ = how;
  if (how == kind::regex) {
    auto compiled = std::make_shared<pattern>();
    compiled->expression.assign(text,
                                boost::regex::ECMAScript | boost::regex::icase | boost::regex::no_except);
    if (compiled->expression.status() != 0)
      return make_failure(errc::config,
                          "'" + text.substr(0, 80) + "' is not a regular expression of ECMAScript");
    rule.pattern_ = std::move(compiled);
    rule.text_ = std::move(text);
  } else {
    rule.text_ = lower(text);
  }
  return rule;
}

name_rule name_rule::make(kind how, std::vector<name_rule> parts) {
  name_rule rule;
  rule.how_ = how;
  rule.parts_ = std::move(parts);
  return rule;
}

bool name_rule::matches(std::string_view name) const noexcept {
  const auto holds = [name](const name_rule& part) { return part.matches(name); };
  switch (how_) {
  case kind::equals:
    return name == text_;
  case kind::starts_with:
    return name.starts_with(text_);
  case kind::ends_with:
    return name.ends_with(text_);
  case kind::contains:
    return name.find(text_) != std::string_view::npos;
  case kind::regex:
    try {
      return name.size() <= longest_name &&
             boost::regex_search(name.begin(), name.end(), pattern_->expression);
    } catch (const std::exception&) { // it would take too long: the library gives up by itself
      return false;
    }
  case kind::any:
    return std::ranges::any_of(parts_, holds);
  case kind::all:
    return std::ranges::all_of(parts_, holds);
  }
  return false;
}

bool price_period::holds(timestamp moment) const noexcept {
  if ((from && moment < *from) || (until && moment >= *until))
    return false;
  if (!daily_from || !daily_until)
    return true;
  const auto of_day = moment - std::chrono::floor<std::chrono::days>(moment);
  return *daily_until < *daily_from ? of_day >= *daily_from || of_day < *daily_until
                                    : of_day >= *daily_from && of_day < *daily_until;
}

const pricing* price_entry::at(timestamp moment) const noexcept {
  for (auto period = periods.rbegin(); period != periods.rend(); ++period)
    if (period->holds(moment))
      return period->prices ? &*period->prices : nullptr;
  return nullptr;
}

const price_entry* listed_provider::find(std::string_view model) const noexcept {
  const auto found =
      std::ranges::find_if(entries, [model](const price_entry& each) { return each.match.matches(model); });
  return found == entries.end() ? nullptr : &*found;
}

price_book::price_book(std::vector<listed_provider> providers, std::vector<price_note> notes)
    : providers_(std::move(providers)), notes_(std::move(notes)) {
  digest content;
  for (const listed_provider& each : providers_) {
    content.add(std::string_view(each.name));
    content.add(each.match);
    content.add(each.address);
    for (const std::string& name : each.fallback)
      content.add(std::string_view(name));
    content.add(static_cast<std::int64_t>(each.entries.size()));
    for (const price_entry& entry : each.entries)
      content.add(entry);
  }
  version_ = content.value();
}

std::size_t price_book::entry_count() const noexcept {
  std::size_t count = 0;
  for (const listed_provider& each : providers_)
    count += each.entries.size();
  return count;
}

const listed_provider* price_book::provider_named(std::string_view name) const {
  const std::string wanted = lower(name);
  auto found = std::ranges::find_if(providers_,
                                    [&](const listed_provider& each) { return lower(each.name) == wanted; });
  if (found == providers_.end())
    found = std::ranges::find_if(
        providers_, [&](const listed_provider& each) { return each.match && each.match->matches(wanted); });
  return found == providers_.end() ? nullptr : &*found;
}

const listed_provider* price_book::provider_of(const provider_config& provider) const {
  if (!provider.price_list.empty())
    return provider_named(provider.price_list);
  const auto found = std::ranges::find_if(providers_, [&](const listed_provider& each) {
    return each.address && each.address->matches(provider.base_url);
  });
  if (found != providers_.end())
    return &*found;
  if (!provider.preset.empty())
    return provider_named(provider.preset);
  // Whoever else speaks the API of one of these two is not paid their prices.
  constexpr std::array<std::array<std::string_view, 2>, 2> own{
      {{"https://api.openai.com/", "openai"}, {"https://api.anthropic.com/", "anthropic"}}};
  for (const auto& [address, name] : own)
    if (provider.base_url.starts_with(address))
      return provider_named(name);
  return nullptr;
}

const price_entry* price_book::find(const listed_provider& provider, std::string_view model) const {
  const std::string name = lower(model);
  if (const price_entry* const found = search(provider, name))
    return found;
  const std::string spread = with_spread_date(name);
  return spread == name ? nullptr : search(provider, spread);
}

const price_entry* price_book::search(const listed_provider& provider,
                                      std::string_view model) const noexcept {
  if (const price_entry* const found = provider.find(model))
    return found;
  for (const std::string& name : provider.fallback) {
    const auto other = std::ranges::find(providers_, name, &listed_provider::name);
    if (other != providers_.end())
      if (const price_entry* const found = other->find(model))
        return found;
  }
  return nullptr;
}

} // namespace weir
