// Writing prices.
#include "tools/price_documents.hpp"

#include "protocols/json.hpp"
#include "protocols/report_json.hpp"
#include "tools/table.hpp"

namespace weir::tools {

namespace {

using protocols::json_writer;
using protocols::write_member;

void write_raw(json_writer& out, const std::string& json) {
  out.RawValue(json.data(), json.size(), rapidjson::kObjectType);
}

void write_price(json_writer& out, const char* name, const std::optional<price>& value) {
  if (value)
    write_member(out, name, to_decimal(*value));
}

template <class Prices>
void write_parts(json_writer& out, const Prices& prices) {
  write_price(out, "input_price", prices.input);
  write_price(out, "output_price", prices.output);
  write_price(out, "cached_input_price", prices.cached_input);
  write_price(out, "cache_write_price", prices.cache_write);
  write_price(out, "cache_write_1h_price", prices.cache_write_1h);
  write_price(out, "reasoning_price", prices.reasoning);
}

void write_pricing(json_writer& out, const pricing& prices) {
  write_member(out, "currency", prices.unit.str());
  write_member(out, "unit", "million_tokens");
  write_parts(out, prices);
  if (prices.request_fee != 0)
    write_member(out, "request_fee", to_decimal(int128{prices.request_fee}));
  if (prices.image_fee != 0)
    write_member(out, "image_fee", to_decimal(int128{prices.image_fee}));
  if (prices.tiers.empty())
    return;
  out.Key("tiers");
  out.StartArray();
  for (const price_tier& tier : prices.tiers) {
    out.StartObject();
    out.Key("above");
    out.Uint64(tier.above);
    write_parts(out, tier);
    out.EndObject();
  }
  out.EndArray();
}

void write_source(json_writer& out, const std::string& source, const price_book* book) {
  write_member(out, "source", source);
  out.Key("version");
  book == nullptr ? out.Null() : out.Uint(book->version());
}

void write_changes(json_writer& out, const std::vector<price_change>& changes) {
  const auto member = [&out](const char* name, const std::string& text) {
    if (text.empty()) {
      out.Key(name);
      out.Null();
    } else {
      write_member(out, name, text);
    }
  };
  out.Key("changes");
  out.StartArray();
  for (const price_change& each : changes) {
    out.StartObject();
    write_member(out, "provider", each.provider);
    write_member(out, "model", each.entry);
    write_member(out, "field", each.field);
    member("from", each.from ? to_string(*each.from) : std::string());
    member("old", each.before);
    member("new", each.after);
    member("percent", percent_words(each));
    out.EndObject();
  }
  out.EndArray();
}

/// A document of one object, whose members `write` writes.
template <class Write>
std::string document(Write write) {
  rapidjson::StringBuffer buffer;
  json_writer out(buffer);
  out.StartObject();
  write(out);
  out.EndObject();
  return {buffer.GetString(), buffer.GetSize()};
}

std::string cell(const std::optional<price>& value) {
  return value ? to_decimal(*value) : "-";
}

/// What has no column of its own.
std::string more_words(const pricing& prices) {
  std::string words;
  const auto add = [&words](const std::string& text) { words += (words.empty() ? "" : ", ") + text; };
  if (prices.cache_write_1h)
    add("write 1h " + to_decimal(*prices.cache_write_1h));
  if (prices.reasoning)
    add("reasoning " + to_decimal(*prices.reasoning));
  if (prices.request_fee != 0)
    add(to_decimal(int128{prices.request_fee}) + " a request");
  if (prices.image_fee != 0)
    add(to_decimal(int128{prices.image_fee}) + " an image");
  for (const price_tier& tier : prices.tiers)
    add("above " + with_thousands(tier.above) + " tokens " + cell(tier.input) + "/" + cell(tier.output));
  return words;
}

} // namespace

std::string prices_document(const std::vector<known_price>& prices, const std::string& source,
                            const price_book* book) {
  return document([&](json_writer& out) {
    write_source(out, source, book);
    out.Key("prices");
    out.StartArray();
    for (const known_price& each : prices) {
      out.StartObject();
      write_member(out, "provider", each.provider);
      write_member(out, "model", each.model);
      write_member(out, "by", each.entry.empty() ? "configuration" : "list");
      if (!each.entry.empty())
        write_member(out, "entry", each.entry);
      if (each.prices != nullptr)
        write_pricing(out, *each.prices);
      if (each.prices == nullptr) {
        out.Key("currency");
        out.Null();
      }
      out.EndObject();
    }
    out.EndArray();
    out.Key("unpriced");
    out.StartArray();
    if (book != nullptr)
      for (const price_note& each : book->notes()) {
        out.StartObject();
        write_member(out, "place", each.place);
        write_member(out, "problem", each.problem);
        out.EndObject();
      }
    out.EndArray();
  });
}

std::string prices_table(const std::vector<known_price>& prices) {
  std::vector<std::vector<std::string>> rows;
  for (const known_price& each : prices) {
    if (each.prices == nullptr)
      rows.push_back({each.provider, each.model, "unknown", "-", "-", "-", "-", ""});
    else
      rows.push_back({each.provider, each.model, each.prices->unit.str(), to_decimal(each.prices->input),
                      to_decimal(each.prices->output), cell(each.prices->cached_input),
                      cell(each.prices->cache_write), more_words(*each.prices)});
  }
  return draw_table({{"PROVIDER"},
                     {"MODEL"},
                     {"CURRENCY"},
                     {"INPUT", true},
                     {"OUTPUT", true},
                     {"CACHED", true},
                     {"WRITE", true},
                     {"MORE"}},
                    rows);
}

std::string update_document(const std::string& source, const price_book* book,
                            const std::vector<price_change>& changes, const std::optional<failure>& error) {
  return document([&](json_writer& out) {
    write_source(out, source, book);
    out.Key("models");
    out.Uint64(book == nullptr ? 0 : book->entry_count());
    out.Key("changed");
    out.Bool(!changes.empty());
    write_changes(out, changes);
    out.Key("error");
    if (error)
      write_raw(out, protocols::to_json(*error));
    else
      out.Null();
  });
}

std::string changes_document(const std::vector<price_change>& changes) {
  return document([&](json_writer& out) { write_changes(out, changes); });
}

std::string percent_words(const price_change& change) {
  if (!change.permille)
    return {};
  const std::int64_t by = *change.permille - 1000;
  const std::int64_t size = by < 0 ? -by : by;
  return (by < 0 ? "-" : "+") + std::to_string(size / 10) + "." + std::to_string(size % 10);
}

std::string changes_table(const std::vector<price_change>& changes) {
  if (changes.empty())
    return "nothing has changed\n";
  std::vector<std::vector<std::string>> rows;
  for (const price_change& each : changes)
    rows.push_back({each.provider, each.entry,
                    each.field + (each.from ? " from " + to_string(*each.from) : std::string()),
                    each.before.empty() ? "-" : each.before, each.after.empty() ? "-" : each.after,
                    percent_words(each)});
  return draw_table({{"PROVIDER"}, {"MODEL"}, {"FIELD"}, {"OLD", true}, {"NEW", true}, {"PERCENT", true}},
                    rows);
}

} // namespace weir::tools
