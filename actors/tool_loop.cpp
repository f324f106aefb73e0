// Round by round: ask the model, run what it calls, tell it the results.
#include "actors/tool_loop.hpp"

#include <caf/send.hpp>

#include <algorithm>
#include <exception>
#include <utility>

namespace weir::actors {

namespace {

tool_reply lost() {
  tool_reply gone;
  gone.reply.error = make_failure(errc::cancelled, "weir ended before the call did");
  return gone;
}

failure beyond(std::uint32_t limit, const char* what, const char* place) {
  return make_failure(errc::budget_exceeded,
                      "the model wants more than " + std::to_string(limit) + " " + what, place);
}

/// Runs one function, once, on a thread of its own, since it may block.
tool_actor::behavior_type worker(tool_actor::pointer self, tool_registry::function handler) {
  return {[self, handler = std::move(handler)](const tool_invocation& call) {
    self->quit();
    try {
      return handler(call);
    } catch (const std::exception& error) {
      return tool_result{std::string("The tool failed: ") + error.what(), true};
    } catch (...) {
      return tool_result{"The tool failed.", true};
    }
  }};
}

message to_message(const tool_call& call, tool_result result) {
  message told = make_message(role::tool, std::move(result.content));
  told.tool_call_id = call.id;
  told.is_error = result.is_error;
  return told;
}

} // namespace

tool_loop_actor::behavior_type tool_loop(tool_loop_actor::stateful_pointer<tool_loop_state> self,
                                         manager_actor manager) {
  return self->state.begin(std::move(manager));
}

tool_loop_actor::behavior_type tool_loop_state::begin(manager_actor manager) {
  manager_ = std::move(manager);
  return {
      [this](tool_request& work, delta_sink& sink) { return start(work, std::move(sink)); },
      [this](const cancel_call&) { cancel(); },
  };
}

tool_loop_state::promise tool_loop_state::start(tool_request& work, delta_sink sink) {
  promise answer = self_->make_response_promise<tool_reply>();
  answer_.emplace(answer, lost);
  work_ = std::move(work);
  sink_ = std::move(sink);
  const milliseconds most =
      std::clamp(work_.request.timeout.value_or(longest_wait), milliseconds{0}, longest_wait);
  deadline_ = self_->clock().now() + most;
  told_.cost = std::nullopt;
  if (!work_.tools)
    end(make_failure(errc::invalid_request, "the request has no tools", "tools"));
  else
    next_round();
  return answer;
}

void tool_loop_state::next_round() {
  if (told_.rounds >= work_.limits.max_rounds)
    return end(beyond(work_.limits.max_rounds, "rounds", "max_rounds"));
  const auto left = std::chrono::floor<milliseconds>(deadline_ - self_->clock().now());
  if (left <= milliseconds{0})
    return end(make_failure(errc::timeout, "the loop's deadline passed", "timeout"));
  ++told_.rounds;
  chat_request ask = work_.request;
  ask.gather = true; // the next round sends the reply back
  ask.tools = work_.tools->tools();
  ask.messages.insert(ask.messages.end(), told_.transcript.begin(), told_.transcript.end());
  if (work_.request.timeout)
    ask.timeout = left;
  const auto failed = [this](const caf::error& reason) { end(to_failure(reason)); };
  const auto heard = [this](chat_reply& reply) { hear(std::move(reply)); };
  if (sink_)
    self_->request(manager_, caf::infinite, std::move(ask), sink_).then(heard, failed);
  else
    self_->request(manager_, caf::infinite, std::move(ask)).then(heard, failed);
}

void tool_loop_state::hear(chat_reply reply) {
  count_usage(reply);
  if (!reply.success)
    return end(std::move(reply));
  told_.transcript.push_back(weir::to_message(reply));
  // A pause is the provider's: the turn goes back as it is.
  if (reply.finish_reason == finish_reason::pause) {
    told_.reply = std::move(reply);
    return next_round();
  }
  if (reply.tool_calls.empty())
    return end(std::move(reply));
  // What was cut off by the length must not be run: its last call may be half of one.
  if (reply.finish_reason == finish_reason::length)
    return end(std::move(reply));
  if (reply.tool_calls.size() > work_.limits.max_calls - told_.calls) {
    told_.reply = std::move(reply);
    return end(beyond(work_.limits.max_calls, "calls of tools", "max_calls"));
  }
  told_.calls += static_cast<std::uint32_t>(reply.tool_calls.size());
  calls_ = reply.tool_calls;
  told_.reply = std::move(reply);
  run_tools();
}

void tool_loop_state::run_tools() {
  results_.assign(calls_.size(), std::nullopt);
  begun_ = 0;
  running_ = 0;
  run_more();
}

/// Begins as many calls as may run at once; with the last result the next round begins.
void tool_loop_state::run_more() {
  while (begun_ != calls_.size() && running_ < std::max(work_.limits.max_parallel, 1U)) {
    ++running_;
    run(begun_++);
  }
  if (running_ != 0 || begun_ != calls_.size())
    return;
  for (std::size_t at = 0; at != calls_.size(); ++at)
    told_.transcript.push_back(to_message(calls_[at], std::move(*results_[at])));
  next_round();
}

void tool_loop_state::run(std::size_t at) {
  const tool_call& call = calls_[at];
  if (std::string wrong = work_.tools->objection_to(call); !wrong.empty()) {
    --running_;
    results_[at] = tool_result{std::move(wrong), true};
    return;
  }
  const tool_registry::entry& known = *work_.tools->find(call.name);
  tool_actor runner;
  if (const auto* const handler = std::get_if<tool_registry::function>(&known.handler))
    runner = self_->spawn<caf::detached>(worker, *handler);
  else
    runner = std::get<tool_actor>(known.handler);
  const auto left = std::chrono::ceil<milliseconds>(deadline_ - self_->clock().now());
  const milliseconds limit = std::max(std::min(work_.limits.tool_timeout, left), milliseconds{1});
  self_
      ->request(runner, limit,
                tool_invocation{call.name, call.id, call.arguments.empty() ? "{}" : call.arguments})
      .then([this, at](tool_result& result) { note(at, std::move(result)); },
            [this, at](const caf::error& reason) {
              note(at, {"The tool gave no result: " + to_failure(reason).message, true});
            });
}

void tool_loop_state::note(std::size_t at, tool_result result) {
  results_[at] = std::move(result);
  --running_;
  run_more();
}

void tool_loop_state::count_usage(const chat_reply& reply) {
  const auto add = [](std::optional<std::uint64_t>& sum, std::optional<std::uint64_t> more) {
    if (more)
      sum = sum.value_or(0) + *more;
  };
  token_usage& sum = told_.usage;
  sum.prompt_tokens += reply.usage.prompt_tokens;
  sum.completion_tokens += reply.usage.completion_tokens;
  sum.total_tokens += reply.usage.total_tokens;
  add(sum.cached_tokens, reply.usage.cached_tokens);
  add(sum.cache_write_tokens, reply.usage.cache_write_tokens);
  add(sum.cache_write_1h_tokens, reply.usage.cache_write_1h_tokens);
  add(sum.reasoning_tokens, reply.usage.reasoning_tokens);
  if (reply.usage.source == metering::estimated)
    sum.source = metering::estimated;
  if (!reply.success)
    return;
  if (told_.rounds == 1)
    told_.cost = reply.cost;
  else if (!told_.cost || !reply.cost || told_.cost->unit != reply.cost->unit ||
           __builtin_add_overflow(told_.cost->picos, reply.cost->picos, &told_.cost->picos))
    told_.cost.reset();
}

void tool_loop_state::end(chat_reply reply) {
  told_.reply = std::move(reply);
  answer_->deliver(std::move(told_));
  self_->quit();
}

/// The last reply is kept beside the error: its usage was paid for.
void tool_loop_state::end(failure error) {
  chat_reply last = std::move(told_.reply);
  last.success = false;
  last.error = std::move(error);
  end(std::move(last));
}

void tool_loop_state::cancel() {
  end(make_failure(errc::cancelled, "the call was cancelled"));
}

} // namespace weir::actors
