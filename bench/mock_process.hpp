// The mock provider as a child process, so that its work is not counted as ours.
// Knows no plan: what the mock plays is in its arguments.
#pragma once

#include <weir/error.hpp>

#include <memory>
#include <string>
#include <vector>

#include <sys/types.h>

namespace weir::bench {

/// Runs `weir mock` from the folder of this program; ends it when destroyed.
class mock_process {
public:
  /// Errors: `config` (the program is missing, or did not start).
  static result<std::unique_ptr<mock_process>> start(const std::vector<std::string>& arguments);

  mock_process(const mock_process&) = delete;
  mock_process& operator=(const mock_process&) = delete;
  ~mock_process();

  /// Such as `http://127.0.0.1:40123/v1`.
  const std::string& base_url() const noexcept { return base_url_; }

private:
  mock_process() = default;

  pid_t child_ = -1;
  std::string base_url_;
};

} // namespace weir::bench
