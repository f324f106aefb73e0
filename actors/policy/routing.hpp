// Which providers may answer a request, in which order. A pure function of snapshot and request.
// Knows no breaker and no load: whether a candidate may be asked is decided later.
#pragma once

#include <weir/chat.hpp>
#include <weir/config.hpp>

#include <vector>

namespace weir::policy {

/// Where a request goes: the model that is asked for and the candidates in order, at least one.
struct route {
  model_name model;
  std::vector<route_candidate> candidates;
  const route_config* by = nullptr; ///< of the snapshot; null: found by the model's name
};

/// The entry of a candidate's model in a configuration, or null: its provider is not there or does not list
/// it.
const model_config* model_at(const snapshot& config, const route_candidate& where) noexcept;

/// With a route of the model's name, its candidates, in its order: those of the pinned provider if the
/// request pins one. Without (or when none of its providers is enabled) candidates are, in this order: the
/// default provider, if it offers the model; the enabled providers that list it, in file order; those that
/// list no models at all and so take any, if one before them speaks the same API. A pinned provider is the
/// only candidate. A request without a model gets the first model of the pinned or default provider. Errors:
/// `invalid_request` (no model named and none listed, unknown or disabled provider), `model_not_found`.
result<route> find_route(const snapshot& config, const chat_request& request);

} // namespace weir::policy
