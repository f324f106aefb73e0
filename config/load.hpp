// Loading a configuration from text: pure, whole or nothing.
// Knows TOML and the schema; opens no file but those that the text names, to see that they are there and
// good.
#pragma once

#include <weir/config.hpp>

#include <array>
#include <functional>
#include <optional>
#include <string>
#include <string_view>

namespace weir::config {

/// The classes of error that have a table of their own below `[llm.retry]`.
inline constexpr std::array ruled_classes{errc::network, errc::rate_limit, errc::server_error, errc::timeout};

/// A file's text, for `load_text`: at most a byte more than it takes, since a device or a pipe may never end.
/// Nothing when it cannot be read.
std::optional<std::string> read_text(const std::filesystem::path& file);

/// Looks a variable up; nothing when it is not set.
using environment = std::function<std::optional<std::string>(const std::string&)>;

/// The environment of this process.
std::optional<std::string> process_environment(const std::string& variable);

/// A snapshot, or every fault, in the order of the file. `source` is what faults and the snapshot name.
boost::system::result<snapshot_ptr, config_faults>
load_text(std::string_view text, const std::filesystem::path& source, const environment& variables);

} // namespace weir::config
