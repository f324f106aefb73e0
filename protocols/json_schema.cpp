// Reading a schema: each keyword that counts is looked at once, so that checking need not ask again.
#include "protocols/json_schema.hpp"

#include "protocols/json_schema_parts.hpp"
#include "protocols/utf8.hpp"

#include <algorithm>
#include <array>
#include <cmath>
#include <unordered_set>
#include <utility>

namespace weir::protocols {

namespace {

constexpr std::array<std::string_view, 7> type_names{"null",   "boolean", "integer", "number",
                                                     "string", "array",   "object"};

bool is_type_name(const json_value& value) {
  return value.IsString() && std::ranges::find(type_names, name_of(value)) != type_names.end();
}

bool is_schema(const json_value& value) noexcept {
  return value.IsObject() || value.IsBool();
}

bool is_list(const json_value& value, bool (*fits)(const json_value&)) {
  return value.IsArray() && std::all_of(value.Begin(), value.End(), fits);
}

bool is_count(const json_value& value) {
  return value.IsNumber() && value.GetDouble() >= 0 && std::floor(value.GetDouble()) == value.GetDouble();
}

/// A keyword with a plain value, and what that must be.
struct rule {
  const char* name;
  bool (*fits)(const json_value&);
  std::string_view expected;
};

constexpr std::string_view a_number = "a number";
constexpr std::string_view a_count = "a whole number of at least 0";

bool is_number(const json_value& value) {
  return value.IsNumber();
}

/// In draft 4 and OpenAPI 3.0 the exclusive limits are marks on the others.
bool is_exclusive(const json_value& value) {
  return value.IsNumber() || value.IsBool();
}

const std::array<rule, 18> rules{{
    {"type",
     [](const json_value& value) {
       return is_type_name(value) || (is_list(value, is_type_name) && !value.Empty());
     },
     "the name of a type, or an array of them"},
    {"enum", [](const json_value& value) { return value.IsArray(); }, "an array"},
    {"required",
     [](const json_value& value) {
       return is_list(value, [](const json_value& each) { return each.IsString(); });
     },
     "an array of names"},
    {"minimum", is_number, a_number},
    {"maximum", is_number, a_number},
    {"exclusiveMinimum", is_exclusive, a_number},
    {"exclusiveMaximum", is_exclusive, a_number},
    {"multipleOf", [](const json_value& value) { return value.IsNumber() && value.GetDouble() > 0; },
     "a number above 0"},
    {"minLength", is_count, a_count},
    {"maxLength", is_count, a_count},
    {"minItems", is_count, a_count},
    {"maxItems", is_count, a_count},
    {"minProperties", is_count, a_count},
    {"maxProperties", is_count, a_count},
    {"uniqueItems", [](const json_value& value) { return value.IsBool(); }, "true or false"},
    {"nullable", [](const json_value& value) { return value.IsBool(); }, "true or false"},
    {"pattern", [](const json_value& value) { return value.IsString(); }, "a string"},
    {"$ref", [](const json_value& value) { return value.IsString(); }, "a string"},
}};

/// Keywords whose value is a schema, an array of them, an object of them.
constexpr std::array<const char*, 3> one_schema{"additionalProperties", "additionalItems", "not"};
constexpr std::array<const char*, 4> schema_lists{"prefixItems", "anyOf", "oneOf", "allOf"};
constexpr std::array<const char*, 4> schema_maps{"properties", "patternProperties", "$defs", "definitions"};

/// Paths are for people: they stop growing somewhere.
constexpr std::size_t longest_path = 500;
constexpr std::size_t longest_name = 64;

failure fault(std::string path, std::string expected) {
  return make_failure(errc::invalid_request, "expected " + std::move(expected), std::move(path));
}

class schema_reader {
public:
  explicit schema_reader(parsed_schema& into) : into_(into) {}

  result<void> read() {
    add(into_.document.root(), "$");
    while (!todo_.empty()) {
      const auto [schema, path] = std::move(todo_.back());
      todo_.pop_back();
      if (auto wrong = read_schema(*schema, path))
        return std::move(*wrong);
    }
    return {};
  }

private:
  using fault_or_none = std::optional<failure>;

  void add(const json_value& schema, std::string path) {
    if (seen_.insert(&schema).second)
      todo_.emplace_back(&schema, std::move(path));
  }

  fault_or_none read_schema(const json_value& schema, const std::string& path) {
    if (!is_schema(schema))
      return fault(path, "a schema: an object, true or false");
    if (schema.IsBool())
      return std::nullopt;
    for (const rule& each : rules)
      if (const json_value* value = find_member(schema, each.name); value != nullptr && !each.fits(*value))
        return fault(member_path(path, each.name), std::string(each.expected));
    if (const json_value* pattern = find_member(schema, "pattern"))
      add_pattern(name_of(*pattern));
    if (const json_value* reference = find_member(schema, "$ref"))
      if (auto bad = resolve(schema, name_of(*reference), member_path(path, "$ref")))
        return bad;
    return read_inner(schema, path);
  }

  fault_or_none read_inner(const json_value& schema, const std::string& path) {
    for (const char* name : one_schema)
      if (const json_value* inner = find_member(schema, name))
        add(*inner, member_path(path, name));
    // Before draft 2020 an array of `items` was what `prefixItems` is now.
    if (const json_value* items = find_member(schema, "items")) {
      if (!items->IsArray())
        add(*items, member_path(path, "items"));
      else if (auto bad = read_list(*items, member_path(path, "items")))
        return bad;
    }
    for (const char* name : schema_lists)
      if (const json_value* list = find_member(schema, name))
        if (auto bad = read_list(*list, member_path(path, name)))
          return bad;
    for (const char* name : schema_maps)
      if (const json_value* map = find_member(schema, name))
        if (auto bad = read_map(*map, member_path(path, name), std::string_view(name) == "patternProperties"))
          return bad;
    return std::nullopt;
  }

  fault_or_none read_list(const json_value& list, const std::string& path) {
    if (!list.IsArray())
      return fault(path, "an array of schemas");
    for (rapidjson::SizeType at = 0; at != list.Size(); ++at)
      add(list[at], path + "[" + std::to_string(at) + "]");
    return std::nullopt;
  }

  fault_or_none read_map(const json_value& map, const std::string& path, bool patterns) {
    if (!map.IsObject())
      return fault(path, "an object of schemas");
    for (const auto& member : map.GetObject()) {
      if (patterns)
        add_pattern(name_of(member.name));
      add(member.value, member_path(path, name_of(member.name)));
    }
    return std::nullopt;
  }

  void add_pattern(std::string_view pattern) {
    if (!into_.patterns.contains(pattern))
      into_.patterns.emplace(pattern, text_pattern::compile(pattern));
  }

  /// Follows a JSON pointer (RFC 6901) in a fragment of a URI (RFC 3986).
  fault_or_none resolve(const json_value& schema, std::string_view reference, const std::string& path) {
    const json_value* target = reference.starts_with('#') ? &into_.document.root() : nullptr;
    std::string_view rest = reference.substr(target == nullptr ? 0 : 1);
    while (target != nullptr && !rest.empty()) {
      if (!rest.starts_with('/')) {
        target = nullptr; // an anchor
        break;
      }
      rest.remove_prefix(1);
      const std::string_view token = rest.substr(0, rest.find('/'));
      rest.remove_prefix(token.size());
      target = step_into(*target, plain(token));
    }
    if (target == nullptr || !is_schema(*target))
      return fault(path, "a reference to a schema in the same text, such as '#/$defs/name'");
    into_.references.emplace(&schema, target);
    add(*target, path);
    return std::nullopt;
  }

  static const json_value* step_into(const json_value& from, const std::string& name) {
    if (from.IsObject()) {
      const auto found =
          from.FindMember(json_value(name.data(), static_cast<rapidjson::SizeType>(name.size())));
      return found == from.MemberEnd() ? nullptr : &found->value;
    }
    if (!from.IsArray() || name.empty() || name.size() > 9 ||
        name.find_first_not_of("0123456789") != std::string::npos)
      return nullptr;
    const auto at = static_cast<rapidjson::SizeType>(std::stoul(name));
    return at < from.Size() ? &from[at] : nullptr;
  }

  /// `%41`, `~1` and `~0` are `A`, `/` and `~`.
  static std::string plain(std::string_view token) {
    constexpr std::string_view digits = "0123456789abcdef";
    const auto digit = [&](std::size_t at) {
      return at < token.size() ? digits.find(static_cast<char>(token[at] | 0x20)) : std::string_view::npos;
    };
    std::string decoded;
    for (std::size_t at = 0; at < token.size(); ++at) {
      const std::size_t high = token[at] == '%' ? digit(at + 1) : std::string_view::npos;
      const std::size_t low = token[at] == '%' ? digit(at + 2) : std::string_view::npos;
      if (high != std::string_view::npos && low != std::string_view::npos) {
        decoded.push_back(static_cast<char>(high * 16 + low));
        at += 2;
      } else {
        decoded.push_back(token[at]);
      }
    }
    std::string text;
    for (std::size_t at = 0; at < decoded.size(); ++at) {
      const bool escaped =
          decoded[at] == '~' && at + 1 < decoded.size() && (decoded[at + 1] == '0' || decoded[at + 1] == '1');
      text.push_back(!escaped ? decoded[at] : decoded[at + 1] == '0' ? '~' : '/');
      at += escaped ? 1 : 0;
    }
    return text;
  }

  parsed_schema& into_;
  std::vector<std::pair<const json_value*, std::string>> todo_;
  std::unordered_set<const json_value*> seen_;
};

bool is_plain_word(std::string_view name) noexcept {
  return !name.empty() && !(name.front() >= '0' && name.front() <= '9') &&
         std::ranges::all_of(name, [](char letter) {
           return (letter >= 'a' && letter <= 'z') || (letter >= 'A' && letter <= 'Z') ||
                  (letter >= '0' && letter <= '9') || letter == '_' || letter == '$';
         });
}

} // namespace

std::string_view name_of(const json_value& value) noexcept {
  return {value.GetString(), value.GetStringLength()};
}

void append_member(std::string& path, std::string_view name) {
  if (path.size() > longest_path)
    return;
  const bool cut = name.size() > longest_name;
  if (!cut && is_plain_word(name)) {
    path.append(".").append(name);
    return;
  }
  std::string shown(name.substr(0, valid_utf8(name.substr(0, longest_name))));
  if (cut)
    shown += "…";
  path += "[" + to_json_text(json_value(shown.data(), static_cast<rapidjson::SizeType>(shown.size()))) + "]";
}

std::string member_path(std::string_view path, std::string_view name) {
  std::string made(path);
  append_member(made, name);
  return made;
}

result<json_schema> json_schema::parse(std::string_view text) {
  if (text.size() > largest)
    return fault("$", "a schema of at most " + std::to_string(largest) + " bytes");
  auto parsed = json_document::parse(text);
  if (!parsed)
    return parsed.error();
  const auto schema = std::make_shared<parsed_schema>(std::move(*parsed));
  if (auto read = schema_reader(*schema).read(); !read)
    return read.error();
  return json_schema(schema);
}

std::vector<schema_fault> json_schema::check(std::string_view json) const {
  if (json.find_first_not_of(" \t\r\n") == std::string_view::npos)
    json = "{}";
  const auto value = json_document::parse(json);
  if (!value)
    return {{"$", value.error().message + " (" + value.error().place + ")"}};
  return check_value(*parsed_, value->root(), most_faults);
}

} // namespace weir::protocols
