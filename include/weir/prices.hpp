// Price lists as values: whose models, by what names, at what prices, and from when.
// Knows no file format, no clock and no network.
#pragma once

#include <weir/calendar.hpp>
#include <weir/config.hpp>
#include <weir/error.hpp>
#include <weir/money.hpp>
#include <weir/names.hpp>

#include <chrono>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace weir {

/// Which names an entry stands for. Letters count without their case.
class name_rule {
public:
  enum class kind : std::uint8_t { equals, starts_with, ends_with, contains, regex, any, all };

  /// Of the first five kinds. Errors (`config`): not a regular expression of ECMAScript.
  static result<name_rule> make(kind how, std::string text);
  /// Of the last two: true of any, or of all, of these.
  static name_rule make(kind how, std::vector<name_rule> parts);

  /// `name` is in small letters. A name that is too hard for a regular expression is not of the rule.
  bool matches(std::string_view name) const noexcept;

  kind how() const noexcept { return how_; }
  const std::string& text() const noexcept { return text_; }
  const std::vector<name_rule>& parts() const noexcept { return parts_; }

private:
  struct pattern;

  name_rule() = default;

  kind how_ = kind::equals;
  std::string text_;
  std::vector<name_rule> parts_;
  std::shared_ptr<const pattern> pattern_;
};

/// When prices hold. What is absent does not narrow.
struct price_period {
  std::optional<timestamp> from{};                   ///< inclusive
  std::optional<timestamp> until{};                  ///< exclusive
  std::optional<std::chrono::seconds> daily_from{};  ///< of the day in UTC, inclusive; with `daily_until`
  std::optional<std::chrono::seconds> daily_until{}; ///< exclusive; before `daily_from`: over midnight
  std::optional<pricing> prices{}; ///< nothing: the list has some that cannot be said exactly, or are not all

  bool holds(timestamp moment) const noexcept;
};

/// A model, or several that cost the same.
struct price_entry {
  std::string name; ///< the list's own
  name_rule match;
  std::vector<price_period> periods; ///< the last one that holds counts

  /// Null: at that moment it has no price.
  const pricing* at(timestamp moment) const noexcept;
};

/// Whose models these are, in the list's words.
struct listed_provider {
  std::string name;
  std::optional<name_rule> match{};   ///< other names of it
  std::optional<name_rule> address{}; ///< of its base URL
  std::vector<std::string> fallback;  ///< whose entries are tried after its own
  std::vector<price_entry> entries;   ///< the first that matches counts

  /// Null: none matches.
  const price_entry* find(std::string_view model) const noexcept;
};

/// What a reader could not take from a list.
struct price_note {
  std::string place; ///< provider and entry, or a path in the file
  std::string problem;

  friend bool operator==(const price_note&, const price_note&) = default;
};

/// A whole price list. Immutable.
class price_book {
public:
  explicit price_book(std::vector<listed_provider> providers, std::vector<price_note> notes = {});

  /// Made of what the list says: the same list has the same number everywhere. Never zero.
  std::uint32_t version() const noexcept { return version_; }
  const std::vector<listed_provider>& providers() const noexcept { return providers_; }
  const std::vector<price_note>& notes() const noexcept { return notes_; }
  std::size_t entry_count() const noexcept;

  /// By its name in the list, or another one of its names; null: not listed.
  const listed_provider* provider_named(std::string_view name) const;

  /// Whose models a provider of the configuration offers: `price_list` says it, else its base URL, else its
  /// preset, else, at the API's own address, its type. Null: nobody's that is listed.
  const listed_provider* provider_of(const provider_config& provider) const;

  /// The entry of a model, at the provider or at its fallbacks; null: none. Looks through the whole list if
  /// it must: keep what it gives, which lives as long as the book.
  const price_entry* find(const listed_provider& provider, std::string_view model) const;

private:
  const price_entry* search(const listed_provider& provider, std::string_view model) const noexcept;

  std::vector<listed_provider> providers_;
  std::vector<price_note> notes_;
  std::uint32_t version_ = 0;
};

/// What a model costs, and who says so.
struct priced {
  const pricing* prices = nullptr; ///< null: not known
  std::uint32_t version = 0;       ///< of the list; 0: the configuration's own, or none
};

/// One difference between two lists.
struct price_change {
  std::string provider;
  std::string entry;
  std::string field;             ///< such as `input_price` or `above 200000: input_price`; `entry`: all of it
  std::optional<timestamp> from; ///< for which prices: those from then on; nothing: those of today
  std::string before;            ///< a decimal; empty: there was none
  std::string after;             ///< likewise
  std::optional<std::int64_t> permille; ///< of what it was; nothing where there is nothing to compare
};

/// Every difference, in the order of the lists.
std::vector<price_change> changes_between(const price_book& before, const price_book& after, timestamp now);

/// What speaks against taking a new list in place of the last good one.
struct plausibility {
  std::uint32_t max_change_permille = 10'000;
  timestamp now{};
  const snapshot* used = nullptr; ///< whose models must not be lost; null: nobody's
};

/// Why not; nothing when it may be taken. `before` null: there is none to compare with.
std::optional<failure> implausible(const price_book* before, const price_book& after,
                                   const plausibility& bounds);

} // namespace weir
