// What many rows have in common: provider, model, and the tags that rollups are kept by; under one number.
// Knows bytes and LMDB's table of them; no record's figures.
#pragma once

#include "storage/lmdb.hpp"

#include <weir/usage.hpp>

#include <array>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <shared_mutex>
#include <span>
#include <string>
#include <string_view>
#include <unordered_map>
#include <utility>
#include <vector>

namespace weir::storage {

struct series {
  using tag = std::pair<std::string, std::string>;

  std::uint32_t number = 0; ///< from 1 on; never used for anything else
  provider_name provider;
  model_name model;
  std::vector<tag> tags;      ///< in the order that the records have them
  std::uint32_t text_sum = 0; ///< checksum of all the texts
};

using series_ptr = std::shared_ptr<const series>;
using series_key = std::array<std::uint8_t, 4>;

/// The number, most significant byte first.
series_key make_series_key(std::uint32_t number) noexcept;

std::uint32_t sum_names(std::string_view provider, std::string_view model);
std::uint32_t sum_tag(std::uint32_t before, std::string_view key, std::string_view value);

/// The texts of a record's series as they are stored, without the checksum: version, provider, model, and
/// the tags that have one of the keys.
void describe_series(const usage_record& record, std::span<const std::string> keys, std::string& out);

/// Appends a stored series: its description and the checksum of key and description.
void encode_series(std::uint32_t number, std::string_view description, std::vector<std::uint8_t>& out);

/// What is wrong with a stored series, or null.
const char* decode_series(std::span<const std::uint8_t> key, std::span<const std::uint8_t> value,
                          series& into);

/// The series that this process has met. What a commit has not made durable is not in it.
class series_book {
public:
  /// Null when it has not been met.
  series_ptr find(std::uint32_t number) const;
  void add(series_ptr met);
  /// Forgets all: after an environment was opened anew.
  void clear();

  /// For the writer alone: number by description, of all series up to `complete`.
  struct text_hash {
    using is_transparent = void;
    std::size_t operator()(std::string_view text) const noexcept {
      return std::hash<std::string_view>{}(text);
    }
  };
  std::unordered_map<std::string, series_ptr, text_hash, std::equal_to<>> by_description;
  std::uint32_t complete = 0;

private:
  mutable std::shared_mutex lock_;
  std::vector<series_ptr> by_number_;
};

/// Finds series for one question, in its transactions; asks the book first.
class series_reader {
public:
  /// `writing`: what it finds may be of the transaction itself, and is not for the book.
  explicit series_reader(series_book& book, bool writing = false) : book_(book), writing_(writing) {}

  /// Null, and a problem, when the series is missing or damaged.
  const series* find(lmdb::transaction& txn, MDB_dbi table, std::uint32_t number);
  /// One that `find` has given already, else null.
  const series* met(std::uint32_t number) const;
  const char* problem() const { return problem_; }

private:
  const series* load(lmdb::transaction& txn, MDB_dbi table, std::uint32_t number);

  series_book& book_;
  bool writing_;
  std::vector<series_ptr> met_;
  std::unordered_map<std::uint32_t, series_ptr> far_;
  const char* problem_ = "";
};

/// Finds or makes the series of records in one writing transaction.
class series_writer {
public:
  series_writer(series_book& book, lmdb::transaction& txn, MDB_dbi table, std::span<const std::string> keys)
      : book_(book), txn_(txn), table_(table), keys_(keys) {}
  series_writer(const series_writer&) = delete;
  series_writer& operator=(const series_writer&) = delete;
  /// Takes back what was made, unless `keep` was called.
  ~series_writer();

  /// Learns what other processes have made. First of all.
  lmdb::status begin();
  lmdb::status resolve(const usage_record& record, const series*& found);
  /// The commit was a success.
  void keep();

private:
  /// The series that a record of such names had last; most neighbours share a few.
  struct recent {
    std::size_t hash = 0;
    const series* found = nullptr;
  };

  std::size_t hash_of(const usage_record& record) const;
  bool is_of(const usage_record& record, const series& names) const;
  lmdb::status look_up(const usage_record& record, const series*& found);
  lmdb::status make(const series*& made);

  series_book& book_;
  lmdb::transaction& txn_;
  MDB_dbi table_;
  std::span<const std::string> keys_;
  std::string description_;
  std::vector<std::uint8_t> bytes_;
  std::uint32_t last_ = 0;
  std::vector<std::string> made_;
  std::array<recent, 256> recent_{};
};

} // namespace weir::storage
