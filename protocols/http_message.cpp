// Writing a request's head so that nothing in it can change the framing, and looking fields up.
#include "protocols/http_message.hpp"

#include <algorithm>
#include <array>

namespace weir {

namespace {

char lower(char letter) noexcept {
  return letter >= 'A' && letter <= 'Z' ? static_cast<char>(letter + 32) : letter;
}

bool same_name(std::string_view left, std::string_view right) noexcept {
  return std::ranges::equal(left, right, {}, lower, lower);
}

/// RFC 9110: a token.
bool is_token(std::string_view text) noexcept {
  constexpr std::string_view marks = "!#$%&'*+-.^_`|~";
  return !text.empty() && std::ranges::all_of(text, [marks](char letter) {
    return (letter >= '0' && letter <= '9') || (lower(letter) >= 'a' && lower(letter) <= 'z') ||
           marks.find(letter) != std::string_view::npos;
  });
}

bool is_value(std::string_view text) noexcept {
  return std::ranges::all_of(text, [](char letter) {
    const auto byte = static_cast<unsigned char>(letter);
    return byte == '\t' || (byte >= 0x20 && byte != 0x7f);
  });
}

bool is_target(std::string_view text) noexcept {
  return text.starts_with('/') &&
         std::ranges::all_of(text, [](char letter) { return letter > ' ' && letter < 0x7f; });
}

/// The transport writes these itself.
bool is_framing(std::string_view name) noexcept {
  constexpr std::array<std::string_view, 5> framing{"content-length", "transfer-encoding", "connection",
                                                    "upgrade", "trailer"};
  return std::ranges::any_of(framing, [name](std::string_view each) { return same_name(each, name); });
}

} // namespace

result<std::shared_ptr<const request_head>>
request_head::make(std::string_view method, std::string_view target, const std::vector<http_field>& fields) {
  // No message repeats a value: it may be a key.
  if (!is_token(method))
    return make_failure(errc::config, "the method is no HTTP token", "method");
  if (!is_target(target))
    return make_failure(errc::config, "the path must begin with '/' and hold visible ASCII characters only",
                        "target");
  std::string text;
  text.append(method).append(" ").append(target).append(" HTTP/1.1\r\n");
  std::size_t hosts = 0;
  for (const http_field& each : fields) {
    if (!is_token(each.name) || is_framing(each.name))
      return make_failure(errc::config, "'" + each.name + "' cannot be sent as a header field", each.name);
    if (!is_value(each.value))
      return make_failure(errc::config, "the value of '" + each.name + "' has a control character",
                          each.name);
    hosts += same_name(each.name, "host") ? 1 : 0;
    text.append(each.name).append(": ").append(each.value).append("\r\n");
  }
  if (hosts != 1)
    return make_failure(errc::config, "a request needs exactly one Host field", "Host");
  auto head = std::shared_ptr<request_head>(new request_head);
  head->text_ = std::move(text);
  return std::shared_ptr<const request_head>(std::move(head));
}

http_fields::http_fields(std::initializer_list<http_field> fields) {
  for (const http_field& each : fields)
    add(each.name, each.value);
}

void http_fields::add(std::string_view name, std::string_view value) {
  text_.append(name).push_back('\0');
  text_.append(value).push_back('\0');
}

std::string_view http_fields::find(std::string_view name) const noexcept {
  for (const view each : *this) {
    if (!same_name(each.name, name))
      continue;
    std::string_view value = each.value;
    while (!value.empty() && (value.front() == ' ' || value.front() == '\t'))
      value.remove_prefix(1);
    while (!value.empty() && (value.back() == ' ' || value.back() == '\t'))
      value.remove_suffix(1);
    return value;
  }
  return {};
}

} // namespace weir
