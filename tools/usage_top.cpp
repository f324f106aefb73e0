// `weir usage top`: who spent most, and what share of all that was.
#include "tools/usage_commands.hpp"

#include "tools/graphs.hpp"
#include "tools/usage_question.hpp"
#include "tools/usage_ranking.hpp"
#include "tools/usage_tables.hpp"

#include "protocols/report_json.hpp"
#include "protocols/report_members.hpp"

#include <CLI/CLI.hpp>

#include <memory>

#include <unistd.h>

namespace weir::tools {

namespace {

using protocols::json_writer;

constexpr unsigned bar_cells = 20;

struct top_options {
  usage_question question;
  std::string by = "cost";
  std::string of = "model";
  std::size_t places = 10;
};

std::string value_cell(int128 value) {
  return with_thousands(static_cast<std::uint64_t>(value));
}

/// One ranking as a table: the places, the others together, and all.
drawn_table ranking_table(const ranking& each, rank_by by, const usage_grouping& grouping,
                          const time_zone& zone, const display& on) {
  std::vector<column> columns{{.title = "#", .number = true}};
  for (std::string& title : group_titles(grouping))
    columns.push_back({.title = std::move(title)});
  const bool money = by == rank_by::cost;
  columns.push_back({.title = money                   ? "COST"
                              : by == rank_by::tokens ? "TOKENS"
                              : by == rank_by::errors ? "FAILED"
                                                      : "ATTEMPTS",
                     .number = true});
  columns.push_back({.title = "SHARE", .number = true});
  if (on.blocks)
    columns.push_back({.title = "", .spare = 1});
  if (by != rank_by::attempts)
    columns.push_back({.title = "ATTEMPTS", .number = true, .spare = 2});

  table_rows rows;
  std::vector<int128> values;
  const auto add = [&](std::string place, std::vector<std::string> names, int128 value,
                       std::uint64_t permille, std::uint64_t attempts) {
    std::vector<std::string> row{std::move(place)};
    row.insert(row.end(), names.begin(), names.end());
    row.emplace_back();
    row.push_back(percent(permille));
    if (on.blocks)
      row.push_back(share_bar(permille, bar_cells));
    if (by != rank_by::attempts)
      row.push_back(attempts == 0 ? "" : with_thousands(attempts));
    rows.push_back(std::move(row));
    values.push_back(value);
  };
  const std::size_t names = group_titles(grouping).size();
  for (std::size_t at = 0; at != each.places.size(); ++at) {
    const ranked& place = each.places[at];
    add(std::to_string(at + 1), group_cells(*place.group, grouping, zone), place.value, place.permille,
        place.group->total_requests);
  }
  const auto named = [names](std::string first) {
    std::vector<std::string> cells(names);
    cells.front() = std::move(first);
    return cells;
  };
  if (each.others != 0)
    add("", named(counted(each.others, "other")), each.others_value,
        permille_of(each.others_value, each.total), 0);
  add("", named("TOTAL"), each.total, 1000, 0);

  std::vector<money_cell> costs;
  for (const int128 value : values)
    costs.push_back(money ? money_cell{.words = {}, .amount = money_sum(value, each.unit)}
                          : money_cell{.words = value_cell(value), .amount = {}});
  const auto texts = aligned(costs);
  for (std::size_t at = 0; at != rows.size(); ++at)
    rows[at][1 + names] = texts[at];
  if (on.blocks)
    rows.back()[names + 3].clear(); // all of all is no news
  return draw_table(columns, rows, {.on = on, .bold_rows = 1});
}

void write_value(json_writer& out, const char* name, int128 value, bool money) {
  if (money)
    protocols::write_member(out, name, to_decimal(value));
  else
    protocols::write_count(out, name, static_cast<std::uint64_t>(value));
}

/// `{"by":…,"rankings":[{"currency":…,"total":…,"others":…,"others_value":…,"top":[{"rank":…,"value":…,
/// "share_percent":…,"summary":{…}}…]}…]}`
std::string top_document(const std::vector<ranking>& rankings, rank_by by, const usage_grouping& grouping) {
  const bool money = by == rank_by::cost;
  return protocols::written([&](json_writer& out) {
    out.StartObject();
    protocols::write_member(out, "by", to_string(by));
    protocols::write_array(out, "rankings", rankings, [&](json_writer& to, const ranking& each) {
      to.StartObject();
      to.Key("currency");
      if (money)
        protocols::write_text(to, each.unit.str());
      else
        to.Null();
      write_value(to, "total", each.total, money);
      protocols::write_count(to, "others", each.others);
      write_value(to, "others_value", each.others_value, money);
      std::uint64_t place = 0;
      protocols::write_array(to, "top", each.places, [&](json_writer& into, const ranked& one) {
        into.StartObject();
        protocols::write_count(into, "rank", ++place);
        write_value(into, "value", one.value, money);
        const std::string share = std::to_string(one.permille / 10) + "." + std::to_string(one.permille % 10);
        into.Key("share_percent");
        into.RawValue(share.data(), share.size(), rapidjson::kNumberType);
        into.Key("summary");
        protocols::write_summary(into, *one.group, grouping);
        into.EndObject();
      });
      to.EndObject();
    });
    out.EndObject();
  });
}

int show_rankings(const std::vector<ranking>& rankings, rank_by by, const usage_grouping& grouping,
                  const time_zone& zone, bool any) {
  const display on = look_at(STDOUT_FILENO);
  std::string text;
  std::string hint;
  for (const ranking& each : rankings) {
    const drawn_table table = ranking_table(each, by, grouping, zone, on);
    text += (text.empty() ? "" : "\n") + table.text;
    hint = left_out_words(table.left_out);
  }
  if (text.empty())
    text = any ? "nothing to rank: no attempt that fits has any " + std::string(to_string(by)) + "\n"
               : nothing_booked;
  print(text);
  tell(hint);
  return exit_code::done;
}

int run_top(const top_options& options) {
  const auto filter = make_filter(options.question, wall_clock());
  if (!filter)
    return refuse_usage(filter.error(), options.question);
  auto grouping = parse_grouping(options.of, options.question.zone);
  if (grouping && *grouping == parse_grouping("none", options.question.zone).value())
    grouping = make_failure(errc::invalid_request,
                            "'none' has nobody to rank; expected provider, model, tag:KEY or another group");
  if (!grouping) {
    failure named = grouping.error();
    named.place = "--of";
    return refuse_usage(named, options.question);
  }
  int code = exit_code::done;
  const auto ledger = open_or_complain(options.question, ledger_use::questions, code);
  if (!ledger)
    return code;
  const auto summaries = ledger->summary(*filter, *grouping);
  if (!summaries)
    return fail_usage(summaries.error(), options.question);
  const rank_by by = to_rank_by(options.by).value_or(rank_by::cost);
  const auto rankings = rank(*summaries, by, options.places);
  if (!options.question.config.json)
    return show_rankings(rankings, by, *grouping, zone_of(options.question).value(), !summaries->empty());
  print(top_document(rankings, by, *grouping) + "\n");
  return exit_code::done;
}

} // namespace

void add_usage_top(CLI::App& usage, int& code) {
  auto options = std::make_shared<top_options>();
  CLI::App* command = usage.add_subcommand("top", "Who spent most, and what share of all that was");
  add_place_options(*command, options->question);
  add_filter_options(*command, options->question);
  command->add_option("--by", options->by, "What counts: cost, tokens, attempts or errors")
      ->check(CLI::IsMember({"cost", "tokens", "attempts", "errors"}))
      ->capture_default_str()
      ->type_name("FIGURE");
  command
      ->add_option("--of", options->of,
                   "Who is ranked: provider, model, status, error, tag:KEY, hour, day or month, or several,\n"
                   "joined by commas")
      ->capture_default_str()
      ->type_name("GROUPS");
  command->add_option("-n,--places", options->places, "How many places there are")
      ->check(CLI::Range(std::size_t{1}, std::size_t{10'000}).description(""))
      ->capture_default_str()
      ->type_name("COUNT");
  add_format_options(*command, options->question, {"table", "json"});
  command->footer("Costs are ranked for each currency by itself.\n\n"
                  "Examples:\n"
                  "  weir usage top\n"
                  "  weir usage top --by errors --of provider --since today\n"
                  "  weir usage top --of tag:agent,model -n 20 --since this-month");
  command->callback([options, &code] {
    settle_format(options->question);
    code = run_top(*options);
  });
}

} // namespace weir::tools
