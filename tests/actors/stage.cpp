// The stage's machinery.
#include "tests/actors/stage.hpp"

#include "actors/log.hpp"
#include "actors/manager.hpp"
#include "actors/retry_supervisor.hpp"
#include "actors/usage_accumulator.hpp"
#include "protocols/openai_chat_server.hpp"

#include <caf/event_based_actor.hpp>

#include <algorithm>
#include <stdexcept>
#include <type_traits>
#include <utility>

namespace weir::tests {

// --- network ---------------------------------------------------------------------------------------------

transport::exchange_id fake_network::post(std::shared_ptr<const transport::endpoint> to, http_request request,
                                          std::chrono::milliseconds total, transport::exchange_handler done) {
  if (throws)
    throw std::runtime_error("the network blew up");
  hosts.push_back(to->host);
  wire.push_back({++last_, to->host, std::move(request), total, std::move(done), nullptr});
  const auto id = last_;
  if (on_post)
    on_post(*this);
  return id;
}

transport::exchange_id fake_network::stream(std::shared_ptr<const transport::endpoint> to,
                                            http_request request, std::chrono::milliseconds total,
                                            std::shared_ptr<transport::stream_receiver> receiver) {
  hosts.push_back(to->host);
  const auto done = [receiver](transport::exchange end) { receiver->on_end(std::move(end)); };
  wire.push_back({++last_, to->host, std::move(request), total, done, receiver});
  const auto id = last_;
  if (on_post)
    on_post(*this);
  return id;
}

void fake_network::grant(transport::exchange_id, std::size_t bytes) {
  granted += bytes;
}

void fake_network::begin_stream(int status) {
  wire.front().receiver->on_head({status, {{"Content-Type", "text/event-stream"}}, {}});
}

void fake_network::send(const std::string& body) {
  wire.front().receiver->on_body(body);
}

void fake_network::cancel(transport::exchange_id id) {
  const auto found = std::ranges::find(wire, id, &posted::id);
  if (found == wire.end())
    return;
  posted ended = std::move(*found);
  wire.erase(found);
  ++cancelled;
  if (late_reply)
    return ended.done({http_response{200, {}, *late_reply}, {}, {}, false});
  failure reason = make_failure(errc::cancelled, "cancelled");
  reason.fate = sends ? outcome::unknown : outcome::not_sent;
  ended.done({std::move(reason), {}, {}, false});
}

std::optional<posted> fake_network::take() {
  if (wire.empty())
    return std::nullopt;
  posted oldest = std::move(wire.front());
  wire.pop_front();
  return oldest;
}

bool fake_network::answer(int status, const std::string& body, http_fields fields) {
  auto oldest = take();
  if (oldest)
    oldest->done({http_response{status, std::move(fields), body}, {}, {}, false});
  return oldest.has_value();
}

std::string completion_of(std::uint64_t prompt, std::uint64_t completion) {
  chat_reply reply;
  reply.content = "yes";
  reply.model = model_name("m");
  reply.finish_reason = finish_reason::stop;
  reply.usage.prompt_tokens = prompt;
  reply.usage.completion_tokens = completion;
  reply.usage.total_tokens = prompt + completion;
  return protocols::encode_chat_reply(reply, "id", 0).body;
}

bool fake_network::complete(std::uint64_t prompt, std::uint64_t completion) {
  return answer(200, completion_of(prompt, completion), reply_fields);
}

bool fake_network::fail(errc type, outcome fate) {
  auto oldest = take();
  if (!oldest)
    return false;
  failure error = make_failure(type, "as the test says");
  error.fate = fate;
  oldest->done({std::move(error), {}, {}, false});
  return true;
}

// --- ledger ----------------------------------------------------------------------------------------------

bool fake_ledger::go_on() {
  if (owed.empty())
    return false;
  const auto oldest = std::move(owed.front());
  owed.pop_front();
  oldest();
  return true;
}

void fake_ledger::append(actors::record_batch batch,
                         std::function<void(result<storage::append_report>)> done) {
  if (!holds)
    return keep(std::move(batch), done);
  owed.push_back([this, batch = std::move(batch), done = std::move(done)] { keep(batch, done); });
}

void fake_ledger::keep(actors::record_batch batch,
                       const std::function<void(result<storage::append_report>)>& done) {
  if (broken)
    return done(make_failure(errc::storage, "the disk is full", "mdb_txn_commit"));
  for (const usage_record& each : *batch)
    if (each.request_id == poison) {
      failure refused = make_failure(errc::storage, "the record cannot be booked", "record.request_id");
      refused.retryable = false;
      return done(std::move(refused));
    }
  for (const usage_record& each : *batch) {
    if (each.state == record_state::intent) {
      intents.emplace(each.id, each);
      continue;
    }
    intents.erase(each.id);
    const auto before = std::ranges::find(records, each.id, &usage_record::id);
    if (before == records.end())
      records.push_back(each);
    else if (*before != each)
      *before = each;
  }
  batches.push_back(batch->size());
  done(storage::append_report{batch->size(), 0});
}

void fake_ledger::summary(usage_filter filter, usage_grouping,
                          std::function<void(result<std::vector<usage_summary>>)> done) {
  usage_summary all;
  for (const usage_record& each : records)
    if (matches(filter, each))
      all.add(each);
  done(std::vector{all});
}

void fake_ledger::export_to(export_usage what, std::function<void(result<exported>)> done) {
  exports.push_back(std::move(what));
  done(exported{records.size(), 1});
}

void fake_ledger::cleanup(storage::cleanup_bounds bounds,
                          std::function<void(result<storage::cleanup_report>)> done) {
  cleanups.push_back(bounds);
  const auto old = std::ranges::find_if(records, [&](const usage_record& each) {
    return bounds.rows_before && each.time < *bounds.rows_before;
  });
  if (old == records.end())
    return done(storage::cleanup_report{});
  records.erase(old);
  done(storage::cleanup_report{1, 0, true});
}

// --- stage -----------------------------------------------------------------------------------------------

namespace {

timestamp virtual_wall(time_point now) {
  return timestamp{std::chrono::seconds{1'764'000'000}} +
         std::chrono::duration_cast<std::chrono::microseconds>(now.time_since_epoch());
}

caf::behavior requester(caf::event_based_actor* self, manager_actor manager, chat_request request,
                        std::optional<chat_reply>* into) {
  self->request(manager, caf::infinite, std::move(request))
      .then([into](chat_reply& reply) { *into = std::move(reply); },
            [into](const caf::error& reason) {
              *into = chat_reply{};
              (*into)->error = to_failure(reason);
            });
  return {};
}

/// Asks for a stream and is its own sink.
caf::behavior streamer(caf::event_based_actor* self, manager_actor manager, chat_request request,
                       std::optional<chat_reply>* into, std::shared_ptr<sink_log> log) {
  self->request(manager, caf::infinite, std::move(request), caf::actor_cast<delta_sink>(self))
      .then([into](chat_reply& reply) { *into = std::move(reply); },
            [into](const caf::error& reason) {
              *into = chat_reply{};
              (*into)->error = to_failure(reason);
            });
  return {[self, log](delta_batch& batch) {
            ++log->batches;
            log->deltas.insert(log->deltas.end(), batch.deltas.begin(), batch.deltas.end());
            auto answer = self->make_response_promise<more_deltas>();
            if (log->refuses)
              answer.deliver(caf::error(caf::sec::runtime_error));
            else if (log->stalls)
              log->owed.push_back(answer);
            else
              answer.deliver(more_deltas{});
            return answer;
          },
          [log](go_on) {
            for (auto& each : std::exchange(log->owed, {}))
              each.deliver(more_deltas{});
          }};
}

} // namespace

std::string sink_log::text() const {
  std::string all;
  for (const chat_delta& each : deltas)
    all += each.text;
  return all;
}

stage::stage(snapshot_ptr config, std::uint64_t seed, std::uint64_t open_before) : random_(seed) {
  ledger->open_before = open_before;
  actors::log().set_level(spdlog::level::off); // what goes wrong here is meant to
  replies.reserve(100'000);                    // requesters point into it
  settings_.set("scheduler.policy", caf::atom("testing"));
  system_.emplace(settings_);
  scheduler_ = &dynamic_cast<caf::scheduler::test_coordinator&>(system_->scheduler());
  const auto world = std::make_shared<const actors::services>(
      actors::services{network, ledger, [this] { return virtual_wall(scheduler_->clock().now()); },
                       [this] { return random_(); }});
  const auto books = system_->spawn(actors::usage_accumulator, world, config);
  accumulator = books;
  supervisor = system_->spawn(actors::retry_supervisor, world, accumulator, config);
  caf::anon_send(books, supervisor);
  manager = system_->spawn(actors::manager, world, supervisor, accumulator, config);
  run();
}

stage::~stage() {
  network->on_post = nullptr;
  for (const auto& actor : {caf::actor_cast<caf::actor>(manager), caf::actor_cast<caf::actor>(supervisor),
                            caf::actor_cast<caf::actor>(accumulator)})
    caf::anon_send_exit(actor, caf::exit_reason::user_shutdown);
  manager = nullptr;
  supervisor = nullptr;
  accumulator = nullptr;
  for (const auto& [n, log] : streams)
    caf::anon_send_exit(log->handle, caf::exit_reason::user_shutdown);
  run();
  for (const auto& [n, log] : streams) {
    log->handle = nullptr;
    log->owed.clear();
  }
  network->wire.clear();
  ledger->owed.clear();
  // Delayed messages keep their targets alive until they are delivered.
  while (scheduler_->has_pending_timeout() || scheduler_->has_job()) {
    scheduler_->trigger_timeouts();
    run();
  }
}

chat_request stage::question() {
  chat_request request;
  request.model = model_name("m");
  request.messages.push_back(make_message(role::user, "Is it?"));
  request.max_tokens = 100;
  return request;
}

std::size_t stage::call(chat_request request) {
  replies.emplace_back();
  system_->spawn(requester, manager, std::move(request), &replies.back());
  run();
  return replies.size() - 1;
}

std::size_t stage::stream(chat_request request) {
  replies.emplace_back();
  const std::size_t n = replies.size() - 1;
  auto log = std::make_shared<sink_log>();
  streams[n] = log;
  log->handle = system_->spawn(streamer, manager, std::move(request), &replies.back(), log);
  run();
  return n;
}

void stage::run() {
  while (scheduler_->try_run_once()) {
  }
}

void stage::advance(std::chrono::milliseconds time) {
  constexpr std::chrono::milliseconds step{10};
  for (; time.count() > 0; time -= step) {
    scheduler_->advance_time(std::min(time, step));
    run();
  }
}

template <class Answer, class Question>
std::shared_ptr<std::optional<Answer>> stage::ask_later(Question question) {
  using Whom = std::conditional_t<std::is_same_v<Question, flush>, accumulator_actor, manager_actor>;
  Whom target;
  if constexpr (std::is_same_v<Question, flush>)
    target = accumulator;
  else
    target = manager;
  // Shared, since the answer may come after the test went on.
  const auto answer = std::make_shared<std::optional<Answer>>();
  system_->spawn(
      [](caf::event_based_actor* self, Whom whom, Question what,
         std::shared_ptr<std::optional<Answer>> into) {
        self->request(whom, caf::infinite, std::move(what))
            .then([into](Answer& told) { *into = std::move(told); }, [](const caf::error&) {});
      },
      target, std::move(question), answer);
  run();
  return answer;
}

template std::shared_ptr<std::optional<health_report>> stage::ask_later(health_query);
template std::shared_ptr<std::optional<usage_report>> stage::ask_later(usage_query);
template std::shared_ptr<std::optional<usage_summary>> stage::ask_later(model_usage);
template std::shared_ptr<std::optional<cost_report>> stage::ask_later(total_cost);
template std::shared_ptr<std::optional<booked>> stage::ask_later(usage_record);
template std::shared_ptr<std::optional<exported>> stage::ask_later(export_usage);
template std::shared_ptr<std::optional<cleaned>> stage::ask_later(cleanup_usage);
template std::shared_ptr<std::optional<drained>> stage::ask_later(drain);
template std::shared_ptr<std::optional<flushed>> stage::ask_later(flush);
template std::shared_ptr<std::optional<tool_reply>> stage::ask_later(tool_request);
template std::shared_ptr<std::optional<price_report>> stage::ask_later(refresh_prices);

const std::vector<usage_record>& stage::books() {
  advance(std::chrono::milliseconds{100});
  return ledger->records;
}

std::shared_ptr<snapshot> providers(const std::vector<std::string>& names) {
  auto config = std::make_shared<snapshot>();
  pricing prices;
  prices.unit = *currency::parse("USD");
  prices.input = *parse_price("30", price_unit::million_tokens);
  prices.output = *parse_price("60", price_unit::million_tokens);
  for (const std::string& name : names) {
    provider_config provider;
    provider.name = provider_name(name);
    provider.type = provider_type::generic;
    provider.base_url = "http://" + name + "/v1";
    provider.allow_insecure_http = true;
    provider.models.push_back(
        {.name = model_name("m"), .display_name = "M", .max_tokens = 1000, .prices = prices});
    config->providers.push_back(std::move(provider));
  }
  config->default_provider = provider_name(names.front());
  config->retry.jitter = false;
  config->breaker.jitter_percent = 0;
  config->ledger.cancel_drain_time = std::chrono::milliseconds{0};
  return config;
}

} // namespace weir::tests
