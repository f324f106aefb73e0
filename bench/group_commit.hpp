// Group commit in its least form: one writer thread, and everything that has gathered meanwhile is the next
// transaction. Knows stores and no calls.
#pragma once

#include "bench/row_store.hpp"

#include <condition_variable>
#include <cstdint>
#include <functional>
#include <memory>
#include <mutex>
#include <stop_token>
#include <thread>
#include <utility>
#include <vector>

namespace weir::bench {

class group_commit {
public:
  explicit group_commit(std::unique_ptr<row_store> store)
      : store_(std::move(store)), writer_([this](const std::stop_token& stop) { write(stop); }) {}
  group_commit(const group_commit&) = delete;
  group_commit& operator=(const group_commit&) = delete;

  /// Writes a new row, or the final figures of one that is there, and then says on the writer's thread
  /// whether it is durable. From any thread.
  void add(usage_record record, bool fresh, std::function<void(bool)> done) {
    {
      const std::lock_guard hold(lock_);
      (fresh ? pending_.fresh : pending_.settled).push_back(std::move(record));
      pending_.done.push_back(std::move(done));
    }
    wake_.notify_one();
  }

private:
  struct batch {
    std::vector<usage_record> fresh;
    std::vector<usage_record> settled;
    std::vector<std::function<void(bool)>> done;
  };

  void write(const std::stop_token& stop) {
    batch taken;
    for (;;) {
      {
        std::unique_lock hold(lock_);
        wake_.wait(hold, stop, [this] { return !pending_.done.empty(); });
        if (pending_.done.empty())
          return;
        std::swap(taken, pending_);
      }
      const bool durable = store_->insert_and_settle(taken.fresh, taken.settled).has_value();
      for (const auto& each : taken.done)
        each(durable);
      taken.fresh.clear();
      taken.settled.clear();
      taken.done.clear();
    }
  }

  std::unique_ptr<row_store> store_;
  std::mutex lock_;
  std::condition_variable_any wake_;
  batch pending_;
  std::jthread writer_; // last: it ends before what it uses
};

} // namespace weir::bench
