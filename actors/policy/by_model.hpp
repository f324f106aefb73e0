// A value for each model of a provider, of a bounded number of models.
// Knows nothing of what the value is.
#pragma once

#include <weir/names.hpp>

#include <cstddef>
#include <map>
#include <optional>

namespace weir::policy {

/// Made when it is first asked for. Those beyond the first 256 share one, so that names nobody knows cannot
/// fill the memory.
template <class Value>
class by_model {
public:
  static constexpr std::size_t most = 256;

  /// The model's own, or the shared one.
  Value& of(const model_name& model) {
    if (const auto found = own_.find(model); found != own_.end())
      return found->second;
    if (own_.size() < most)
      return own_[model];
    return shared_ ? *shared_ : shared_.emplace();
  }

  /// Like `of`, but null where there is none yet.
  Value* find(const model_name& model) {
    const auto found = own_.find(model);
    return found != own_.end() ? &found->second : shared_ ? &*shared_ : nullptr;
  }
  const Value* find(const model_name& model) const {
    const auto found = own_.find(model);
    return found != own_.end() ? &found->second : shared_ ? &*shared_ : nullptr;
  }

  /// How many there are, with the shared one.
  std::size_t size() const noexcept { return own_.size() + (shared_ ? 1 : 0); }

  void clear() noexcept {
    own_.clear();
    shared_.reset();
  }

  /// Forgets those of which `drop(value)` says true.
  template <class Drop>
  void erase_if(Drop drop) {
    std::erase_if(own_, [&drop](const auto& each) { return drop(each.second); });
    if (shared_ && drop(*shared_))
      shared_.reset();
  }

  /// Shows each value, in no order that means anything.
  template <class See>
  void for_each(See see) {
    for (auto& [model, value] : own_)
      see(value);
    if (shared_)
      see(*shared_);
  }
  template <class See>
  void for_each(See see) const {
    for (const auto& [model, value] : own_)
      see(value);
    if (shared_)
      see(*shared_);
  }

  /// Those that have one of their own.
  const std::map<model_name, Value>& own() const noexcept { return own_; }

private:
  std::map<model_name, Value> own_;
  std::optional<Value> shared_;
};

} // namespace weir::policy
