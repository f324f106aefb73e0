// The walk down a schema and a value at once: json_schema_check.cpp has its values, json_schema_objects.cpp
// its objects and alternatives. Knows nothing of how a schema was read.
#pragma once

#include "protocols/json_schema_parts.hpp"

#include <cstddef>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace weir::protocols {

/// Made for one check. Keywords mean what draft 2020-12 says; a value of the wrong type hides what follows
/// from that.
class schema_checker {
public:
  explicit schema_checker(const parsed_schema& schema) : schema_(schema) {}

  /// Everything that is wrong, up to `most`.
  std::vector<schema_fault> run(const json_value& value, std::size_t most);

private:
  /// Steps that one check may take. Usual ones take some hundreds.
  static constexpr std::size_t most_steps = 4'000'000;
  /// Schemas within each other, references included. Usual ones have some ten.
  static constexpr std::size_t deepest = 256;

  using alternatives_faults = std::vector<std::vector<schema_fault>>;

  /// False: the budget is used up, and what was found does not count.
  bool spend(std::size_t steps) noexcept;
  bool full() const noexcept { return exhausted_ || faults_->size() >= most_; }
  void add(std::string problem);
  /// The faults that a schema finds, apart from those so far.
  std::vector<schema_fault> faults_of(const json_value& schema, const json_value& value);

  void check(const json_value& schema, const json_value& value);
  void check_at(std::string_view name, const json_value& schema, const json_value& value);
  void check_at(std::size_t index, const json_value& schema, const json_value& value);
  void check_keywords(const json_value& schema, const json_value& value);
  bool check_type(const json_value& schema, const json_value& value);
  bool check_choice(const json_value& schema, const json_value& value);
  void check_string(const json_value& schema, const json_value& value);
  void check_number(const json_value& schema, const json_value& value);
  void check_array(const json_value& schema, const json_value& value);
  void check_unique(const json_value& value);
  void check_count(const json_value& schema, const char* least, const char* most, std::size_t got,
                   std::string_view of);
  void check_object(const json_value& schema, const json_value& value);
  void check_member(const json_value& schema, const json_value& name, const json_value& value);
  void check_any(const json_value& schema, const json_value& value);
  void check_one(const json_value& schema, const json_value& value);

  static std::vector<std::string_view> types_of(const json_value& schema);
  static bool is_one_of(const json_value& value, const std::vector<std::string_view>& types);
  void add_wrong_type(const std::vector<std::string_view>& types, const json_value& value);
  void add_unknown(const json_value* properties);
  /// What is wrong where a value fits no alternative: that of the only one that is meant, or a word on each.
  void add_none_of(const json_value& alternatives, const json_value& value, alternatives_faults found);
  /// The schema that stands for another one, at the end of its references.
  const json_value& meant(const json_value& schema) const;

  bool is_equal(const json_value& left, const json_value& right);
  /// The member of that name, which may be a JSON null.
  const json_value* member_of(const json_value& from, const json_value& name);
  /// Nothing: the pattern is not understood.
  std::optional<bool> matches(std::string_view pattern, std::string_view text);

  const parsed_schema& schema_;
  std::vector<schema_fault>* faults_ = nullptr;
  std::size_t most_ = 0;
  std::size_t budget_ = most_steps;
  std::size_t depth_ = 0;
  bool exhausted_ = false;
  std::string path_ = "$";
};

} // namespace weir::protocols
