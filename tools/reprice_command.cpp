// `weir usage reprice`: what booked calls cost by the prices that are known today of their time.
#include "tools/commands.hpp"
#include "tools/common.hpp"
#include "tools/price_lookup.hpp"
#include "tools/table.hpp"

#include "config/price_store.hpp"
#include "protocols/json.hpp"
#include "storage/ledger.hpp"

#include <CLI/CLI.hpp>

#include <chrono>
#include <map>
#include <memory>
#include <tuple>
#include <utility>
#include <vector>

namespace weir::tools {

namespace {

using protocols::json_writer;
using protocols::write_member;

struct reprice_options {
  config_options config;
  std::string since;
  std::string until;
  std::string model;
  std::string provider;
  bool dry_run = false;
};

/// What repricing comes to for one model at one provider in one currency.
struct difference {
  std::uint64_t rows = 0; ///< whose cost is another one
  int128 before = 0;      ///< of those rows
  int128 after = 0;
  std::uint64_t were_unpriced = 0;
};

/// Keyed by provider, model and currency.
using differences = std::map<std::tuple<std::string, std::string, std::string>, difference>;

struct totals {
  differences by_model;
  std::uint64_t looked_at = 0;
  std::uint64_t changed = 0;
  std::uint64_t kept = 0; ///< whose price is not known today; they keep what they have
};

result<usage_filter> make_filter(const reprice_options& options) {
  usage_filter filter;
  filter.status = usage_status::succeeded; // the others cost nothing, or their request would be needed
  for (const auto& [text, into, name] : {std::tuple{&options.since, &filter.since, "--since"},
                                         std::tuple{&options.until, &filter.until, "--until"}}) {
    if (text->empty())
      continue;
    auto read = parse_timestamp(*text);
    if (!read) {
      read.error().place = name;
      return read.error();
    }
    *into = *read;
  }
  if (!options.model.empty())
    filter.model = model_name(options.model);
  if (!options.provider.empty())
    filter.provider = provider_name(options.provider);
  return filter;
}

/// Prices rows anew and, unless it is dry, writes them by the thousand.
class repricing {
public:
  repricing(const snapshot& config, const price_book* book, storage::ledger& ledger, bool dry)
      : config_(config), book_(book), ledger_(ledger), dry_(dry) {}

  /// False: a batch could not be written.
  bool look(const usage_record& record) {
    ++sums_.looked_at;
    const provider_config* const provider = config_.find(record.provider);
    const known_price found =
        provider == nullptr ? known_price{} : price_at(*provider, record.model, book_, record.time);
    const auto cost = found.prices == nullptr ? std::nullopt : cost_of(record.usage, *found.prices);
    if (!cost) {
      ++sums_.kept;
      return true;
    }
    if (cost == record.cost)
      return true;
    difference& sum = sums_.by_model[{record.provider.str(), record.model.str(), cost->unit.str()}];
    ++sum.rows;
    ++sums_.changed;
    sum.after += cost->picos;
    if (record.cost && record.cost->unit == cost->unit)
      sum.before += record.cost->picos;
    else
      ++sum.were_unpriced;
    if (dry_)
      return true;
    batch_.push_back(record);
    batch_.back().cost = cost;
    batch_.back().price_version = found.version;
    constexpr std::size_t most = 1000;
    return batch_.size() < most || write();
  }

  bool write() {
    if (batch_.empty())
      return true;
    const auto written = ledger_.reprice(batch_);
    batch_.clear();
    if (written)
      return true;
    error_ = written.error();
    return false;
  }

  const totals& sums() const noexcept { return sums_; }
  const std::optional<failure>& error() const noexcept { return error_; }

private:
  const snapshot& config_;
  const price_book* book_;
  storage::ledger& ledger_;
  bool dry_;
  totals sums_;
  std::vector<usage_record> batch_;
  std::optional<failure> error_;
};

std::string document(const totals& sums, bool dry) {
  rapidjson::StringBuffer buffer;
  json_writer out(buffer);
  out.StartObject();
  out.Key("dry_run");
  out.Bool(dry);
  for (const auto& [name, count] : {std::pair{"records", sums.looked_at}, std::pair{"changed", sums.changed},
                                    std::pair{"kept", sums.kept}}) {
    out.Key(name);
    out.Uint64(count);
  }
  out.Key("differences");
  out.StartArray();
  for (const auto& [of, sum] : sums.by_model) {
    out.StartObject();
    write_member(out, "provider", std::get<0>(of));
    write_member(out, "model", std::get<1>(of));
    write_member(out, "currency", std::get<2>(of));
    out.Key("records");
    out.Uint64(sum.rows);
    out.Key("were_unpriced");
    out.Uint64(sum.were_unpriced);
    write_member(out, "old", to_decimal(sum.before));
    write_member(out, "new", to_decimal(sum.after));
    write_member(out, "difference", to_decimal(sum.after - sum.before));
    out.EndObject();
  }
  out.EndArray();
  out.EndObject();
  return std::string(buffer.GetString(), buffer.GetSize()) + "\n";
}

std::string table(const totals& sums) {
  if (sums.by_model.empty())
    return "every cost is as it would be today\n";
  std::vector<std::vector<std::string>> rows;
  std::map<std::string, difference> all;
  const auto add = [&rows](std::string provider, std::string model, const std::string& unit,
                           const difference& sum) {
    rows.push_back({std::move(provider), std::move(model), with_thousands(sum.rows), to_decimal(sum.before),
                    to_decimal(sum.after), to_decimal(sum.after - sum.before), unit});
  };
  for (const auto& [of, sum] : sums.by_model) {
    add(std::get<0>(of), std::get<1>(of), std::get<2>(of), sum);
    difference& total = all[std::get<2>(of)];
    total.rows += sum.rows;
    total.before += sum.before;
    total.after += sum.after;
  }
  for (const auto& [unit, sum] : all)
    add("total", "", unit, sum);
  return draw_table({{"PROVIDER"},
                     {"MODEL"},
                     {"RECORDS", true},
                     {"OLD", true},
                     {"NEW", true},
                     {"DIFFERENCE", true},
                     {"CURRENCY"}},
                    rows);
}

int give_up(const failure& error, const reprice_options& options, int code) {
  complain(error, options.config.json);
  return code;
}

int run_reprice(const reprice_options& options) {
  const snapshot_ptr config = load_or_complain(options.config);
  if (!config)
    return exit_code::usage;
  const auto filter = make_filter(options);
  if (!filter)
    return give_up(filter.error(), options, exit_code::usage);
  const auto now = std::chrono::time_point_cast<std::chrono::microseconds>(std::chrono::system_clock::now());
  const auto book = config::prices_at_start(*config, now);
  auto ledger = storage::ledger::open({.dir = config->usage_data_dir,
                                       .map_bytes = config->ledger.map_bytes,
                                       .read_only = options.dry_run,
                                       .books = false,
                                       .rollup_tags = config->ledger.rollup_tags});
  if (!ledger)
    return give_up(ledger.error(), options, exit_code::failed);
  repricing work(*config, book.get(), **ledger, options.dry_run);
  const auto scanned =
      (*ledger)->scan(*filter, [&work](const usage_record& record) { return work.look(record); });
  if (!scanned)
    return give_up(scanned.error(), options, exit_code::failed);
  if (work.error() || !work.write())
    return give_up(*work.error(), options, exit_code::failed);
  const totals& sums = work.sums();
  print(options.config.json ? document(sums, options.dry_run) : table(sums));
  if (!options.config.json) {
    tell(counted(sums.changed, "record") + " of " + with_thousands(sums.looked_at) +
         (options.dry_run ? " would cost something else; nothing was written\n" : " repriced\n"));
    if (sums.kept != 0)
      tell(counted(sums.kept, "record") + " kept as booked: no price is known for them today\n");
  }
  return exit_code::done;
}

} // namespace

void add_reprice(CLI::App& usage, int& code) {
  auto options = std::make_shared<reprice_options>();
  CLI::App* reprice =
      usage.add_subcommand("reprice", "Price booked calls anew, by what is known of prices today");
  reprice->footer(
      "Each successful call costs what the configuration says, else what the price list says of its time.\n"
      "A call whose price is not known keeps what was booked.\n\n"
      "Examples:\n"
      "  weir usage reprice --dry-run --since 2026-11-01\n"
      "  weir usage reprice -m gpt-4o\n\n"
      "Exit codes: 0 done; 1 the ledger cannot be read or written; 2 the command line or the configuration\n"
      "is wrong.");
  add_config_option(*reprice, options->config);
  reprice->add_flag("--dry-run", options->dry_run, "Tell the differences and write nothing");
  reprice->add_option("--since", options->since, "Calls that began at this time or later")->type_name("TIME");
  reprice->add_option("--until", options->until, "Calls that began before this time")->type_name("TIME");
  reprice->add_option("-m,--model", options->model, "Calls of this model")->type_name("MODEL");
  reprice->add_option("-p,--provider", options->provider, "Calls at this provider")->type_name("PROVIDER");
  reprice->add_flag("--json", options->config.json,
                    "Print one JSON document: the differences, or the failure");
  reprice->callback([options, &code] { code = run_reprice(*options); });
}

} // namespace weir::tools
