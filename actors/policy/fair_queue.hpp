// A queue in which those who wait take turns by a key, so that nobody who floods it starves the others.
// Knows neither what waits nor how many may: its user bounds it.
#pragma once

#include <algorithm>
#include <cstddef>
#include <deque>
#include <list>
#include <map>
#include <set>
#include <string>
#include <string_view>
#include <utility>

namespace weir::policy {

/// Round robin over keys, first in first out within a key. Each operation takes O(log n) of the keys at the
/// worst, but for those that visit all values.
template <class Value>
class fair_queue {
public:
  bool empty() const noexcept { return size_ == 0; }
  std::size_t size() const noexcept { return size_; }

  /// Adds a value as the last of its key. A key that had none takes its turn after all others.
  void push(const std::string& key, Value value) {
    const auto [at, added] = lanes_.try_emplace(key);
    lane& where = at->second;
    if (added)
      where.turn = turns_.insert(turns_.end(), at);
    else
      lengths_.erase({where.values.size(), at->first});
    where.values.push_back(std::move(value));
    lengths_.insert({where.values.size(), at->first});
    ++size_;
  }

  /// Whose turn it is. The queue must not be empty.
  Value& front() { return turns_.front()->second.values.front(); }
  const Value& front() const { return turns_.front()->second.values.front(); }

  /// Takes the front; the turn passes on to the next key. The queue must not be empty.
  Value pop() {
    const auto at = turns_.front();
    lane& where = at->second;
    Value taken = std::move(where.values.front());
    turns_.splice(turns_.end(), turns_, where.turn);
    shrink(at, [&where] { where.values.pop_front(); });
    return taken;
  }

  /// How many of this key wait.
  std::size_t waiting(const std::string& key) const {
    const auto found = lanes_.find(key);
    return found == lanes_.end() ? 0 : found->second.values.size();
  }

  /// At the most so many will be taken before one that joins this key now.
  std::size_t ahead_of(const std::string& key) const {
    const std::size_t own = waiting(key);
    const std::size_t others = lanes_.size() - (own == 0 ? 0 : 1);
    return std::min(size_, own + others * (own + 1));
  }

  /// The most that wait of one key.
  std::size_t longest() const noexcept { return lengths_.empty() ? 0 : lengths_.rbegin()->first; }

  /// Takes the newest value of the key of which most wait. The queue must not be empty.
  Value pop_newest_of_longest() {
    const auto at = lanes_.find(std::string(lengths_.rbegin()->second));
    lane& where = at->second;
    Value taken = std::move(where.values.back());
    shrink(at, [&where] { where.values.pop_back(); });
    return taken;
  }

  /// Removes what `drop(value)` says true of; it may move the value out.
  template <class Drop>
  void erase_if(Drop drop) {
    for (auto at = lanes_.begin(); at != lanes_.end();) {
      const auto here = at++;
      lane& where = here->second;
      shrink(here, [&] { std::erase_if(where.values, drop); });
    }
  }

  /// Shows every value, in no order that means anything.
  template <class See>
  void for_each(See see) const {
    for (const auto& [key, where] : lanes_)
      for (const Value& each : where.values)
        see(each);
  }

private:
  struct lane;
  using lanes = std::map<std::string, lane>;
  struct lane {
    std::deque<Value> values; ///< never empty between calls
    typename std::list<typename lanes::iterator>::iterator turn{};
  };

  /// Keeps the books while a lane loses values, and ends it when it has none.
  template <class Change>
  void shrink(typename lanes::iterator at, Change change) {
    lane& where = at->second;
    const std::size_t before = where.values.size();
    lengths_.erase({before, at->first});
    change();
    size_ -= before - where.values.size();
    if (where.values.empty()) {
      turns_.erase(where.turn);
      lanes_.erase(at);
    } else {
      lengths_.insert({where.values.size(), at->first});
    }
  }

  lanes lanes_;
  std::list<typename lanes::iterator> turns_;                  ///< the next first
  std::set<std::pair<std::size_t, std::string_view>> lengths_; ///< and keys, which stand in `lanes_`
  std::size_t size_ = 0;
};

} // namespace weir::policy
