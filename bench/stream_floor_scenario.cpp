// `stream-floor`: the same streams by the least code that Beast and RapidJSON allow: the body as it comes,
// cut into lines, each event parsed in place. One thread, no actors, no policy, no books, no timeouts.
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

#include <array>
#include <atomic>
#include <cstring>
#include <memory>
#include <optional>
#include <string>
#include <string_view>

namespace weir::bench {

namespace {

namespace asio = boost::asio;
namespace http = boost::beast::http;
using tcp = asio::ip::tcp;
using std::chrono::steady_clock;

using pool = rapidjson::MemoryPoolAllocator<>;
using document = rapidjson::GenericDocument<rapidjson::UTF8<>, pool, pool>;

/// Where events are parsed, one after the other, so that RapidJSON takes no memory of its own.
struct parsing_memory {
  std::array<char, 16 * 1024> values_bytes;
  std::array<char, 16 * 1024> stack_bytes;
  pool values{values_bytes.data(), values_bytes.size()};
  pool stack{stack_bytes.data(), stack_bytes.size()};
};

struct floor_run {
  floor_run(const call_options& given, url where)
      : options(given), base(std::move(where)), measuring(given.calls != 0) {}

  const call_options& options;
  url base;
  stream_measurement seen;
  bool measuring = false;
  bool stop = false;
  std::uint64_t begun = 0;
  std::atomic<std::uint64_t> done{0}; ///< `seen.calls`, for the progress line's thread
  parsing_memory memory;
};

/// The text of a streamed reply, event by event.
class event_reader {
public:
  explicit event_reader(parsing_memory& memory) : memory_(memory) {}

  void begin() {
    content_.clear();
    pieces_ = 0;
    tokens_ = 0;
    finished_ = false;
    ended_ = false;
  }

  /// Takes one event's data, which a NUL ends and which is overwritten. False: it is not what it should be.
  bool take(char* data) {
    if (std::strncmp(data, "[DONE]", 6) == 0) {
      ended_ = true;
      return true;
    }
    memory_.values.Clear();
    memory_.stack.Clear();
    document event(&memory_.values, 1024, &memory_.stack);
    event.ParseInsitu(data);
    if (event.HasParseError() || !event.IsObject())
      return false;
    if (const auto usage = event.FindMember("usage"); usage != event.MemberEnd() && usage->value.IsObject())
      tokens_ = usage->value["prompt_tokens"].GetUint64() + usage->value["completion_tokens"].GetUint64();
    const auto choices = event.FindMember("choices");
    if (choices == event.MemberEnd() || !choices->value.IsArray())
      return false;
    if (choices->value.Empty())
      return true;
    const auto& choice = choices->value[0];
    if (const auto reason = choice.FindMember("finish_reason");
        reason != choice.MemberEnd() && reason->value.IsString())
      finished_ = true;
    const auto delta = choice.FindMember("delta");
    if (delta == choice.MemberEnd() || !delta->value.IsObject())
      return false;
    const auto text = delta->value.FindMember("content");
    if (text == delta->value.MemberEnd() || !text->value.IsString() || text->value.GetStringLength() == 0)
      return true;
    content_.append(text->value.GetString(), text->value.GetStringLength());
    ++pieces_;
    return true;
  }

  std::uint64_t pieces() const noexcept { return pieces_; }
  /// The model came to its end, the usage was told, and the end mark was there.
  bool whole() const noexcept { return ended_ && finished_ && tokens_ != 0; }

private:
  parsing_memory& memory_;
  std::string content_;
  std::uint64_t pieces_ = 0;
  std::uint64_t tokens_ = 0;
  bool finished_ = false;
  bool ended_ = false;
};

/// One connection and its calls, one after the other.
class caller : public std::enable_shared_from_this<caller> {
public:
  caller(asio::io_context& io, floor_run& run) : run_(run), socket_(io), gap_(io), reply_(run.memory) {
    buffer_.reserve(read_size);
    request_.method(http::verb::post);
    request_.target(run.base.path + "/chat/completions");
    request_.set(http::field::host, run.base.authority());
    request_.set(http::field::content_type, "application/json");
    request_.set(http::field::authorization, "Bearer bench-key");
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
    request_.body() = encode();
    request_.prepare_payload();
    http::async_write(socket_, request_,
                      [self = shared_from_this()](boost::system::error_code error, std::size_t) {
                        if (error)
                          return self->answered(false);
                        self->reply_.begin();
                        self->parser_.emplace();
                        self->parser_->eager(true);
                        self->parser_->body_limit(boost::none);
                        self->parser_->get().body().swap(self->body_);
                        self->read();
                      });
  }

private:
  static constexpr std::size_t read_size = 64 * 1024;
  static constexpr std::size_t padding = 16; ///< SSE2 reads whole blocks, past the end

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
    out.Key("stream");
    out.Bool(true);
    out.Key("stream_options");
    out.StartObject();
    out.Key("include_usage");
    out.Bool(true);
    out.EndObject();
    out.EndObject();
    return {text.GetString(), text.GetSize()};
  }

  void read() {
    http::async_read_some(
        socket_, buffer_, *parser_,
        [self = shared_from_this()](boost::system::error_code error, std::size_t) { self->arrived(error); });
  }

  void arrived(boost::system::error_code error) {
    if (error || (parser_->is_header_done() && parser_->get().result_int() != 200) || !take_lines())
      return answered(false);
    if (!parser_->is_done())
      return read();
    answered(reply_.whole() && reply_.pieces() == run_.options.chunks);
  }

  /// Takes the whole lines of what has come; the beginning of another stays where it is.
  bool take_lines() {
    std::string& body = parser_->get().body();
    const std::size_t size = body.size();
    body.append(padding, '\0');
    std::size_t at = 0;
    while (void* const end = std::memchr(body.data() + at, '\n', size - at)) {
      char* const line = body.data() + at;
      *static_cast<char*>(end) = '\0';
      at = static_cast<std::size_t>(static_cast<char*>(end) - body.data()) + 1;
      if (std::strncmp(line, "data: ", 6) == 0 && !take_event(line + 6))
        return false;
    }
    body.resize(size);
    body.erase(0, at);
    return true;
  }

  bool take_event(char* data) {
    const bool first = reply_.pieces() == 0;
    if (!reply_.take(data))
      return false;
    if (first && reply_.pieces() != 0 && run_.measuring)
      run_.seen.first_token.add(steady_clock::now() - begin_);
    return true;
  }

  void answered(bool success) {
    if (parser_) {
      parser_->get().body().swap(body_);
      body_.clear();
    }
    if (run_.measuring) {
      run_.seen.latency.add(steady_clock::now() - begin_);
      run_.seen.chunks += reply_.pieces();
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
  std::string body_; ///< the body's memory, from one call to the next
  event_reader reply_;
  steady_clock::time_point begin_;
};

} // namespace

result<stream_measurement> run_stream_floor(const call_options& options) {
  auto base = parse_url(options.upstream);
  if (!base)
    return base.error();
  asio::io_context io(1);
  floor_run run(options, *base);
  run.seen.scenario = "stream-floor";
  run.seen.concurrency = options.concurrency;
  for (std::uint32_t n = 0; n != options.concurrency; ++n) {
    auto each = std::make_shared<caller>(io, run);
    if (!each->connect())
      return make_failure(errc::network, "cannot connect to the upstream", options.upstream);
    each->call();
  }
  const progress_line line =
      watch_calls(options, run.seen.scenario, [&run] { return run.done.load(std::memory_order_relaxed); });
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
