// Routes: where a model's calls go, in which order, and what is done when it does not go well.
#include "config/route_schema.hpp"

#include "config/provider_schema.hpp"
#include "config/supervision_schema.hpp"
#include "config/toml_text.hpp"

#include <algorithm>
#include <array>

namespace weir::config {

namespace {

constexpr std::size_t most_routes = 10'000;
constexpr std::size_t most_candidates = 64;
constexpr std::size_t longest_name = 1024; // as of a model that a provider lists
constexpr range<milliseconds> any_delay{milliseconds{0}, milliseconds{24 * 3'600'000}};

constexpr std::array strategies{route_strategy::priority, route_strategy::weighted,
                                route_strategy::least_busy, route_strategy::lowest_latency,
                                route_strategy::lowest_cost};
constexpr std::array rescues{rescue_policy::fail, rescue_policy::buffer, rescue_policy::restart,
                             rescue_policy::continue_stream};

/// A name, quoted and short enough for a fault.
std::string told(std::string_view name) {
  return basic_string(name.substr(0, 64));
}

/// The word that names one of several values.
template <class Value, std::size_t Count>
std::optional<Value> read_word(table_reader& in, const std::string& key,
                               const std::array<Value, Count>& values) {
  std::array<std::string_view, Count> words;
  std::ranges::transform(values, words.begin(), [](Value each) { return to_string(each); });
  const auto chosen = in.choice(key, words);
  return chosen ? std::optional(values[*chosen]) : std::nullopt;
}

/// A candidate as the file has it.
struct written {
  std::string provider;
  std::optional<std::string> model; ///< nothing: the route's name
  std::uint32_t weight = 1;
};

/// `"provider"` or `"provider/model"`. A model's name may have further slashes; a provider's with one must be
/// written as a table.
written from_text(const std::string& text) {
  const auto slash = text.find('/');
  if (slash == std::string::npos)
    return {text, std::nullopt};
  return {text.substr(0, slash), text.substr(slash + 1)};
}

/// `{ provider = …, model = …, weight = … }`; nothing where it has a fault.
std::optional<written> from_table(reading& shared, const toml::table& table, const std::string& path) {
  table_reader in(shared, &table, path);
  const std::size_t faults = shared.faults.size();
  written read;
  if (!in.text("provider", read.provider) && !in.has("provider"))
    in.missing("provider", "the name of a provider of this file");
  std::string model;
  if (in.text("model", model))
    read.model = std::move(model);
  in.count("weight", read.weight, {0, 1000});
  in.finish();
  return shared.faults.size() == faults ? std::optional(std::move(read)) : std::nullopt;
}

/// What is wrong with where a candidate leads; empty: nothing.
std::string problem_of(const written& read, const route_config& route, const route_candidate& candidate,
                       const snapshot& config) {
  const provider_config* provider = config.find(candidate.provider);
  if (provider == nullptr)
    return "names the provider " + told(read.provider) + ", which is none of this file";
  if (candidate.model.empty())
    return "names an empty model; without one, it is the route's own name";
  if (candidate.model.str().size() > longest_name)
    return "names a model of " + std::to_string(candidate.model.str().size()) +
           " bytes; at most 1,024 can be booked";
  if (!offers(*provider, candidate.model))
    return read.model ? "names the model " + told(*read.model) + ", which the provider " +
                            told(read.provider) + " does not list"
                      : "names no model, and the provider " + told(read.provider) + " lists none called " +
                            told(route.name.str());
  const auto same = [&candidate](const route_candidate& each) {
    return each.provider == candidate.provider && each.model == candidate.model;
  };
  if (std::ranges::any_of(route.candidates, same))
    return "names the model " + told(candidate.model.str()) + " of the provider " + told(read.provider) +
           " twice";
  return {};
}

void read_candidates(reading& shared, table_reader& in, const snapshot& config, route_config& route) {
  const std::string key = "candidates";
  const auto entries = in.entries(key, true);
  if (!entries) {
    if (!in.has(key))
      in.missing(key, "an array such as [\"PROVIDER/MODEL\"]");
    return;
  }
  if (entries->empty())
    return in.fault(key, "is empty; expected one candidate or more");
  if (entries->size() > most_candidates)
    return in.fault(key, "has " + std::to_string(entries->size()) + " entries; at most 64 can be tried");
  const std::size_t faults = shared.faults.size();
  for (const toml::node* each : *entries) {
    std::optional<written> read;
    if (const toml::table* table = each->as_table())
      read = from_table(shared, *table, in.path_of(key));
    else if (const auto text = in.entry(key, *each))
      read = from_text(*text);
    if (!read)
      continue;
    route_candidate candidate{provider_name(read->provider),
                              read->model ? model_name(*read->model) : route.name, read->weight};
    if (std::string problem = problem_of(*read, route, candidate, config); !problem.empty())
      in.bad_entry(key, *each, std::move(problem));
    else
      route.candidates.push_back(std::move(candidate));
  }
  if (shared.faults.size() != faults) // what is missing may be just what the rest lacks
    return;
  if (std::ranges::none_of(route.candidates, [&config](const route_candidate& each) {
        return config.find(each.provider)->enabled;
      }))
    in.fault(key, "names disabled providers only");
  else if (route.strategy == route_strategy::weighted &&
           std::ranges::all_of(route.candidates, [](const auto& each) { return each.weight == 0; }))
    in.fault(key, "has no weight above 0, and the strategy is \"weighted\"");
}

route_config read_route(reading& shared, const toml::table* table, const std::string& path,
                        const std::string& name, const snapshot& config) {
  table_reader in(shared, table, path);
  route_config route;
  route.name = model_name(name);
  route.strategy = read_word(in, "strategy", strategies).value_or(route.strategy);
  read_candidates(shared, in, config, route);
  read_tag_key(in, "sticky_by", route.sticky_by);
  route.rescue = read_word(in, "rescue", rescues);
  in.duration("hedge_after", route.hedge_after, any_delay);
  in.flag("reroute_content_filter", route.reroute_content_filter);
  in.finish();
  return route;
}

} // namespace

std::vector<route_config> read_routes(reading& shared, const toml::table* table, const std::string& path,
                                      const snapshot& config) {
  table_reader in(shared, table, path);
  std::vector<route_config> routes;
  const std::vector<std::string> names = in.names();
  if (names.size() > most_routes) {
    in.bad_key(names[most_routes],
               "is one of " + std::to_string(names.size()) + " routes; there can be at most 10,000");
    return routes;
  }
  for (const std::string& name : names) {
    check_name(in, name);
    const toml::table* entry = in.table(name);
    if (name.empty())
      in.bad_key(name, "is empty; expected the name of a model, or another that calls will use for one");
    else if (entry != nullptr)
      routes.push_back(read_route(shared, entry, in.path_of(name), name, config));
  }
  return routes;
}

} // namespace weir::config
