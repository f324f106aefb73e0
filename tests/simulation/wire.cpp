// JSON by hand: a document model would cost more than the actors that are tested.
#include "tests/simulation/wire.hpp"

#include <fmt/format.h>

#include <charconv>

namespace weir::simulation {

namespace {

std::string joined(const std::vector<std::string>& words) {
  std::string all;
  for (const std::string& each : words)
    all += each;
  return all;
}

std::string chat_usage(const spoken& what) {
  return fmt::format(R"({{"prompt_tokens":{},"completion_tokens":{},"total_tokens":{}}})", what.prompt_tokens,
                     what.completion_tokens, what.prompt_tokens + what.completion_tokens);
}

std::string chunk(std::string_view delta, std::string_view reason) {
  return fmt::format(
      "data: {{\"id\":\"c\",\"object\":\"chat.completion.chunk\",\"created\":0,\"model\":\"m\","
      "\"choices\":[{{\"index\":0,\"delta\":{},\"finish_reason\":{}}}]}}\n\n",
      delta, reason);
}

std::vector<std::string> chat_events(const spoken& what) {
  std::vector<std::string> events;
  events.push_back(chunk(R"({"role":"assistant","content":""})", "null"));
  for (const std::string& each : what.words)
    events.push_back(chunk(fmt::format(R"({{"content":"{}"}})", each), "null"));
  std::string last = chunk("{}", R"("stop")");
  if (what.has_usage)
    last += fmt::format("data: {{\"id\":\"c\",\"object\":\"chat.completion.chunk\",\"created\":0,"
                        "\"model\":\"m\",\"choices\":[],\"usage\":{}}}\n\n",
                        chat_usage(what));
  if (what.has_end_mark)
    last += "data: [DONE]\n\n";
  events.push_back(std::move(last));
  return events;
}

std::string event(std::string_view type, std::string_view members) {
  return fmt::format("event: {}\ndata: {{\"type\":\"{}\"{}}}\n\n", type, type, members);
}

std::vector<std::string> message_events(const spoken& what) {
  std::vector<std::string> events;
  events.push_back(
      event("message_start",
            fmt::format(R"(,"message":{{"id":"msg","type":"message","role":"assistant","model":"m",)"
                        R"("content":[],"stop_reason":null,"stop_sequence":null,)"
                        R"("usage":{{"input_tokens":{},"output_tokens":1}}}})",
                        what.prompt_tokens)) +
      event("content_block_start", R"(,"index":0,"content_block":{"type":"text","text":""})"));
  for (const std::string& each : what.words)
    events.push_back(event("content_block_delta",
                           fmt::format(R"(,"index":0,"delta":{{"type":"text_delta","text":"{}"}})", each)));
  std::string last =
      event("content_block_stop", R"(,"index":0)") +
      event("message_delta", fmt::format(R"(,"delta":{{"stop_reason":"end_turn","stop_sequence":null}},)"
                                         R"("usage":{{"output_tokens":{}}})",
                                         what.completion_tokens));
  if (what.has_end_mark)
    last += event("message_stop", "");
  events.push_back(std::move(last));
  return events;
}

/// The text after a mark up to the next quote.
std::string after(std::string_view text, std::string_view mark, char end) {
  const auto begin = text.find(mark);
  if (begin == std::string_view::npos)
    return {};
  const auto from = begin + mark.size();
  return std::string(text.substr(from, text.find(end, from) - from));
}

} // namespace

std::string reply_body(dialect speaks, const spoken& what) {
  if (speaks == dialect::messages) {
    const std::string content = what.calls_tool
                                    ? R"({"type":"tool_use","id":"t","name":"clock","input":{}})"
                                    : fmt::format(R"({{"type":"text","text":"{}"}})", joined(what.words));
    const std::string usage = what.has_usage
                                  ? fmt::format(R"(,"usage":{{"input_tokens":{},"output_tokens":{}}})",
                                                what.prompt_tokens, what.completion_tokens)
                                  : std::string();
    return fmt::format(R"({{"id":"msg","type":"message","role":"assistant","model":"m","content":[{}],)"
                       R"("stop_reason":"{}","stop_sequence":null{}}})",
                       content, what.calls_tool ? "tool_use" : "end_turn", usage);
  }
  const std::string message = what.calls_tool ? R"("content":null,"tool_calls":[{"id":"t","type":"function",)"
                                                R"("function":{"name":"clock","arguments":"{}"}}])"
                                              : fmt::format(R"("content":"{}")", joined(what.words));
  return fmt::format(
      R"({{"id":"c","object":"chat.completion","created":0,"model":"m","choices":[{{"index":0,)"
      R"("message":{{"role":"assistant",{}}},"finish_reason":"{}"}}]{}}})",
      message, what.calls_tool ? "tool_calls" : "stop",
      what.has_usage ? ",\"usage\":" + chat_usage(what) : std::string());
}

std::vector<std::string> stream_events(dialect speaks, const spoken& what) {
  return speaks == dialect::chat ? chat_events(what) : message_events(what);
}

std::string error_event(dialect speaks) {
  return speaks == dialect::messages
             ? event("error", R"(,"error":{"type":"overloaded_error","message":"Overloaded"})")
             : "data: {\"error\":{\"message\":\"the engine failed\",\"type\":\"server_error\"}}\n\n";
}

std::string error_body(dialect speaks, std::string_view type, std::string_view sentence) {
  return speaks == dialect::messages
             ? fmt::format(R"({{"type":"error","error":{{"type":"{}","message":"{}"}}}})", type, sentence)
             : fmt::format(R"({{"error":{{"message":"{}","type":"{}","code":"{}","param":null}}}})", sentence,
                           type, type);
}

asked read_request(const http_request& request) {
  asked said;
  const std::string_view head = request.head->text();
  said.speaks = head.find("/messages") != std::string_view::npos ? dialect::messages : dialect::chat;
  said.key = "key-" + after(head, "key-", '\r');
  const std::string number = after(request.body, "#", '#');
  const auto [end, bad] = std::from_chars(number.data(), number.data() + number.size(), said.call);
  said.has_call = bad == std::errc{} && !number.empty() && end == number.data() + number.size();
  said.model = after(request.body, "\"model\":\"", '"');
  said.has_tools = request.body.find("\"tools\":") != std::string::npos;
  said.asks_usage = request.body.find("include_usage") != std::string::npos;
  return said;
}

} // namespace weir::simulation
