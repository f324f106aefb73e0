// weir for programs without actors: futures, callbacks and streams. No CAF is visible here.
// Knows no message: what crosses between actors stays behind it.
#pragma once

#include <weir/chat.hpp>
#include <weir/chat_stream.hpp>
#include <weir/config.hpp>
#include <weir/health.hpp>
#include <weir/usage.hpp>

#include <cstdint>
#include <filesystem>
#include <functional>
#include <future>
#include <map>
#include <memory>
#include <vector>

namespace weir {

class runtime;
struct tool_reply;
struct tool_request;

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

  /// Performs one streamed call. `show` gets what has arrived, on a thread of weir's, and must not block or
  /// throw; false ends the call as `cancelled`. The future is answered after the last delta.
  std::future<chat_reply> stream(chat_request request,
                                 std::function<bool(const std::vector<chat_delta>&)> show);

  /// Performs one streamed call whose deltas are pulled.
  chat_stream open_stream(chat_request request);

  /// Performs a call whose tool calls are run until the model has no more. With `show`, each round is
  /// streamed to it, as with `stream`.
  std::future<tool_reply> call_with_tools(tool_request request,
                                          std::function<bool(const std::vector<chat_delta>&)> show = nullptr);

  /// A new id for a request that is to be cancelled.
  call_id make_call_id() const;

  /// Ends the call of that id, if it is open: it is answered as `cancelled`, and its connection closed.
  void cancel(const call_id& id);

  /// The books, by provider and model or as the grouping says, with everything answered so far. Errors:
  /// `storage`, `invalid_request`.
  result<std::vector<usage_summary>> usage(const usage_filter& filter = {},
                                           const usage_grouping& grouping = {});

  /// What this runtime has booked since it started, by provider and model, at once and without the disk.
  result<std::vector<usage_summary>> usage_since_start();

  /// What was spent, by currency. Errors: `storage`.
  result<std::map<currency, money_sum>> total_cost(const usage_filter& filter = {});

  /// Books an attempt that was made outside of weir, or gives one of weir's that is `unknown` its figures.
  /// Errors: `storage`.
  result<void> record_usage(usage_record record);

  /// Writes the books to a file, replaced as a whole or not at all; how many records. Errors: `storage`.
  result<std::uint64_t> export_usage(const std::filesystem::path& file, export_format format,
                                     const usage_filter& filter = {});

  /// Deletes what is older than these bounds; how many rows. Errors: `storage`.
  result<std::uint64_t> cleanup_usage(const retention_config& bounds);

  /// How providers, books and calls are; with `probe`, each provider is asked over the wire, free of charge.
  /// With a `provider`, only that one is reported.
  result<health_report> health(bool probe, const provider_name& provider = {});

  /// Goes offline, or read-only, or back to normal.
  void set_mode(run_mode mode);

  /// Drains and stops a runtime of its own; later calls are answered as `cancelled`.
  void stop();

private:
  struct implementation;
  explicit client(std::unique_ptr<implementation> impl);

  std::unique_ptr<implementation> impl_;
};

} // namespace weir
