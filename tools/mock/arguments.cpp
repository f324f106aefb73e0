// A value for each kind of schema. References are followed within the document, and depth and number
// are bounded, since a schema may refer to itself.
#include "tools/mock/arguments.hpp"

#include "protocols/json.hpp"

#include <algorithm>
#include <cmath>

namespace weir::mock {

namespace {

using protocols::find_member;
using protocols::json_value;
using protocols::json_writer;

class generator {
public:
  generator(const json_value& root, json_writer& out) : root_(root), out_(out) {}

  void write(const json_value& schema, int depth) {
    if (--left_ < 0)
      depth = 0;
    const json_value& here = resolved(schema);
    if (const json_value* chosen = fixed(here)) {
      chosen->Accept(out_);
      return;
    }
    for (const char* list : {"anyOf", "oneOf", "allOf"})
      if (const json_value* each = find_member(here, list);
          each != nullptr && each->IsArray() && !each->Empty() && depth > 0)
        return write((*each)[0], depth - 1);
    const std::string_view type = type_of(here);
    if (type == "object")
      write_object(here, depth);
    else if (type == "array")
      write_array(here, depth);
    else if (type == "number" || type == "integer")
      write_number(here);
    else if (type == "boolean")
      out_.Bool(true);
    else if (type == "null")
      out_.Null();
    else
      out_.String("text");
  }

  void write_object(const json_value& schema, int depth) {
    out_.StartObject();
    const json_value* required = find_member(schema, "required");
    if (required != nullptr && required->IsArray() && depth > 0)
      for (const json_value& name : required->GetArray()) {
        if (!name.IsString())
          continue;
        const json_value* property = find_member(schema, "properties", name.GetString());
        out_.Key(name.GetString(), name.GetStringLength());
        if (property != nullptr)
          write(*property, depth - 1);
        else
          out_.String("text");
      }
    out_.EndObject();
  }

  const json_value& resolved(const json_value& schema) const {
    const json_value* here = &schema;
    // As many steps as a sane schema has; a circle ends here as well.
    for (int steps = 0; steps != 16; ++steps) {
      const std::string_view reference = protocols::text_of(find_member(*here, "$ref"));
      if (reference != "#" && !reference.starts_with("#/"))
        break;
      const json_value* next = &root_;
      for (std::string_view rest = reference.substr(1); !rest.empty() && next != nullptr;) {
        rest.remove_prefix(1);
        const auto slash = std::min(rest.find('/'), rest.size());
        next = find_member(*next, std::string(rest.substr(0, slash)).c_str());
        rest = rest.substr(slash);
      }
      if (next == nullptr)
        break;
      here = next;
    }
    return *here;
  }

private:
  /// A value that the schema names.
  static const json_value* fixed(const json_value& schema) {
    if (const json_value* only = find_member(schema, "const"))
      return only;
    const json_value* words = find_member(schema, "enum");
    return words != nullptr && words->IsArray() && !words->Empty() ? &(*words)[0] : nullptr;
  }

  /// The type, or the first that is not null of several, or what the other members tell of it.
  static std::string_view type_of(const json_value& schema) {
    const json_value* type = find_member(schema, "type");
    if (type != nullptr && type->IsArray()) {
      for (const json_value& each : type->GetArray())
        if (protocols::text_of(&each) != "null")
          return protocols::text_of(&each);
      return "null";
    }
    if (type != nullptr)
      return protocols::text_of(type);
    if (find_member(schema, "properties") != nullptr)
      return "object";
    return find_member(schema, "items") != nullptr ? "array" : "string";
  }

  void write_array(const json_value& schema, int depth) {
    constexpr unsigned most = 8;
    const json_value* least = find_member(schema, "minItems");
    const json_value* items = find_member(schema, "items");
    const unsigned count = least != nullptr && least->IsUint() ? std::min(least->GetUint(), most) : 0;
    out_.StartArray();
    for (unsigned n = 0; n != count && depth > 0; ++n) {
      if (items != nullptr)
        write(*items, depth - 1);
      else
        out_.String("text");
    }
    out_.EndArray();
  }

  /// 1, or the bound that it breaks.
  void write_number(const json_value& schema) {
    const json_value* least = find_member(schema, "minimum");
    const json_value* most = find_member(schema, "maximum");
    if (least != nullptr && least->IsNumber() && least->GetDouble() > 1)
      least->Accept(out_);
    else if (most != nullptr && most->IsNumber() && most->GetDouble() < 1)
      most->Accept(out_);
    else
      out_.Int(1);
  }

  const json_value& root_;
  json_writer& out_;
  int left_ = 1000; ///< values that are written in full; a schema that branches into itself has no end
};

} // namespace

std::string make_arguments(std::string_view schema) {
  constexpr int deepest = 8;
  const auto parsed = protocols::json_document::parse(schema);
  if (!parsed)
    return "{}";
  rapidjson::StringBuffer buffer;
  json_writer out(buffer);
  generator made(parsed->root(), out);
  made.write_object(made.resolved(parsed->root()), deepest);
  return {buffer.GetString(), buffer.GetSize()};
}

} // namespace weir::mock
