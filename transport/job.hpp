// One exchange from `post` to its end: what to send, by when, and whom to tell.
// Knows no socket; whatever becomes of it, its owner is told exactly once.
#pragma once

#include "transport/client.hpp"

#include <chrono>
#include <memory>
#include <utility>

namespace weir::transport {

using clock_time = std::chrono::steady_clock::time_point;

class job {
public:
  job(exchange_id id, std::shared_ptr<const endpoint> to, http_request request,
      std::chrono::milliseconds total, exchange_handler done)
      : id_(id), to_(std::move(to)), request_(std::move(request)), total_(total),
        posted_(std::chrono::steady_clock::now()), done_(std::move(done)) {}
  job(exchange_id id, std::shared_ptr<const endpoint> to, http_request request,
      std::chrono::milliseconds total, std::shared_ptr<stream_receiver> receiver)
      : job(id, std::move(to), std::move(request), total,
            [receiver](exchange end) { receiver->on_end(std::move(end)); }) {
    receiver_ = std::move(receiver);
  }
  job(const job&) = delete;
  job& operator=(const job&) = delete;
  /// A job that nobody finished was dropped on the way down.
  ~job() {
    if (done_)
      finish(make_failure(errc::cancelled, "the network was closed"), posted_);
  }

  exchange_id id() const noexcept { return id_; }
  const std::shared_ptr<const endpoint>& to() const noexcept { return to_; }
  /// Who takes the response while it arrives; null: it is wanted whole.
  stream_receiver* receiver() const noexcept { return receiver_.get(); }
  /// To be called once, by who writes it.
  http_request take_request() noexcept { return std::move(request_); }
  std::chrono::milliseconds total() const noexcept { return total_; }
  clock_time deadline() const noexcept { return posted_ + total_; }

  void on_connection(bool reused) noexcept { reused_ = reused; }
  void saw_first_byte(clock_time now) noexcept { first_byte_ = now; }

  /// Notes how it ended; `tell` says so to whoever posted it. Each to be called once.
  void conclude(result<http_response> response, clock_time now) {
    using std::chrono::duration_cast;
    using std::chrono::microseconds;
    end_.response = std::move(response);
    end_.total = duration_cast<microseconds>(now - posted_);
    if (first_byte_ != clock_time{})
      end_.first_byte = duration_cast<microseconds>(first_byte_ - posted_);
    end_.reused = reused_;
  }
  void tell() { std::exchange(done_, nullptr)(std::move(end_)); }

  void finish(result<http_response> response, clock_time now) {
    conclude(std::move(response), now);
    tell();
  }

private:
  exchange_id id_;
  std::shared_ptr<const endpoint> to_;
  http_request request_;
  std::chrono::milliseconds total_;
  clock_time posted_;
  clock_time first_byte_{};
  bool reused_ = false;
  exchange end_;
  exchange_handler done_; ///< null: told
  std::shared_ptr<stream_receiver> receiver_;
};

using job_ptr = std::unique_ptr<job>;

} // namespace weir::transport
