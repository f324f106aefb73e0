// The providers' hosts behind the transport's interface: each answers as its phases and chance say, in
// virtual time, and keeps its own bill. Knows no actor: it sees requests, as a network does.
#pragma once

#include "tests/simulation/agenda.hpp"
#include "tests/simulation/dice.hpp"
#include "tests/simulation/faults.hpp"

#include "transport/client.hpp"

#include <chrono>
#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <string>
#include <string_view>
#include <unordered_map>

namespace weir::simulation {

/// A request that has been posted.
struct post {
  std::uint64_t number = 0; ///< from 1
  std::string host;
  asked said;
  bool streamed = false;
  time_point at{};
  std::chrono::milliseconds limit{0};
  std::uint32_t in_flight = 0; ///< at the host, this one included, those that are given up not
};

/// Who wants to know what passes on the wire.
class observer {
public:
  observer() = default;
  observer(const observer&) = delete;
  observer& operator=(const observer&) = delete;
  virtual ~observer() = default;

  virtual void posted(const post& what) = 0;
  /// The actor that posts is killed instead.
  virtual void blew_up(const std::string& host) = 0;
  /// The host did the work.
  virtual void billed(const post& what, const spoken& text) = 0;
  /// All of a good answer is on its way to the client, who has not given up.
  virtual void answered_well(const post& what) = 0;
  /// The client's end of it. `complete`: a good answer has arrived as a whole.
  virtual void ended(const post& what, const answer& by, bool complete, std::string_view how) = 0;
};

class world final : public transport::client {
public:
  /// What the world is told of time.
  struct clocks {
    std::function<time_point()> now;
    std::function<timestamp()> wall;
  };

  world(agenda& events, clocks time, observer& seen, dice random)
      : events_(events), time_(std::move(time)), seen_(seen), random_(random) {}

  transport::exchange_id post(std::shared_ptr<const transport::endpoint> to, http_request request,
                              std::chrono::milliseconds total, transport::exchange_handler done) override;
  transport::exchange_id stream(std::shared_ptr<const transport::endpoint> to, http_request request,
                                std::chrono::milliseconds total,
                                std::shared_ptr<transport::stream_receiver> receiver) override;
  void grant(transport::exchange_id id, std::size_t bytes) override;
  void release(transport::exchange_id id) override;
  void cancel(transport::exchange_id id) override;
  void close() override {}

  /// Hosts without a plan are healthy.
  void plan(const std::string& host, host_plan what) { plans_[host] = std::move(what); }
  /// From now on every host is healthy.
  void heal();
  /// The next so many posts to the host throw.
  void blow_up(const std::string& host, std::uint32_t times) { bombs_[host] = times; }
  /// Answers every request in place of plans and chance.
  std::function<answer(const question&)> decider;

  std::size_t open() const noexcept { return open_.size(); }
  std::uint32_t in_flight(const std::string& host) const;
  /// Lets go of everything.
  void forget();

private:
  struct exchange {
    simulation::post what;
    answer by;
    transport::exchange_handler done;                     ///< of a whole one
    std::shared_ptr<transport::stream_receiver> receiver; ///< of a streamed one
    std::shared_ptr<const transport::endpoint> to;
    std::size_t next_piece = 0;
    std::size_t held = 0;
    bool paused = false; ///< the window is full
    bool given_up = false;
    bool is_billed = false;
  };
  using id = transport::exchange_id;

  id begin(std::shared_ptr<const transport::endpoint> to, const http_request& request,
           std::chrono::milliseconds total, bool streamed, exchange made);
  void later(id which, std::chrono::microseconds in, void (world::*what)(id));
  void schedule(id which, const exchange& made);
  void bill(id which);
  void arrive(id which);
  void break_off(id which);
  void time_out(id which);
  void send_piece(id which);
  void end_stream(id which);
  void end_released(id which);
  void answer_cancelled(id which);
  void end(id which, result<http_response> how, bool complete, std::string_view words);

  agenda& events_;
  clocks time_;
  observer& seen_;
  dice random_;
  std::map<std::string, host_plan> plans_;
  std::map<std::string, std::uint32_t> bombs_;
  std::unordered_map<id, exchange> open_;
  std::map<std::string, std::uint32_t> in_flight_;
  id last_ = 0;
};

} // namespace weir::simulation
