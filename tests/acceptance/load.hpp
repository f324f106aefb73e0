// Load: callers that call one time after the other, until they are told to stop or the process is killed.
// Knows no provider and no fault: what is called, and how, is told.
#pragma once

#include "protocols/json.hpp"

#include <weir/chat.hpp>
#include <weir/runtime.hpp>

#include <atomic>
#include <chrono>
#include <cstdint>
#include <memory>
#include <string>
#include <vector>

namespace weir::driving {

/// A call that is made again and again.
struct load_template {
  chat_request request;
  milliseconds cancel_after{0}; ///< the call is cancelled so much later; 0: never
};

/// What the callers of one load share.
struct load_run {
  std::uint64_t n = 0; ///< of the command, for the answers
  std::string prefix;
  std::vector<load_template> chats;
  std::uint64_t most = 0; ///< calls; 0: no bound
  std::atomic<bool> stop{false};
  std::atomic<std::uint64_t> begun{0};
  std::atomic<std::uint64_t> callers{0}; ///< that have not ended
};

/// Starts the callers of `{"load":{"callers":24,"calls":0,"prefix":"7-","chats":[…]}}`. Call number k, from
/// 0, is that of template k modulo their number; its name, prefix and k, stands before the words of its last
/// message and is its tag `call`. Each ended call is answered with `call`, `success`, `error` and `attempts`
/// ([id, provider, error] each); the end of the last caller with `ended`. Errors: `invalid_request`.
result<std::shared_ptr<load_run>> start_load(runtime& weir, std::uint64_t n,
                                             const protocols::json_value& load);

} // namespace weir::driving
