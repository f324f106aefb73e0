// LMDB behind three threads: one writes, one answers questions, one writes exports.
// A write transaction blocks for a disk's flush, so it must not run on an actor's thread.
#include "actors/ledger_service.hpp"

#include "protocols/record_writer.hpp"
#include "storage/export_records.hpp"

#include <condition_variable>
#include <deque>
#include <mutex>
#include <thread>
#include <utility>

namespace weir::actors {

namespace {

/// One thread that does jobs in order. Its queue is bounded by who gives jobs: the accumulator has one batch
/// out at a time, and each question is one call of somebody who waits.
class worker {
public:
  worker() : thread_([this] { run(); }) {}
  worker(const worker&) = delete;
  worker& operator=(const worker&) = delete;
  ~worker() { finish(); }

  void give(std::function<void()> job) {
    {
      const std::lock_guard hold(lock_);
      jobs_.push_back(std::move(job));
    }
    wake_.notify_one();
  }

  /// Does what was given, then ends. Idempotent.
  void finish() {
    {
      const std::lock_guard hold(lock_);
      ending_ = true;
    }
    wake_.notify_one();
    if (thread_.joinable())
      thread_.join();
  }

private:
  void run() {
    std::unique_lock hold(lock_);
    for (;;) {
      wake_.wait(hold, [this] { return ending_ || !jobs_.empty(); });
      if (jobs_.empty())
        return;
      const auto job = std::move(jobs_.front());
      jobs_.pop_front();
      hold.unlock();
      job();
      hold.lock();
    }
  }

  std::mutex lock_;
  std::condition_variable wake_;
  std::deque<std::function<void()>> jobs_;
  bool ending_ = false;
  std::thread thread_; // last: it uses the others
};

class lmdb_ledger_service final : public ledger_service {
public:
  lmdb_ledger_service(std::unique_ptr<storage::ledger> ledger, std::uint64_t recovered)
      : ledger_(std::move(ledger)), recovered_(recovered) {}
  ~lmdb_ledger_service() override { close(); }

  std::uint64_t recovered() const override { return recovered_; }

  void append(record_batch batch, std::function<void(result<storage::append_report>)> done) override {
    writer_.give([this, batch = std::move(batch), done = std::move(done)] { done(ledger_->append(*batch)); });
  }

  void summary(usage_filter filter, usage_grouping grouping,
               std::function<void(result<std::vector<usage_summary>>)> done) override {
    reader_.give([this, filter = std::move(filter), grouping = std::move(grouping), done = std::move(done)] {
      done(ledger_->summary(filter, grouping));
    });
  }

  void export_to(export_usage what, std::function<void(result<exported>)> done) override {
    exporter_.give([this, what = std::move(what), done = std::move(done)] {
      const auto written =
          storage::export_records(*ledger_, what.filter, protocols::record_writer(what.format), what.file,
                                  [](const usage_record&) { return true; });
      done(written ? result<exported>(exported{written->records, written->bytes}) : written.error());
    });
  }

  void cleanup(storage::cleanup_bounds bounds,
               std::function<void(result<storage::cleanup_report>)> done) override {
    writer_.give([this, bounds, done = std::move(done)] { done(ledger_->cleanup(bounds)); });
  }

  void close() override {
    writer_.finish();
    reader_.finish();
    exporter_.finish();
    ledger_.reset();
  }

private:
  std::unique_ptr<storage::ledger> ledger_;
  std::uint64_t recovered_;
  worker writer_;
  worker reader_;
  worker exporter_; // may take minutes, and questions must not wait for it
};

} // namespace

result<std::shared_ptr<ledger_service>> open_ledger_service(const snapshot& config) {
  auto opened = storage::ledger::open({.dir = config.usage_data_dir,
                                       .map_bytes = config.ledger.map_bytes,
                                       .rollup_tags = config.ledger.rollup_tags});
  if (!opened)
    return opened.error();
  // Whoever had these open is gone: the ledger has one who books.
  const auto open = (*opened)->close_intents();
  if (!open)
    return open.error();
  return std::shared_ptr<ledger_service>(
      std::make_shared<lmdb_ledger_service>(std::move(*opened), open->size()));
}

} // namespace weir::actors
