// `weir tokens`: how many tokens a text or a whole request is.
#include "tools/commands.hpp"
#include "tools/common.hpp"
#include "tools/vocabularies.hpp"

#include "protocols/json.hpp"
#include "protocols/openai_chat_server.hpp"

#include <CLI/CLI.hpp>
#include <fmt/format.h>

#include <array>
#include <chrono>
#include <cstdio>
#include <memory>
#include <optional>
#include <span>

namespace weir::tools {

namespace {

struct tokens_options {
  std::string model;
  std::string vocabulary_file;
  std::string request_file;
  std::optional<std::string> text;
  bool lines = false;
  bool ids = false;
  bool json = false;
};

/// The model that stands for all others of its vocabulary, where only this is given.
model_name usual_model(std::string_view vocabulary) {
  return model_name(vocabulary == "cl100k_base" ? "gpt-4" : "gpt-4o");
}

/// Loads what the counts need and settles the model. Errors: `config`, `invalid_request`.
result<model_name> prepare(const tokens_options& options, const model_name& of_request) {
  model_name model = options.model.empty() ? of_request : model_name(options.model);
  if (options.vocabulary_file.empty()) {
    if (model.empty())
      model = usual_model({});
    const auto found = install_vocabulary_of(model);
    if (!found)
      return found.error();
    return model;
  }
  auto loaded = load_vocabulary(options.vocabulary_file);
  if (!loaded)
    return loaded.error();
  const std::string name((*loaded)->vocabulary());
  if (model.empty())
    model = usual_model(name);
  const std::string wanted(vocabulary_of(model));
  if (wanted != name)
    return make_failure(
        errc::invalid_request,
        fmt::format("{} has {}, not {}", model.str(), wanted.empty() ? "no public vocabulary" : wanted, name),
        "--vocabulary");
  install_vocabulary(std::move(*loaded));
  return model;
}

/// How a count came about, for people.
std::string manner_of(const token_count& count, const model_name& model) {
  const std::string_view vocabulary = vocabulary_of(model);
  if (vocabulary.empty())
    return fmt::format("estimated ({} has no public vocabulary)", model.str());
  if (installed_vocabulary(vocabulary) == nullptr)
    return fmt::format("estimated ({} is not there; tools/fetch_vocabularies.sh fetches it)", vocabulary);
  return fmt::format("{} ({})", count.exact ? "exact" : "estimated in part", vocabulary);
}

std::string list_of(std::span<const std::uint32_t> ids) {
  return fmt::format("[{}]", fmt::join(ids, ","));
}

/// The tokens of a text. Errors (`config`): the vocabulary is not there.
result<std::vector<std::uint32_t>> encode(std::string_view text, const model_name& model) {
  const std::string_view vocabulary = vocabulary_of(model);
  if (const token_counter_ptr counter = installed_vocabulary(vocabulary))
    return counter->encode(text);
  return make_failure(errc::config, "tokens themselves need a vocabulary: " + manner_of({}, model), "--ids");
}

/// `{"tokens":…,"exact":…,"model":…,"vocabulary":…}`, and `ids` where they were asked for.
std::string document_of(const token_count& count, const model_name& model,
                        const std::optional<std::vector<std::uint32_t>>& ids) {
  rapidjson::StringBuffer buffer;
  protocols::json_writer out(buffer);
  out.StartObject();
  out.Key("tokens");
  out.Uint64(count.tokens);
  out.Key("exact");
  out.Bool(count.exact);
  protocols::write_member(out, "model", model.str());
  const std::string_view vocabulary = vocabulary_of(model);
  if (vocabulary.empty()) {
    out.Key("vocabulary");
    out.Null();
  } else {
    protocols::write_member(out, "vocabulary", vocabulary);
  }
  if (ids) {
    out.Key("ids");
    out.StartArray();
    for (const std::uint32_t each : *ids)
      out.Uint(each);
    out.EndArray();
  }
  out.EndObject();
  return {buffer.GetString(), buffer.GetSize()};
}

/// Hands each line of standard input to `each` until it returns a failure. Errors: `invalid_request`, with
/// the line in `place`.
template <class Each>
result<void> for_each_line(Each each) {
  constexpr std::size_t longest = 64 << 20;
  std::string pending;
  std::array<char, 64 * 1024> piece;
  std::size_t number = 0;
  const auto hand_over = [&](std::string_view line) -> result<void> {
    ++number;
    result<void> done = each(line);
    if (done)
      return done;
    failure error = done.error();
    error.place = "line " + std::to_string(number);
    return error;
  };
  while (const std::size_t size = std::fread(piece.data(), 1, piece.size(), stdin)) {
    pending.append(piece.data(), size);
    std::size_t begin = 0;
    for (std::size_t end = pending.find('\n'); end != std::string::npos; end = pending.find('\n', begin)) {
      if (auto done = hand_over(std::string_view(pending).substr(begin, end - begin)); !done)
        return done;
      begin = end + 1;
    }
    pending.erase(0, begin);
    if (pending.size() > longest)
      return make_failure(errc::invalid_request, "is longer than 64 MiB",
                          "line " + std::to_string(number + 1));
  }
  return pending.empty() ? result<void>{} : hand_over(pending);
}

/// Counts many texts, and tells people how long the counting took.
class line_counter {
public:
  line_counter(const tokens_options& options, const model_name& model) : options_(options), model_(model) {}

  result<void> operator()(std::string_view line) {
    const auto parsed = protocols::json_document::parse(line);
    if (!parsed)
      return parsed.error();
    if (!parsed->root().IsString())
      return make_failure(errc::invalid_request, "expected a JSON string");
    const std::string_view text = protocols::text_of(&parsed->root());
    const auto begin = std::chrono::steady_clock::now();
    if (options_.ids) {
      const auto ids = encode(text, model_);
      if (!ids)
        return ids.error();
      took_ += std::chrono::steady_clock::now() - begin;
      tokens_ += ids->size();
      out_ += list_of(*ids);
    } else {
      const token_count count = estimate_tokens(text, model_);
      took_ += std::chrono::steady_clock::now() - begin;
      tokens_ += count.tokens;
      exact_ = exact_ && count.exact;
      out_ += std::to_string(count.tokens);
    }
    out_ += '\n';
    ++texts_;
    bytes_ += text.size();
    if (out_.size() > most_pending)
      flush();
    return {};
  }

  void flush() {
    print(out_);
    out_.clear();
  }

  std::string summary() const {
    return fmt::format("{}, {}, {}, {}; counted in {:.3f} ms\n", counted(texts_, "text"),
                       counted(bytes_, "byte"), counted(tokens_, "token"),
                       manner_of({tokens_, exact_}, model_),
                       std::chrono::duration<double, std::milli>(took_).count());
  }

private:
  static constexpr std::size_t most_pending = 64 * 1024;

  const tokens_options& options_;
  const model_name& model_;
  std::string out_;
  std::uint64_t texts_ = 0, bytes_ = 0, tokens_ = 0;
  bool exact_ = true;
  std::chrono::steady_clock::duration took_{0};
};

int refuse(const failure& error, bool json) {
  complain(error, json);
  return exit_code::usage;
}

int count_lines(const tokens_options& options) {
  const auto model = prepare(options, {});
  if (!model)
    return refuse(model.error(), options.json);
  line_counter counter(options, *model);
  const auto done = for_each_line(std::ref(counter));
  counter.flush();
  if (!done)
    return refuse(done.error(), options.json);
  tell(counter.summary());
  return exit_code::done;
}

int count_request(const tokens_options& options) {
  const auto text = read_input(options.request_file);
  if (!text)
    return refuse(text.error(), options.json);
  auto request = protocols::decode_chat_request(*text);
  if (!request)
    return refuse(request.error(), options.json);
  const auto model = prepare(options, request->model);
  if (!model)
    return refuse(model.error(), options.json);
  request->model = *model;
  const token_count count = estimate_tokens(*request);
  print(options.json ? document_of(count, *model, {}) + "\n"
                     : counted(count.tokens, "token") + ", " + manner_of(count, *model) + "\n");
  return exit_code::done;
}

int count_text(const tokens_options& options) {
  const auto text = *options.text == "-" ? read_input("-") : result<std::string>(*options.text);
  if (!text)
    return refuse(text.error(), options.json);
  const auto model = prepare(options, {});
  if (!model)
    return refuse(model.error(), options.json);
  const token_count count = estimate_tokens(*text, *model);
  std::optional<std::vector<std::uint32_t>> ids;
  if (options.ids) {
    auto found = encode(*text, *model);
    if (!found)
      return refuse(found.error(), options.json);
    ids = std::move(*found);
  }
  if (options.json)
    print(document_of(count, *model, ids) + "\n");
  else if (ids)
    print(list_of(*ids) + "\n");
  else
    print(counted(count.tokens, "token") + ", " + manner_of(count, *model) + "\n");
  return exit_code::done;
}

int run_tokens(const tokens_options& options) {
  if (options.lines)
    return count_lines(options);
  if (!options.request_file.empty())
    return count_request(options);
  if (options.text)
    return count_text(options);
  return refuse(make_failure(errc::invalid_request,
                             "there is nothing to count: give a TEXT, '-', --request or --lines", "TEXT"),
                options.json);
}

} // namespace

void add_tokens_command(CLI::App& program, int& code) {
  auto options = std::make_shared<tokens_options>();
  CLI::App* tokens = program.add_subcommand("tokens", "Count the tokens of a text or a request");
  tokens->footer(
      "Counts are exact where the model's vocabulary is public and is found in $WEIR_VOCABULARIES or\n"
      "~/.local/share/weir/vocabularies, and estimates otherwise; docs/tokens.md has the rules.\n\n"
      "Examples:\n"
      "  weir tokens \"Which ocean contains Bouvet Island?\"\n"
      "  weir tokens -m gpt-4 - < question.txt\n"
      "  weir tokens --json --request request.json\n"
      "  weir tokens --lines < texts.jsonl\n\n"
      "Exit codes: 0 counted; 1 the count could not be printed; 2 the command line, the input or the\n"
      "vocabulary is wrong.");
  tokens->add_option("-m,--model", options->model, "Model to count for [the request's, else gpt-4o]")
      ->type_name("MODEL");
  tokens->add_option("--vocabulary", options->vocabulary_file, "Vocabulary to count with, NAME.tiktoken")
      ->type_name("FILE");
  CLI::Option* const request =
      tokens
          ->add_option("--request", options->request_file,
                       "Whole request as JSON in the OpenAI Chat shape, from a file or '-'")
          ->type_name("FILE");
  CLI::Option* const lines = tokens->add_flag(
      "--lines", options->lines, "Read a JSON string a line from standard input, print a count a line");
  CLI::Option* const ids = tokens->add_flag("--ids", options->ids,
                                            "Print the tokens themselves, as a JSON array, not their count");
  CLI::Option* const json =
      tokens->add_flag("--json", options->json, "Print one JSON document: the count, or the failure");
  CLI::Option* const text =
      tokens->add_option("text", options->text, "What to count, or '-' for standard input")
          ->type_name("TEXT");
  lines->excludes(request)->excludes(text)->excludes(json);
  request->excludes(text)->excludes(ids);
  tokens->callback([options, &code] { code = run_tokens(*options); });
}

} // namespace weir::tools
