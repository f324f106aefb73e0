// Writing them.
#include "tools/documents.hpp"

#include "config/show.hpp"
#include "config/toml_document.hpp"
#include "protocols/json.hpp"
#include "protocols/report_json.hpp"

#include <algorithm>
#include <cassert>
#include <utility>
#include <vector>

namespace weir::tools {

namespace {

using protocols::json_writer;
using protocols::write_member;
using protocols::write_text;

template <class Write>
std::string written(Write write) {
  rapidjson::StringBuffer buffer;
  json_writer out(buffer);
  out.StartObject();
  write(out);
  out.EndObject();
  return {buffer.GetString(), buffer.GetSize()};
}

void write_error(json_writer& out, const failure& error) {
  out.Key("error");
  const std::string text = protocols::to_json(error);
  out.RawValue(text.data(), text.size(), rapidjson::kObjectType);
}

/// All faults as one failure: the first, and how many more there are.
failure summed_up(const config_faults& faults) {
  const config_fault& first = faults.front();
  std::string place = first.file;
  if (first.line != 0)
    place += ":" + std::to_string(first.line) + ":" + std::to_string(first.column);
  std::string message = first.key.empty() ? first.problem : first.key + " " + first.problem;
  if (faults.size() > 1)
    message += " (and " + std::to_string(faults.size() - 1) + " more)";
  return make_failure(errc::config, std::move(message), std::move(place));
}

void write_faults(json_writer& out, const config_faults& faults) {
  out.Key("faults");
  out.StartArray();
  for (const config_fault& each : faults) {
    out.StartObject();
    write_member(out, "file", each.file);
    out.Key("line");
    out.Uint(each.line);
    out.Key("column");
    out.Uint(each.column);
    write_member(out, "key", each.key);
    write_member(out, "message", each.problem);
    out.EndObject();
  }
  out.EndArray();
}

/// A string as it is in effect: `$${` is how a file writes `${`.
std::string unescaped(std::string_view text) {
  std::string plain;
  for (std::size_t at = 0; at != text.size(); ++at)
    if (text.substr(at, 3) != "$${")
      plain += text[at];
  return plain;
}

void write_node(json_writer& out, const toml::node& node);

/// Members in the order of the text, since that of the providers is the order of failover.
void write_members(json_writer& out, const toml::table& table) {
  std::vector<std::pair<const toml::key*, const toml::node*>> members;
  for (const auto& [key, value] : table)
    members.emplace_back(&key, &value);
  std::ranges::stable_sort(members, {}, [](const auto& member) {
    const toml::source_position place = member.first->source().begin;
    return std::pair(place.line, place.column);
  });
  for (const auto& [key, value] : members) {
    const std::string_view name = key->str();
    out.Key(name.data(), static_cast<rapidjson::SizeType>(name.size()));
    write_node(out, *value);
  }
}

void write_node(json_writer& out, const toml::node& node) {
  if (const auto* table = node.as_table()) {
    out.StartObject();
    write_members(out, *table);
    out.EndObject();
  } else if (const auto* array = node.as_array()) {
    out.StartArray();
    for (const toml::node& each : *array)
      write_node(out, each);
    out.EndArray();
  } else if (const auto* text = node.as_string()) {
    write_text(out, unescaped(text->get()));
  } else if (const auto* flag = node.as_boolean()) {
    out.Bool(flag->get());
  } else if (const auto* whole = node.as_integer()) {
    out.Int64(whole->get());
  } else {
    const auto* number = node.as_floating_point();
    assert(number != nullptr && "a snapshot has no dates");
    out.Double(number->get());
  }
}

} // namespace

std::string error_document(const failure& error) {
  return written([&](json_writer& out) { write_error(out, error); });
}

std::string error_document(const config_faults& faults) {
  return written([&](json_writer& out) {
    write_error(out, summed_up(faults));
    write_faults(out, faults);
  });
}

std::string check_document(const std::string& file, const config_faults& faults) {
  return written([&](json_writer& out) {
    out.Key("ok");
    out.Bool(faults.empty());
    write_member(out, "file", file);
    if (faults.empty()) {
      out.Key("error");
      out.Null();
    } else {
      write_error(out, summed_up(faults));
    }
    write_faults(out, faults);
  });
}

result<std::string> config_document(const snapshot& config) {
  const auto shown = config::toml_document::parse(config::to_toml(config), config.source.string());
  if (!shown)
    return make_failure(errc::config, "cannot be shown as JSON: " + shown.error().problem,
                        config.source.string());
  return written([&](json_writer& out) { write_members(out, shown->root()); });
}

std::string models_document(const std::vector<offered_model>& models, const health_report& report) {
  return written([&](json_writer& out) {
    out.Key("models");
    out.StartArray();
    for (const offered_model& each : models) {
      out.StartObject();
      write_member(out, "provider", each.provider.str());
      write_member(out, "id", each.name.str());
      out.Key("configured");
      out.Bool(each.configured != nullptr);
      out.Key("priced");
      out.Bool(each.configured != nullptr && each.configured->prices.has_value());
      out.EndObject();
    }
    out.EndArray();
    out.Key("errors");
    out.StartArray();
    for (const provider_health& each : report.providers)
      if (each.probe_error) {
        out.StartObject();
        write_member(out, "provider", each.name.str());
        write_error(out, *each.probe_error);
        out.EndObject();
      }
    out.EndArray();
  });
}

std::string export_document(const std::string& file, std::uint64_t records, const std::string& format) {
  return written([&](json_writer& out) {
    write_member(out, "file", file);
    out.Key("records");
    out.Uint64(records);
    write_member(out, "format", format);
  });
}

} // namespace weir::tools
