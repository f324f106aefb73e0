// The list of models, which all APIs write alike.
// Knows no codec.
#pragma once

#include "protocols/http_message.hpp"

#include <weir/error.hpp>
#include <weir/names.hpp>

#include <vector>

namespace weir::protocols {

/// The models in a successful response: `{"data": [{"id": …}, …]}`, or the bare array. Entries without an id
/// are passed over. Errors: a list that is none.
result<std::vector<model_name>> decode_model_list(const http_response& response);

} // namespace weir::protocols
