// Properties of requests that a server has read: they can be judged, counted, and said to any provider.
// Knows neither dialect; each server reads its own.
#pragma once

#include "fuzzing.hpp"

#include <weir/chat.hpp>

namespace weir::fuzzing {

/// What was read is checked, counted, and encoded for all APIs; what a refusal says is checked too.
void check_request(const result<chat_request>& request);

} // namespace weir::fuzzing
