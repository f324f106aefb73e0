// JSON written again as TOML: members of the root a line each, everything below inline.
#include "tools/mock/plan_json.hpp"

#include "protocols/json.hpp"

#include <algorithm>
#include <iterator>

#include <rapidjson/error/en.h>

namespace weir::mock {

namespace {

void write_toml(std::string& out, const rapidjson::Value& value);

void write_toml_string(std::string& out, std::string_view text) {
  constexpr std::string_view digits = "0123456789abcdef";
  out += '"';
  for (const char letter : text) {
    const auto byte = static_cast<unsigned char>(letter);
    if (letter == '"' || letter == '\\') {
      out += '\\';
      out += letter;
    } else if (byte < 0x20 || byte == 0x7f) {
      out += "\\u00";
      out += digits[byte >> 4U];
      out += digits[byte & 15U];
    } else {
      out += letter;
    }
  }
  out += '"';
}

/// JSON as an inline TOML value: what is null is left out by the caller.
void write_toml(std::string& out, const rapidjson::Value& value) {
  if (value.IsObject()) {
    out += '{';
    bool first = true;
    for (const auto& member : value.GetObject()) {
      if (member.value.IsNull())
        continue;
      out += first ? "" : ", ";
      first = false;
      write_toml_string(out, {member.name.GetString(), member.name.GetStringLength()});
      out += " = ";
      write_toml(out, member.value);
    }
    out += '}';
  } else if (value.IsArray()) {
    out += '[';
    for (const auto& each : value.GetArray()) {
      write_toml(out, each);
      out += ", ";
    }
    out += ']';
  } else if (value.IsString()) {
    write_toml_string(out, {value.GetString(), value.GetStringLength()});
  } else if (value.IsBool()) {
    out += value.GetBool() ? "true" : "false";
  } else if (value.IsInt64()) {
    out += std::to_string(value.GetInt64());
  } else {
    out += std::to_string(value.IsNumber() ? value.GetDouble() : 0.0);
  }
}

} // namespace

boost::system::result<std::string, config_fault> json_to_toml(const std::string& text,
                                                              const std::string& file) {
  rapidjson::Document document;
  // Parsing reads whole blocks of 16 bytes.
  const std::string padded = text + std::string(16, '\0');
  document.Parse<rapidjson::kParseIterativeFlag>(padded.c_str());
  if (document.HasParseError()) {
    const auto at =
        text.begin() + static_cast<std::ptrdiff_t>(std::min(document.GetErrorOffset(), text.size()));
    const auto line = static_cast<std::uint32_t>(std::count(text.begin(), at, '\n') + 1);
    const auto begin = std::find(std::reverse_iterator(at), text.rend(), '\n').base();
    return config_fault{file,
                        line,
                        static_cast<std::uint32_t>(at - begin + 1),
                        {},
                        rapidjson::GetParseError_En(document.GetParseError())};
  }
  std::string toml;
  for (const auto& member : document.GetObject()) {
    if (member.value.IsNull())
      continue;
    write_toml_string(toml, {member.name.GetString(), member.name.GetStringLength()});
    toml += " = ";
    write_toml(toml, member.value);
    toml += '\n';
  }
  // Said in full: a fault can be made of a string, too.
  return {boost::system::in_place_value, std::move(toml)};
}

} // namespace weir::mock
