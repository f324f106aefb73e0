// Histories in worker processes: each tells its parent a line for every event, so that one that dies leaves
// the seed that killed it.
#include "bench/simulate_scenario.hpp"

#include "bench/command_line.hpp"
#include "bench/progress.hpp"

#include "tests/simulation/simulation.hpp"
#include "tests/simulation/storm.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <atomic>
#include <cstdio>
#include <functional>
#include <map>
#include <memory>
#include <sstream>
#include <string>
#include <vector>

#include <poll.h>
#include <sys/wait.h>
#include <unistd.h>

namespace weir::bench {

namespace {

/// One history in so many is run twice.
constexpr std::uint64_t repeat_each = 100;
/// Of one invariant.
constexpr std::ptrdiff_t most_shown = 5;

struct simulate_options {
  std::uint64_t seed = 1;
  std::uint64_t runs = 0; ///< 0: 100, or 20 storms
  std::uint32_t jobs = 1;
  bool storm = false;
  bool no_budget = false;
  bool json = false;
  std::vector<std::string> ignore;
  simulation::options history;
  simulation::storm_options weather;
};

struct found_violation {
  std::uint64_t seed = 0;
  std::string invariant;
  std::string what;
};

/// What all histories came to.
struct summary {
  std::uint64_t histories = 0;
  std::uint64_t repeated = 0;
  std::uint64_t calls = 0;
  std::uint64_t attempts = 0;
  std::uint64_t posts = 0;
  std::uint64_t steps = 0;
  std::uint64_t virtual_ms = 0;
  std::uint64_t broken = 0; ///< histories with a violation
  std::map<std::string, std::uint64_t> by_invariant;
  std::map<std::string, std::uint64_t> ignored;
  std::map<std::string, std::uint64_t> outcomes;
  std::vector<found_violation> shown;
  double wall_s = 0;
};

void note(summary& all, found_violation what) {
  ++all.by_invariant[what.invariant];
  const auto alike = [&](const found_violation& each) { return each.invariant == what.invariant; };
  const bool known = std::ranges::any_of(
      all.shown, [&](const found_violation& each) { return alike(each) && each.seed == what.seed; });
  if (!known && std::ranges::count_if(all.shown, alike) < most_shown)
    all.shown.push_back(std::move(what));
}

using teller = std::function<void(const std::string&)>;

/// Runs every `step`-th history and tells of each in lines.
void live(const simulate_options& options, std::uint64_t first, std::uint64_t step, const teller& tell) {
  for (std::uint64_t n = first; n < options.runs; n += step) {
    const std::uint64_t seed = options.seed + n;
    tell(fmt::format("B {}", seed));
    const simulation::report seen = simulation::run(seed, options.history);
    for (const simulation::violation& each : seen.violations)
      tell(fmt::format("V {} {} at {:.3f} s: {}", seed, each.invariant, each.at_s, each.what));
    for (const auto& [name, count] : seen.ignored)
      tell(fmt::format("I {} {}", name, count));
    for (const auto& [name, count] : seen.outcomes)
      tell(fmt::format("O {} {}", name, count));
    if (n % repeat_each == 0 && !options.history.verbose) {
      tell("R");
      if (simulation::run(seed, options.history).hash != seen.hash)
        tell(fmt::format("V {} a_seed_has_one_history at 0 s: the second run has another hash", seed));
    }
    tell(fmt::format("E {} {} {} {} {} {} {}", seed, seen.calls, seen.attempts, seen.posts, seen.steps,
                     seen.virtual_time.count(), seen.violations.empty() ? 0 : 1));
    if (options.history.verbose)
      fmt::print("hash {:016x}\n", seen.hash);
  }
}

/// Takes one line of a worker.
void take(summary& all, const std::string& line, std::atomic<std::uint64_t>& done) {
  std::istringstream words(line.substr(1));
  std::string name;
  std::uint64_t number = 0;
  switch (line.empty() ? ' ' : line.front()) {
  case 'V': {
    found_violation found;
    words >> found.seed >> found.invariant;
    std::getline(words >> std::ws, found.what);
    return note(all, std::move(found));
  }
  case 'I':
    words >> name >> number;
    all.ignored[name] += number;
    return;
  case 'O':
    words >> name >> number;
    all.outcomes[name] += number;
    return;
  case 'R':
    ++all.repeated;
    return;
  case 'E': {
    std::uint64_t calls = 0;
    std::uint64_t attempts = 0;
    std::uint64_t posts = 0;
    std::uint64_t steps = 0;
    std::uint64_t virtual_ms = 0;
    std::uint64_t broken = 0;
    words >> number >> calls >> attempts >> posts >> steps >> virtual_ms >> broken;
    all.calls += calls;
    all.attempts += attempts;
    all.posts += posts;
    all.steps += steps;
    all.virtual_ms += virtual_ms;
    all.broken += broken;
    done = ++all.histories;
    return;
  }
  default:
    return;
  }
}

struct worker {
  pid_t pid = 0;
  int out = -1;
  std::string rest; ///< of a line that is not whole
  std::uint64_t seed = 0;
  bool busy = false;
};

void write_line(int to, std::string line) {
  line += '\n';
  for (std::size_t at = 0; at != line.size();) {
    const auto written = ::write(to, line.data() + at, line.size() - at);
    if (written <= 0)
      ::_exit(3);
    at += static_cast<std::size_t>(written);
  }
}

std::vector<worker> start_workers(const simulate_options& options) {
  std::vector<worker> made;
  for (std::uint32_t n = 0; n != options.jobs; ++n) {
    int ends[2];
    if (::pipe(ends) != 0)
      break;
    const pid_t pid = ::fork();
    if (pid == 0) {
      ::close(ends[0]);
      live(options, n, options.jobs, [&](const std::string& line) { write_line(ends[1], line); });
      ::_exit(0);
    }
    ::close(ends[1]);
    if (pid < 0) {
      ::close(ends[0]);
      break;
    }
    made.push_back({pid, ends[0], {}, 0, false});
  }
  return made;
}

void hear(summary& all, worker& from, std::string_view bytes, std::atomic<std::uint64_t>& done) {
  from.rest.append(bytes);
  for (auto end = from.rest.find('\n'); end != std::string::npos; end = from.rest.find('\n')) {
    const std::string line = from.rest.substr(0, end);
    from.rest.erase(0, end + 1);
    if (line.starts_with("B "))
      from.seed = std::stoull(line.substr(2));
    from.busy = !line.starts_with("E ");
    take(all, line, done);
  }
}

void gather(summary& all, std::vector<worker>& workers, std::atomic<std::uint64_t>& done) {
  std::vector<pollfd> ends;
  for (const worker& each : workers)
    ends.push_back({each.out, POLLIN, 0});
  std::size_t open = workers.size();
  std::string bytes(65'536, '\0');
  while (open != 0 && ::poll(ends.data(), ends.size(), -1) > 0)
    for (std::size_t n = 0; n != ends.size(); ++n) {
      if (ends[n].revents == 0)
        continue;
      const auto got = ::read(ends[n].fd, bytes.data(), bytes.size());
      if (got > 0) {
        hear(all, workers[n], std::string_view(bytes).substr(0, static_cast<std::size_t>(got)), done);
        continue;
      }
      ::close(ends[n].fd);
      ends[n].fd = -1;
      --open;
      int status = 0;
      ::waitpid(workers[n].pid, &status, 0);
      if (status != 0 || workers[n].busy) {
        note(all, {workers[n].seed, "the_process_lives", fmt::format("it ended with status {}", status)});
        ++all.broken;
      }
    }
}

std::string replay_line(const simulate_options& options, std::uint64_t seed) {
  std::string line = fmt::format("weir-bench simulate --seed {} --runs 1", seed);
  if (options.history.calls != simulation::options{}.calls)
    line += fmt::format(" --calls {}", options.history.calls);
  for (const std::string& each : options.ignore)
    line += " --ignore " + each;
  return line + " --verbose";
}

std::string counts_json(const std::map<std::string, std::uint64_t>& counts) {
  std::string text;
  for (const auto& [name, count] : counts)
    text += fmt::format("{}\"{}\":{}", text.empty() ? "" : ",", name, count);
  return "{" + text + "}";
}

std::string to_json(const simulate_options& options, const summary& all) {
  std::string violations;
  for (const found_violation& each : all.shown)
    violations +=
        fmt::format(R"({}{{"seed":{},"invariant":"{}","replay":"{}"}})", violations.empty() ? "" : ",",
                    each.seed, each.invariant, replay_line(options, each.seed));
  return fmt::format(
      R"({{"scenario":"simulate","seed":{},"histories":{},"repeated":{},"calls":{},"attempts":{},"posts":{},)"
      R"("messages":{},"virtual_s":{},"duration_s":{:.3f},"histories_per_s":{:.2f},"calls_per_s":{:.1f},)"
      R"("broken_histories":{},"by_invariant":{},"ignored":{},"outcomes":{},"violations":[{}]}})",
      options.seed, all.histories, all.repeated, all.calls, all.attempts, all.posts, all.steps,
      all.virtual_ms / 1'000, all.wall_s, static_cast<double>(all.histories) / all.wall_s,
      static_cast<double>(all.calls) / all.wall_s, all.broken, counts_json(all.by_invariant),
      counts_json(all.ignored), counts_json(all.outcomes), violations);
}

void print(const simulate_options& options, const summary& all) {
  fmt::print(
      "{} histories from seed {}: {} calls, {} attempts, {} posts, {} messages, {:.1f} virtual hours\n",
      all.histories, options.seed, all.calls, all.attempts, all.posts, all.steps,
      static_cast<double>(all.virtual_ms) / 3'600'000);
  fmt::print("{:.1f} s: {:.1f} histories/s, {:.0f} calls/s; {} were run twice\n", all.wall_s,
             static_cast<double>(all.histories) / all.wall_s, static_cast<double>(all.calls) / all.wall_s,
             all.repeated);
  for (const auto& [name, count] : all.ignored)
    fmt::print("ignored: {} {}\n", count, name);
  for (const auto& [name, count] : all.by_invariant)
    fmt::print("violated: {} {}\n", count, name);
  fmt::print("{} histories with violations\n", all.broken);
  for (const found_violation& each : all.shown)
    fmt::print("\nseed {}: {} {}\n  {}\n", each.seed, each.invariant, each.what,
               replay_line(options, each.seed));
}

int run_histories(simulate_options& options) {
  options.runs = options.runs == 0 ? 100 : options.runs;
  options.history.ignore.insert(options.ignore.begin(), options.ignore.end());
  options.jobs = static_cast<std::uint32_t>(std::min<std::uint64_t>(options.jobs, options.runs));
  summary all;
  std::atomic<std::uint64_t> done{0};
  const auto begin = std::chrono::steady_clock::now();
  // Before the progress line's thread: a child has only the thread that forks.
  std::vector<worker> workers;
  if (options.jobs > 1)
    workers = start_workers(options);
  {
    const progress_line line("simulate", "histories", fmt::format("ends after {}", options.runs),
                             [&done] { return done.load(); });
    if (options.jobs > 1)
      gather(all, workers, done);
    else
      live(options, 0, 1, [&](const std::string& text) { take(all, text, done); });
  }
  all.wall_s = std::chrono::duration<double>(std::chrono::steady_clock::now() - begin).count();
  if (options.json)
    fmt::print("{}\n", to_json(options, all));
  else
    print(options, all);
  return all.broken == 0 && all.by_invariant.empty() && all.histories == options.runs ? 0 : 1;
}

int run_storms(simulate_options& options) {
  constexpr double most_amplification = 1.25;
  constexpr std::chrono::milliseconds longest_recovery{5'000};
  options.runs = options.runs == 0 ? 20 : options.runs;
  options.weather.budget = !options.no_budget;
  std::uint64_t failed = 0;
  std::string json;
  for (std::uint64_t n = 0; n != options.runs; ++n) {
    const simulation::storm_report seen = simulation::run_storm(options.seed + n, options.weather);
    const bool well =
        seen.amplification <= most_amplification && seen.recovery && *seen.recovery <= longest_recovery;
    failed += well ? 0 : 1;
    const std::string recovery = seen.recovery ? std::to_string(seen.recovery->count()) : "null";
    if (options.json)
      json += fmt::format(R"({}{{"seed":{},"calls":{},"posts":{},"peak_per_s":{},"amplification":{:.3f},)"
                          R"("recovery_ms":{}}})",
                          json.empty() ? "" : ",", seen.seed, seen.calls, seen.posts, seen.peak,
                          seen.amplification, recovery);
    else
      fmt::print("storm {}: {} calls, {} posts, peak {}/s = {:.2f} x offered, recovery {} ms{}\n", seen.seed,
                 seen.calls, seen.posts, seen.peak, seen.amplification, recovery, well ? "" : "  <- fails");
  }
  if (options.json)
    fmt::print("{{\"scenario\":\"storm\",\"budget\":{},\"failed\":{},\"storms\":[{}]}}\n",
               options.weather.budget, failed, json);
  else
    fmt::print("{} of {} storms fail (peak <= {} x offered, recovery <= {} s)\n", failed, options.runs,
               most_amplification, longest_recovery.count() / 1'000);
  return failed == 0 ? 0 : 1;
}

void add_history_options(CLI::App& command, simulate_options& options) {
  command.add_option("--seed", options.seed, "The first seed; the others follow")
      ->type_name("N")
      ->capture_default_str();
  command.add_option("--runs", options.runs, "How many histories [100], or storms [20]")->type_name("COUNT");
  command.add_option("--calls", options.history.calls, "Calls of one history")
      ->check(count_up_to(100'000))
      ->type_name("COUNT")
      ->capture_default_str();
  command.add_option("--jobs", options.jobs, "Worker processes")
      ->check(count_up_to(256))
      ->type_name("COUNT")
      ->capture_default_str();
  std::vector<std::string> names;
  for (const auto each : simulation::invariants())
    names.emplace_back(each);
  command
      .add_option("--ignore", options.ignore,
                  "Only count how often this invariant is broken; may be repeated")
      ->check(CLI::IsMember(names).description(""))
      ->allow_extra_args(false)
      ->type_name("INVARIANT");
  command.add_flag("--verbose", options.history.verbose, "Print the trace of each history");
}

} // namespace

void add_simulate(CLI::App& program, int& code) {
  const auto options = std::make_shared<simulate_options>();
  CLI::App* command =
      program.add_subcommand("simulate", "Random histories of the whole runtime in virtual time");
  add_history_options(*command, *options);
  command->add_flag("--storm", options->storm, "A dip of a provider's capacity under load, instead");
  command->add_flag("--no-budget", options->no_budget, "Storms without the retry budget");
  command->add_flag("--breaker", options->weather.breaker, "Storms with circuit breakers");
  command->add_flag("--json", options->json, "Print one JSON document");
  command->footer("Exit code 1: an invariant was broken; each violation is printed with the command that "
                  "replays it.\n\n"
                  "Examples:\n"
                  "  weir-bench simulate --runs 2000 --jobs 2\n"
                  "  weir-bench simulate --seed 4711 --runs 1 --verbose\n"
                  "  weir-bench simulate --storm --no-budget");
  command->callback(
      [options, &code] { code = options->storm ? run_storms(*options) : run_histories(*options); });
}

} // namespace weir::bench
