// A queue in which those who wait take turns by a key, so that nobody who floods it starves the others, and
// in which a kind that cannot go now keeps no other kind waiting. Knows neither what waits nor how many may:
// its user bounds it.
#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <deque>
#include <map>
#include <optional>
#include <set>
#include <string>
#include <string_view>
#include <utility>

namespace weir::policy {

/// Round robin over keys. Within a key values leave in the order in which they came, but those of a kind that
/// is passed over (`first`) wait while others go. A key all of whose kinds are passed over keeps its turn.
///
/// There is one order of turns over all kinds: each kind lists the keys that wait for it by their turn, and
/// so its first is at hand. An operation takes O(log n) of the keys, times the kinds of the key that it
/// touches; `first` takes one look at each kind that waits, and never at what waits behind.
template <class Value, class Kind>
class fair_queue {
  struct entry {
    std::uint64_t arrival = 0;
    Value value;
  };
  struct lane;
  using lanes = std::map<std::string, lane>;
  using kinds = std::map<Kind, std::deque<entry>>;
  struct lane {
    std::uint64_t turn = 0; ///< the lowest is the next
    std::size_t size = 0;
    kinds waiting; ///< none is empty between calls
  };
  /// Who waits for one kind.
  struct line {
    std::map<std::uint64_t, typename lanes::iterator> turns;
    std::size_t size = 0;
  };

public:
  /// A value at the head of its kind; good until the queue is changed.
  class spot {
  public:
    Value& value() const { return kind_->second.front().value; }

  private:
    friend class fair_queue;
    spot(typename lanes::iterator lane, typename kinds::iterator kind) : lane_(lane), kind_(kind) {}
    auto order() const { return std::pair{lane_->second.turn, kind_->second.front().arrival}; }

    typename lanes::iterator lane_;
    typename kinds::iterator kind_;
  };

  bool empty() const noexcept { return size_ == 0; }
  std::size_t size() const noexcept { return size_; }

  /// Adds a value as the last of its key. A key that had none takes its turn after all others.
  void push(const std::string& key, const Kind& kind, Value value) {
    const auto [at, added] = lanes_.try_emplace(key);
    if (added)
      at->second.turn = ++last_turn_;
    change(at, [&](lane& where) { where.waiting[kind].push_back({++last_arrival_, std::move(value)}); });
  }

  /// The first in turn of those kinds whose head `may(value)` go. Nothing: none may.
  template <class May>
  std::optional<spot> first(May may) const {
    std::optional<spot> best;
    for (const auto& [kind, who] : lines_)
      if (const spot head = head_of(kind, who); (!best || head.order() < best->order()) && may(head.value()))
        best = head;
    return best;
  }

  /// Takes what `first` found; the turn passes on to the next key.
  Value pop(const spot& which) {
    Value taken = std::move(which.value());
    change(which.lane_, [&](lane& where) {
      which.kind_->second.pop_front();
      where.turn = ++last_turn_;
    });
    return taken;
  }

  /// How many of this key wait.
  std::size_t waiting(const std::string& key) const {
    const auto found = lanes_.find(key);
    return found == lanes_.end() ? 0 : found->second.size;
  }
  /// How many of this key and this kind.
  std::size_t waiting(const std::string& key, const Kind& kind) const {
    const auto found = lanes_.find(key);
    if (found == lanes_.end())
      return 0;
    const auto of = found->second.waiting.find(kind);
    return of == found->second.waiting.end() ? 0 : of->second.size();
  }
  /// How many of this kind, of all keys.
  std::size_t waiting_for(const Kind& kind) const {
    const auto found = lines_.find(kind);
    return found == lines_.end() ? 0 : found->second.size;
  }

  /// At the most so many will be taken before one that joins this key now, of the kinds whose head `counts`.
  template <class Counts>
  std::size_t ahead_of(const std::string& key, Counts counts) const {
    const auto self = lanes_.find(key);
    std::size_t all = 0;
    std::size_t own = 0;
    std::size_t others = 0; // a key that waits for several kinds is counted for each of them
    for (const auto& [kind, who] : lines_) {
      if (!counts(head_of(kind, who).value()))
        continue;
      all += who.size;
      others += who.turns.size();
      if (const std::size_t mine = self == lanes_.end() ? 0 : waiting(key, kind); mine != 0) {
        own += mine;
        --others;
      }
    }
    others = std::min(others, lanes_.size() - (self == lanes_.end() ? 0 : 1));
    return std::min(all, own + others * (own + 1));
  }

  /// The most that wait of one key.
  std::size_t longest() const noexcept { return lengths_.empty() ? 0 : lengths_.rbegin()->first; }
  /// The most that wait of one kind of this key.
  std::size_t longest_of(const std::string& key) const {
    const auto found = lanes_.find(key);
    return found == lanes_.end() ? 0 : longest_kind(found->second)->second.size();
  }

  /// Takes the newest value of the key of which most wait, of its kind of which most wait. The queue must not
  /// be empty.
  Value pop_newest_of_longest() {
    const auto at = lanes_.find(std::string(lengths_.rbegin()->second));
    const auto kind = longest_kind(at->second);
    Value taken = std::move(kind->second.back().value);
    change(at, [&](lane&) { kind->second.pop_back(); });
    return taken;
  }

  /// Removes what `drop(value)` says true of; it may move the value out.
  template <class Drop>
  void erase_if(Drop drop) {
    for (auto at = lanes_.begin(); at != lanes_.end();) {
      const auto here = at++;
      std::size_t gone = 0;
      for (auto& [kind, values] : here->second.waiting) {
        const std::size_t some = std::erase_if(values, [&drop](entry& each) { return drop(each.value); });
        lines_.find(kind)->second.size -= some;
        gone += some;
      }
      if (gone != 0)
        change(here, [](lane&) {});
    }
  }

  /// Shows the head of each kind.
  template <class See>
  void for_each_head(See see) const {
    for (const auto& [kind, who] : lines_)
      see(head_of(kind, who).value());
  }

  /// Shows every value, in no order that means anything.
  template <class See>
  void for_each(See see) const {
    for (const auto& [key, where] : lanes_)
      for (const auto& [kind, values] : where.waiting)
        for (const entry& each : values)
          see(each.value);
  }

private:
  static spot head_of(const Kind& kind, const line& who) {
    const auto at = who.turns.begin()->second;
    return {at, at->second.waiting.find(kind)};
  }

  template <class Lane>
  static auto longest_kind(Lane& where) {
    return std::max_element(
        where.waiting.begin(), where.waiting.end(),
        [](const auto& one, const auto& other) { return one.second.size() < other.second.size(); });
  }

  /// Keeps the books while a lane changes, and ends it when it is empty.
  template <class Change>
  void change(typename lanes::iterator at, Change alter) {
    lane& where = at->second;
    leave(at);
    alter(where);
    std::erase_if(where.waiting, [](const auto& each) { return each.second.empty(); });
    join(at);
  }

  void leave(typename lanes::iterator at) {
    lengths_.erase({at->second.size, at->first});
    size_ -= at->second.size;
    for (const auto& [kind, values] : at->second.waiting) {
      const auto who = lines_.find(kind);
      who->second.turns.erase(at->second.turn);
      who->second.size -= values.size();
      if (who->second.turns.empty())
        lines_.erase(who);
    }
  }

  void join(typename lanes::iterator at) {
    lane& where = at->second;
    where.size = 0;
    for (const auto& [kind, values] : where.waiting) {
      line& who = lines_[kind];
      who.turns.emplace(where.turn, at);
      who.size += values.size();
      where.size += values.size();
    }
    size_ += where.size;
    if (where.size == 0)
      lanes_.erase(at);
    else
      lengths_.insert({where.size, at->first});
  }

  lanes lanes_;
  std::map<Kind, line> lines_;                                 ///< none is empty between calls
  std::set<std::pair<std::size_t, std::string_view>> lengths_; ///< and keys, which stand in `lanes_`
  std::uint64_t last_turn_ = 0;
  std::uint64_t last_arrival_ = 0;
  std::size_t size_ = 0;
};

} // namespace weir::policy
