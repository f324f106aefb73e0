// Stopping at a broken property, the codecs, and a second opinion on JSON.
// RapidJSON is set up here as nowhere else: iterative, so that depth costs no stack, and strict about UTF-8.
#include "fuzzing.hpp"

// A second set of RapidJSON's templates: this one without SSE2.
#define RAPIDJSON_NAMESPACE plain_rapidjson
#define RAPIDJSON_NAMESPACE_BEGIN namespace plain_rapidjson {
#define RAPIDJSON_NAMESPACE_END }

#include <rapidjson/document.h>
#include <rapidjson/stringbuffer.h>
#include <rapidjson/writer.h>

#include <cstdio>
#include <cstdlib>
#include <memory>
#include <set>
#include <utility>

namespace rapidjson = plain_rapidjson;

namespace weir::fuzzing {

namespace {

constexpr unsigned strict = rapidjson::kParseIterativeFlag | rapidjson::kParseValidateEncodingFlag;

std::unique_ptr<const protocols::codec> make(api_kind api) {
  provider_config provider;
  provider.name = provider_name("fuzzed");
  provider.type = api == api_kind::messages ? provider_type::claude : provider_type::generic;
  provider.api_key = secret("sk-canary");
  provider.base_url = "http://127.0.0.1:1/v1";
  auto made = protocols::make_codec(provider, api);
  require(made.has_value(), "there is a codec for each API");
  return std::move(*made);
}

} // namespace

void require(bool holds, std::string_view property, std::string_view details) {
  if (holds)
    return;
  std::fprintf(stderr, "BROKEN PROPERTY: %.*s\n%.*s\n", static_cast<int>(property.size()), property.data(),
               static_cast<int>(details.size()), details.data());
  std::abort();
}

const protocols::codec& codec_for(api_kind api) {
  static const std::array<std::unique_ptr<const protocols::codec>, every_api.size()> codecs{
      make(api_kind::chat), make(api_kind::messages), make(api_kind::responses)};
  return *codecs[static_cast<std::size_t>(api)];
}

http_response response_head(input& from) {
  constexpr std::array<int, 16> statuses{200, 400, 401, 404, 429, 500, 503, 529,
                                         201, 204, 302, 403, 408, 413, 422, 599};
  constexpr std::array<const char*, 16> types{"text/event-stream",
                                              "application/json",
                                              "text/event-stream; charset=utf-8",
                                              "text/html",
                                              "",
                                              "text/plain",
                                              "application/x-ndjson",
                                              "TEXT/EVENT-STREAM",
                                              "application/problem+json",
                                              "application/json; charset=utf-8",
                                              "application/octet-stream",
                                              "text/event-streamx",
                                              ";",
                                              " ",
                                              "text/",
                                              "event-stream"};
  http_response head;
  head.status = from.pick(statuses);
  if (const std::string_view type = from.pick(types); !type.empty())
    head.fields.add("Content-Type", type);
  return head;
}

bool is_strict_json(std::string_view text) {
  rapidjson::Document document;
  document.Parse<strict>(text.data(), text.size());
  return !document.HasParseError();
}

std::string compacted(std::string_view json) {
  rapidjson::Document document;
  document.Parse<strict | rapidjson::kParseFullPrecisionFlag>(json.data(), json.size());
  require(!document.HasParseError(), "what is compacted is JSON", json);
  rapidjson::StringBuffer buffer;
  rapidjson::Writer<rapidjson::StringBuffer> out(buffer);
  document.Accept(out);
  return {buffer.GetString(), buffer.GetSize()};
}

void require_body(std::string_view body, std::string_view what) {
  rapidjson::Document document;
  document.Parse<strict>(body.data(), body.size());
  require(!document.HasParseError(), std::string(what) + " is JSON in UTF-8", body);
  require(document.IsObject(), std::string(what) + " is an object", body);
  std::set<std::string_view> names;
  for (const auto& member : std::as_const(document).GetObject())
    require(names.emplace(member.name.GetString(), member.name.GetStringLength()).second,
            std::string(what) + " has no member twice", body);
}

} // namespace weir::fuzzing
