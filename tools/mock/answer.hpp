// What the mock provider sends for a request, as a script of bytes and pauses. A pure function of plan and
// request.
#pragma once

#include "tools/mock/plan.hpp"
#include "tools/mock/stream.hpp"
#include "transport/server.hpp"

#include <weir/api.hpp>

#include <memory>

namespace weir::mock {

/// A script and what the log says of it.
struct answer {
  transport::script steps;
  int status = 200;
  const fault* struck = nullptr; ///< the fault that hit, or null
  std::string model;
  api_kind dialect = api_kind::chat;
  bool stream = false;                           ///< it was asked for one
  std::optional<std::uint64_t> chunks = 0;       ///< of a stream, as planned; nothing: it has no end
  std::shared_ptr<const stream_source> source{}; ///< of a stream that is sent chunk by chunk
  std::uint64_t prompt_tokens = 0;
  std::uint64_t completion_tokens = 0;
  std::optional<std::uint64_t> cached_tokens{};    ///< among the prompt's
  std::optional<std::uint64_t> reasoning_tokens{}; ///< among the completion's
  std::string said{};                              ///< what the user said last
  bool billed = false;                             ///< the reply was produced whole, even if it was then cut
};

/// The answer to `POST …/chat/completions` or `POST …/messages` number `number`. `created` is the reply's
/// time in Unix seconds; `age` is when the request came, since the mock's start.
answer answer_chat(const plan& of, const transport::server_request& request, std::uint64_t number,
                   std::int64_t created, milliseconds age = milliseconds{0});

/// The answer to any other request: models, a count of tokens, or 404.
answer answer_other(const plan& of, const transport::server_request& request);

/// Whether a request is a chat call.
bool is_chat(const transport::server_request& request);

} // namespace weir::mock
