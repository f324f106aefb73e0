// weir for programs without actors: futures and callbacks. No CAF is visible here.
// Knows no message: what crosses between actors stays behind it.
#pragma once

#include <weir/chat.hpp>
#include <weir/config.hpp>
#include <weir/health.hpp>
#include <weir/usage.hpp>

#include <functional>
#include <future>
#include <memory>
#include <vector>

namespace weir {

class runtime;

/// A plain doorway to the manager. All members may be called from any thread.
class client {
public:
  /// Starts a runtime of its own. Errors: `config`, `storage`.
  static result<client> start(snapshot_ptr config, runtime_options options = {});

  /// Uses a runtime that somebody else keeps alive for as long as this client lives.
  explicit client(runtime& host);

  client(client&&) noexcept;
  client& operator=(client&&) noexcept;
  ~client();

  /// Performs one call. The future is always answered, also when weir stops.
  std::future<chat_reply> chat(chat_request request);

  /// Performs one call and hands the reply to `done`, once, on a thread of weir's. It must not block or
  /// throw.
  void chat(chat_request request, std::function<void(chat_reply)> done);

  /// The books, by provider and model, with everything answered so far. Errors: `storage`.
  result<std::vector<usage_summary>> usage(const usage_filter& filter = {});

  /// How providers, books and calls are; with `probe`, each provider is asked over the wire, free of charge.
  result<health_report> health(bool probe);

  /// Drains and stops a runtime of its own; later calls are answered as `cancelled`.
  void stop();

private:
  struct implementation;
  explicit client(std::unique_ptr<implementation> impl);

  std::unique_ptr<implementation> impl_;
};

} // namespace weir
