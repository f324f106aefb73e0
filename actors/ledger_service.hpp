// The ledger as the accumulator sees it: asynchronous, one writer, questions beside it.
// The real one keeps LMDB on threads of its own; a test's answers at once.
#pragma once

#include "storage/ledger.hpp"

#include <weir/messages.hpp>

#include <functional>
#include <memory>
#include <vector>

namespace weir::actors {

/// Batches are shared: whoever appends keeps them until they are durable, so that a failed append can be
/// repeated.
using record_batch = std::shared_ptr<const std::vector<usage_record>>;

class ledger_service {
public:
  ledger_service() = default;
  ledger_service(const ledger_service&) = delete;
  ledger_service& operator=(const ledger_service&) = delete;
  virtual ~ledger_service() = default;

  /// Appends in one transaction and tells `done`, on a thread of the service's. Batches are written in order.
  virtual void append(record_batch batch, std::function<void(result<storage::append_report>)> done) = 0;

  /// How many attempts of an earlier run were open when the ledger was opened; they are `unknown` now.
  virtual std::uint64_t recovered() const = 0;

  /// Sums up what is durable and tells `done`, on a thread of the service's, beside the writer.
  virtual void summary(usage_filter filter, usage_grouping grouping,
                       std::function<void(result<std::vector<usage_summary>>)> done) = 0;

  /// Writes what is durable to a file and tells `done`, beside the writer and other questions.
  virtual void export_to(export_usage what, std::function<void(result<exported>)> done) = 0;

  /// Makes one step of a clean-up, between batches, and tells `done`.
  virtual void cleanup(storage::cleanup_bounds bounds,
                       std::function<void(result<storage::cleanup_report>)> done) = 0;

  /// Ends what was asked before, then the threads, then the ledger. Nothing may be asked afterwards.
  virtual void close() = 0;
};

/// Opens the ledger of a configuration. Errors: `storage`.
result<std::shared_ptr<ledger_service>> open_ledger_service(const snapshot& config);

} // namespace weir::actors
