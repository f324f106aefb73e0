// `floor`: the same calls by the least code that Beast and RapidJSON allow. One thread, keep-alive
// connections, no actors, no policy, no books, no timeouts: what is above it is what weir costs.
#include "bench/group_commit.hpp"
#include "bench/ledger_rows.hpp"
#include "bench/scenarios.hpp"

#if defined(__SSE2__)
#define RAPIDJSON_SSE2
#endif

#include <weir/url.hpp>

#include <boost/asio/connect.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/steady_timer.hpp>
#include <boost/beast/core/flat_buffer.hpp>
#include <boost/beast/http.hpp>
#include <rapidjson/document.h>
#include <rapidjson/stringbuffer.h>
#include <rapidjson/writer.h>

#include <atomic>
#include <memory>
#include <optional>
#include <vector>

namespace weir::bench {

namespace {

namespace asio = boost::asio;
namespace http = boost::beast::http;
using tcp = asio::ip::tcp;
using std::chrono::steady_clock;

struct floor_run {
  const call_options& options;
  url base;
  measurement seen{};
  bool measuring = false;
  bool stop = false;
  std::uint64_t begun = 0;
  row_maker rows{1};
  std::atomic<std::uint64_t> done{0}; ///< `seen.calls`, for the progress line's thread
};

/// One connection and its calls, one after the other.
class caller : public std::enable_shared_from_this<caller> {
public:
  caller(asio::io_context& io, floor_run& run) : run_(run), socket_(io), gap_(io) {
    buffer_.reserve(16 * 1024);
  }

  bool connect() {
    boost::system::error_code error;
    tcp::resolver resolver(socket_.get_executor());
    asio::connect(socket_, resolver.resolve(run_.base.host, std::to_string(run_.base.port), error), error);
    if (!error)
      socket_.set_option(tcp::no_delay(true), error);
    return !error;
  }

  void call() {
    if (run_.stop || (run_.options.calls != 0 && run_.begun++ >= run_.options.calls))
      return;
    begin_ = steady_clock::now();
    request_.method(http::verb::post);
    request_.target(run_.base.path + "/chat/completions");
    request_.set(http::field::host, run_.base.authority());
    request_.set(http::field::content_type, "application/json");
    request_.set(http::field::authorization, "Bearer bench-key");
    request_.body() = encode();
    request_.prepare_payload();
    if (run_.options.floor_books == nullptr)
      return send();
    record_ = run_.rows.next();
    book(true, &caller::send);
  }

private:
  /// Has the call's record made durable, goes on after that, and keeps the run alive meanwhile.
  void book(bool fresh, void (caller::*next)()) {
    record_.state = fresh ? record_state::intent : record_state::settled;
    auto home = asio::prefer(socket_.get_executor(), asio::execution::outstanding_work.tracked);
    run_.options.floor_books->add(
        record_, fresh, [self = shared_from_this(), home = std::move(home), next](bool durable) mutable {
          // Nothing of the run may outlive this call on the writer's thread.
          const auto to = std::move(home);
          asio::post(to, [self = std::move(self), next, durable] {
            durable ? ((*self).*next)() : self->ended(false);
          });
        });
  }

  void send() {
    http::async_write(socket_, request_,
                      [self = shared_from_this()](boost::system::error_code error, std::size_t) {
                        if (error)
                          return self->answered(false);
                        self->read();
                      });
  }

  std::string encode() const {
    rapidjson::StringBuffer text;
    rapidjson::Writer<rapidjson::StringBuffer> out(text);
    out.StartObject();
    out.Key("model");
    out.String(run_.options.model.c_str());
    out.Key("messages");
    out.StartArray();
    for (const auto& [role, words] :
         {std::pair{"system", "You are a helpful assistant that answers briefly."},
          std::pair{
              "user",
              "Which ocean contains Bouvet Island, and how far is the nearest inhabited land? Answer in "
              "up to three words."}}) {
      out.StartObject();
      out.Key("role");
      out.String(role);
      out.Key("content");
      out.String(words);
      out.EndObject();
    }
    out.EndArray();
    out.Key("max_tokens");
    out.Uint(256);
    out.EndObject();
    return {text.GetString(), text.GetSize()};
  }

  void read() {
    parser_.emplace();
    http::async_read(socket_, buffer_, *parser_,
                     [self = shared_from_this()](boost::system::error_code error, std::size_t) {
                       self->answered(!error && self->parser_->get().result_int() == 200 && self->decode());
                     });
  }

  bool decode() {
    std::string& body = parser_->get().body();
    body.append(16, '\0');
    rapidjson::Document document;
    document.ParseInsitu(body.data());
    if (document.HasParseError() || !document.IsObject())
      return false;
    const auto choices = document.FindMember("choices");
    const auto usage = document.FindMember("usage");
    if (choices == document.MemberEnd() || usage == document.MemberEnd())
      return false;
    content_ = choices->value[0]["message"]["content"].GetString();
    tokens_ = usage->value["prompt_tokens"].GetUint64() + usage->value["completion_tokens"].GetUint64();
    return true;
  }

  void answered(bool success) {
    if (!success || run_.options.floor_books == nullptr)
      return ended(success);
    book(false, &caller::succeeded);
  }

  void succeeded() { ended(true); }

  void ended(bool success) {
    if (run_.measuring) {
      run_.seen.latency.add(steady_clock::now() - begin_);
      run_.done.store(++run_.seen.calls, std::memory_order_relaxed);
    }
    if (!success) {
      // The connection may be broken, and a floor does not mend: it is missing from here on, so that an error
      // of the warm-up counts as well.
      ++run_.seen.errors;
      return;
    }
    if (run_.options.gap.count() == 0)
      return call();
    gap_.expires_after(run_.options.gap);
    gap_.async_wait([self = shared_from_this()](boost::system::error_code) { self->call(); });
  }

  floor_run& run_;
  tcp::socket socket_;
  asio::steady_timer gap_;
  boost::beast::flat_buffer buffer_;
  http::request<http::string_body> request_;
  std::optional<http::response_parser<http::string_body>> parser_;
  steady_clock::time_point begin_;
  std::string content_;
  std::uint64_t tokens_ = 0;
  usage_record record_;
};

} // namespace

result<measurement> run_floor(const call_options& options) {
  auto base = parse_url(options.upstream);
  if (!base)
    return base.error();
  asio::io_context io(1);
  floor_run run{.options = options, .base = *base, .measuring = options.calls != 0};
  run.seen.scenario = "floor";
  run.seen.concurrency = options.concurrency;
  for (std::uint32_t n = 0; n != options.concurrency; ++n) {
    auto each = std::make_shared<caller>(io, run);
    if (!each->connect())
      return make_failure(errc::network, "cannot connect to the upstream", options.upstream);
    each->call();
  }
  const progress_line line =
      watch_calls(options, "floor", [&run] { return run.done.load(std::memory_order_relaxed); });
  std::optional<stopwatch> watch;
  asio::steady_timer phase(io);
  if (options.calls == 0) {
    phase.expires_after(options.warm_up);
    phase.async_wait([&](boost::system::error_code) {
      watch.emplace();
      run.measuring = true;
      phase.expires_after(options.duration);
      phase.async_wait([&](boost::system::error_code) {
        run.measuring = false;
        watch->stop(run.seen);
        run.stop = true;
      });
    });
  } else {
    watch.emplace();
  }
  io.run();
  if (options.calls != 0)
    watch->stop(run.seen);
  return std::move(run.seen);
}

} // namespace weir::bench
