// Where memory runs out in the ledger: a failure that passes, as a full disk is.
// Knows no ledger.
#pragma once

#include <weir/error.hpp>

#include <new>
#include <utility>

namespace weir::storage {

/// Does `work() -> result`. Transactions abort on the way out, so what did not fit into memory did not
/// happen. The failure takes no memory itself: its texts are short enough to stand in their strings.
template <class Work>
auto with_memory(Work&& work) -> decltype(work()) {
  try {
    return std::forward<Work>(work)();
  } catch (const std::bad_alloc&) {
    failure failed;
    failed.type = errc::storage;
    failed.message = "out of memory";
    failed.place = "malloc";
    failed.retryable = true;
    return failed;
  }
}

} // namespace weir::storage
