// What `weir chat` is told, and the request that it makes of it.
// Knows no output and no provider.
#pragma once

#include "tools/common.hpp"

#include <weir/chat.hpp>

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

namespace weir::tools {

struct chat_options {
  config_options config;
  std::string model;
  std::string provider;
  std::string system;
  std::string request_file;
  std::string prompt;
  std::string rescue; ///< a policy's name; empty: the route's
  std::optional<double> temperature;
  std::optional<std::uint32_t> max_tokens;
  std::optional<std::int64_t> timeout_ms;
  std::string max_cost; ///< an amount and a currency, such as `0.05 USD`; empty: no ceiling
  std::vector<std::string> tags;
  std::vector<std::string> images; ///< paths and URLs
  bool stream = false;
  bool verbose = false;
};

/// The request that the options describe. Errors: `invalid_request`.
result<chat_request> make_request(const chat_options& options);

} // namespace weir::tools
