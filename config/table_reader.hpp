// Reads one TOML table by its schema: every key that was asked for is checked, every other is a fault.
// Collects faults and never stops at one. Knows no particular schema.
#pragma once

#include "config/load.hpp"
#include "config/toml_document.hpp"

#include <cstdint>
#include <optional>
#include <set>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace weir::config {

/// What all readers of a file share.
struct reading {
  const toml_document& document;
  const environment& variables;
  config_faults faults;
  bool lenient = false; ///< in a disabled provider: a string whose variable is missing counts as not there
};

/// What a number may be.
template <class Value>
struct range {
  Value least;
  Value most;
};

/// `"a", "b" or "c"`, for people.
std::string one_of(std::span<const std::string_view> words);

class table_reader {
public:
  /// `table` null: the table is absent, and every key of it with it.
  table_reader(reading& shared, const toml::table* table, std::string path);
  table_reader(const table_reader&) = delete;
  table_reader& operator=(const table_reader&) = delete;

  bool present() const noexcept { return table_ != nullptr; }
  bool has(const std::string& key) const { return table_ != nullptr && table_->contains(key); }

  // Each leaves `out` alone where the key is absent or wrong, and says whether it was there and right.

  /// A string, its variables replaced. Where a missing one is excused, false without a fault.
  bool text(const std::string& key, std::string& out);
  bool flag(const std::string& key, bool& out);
  bool flag(const std::string& key, std::optional<bool>& out);
  bool count(const std::string& key, std::uint32_t& out, range<std::uint32_t> allowed);
  /// A whole number of bytes, or a string such as "32MiB".
  bool size(const std::string& key, std::uint64_t& out, range<std::uint64_t> allowed);
  /// Whole milliseconds, or a string such as "30s", "500ms", "2m", "1h", "7d".
  bool duration(const std::string& key, milliseconds& out, range<milliseconds> allowed);
  /// A decimal as it was written, or in a string.
  bool decimal(const std::string& key, std::string& out);
  /// A string that is one of these words: which.
  std::optional<std::size_t> choice(const std::string& key, std::span<const std::string_view> words);
  /// An array of strings, their variables replaced; one whose variable is missing is left out.
  bool texts(const std::string& key, std::vector<std::string>& out);

  /// The entries of an array of strings, or of strings and tables; nothing where it is absent or wrong. Each
  /// string is to be read with `entry`.
  std::optional<std::vector<const toml::node*>> entries(const std::string& key, bool or_tables = false);
  /// A string of the array under a key, its variables replaced. Where a missing one is excused, nothing
  /// without a fault.
  std::optional<std::string> entry(const std::string& key, const toml::node& node);

  /// An array of tables.
  std::vector<const toml::table*> tables(const std::string& key);
  /// A table below; its keys are read by the caller.
  const toml::table* table(const std::string& key);
  /// The names of the tables below, in the order of the file; each is to be read with `table`.
  std::vector<std::string> names();

  /// The dotted name of a key, for people: a long part of it is cut.
  std::string path_of(const std::string& key) const;

  void fault(const std::string& key, std::string problem);
  /// An entry of the array under a key is wrong; named at its own place.
  void bad_entry(const std::string& key, const toml::node& node, std::string problem);
  /// The key itself is wrong; named at its own place instead of its value's.
  void bad_key(const std::string& key, std::string problem);
  /// A key that must be there is not; named at the table's own place.
  void missing(const std::string& key, const std::string& expected);
  /// Reports every key that nobody asked for, with the nearest known name. To be called once, at the end.
  void finish();

private:
  const toml::node* find(const std::string& key);
  template <class Fits>
  const toml::array* list(const std::string& key, const std::string& expected, Fits fits);
  bool wrong_type(const std::string& key, const toml::node& node, const std::string& expected);
  std::optional<std::string> replaced(const std::string& key, const toml::node& node);

  reading& shared_;
  const toml::table* table_;
  std::string path_;
  std::set<std::string> known_;
};

} // namespace weir::config
