// Candidates in order of preference. Sets of providers are small, so plain loops serve.
#include "actors/policy/routing.hpp"

#include <algorithm>
#include <optional>
#include <utility>
#include <variant>

namespace weir::policy {

namespace {

/// A model's name that one of them knows the other may know too. Chat and Responses are one vendor's.
bool same_api(const provider_config& left, const provider_config& right) {
  return (wire_of(left).api == api_kind::messages) == (wire_of(right).api == api_kind::messages);
}

/// What a caller writes into every record of his call is bounded: the ledger refuses a record that is too
/// large, and what cannot be booked must not be sent.
constexpr std::size_t most_tags = 64;
constexpr std::size_t longest_text = 1024;

std::optional<failure> unbookable(const chat_request& request) {
  if (request.model.str().size() > longest_text)
    return make_failure(errc::invalid_request, "the model's name has more than 1,024 bytes", "model");
  if (request.tags.size() > most_tags)
    return make_failure(errc::invalid_request, "there are more than 64 tags", "tags");
  for (const auto& [key, value] : request.tags)
    if (key.size() > longest_text || value.size() > longest_text)
      return make_failure(errc::invalid_request, "a tag's key or value has more than 1,024 bytes", "tags");
  return std::nullopt;
}

result<const provider_config*> start_of(const snapshot& config, const chat_request& request) {
  const provider_name& wanted = request.provider.empty() ? config.default_provider : request.provider;
  const provider_config* found = config.find(wanted);
  if (found == nullptr)
    return make_failure(errc::invalid_request, "there is no provider '" + wanted.str() + "'", "provider");
  if (!found->enabled)
    return make_failure(errc::invalid_request, "the provider '" + wanted.str() + "' is disabled", "provider");
  return found;
}

bool has_image(const chat_request& request) {
  return std::ranges::any_of(request.messages, [](const message& each) {
    return std::ranges::any_of(
        each.content, [](const content_part& part) { return std::holds_alternative<image_part>(part); });
  });
}

/// What a candidate is called by, with its configuration beside it.
struct option {
  const provider_config* provider;
  model_name model;
  std::uint32_t weight = 1;
};

/// Drops the candidates whose configuration says that their model cannot do what is asked, unless nobody can:
/// then the first one's fault is told.
void keep_able(std::vector<option>& options, const chat_request& request) {
  if (options.size() < 2)
    return;
  const bool image = has_image(request);
  const auto unable = [&](const option& each) {
    const model_config* const entry = find_model(*each.provider, each.model);
    return entry != nullptr && ((image && !entry->supports_vision.value_or(true)) ||
                                (!request.tools.empty() && !entry->supports_tools.value_or(true)) ||
                                (request.stream && !entry->supports_streaming.value_or(true)));
  };
  if (!std::ranges::all_of(options, unable))
    std::erase_if(options, unable);
}

/// Who offers the model under its own name.
std::vector<option> options_by_model(const snapshot& config, const provider_config& first,
                                     const model_name& model) {
  std::vector<option> found;
  found.reserve(config.providers.size());
  if (offers(first, model))
    found.push_back({&first, model});
  for (const provider_config& each : config.providers)
    if (&each != &first && each.enabled && find_model(each, model) != nullptr)
      found.push_back({&each, model});
  // Those that take any name come last, and only where the name has a chance of being known.
  const std::size_t listed = found.size();
  for (const provider_config& each : config.providers)
    if (&each != &first && each.enabled && each.models.empty() &&
        std::any_of(found.begin(), found.begin() + static_cast<std::ptrdiff_t>(listed),
                    [&](const option& known) { return same_api(*known.provider, each); }))
      found.push_back({&each, model});
  return found;
}

/// Where a route leads, as far as its providers are enabled and, with `pinned`, are that one.
std::vector<option> options_by_route(const snapshot& config, const route_config& way,
                                     const provider_name& pinned) {
  std::vector<option> found;
  found.reserve(way.candidates.size());
  for (const route_candidate& each : way.candidates) {
    const provider_config* const provider = config.find(each.provider);
    if (provider != nullptr && provider->enabled && (pinned.empty() || pinned == each.provider))
      found.push_back({provider, each.model, each.weight});
  }
  return found;
}

failure nobody_offers(const model_name& model, const provider_name& pinned) {
  return make_failure(errc::model_not_found,
                      "no enabled provider offers the model '" + model.str() + "'" +
                          (pinned.empty() ? "" : " (only '" + pinned.str() + "' was asked)"),
                      "model");
}

} // namespace

const model_config* model_at(const snapshot& config, const route_candidate& where) noexcept {
  const provider_config* const provider = config.find(where.provider);
  return provider == nullptr ? nullptr : find_model(*provider, where.model);
}

result<route> find_route(const snapshot& config, const chat_request& request) {
  if (auto no = unbookable(request))
    return std::move(*no);
  const auto first = start_of(config, request);
  if (!first)
    return first.error();
  const provider_config& start = **first;
  route way;
  way.model = request.model;
  if (way.model.empty()) {
    if (start.models.empty())
      return make_failure(
          errc::invalid_request,
          "the request names no model, and the provider '" + start.name.str() + "' lists none", "model");
    way.model = start.models.front().name;
  }
  std::vector<option> found;
  if (const route_config* const named = route_for(config, way.model)) {
    found = options_by_route(config, *named, request.provider);
    if (!found.empty())
      way.by = named;
  }
  if (found.empty() && request.provider.empty())
    found = options_by_model(config, start, way.model);
  else if (found.empty() && offers(start, way.model))
    found.push_back({&start, way.model});
  if (found.empty())
    return nobody_offers(way.model, request.provider);
  keep_able(found, request);
  way.candidates.reserve(found.size());
  for (option& each : found)
    way.candidates.push_back({each.provider->name, std::move(each.model), each.weight});
  return way;
}

} // namespace weir::policy
