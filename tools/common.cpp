// Shared pieces of the subcommands.
#include "tools/common.hpp"

#include "tools/documents.hpp"

#include <CLI/CLI.hpp>
#include <spdlog/sinks/stdout_color_sinks.h>
#include <spdlog/spdlog.h>

#include <array>
#include <cerrno>
#include <cstdio>
#include <cstring>
#include <memory>

#include <fcntl.h>
#include <unistd.h>

namespace weir::tools {

void occupy_standard_streams() {
  for (int stream = STDIN_FILENO; stream <= STDERR_FILENO; ++stream)
    if (::fcntl(stream, F_GETFD) == -1 && errno == EBADF) {
      // The wrong way round, for whoever closed a stream shall hear of it. Takes the lowest free number, and
      // stays open to the end.
      const int way = stream == STDIN_FILENO ? O_WRONLY : O_RDONLY;
      [[maybe_unused]] const int taken = ::open("/dev/null", way);
    }
}

void add_config_option(CLI::App& command, config_options& options) {
  options.file = "weir.toml";
  command.add_option("-c,--config", options.file, "Configuration file (TOML)")
      ->envname("WEIR_CONFIG")
      ->capture_default_str()
      ->type_name("FILE");
}

snapshot_ptr load_or_complain(const config_options& options) {
  auto loaded = load_config(options.file);
  if (loaded)
    return std::move(*loaded);
  complain(loaded.error(), options.json);
  return nullptr;
}

std::optional<client> start_or_complain(const config_options& options, int& code) {
  const snapshot_ptr config = load_or_complain(options);
  if (!config) {
    code = exit_code::usage;
    return std::nullopt;
  }
  return start_or_complain(config, options, code);
}

std::optional<client> start_or_complain(const snapshot_ptr& config, const config_options& options,
                                        int& code) {
  auto started = client::start(config, {.watch_config = false});
  if (started)
    return std::move(*started);
  complain(started.error(), options.json);
  code = started.error().type == errc::config ? exit_code::usage : exit_code::failed;
  return std::nullopt;
}

void start_log(const std::string& level) {
  auto logger = spdlog::stderr_color_mt("weir");
  logger->set_pattern("%Y-%m-%dT%H:%M:%S.%e %^%l%$ %v");
  logger->set_level(spdlog::level::from_str(level));
}

void complain(const failure& error, bool json) {
  tell("weir: " + to_string(error) + "\n");
  if (json)
    print(error_document(error) + "\n");
}

void complain(const config_faults& faults, bool json) {
  for (const config_fault& each : faults)
    tell(to_string(each) + "\n");
  if (json)
    print(error_document(faults) + "\n");
}

result<std::string> read_input(const std::string& file) {
  constexpr std::size_t largest = 64 << 20; // a request with pictures in it is far below
  const std::unique_ptr<std::FILE, int (*)(std::FILE*)> opened(
      file == "-" ? nullptr : std::fopen(file.c_str(), "rb"), [](std::FILE* in) { return std::fclose(in); });
  std::FILE* const in = file == "-" ? stdin : opened.get();
  const auto complaint = [&](std::string_view what) {
    return make_failure(errc::invalid_request, std::string(what), file == "-" ? "standard input" : file);
  };
  if (in == nullptr)
    return complaint(std::string("cannot be read: ") + std::strerror(errno));
  std::string text;
  std::array<char, 64 * 1024> piece;
  while (const std::size_t size = std::fread(piece.data(), 1, piece.size(), in)) {
    text.append(piece.data(), size);
    if (text.size() > largest)
      return complaint("is larger than 64 MiB");
  }
  if (std::ferror(in) != 0)
    return complaint(std::string("cannot be read: ") + std::strerror(errno));
  return text;
}

void print(std::string_view text) {
  const bool all = text.empty() || std::fwrite(text.data(), 1, text.size(), stdout) == text.size();
  const int error = errno;
  if (!all)
    throw output_lost(std::string("cannot write to standard output: ") + std::strerror(error));
  if (std::fflush(stdout) != 0)
    throw output_lost(std::string("cannot write to standard output: ") + std::strerror(errno));
  if (std::ferror(stdout) != 0)
    throw output_lost("cannot write to standard output");
}

void tell(std::string_view text) {
  if (!text.empty()) {
    [[maybe_unused]] const auto written = std::fwrite(text.data(), 1, text.size(), stderr);
  }
}

std::string counted(std::uint64_t count, std::string_view word) {
  return std::to_string(count) + " " + std::string(word) + (count == 1 ? "" : "s");
}

} // namespace weir::tools
