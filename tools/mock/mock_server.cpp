// Glue: counts requests, asks for answers, writes the log, and plays refused connections by time.
#include "tools/mock/mock_server.hpp"

#include "protocols/json.hpp"
#include "tools/mock/answer.hpp"

#include <algorithm>
#include <atomic>
#include <condition_variable>
#include <mutex>
#include <thread>
#include <vector>

#include <fcntl.h>
#include <unistd.h>

namespace weir::mock {

namespace {

using std::chrono::steady_clock;

/// The log file; each line is one write, so that lines of several threads and processes never mix.
class request_log {
public:
  explicit request_log(const std::string& file)
      : file_(file.empty() ? -1 : ::open(file.c_str(), O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0644)) {}
  request_log(const request_log&) = delete;
  request_log& operator=(const request_log&) = delete;
  ~request_log() {
    if (file_ >= 0)
      ::close(file_);
  }

  bool open() const noexcept { return file_ >= 0; }

  void write(const transport::server_request& request, const answer& given, std::uint64_t number,
             std::chrono::milliseconds time) {
    if (file_ < 0)
      return;
    rapidjson::StringBuffer line;
    protocols::json_writer out(line);
    const auto count = [&out](const char* name, std::uint64_t value) {
      out.Key(name);
      out.Uint64(value);
    };
    out.StartObject();
    count("n", number);
    count("time_ms", static_cast<std::uint64_t>(time.count()));
    count("connection", request.connection);
    count("on_connection", request.on_connection);
    protocols::write_member(out, "method", request.method);
    protocols::write_member(out, "path", request.target);
    protocols::write_member(out, "model", given.model);
    out.Key("fault");
    if (given.struck == nullptr)
      out.Null();
    else
      out.String(std::string(to_string(given.struck->kind)).c_str());
    count("status", static_cast<std::uint64_t>(given.status));
    count("prompt_tokens", given.prompt_tokens);
    count("completion_tokens", given.completion_tokens);
    out.Key("billed");
    out.Bool(given.billed);
    out.EndObject();
    line.Put('\n');
    [[maybe_unused]] const auto written = ::write(file_, line.GetString(), line.GetSize());
  }

private:
  int file_;
};

} // namespace

struct mock_server::implementation {
  explicit implementation(const mock_options& given) : options(given), log(given.log_file) {}
  ~implementation() {
    {
      const std::lock_guard hold(lock);
      ending = true;
    }
    wake.notify_all();
    if (refuser.joinable())
      refuser.join();
  }

  transport::script serve(const transport::server_request& request) {
    if (!is_chat(request))
      return answer_other(options.plan, request).steps;
    const std::uint64_t number = ++requests;
    answer given = answer_chat(options.plan, request, number, created);
    billed += given.billed ? 1 : 0;
    log.write(request, given, number,
              std::chrono::duration_cast<std::chrono::milliseconds>(steady_clock::now() - begin));
    return std::move(given.steps);
  }

  /// Closes and opens the port as the plan's `refuse` faults say.
  void play_refusals(std::vector<fault> windows);

  mock_options options;
  request_log log;
  steady_clock::time_point begin = steady_clock::now();
  std::int64_t created =
      std::chrono::duration_cast<std::chrono::seconds>(std::chrono::system_clock::now().time_since_epoch())
          .count();
  std::atomic<std::uint64_t> requests{0};
  std::atomic<std::uint64_t> billed{0};
  std::mutex lock;
  std::condition_variable wake;
  bool ending = false;
  std::unique_ptr<transport::server> server;
  std::thread refuser;
};

void mock_server::implementation::play_refusals(std::vector<fault> windows) {
  std::ranges::sort(windows, {}, &fault::from);
  std::unique_lock hold(lock);
  const auto sleep_until = [&](milliseconds time) {
    return !wake.wait_until(hold, begin + time, [this] { return ending; });
  };
  for (const fault& each : windows) {
    if (!sleep_until(each.from))
      return;
    server->refuse_connections();
    if (!each.to)
      return;
    if (!sleep_until(*each.to))
      return;
    // Somebody else may have taken the port meanwhile; then it stays refused, which is what was asked for.
    (void)server->accept_connections();
  }
}

result<std::unique_ptr<mock_server>> mock_server::start(const mock_options& options) {
  auto impl = std::make_unique<implementation>(options);
  if (!options.log_file.empty() && !impl->log.open())
    return make_failure(errc::config, "cannot write the request log", options.log_file);
  transport::server_options server;
  server.port = options.port;
  server.threads = options.threads;
  server.certificate_file = options.certificate_file;
  server.private_key_file = options.private_key_file;
  auto listening = transport::server::listen(
      server, [impl = impl.get()](const transport::server_request& request) { return impl->serve(request); });
  if (!listening)
    return listening.error();
  impl->server = std::move(*listening);
  std::vector<fault> windows;
  std::ranges::copy_if(options.plan.faults, std::back_inserter(windows),
                       [](const fault& each) { return each.kind == fault_kind::refuse; });
  if (!windows.empty())
    impl->refuser = std::thread([impl = impl.get(), windows] { impl->play_refusals(windows); });
  return std::unique_ptr<mock_server>(new mock_server(std::move(impl)));
}

mock_server::mock_server(std::unique_ptr<implementation> impl) : impl_(std::move(impl)) {}
mock_server::~mock_server() = default;

std::uint16_t mock_server::port() const noexcept {
  return impl_->server->port();
}

std::string mock_server::base_url() const {
  return (impl_->options.certificate_file.empty() ? "http" : "https") + std::string("://127.0.0.1:") +
         std::to_string(port()) + "/v1";
}

std::uint64_t mock_server::requests() const noexcept {
  return impl_->requests;
}
std::uint64_t mock_server::billed() const noexcept {
  return impl_->billed;
}

} // namespace weir::mock
