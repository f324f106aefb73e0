// Requests as they are sent.
#include "actors/open_call.hpp"

#include "actors/policy/routing.hpp"

#include <algorithm>
#include <utility>

namespace weir::actors {

namespace {

chat_reply unanswered() {
  chat_reply reply;
  reply.error = make_failure(errc::cancelled, "weir ended before the call did");
  return reply;
}

rescue_policy rescue_of(const call& work) {
  if (!work.sink)
    return rescue_policy::fail; // nothing is shown, so nothing has to be rescued: any attempt may answer
  return work.request->rescue.value_or(
      work.route == nullptr ? rescue_policy::fail : work.route->rescue.value_or(rescue_policy::fail));
}

/// Where the white space at a text's end begins.
std::size_t end_of_text(const std::string& text) {
  return text.find_last_not_of(" \t\r\n") + 1;
}

} // namespace

open_call::open_call(call work_, std::uint64_t serial_, caf::typed_response_promise<chat_reply> promise)
    : work(std::move(work_)), serial(serial_), answer(std::move(promise), &unanswered),
      plan(work.candidates.size()), rescue(rescue_of(work)) {}

bool open_call::can_continue(const route_candidate& where) const {
  const model_config* const model = policy::model_at(*work.config, where);
  return model != nullptr && model->supports_prefill;
}

std::string open_call::gap() const {
  return shown.substr(end_of_text(shown));
}

void open_call::take_up(std::string_view content) {
  const std::string had = gap();
  const auto repeated = std::ranges::mismatch(had, content).in2 - content.begin();
  shown += content.substr(static_cast<std::size_t>(repeated));
}

std::shared_ptr<const chat_request> open_call::request_for(const route_candidate& where) {
  const bool gathers = work.request->gather || rescue == rescue_policy::fail;
  if (where.model == work.request->model && shown.empty() && gathers)
    return work.request;
  if (adapted_ && adapted_->model == where.model && adapted_shown_ == shown.size())
    return adapted_;
  auto made = std::make_shared<chat_request>(*work.request);
  made->model = where.model;
  // What may have to be replaced, or gone on from, must be known.
  made->gather |= rescue != rescue_policy::fail;
  if (!shown.empty()) {
    // Anthropic refuses a last message of the assistant's that ends in white space.
    made->messages.push_back(make_message(role::assistant, shown.substr(0, end_of_text(shown))));
  }
  adapted_ = std::move(made);
  adapted_shown_ = shown.size();
  return adapted_;
}

} // namespace weir::actors
