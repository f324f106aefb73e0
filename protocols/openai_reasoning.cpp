// Joining, as recorded from OpenRouter: text in many pieces, then a piece with the signature alone.
#include "protocols/openai_reasoning.hpp"

#include <algorithm>

namespace weir::protocols {

namespace {

std::string index_of(const json_value& piece) {
  const json_value* index = find_member(piece, "index");
  return index == nullptr ? std::string() : to_json_text(*index);
}

bool joins(std::string_view name) {
  return name == "text" || name == "summary";
}

} // namespace

bool reasoning_details::continues(const json_value& piece) const {
  if (entries_.empty() || entries_.back().closed)
    return false;
  const entry& last = entries_.back();
  if (last.type != text_of(find_member(piece, "type")) || last.index != index_of(piece))
    return false;
  // An encrypted entry comes whole: a second one is another.
  return find_member(piece, "data") == nullptr ||
         std::ranges::none_of(last.others, [](const auto& each) { return each.first == "data"; });
}

void reasoning_details::grow(entry& into, const json_value& piece) {
  for (const auto& member : piece.GetObject()) {
    const std::string_view name = text_of(&member.name);
    if (name == "type" || name == "index")
      continue;
    if (joins(name) && member.value.IsString()) {
      const auto text = text_of(&member.value);
      (name == "text" ? into.text : into.summary).append(text);
      (name == "text" ? into.has_text : into.has_summary) = true;
      size_ += text.size();
      continue;
    }
    const auto found = std::ranges::find(into.others, name, [](const auto& each) { return each.first; });
    if (found == into.others.end()) {
      into.others.emplace_back(name, to_json_text(member.value));
      size_ += name.size() + into.others.back().second.size();
    } else if (found->second == "null") {
      found->second = to_json_text(member.value);
      size_ += found->second.size();
    }
    into.closed = into.closed || (name == "signature" && !text_of(&member.value).empty());
  }
}

void reasoning_details::add(const json_value& list) {
  if (!list.IsArray())
    return;
  for (const json_value& piece : list.GetArray()) {
    if (!piece.IsObject())
      continue;
    if (!continues(piece)) {
      entry& made = entries_.emplace_back();
      made.type = text_of(find_member(piece, "type"));
      made.index = index_of(piece);
      size_ += sizeof(entry) + made.type.size() + made.index.size();
    }
    grow(entries_.back(), piece);
  }
}

std::string reasoning_details::json() const {
  rapidjson::StringBuffer buffer;
  json_writer out(buffer);
  const auto raw = [&out](std::string_view name, const std::string& json) {
    out.Key(name.data(), static_cast<rapidjson::SizeType>(name.size()));
    out.RawValue(json.data(), json.size(), rapidjson::kStringType);
  };
  out.StartArray();
  for (const entry& each : entries_) {
    out.StartObject();
    write_member(out, "type", each.type);
    if (each.has_text)
      write_member(out, "text", each.text);
    if (each.has_summary)
      write_member(out, "summary", each.summary);
    for (const auto& [name, json] : each.others)
      raw(name, json);
    if (!each.index.empty())
      raw("index", each.index);
    out.EndObject();
  }
  out.EndArray();
  return {buffer.GetString(), buffer.GetSize()};
}

} // namespace weir::protocols
