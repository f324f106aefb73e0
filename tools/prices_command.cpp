// `weir prices`: what models cost, by which list, and what a new list changes.
#include "tools/commands.hpp"
#include "tools/common.hpp"
#include "tools/price_documents.hpp"

#include "config/price_store.hpp"
#include "transport/get.hpp"

#include <CLI/CLI.hpp>

#include <chrono>
#include <future>
#include <memory>

namespace weir::tools {

namespace {

struct prices_options {
  config_options config;
  std::string provider;
  std::string model;
  std::string at;
  std::string old_list;
  std::string new_list;
  std::string against;
  bool accept = false;
};

timestamp now() {
  return std::chrono::time_point_cast<std::chrono::microseconds>(std::chrono::system_clock::now());
}

int give_up(const failure& error, const prices_options& options, int code) {
  complain(error, options.config.json);
  return code;
}

// --- list ------------------------------------------------------------------------------------------------

/// What the configuration's models cost; with a model's name, what that one costs wherever it is offered.
std::vector<known_price> configured_prices(const snapshot& config, const prices_options& options,
                                           const price_book* book, timestamp moment) {
  std::vector<known_price> found;
  for (const provider_config& provider : config.providers) {
    if (!options.provider.empty() && provider.name.str() != options.provider)
      continue;
    if (!options.model.empty() && offers(provider, model_name(options.model)))
      found.push_back(price_at(provider, model_name(options.model), book, moment));
    if (options.model.empty())
      for (const model_config& model : provider.models)
        found.push_back(price_at(provider, model.name, book, moment));
  }
  return found;
}

/// What the list says of one of its providers.
std::vector<known_price> listed_prices(const listed_provider& provider, const prices_options& options,
                                       const price_book& book, timestamp moment) {
  std::vector<known_price> found;
  if (!options.model.empty()) {
    if (const price_entry* const entry = book.find(provider, options.model))
      found.push_back({provider.name, options.model, entry->name, entry->at(moment), book.version()});
    return found;
  }
  for (const price_entry& each : provider.entries)
    found.push_back({provider.name, each.name, each.name, each.at(moment), book.version()});
  return found;
}

int run_list(const prices_options& options) {
  const snapshot_ptr config = load_or_complain(options.config);
  if (!config)
    return exit_code::usage;
  timestamp moment = now();
  if (!options.at.empty()) {
    const auto read = parse_timestamp(options.at);
    if (!read)
      return give_up(read.error(), options, exit_code::usage);
    moment = *read;
  }
  const auto book = config::prices_at_start(*config, now());
  auto found = configured_prices(*config, options, book.get(), moment);
  if (found.empty() && book && !options.provider.empty() &&
      config->find(provider_name(options.provider)) == nullptr)
    if (const listed_provider* const listed = book->provider_named(options.provider))
      found = listed_prices(*listed, options, *book, moment);
  if (options.config.json) {
    print(prices_document(found, config->price_source.source, book.get()) + "\n");
    return exit_code::done;
  }
  print(found.empty() ? "no such model is configured or listed\n" : prices_table(found));
  if (book)
    tell("prices a million tokens; list " + std::to_string(book->version()) + " of " +
         config->price_source.source + ", " + counted(book->entry_count(), "model") + "\n");
  else if (!config->price_source.source.empty())
    tell("there is no list yet: run 'weir prices update'\n");
  return exit_code::done;
}

// --- update ----------------------------------------------------------------------------------------------

result<std::string> fetch(const std::string& source) {
  auto get = transport::make_get(source, config::largest_price_list);
  if (!get)
    return get.error();
  const auto client = transport::make_client(1);
  std::promise<transport::exchange> end;
  client->post(get->to, std::move(get->request), std::chrono::seconds{60},
               [&end](transport::exchange done) { end.set_value(std::move(done)); });
  transport::exchange done = end.get_future().get();
  client->close();
  if (!done.response)
    return done.response.error();
  if (done.response->status == 200)
    return std::move(done.response->body);
  failure refused = make_failure(errc::network,
                                 "the price list was answered with status " +
                                     std::to_string(done.response->status) + "; expected 200",
                                 source);
  refused.status_code = done.response->status;
  return refused;
}

int run_update(const prices_options& options) {
  const snapshot_ptr config = load_or_complain(options.config);
  if (!config)
    return exit_code::usage;
  const prices_config& from = config->price_source;
  if (from.source.empty())
    return give_up(make_failure(errc::config, "no price list is configured", "llm.prices.source"), options,
                   exit_code::usage);
  const auto text = config::is_url(from) ? fetch(from.source) : config::read_price_file(from.source);
  if (!text)
    return give_up(text.error(), options, exit_code::failed);
  const auto taken = config::take_in(*text, from, config::price_store_of(*config), nullptr,
                                     {from.max_change_permille, now(), config.get()}, options.accept);
  std::vector<price_change> changes;
  if (taken.book && taken.before)
    changes = changes_between(*taken.before, *taken.book, now());
  if (options.config.json)
    print(update_document(from.source, taken.book ? taken.book.get() : taken.before.get(), changes,
                          taken.error) +
          "\n");
  if (taken.error)
    tell("weir: " + to_string(*taken.error) + "\n");
  if (!options.config.json && taken.book) {
    print(taken.before ? changes_table(changes) : "this is the first list\n");
    tell("list " + std::to_string(taken.book->version()) + " has " +
         counted(taken.book->entry_count(), "model") + "\n");
    if (!taken.book->notes().empty())
      tell("it cannot price " + counted(taken.book->notes().size(), "more model") +
           ": see 'weir prices list --json'\n");
  }
  return taken.error ? exit_code::failed : exit_code::done;
}

// --- diff ------------------------------------------------------------------------------------------------

result<std::shared_ptr<const price_book>> read_list(const std::string& file) {
  const auto text = read_input(file);
  if (!text)
    return text.error();
  return config::read_price_list(*text, price_format::automatic, file);
}

int run_diff(const prices_options& options) {
  const bool two = !options.old_list.empty() && !options.new_list.empty();
  if (two == !options.against.empty())
    return give_up(make_failure(errc::invalid_request, "name two lists, or one by --against", "command line"),
                   options, exit_code::usage);
  std::shared_ptr<const price_book> before;
  if (!two) {
    const snapshot_ptr config = load_or_complain(options.config);
    if (!config)
      return exit_code::usage;
    before = config::prices_at_start(*config, now());
    if (!before)
      return give_up(make_failure(errc::config, "there is no list in use to compare with"), options,
                     exit_code::failed);
  } else if (auto read = read_list(options.old_list)) {
    before = std::move(*read);
  } else {
    return give_up(read.error(), options, exit_code::failed);
  }
  const auto after = read_list(two ? options.new_list : options.against);
  if (!after)
    return give_up(after.error(), options, exit_code::failed);
  const auto changes = changes_between(*before, **after, now());
  print(options.config.json ? changes_document(changes) + "\n" : changes_table(changes));
  return exit_code::done;
}

} // namespace

void add_prices_command(CLI::App& program, int& code) {
  CLI::App* prices =
      program.add_subcommand("prices", "Show what models cost, and keep the price list up to date");
  prices->require_subcommand(1);
  auto options = std::make_shared<prices_options>();
  const auto add = [&](const char* name, const char* help, int (*run)(const prices_options&)) {
    CLI::App* command = prices->add_subcommand(name, help);
    add_config_option(*command, options->config);
    command->add_flag("--json", options->config.json, "Print one JSON document: the result, or the failure");
    command->callback([options, run, &code] { code = run(*options); });
    return command;
  };
  CLI::App* list = add("list", "List the prices that calls are booked at", run_list);
  list->add_option("-p,--provider", options->provider,
                   "Of this provider, of the configuration or of the list")
      ->type_name("PROVIDER");
  list->add_option("-m,--model", options->model, "Of this model")->type_name("MODEL");
  list->add_option("--at", options->at, "At this time instead of now")->type_name("TIME");
  list->footer("Examples:\n  weir prices list\n  weir prices list -p openai -m gpt-4o --at 2026-01-01\n\n"
               "Exit codes: 0 done; 2 the command line or the configuration is wrong.");
  CLI::App* update =
      add("update", "Read the price list at its source now, check it, and keep it", run_update);
  update->add_flag("--accept", options->accept, "Take it although prices jump or models are lost");
  update->footer(
      "A running weir takes what was kept with its next look at the source.\n\n"
      "Exit codes: 0 done; 1 the list could not be read or is not believed; 2 the command line or\n"
      "the configuration is wrong.");
  CLI::App* diff = add("diff", "Tell what differs between two lists", run_diff);
  diff->add_option("OLD", options->old_list, "A price list, in any format");
  diff->add_option("NEW", options->new_list, "Another one");
  diff->add_option("--against", options->against, "Compare the list in use with this one")->type_name("FILE");
  diff->footer(
      "Examples:\n  weir prices diff old.json new.json\n  weir prices diff --against new.json --json\n\n"
      "Exit codes: 0 done, whether or not they differ; 1 a list could not be read; 2 the command line\n"
      "or the configuration is wrong.");
}

} // namespace weir::tools
