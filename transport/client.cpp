// The client: threads, each with its own connections. An endpoint belongs to one thread, so pools need no
// lock.
#include "transport/client.hpp"

#include "transport/connection.hpp"
#include "transport/pool.hpp"
#include "transport/resolver.hpp"

#include <boost/asio/executor_work_guard.hpp>
#include <boost/asio/post.hpp>
#include <boost/asio/steady_timer.hpp>

#include <algorithm>
#include <atomic>
#include <map>
#include <mutex>
#include <thread>
#include <unordered_map>
#include <utility>
#include <vector>

namespace weir::transport {

namespace asio = boost::asio;

namespace {

/// How exact limits are. One timer looks after all exchanges of a thread: a timer for each costs more than it
/// tells.
constexpr std::chrono::milliseconds tick{10};
/// How often idle connections are looked at.
constexpr std::chrono::seconds sweep{1};

failure closed() {
  return make_failure(errc::cancelled, "the network was closed");
}

/// One thread and what belongs to it. All but `give`, `cancel`, `grant`, `release` and `finish` run on that
/// thread.
class lane final : public connection_owner {
public:
  explicit lane(name_resolver& names)
      : names_(names), io_(1), work_(asio::make_work_guard(io_)), ticks_(io_), sweeps_(io_),
        thread_([this] { io_.run(); }) {}
  lane(const lane&) = delete;
  lane& operator=(const lane&) = delete;
  ~lane() { finish(); }

  /// Jobs that come while the thread is busy wait together: one wake-up serves them all.
  void give(job_ptr next) {
    {
      const std::lock_guard hold(inbox_lock_);
      inbox_.push_back(std::move(next));
      if (inbox_.size() != 1)
        return;
    }
    asio::post(io_, [this] { take_in(); });
  }

  void cancel(exchange_id id) {
    asio::post(io_, [this, id] { drop(id, make_failure(errc::cancelled, "the exchange was cancelled")); });
  }

  void grant(exchange_id id, std::size_t bytes) {
    asio::post(io_, [this, id, bytes] {
      if (const connection_ptr serving = find(id))
        serving->grant(bytes);
    });
  }

  void release(exchange_id id) {
    asio::post(io_, [this, id] {
      if (const connection_ptr serving = find(id))
        serving->release();
    });
  }

  /// Ends everything and the thread. Idempotent.
  void finish() {
    if (!thread_.joinable())
      return;
    asio::post(io_, [this] { shut(); });
    work_.reset();
    thread_.join();
  }

private:
  using connection_ptr = std::shared_ptr<connection>;

  /// What belongs to an endpoint. The endpoint itself is kept, so that its address stays its own.
  struct site {
    explicit site(std::shared_ptr<const endpoint> to_)
        : to(std::move(to_)), pool({to->max_connections, to->keep_alive, to->max_age}) {}

    std::shared_ptr<const endpoint> to;
    tls_context context;
    connection_pool pool;
    std::unordered_map<std::uint64_t, connection_ptr> connections;
  };

  /// The connection that serves an exchange; null: none does (any more).
  connection_ptr find(exchange_id id) const {
    const auto found = active_.find(id);
    return found == active_.end() ? nullptr : found->second;
  }

  void take_in();
  void begin(job_ptr next, clock_time now);
  void assign(site& at, job_ptr next, connection_pool::assignment given);
  void drop(exchange_id id, failure reason);
  void on_idle(connection& who, job_ptr ended, std::optional<std::chrono::milliseconds> keep,
               clock_time now) override;
  void tell(job_ptr ended);
  void look();
  void sweep_idle();
  void shut();
  void arm_tick();
  void arm_sweep();

  name_resolver& names_;
  asio::io_context io_;
  asio::executor_work_guard<asio::io_context::executor_type> work_;
  std::mutex inbox_lock_;
  std::vector<job_ptr> inbox_; ///< given and not begun
  std::vector<job_ptr> taken_; ///< being begun; kept for its memory
  std::vector<job_ptr> ended_; ///< concluded and not told yet
  asio::steady_timer ticks_;
  asio::steady_timer sweeps_;
  bool tick_armed_ = false;
  bool sweep_armed_ = false;
  bool shut_ = false;
  std::map<const endpoint*, site> sites_;
  std::map<std::string, tls_context> contexts_; ///< by CA file: loading the system's store takes milliseconds
  std::unordered_map<exchange_id, job_ptr> waiting_;
  std::unordered_map<exchange_id, connection_ptr> active_;
  std::thread thread_; // last: it uses the others
};

void lane::take_in() {
  {
    const std::lock_guard hold(inbox_lock_);
    taken_.swap(inbox_);
  }
  const clock_time now = std::chrono::steady_clock::now();
  for (job_ptr& each : taken_)
    begin(std::move(each), now);
  taken_.clear();
}

void lane::begin(job_ptr next, clock_time now) {
  if (shut_)
    return next->finish(closed(), now);
  site& at = sites_.try_emplace(next->to().get(), next->to()).first->second;
  if (at.to->tls && !at.context) {
    tls_context& shared = contexts_[at.to->ca_file];
    if (!shared) {
      auto made = make_tls_context(at.to->ca_file);
      if (!made)
        return next->finish(made.error(), now);
      shared = std::move(*made);
    }
    at.context = shared;
  }
  const auto given = at.pool.acquire(next->id(), now);
  assign(at, std::move(next), given);
  arm_tick();
}

void lane::assign(site& at, job_ptr next, connection_pool::assignment given) {
  using action = connection_pool::action;
  if (given.what == action::wait) {
    const exchange_id id = next->id();
    waiting_.emplace(id, std::move(next));
    return;
  }
  connection_ptr chosen;
  if (given.what == action::use) {
    chosen = at.connections.at(given.connection);
    // The only silent second choice there is: nothing of this request has left yet.
    if (!chosen->alive()) {
      chosen->close();
      at.connections.erase(given.connection);
      const clock_time now = std::chrono::steady_clock::now();
      at.pool.forget_connection(given.connection);
      const auto again = at.pool.acquire(next->id(), now);
      return assign(at, std::move(next), again);
    }
  } else {
    chosen = std::make_shared<connection>(io_, names_, *this, given.connection, at.to, at.context);
    at.connections.emplace(given.connection, chosen);
  }
  active_.emplace(next->id(), chosen);
  chosen->perform(std::move(next));
}

/// Whoever posted hears of it when everything that has arrived by now has been read: one wake-up of his
/// serves all.
void lane::tell(job_ptr ended) {
  ended_.push_back(std::move(ended));
  if (ended_.size() != 1)
    return;
  asio::post(io_, [this] {
    for (const job_ptr& each : std::exchange(ended_, {}))
      each->tell();
  });
}

void lane::on_idle(connection& who, job_ptr ended, std::optional<std::chrono::milliseconds> keep,
                   clock_time now) {
  active_.erase(ended->id());
  tell(std::move(ended));
  const auto found = sites_.find(who.to().get());
  if (found == sites_.end())
    return;
  site& at = found->second;
  const auto verdict = at.pool.release(who.key(), keep, now);
  if (!verdict.kept) {
    who.close();
    at.connections.erase(who.key());
  }
  if (verdict.next) {
    if (auto next = waiting_.extract(verdict.next->waiter))
      assign(at, std::move(next.mapped()), verdict.next->given);
  }
  arm_sweep();
}

void lane::drop(exchange_id id, failure reason) {
  if (auto waiter = waiting_.extract(id)) {
    sites_.at(waiter.mapped()->to().get()).pool.forget(id);
    waiter.mapped()->finish(std::move(reason), std::chrono::steady_clock::now());
  } else if (const auto active = active_.find(id); active != active_.end()) {
    const connection_ptr chosen = active->second;
    chosen->abort(std::move(reason));
  }
}

/// Ends what is overdue.
void lane::look() {
  const clock_time now = std::chrono::steady_clock::now();
  std::vector<connection_ptr> busy;
  busy.reserve(active_.size());
  for (const auto& [id, each] : active_)
    busy.push_back(each);
  for (const connection_ptr& each : busy)
    each->check_limits(now);
  std::vector<exchange_id> late;
  for (const auto& [id, each] : waiting_)
    if (each->deadline() <= now)
      late.push_back(id);
  for (const exchange_id id : late)
    drop(id, make_failure(errc::timeout, "no connection became free in time (max_concurrency)"));
  if (!active_.empty() || !waiting_.empty())
    arm_tick();
}

void lane::sweep_idle() {
  const clock_time now = std::chrono::steady_clock::now();
  for (auto& [key, at] : sites_)
    for (const auto old : at.pool.expire(now)) {
      const auto found = at.connections.find(old);
      found->second->close();
      at.connections.erase(found);
    }
  // An endpoint that nobody else holds and that has no connection is gone from the configuration.
  std::erase_if(sites_, [](const auto& entry) {
    return entry.second.connections.empty() && entry.second.pool.waiters() == 0 &&
           entry.second.to.use_count() == 1;
  });
  arm_sweep();
}

void lane::arm_tick() {
  if (tick_armed_ || shut_)
    return;
  tick_armed_ = true;
  ticks_.expires_after(tick);
  ticks_.async_wait([this](const boost::system::error_code& cancelled) {
    tick_armed_ = false;
    if (!cancelled)
      look();
  });
}

void lane::arm_sweep() {
  if (sweep_armed_ || shut_)
    return;
  const bool needed =
      std::ranges::any_of(sites_, [](const auto& entry) { return entry.second.pool.idle_connections() > 0; });
  if (!needed)
    return;
  sweep_armed_ = true;
  sweeps_.expires_after(sweep);
  sweeps_.async_wait([this](const boost::system::error_code& cancelled) {
    sweep_armed_ = false;
    if (!cancelled)
      sweep_idle();
  });
}

void lane::shut() {
  shut_ = true;
  ticks_.cancel();
  sweeps_.cancel();
  for (auto& [id, each] : std::exchange(waiting_, {}))
    each->finish(closed(), std::chrono::steady_clock::now());
  std::vector<connection_ptr> all;
  for (auto& [key, at] : sites_)
    for (auto& [number, each] : at.connections)
      all.push_back(each);
  for (const connection_ptr& each : all)
    each->abort(closed());
  sites_.clear();
}

class pooled_client final : public client {
public:
  explicit pooled_client(std::uint32_t threads) : names_(ask_system) {
    for (std::uint32_t count = std::max(threads, 1U); count > 0; --count)
      lanes_.push_back(std::make_unique<lane>(names_));
  }
  ~pooled_client() override { close(); }

  exchange_id post(std::shared_ptr<const endpoint> to, http_request request, std::chrono::milliseconds total,
                   exchange_handler done) override {
    return give(std::move(to), std::move(request), total, std::move(done));
  }

  exchange_id stream(std::shared_ptr<const endpoint> to, http_request request,
                     std::chrono::milliseconds total, std::shared_ptr<stream_receiver> receiver) override {
    return give(std::move(to), std::move(request), total, std::move(receiver));
  }

  void grant(exchange_id id, std::size_t bytes) override {
    if (lane* const serving = lane_of(id))
      serving->grant(id, bytes);
  }

  void release(exchange_id id) override {
    if (lane* const serving = lane_of(id))
      serving->release(id);
  }

  void cancel(exchange_id id) override {
    if (lane* const serving = lane_of(id))
      serving->cancel(id);
  }

  void close() override {
    const std::lock_guard one_at_a_time(closing_);
    closed_.store(true, std::memory_order_release);
    names_.close(); // first: what it finds is told to the lanes
    for (const auto& each : lanes_)
      each->finish();
  }

private:
  /// `Handler` is an `exchange_handler` or a receiver.
  template <class Handler>
  exchange_id give(std::shared_ptr<const endpoint> to, http_request request, std::chrono::milliseconds total,
                   Handler handler) {
    const std::size_t chosen = std::hash<const endpoint*>{}(to.get()) / alignof(endpoint) % lanes_.size();
    // The lane can be told from the id, so that cancelling needs no table.
    const exchange_id id = next_.fetch_add(1, std::memory_order_relaxed) * lanes_.size() + chosen;
    auto next = std::make_unique<job>(id, std::move(to), std::move(request), total, std::move(handler));
    if (closed_.load(std::memory_order_acquire))
      next->finish(closed(), std::chrono::steady_clock::now());
    else
      lanes_[chosen]->give(std::move(next));
    return id;
  }

  /// Null for no exchange, and after the end.
  lane* lane_of(exchange_id id) const {
    if (id == 0 || closed_.load(std::memory_order_acquire))
      return nullptr;
    return lanes_[id % lanes_.size()].get();
  }

  std::atomic<exchange_id> next_{1};
  std::atomic<bool> closed_{false};
  std::mutex closing_;
  name_resolver names_; ///< before the lanes, which use it
  std::vector<std::unique_ptr<lane>> lanes_;
};

} // namespace

std::unique_ptr<client> make_client(std::uint32_t threads) {
  return std::make_unique<pooled_client>(threads);
}

} // namespace weir::transport
