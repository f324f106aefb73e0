// Running the mock provider until somebody ends it.
#include "tools/mock/command.hpp"

#include "tools/mock/mock_server.hpp"

#include <CLI/CLI.hpp>
#include <fmt/format.h>

#include <cstdio>
#include <fstream>
#include <memory>

#include <csignal>
#include <sys/prctl.h>

namespace weir::mock {

namespace {

struct command_options {
  mock_options mock;
  std::string plan_file;
  std::string reply;
  std::string port_file;
  std::int64_t latency_ms = 0;
  std::vector<std::string> models;
  bool json = false;
  bool exit_with_parent = false;
};

/// The plan with the command line's words on top. Prints faults.
bool make_plan(command_options& options) {
  if (!options.plan_file.empty()) {
    auto loaded = load_plan(options.plan_file);
    if (!loaded) {
      for (const config_fault& each : loaded.error())
        fmt::print(stderr, "{}\n", to_string(each));
      return false;
    }
    options.mock.plan = std::move(*loaded);
  } else {
    // Without a plan it plays any model that it is asked for.
    options.mock.plan.models.clear();
  }
  if (!options.reply.empty())
    options.mock.plan.reply = options.reply;
  if (options.latency_ms > 0)
    options.mock.plan.latency = milliseconds{options.latency_ms};
  if (!options.models.empty())
    options.mock.plan.models.clear();
  for (const std::string& each : options.models)
    options.mock.plan.models.emplace_back(each);
  return true;
}

/// Blocks the signals that end us, so that every thread leaves them to `sigwait`.
sigset_t block_signals() {
  sigset_t ending;
  sigemptyset(&ending);
  sigaddset(&ending, SIGINT);
  sigaddset(&ending, SIGTERM);
  ::pthread_sigmask(SIG_BLOCK, &ending, nullptr);
  return ending;
}

int run_mock(command_options& options) {
  if (!make_plan(options))
    return 2;
  const sigset_t ending = block_signals();
  if (options.exit_with_parent)
    ::prctl(PR_SET_PDEATHSIG, SIGTERM);
  const auto started = mock_server::start(options.mock);
  if (!started) {
    fmt::print(stderr, "weir mock: {}\n", to_string(started.error()));
    return started.error().type == errc::config ? 2 : 1;
  }
  const mock_server& mock = **started;
  if (options.json)
    fmt::print("{{\"port\":{},\"base_url\":\"{}\"}}\n", mock.port(), mock.base_url());
  else
    fmt::print("weir mock: listening on {}\n", mock.base_url());
  std::fflush(stdout);
  if (!options.port_file.empty())
    std::ofstream(options.port_file) << mock.port() << '\n';
  int received = 0;
  ::sigwait(&ending, &received);
  return 0;
}

} // namespace

void add_mock_command(CLI::App& program, int& code) {
  auto options = std::make_shared<command_options>();
  CLI::App* mock = program.add_subcommand("mock", "Play a provider on loopback that speaks the OpenAI API");
  mock->footer(
      "Replies and token figures follow from the request, so runs can be repeated. The plan says what is\n"
      "answered and which requests fail, and how: docs/mock.md has every kind of fault.\n\n"
      "Examples:\n"
      "  weir mock --port 8080\n"
      "  weir mock --plan faults.toml --log requests.jsonl");
  mock->add_option("--port", options->mock.port, "Port on 127.0.0.1; 0 takes a free one")
      ->capture_default_str();
  mock->add_option("--plan", options->plan_file, "Plan of replies and faults (TOML or JSON)")
      ->type_name("FILE");
  mock->add_option("--log", options->mock.log_file, "Append a JSON line for each chat request")
      ->type_name("FILE");
  mock->add_option("--reply", options->reply, "What is answered [an echo of the question]");
  mock->add_option("--model", options->models, "A model that it has; may be repeated [any]")
      ->allow_extra_args(false);
  mock->add_option("--latency", options->latency_ms, "Milliseconds before each answer")
      ->check(CLI::NonNegativeNumber);
  mock->add_option("--threads", options->mock.threads, "Server threads")
      ->check(CLI::Range(1, 64))
      ->capture_default_str();
  mock->add_option("--tls-cert", options->mock.certificate_file, "Serve https with this certificate (PEM)")
      ->check(CLI::ExistingFile);
  mock->add_option("--tls-key", options->mock.private_key_file, "Its private key (PEM)")
      ->check(CLI::ExistingFile);
  mock->add_option("--port-file", options->port_file, "Write the port into this file when it listens");
  mock->add_flag("--json", options->json, "Print where it listens as JSON");
  mock->add_flag("--exit-with-parent", options->exit_with_parent,
                 "End when the process that started it ends");
  mock->callback([options, &code] { code = run_mock(*options); });
}

} // namespace weir::mock
