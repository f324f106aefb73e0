// The invariants of the books that can be seen while a history goes on: what is sent was announced, and what
// is answered is settled, on the disk.
#include "tests/simulation/judge.hpp"

#include <algorithm>

namespace weir::simulation {

/// Whether every configuration that may be in force keeps the books strictly.
bool judge::strictly_kept() const {
  for (std::size_t n = configs_.size(); n-- != 0;) {
    const ledger_config& books = configs_[n].second->ledger;
    if (books.durability != durability::strict || !books.refuse_when_broken)
      return false;
    // An attempt keeps nothing of it, but its answer may wait for as long as a disk is broken.
    if (configs_[n].first + std::chrono::minutes{2} < now_())
      break;
  }
  return true;
}

/// Of one call at one host, every post has an intent of its own.
void judge::check_intent(const call_state& call, const post& what) {
  if (!strictly_kept())
    return;
  std::uint64_t ordinal = 1;
  for (const site& each : call.sites)
    if (each.host == what.host)
      ordinal += each.posts;
  if (const std::uint64_t announced = books_->announced(call.plan.number, what.host); announced < ordinal)
    blame("nothing_is_sent_before_its_intent_is_durable",
          fmt::format("post {} is the {}th of call {} to {}, and {} intents are durable", what.number,
                      ordinal, call.plan.number, what.host, announced));
}

void judge::check_settled(const chat_reply& reply) {
  if (!strictly_kept() || !reply.success || reply.metadata.attempts.empty())
    return;
  const auto good = std::ranges::find(reply.metadata.attempts, errc::none, &attempt_info::error);
  if (good != reply.metadata.attempts.end() && !books_->has(good->id))
    blame("an_answer_waits_for_its_settlement", to_string(good->id));
}

} // namespace weir::simulation
