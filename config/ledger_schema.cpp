// The ledger, its retention, budgets.
#include "config/ledger_schema.hpp"

#include "config/toml_text.hpp"

#include <algorithm>
#include <array>

namespace weir::config {

namespace {

constexpr milliseconds one_day{86'400'000};
constexpr std::size_t most_budgets = 1000;
constexpr std::size_t longest_said = 64; ///< of a faulty text that is repeated to people

std::string said(const std::string& text) {
  return basic_string(std::string_view(text).substr(0, longest_said));
}

/// Each key of a tag that rollups are kept by makes the rollups more, and their keys longer.
void read_rollup_tags(table_reader& in, std::vector<std::string>& out) {
  constexpr std::size_t most_tags = 8;
  constexpr std::size_t longest_tag = 64;
  const std::string key = "rollup_tags";
  const auto nodes = in.entries(key);
  if (!nodes)
    return;
  if (nodes->size() > most_tags)
    return in.fault(key, "has " + std::to_string(nodes->size()) + " keys of tags; there can be at most 8");
  std::vector<std::string> tags;
  for (const toml::node* node : *nodes) {
    auto tag = in.entry(key, *node);
    if (!tag)
      continue;
    if (tag->empty())
      in.bad_entry(key, *node, "is empty; expected the key of a tag");
    else if (tag->size() > longest_tag)
      in.bad_entry(key, *node, "has " + std::to_string(tag->size()) + " bytes; there can be at most 64");
    else if (std::ranges::find(tags, *tag) != tags.end())
      in.bad_entry(key, *node, "names " + basic_string(*tag) + " a second time");
    else
      tags.push_back(std::move(*tag));
  }
  out = std::move(tags);
}

void read_retention(reading& shared, const toml::table* table, const std::string& path,
                    retention_config& retention) {
  constexpr range<milliseconds> any_age{milliseconds{0}, 36'500 * one_day};
  constexpr std::uint64_t least_bytes = 1ULL << 20U;
  table_reader in(shared, table, path);
  in.duration("rows", retention.rows, any_age);
  in.duration("rollups", retention.rollups, any_age);
  if (retention.rows.count() != 0 && retention.rollups.count() != 0 && retention.rollups < retention.rows)
    in.fault("rollups",
             "is shorter than 'rows'; rollups are kept at least as long as the rows that they sum");
  if (in.size("max_bytes", retention.max_bytes, {0, 1ULL << 42U}) && retention.max_bytes != 0 &&
      retention.max_bytes < least_bytes)
    in.fault("max_bytes", "is " + std::to_string(retention.max_bytes) +
                              " bytes; expected 0 (no bound), or at least 1 MiB");
  in.duration("every", retention.every, {milliseconds{1'000}, 30 * one_day});
  in.finish();
}

void read_unit(table_reader& in, currency& unit) {
  std::string code;
  if (in.text("currency", code)) {
    if (const auto parsed = currency::parse(code))
      unit = *parsed;
    else
      in.fault("currency", "is " + said(code) + "; expected three capital letters such as \"USD\"");
  } else if (!in.has("currency")) {
    in.missing("currency", "three capital letters such as \"USD\"");
  }
}

/// Which tag the budget is for: `"agent=planner"`, or `"user"` for a budget of each user.
void read_tag(table_reader& in, budget_config& budget) {
  constexpr std::size_t longest = 1024; // of a tag's key, and of its value
  std::string tag;
  if (!in.text("tag", tag))
    return;
  const std::size_t sign = tag.find('=');
  budget.tag_key = tag.substr(0, sign);
  if (sign != std::string::npos)
    budget.tag_value = tag.substr(sign + 1);
  if (budget.tag_key.empty() || (sign != std::string::npos && budget.tag_value.empty()))
    in.fault("tag", "is " + said(tag) +
                        "; expected \"KEY=VALUE\", or \"KEY\" alone for a budget of each of its values");
  else if (budget.tag_key.size() > longest || budget.tag_value.size() > longest)
    in.fault("tag", "has a key or a value of more than 1,024 bytes, and no tag has one");
}

void read_scope(table_reader& in, budget_config& budget, const snapshot& config) {
  std::string provider;
  std::string model;
  const provider_config* only = nullptr;
  bool known = true;
  if (in.text("provider", provider)) {
    budget.provider = provider_name(provider);
    only = config.find(*budget.provider);
    known = only != nullptr;
    if (!known)
      in.fault("provider", "names " + said(provider) + ", which is no provider of this file");
  }
  if (in.text("model", model)) {
    budget.model = model_name(model);
    const auto has = [&](const provider_config& each) {
      return (only == nullptr || only == &each) && offers(each, *budget.model);
    };
    // A budget for a name that nobody is asked for would guard nothing.
    if (model.empty() || (known && !std::ranges::any_of(config.providers, has)))
      in.fault("model", "names " + said(model) + ", which " +
                            (only == nullptr ? "no provider of this file" : "this provider does not") +
                            (only == nullptr ? " lists" : " list"));
  }
  read_tag(in, budget);
}

void read_period(table_reader& in, budget_config& budget) {
  constexpr std::array periods{budget_period::hour, budget_period::day, budget_period::month,
                               budget_period::total};
  std::array<std::string_view, periods.size()> words;
  std::ranges::transform(periods, words.begin(), [](budget_period each) { return to_string(each); });
  if (const auto chosen = in.choice("period", words))
    budget.period = periods[*chosen];
  std::string zone;
  if (!in.text("time_zone", zone))
    return;
  if (const auto found = time_zone::find(zone))
    budget.time_zone = zone;
  else
    in.fault("time_zone", found.error().message);
}

/// So many per cent of an amount, rounded down to a pico, but not to nothing.
money share_of(const money& whole, const money& percent) {
  constexpr int128 hundred = int128{100} * picos_per_unit;
  const int128 picos = int128{whole.picos} * percent.picos / hundred;
  const std::int64_t least = whole.picos > 0 && percent.picos > 0 ? 1 : 0;
  return {std::max(static_cast<std::int64_t>(picos), least), whole.unit};
}

void read_soft_limit(table_reader& in, budget_config& budget) {
  constexpr money usual{80 * picos_per_unit, {}};
  const std::string key = "soft_limit";
  budget.soft_limit = share_of(budget.limit, usual);
  std::string text;
  if (!in.decimal(key, text))
    return;
  const bool percent = text.ends_with('%');
  const auto read =
      parse_amount(percent ? std::string_view(text).substr(0, text.size() - 1) : std::string_view(text),
                   budget.limit.unit);
  if (!read)
    return in.fault(key,
                    read.error().message + "; expected an amount, or a share of the limit such as \"80%\"");
  if (percent && read->picos > 100 * picos_per_unit)
    return in.fault(key, "is " + said(text) + "; expected at most \"100%\"");
  const money soft = percent ? share_of(budget.limit, *read) : *read;
  // Without a good limit there is nothing to compare with, and its own fault has been told.
  if (budget.limit.picos == 0)
    return;
  if (soft.picos == 0)
    return in.fault(key, "is " + said(text) + "; expected more than nothing");
  if (soft.picos > budget.limit.picos)
    return in.fault(key, "is more than the limit");
  budget.soft_limit = soft;
}

void read_limit(table_reader& in, budget_config& budget) {
  std::string text;
  if (in.decimal("limit", text)) {
    const auto read = parse_amount(text, budget.limit.unit);
    if (!read)
      in.fault("limit", read.error().message);
    else if (read->picos == 0)
      in.fault("limit", "is 0; expected an amount above it");
    else
      budget.limit = *read;
  } else if (!in.has("limit")) {
    in.missing("limit", "a decimal number");
  }
}

/// The longest that a period takes; nothing: it has no end.
std::optional<milliseconds> length_of(budget_period period) {
  switch (period) {
  case budget_period::hour:
    return milliseconds{3'600'000};
  case budget_period::day:
    return milliseconds{25 * 3'600'000}; // when clocks are put back
  case budget_period::month:
    return 31 * one_day + milliseconds{3'600'000};
  case budget_period::total:
    break;
  }
  return std::nullopt;
}

/// What was spent is asked of the ledger again at each start: it must not have been deleted meanwhile.
void check_memory(table_reader& in, const budget_config& budget, const ledger_config& ledger) {
  const bool in_rollups = budget.tag_key.empty() ||
                          std::ranges::find(ledger.rollup_tags, budget.tag_key) != ledger.rollup_tags.end();
  const milliseconds kept = in_rollups ? ledger.retention.rollups : ledger.retention.rows;
  const auto needed = length_of(budget.period);
  if (kept.count() == 0 || (needed && *needed <= kept))
    return;
  in.fault("period",
           "is longer than the books remember ('ledger.retention." +
               std::string(in_rollups ? "rollups'" : "rows', since the tag is not among 'rollup_tags'") +
               "): after a restart it could be spent again");
}

budget_config read_budget(reading& shared, const toml::table* table, const std::string& path,
                          const std::string& name, const snapshot& config) {
  table_reader in(shared, table, path);
  budget_config budget;
  budget.name = name;
  read_scope(in, budget, config);
  read_period(in, budget);
  read_unit(in, budget.limit.unit);
  read_limit(in, budget);
  read_soft_limit(in, budget);
  constexpr std::array<std::string_view, 2> ways{"refuse", "allow"};
  if (const auto way = in.choice("unbounded", ways))
    budget.refuse_unbounded = ways[*way] == "refuse";
  check_memory(in, budget, config.ledger);
  in.finish();
  return budget;
}

} // namespace

void read_ledger(reading& shared, const toml::table* table, const std::string& path, ledger_config& ledger) {
  table_reader in(shared, table, path);
  constexpr std::array kinds{durability::strict, durability::relaxed};
  constexpr std::array<std::string_view, 2> words{"strict", "relaxed"};
  if (const auto chosen = in.choice("durability", words))
    ledger.durability = kinds[*chosen];
  in.count("batch_records", ledger.batch_records, {1, 10'000});
  in.duration("batch_delay", ledger.batch_delay, {milliseconds{0}, milliseconds{60'000}});
  in.count("max_pending", ledger.max_pending, {1, 10'000'000});
  in.size("map_bytes", ledger.map_bytes, {1ULL << 16U, 1ULL << 42U});
  constexpr std::array<std::string_view, 2> ways{"refuse", "spool"};
  if (const auto way = in.choice("on_failure", ways))
    ledger.refuse_when_broken = ways[*way] == "refuse";
  read_rollup_tags(in, ledger.rollup_tags);
  in.duration("cancel_drain_time", ledger.cancel_drain_time, {milliseconds{0}, milliseconds{600'000}});
  in.count("max_draining", ledger.max_draining, {0, 100'000});
  read_retention(shared, in.table("retention"), in.path_of("retention"), ledger.retention);
  in.finish();
}

std::vector<budget_config> read_budgets(reading& shared, const toml::table* table, const std::string& path,
                                        const snapshot& config) {
  table_reader in(shared, table, path);
  std::vector<budget_config> budgets;
  const std::vector<std::string> names = in.names();
  if (names.size() > most_budgets) {
    in.bad_key(names[most_budgets],
               "is one of " + std::to_string(names.size()) + " budgets; there can be at most 1,000");
    return budgets;
  }
  for (const std::string& name : names) {
    const toml::table* entry = in.table(name);
    if (name.empty() || name.size() > longest_said)
      in.bad_key(name, "is a name of " + std::to_string(name.size()) + " bytes; expected from 1 to 64");
    else if (entry != nullptr)
      budgets.push_back(read_budget(shared, entry, in.path_of(name), name, config));
  }
  return budgets;
}

} // namespace weir::config
