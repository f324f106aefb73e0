// Holding and releasing. The deque is in the order of the records' numbers, since they only grow.
#include "actors/held_answers.hpp"

#include <algorithm>
#include <utility>

namespace weir::actors {

held_answers::~held_answers() {
  const failure ended = make_failure(errc::cancelled, "the books were closed before the record was in them");
  for (entry& each : held_)
    if (auto* const record = std::get_if<of_record>(&each.what))
      record->who.deliver(to_error(ended));
    else
      answer(each);
}

void held_answers::hold(std::uint64_t number, booked_promise who, bool is_intent) {
  held_.push_back({number, of_record{std::move(who), is_intent}});
}

void held_answers::hold(std::uint64_t number, end_promise who, attempt_end end) {
  held_.push_back({number, of_attempt{std::move(who), std::move(end)}});
}

void held_answers::answer(entry& each) {
  if (auto* const record = std::get_if<of_record>(&each.what))
    record->who.deliver(booked{});
  else if (auto* const attempt = std::get_if<of_attempt>(&each.what))
    attempt->who.deliver(std::move(attempt->end));
}

void held_answers::release(std::uint64_t number) {
  for (; !held_.empty() && held_.front().number <= number; held_.pop_front())
    answer(held_.front());
}

void held_answers::release_all() {
  for (; !held_.empty(); held_.pop_front())
    answer(held_.front());
}

void held_answers::refuse_intents(const failure& why) {
  std::erase_if(held_, [&](entry& each) {
    auto* const record = std::get_if<of_record>(&each.what);
    if (record == nullptr || !record->is_intent)
      return false;
    record->who.deliver(to_error(why));
    return true;
  });
}

void held_answers::refuse(std::uint64_t number, const failure& why) {
  const auto found = std::ranges::lower_bound(held_, number, {}, &entry::number);
  if (found == held_.end() || found->number != number)
    return;
  if (auto* const record = std::get_if<of_record>(&found->what))
    record->who.deliver(to_error(why));
  else
    answer(*found);
  held_.erase(found);
}

} // namespace weir::actors
