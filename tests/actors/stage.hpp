// A stage for actors: the real manager, supervisor, providers and accumulator on CAF's testing scheduler with
// its virtual clock, and a network and a ledger that do what the test says. Nothing sleeps, nothing runs by
// itself.
#pragma once

#include "actors/ledger_service.hpp"
#include "actors/services.hpp"
#include "transport/client.hpp"

#include <weir/actors.hpp>
#include <weir/config.hpp>

#include <caf/actor.hpp>
#include <caf/actor_system.hpp>
#include <caf/actor_system_config.hpp>
#include <caf/allowed_unsafe_message_type.hpp>
#include <caf/scheduler/test_coordinator.hpp>
#include <caf/typed_response_promise.hpp>

#include <deque>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <random>
#include <string>
#include <vector>

namespace weir::tests {

/// A request on the wire, waiting for the test to answer it.
struct posted {
  transport::exchange_id id = 0;
  std::string host;
  http_request request;
  std::chrono::milliseconds total{0};
  transport::exchange_handler done;
  std::shared_ptr<transport::stream_receiver> receiver; ///< of a streamed request
};

/// The body of a completion of so many tokens.
std::string completion_of(std::uint64_t prompt, std::uint64_t completion);

/// A network in which nothing happens until the test says what.
class fake_network final : public transport::client {
public:
  transport::exchange_id post(std::shared_ptr<const transport::endpoint> to, http_request request,
                              std::chrono::milliseconds total, transport::exchange_handler done) override;
  transport::exchange_id stream(std::shared_ptr<const transport::endpoint> to, http_request request,
                                std::chrono::milliseconds total,
                                std::shared_ptr<transport::stream_receiver> receiver) override;
  void grant(transport::exchange_id id, std::size_t bytes) override;
  void release(transport::exchange_id id) override { released.push_back(id); }
  void cancel(transport::exchange_id id) override;
  void close() override {}

  /// Sends the head of the oldest request's streamed response, and pieces of its body. It stays on the wire.
  void begin_stream(int status = 200);
  void send(const std::string& body);

  /// Answers the oldest request on the wire. False: there is none.
  bool answer(int status, const std::string& body = {}, http_fields fields = {});
  /// Answers it with a completion of so many tokens.
  bool complete(std::uint64_t prompt = 10, std::uint64_t completion = 5);
  /// Fails it.
  bool fail(errc type, outcome fate);

  std::deque<posted> wire;
  std::vector<std::string> hosts; ///< of every post, in order
  std::uint64_t cancelled = 0;
  std::size_t granted = 0; ///< bytes of streams
  std::vector<transport::exchange_id> released;
  http_fields reply_fields; ///< of every completion
  bool throws = false;      ///< a post kills the actor that makes it
  bool sends = true;        ///< false: what is cancelled had not been sent yet
  /// What is cancelled turns out to be answered already, by this body.
  std::optional<std::string> late_reply;
  /// Called for each post, so that a test can answer by itself.
  std::function<void(fake_network&)> on_post;

private:
  std::optional<posted> take();

  transport::exchange_id last_ = 0;
};

/// A ledger in memory that fails on demand.
class fake_ledger final : public actors::ledger_service {
public:
  void append(actors::record_batch batch, std::function<void(result<storage::append_report>)> done) override;
  std::uint64_t recovered() const override { return open_before; }
  void summary(usage_filter filter, usage_grouping grouping,
               std::function<void(result<std::vector<usage_summary>>)> done) override;
  void export_to(export_usage what, std::function<void(result<exported>)> done) override;
  void cleanup(storage::cleanup_bounds bounds,
               std::function<void(result<storage::cleanup_report>)> done) override;
  void close() override {}

  /// Attempts that have ended, in the order of their ends.
  std::vector<usage_record> records;
  /// Those that have not, by id.
  std::map<attempt_id, usage_record> intents;
  std::vector<export_usage> exports;
  std::vector<storage::cleanup_bounds> cleanups;
  std::uint64_t open_before = 0;
  std::vector<std::size_t> batches; ///< sizes of what was committed
  bool broken = false;
  bool holds = false; ///< batches become durable when the test says so
  std::deque<std::function<void()>> owed;
  /// Makes the oldest batch that is held durable, or has it fail. False: there is none.
  bool go_on();
  std::string poison = "poison"; ///< a record with this request id is refused for good

private:
  void keep(actors::record_batch batch, const std::function<void(result<storage::append_report>)>& done);
};

/// What a sink has been told, and how it behaves.
struct sink_log {
  std::vector<chat_delta> deltas;
  std::size_t batches = 0;
  bool stalls = false;  ///< batches are not answered
  bool refuses = false; ///< batches are answered with an error
  std::vector<caf::typed_response_promise<more_deltas>> owed;
  caf::actor handle;

  std::string text() const;
};

/// Tells a sink, or a tool, to answer what it owes. A promise is kept on its actor's own turn only.
struct go_on {};

} // namespace weir::tests

CAF_ALLOW_UNSAFE_MESSAGE_TYPE(weir::tests::go_on)

namespace weir::tests {

class stage {
public:
  explicit stage(snapshot_ptr config, std::uint64_t seed = 1, std::uint64_t open_before = 0);
  stage(const stage&) = delete;
  stage& operator=(const stage&) = delete;
  ~stage();

  /// Sends a call through the manager; its reply will stand in `replies` at the index that is returned.
  std::size_t call(chat_request request);
  std::size_t call() { return call(question()); }
  /// The same, streamed: its deltas will stand in `streams` under that index.
  std::size_t stream(chat_request request);
  std::size_t stream() { return stream(question()); }
  static chat_request question();

  /// Runs actors until nobody has anything to do.
  void run();
  /// Moves the clock on in steps, running actors after each.
  void advance(std::chrono::milliseconds time);
  /// Asks the manager and runs until the answer is there.
  template <class Answer, class Question>
  std::optional<Answer> ask(Question question) {
    return *ask_later<Answer>(std::move(question));
  }
  /// The same for an answer that may come later.
  template <class Answer, class Question>
  std::shared_ptr<std::optional<Answer>> ask_later(Question question);

  /// The bookings, flushed.
  const std::vector<usage_record>& books();

  std::vector<std::optional<chat_reply>> replies;
  std::map<std::size_t, std::shared_ptr<sink_log>> streams;
  std::shared_ptr<fake_network> network = std::make_shared<fake_network>();
  std::shared_ptr<fake_ledger> ledger = std::make_shared<fake_ledger>();
  manager_actor manager;
  supervisor_actor supervisor;
  accumulator_actor accumulator;

private:
  caf::actor_system_config settings_;
  std::optional<caf::actor_system> system_;
  caf::scheduler::test_coordinator* scheduler_ = nullptr;
  std::mt19937_64 random_;
};

/// A configuration of generic providers `a`, `b`, … on hosts of the same names, each with the priced model
/// `m`.
std::shared_ptr<snapshot> providers(const std::vector<std::string>& names);

} // namespace weir::tests
