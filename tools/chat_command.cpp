// `weir chat`: one call through the manager actor.
#include "tools/chat_output.hpp"
#include "tools/chat_request.hpp"
#include "tools/commands.hpp"
#include "tools/common.hpp"
#include "tools/vocabularies.hpp"

#include <CLI/CLI.hpp>

#include <cstdlib>
#include <limits>
#include <memory>

namespace weir::tools {

namespace {

/// The model that a request goes to, before anything is known of what becomes of it; empty where none is
/// said.
model_name asked_model(const snapshot& config, const chat_request& request) {
  if (!request.model.empty())
    return request.model;
  const provider_config* const first =
      config.find(request.provider.empty() ? config.default_provider : request.provider);
  return first == nullptr || first->models.empty() ? model_name() : first->models.front().name;
}

/// Has tokens that no provider reports counted exactly where that can be done. What the configuration names
/// is installed by then and stays. A call does without, so a faulty file does not stop it.
void find_vocabulary(const model_name& model) {
  if (const auto found = install_vocabulary_of(model); !found)
    tell("weir: " + to_string(found.error()) + "; tokens that are not reported will be estimated\n");
}

int run_chat(const chat_options& options) {
  auto request = make_request(options);
  if (!request) {
    complain(request.error(), options.config.json);
    return exit_code::usage;
  }
  const snapshot_ptr config = load_or_complain(options.config);
  if (!config)
    return exit_code::usage;
  int code = exit_code::done;
  auto started = start_or_complain(config, options.config, code);
  if (!started)
    return code;
  find_vocabulary(asked_model(*config, *request));
  const output_options output{options.config.json, options.verbose};
  if (options.stream) {
    chat_stream stream = started->open_stream(std::move(*request));
    const bool good = show(stream, output).success;
    started->stop();
    return good ? exit_code::done : exit_code::failed;
  }
  const chat_reply reply = started->chat(std::move(*request)).get();
  started->stop();
  show(reply, output);
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
      "The reply goes to standard output; failed attempts and the bill go to standard error, with -v all\n"
      "attempts as a table.\n\n"
      "Examples:\n"
      "  weir chat \"Which ocean contains Bouvet Island?\"\n"
      "  weir chat -m gpt-4 -s \"Answer in three words.\" - < question.txt\n"
      "  weir chat --tag agent=planner --timeout 20000 \"What is next?\"\n"
      "  weir chat --image photo.jpg \"What is in the picture?\"\n"
      "  weir chat --stream \"Tell me a story.\"\n"
      "  weir chat --stream --rescue restart \"Tell me a long story.\"\n"
      "  weir chat -v -m fast \"Who answers this?\"\n"
      "  weir chat --json --request request.json\n\n"
      "Tokens that a provider does not report are counted with the model's vocabulary where it is found in\n"
      "$WEIR_VOCABULARIES or ~/.local/share/weir/vocabularies, and estimated elsewhere.\n\n"
      "Exit codes: 0 answered; 1 the call failed; 2 the command line or the configuration is wrong.");
  add_config_option(*chat, options->config);
  chat->add_option("-m,--model", options->model, "Model to ask [the default provider's first]")
      ->type_name("MODEL");
  chat->add_option("-p,--provider", options->provider, "Ask this provider only, without failover")
      ->type_name("PROVIDER");
  chat->add_option("-s,--system", options->system, "System message: how to answer")->type_name("TEXT");
  chat->add_option("--image", options->images,
                   "Image to show: a file (PNG, JPEG, GIF, WebP) or a URL; may be "
                   "repeated")
      ->allow_extra_args(false)
      ->type_name("PATH_OR_URL");
  chat->add_flag("--stream", options->stream,
                 "Print the reply as it comes; with --json, a line for each delta and the "
                 "whole reply as the last");
  chat->add_option("--rescue", options->rescue,
                   "What to do when a stream breaks after some of it was shown: fail, buffer (show nothing "
                   "before it is whole), restart (begin anew), continue [the route's, else fail]")
      ->check([](const std::string& word) {
        return to_rescue_policy(word) ? std::string()
                                      : "'" + word + "' is not one of fail, buffer, restart, continue";
      })
      ->type_name("POLICY");
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
  chat->add_option("--max-cost", options->max_cost,
                   "What the call may cost, such as \"0.05 USD\": it is not sent if it could cost more, and "
                   "its stream is ended before")
      ->type_name("AMOUNT");
  chat->add_option("--tag", options->tags, "Kept in the ledger with each attempt; may be repeated")
      ->allow_extra_args(false)
      ->type_name("KEY=VALUE");
  chat->add_flag("-v,--verbose", options->verbose,
                 "Tell each attempt on standard error: whom, how long, and how it ended");
  chat->add_flag("--json", options->config.json, "Print JSON: the whole reply, or the failure");
  chat->add_option("prompt", options->prompt, "What to ask, or '-' for standard input")->type_name("PROMPT");
  chat->callback([options, &code] { code = run_chat(*options); });
}

} // namespace weir::tools
