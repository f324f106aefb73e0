// Printing replies and streams.
#include "tools/chat_output.hpp"

#include "protocols/report_json.hpp"
#include "tools/common.hpp"

#include <fmt/format.h>

#include <string>

namespace weir::tools {

namespace {

/// The failed attempts before the answer, a line each.
void tell_attempts(const reply_metadata& metadata) {
  for (std::size_t at = 0; at != metadata.attempts.size(); ++at) {
    const attempt_info& each = metadata.attempts[at];
    if (each.error != errc::none)
      tell(fmt::format("attempt {} at {}: {}: {}\n", at + 1, each.provider.str(), to_string(each.error),
                       each.message));
  }
}

/// What the reply used: `22 tokens in, 3 out; 0.00084 USD`.
std::string bill_of(const chat_reply& reply) {
  const std::string cost =
      reply.cost ? to_decimal(*reply.cost) + " " + reply.cost->unit.str() : std::string("cost unknown");
  return fmt::format("{} in, {} out; {}", counted(reply.usage.prompt_tokens, "token"),
                     reply.usage.completion_tokens, cost);
}

std::string calls_for_people(const chat_reply& reply) {
  std::string text;
  for (const tool_call& call : reply.tool_calls)
    text += fmt::format("tool call {}: {}({})\n", call.id, call.name, call.arguments);
  return text;
}

std::string text_for_people(const chat_reply& reply) {
  const std::string& said = reply.content.empty() ? reply.refusal : reply.content;
  // A reply of tool calls alone has no text, and no line for it.
  std::string text = said.empty() && !reply.tool_calls.empty() ? "" : said + "\n";
  return text + calls_for_people(reply);
}

/// Prints a reply that has been paid for: if it is lost here, it is not lost silently.
void print_reply(const chat_reply& reply, const std::string& text) {
  try {
    print(text);
  } catch (const output_lost& lost) {
    throw output_lost(fmt::format("{}; the reply is lost, but {} answered and it is to be paid for: {} "
                                  "(call {})",
                                  lost.what(), reply.metadata.provider.str(), bill_of(reply),
                                  to_string(reply.metadata.call)));
  }
}

} // namespace

void show(const chat_reply& reply, bool json, bool streamed) {
  if (!reply.success) {
    tell_attempts(reply.metadata);
    tell("weir: " + to_string(*reply.error) + "\n");
    if (json)
      print(protocols::to_json(reply) + "\n");
    return;
  }
  if (json)
    return print_reply(reply, protocols::to_json(reply) + "\n");
  tell_attempts(reply.metadata);
  print_reply(reply, streamed ? calls_for_people(reply) : text_for_people(reply));
  tell(fmt::format("{} by {}: {}; {} ms, {}\n", reply.model.str(), reply.metadata.provider.str(),
                   bill_of(reply), protocols::to_milliseconds(reply.metadata.latency),
                   counted(reply.metadata.attempts.size(), "attempt")));
}

const chat_reply& show(chat_stream& stream, bool json) {
  bool begun = false;
  const auto shown = [](const chat_delta& delta) {
    return delta.type == chat_delta::kind::content || delta.type == chat_delta::kind::refusal;
  };
  for (const chat_delta& delta : stream) {
    if (json) {
      print(protocols::to_json(delta) + "\n");
    } else if (shown(delta)) {
      print(delta.text);
      begun = true;
    }
  }
  const chat_reply& reply = stream.reply();
  if (begun)
    print("\n");
  show(reply, json, begun);
  return reply;
}

} // namespace weir::tools
