// Running the mock provider until somebody ends it.
#include "tools/mock/command.hpp"

#include "tools/common.hpp"
#include "tools/mock/mock_server.hpp"

#include <CLI/CLI.hpp>
#include <fmt/format.h>

#include <fstream>
#include <memory>

#include <csignal>
#include <sys/prctl.h>
#include <unistd.h>

namespace weir::mock {

namespace {

using tools::exit_code;

struct command_options {
  mock_options mock;
  std::string plan_file;
  std::string reply;
  std::string port_file;
  std::int64_t latency_ms = 0;
  std::int64_t chunk_delay_ms = 0;
  std::vector<std::string> models;
  bool tool_calls = false;
  bool json = false;
  bool exit_with_parent = false;
};

/// The plan with the command line's words on top. Tells faults.
bool make_plan(command_options& options) {
  if (!options.plan_file.empty()) {
    auto loaded = load_plan(options.plan_file);
    if (!loaded) {
      tools::complain(loaded.error(), options.json);
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
  if (options.chunk_delay_ms > 0)
    options.mock.plan.chunk_delay = milliseconds{options.chunk_delay_ms};
  if (options.tool_calls && options.mock.plan.tool_calls == calling::none)
    options.mock.plan.tool_calls = calling::first;
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

/// Says where it listens: people and scripts take the address from the last word of the first line.
void announce(const mock_server& mock, const command_options& options) {
  tools::print(options.json
                   ? fmt::format("{{\"port\":{},\"base_url\":\"{}\"}}\n", mock.port(), mock.base_url())
                   : fmt::format("weir mock: listening on {}\n", mock.base_url()));
  if (!options.json && ::isatty(STDOUT_FILENO) != 0)
    tools::tell("This is the base_url of a provider of type generic or claude. Ctrl-C ends it.\n");
}

/// Errors: `config`.
result<void> write_port(const std::string& file, std::uint16_t port) {
  std::ofstream out(file);
  out << port << '\n';
  if (!out.flush())
    return make_failure(errc::config, "the port cannot be written", file);
  return {};
}

int run_mock(command_options& options) {
  if (!make_plan(options))
    return exit_code::usage;
  const sigset_t ending = block_signals();
  if (options.exit_with_parent)
    ::prctl(PR_SET_PDEATHSIG, SIGTERM);
  const auto started = mock_server::start(options.mock);
  if (!started) {
    tools::complain(started.error(), options.json);
    return started.error().type == errc::config ? exit_code::usage : exit_code::failed;
  }
  if (!options.port_file.empty())
    if (const auto written = write_port(options.port_file, (*started)->port()); !written) {
      tools::complain(written.error(), options.json);
      return exit_code::usage;
    }
  announce(**started, options);
  int received = 0;
  ::sigwait(&ending, &received);
  return exit_code::done;
}

} // namespace

void add_mock_command(CLI::App& program, int& code) {
  auto options = std::make_shared<command_options>();
  CLI::App* mock =
      program.add_subcommand("mock", "Play a provider on loopback that speaks the OpenAI and the "
                                     "Anthropic API");
  mock->footer(
      "Replies and token figures follow from the request, so runs can be repeated. The plan says what is\n"
      "answered and which requests fail, and how: docs/mock.md has every kind of fault. Call it by a "
      "provider\n"
      "of type generic or claude whose base_url is http://127.0.0.1:8080/v1.\n\n"
      "Examples:\n"
      "  weir mock --port 8080                               any model, echoes the question\n"
      "  weir mock --port 8080 --reply Hello --latency 200   answers 'Hello' after 0.2 s\n"
      "  weir mock --tool-calls --chunk-delay 50             calls tools, and streams slowly\n"
      "  weir mock --plan faults.toml --log requests.jsonl   fails as the plan says, and writes it down");
  mock->add_option("--port", options->mock.port, "Port on 127.0.0.1; 0 takes a free one")
      ->check(CLI::Range(0, 65'535).description(""))
      ->type_name("PORT")
      ->capture_default_str();
  mock->add_option("--plan", options->plan_file, "Plan of replies and faults (TOML or JSON)")
      ->type_name("FILE");
  mock->add_option("--log", options->mock.log_file, "Append a JSON line for each chat request")
      ->type_name("FILE");
  mock->add_flag("--log-content", options->mock.log_content, "Log also what the user said last");
  mock->add_option("--reply", options->reply, "What is answered [an echo of the question]")
      ->type_name("TEXT");
  mock->add_option("--model", options->models, "A model that it has; may be repeated [any]")
      ->allow_extra_args(false)
      ->type_name("MODEL");
  mock->add_option("--latency", options->latency_ms, "Milliseconds before each answer, up to a day")
      ->check(CLI::Range(0, 86'400'000).description(""))
      ->type_name("MS");
  mock->add_option("--chunk-delay", options->chunk_delay_ms,
                   "Milliseconds between two pieces of a stream, up to a day")
      ->check(CLI::Range(0, 86'400'000).description(""))
      ->type_name("MS");
  mock->add_flag("--tool-calls", options->tool_calls, "Call the first tool that a request offers");
  mock->add_option("--threads", options->mock.threads, "Server threads, 1 to 64")
      ->check(CLI::Range(1, 64).description(""))
      ->type_name("COUNT")
      ->capture_default_str();
  mock->add_option("--tls-cert", options->mock.certificate_file, "Serve https with this certificate (PEM)")
      ->check(CLI::ExistingFile.description(""))
      ->type_name("FILE");
  mock->add_option("--tls-key", options->mock.private_key_file, "Its private key (PEM)")
      ->check(CLI::ExistingFile.description(""))
      ->type_name("FILE");
  mock->add_option("--port-file", options->port_file, "Write the port into this file when it listens")
      ->type_name("FILE");
  mock->add_flag("--json", options->json, "Print where it listens, or why not, as JSON");
  mock->add_flag("--exit-with-parent", options->exit_with_parent,
                 "End when the process that started it ends");
  mock->callback([options, &code] { code = run_mock(*options); });
}

} // namespace weir::mock
