// Printing replies and streams.
#include "tools/chat_output.hpp"

#include "protocols/report_json.hpp"
#include "tools/common.hpp"
#include "tools/table.hpp"

#include <fmt/format.h>

#include <string>
#include <vector>

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

/// All attempts, in a table; of a call that was refused before its first, nothing.
std::string attempt_table(const reply_metadata& metadata) {
  if (metadata.attempts.empty())
    return {};
  std::vector<std::vector<std::string>> rows;
  for (const attempt_info& each : metadata.attempts) {
    const bool answered = each.error == errc::none;
    rows.push_back({std::to_string(rows.size() + 1), each.provider.str(),
                    each.model.empty() ? "-" : each.model.str(), milliseconds_cell(each.waited),
                    milliseconds_cell(each.latency),
                    each.status_code == 0 ? "-" : std::to_string(each.status_code),
                    answered ? "answered" : std::string(to_string(each.error)), each.hedge ? "hedge" : "-",
                    each.message.empty() ? "-" : each.message});
  }
  return draw_table({{"ATTEMPT", true},
                     {"PROVIDER"},
                     {"MODEL"},
                     {"WAITED MS", true},
                     {"TOOK MS", true},
                     {"STATUS", true},
                     {"OUTCOME"},
                     {"HEDGE"},
                     {"WHY"}},
                    rows);
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

void show(const chat_reply& reply, const output_options& options, bool streamed) {
  const reply_metadata& metadata = reply.metadata;
  const std::string spent = fmt::format("{} ms, {}\n", protocols::to_milliseconds(metadata.latency),
                                        counted(metadata.attempts.size(), "attempt"));
  if (!reply.success) {
    if (options.verbose)
      tell(attempt_table(metadata) + "no answer; " + spent);
    else
      tell_attempts(metadata);
    tell("weir: " + to_string(*reply.error) + "\n");
    if (options.json)
      print(protocols::to_json(reply) + "\n");
    return;
  }
  if (!options.json && !options.verbose)
    tell_attempts(metadata);
  if (options.json)
    print_reply(reply, protocols::to_json(reply) + "\n");
  else
    print_reply(reply, streamed ? calls_for_people(reply) : text_for_people(reply));
  if (options.verbose)
    tell(attempt_table(metadata));
  if (options.verbose || !options.json)
    tell(fmt::format("{} by {}: {}; {}", reply.model.str(), metadata.provider.str(), bill_of(reply), spent));
}

const chat_reply& show(chat_stream& stream, const output_options& options) {
  bool begun = false;
  for (const chat_delta& delta : stream) {
    if (options.json) {
      print(protocols::to_json(delta) + "\n");
    } else if (delta.type == chat_delta::kind::restart) {
      if (begun)
        print("\n");
      tell("-- the stream broke; the reply begins anew --\n");
      begun = false;
    } else if (delta.type == chat_delta::kind::content || delta.type == chat_delta::kind::refusal) {
      print(delta.text);
      begun = true;
    }
  }
  const chat_reply& reply = stream.reply();
  if (begun)
    print("\n");
  show(reply, options, begun);
  return reply;
}

} // namespace weir::tools
