// The last good price list: kept on disk, so that prices are known when their source cannot be reached, and
// the one that a new list must be believed against.
// Fetches nothing.
#pragma once

#include "config/price_list.hpp"

#include <filesystem>
#include <memory>
#include <optional>
#include <string>

namespace weir::config {

/// Where the last good list of a configuration is kept: beside the ledger.
std::filesystem::path price_store_of(const snapshot& config);

/// The last good list of that source. Errors (`config`): there is none, it is of another source, or damaged.
result<std::shared_ptr<const price_book>> stored_prices(const std::filesystem::path& file,
                                                        const prices_config& from);

/// The text of a price list that is a file. Errors (`config`): cannot be read, too large.
result<std::string> read_price_file(const std::string& file);

/// Whether prices come from a URL, and not from a file.
bool is_url(const prices_config& from) noexcept;

/// What became of a list.
struct price_intake {
  std::shared_ptr<const price_book> book;   ///< the new list; null when it was refused
  std::shared_ptr<const price_book> before; ///< what it was compared with; null: nothing
  std::optional<failure> error;             ///< why it was refused, or why it could not be kept
};

/// Reads a list, judges it against the last good one, and, if it is believed, keeps it in its place: through
/// a temporary name, readable by the owner only. `before` null: the one on disk. With `accept`, it is
/// believed whatever it says.
price_intake take_in(const std::string& text, const prices_config& from, const std::filesystem::path& file,
                     std::shared_ptr<const price_book> before, const plausibility& bounds,
                     bool accept = false);

/// The prices that are known without asking anybody: those of the file, or the last good ones. Null: none.
std::shared_ptr<const price_book> prices_at_start(const snapshot& config, timestamp now);

} // namespace weir::config
