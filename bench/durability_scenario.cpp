// Six runs a round, by turns, against the same upstream.
#include "bench/durability_scenario.hpp"

#include "bench/comparison.hpp"
#include "bench/group_commit.hpp"
#include "bench/row_store.hpp"
#include "bench/temporary_folder.hpp"

#include <fmt/format.h>

#include <optional>
#include <utility>

namespace weir::bench {

namespace {

result<measurement> run_floor_with(store_kind kind, call_options call) {
  const temporary_folder folder;
  auto store = open_store(kind, folder.path());
  if (!store)
    return store.error();
  group_commit books(std::move(*store));
  call.floor_books = &books;
  return run_floor(call);
}

result<measurement> run_chat_with(bookkeeping books, call_options call) {
  call.books = books;
  return run_chat(call);
}

result<measurement> run_one(std::size_t which, const call_options& call) {
  switch (which) {
  case 0:
    return run_floor(call);
  case 1:
    return run_floor_with(store_kind::lmdb, call);
  case 2:
    return run_floor_with(store_kind::sqlite, call);
  case 3:
    return run_chat_with(bookkeeping::none, call);
  case 4:
    return run_chat_with(bookkeeping::relaxed, call);
  default:
    return run_chat_with(bookkeeping::strict, call);
  }
}

/// The median over the rounds of what `of` says of a run.
template <class Of>
double median_of(const durability_comparison& seen, std::size_t which, Of of) {
  std::vector<double> values;
  for (std::size_t at = which; at < seen.runs.size(); at += durability_runs().size())
    values.push_back(of(seen.runs[at]));
  return median(values);
}

struct figures {
  double per_second = 0;
  double p50 = 0;
  double p99 = 0;
  double cpu = 0;
};

figures figures_of(const durability_comparison& seen, std::size_t which) {
  return {median_of(seen, which, [](const measurement& run) { return run.per_second(); }),
          median_of(seen, which, [](const measurement& run) { return run.latency.quantile(0.5); }),
          median_of(seen, which, [](const measurement& run) { return run.latency.quantile(0.99); }),
          median_of(seen, which, [](const measurement& run) { return run.cpu_us_per_call(); })};
}

} // namespace

const std::vector<std::string>& durability_runs() {
  static const std::vector<std::string> names{"floor",      "floor+lmdb",    "floor+sqlite",
                                              "weir, none", "weir, relaxed", "weir, strict"};
  return names;
}

result<durability_comparison> compare_durability(call_options call, std::uint32_t rounds) {
  durability_comparison seen;
  seen.concurrency = call.concurrency;
  for (std::uint32_t round = 1; round <= rounds; ++round)
    for (std::size_t which = 0; which != durability_runs().size(); ++which) {
      call.title = fmt::format("round {} of {}, {}: ", round, rounds, durability_runs()[which]);
      auto run = run_one(which, call);
      if (!run)
        return run.error();
      run->scenario = durability_runs()[which];
      seen.objection = objection(*run);
      if (!seen.objection.empty())
        return seen;
      seen.runs.push_back(std::move(*run));
    }
  return seen;
}

std::string to_table(const durability_comparison& seen) {
  const auto row = [](const auto&... cells) {
    return fmt::format("{:>9} {:<14} {:>10} {:>9} {:>9} {:>11} {:>11} {:>12}\n", cells...);
  };
  std::string text =
      row("IN FLIGHT", "PROGRAM", "CALLS/S", "P50 US", "P99 US", "ADDED P50", "ADDED P99", "CPU US EACH");
  for (std::size_t which = 0; which != durability_runs().size(); ++which) {
    // What books add: to the bare floor, or to weir without them.
    const figures base = figures_of(seen, which < 3 ? 0 : 3);
    const figures own = figures_of(seen, which);
    text += row(seen.concurrency, durability_runs()[which], fmt::format("{:.0f}", own.per_second),
                fmt::format("{:.0f}", own.p50), fmt::format("{:.0f}", own.p99),
                fmt::format("{:+.0f}", own.p50 - base.p50), fmt::format("{:+.0f}", own.p99 - base.p99),
                fmt::format("{:.1f}", own.cpu));
  }
  return text;
}

std::string to_json(const durability_comparison& seen) {
  std::string programs;
  for (std::size_t which = 0; which != durability_runs().size(); ++which) {
    const figures own = figures_of(seen, which);
    const figures base = figures_of(seen, which < 3 ? 0 : 3);
    programs += fmt::format(
        R"({}{{"program":"{}","throughput_per_s":{:.1f},"p50_us":{:.1f},"p99_us":{:.1f},"added_p50_us":{:.1f},)"
        R"("added_p99_us":{:.1f},"cpu_us_per_call":{:.2f}}})",
        programs.empty() ? "" : ",\n", durability_runs()[which], own.per_second, own.p50, own.p99,
        own.p50 - base.p50, own.p99 - base.p99, own.cpu);
  }
  std::string runs;
  for (const measurement& each : seen.runs)
    runs += (runs.empty() ? "" : ",\n") + to_json(each);
  return fmt::format(R"({{"scenario":"compare-durability","concurrency":{},"programs":[{}],"runs":[{}]}})",
                     seen.concurrency, programs, runs);
}

} // namespace weir::bench
