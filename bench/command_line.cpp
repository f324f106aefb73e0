// Options and their checks.
#include "bench/command_line.hpp"

#include <fmt/format.h>

#include <cstdio>
#include <cstdlib>

namespace weir::bench {

void tell(const std::string& text) {
  [[maybe_unused]] const auto written = std::fwrite(text.data(), 1, text.size(), stderr);
}

int complain(const failure& error) {
  tell("weir-bench: " + to_string(error) + "\n");
  return error.type == errc::config ? 2 : 1;
}

std::chrono::milliseconds to_time(double seconds) {
  return std::chrono::milliseconds{static_cast<std::int64_t>(seconds * 1000)};
}

CLI::Validator seconds_from(double least) {
  return CLI::Validator(
      [least](std::string& text) {
        char* end = nullptr;
        const double value = std::strtod(text.c_str(), &end);
        const bool good = !text.empty() && *end == '\0' && value >= least && value <= 86'400;
        return good ? std::string() : fmt::format("'{}' is no time from {} to 86400 seconds", text, least);
      },
      "");
}

CLI::Validator count_up_to(std::uint32_t most) {
  return CLI::Range(1U, most).description("");
}

void settle_times(run_options& options) {
  options.call.duration = to_time(options.duration_s);
  options.call.warm_up = to_time(options.warm_up_s);
  options.call.gap = std::chrono::milliseconds{options.gap_ms};
}

void add_duration(CLI::App& command, run_options& options) {
  command.add_option("--duration", options.duration_s, "Measured time in seconds")
      ->check(seconds_from(least_duration_s))
      ->type_name("SECONDS")
      ->capture_default_str();
}

void add_warm_up(CLI::App& command, run_options& options) {
  command.add_option("--warm-up", options.warm_up_s, "Time before it, in seconds")
      ->check(seconds_from(0))
      ->type_name("SECONDS")
      ->capture_default_str();
}

void add_upstream(CLI::App& command, run_options& options) {
  command
      .add_option("--upstream", options.call.upstream, "Base URL of a provider [a mock in a child process]")
      ->type_name("URL");
  command.add_option("--model", options.call.model, "Model to ask for")
      ->type_name("MODEL")
      ->capture_default_str();
  command.add_flag("--json", options.json, "Print one JSON document");
}

void add_gap(CLI::App& command, run_options& options) {
  command
      .add_option("--gap", options.gap_ms, "Pause of each agent between two calls, in milliseconds [none]")
      ->check(CLI::Range(0, 86'400'000).description(""))
      ->type_name("MS");
}

void add_extent(CLI::App& command, run_options& options) {
  command.add_option("--concurrency", options.call.concurrency, "Calls in flight, 1 to 10,000")
      ->check(count_up_to(most_in_flight))
      ->type_name("COUNT")
      ->capture_default_str();
  command
      .add_option("--calls", options.call.calls,
                  "End after so many calls instead of by time, without warm-up")
      ->check(count_up_to(1'000'000'000))
      ->type_name("COUNT");
}

void add_tags(CLI::App& command, std::uint32_t& tags) {
  command.add_option("--tags", tags, "Tags of each row, 0 to 3: agent, project, user")
      ->check(CLI::Range(0, 3).description(""))
      ->type_name("COUNT")
      ->capture_default_str();
}

void add_rounds(CLI::App& command, std::vector<std::uint32_t>& concurrencies, std::uint32_t& rounds) {
  std::string usual;
  for (const std::uint32_t each : concurrencies)
    usual += (usual.empty() ? "" : ",") + std::to_string(each);
  command
      .add_option("--concurrency", concurrencies,
                  "Calls in flight, 1 to 10,000, several with commas [" + usual + "]")
      ->check(count_up_to(most_in_flight))
      ->type_name("COUNT")
      ->delimiter(',');
  command.add_option("--rounds", rounds, "Runs of each; the ratios are their medians")
      ->check(count_up_to(1000))
      ->type_name("COUNT")
      ->capture_default_str();
}

} // namespace weir::bench
