// The mock's log and bill: a JSON line for each chat request, and one for each stream that its client left.
// Knows answers, and no server.
#pragma once

#include "tools/mock/answer.hpp"

#include <chrono>
#include <cstdint>
#include <string>

namespace weir::mock {

/// Appends to a file; each line is one write, so that lines of several threads and processes never mix.
class request_log {
public:
  /// An empty name: nothing is written. With `content`, a line also has what the user said last.
  explicit request_log(const std::string& file, bool content = false);
  request_log(const request_log&) = delete;
  request_log& operator=(const request_log&) = delete;
  ~request_log();

  bool is_open() const noexcept { return file_ >= 0; }

  void write(const transport::server_request& request, const answer& given, std::uint64_t number,
             std::chrono::milliseconds time);
  /// The client of a stream was gone before its end; so many chunks had been sent.
  void write_closed(std::uint64_t number, std::uint64_t chunks, std::chrono::milliseconds time);

private:
  int file_;
  bool content_;
};

} // namespace weir::mock
