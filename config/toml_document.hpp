// A TOML text and its parsed table, behind checks against what the parser does not stand.
// Knows no schema.
#pragma once

#include "config/toml.hpp"

#include <weir/config.hpp>

#include <cstddef>
#include <string>
#include <string_view>
#include <vector>

namespace weir::config {

class toml_document {
public:
  /// The most bytes that a text may have.
  static constexpr std::size_t largest = 1 << 20;

  /// Parses. A text over 1 MiB, with NUL or bad UTF-8, or with absurd keys is refused before the parser sees
  /// it.
  static boost::system::result<toml_document, config_fault> parse(std::string_view text,
                                                                  const std::string& file);

  const toml::table& root() const noexcept { return root_; }
  const std::string& file() const noexcept { return file_; }

  /// The characters of the number that begins at a place, as they were written.
  std::string_view number_at(const toml::source_position& place) const;

private:
  toml_document() = default;

  std::string text_;
  std::vector<std::size_t> lines_; ///< where each line begins
  std::string file_;
  toml::table root_;
};

} // namespace weir::config
