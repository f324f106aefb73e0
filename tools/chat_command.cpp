// `weir chat`: one call through the manager actor.
#include "tools/commands.hpp"
#include "tools/common.hpp"

#include "protocols/openai_chat_server.hpp"
#include "protocols/report_json.hpp"

#include <CLI/CLI.hpp>
#include <fmt/format.h>

#include <memory>
#include <optional>

namespace weir::tools {

namespace {

struct chat_options {
  config_options config;
  std::string model;
  std::string provider;
  std::string system;
  std::string request_file;
  std::string prompt;
  std::optional<double> temperature;
  std::optional<std::uint32_t> max_tokens;
  std::optional<std::int64_t> timeout_ms;
  std::vector<std::string> tags;
  bool json = false;
};

/// The request that the options describe. Errors: `invalid_request`.
result<chat_request> make_request(const chat_options& options) {
  chat_request request;
  if (!options.request_file.empty()) {
    const auto text = read_input(options.request_file);
    if (!text)
      return text.error();
    auto read = protocols::decode_chat_request(*text);
    if (!read)
      return read.error();
    request = std::move(*read);
  }
  if (!options.system.empty())
    request.messages.insert(request.messages.begin(), make_message(role::system, options.system));
  if (!options.prompt.empty()) {
    const auto text = options.prompt == "-" ? read_input("-") : result<std::string>(options.prompt);
    if (!text)
      return text.error();
    request.messages.push_back(make_message(role::user, *text));
  }
  if (request.messages.empty())
    return make_failure(errc::invalid_request, "there is nothing to say: give a PROMPT, '-' or --request",
                        "PROMPT");
  if (!options.model.empty())
    request.model = model_name(options.model);
  request.provider = provider_name(options.provider);
  if (options.temperature)
    request.temperature = options.temperature;
  if (options.max_tokens)
    request.max_tokens = options.max_tokens;
  if (options.timeout_ms)
    request.timeout = milliseconds{*options.timeout_ms};
  for (const std::string& tag : options.tags) {
    const auto equals = tag.find('=');
    if (equals == std::string::npos || equals == 0)
      return make_failure(errc::invalid_request, "a tag is KEY=VALUE, not '" + tag + "'", "--tag");
    request.tags.emplace_back(tag.substr(0, equals), tag.substr(equals + 1));
  }
  return request;
}

/// The failed attempts before the answer, a line each.
void tell_attempts(const reply_metadata& metadata) {
  for (std::size_t at = 0; at != metadata.attempts.size(); ++at) {
    const attempt_info& each = metadata.attempts[at];
    if (each.error != errc::none)
      fmt::print(stderr, "attempt {} at {}: {}: {}\n", at + 1, each.provider.str(), to_string(each.error),
                 each.message);
  }
}

void tell_people(const chat_reply& reply) {
  tell_attempts(reply.metadata);
  if (!reply.success) {
    complain(*reply.error);
    return;
  }
  print(reply.content + "\n");
  for (const tool_call& call : reply.tool_calls)
    print(fmt::format("tool call {}: {}({})\n", call.id, call.name, call.arguments));
  const std::string cost =
      reply.cost ? to_decimal(*reply.cost) + " " + reply.cost->unit.str() : std::string("cost unknown");
  fmt::print(stderr, "{} by {}: {} + {} tokens, {}, {} ms, attempt {}\n", reply.model.str(),
             reply.metadata.provider.str(), reply.usage.prompt_tokens, reply.usage.completion_tokens, cost,
             protocols::to_milliseconds(reply.metadata.latency), reply.metadata.attempts.size());
}

int run_chat(const chat_options& options) {
  auto request = make_request(options);
  if (!request) {
    complain(request.error());
    return exit_code::usage;
  }
  int code = exit_code::done;
  auto started = start_or_complain(options.config, code);
  if (!started)
    return code;
  const chat_reply reply = started->chat(std::move(*request)).get();
  started->stop();
  if (options.json)
    print(protocols::to_json(reply) + "\n");
  else
    tell_people(reply);
  return reply.success ? exit_code::done : exit_code::failed;
}

} // namespace

void add_chat_command(CLI::App& program, int& code) {
  auto options = std::make_shared<chat_options>();
  CLI::App* chat = program.add_subcommand("chat", "Send one chat call and print the reply");
  chat->footer("Examples:\n"
               "  weir chat \"Which ocean contains Bouvet Island?\"\n"
               "  weir chat -m gpt-4 -s \"Answer in three words.\" - < question.txt\n"
               "  weir chat --json --request request.json");
  add_config_option(*chat, options->config);
  chat->add_option("-m,--model", options->model, "Model to ask [the default provider's first]");
  chat->add_option("-p,--provider", options->provider, "Ask this provider only, without failover");
  chat->add_option("-s,--system", options->system, "System message");
  chat->add_option("--request", options->request_file,
                   "Whole request as JSON in the OpenAI Chat shape, from a file or '-'")
      ->type_name("FILE");
  chat->add_option("--temperature", options->temperature, "Sampling temperature")
      ->check(CLI::Range(0.0, 2.0));
  chat->add_option("--max-tokens", options->max_tokens, "Upper bound of the reply's tokens")
      ->check(CLI::PositiveNumber);
  chat->add_option("--timeout", options->timeout_ms, "Deadline of the whole call, in milliseconds")
      ->check(CLI::PositiveNumber);
  chat->add_option("--tag", options->tags, "KEY=VALUE kept in the ledger with each attempt; may be repeated")
      ->allow_extra_args(false);
  chat->add_flag("--json", options->json, "Print the whole reply as one JSON document");
  chat->add_option("prompt", options->prompt, "What to ask, or '-' for standard input")->type_name("PROMPT");
  chat->callback([options, &code] { code = run_chat(*options); });
}

} // namespace weir::tools
