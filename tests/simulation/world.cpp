// Exchanges in virtual time. Every end goes through `end`, so that there is exactly one.
#include "tests/simulation/world.hpp"

#include <algorithm>
#include <stdexcept>
#include <utility>

namespace weir::simulation {

namespace {

using std::chrono::microseconds;
using std::chrono::milliseconds;

failure broken(errc type, outcome fate, const char* words) {
  failure made = make_failure(type, words);
  made.fate = fate;
  return made;
}

} // namespace

transport::exchange_id world::post(std::shared_ptr<const transport::endpoint> to, http_request request,
                                   milliseconds total, transport::exchange_handler done) {
  exchange made;
  made.done = std::move(done);
  return begin(std::move(to), request, total, false, std::move(made));
}

transport::exchange_id world::stream(std::shared_ptr<const transport::endpoint> to, http_request request,
                                     milliseconds total,
                                     std::shared_ptr<transport::stream_receiver> receiver) {
  exchange made;
  made.receiver = std::move(receiver);
  return begin(std::move(to), request, total, true, std::move(made));
}

world::id world::begin(std::shared_ptr<const transport::endpoint> to, const http_request& request,
                       milliseconds total, bool streamed, exchange made) {
  if (const auto bomb = bombs_.find(to->host); bomb != bombs_.end() && bomb->second != 0) {
    --bomb->second;
    seen_.blew_up(to->host);
    throw std::runtime_error("the network blew up");
  }
  const id number = ++last_;
  made.to = std::move(to);
  made.what.number = number;
  made.what.host = made.to->host;
  made.what.said = read_request(request);
  made.what.streamed = streamed;
  made.what.at = time_.now();
  made.what.limit = total;
  made.what.in_flight = ++in_flight_[made.what.host];
  seen_.posted(made.what);
  const question asks{made.what.said, streamed, number, made.what.at, time_.wall(), made.what.in_flight};
  static const host_plan healthy;
  const auto planned = plans_.find(made.what.host);
  made.by =
      decider ? decider(asks) : decide(random_, planned == plans_.end() ? healthy : planned->second, asks);
  const exchange& kept = open_.emplace(number, std::move(made)).first->second;
  schedule(number, kept);
  return number;
}

void world::later(id which, microseconds in, void (world::*what)(id)) {
  events_.at(time_.now() + in, [this, which, what] { (this->*what)(which); });
}

void world::schedule(id which, const exchange& made) {
  const answer& by = made.by;
  const microseconds first_byte = std::min<microseconds>(made.what.limit, made.to->first_byte_timeout);
  if (by.billed && by.delay > by.connected)
    later(which, by.connected + (by.delay - by.connected) / 2, &world::bill);
  if (by.never || by.delay >= first_byte)
    return later(which, first_byte, &world::time_out);
  later(which, by.delay, by.breaks ? &world::break_off : &world::arrive);
  // Whatever holds a stream up, its time is bounded.
  if (made.receiver)
    later(which, made.what.limit, &world::time_out);
}

/// The host works on although the client gave up in half of the cases: it may not have noticed.
void world::bill(id which) {
  const auto found = open_.find(which);
  if (found == open_.end() || !found->second.by.billed)
    return;
  if (found->second.given_up && random_.chance(500)) {
    found->second.by.billed = false;
    return;
  }
  found->second.is_billed = true;
  seen_.billed(found->second.what, found->second.by.text);
}

void world::break_off(id which) {
  if (const auto found = open_.find(which); found != open_.end())
    end(which, failure(*found->second.by.breaks), false, found->second.by.label);
}

void world::time_out(id which) {
  const auto found = open_.find(which);
  if (found == open_.end())
    return;
  const bool sent = time_.now() >= found->second.what.at + std::min<microseconds>(found->second.by.connected,
                                                                                  milliseconds{60'000});
  end(which, broken(errc::timeout, sent ? outcome::unknown : outcome::not_sent, "out of time"), false,
      "time out");
}

void world::arrive(id which) {
  const auto found = open_.find(which);
  if (found == open_.end() || found->second.given_up)
    return;
  exchange& it = found->second;
  if (it.by.whole && !it.by.streamed)
    seen_.answered_well(it.what);
  if (!it.receiver) {
    const bool whole = it.by.whole;
    const std::string label = it.by.label;
    return end(which, std::move(it.by.head), whole, label);
  }
  http_response head = it.by.head;
  head.body.clear();
  it.receiver->on_head(std::move(head));
  if (!it.by.streamed) {
    if (!it.by.head.body.empty())
      it.receiver->on_body(it.by.head.body);
    return end_stream(which);
  }
  send_piece(which);
}

void world::send_piece(id which) {
  const auto found = open_.find(which);
  if (found == open_.end() || found->second.given_up)
    return;
  exchange& it = found->second;
  if (it.next_piece == it.by.pieces.size())
    return it.by.stalls ? later(which, microseconds{it.to->idle_timeout}, &world::time_out)
                        : end_stream(which);
  if (it.held >= it.to->stream_window) {
    it.paused = true;
    return;
  }
  const std::string& piece = it.by.pieces[it.next_piece++];
  it.held += piece.size();
  if (it.by.whole && it.next_piece == it.by.pieces.size())
    seen_.answered_well(it.what);
  // Pieces may be cut anywhere.
  if (piece.size() > 1 && random_.chance(200)) {
    const auto cut = static_cast<std::size_t>(1 + random_.below(piece.size() - 1));
    it.receiver->on_body(piece.substr(0, cut));
    it.receiver->on_body(piece.substr(cut));
  } else {
    it.receiver->on_body(piece);
  }
  later(which, it.by.gap, &world::send_piece);
}

void world::end_stream(id which) {
  exchange& it = open_.find(which)->second;
  if (it.by.broken_end)
    return end(which, failure(*it.by.broken_end), false, it.by.label);
  http_response head = std::move(it.by.head);
  head.body.clear();
  const bool whole = it.by.whole;
  end(which, std::move(head), whole, std::string(it.by.label));
}

void world::grant(transport::exchange_id which, std::size_t bytes) {
  const auto found = open_.find(which);
  if (found == open_.end())
    return;
  exchange& it = found->second;
  it.held -= std::min(it.held, bytes);
  if (std::exchange(it.paused, false))
    later(which, microseconds{100}, &world::send_piece);
}

void world::release(transport::exchange_id which) {
  const auto found = open_.find(which);
  if (found == open_.end() || found->second.given_up)
    return;
  found->second.given_up = true;
  --in_flight_[found->second.what.host];
  later(which, microseconds{random_.between(0, 3'000)}, &world::end_released);
}

void world::end_released(id which) {
  const auto found = open_.find(which);
  if (found == open_.end())
    return;
  const answer& by = found->second.by;
  const bool whole = by.whole && found->second.next_piece == by.pieces.size();
  end(which, http_response{200, {}, {}}, whole, "released");
}

void world::cancel(transport::exchange_id which) {
  const auto found = open_.find(which);
  if (found == open_.end() || found->second.given_up)
    return;
  found->second.given_up = true;
  --in_flight_[found->second.what.host];
  later(which, microseconds{random_.between(0, 3'000)}, &world::answer_cancelled);
}

/// What is cancelled may have been answered at the same moment.
void world::answer_cancelled(id which) {
  const auto found = open_.find(which);
  if (found == open_.end())
    return;
  exchange& it = found->second;
  const auto age = time_.now() - it.what.at;
  if (!it.receiver && it.by.whole && age >= it.by.connected && random_.chance(100)) {
    if (!it.is_billed)
      seen_.billed(it.what, it.by.text);
    return end(which, std::move(it.by.head), true, "answered as it was cancelled");
  }
  const bool sent = age >= std::min<microseconds>(it.by.connected, std::chrono::hours{1});
  end(which, broken(errc::cancelled, sent ? outcome::unknown : outcome::not_sent, "cancelled"), false,
      "cancelled");
}

void world::end(id which, result<http_response> how, bool complete, std::string_view words) {
  auto taken = open_.extract(which);
  exchange& it = taken.mapped();
  if (!it.given_up)
    --in_flight_[it.what.host];
  seen_.ended(it.what, it.by, complete, words);
  transport::exchange last;
  last.response = std::move(how);
  last.total = std::chrono::duration_cast<microseconds>(time_.now() - it.what.at);
  if (it.receiver)
    it.receiver->on_end(std::move(last));
  else
    it.done(std::move(last));
}

void world::heal() {
  plans_.clear();
  bombs_.clear();
}

std::uint32_t world::in_flight(const std::string& host) const {
  const auto found = in_flight_.find(host);
  return found == in_flight_.end() ? 0 : found->second;
}

void world::forget() {
  open_.clear();
  decider = nullptr;
}

} // namespace weir::simulation
