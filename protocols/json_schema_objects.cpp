// Objects and alternatives: what is missing, what is not known, and which of several schemas was meant.
// Faults are written for the model that made the value.
#include "protocols/json_schema_checker.hpp"
#include "protocols/json_schema_words.hpp"

#include <algorithm>
#include <utility>

namespace weir::protocols {

void schema_checker::check_object(const json_value& schema, const json_value& value) {
  check_count(schema, "minProperties", "maxProperties", value.MemberCount(), "member");
  if (const json_value* required = find_member(schema, "required"))
    for (const json_value& name : required->GetArray())
      if (member_of(value, name) == nullptr) {
        const std::size_t size = path_.size();
        append_member(path_, name_of(name));
        add("is required, and is missing");
        path_.resize(size);
      }
  for (const auto& member : value.GetObject()) {
    if (full())
      return;
    const std::size_t size = path_.size();
    append_member(path_, name_of(member.name));
    check_member(schema, member.name, member.value);
    path_.resize(size);
  }
}

void schema_checker::check_member(const json_value& schema, const json_value& name, const json_value& value) {
  bool known = false;
  const json_value* properties = find_member(schema, "properties");
  if (const json_value* own = properties == nullptr ? nullptr : member_of(*properties, name)) {
    known = true;
    check(*own, value);
  }
  if (const json_value* patterns = find_member(schema, "patternProperties"))
    for (const auto& each : patterns->GetObject()) {
      const auto matched = matches(name_of(each.name), name_of(name));
      known = known || matched.value_or(true); // nobody is blamed for a pattern that is not understood
      if (matched == true)
        check(each.value, value);
    }
  const json_value* others = find_member(schema, "additionalProperties");
  if (known || others == nullptr)
    return;
  if (others->IsFalse())
    add_unknown(properties);
  else
    check(*others, value);
}

void schema_checker::add_unknown(const json_value* properties) {
  std::vector<std::string> names;
  if (properties != nullptr)
    for (const auto& each : properties->GetObject())
      names.push_back(value_word(each.name));
  add(names.empty() ? "is not known here; nothing is"
                    : "is not known here; known are " + choice_of(names, "and"));
}

const json_value& schema_checker::meant(const json_value& schema) const {
  const json_value* at = &schema;
  for (std::size_t followed = 0; followed != deepest; ++followed) {
    const auto target = schema_.references.find(at);
    if (target == schema_.references.end())
      break;
    at = target->second;
  }
  return *at;
}

void schema_checker::check_any(const json_value& schema, const json_value& value) {
  const json_value* alternatives = find_member(schema, "anyOf");
  if (alternatives == nullptr)
    return;
  alternatives_faults found;
  for (const json_value& each : alternatives->GetArray()) {
    found.push_back(faults_of(each, value));
    if (found.back().empty())
      return;
  }
  add_none_of(*alternatives, value, std::move(found));
}

void schema_checker::check_one(const json_value& schema, const json_value& value) {
  const json_value* alternatives = find_member(schema, "oneOf");
  if (alternatives == nullptr)
    return;
  alternatives_faults found;
  std::vector<std::string> fits;
  for (rapidjson::SizeType at = 0; at != alternatives->Size(); ++at) {
    found.push_back(faults_of((*alternatives)[at], value));
    if (found.back().empty())
      fits.push_back(std::to_string(at + 1));
  }
  if (fits.empty())
    add_none_of(*alternatives, value, std::move(found));
  else if (fits.size() > 1)
    add("fits alternatives " + choice_of(fits, "and") + " of its schema, and must fit exactly one");
}

void schema_checker::add_none_of(const json_value& alternatives, const json_value& value,
                                 alternatives_faults found) {
  std::vector<std::string_view> types;
  std::vector<std::size_t> likely; // that take a value of this type
  bool typed = true;
  for (rapidjson::SizeType at = 0; at != alternatives.Size(); ++at) {
    const json_value& each = meant(alternatives[at]);
    const auto own = each.IsObject() ? types_of(each) : std::vector<std::string_view>();
    if (is_one_of(value, own))
      likely.push_back(at);
    typed = typed && !own.empty();
    types.insert(types.end(), own.begin(), own.end());
  }
  if (likely.empty() && typed && !types.empty())
    return add_wrong_type(types, value);
  if (likely.size() == 1) {
    for (schema_fault& each : found[likely.front()])
      if (!full())
        faults_->push_back(std::move(each));
    return;
  }
  std::string text = "fits none of " + count_word(static_cast<double>(alternatives.Size()), "alternative");
  const std::size_t shown = std::min<std::size_t>(likely.size(), 5);
  for (std::size_t at = 0; at != shown; ++at) {
    const schema_fault& first = found[likely[at]].front();
    text.append(at == 0 ? ": " : "; ")
        .append(std::to_string(likely[at] + 1) + ") " + first.path + " " + first.problem);
  }
  add(std::move(text));
}

} // namespace weir::protocols
