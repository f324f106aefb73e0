// Where heads are put together. What goes into a URL is percent-encoded here; the head itself checks the
// rest.
#include "protocols/endpoint_heads.hpp"

#include <weir/url.hpp>

#include <algorithm>

namespace weir::protocols {

namespace {

constexpr std::string_view model_mark = "{model}";

bool same_name(std::string_view left, std::string_view right) noexcept {
  const auto lower = [](char letter) {
    return letter >= 'A' && letter <= 'Z' ? static_cast<char>(letter + 32) : letter;
  };
  return std::ranges::equal(left, right, {}, lower, lower);
}

/// RFC 3986: everything but the unreserved characters.
std::string percent_encoded(std::string_view text) {
  constexpr std::string_view digits = "0123456789ABCDEF";
  constexpr std::string_view marks = "-._~";
  std::string encoded;
  for (const char letter : text) {
    const auto byte = static_cast<unsigned char>(letter);
    if ((letter >= '0' && letter <= '9') || (letter >= 'a' && letter <= 'z') ||
        (letter >= 'A' && letter <= 'Z') || marks.find(letter) != std::string_view::npos)
      encoded.push_back(letter);
    else
      encoded.append({'%', digits[byte >> 4U], digits[byte & 15U]});
  }
  return encoded;
}

/// The target with the provider's own query. A map is sorted: the same configuration gives the same URL.
std::string with_query(std::string target, const wire_options& wire) {
  char mark = target.find('?') == std::string::npos ? '?' : '&';
  for (const auto& [name, value] : wire.query) {
    target.append(1, mark).append(percent_encoded(name)).append("=").append(percent_encoded(value));
    mark = '&';
  }
  return target;
}

void add_key(const provider_config& provider, key_style style, std::vector<http_field>& fields) {
  if (provider.api_key.empty())
    return;
  const std::string key(provider.api_key.reveal());
  switch (style) {
  case key_style::bearer:
    fields.push_back({"Authorization", "Bearer " + key});
    return;
  case key_style::x_api_key:
    fields.push_back({"x-api-key", key});
    return;
  case key_style::api_key:
    fields.push_back({"api-key", key});
    return;
  case key_style::none:
    return;
  }
}

/// A field of the configuration stands in for ours of that name, except for `Host`, which the URL says.
void add_configured(const provider_config& provider, std::vector<http_field>& fields) {
  for (const auto& [name, value] : provider.headers) {
    const auto configured = [&name](const http_field& each) {
      return same_name(each.name, name) && !same_name(name, "host");
    };
    const auto gone = std::ranges::remove_if(fields, configured);
    fields.erase(gone.begin(), gone.end());
  }
  for (const auto& [name, value] : provider.headers)
    fields.push_back({name, value});
}

} // namespace

result<endpoint_heads> endpoint_heads::make(const provider_config& provider, const wire_options& wire,
                                            std::string_view default_path) {
  const auto base = parse_url(provider.base_url);
  if (!base)
    return base.error();
  std::vector<http_field> fields{{"Host", base->authority()},
                                 {"User-Agent", "weir/0.1"},
                                 {"Accept", "application/json"},
                                 {"Accept-Encoding", "identity"}};
  add_key(provider, wire.key, fields);
  if (!wire.api_version.empty())
    fields.push_back({"anthropic-version", wire.api_version});
  add_configured(provider, fields);
  endpoint_heads made;
  auto models = request_head::make("GET", with_query(base->path + "/models", wire), fields);
  if (!models)
    return models.error();
  made.models_ = std::move(*models);

  const auto typed = [](const http_field& each) { return same_name(each.name, "content-type"); };
  if (std::ranges::none_of(fields, typed))
    fields.push_back({"Content-Type", "application/json"});
  std::string path(wire.path.empty() ? default_path : std::string_view(wire.path));
  if (!path.starts_with('/'))
    path.insert(path.begin(), '/');
  made.target_ = with_query(base->path + path, wire);
  auto chat = request_head::make("POST", made.target_, fields); // checks the target in either case
  if (!chat)
    return chat.error();
  if (path.find(model_mark) == std::string::npos)
    made.chat_ = std::move(*chat);
  else
    made.fields_ = std::move(fields);
  return made;
}

result<std::shared_ptr<const request_head>> endpoint_heads::chat(const model_name& model) const {
  if (chat_)
    return chat_;
  if (model.str().empty())
    return make_failure(errc::invalid_request,
                        "the provider's path names the model, and the request does not", "model");
  if (model.str() == "." || model.str() == "..") // would be a step through the path
    return make_failure(errc::invalid_request, "the model's name cannot stand in the provider's path",
                        "model");
  const std::string name = percent_encoded(model.str());
  std::string target = target_;
  for (auto at = target.find(model_mark); at != std::string::npos;
       at = target.find(model_mark, at + name.size()))
    target.replace(at, model_mark.size(), name);
  return request_head::make("POST", target, fields_);
}

} // namespace weir::protocols
