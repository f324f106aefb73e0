// The invariants that can be seen at a history's end: the books against calls and bills, and the world at
// rest.
#include "tests/simulation/judge.hpp"

#include <algorithm>
#include <charconv>

namespace weir::simulation {

namespace {

std::optional<std::uint64_t> post_of(const usage_record& record) {
  if (!record.request_id.starts_with("rq-"))
    return std::nullopt;
  std::uint64_t number = 0;
  std::from_chars(record.request_id.data() + 3, record.request_id.data() + record.request_id.size(), number);
  return number;
}

bool may_have_cost(const usage_record& record) {
  return record.state == record_state::unknown || (record.state == record_state::settled && record.success);
}

/// Of one call at one host.
struct account {
  std::uint64_t posts = 0;
  std::uint64_t billed = 0;
  std::uint64_t records = 0;
  std::uint64_t costly = 0; ///< records that can hold a bill
};

} // namespace

void judge::saw_last(const health_report& health, bool settled) {
  if (health.calls_in_flight != 0)
    blame("counters_come_back_to_zero", fmt::format("{} calls are in flight", health.calls_in_flight));
  if (health.ledger.pending != 0)
    blame("counters_come_back_to_zero", fmt::format("{} records are pending", health.ledger.pending));
  for (const provider_health& each : health.providers) {
    if (each.in_flight != 0 || each.queued != 0)
      blame("counters_come_back_to_zero",
            fmt::format("{} in flight and {} queued at {}", each.in_flight, each.queued, each.name.str()));
    if (settled)
      check_breakers(each);
  }
}

void judge::check_breakers(const provider_health& provider) {
  // While a key rests, calls fail without a word about the provider.
  if (std::ranges::any_of(provider.keys, [](const key_health& each) { return each.resting != errc::none; }))
    return;
  const provider_config* const config = configs_.back().second->find(provider.name);
  if (provider.breakers.empty() && provider.breaker != breaker_state::closed)
    blame("breakers_recover",
          fmt::format("that of {} is {}", provider.name.str(), to_string(provider.breaker)));
  for (const breaker_health& each : provider.breakers)
    if (each.state != breaker_state::closed && config != nullptr &&
        find_model(*config, each.model) != nullptr)
      blame("breakers_recover", fmt::format("that of {} and {} is {}", provider.name.str(), each.model.str(),
                                            to_string(each.state)));
}

void judge::conclude(const std::vector<usage_record>& records) {
  for (const call_state& call : calls_) {
    if (!call.answered)
      blame("every_call_ends_once", fmt::format("call {} has no reply", call.plan.number));
    else if (call.plan.streamed)
      check_shown(call);
  }
  check_books(records);
  check_bills(records);
  if (const std::size_t open = books_->open_intents().size(); open != 0)
    blame("every_intent_has_an_end", fmt::format("{} are open", open));
}

void judge::check_shown(const call_state& call) {
  const bool hears_all =
      call.plan.sink == manner::prompt || call.plan.sink == manner::slow || call.plan.sink == manner::stalls;
  if (!hears_all || call.plan.uses_tools)
    return;
  if (call.success && call.text != call.content)
    blame("the_sink_has_the_reply", fmt::format("call {}: the sink has {} bytes, the reply {}",
                                                call.plan.number, call.text.size(), call.content.size()));
  const bool broke = call.error == errc::network || call.error == errc::server_error;
  if (!call.success && broke && !call.may_rescue && call.text != call.content)
    blame("a_failed_reply_has_what_was_shown",
          fmt::format("call {}: the sink has {} bytes, the reply {}", call.plan.number, call.text.size(),
                      call.content.size()));
}

/// Every attempt of a reply stands in the books once, and nothing else does.
void judge::check_books(const std::vector<usage_record>& records) {
  std::set<attempt_id> told;
  for (const call_state& call : calls_)
    for (const attempt_id& each : call.attempts)
      if (!told.insert(each).second)
        blame("attempts_have_one_id", fmt::format("call {}", call.plan.number));
  std::set<attempt_id> booked;
  for (const usage_record& each : records) {
    if (!booked.insert(each.id).second)
      blame("every_attempt_is_booked_once", fmt::format("{} is booked twice", to_string(each.id)));
    const call_state* const call = find(call_of(each).value_or(calls_.size()));
    if (call == nullptr)
      blame("every_attempt_is_booked_once", fmt::format("{} belongs to no call", to_string(each.id)));
    else if (!call->plan.uses_tools && call->answered && !told.contains(each.id))
      blame("every_attempt_is_booked_once",
            fmt::format("an attempt of call {} at {} is booked, and not in its reply", call->plan.number,
                        each.provider.str()));
  }
  for (const attempt_id& each : told)
    if (!booked.contains(each))
      blame("every_attempt_is_booked_once", fmt::format("{} is not booked", to_string(each)));
}

/// What the hosts have done stands in the books, as what it is.
void judge::check_bills(const std::vector<usage_record>& records) {
  std::map<std::pair<std::uint64_t, std::string>, account> accounts;
  for (const bill& each : bills_) {
    account& of = accounts[{each.call, each.host}];
    ++of.posts;
    of.billed += each.billed ? 1 : 0;
  }
  std::set<std::uint64_t> named;
  for (const usage_record& each : records) {
    account& of = accounts[{call_of(each).value_or(0), each.provider.str()}];
    ++of.records;
    of.costly += may_have_cost(each) ? 1 : 0;
    const auto number = post_of(each);
    if (!number) {
      if (each.success)
        blame("records_name_their_request", fmt::format("{} is a success without", to_string(each.id)));
      continue;
    }
    if (!named.insert(*number).second || *number == 0 || *number > bills_.size() ||
        bills_[static_cast<std::size_t>(*number - 1)].host != each.provider.str() ||
        bills_[static_cast<std::size_t>(*number - 1)].call != call_of(each)) {
      blame("records_name_their_request", fmt::format("post {} of another, or twice", *number));
      continue;
    }
    const bill& paid = bills_[static_cast<std::size_t>(*number - 1)];
    if (each.success && paid.whole && paid.text.has_usage &&
        (each.usage.prompt_tokens != paid.text.prompt_tokens ||
         each.usage.completion_tokens != paid.text.completion_tokens))
      blame("usage_is_as_billed", fmt::format("post {}: {} + {} tokens are booked, {} + {} were used",
                                              *number, each.usage.prompt_tokens, each.usage.completion_tokens,
                                              paid.text.prompt_tokens, paid.text.completion_tokens));
  }
  for (const auto& [who, of] : accounts) {
    if (of.posts > of.records)
      blame("every_post_is_booked",
            fmt::format("call {} at {}: {} posts, {} records", who.first, who.second, of.posts, of.records));
    if (of.billed > of.costly)
      blame("the_bill_is_in_the_books", fmt::format("call {} at {}: {} billed, {} records may hold them",
                                                    who.first, who.second, of.billed, of.costly));
  }
}

} // namespace weir::simulation
