// Many calls in one process, as told: commands come as JSON lines on standard input, answers go as JSON lines
// to standard output, each with its command's `n`, in the order in which they are ready. The end of the input
// stops weir and ends the program.
//
//   {"n":1,"chat":{…an OpenAI request…},"provider":"p","rescue":"restart","timeout_ms":500}
//   {"n":2,"cancel":1}   {"n":3,"health":false}   {"n":4,"mode":"offline"}   {"n":5,"usage":true}
//   {"n":6,"process":true}
//   {"n":7,"load":{"callers":24,"calls":0,"prefix":"7-","chats":[{"chat":{…},"cancel_ms":5}]}}
//   {"n":8,"unload":7}
//
// Knows no provider and no fault.
#include "protocols/json.hpp"
#include "protocols/report_json.hpp"
#include "tests/acceptance/command.hpp"
#include "tests/acceptance/load.hpp"

#include <weir/runtime.hpp>

#include <caf/scoped_actor.hpp>
#include <caf/stateful_actor.hpp>
#include <caf/typed_event_based_actor.hpp>

#include <chrono>
#include <filesystem>
#include <fstream>
#include <iostream>
#include <map>
#include <memory>
#include <string>
#include <utility>

namespace {

using namespace weir;
using namespace weir::driving;
using protocols::find_member;
using protocols::json_value;
using std::chrono::steady_clock;

/// What a caller sees of his call while it goes on.
struct caller_state {
  std::uint64_t n = 0;
  steady_clock::time_point begin = steady_clock::now();
  std::string shown; ///< since the last restart
  std::uint64_t deltas = 0;
  std::uint64_t restarts = 0;
  std::int64_t first_us = -1;

  caller_state() {}

  void show(const delta_batch& batch) {
    for (const chat_delta& each : batch.deltas) {
      ++deltas;
      if (first_us < 0)
        first_us = std::chrono::duration_cast<std::chrono::microseconds>(steady_clock::now() - begin).count();
      if (each.type == chat_delta::kind::restart) {
        shown.clear();
        ++restarts;
      } else if (each.type == chat_delta::kind::content) {
        shown += each.text;
      }
    }
  }

  void end(const chat_reply& reply) const {
    answer(n, "\"reply\":" + protocols::to_json(reply) + ",\"shown\":" + json_text(shown) +
                  ",\"deltas\":" + std::to_string(deltas) + ",\"restarts\":" + std::to_string(restarts) +
                  ",\"first_us\":" + std::to_string(first_us));
  }
};

using caller_pointer = delta_sink::stateful_pointer<caller_state>;

delta_sink::behavior_type caller(caller_pointer self, const manager_actor& manager, std::uint64_t n,
                                 const chat_request& request) {
  self->state.n = n;
  const auto ended = [self](const chat_reply& reply) {
    self->state.end(reply);
    self->quit();
  };
  const auto lost = [self](const caf::error& error) {
    answer(self->state.n, "\"lost\":" + json_text(to_failure(error).message));
    self->quit();
  };
  if (request.stream)
    self->request(manager, caf::infinite, request, delta_sink(self)).then(ended, lost);
  else
    self->request(manager, caf::infinite, request).then(ended, lost);
  return {[self](const delta_batch& batch) {
    self->state.show(batch);
    return more_deltas{};
  }};
}

std::string process_members() {
  namespace fs = std::filesystem;
  std::uint64_t files = 0;
  std::uint64_t sockets = 0;
  for (const auto& each : fs::directory_iterator("/proc/self/fd")) {
    std::error_code gone;
    const std::string to = fs::read_symlink(each.path(), gone).string();
    ++files;
    sockets += to.starts_with("socket:") ? 1 : 0;
  }
  std::uint64_t threads = 0;
  for ([[maybe_unused]] const auto& each : fs::directory_iterator("/proc/self/task"))
    ++threads;
  // The ledger is a file in memory, and grows with its records: only memory of the process's own counts.
  std::ifstream status("/proc/self/status");
  std::string word;
  std::uint64_t kibibytes = 0;
  while (status >> word && word != "RssAnon:")
    continue;
  status >> kibibytes;
  return "\"process\":{\"fds\":" + std::to_string(files) + ",\"sockets\":" + std::to_string(sockets) +
         ",\"threads\":" + std::to_string(threads) +
         ",\"rss_anon_bytes\":" + std::to_string(kibibytes * 1024) + "}";
}

/// Carries out commands one after the other; calls end whenever they end.
class driver {
public:
  explicit driver(runtime& weir) : weir_(weir) {}

  void run(const std::string& line) {
    const auto command = protocols::json_document::parse(line);
    const auto* number = command ? find_member(command->root(), "n") : nullptr;
    if (number == nullptr || !number->IsUint64())
      return answer(0, "\"error\":\"not a command\"");
    obey(number->GetUint64(), command->root());
  }

  void end_loads() {
    for (const auto& [n, load] : loads_)
      load->stop = true;
  }

private:
  void obey(std::uint64_t n, const json_value& command) {
    if (find_member(command, "chat") != nullptr)
      return call(n, command);
    if (const auto* load = find_member(command, "load"))
      return begin_load(n, *load);
    if (const std::uint64_t other = count_at(command, "unload", 0); loads_.contains(other)) {
      loads_.at(other)->stop = true;
      return answer(n, "");
    }
    if (const auto* other = find_member(command, "cancel"); other != nullptr && other->IsUint64()) {
      caf::anon_send(weir_.manager(), cancel_call{ids_[other->GetUint64()]});
      return answer(n, "");
    }
    if (const auto* probe = find_member(command, "health"))
      return ask<health_report>(n, health_query{probe->IsTrue()}, [](const health_report& report) {
        return "\"health\":" + protocols::to_json(report);
      });
    if (const auto mode = to_run_mode(text_at(command, "mode"))) {
      caf::anon_send(weir_.manager(), set_mode{*mode});
      return answer(n, "");
    }
    if (find_member(command, "usage") != nullptr)
      return ask<usage_report>(n, usage_query{}, [](const usage_report& report) {
        return "\"usage\":" + protocols::to_json(report.summaries);
      });
    answer(n, find_member(command, "process") != nullptr ? process_members() : "\"error\":\"not a command\"");
  }

  void begin_load(std::uint64_t n, const json_value& load) {
    auto begun = start_load(weir_, n, load);
    if (!begun)
      return answer(n, "\"error\":" + json_text(to_string(begun.error())));
    loads_.emplace(n, std::move(*begun));
  }

  void call(std::uint64_t n, const json_value& command) {
    auto request = read_request(command);
    if (!request)
      return answer(n, "\"error\":" + json_text(to_string(request.error())));
    request->id = ids_[n] = weir_.make_call_id();
    weir_.system().spawn(caller, weir_.manager(), n, *request);
  }

  template <class Report, class Question, class Members>
  void ask(std::uint64_t n, const Question& question, Members members) {
    caf::scoped_actor self{weir_.system()};
    self->request(weir_.manager(), caf::infinite, question)
        .receive(
            [&](const Report& report) { answer(n, members(report)); },
            [&](const caf::error& error) { answer(n, "\"error\":" + json_text(to_failure(error).message)); });
  }

  runtime& weir_;
  std::map<std::uint64_t, call_id> ids_;
  std::map<std::uint64_t, std::shared_ptr<load_run>> loads_;
};

int run(const std::string& file) {
  const auto config = load_config(file);
  if (!config) {
    for (const config_fault& each : config.error())
      std::cerr << to_string(each) << '\n';
    return 2;
  }
  auto weir = runtime::start(*config);
  if (!weir) {
    std::cerr << to_string(weir.error()) << '\n';
    return 2;
  }
  answer(0, "\"ready\":true");
  driver commands(**weir);
  for (std::string line; std::getline(std::cin, line);)
    commands.run(line);
  commands.end_loads();
  (*weir)->stop();
  return 0;
}

} // namespace

int main(int argc, char** argv) {
  return argc == 2 ? run(argv[1]) : 2;
}
