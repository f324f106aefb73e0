// Requests to the mock, and its answers taken apart.
// Knows no case.
#pragma once

#include "tools/mock/answer.hpp"

#include <algorithm>
#include <string>
#include <string_view>
#include <vector>

namespace weir::mock::testing {

/// A chat request in a dialect, from one user, with further members of its body.
inline transport::server_request asking(api_kind dialect, const std::string& more = "",
                                        const std::string& said = "Hello there") {
  transport::server_request request;
  request.method = "POST";
  const bool messages = dialect == api_kind::messages;
  request.target = messages ? "/v1/messages" : "/v1/chat/completions";
  if (messages)
    request.fields.add("anthropic-version", "2023-06-01");
  request.body = R"({"model":"m","max_tokens":100,"messages":[{"role":"user","content":")" + said + "\"}]" +
                 (more.empty() ? "" : "," + more) + "}";
  return request;
}

inline plan any_model() {
  plan made;
  made.models.clear();
  return made;
}

inline plan with_fault(fault_kind kind) {
  plan made = any_model();
  fault each;
  each.kind = kind;
  made.faults.push_back(each);
  return made;
}

/// The steps of an answer, those that are made while it is played included; at most so many.
inline std::vector<transport::plain_step> steps_of(const answer& given, std::size_t most = 10'000) {
  std::vector<transport::plain_step> steps;
  for (const auto& step : given.steps) {
    if (const auto* made = std::get_if<transport::generate>(&step)) {
      while (steps.size() < most) {
        auto next = made->next();
        if (!next)
          break;
        steps.push_back(std::move(*next));
      }
    } else {
      std::visit(
          [&steps](const auto& each) {
            if constexpr (std::is_constructible_v<transport::plain_step, decltype(each)>)
              steps.emplace_back(each);
          },
          step);
    }
  }
  return steps;
}

template <class Step>
bool has(const answer& given) {
  return std::ranges::any_of(steps_of(given),
                             [](const auto& step) { return std::holds_alternative<Step>(step); });
}

inline std::string bytes_of(const std::vector<transport::plain_step>& steps) {
  std::string bytes;
  for (const auto& step : steps)
    if (const auto* sent = std::get_if<transport::send_bytes>(&step))
      bytes += sent->bytes;
  return bytes;
}
inline std::string bytes_of(const answer& given) {
  return bytes_of(steps_of(given));
}

/// A response taken apart.
struct parted {
  std::string head;
  std::string body;  ///< without its chunked coding
  bool ended = true; ///< with the last chunk; true where there is no such coding
};

inline parted part(const std::string& bytes) {
  parted made;
  const auto end = bytes.find("\r\n\r\n");
  made.head = bytes.substr(0, end);
  std::string_view rest = end == std::string::npos ? "" : std::string_view(bytes).substr(end + 4);
  if (made.head.find("Transfer-Encoding: chunked") == std::string::npos) {
    made.body = rest;
    return made;
  }
  for (made.ended = false; !rest.empty();) {
    const std::size_t size = std::stoul(std::string(rest.substr(0, rest.find("\r\n"))), nullptr, 16);
    rest.remove_prefix(rest.find("\r\n") + 2);
    made.ended = size == 0;
    made.body += rest.substr(0, size);
    rest.remove_prefix(std::min(rest.size(), size + 2));
  }
  return made;
}

/// How often a text stands in another.
inline std::size_t count(std::string_view within, std::string_view what) {
  std::size_t found = 0;
  for (auto at = within.find(what); at != std::string_view::npos; at = within.find(what, at + what.size()))
    ++found;
  return found;
}

/// The strings of a member, wherever it stands, put together.
inline std::string gathered(std::string_view json, const std::string& member) {
  const std::string begin = "\"" + member + "\":\"";
  std::string text;
  for (auto at = json.find(begin); at != std::string_view::npos; at = json.find(begin, at))
    for (at += begin.size(); json[at] != '"'; ++at)
      text += json[at] == '\\' ? json[++at] : json[at];
  return text;
}

} // namespace weir::mock::testing
