// Values, texts, numbers and arrays against their keywords, with a budget for the work and a limit to the
// depth. Faults are written for the model that made the value.
#include "protocols/json_schema_checker.hpp"
#include "protocols/json_schema_words.hpp"
#include "protocols/utf8.hpp"

#include <algorithm>
#include <cmath>
#include <unordered_map>
#include <utility>

namespace weir::protocols {

namespace {

constexpr std::size_t longest_problem = 1000;

bool is_whole(const json_value& value) noexcept {
  return value.IsInt64() || value.IsUint64();
}

bool is_less(const json_value& left, const json_value& right) noexcept {
  if (left.IsInt64() && right.IsInt64())
    return left.GetInt64() < right.GetInt64();
  if (left.IsUint64() && right.IsUint64())
    return left.GetUint64() < right.GetUint64();
  return left.GetDouble() < right.GetDouble();
}

bool is_multiple(const json_value& value, const json_value& of) noexcept {
  if (is_whole(value) && of.IsUint64()) {
    const std::uint64_t size =
        value.IsUint64() ? value.GetUint64() : 0 - static_cast<std::uint64_t>(value.GetInt64());
    return size % of.GetUint64() == 0;
  }
  // 0.3 is a multiple of 0.1, although the nearest doubles are not.
  const double times = value.GetDouble() / of.GetDouble();
  return !std::isfinite(times) ||
         std::abs(times - std::round(times)) <= 1e-9 * std::max(1.0, std::abs(times));
}

std::size_t letters_of(std::string_view text) noexcept {
  return static_cast<std::size_t>(std::ranges::count_if(
      text, [](char byte) { return (static_cast<unsigned char>(byte) & 0xc0U) != 0x80U; }));
}

} // namespace

std::vector<schema_fault> schema_checker::run(const json_value& value, std::size_t most) {
  most_ = most;
  std::vector<schema_fault> faults;
  faults_ = &faults;
  check(schema_.document.root(), value);
  if (exhausted_)
    return {{"$", "is too large or too deeply nested to be checked against its schema"}};
  return faults;
}

bool schema_checker::spend(std::size_t steps) noexcept {
  if (exhausted_ || steps > budget_)
    exhausted_ = true;
  else
    budget_ -= steps;
  return !exhausted_;
}

void schema_checker::add(std::string problem) {
  if (full())
    return;
  // Alternatives within alternatives would tell of each other without end.
  if (problem.size() > longest_problem)
    problem = problem.substr(0, valid_utf8(std::string_view(problem).substr(0, longest_problem))) + "…";
  faults_->push_back({path_, std::move(problem)});
}

std::vector<schema_fault> schema_checker::faults_of(const json_value& schema, const json_value& value) {
  std::vector<schema_fault> faults;
  std::vector<schema_fault>* const before = std::exchange(faults_, &faults);
  check(schema, value);
  faults_ = before;
  return faults;
}

void schema_checker::check_at(std::string_view name, const json_value& schema, const json_value& value) {
  const std::size_t size = path_.size();
  append_member(path_, name);
  check(schema, value);
  path_.resize(size);
}

void schema_checker::check_at(std::size_t index, const json_value& schema, const json_value& value) {
  const std::size_t size = path_.size();
  path_ += "[" + std::to_string(index) + "]";
  check(schema, value);
  path_.resize(size);
}

void schema_checker::check(const json_value& schema, const json_value& value) {
  if (full() || !spend(1))
    return;
  if (!schema.IsObject()) {
    if (schema.IsFalse())
      add("is not allowed here");
    return;
  }
  if (depth_ == deepest) {
    exhausted_ = true;
    return;
  }
  ++depth_;
  check_keywords(schema, value);
  --depth_;
}

void schema_checker::check_keywords(const json_value& schema, const json_value& value) {
  spend(schema.MemberCount());
  const json_value* nullable = find_member(schema, "nullable");
  if (value.IsNull() && nullable != nullptr && nullable->IsTrue())
    return;
  if (const auto target = schema_.references.find(&schema); target != schema_.references.end())
    check(*target->second, value);
  if (!check_type(schema, value) || !check_choice(schema, value))
    return;
  if (value.IsString())
    check_string(schema, value);
  else if (value.IsNumber())
    check_number(schema, value);
  else if (value.IsArray())
    check_array(schema, value);
  else if (value.IsObject())
    check_object(schema, value);
  if (const json_value* all = find_member(schema, "allOf"))
    for (const json_value& each : all->GetArray())
      check(each, value);
  check_any(schema, value);
  check_one(schema, value);
  if (const json_value* forbidden = find_member(schema, "not"))
    if (faults_of(*forbidden, value).empty())
      add("is what the schema rules out with 'not'");
}

std::vector<std::string_view> schema_checker::types_of(const json_value& schema) {
  std::vector<std::string_view> types;
  const json_value* type = find_member(schema, "type");
  if (type != nullptr && type->IsString())
    types.push_back(name_of(*type));
  else if (type != nullptr)
    for (const json_value& each : type->GetArray())
      types.push_back(name_of(each));
  return types;
}

bool schema_checker::is_one_of(const json_value& value, const std::vector<std::string_view>& types) {
  return types.empty() ||
         std::ranges::any_of(types, [&value](std::string_view type) { return is_of_type(value, type); });
}

void schema_checker::add_wrong_type(const std::vector<std::string_view>& types, const json_value& value) {
  const bool fraction = value.IsNumber() && std::ranges::find(types, "integer") != types.end();
  add("expected " + type_words(types) + ", got " +
      (fraction ? value_word(value) : std::string(type_word(value))));
}

bool schema_checker::check_type(const json_value& schema, const json_value& value) {
  const auto types = types_of(schema);
  if (is_one_of(value, types))
    return true;
  add_wrong_type(types, value);
  return false;
}

bool schema_checker::is_equal(const json_value& left, const json_value& right) {
  if (!spend(1) || left.GetType() != right.GetType())
    return false;
  switch (left.GetType()) {
  case rapidjson::kNumberType:
    return !is_less(left, right) && !is_less(right, left);
  case rapidjson::kStringType:
    return name_of(left) == name_of(right);
  case rapidjson::kArrayType:
    return std::equal(
        left.Begin(), left.End(), right.Begin(), right.End(),
        [this](const json_value& one, const json_value& other) { return is_equal(one, other); });
  case rapidjson::kObjectType:
    return left.MemberCount() == right.MemberCount() &&
           std::all_of(left.MemberBegin(), left.MemberEnd(), [&](const auto& member) {
             const json_value* other = member_of(right, member.name);
             return other != nullptr && is_equal(member.value, *other);
           });
  default:
    return true; // null, true and false are types of their own
  }
}

const json_value* schema_checker::member_of(const json_value& from, const json_value& name) {
  if (!spend(from.MemberCount() / 4 + 1))
    return nullptr;
  const auto found = from.FindMember(name);
  return found == from.MemberEnd() ? nullptr : &found->value;
}

bool schema_checker::check_choice(const json_value& schema, const json_value& value) {
  if (const auto only = schema.FindMember("const");
      only != schema.MemberEnd() && !is_equal(value, only->value)) {
    add("expected " + value_word(only->value) + ", got " + value_word(value));
    return false;
  }
  const json_value* choices = find_member(schema, "enum");
  if (choices == nullptr || std::any_of(choices->Begin(), choices->End(),
                                        [&](const json_value& each) { return is_equal(value, each); }))
    return true;
  std::vector<std::string> words;
  for (const json_value& each : choices->GetArray())
    words.push_back(value_word(each));
  add("expected " + std::string(words.size() > 1 ? "one of " : "") + choice_of(words, "or") + ", got " +
      value_word(value));
  return false;
}

void schema_checker::check_string(const json_value& schema, const json_value& value) {
  const std::string_view text = name_of(value);
  spend(text.size() / 16);
  check_count(schema, "minLength", "maxLength", letters_of(text), "character");
  const json_value* pattern = find_member(schema, "pattern");
  if (pattern != nullptr && matches(name_of(*pattern), text) == false)
    add("expected text that matches " + std::string(name_of(*pattern)) + ", got " + value_word(value));
}

std::optional<bool> schema_checker::matches(std::string_view pattern, std::string_view text) {
  const auto found = schema_.patterns.find(pattern);
  if (found == schema_.patterns.end() || !found->second || exhausted_)
    return std::nullopt;
  const auto matched = found->second->found_in(text, budget_);
  exhausted_ = !matched.has_value();
  return matched;
}

void schema_checker::check_count(const json_value& schema, const char* least, const char* most,
                                 std::size_t got, std::string_view of) {
  const json_value* low = find_member(schema, least);
  if (low != nullptr && static_cast<double>(got) < low->GetDouble())
    add("expected at least " + count_word(low->GetDouble(), of) + ", got " + std::to_string(got));
  const json_value* high = find_member(schema, most);
  if (high != nullptr && static_cast<double>(got) > high->GetDouble())
    add("expected at most " + count_word(high->GetDouble(), of) + ", got " + std::to_string(got));
}

void schema_checker::check_number(const json_value& schema, const json_value& value) {
  const json_value* low = find_member(schema, "minimum");
  const json_value* high = find_member(schema, "maximum");
  const json_value* above = find_member(schema, "exclusiveMinimum");
  const json_value* below = find_member(schema, "exclusiveMaximum");
  if (above != nullptr && above->IsBool())
    above = above->IsTrue() ? std::exchange(low, nullptr) : nullptr;
  if (below != nullptr && below->IsBool())
    below = below->IsTrue() ? std::exchange(high, nullptr) : nullptr;
  const auto wrong = [&](std::string_view word, const json_value& limit) {
    add("expected " + std::string(word) + " " + value_word(limit) + ", got " + value_word(value));
  };
  if (low != nullptr && is_less(value, *low))
    wrong("at least", *low);
  if (high != nullptr && is_less(*high, value))
    wrong("at most", *high);
  if (above != nullptr && !is_less(*above, value))
    wrong("more than", *above);
  if (below != nullptr && !is_less(value, *below))
    wrong("less than", *below);
  const json_value* of = find_member(schema, "multipleOf");
  if (of != nullptr && !is_multiple(value, *of))
    wrong("a multiple of", *of);
}

void schema_checker::check_array(const json_value& schema, const json_value& value) {
  check_count(schema, "minItems", "maxItems", value.Size(), "item");
  const json_value* first = find_member(schema, "prefixItems");
  const json_value* rest = find_member(schema, "items");
  if (rest != nullptr && rest->IsArray()) {
    first = rest;
    rest = find_member(schema, "additionalItems");
  }
  const rapidjson::SizeType some = first == nullptr ? 0 : std::min(first->Size(), value.Size());
  for (rapidjson::SizeType at = 0; at != some && !full(); ++at)
    check_at(at, (*first)[at], value[at]);
  for (rapidjson::SizeType at = some; rest != nullptr && at != value.Size() && !full(); ++at)
    check_at(at, *rest, value[at]);
  const json_value* unique = find_member(schema, "uniqueItems");
  if (unique != nullptr && unique->IsTrue())
    check_unique(value);
}

void schema_checker::check_unique(const json_value& value) {
  std::unordered_map<std::string_view, rapidjson::SizeType> texts;
  const auto twice = [this](rapidjson::SizeType at, rapidjson::SizeType before) {
    const std::size_t size = path_.size();
    path_ += "[" + std::to_string(at) + "]";
    add("is the same as item " + std::to_string(before) + ", and each may stand once");
    path_.resize(size);
  };
  for (rapidjson::SizeType at = 0; at != value.Size() && !full(); ++at) {
    if (value[at].IsString()) {
      spend(name_of(value[at]).size() / 16 + 1);
      if (const auto [before, added] = texts.try_emplace(name_of(value[at]), at); !added)
        twice(at, before->second);
      continue;
    }
    for (rapidjson::SizeType before = 0; before != at && !full(); ++before)
      if (is_equal(value[before], value[at])) {
        twice(at, before);
        break;
      }
  }
}

std::vector<schema_fault> check_value(const parsed_schema& schema, const json_value& value,
                                      std::size_t most) {
  return schema_checker(schema).run(value, most);
}

} // namespace weir::protocols
