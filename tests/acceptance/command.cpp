// Reading commands and writing answers.
#include "tests/acceptance/command.hpp"

#include "protocols/openai_chat_server.hpp"

#include <weir/config.hpp>

#include <iostream>
#include <mutex>

namespace weir::driving {

using protocols::find_member;
using protocols::json_value;

void answer(std::uint64_t n, const std::string& members) {
  static std::mutex lock;
  const std::string line = "{\"n\":" + std::to_string(n) + (members.empty() ? "" : ",") + members + "}\n";
  const std::lock_guard hold(lock);
  std::cout << line << std::flush;
}

std::string json_text(std::string_view text) {
  rapidjson::StringBuffer buffer;
  protocols::json_writer out(buffer);
  protocols::write_text(out, text);
  return {buffer.GetString(), buffer.GetSize()};
}

std::string text_at(const json_value& command, const char* name) {
  const auto* found = find_member(command, name);
  return found != nullptr && found->IsString() ? found->GetString() : std::string();
}

std::uint64_t count_at(const json_value& command, const char* name, std::uint64_t otherwise) {
  const auto* found = find_member(command, name);
  return found != nullptr && found->IsUint64() ? found->GetUint64() : otherwise;
}

result<chat_request> read_request(const json_value& command) {
  const auto* chat = find_member(command, "chat");
  if (chat == nullptr)
    return make_failure(errc::invalid_request, "the command has no call", "chat");
  auto request = protocols::decode_chat_request(protocols::to_json_text(*chat));
  if (!request)
    return request;
  request->provider = provider_name(text_at(command, "provider"));
  request->rescue = to_rescue_policy(text_at(command, "rescue"));
  if (const std::uint64_t timeout = count_at(command, "timeout_ms", 0); timeout != 0)
    request->timeout = milliseconds{timeout};
  if (const auto* tags = find_member(command, "tags"); tags != nullptr && tags->IsObject())
    for (const auto& each : tags->GetObject())
      if (each.value.IsString())
        request->tags.emplace_back(each.name.GetString(), each.value.GetString());
  return request;
}

} // namespace weir::driving
