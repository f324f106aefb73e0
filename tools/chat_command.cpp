// `weir chat`: one call through the manager actor.
#include "tools/commands.hpp"
#include "tools/common.hpp"

#include "protocols/openai_chat_server.hpp"
#include "protocols/report_json.hpp"

#include <CLI/CLI.hpp>
#include <fmt/format.h>

#include <cstdlib>
#include <limits>
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
      tell(fmt::format("attempt {} at {}: {}: {}\n", at + 1, each.provider.str(), to_string(each.error),
                       each.message));
  }
}

/// What the reply used: `22 tokens in, 3 out; 0.00084 USD`.
std::string bill_of(const chat_reply& reply) {
  const std::string cost =
      reply.cost ? to_decimal(*reply.cost) + " " + reply.cost->unit.str() : std::string("cost unknown");
  return fmt::format("{} in, {} out; {}", counted(reply.usage.prompt_tokens, "token"),
                     reply.usage.completion_tokens, cost);
}

std::string text_for_people(const chat_reply& reply) {
  const std::string& said = reply.content.empty() ? reply.refusal : reply.content;
  // A reply of tool calls alone has no text, and no line for it.
  std::string text = said.empty() && !reply.tool_calls.empty() ? "" : said + "\n";
  for (const tool_call& call : reply.tool_calls)
    text += fmt::format("tool call {}: {}({})\n", call.id, call.name, call.arguments);
  return text;
}

/// Prints a reply that has been paid for: if it is lost here, it is not lost silently.
void print_reply(const chat_reply& reply, const std::string& text) {
  try {
    print(text);
  } catch (const output_lost& lost) {
    throw output_lost(fmt::format("{}; the reply is lost, but {} answered and it is to be paid for: {} "
                                  "(call {})",
                                  lost.what(), reply.metadata.provider.str(), bill_of(reply),
                                  to_string(reply.metadata.call)));
  }
}

void show(const chat_reply& reply, bool json) {
  if (!reply.success) {
    tell_attempts(reply.metadata);
    tell("weir: " + to_string(*reply.error) + "\n");
    if (json)
      print(protocols::to_json(reply) + "\n");
    return;
  }
  if (json)
    return print_reply(reply, protocols::to_json(reply) + "\n");
  tell_attempts(reply.metadata);
  print_reply(reply, text_for_people(reply));
  tell(fmt::format("{} by {}: {}; {} ms, {}\n", reply.model.str(), reply.metadata.provider.str(),
                   bill_of(reply), protocols::to_milliseconds(reply.metadata.latency),
                   counted(reply.metadata.attempts.size(), "attempt")));
}

int run_chat(const chat_options& options) {
  auto request = make_request(options);
  if (!request) {
    complain(request.error(), options.config.json);
    return exit_code::usage;
  }
  int code = exit_code::done;
  auto started = start_or_complain(options.config, code);
  if (!started)
    return code;
  const chat_reply reply = started->chat(std::move(*request)).get();
  started->stop();
  show(reply, options.config.json);
  return reply.success ? exit_code::done : exit_code::failed;
}

/// A temperature is a number: no infinity, and not "nan", which no comparison refuses.
std::string temperature_fault(const std::string& text) {
  char* end = nullptr;
  const double value = std::strtod(text.c_str(), &end);
  const bool good = !text.empty() && *end == '\0' && value >= 0.0 && value <= 2.0;
  return good ? "" : "'" + text + "' is no number from 0 to 2";
}

} // namespace

void add_chat_command(CLI::App& program, int& code) {
  auto options = std::make_shared<chat_options>();
  CLI::App* chat = program.add_subcommand("chat", "Send one chat call and print the reply");
  chat->footer(
      "The reply goes to standard output; failed attempts and the bill go to standard error.\n\n"
      "Examples:\n"
      "  weir chat \"Which ocean contains Bouvet Island?\"\n"
      "  weir chat -m gpt-4 -s \"Answer in three words.\" - < question.txt\n"
      "  weir chat --tag agent=planner --timeout 20000 \"What is next?\"\n"
      "  weir chat --json --request request.json\n\n"
      "Exit codes: 0 answered; 1 the call failed; 2 the command line or the configuration is wrong.");
  add_config_option(*chat, options->config);
  chat->add_option("-m,--model", options->model, "Model to ask [the default provider's first]")
      ->type_name("MODEL");
  chat->add_option("-p,--provider", options->provider, "Ask this provider only, without failover")
      ->type_name("PROVIDER");
  chat->add_option("-s,--system", options->system, "System message: how to answer")->type_name("TEXT");
  chat->add_option("--request", options->request_file,
                   "Whole request as JSON in the OpenAI Chat shape, from a file or '-'")
      ->type_name("FILE");
  chat->add_option("--temperature", options->temperature, "Sampling temperature, from 0 to 2")
      ->check(temperature_fault)
      ->type_name("NUMBER");
  chat->add_option("--max-tokens", options->max_tokens, "Upper bound of the reply's tokens")
      ->check(CLI::Range(1U, std::numeric_limits<std::uint32_t>::max()).description(""))
      ->type_name("COUNT");
  chat->add_option("--timeout", options->timeout_ms,
                   "Deadline of the whole call, retries included, in milliseconds [call_timeout]")
      ->check(CLI::Range(1, 86'400'000).description(""))
      ->type_name("MS");
  chat->add_option("--tag", options->tags, "Kept in the ledger with each attempt; may be repeated")
      ->allow_extra_args(false)
      ->type_name("KEY=VALUE");
  chat->add_flag("--json", options->config.json, "Print one JSON document: the whole reply, or the failure");
  chat->add_option("prompt", options->prompt, "What to ask, or '-' for standard input")->type_name("PROMPT");
  chat->callback([options, &code] { code = run_chat(*options); });
}

} // namespace weir::tools
