// Booking a batch: all of it in one transaction, or nothing.
// Knows no clock and no caller.
#include "storage/booking.hpp"
#include "storage/error_numbers.hpp"
#include "storage/ledger.hpp"
#include "storage/ledger_environment.hpp"
#include "storage/out_of_memory.hpp"

#include <algorithm>
#include <cstddef>
#include <numeric>
#include <optional>
#include <string>
#include <vector>

namespace weir::storage {

namespace {

constexpr std::uint64_t appends_between_checks = 256; // some seconds, at the pace of a busy weir

/// The places of the records in the order of their keys: so rows go into full pages, one after the other.
/// What has one key, an intent and its end, stays in the order given.
std::vector<std::size_t> by_key(std::span<const usage_record> batch) {
  std::vector<std::size_t> order(batch.size());
  std::iota(order.begin(), order.end(), std::size_t{0});
  const auto less = [&](std::size_t left, std::size_t right) {
    const usage_record& one = batch[left];
    const usage_record& other = batch[right];
    return one.time != other.time ? one.time < other.time : one.id < other.id;
  };
  if (!std::ranges::is_sorted(order, less))
    std::ranges::stable_sort(order, less);
  return order;
}

failure read_only(const ledger_options& options) {
  return refuse("ledger " + options.dir.string() + " is open for reading only", "mdb_txn_begin");
}

} // namespace

/// Changes the books by about so many records, in one transaction: `work(booking) -> lmdb::status`. After a
/// failed commit it cannot be known what is on the disk; but a batch given again is known again.
template <class Work>
result<void> ledger::change(std::size_t records, bool needs_headroom, Work&& work) {
  if (env_->options.read_only)
    return read_only(env_->options);
  // A reader that was killed would keep every freed page from being used again.
  if (appends_++ % appends_between_checks == 0)
    (void)env_->clear_dead_readers();
  std::optional<failure> refusal;
  auto booked = env_->run([&](const environment::lease& held) {
    refusal.reset();
    lmdb::transaction txn;
    lmdb::status answer = txn.begin(*held.env, lmdb::access::write);
    if (!answer.ok())
      return answer;
    series_writer names(env_->series, txn, held.tables.series, *held.rollup_tags);
    {
      booking book(txn, held.tables, names, env_->series); // its cursors must go before the commit
      answer = book.begin(records);
      if (answer.ok())
        answer = work(book);
      if (answer.ok() && !book.refusal)
        answer = book.finish();
      refusal = std::move(book.refusal);
    }
    if (answer.ok() && !refusal && needs_headroom)
      answer = env_->check_headroom(txn, held, refusal);
    if (!answer.ok() || refusal)
      return answer;
    answer = txn.commit();
    if (answer.ok())
      names.keep();
    return answer;
  });
  if (refusal)
    return *std::move(refusal);
  return booked;
}

result<append_report> ledger::append(std::span<const usage_record> batch) {
  return with_memory([&]() -> result<append_report> {
    for (const usage_record& record : batch)
      if (auto fits = check_record(record); !fits)
        return fits.error();
    const std::vector<std::size_t> order = by_key(batch);
    append_report report;
    auto done = change(batch.size(), true, [&](booking& book) {
      lmdb::status answer;
      for (const std::size_t at : order)
        if (answer = book.add(batch[at]); !answer.ok() || book.refusal)
          return answer;
      report = book.report;
      return answer;
    });
    if (!done)
      return done.error();
    return report;
  });
}

result<std::vector<usage_record>> ledger::close_intents() {
  return with_memory([&]() -> result<std::vector<usage_record>> {
    std::vector<usage_record> closed;
    auto done = change(0, false, [&](booking& book) {
      closed.clear();
      return book.close_all(closed);
    });
    if (!done)
      return done.error();
    return closed;
  });
}

result<std::size_t> ledger::reprice(std::span<const usage_record> records) {
  return with_memory([&]() -> result<std::size_t> {
    for (const usage_record& record : records)
      if (auto fits = check_record(record); !fits)
        return fits.error();
    std::size_t changed = 0;
    auto done = change(records.size(), true, [&](booking& book) {
      changed = 0;
      lmdb::status answer;
      for (const usage_record& record : records) {
        bool its = false;
        if (answer = book.reprice(record, its); !answer.ok() || book.refusal)
          return answer;
        changed += its ? 1U : 0U;
      }
      return answer;
    });
    if (!done)
      return done.error();
    return changed;
  });
}

} // namespace weir::storage
