// The behaviour of the price keeper: one look at a time; who asks meanwhile gets the answer of the next one.
#include "actors/price_keeper.hpp"

#include "actors/log.hpp"
#include "transport/get.hpp"

#include <caf/send.hpp>

#include <utility>

namespace weir::actors {

namespace {

/// Who cannot be reached is asked again after this, however rarely the list is to be looked at.
constexpr milliseconds retry_time{300'000};
constexpr milliseconds fetch_time{60'000};

caf::error stopped() {
  return to_error(make_failure(errc::cancelled, "weir has stopped"));
}

result<std::string> body_of(transport::exchange& done, const std::string& source) {
  if (!done.response)
    return std::move(done.response.error());
  if (done.response->status == 200)
    return std::move(done.response->body);
  failure refused = make_failure(errc::network,
                                 "the price list was answered with status " +
                                     std::to_string(done.response->status) + "; expected 200",
                                 source);
  refused.status_code = done.response->status;
  return refused;
}

} // namespace

price_keeper_impl::behavior_type price_keeper(price_keeper_impl::stateful_pointer<price_keeper_state> self,
                                              services_ptr world, manager_actor manager,
                                              snapshot_ptr config) {
  return self->state.begin(std::move(world), std::move(manager), std::move(config));
}

price_keeper_impl::behavior_type price_keeper_state::begin(services_ptr world, manager_actor manager,
                                                           snapshot_ptr config) {
  world_ = std::move(world);
  manager_ = std::move(manager);
  config_ = std::move(config);
  book_ = config_->prices;
  offline_ = config_->mode == run_mode::offline;
  self_->monitor(manager_);
  self_->set_down_handler([this](const caf::down_msg& death) {
    if (manager_.address() == death.source)
      self_->quit(caf::exit_reason::user_shutdown);
  });
  look();
  return {
      [this](const refresh_prices&) { return answer(); },
      [this](const set_mode& order) { offline_ = order.mode == run_mode::offline; },
      [this](const snapshot_ptr& next) { adopt(next); },
      [this](price_reply& reply) { replied(reply); },
      [this](price_look& done) { looked(done); },
      [this](tick) { on_tick(); },
  };
}

price_keeper_state::report_promise price_keeper_state::answer() {
  auto promise = self_->make_response_promise<price_report>();
  waiters_.emplace_back(promise, stopped);
  look();
  return promise;
}

void price_keeper_state::look() {
  if (looking_)
    return;
  ++number_;
  looking_ = true;
  if (config::is_url(config_->price_source))
    return fetch();
  judge(std::string()); // the file is read aside
}

void price_keeper_state::fetch() {
  const std::string& source = config_->price_source.source;
  if (offline_)
    return ended(make_failure(errc::offline, "weir is offline and does not ask for prices", source), false);
  auto get = transport::make_get(source, config::largest_price_list);
  if (!get)
    return ended(std::move(get.error()), false);
  auto home = caf::actor_cast<price_keeper_impl>(self_);
  world_->network->post(get->to, std::move(get->request), fetch_time,
                        [home = std::move(home), number = number_](transport::exchange done) {
                          caf::anon_send(home, price_reply{number, std::move(done)});
                        });
}

void price_keeper_state::replied(price_reply& reply) {
  if (looking_ && reply.number == number_)
    judge(body_of(reply.exchange, config_->price_source.source));
}

/// Reading a list of megabytes takes longer than a worker of the actor system may be kept.
void price_keeper_state::judge(result<std::string> text) {
  if (!text)
    return ended(std::move(text.error()), false);
  auto home = caf::actor_cast<price_keeper_impl>(self_);
  auto job = [home = std::move(home), number = number_, text = std::move(*text), config = config_,
              before = book_, moment = world_->wall_clock()]() mutable {
    const prices_config& from = config->price_source;
    price_look done{number, {}};
    if (!config::is_url(from)) {
      auto read = config::read_price_file(from.source);
      if (read)
        text = std::move(*read);
      else
        done.taken.error = std::move(read.error());
    }
    if (!done.taken.error)
      done.taken = config::take_in(text, from, config::price_store_of(*config), std::move(before),
                                   {from.max_change_permille, moment, config.get()});
    caf::anon_send(home, std::move(done));
  };
  if (world_->aside)
    world_->aside(std::move(job));
  else
    job();
}

void price_keeper_state::looked(price_look& done) {
  if (!looking_ || done.number != number_)
    return;
  auto book = std::move(done.taken.book);
  const bool changed = book && (!book_ || book_->version() != book->version());
  if (changed) {
    log().info("{} takes price list {:08x} with {} entries", name, book->version(), book->entry_count());
    for (const price_note& each : book->notes())
      log().debug("{} leaves {} unpriced: {}", name, each.place, each.problem);
    book_ = std::move(book);
    self_->send(manager_, new_prices{book_});
  }
  ended(std::move(done.taken.error), changed);
}

void price_keeper_state::ended(std::optional<failure> error, bool changed) {
  looking_ = false;
  changed_ = changed;
  // Told once, however often the same is tried.
  if (error && (!error_ || error_->message != error->message))
    log().error("{} keeps {}: {}", name, book_ ? "the last good price list" : "no price list",
                to_string(*error));
  error_ = std::move(error);
  for (auto& each : std::exchange(waiters_, {}))
    each.deliver(report());
  const milliseconds usual = config_->price_source.refresh;
  const bool again = error_ && (!book_ || usual.count() != 0);
  if (again)
    due_ = now() + (usual.count() == 0 ? retry_time : std::min(usual, retry_time));
  else
    due_ = usual.count() == 0 ? time_point::max() : now() + usual;
  if (due_ != time_point::max())
    ticker_.arm(self_, due_);
}

void price_keeper_state::on_tick() {
  ticker_.arrived(now());
  if (due_ == time_point::max())
    return;
  if (now() < due_)
    return ticker_.arm(self_, due_);
  due_ = time_point::max();
  look();
}

void price_keeper_state::adopt(const snapshot_ptr& next) {
  const bool other = next->price_source != config_->price_source;
  const bool other_mode = next->mode != config_->mode;
  config_ = next;
  if (other_mode)
    offline_ = config_->mode == run_mode::offline;
  if (!other)
    return;
  looking_ = false; // what comes of a look at the old source is no longer wanted
  look();
}

price_report price_keeper_state::report() const {
  price_report told;
  told.source = config_->price_source.source;
  told.version = book_ ? book_->version() : 0;
  told.models = book_ ? book_->entry_count() : 0;
  told.changed = changed_;
  told.error = error_;
  return told;
}

} // namespace weir::actors
