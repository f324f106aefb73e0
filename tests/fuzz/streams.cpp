// Feeding a body in pieces and adding its deltas up again, without the code that adds them up in weir.
// The end of a stream is looked for by a second, simpler reader.
#include "streams.hpp"

#include "protocols/json.hpp"
#include "protocols/sse.hpp"
#include "replies.hpp"

#include "protocols/anthropic_messages_server.hpp"
#include "protocols/openai_chat_server.hpp"

#include <algorithm>
#include <functional>
#include <utility>
#include <vector>

namespace weir::fuzzing {

namespace {

using protocols::find_member;
using protocols::json_value;
using protocols::text_of;

/// Tells what is known where a property does not hold.
using teller = std::function<std::string()>;

/// What one way of feeding gave.
struct outcome_of_feeding {
  result<chat_reply> reply;
  std::vector<chat_delta> deltas; ///< neighbours that are one piece of one thing are joined
};

/// Adds what one call of a decoder said.
void join(std::vector<chat_delta>& all, std::vector<chat_delta>& told) {
  for (chat_delta& each : told) {
    const bool goes_on = !all.empty() && all.back().type == each.type &&
                         all.back().tool_index == each.tool_index && each.tool_id.empty() &&
                         each.tool_name.empty();
    if (goes_on)
      all.back().text += each.text;
    else
      all.push_back(std::move(each));
  }
  told.clear();
}

template <class Cut>
outcome_of_feeding fed(api_kind api, const http_response& response, Cut cut) {
  const auto decoder = codec_for(api).decode_stream({response.status, response.fields, {}}, now);
  std::vector<chat_delta> all;
  std::vector<chat_delta> told;
  std::uint64_t known = 0;
  cut([&](std::string_view piece) {
    const bool more = decoder->feed(piece, told);
    join(all, told);
    const token_usage usage = decoder->usage();
    require(usage.total_tokens == usage.prompt_tokens + usage.completion_tokens, "usage so far adds up");
    known = std::max(known, usage.total_tokens);
    return more;
  });
  auto reply = decoder->finish(told);
  join(all, told);
  return {std::move(reply), std::move(all)};
}

std::string described(const std::vector<chat_delta>& deltas) {
  std::string text;
  for (const chat_delta& each : deltas)
    text.append(to_string(each.type))
        .append(" ")
        .append(std::to_string(each.tool_index))
        .append(" ")
        .append(each.tool_id)
        .append(" ")
        .append(each.tool_name)
        .append(": ")
        .append(each.text)
        .append("\n");
  return text;
}

/// The deltas of one reply, added up.
struct sum {
  std::string content;
  std::string reasoning;
  std::string refusal;
  std::vector<tool_call> calls;
};

sum added_up(const std::vector<chat_delta>& deltas) {
  sum total;
  for (const chat_delta& each : deltas) {
    switch (each.type) {
    case chat_delta::kind::content:
      total.content += each.text;
      break;
    case chat_delta::kind::reasoning:
      total.reasoning += each.text;
      break;
    case chat_delta::kind::refusal:
      total.refusal += each.text;
      break;
    case chat_delta::kind::restart:
      require(false, "no provider's stream begins anew");
      break;
    case chat_delta::kind::tool_call:
      require(each.tool_index <= total.calls.size(), "calls are numbered from 0 without gaps");
      if (each.tool_index == total.calls.size())
        total.calls.emplace_back();
      tool_call& call = total.calls[each.tool_index];
      call.arguments += each.text;
      require(each.tool_id.empty() || call.id.empty() || call.id == each.tool_id, "a call keeps its id");
      if (!each.tool_id.empty())
        call.id = each.tool_id;
      if (!each.tool_name.empty())
        call.name = each.tool_name;
      break;
    }
  }
  return total;
}

/// Whether an event says that the reply is whole.
bool ends(api_kind api, std::string_view name, const json_value& data) {
  std::string_view type = text_of(find_member(data, "type"));
  if (type.empty())
    type = name;
  if (api == api_kind::messages)
    return type == "message_stop";
  if (api == api_kind::responses)
    return type == "response.completed" || type == "response.incomplete";
  const json_value* choices = find_member(data, "choices");
  if (choices == nullptr || !choices->IsArray())
    return false;
  return std::ranges::any_of(choices->GetArray(), [](const json_value& choice) {
    return !text_of(find_member(choice, "finish_reason")).empty();
  });
}

/// Whether anything in a body says that the reply is whole.
bool has_end(api_kind api, const std::string& body) {
  protocols::sse_parser parser;
  bool found = false;
  const auto look = [&](const protocols::sse_event& event) {
    const auto parsed = protocols::json_document::parse(event.data);
    found = found || event.data.starts_with("[DONE]") || (parsed && ends(api, event.name, parsed->root()));
  };
  // A body may begin with white space, which is no part of its first line.
  const std::size_t begin = std::min(body.find_first_not_of(" \t\r\n"), body.size());
  for (const std::size_t from : {std::size_t{0}, begin}) {
    parser = protocols::sse_parser();
    std::string_view rest = std::string_view(body).substr(from);
    while (const auto event = parser.next(rest))
      look(*event);
    if (const auto event = parser.finish())
      look(*event);
  }
  return found;
}

/// Whether the calls of a reply are those that were told. The messages API takes broken ones back at the end;
/// the responses API may say another text at the end than in pieces.
void check_calls(api_kind api, const sum& told, const chat_reply& reply, const teller& details) {
  if (api != api_kind::messages)
    require(told.calls.size() == reply.tool_calls.size(), "as many calls were told as there are", details);
  std::size_t at = 0;
  for (const tool_call& call : reply.tool_calls) {
    const auto same = [&](const tool_call& each) {
      return (each.id.empty() || each.id == call.id) && each.name == call.name &&
             (each.arguments == call.arguments || api == api_kind::responses);
    };
    if (api == api_kind::messages)
      while (at != told.calls.size() && !same(told.calls[at]))
        ++at;
    require(at != told.calls.size() && same(told.calls[at]), "the deltas of a call are the call", details);
    ++at;
  }
}

void check_success(api_kind api, const http_response& response, const outcome_of_feeding& whole) {
  const chat_reply& reply = *whole.reply;
  const teller details = [&] { return fuzzing::described(reply) + "---\n" + described(whole.deltas); };
  check_reply(reply);
  check_passing_on(reply);
  const sum told = added_up(whole.deltas);
  require(told.content == reply.content || (told.content.empty() && reply.content == reply.refusal),
          "the deltas are the content", details);
  require(told.reasoning == reply.reasoning, "the deltas are the reasoning", details);
  require(told.refusal == reply.refusal, "the deltas are the refusal", details);
  check_calls(api, told, reply, details);
  const std::size_t begin = response.body.find_first_not_of(" \t\r\n");
  const bool stream =
      begin != std::string::npos && response.body[begin] != '{' && response.body[begin] != '[';
  require(!stream || has_end(api, response.body), "what nothing ended is no success", details);
  // An end without a reason: only whole calls count.
  if (stream && reply.metadata.raw_finish_reason.empty())
    for (const tool_call& call : reply.tool_calls)
      require(call.custom || call.arguments.empty() || protocols::is_json(call.arguments),
              "no call of a success was cut", details);
}

/// The events for a client give back what was told.
void check_streaming_on(const outcome_of_feeding& whole) {
  const chat_reply& reply = *whole.reply;
  const auto chat = protocols::make_chat_stream_encoder(reply.model, "chatcmpl-1", 784'111'777, true);
  const auto messages = protocols::make_messages_stream_encoder(reply.model, "msg_1", 1);
  for (const auto& [api, encoder] :
       {std::pair(api_kind::chat, chat.get()), {api_kind::messages, messages.get()}}) {
    http_response again;
    again.status = 200;
    again.body = encoder->begin();
    for (const chat_delta& each : whole.deltas)
      again.body += encoder->encode(each);
    again.body += encoder->end(reply);
    protocols::sse_parser parser;
    std::string_view rest = again.body;
    while (const auto event = parser.next(rest))
      require(event->data == "[DONE]" || is_strict_json(event->data), "an event for a client is JSON",
              event->data);
    const auto decoded = fed(api, again, [&again](auto take) { take(std::string_view(again.body)); });
    require(decoded.reply.has_value(), "our own stream is understood", again.body);
  }
}

/// The same events, but no two neighbours alike but for their words, so that each is parsed: white space
/// before the JSON of every other one.
std::string made_unlike(std::string_view body) {
  constexpr std::string_view field = "data:";
  std::string made;
  bool space = false;
  bool at_start = true;
  for (std::size_t at = 0; at != body.size();) {
    const bool is_data = at_start && body.substr(at).starts_with(field);
    at_start = body[at] == '\n' || body[at] == '\r';
    if (!is_data) {
      made.push_back(body[at++]);
      continue;
    }
    made += field;
    at += field.size();
    const auto first = std::min(body.find_first_not_of(' ', at), body.size());
    space = !space;
    if (space && first != body.size() && body[first] == '{')
      made += "  ";
  }
  return made;
}

/// Events that are recognized by a pattern say what they say when they are parsed.
void check_patterns(api_kind api, const http_response& response, const outcome_of_feeding& whole) {
  const std::string unlike = made_unlike(response.body);
  const auto parsed = fed(api, response, [&](auto take) { take(std::string_view(unlike)); });
  require(whole.reply.has_value() == parsed.reply.has_value(), "an event is what it is when parsed", unlike);
  require(whole.deltas == parsed.deltas, "an event says what it says when parsed",
          [&] { return described(whole.deltas) + "--- parsed\n" + described(parsed.deltas); });
}

} // namespace

void check_stream(api_kind api, const std::uint8_t* data, std::size_t size) {
  input from(data, size);
  http_response response = response_head(from);
  const cutter pieces(from);
  response.body = from.rest();
  const auto whole = fed(api, response, [&](auto take) { take(std::string_view(response.body)); });
  const auto cut = fed(api, response, [&](auto take) { pieces.cut(response.body, take); });
  require(
      fuzzing::described(whole.reply) == fuzzing::described(cut.reply), "pieces give the reply of the whole",
      [&] { return fuzzing::described(whole.reply) + "--- in pieces\n" + fuzzing::described(cut.reply); });
  require(whole.deltas == cut.deltas, "pieces give the deltas of the whole",
          [&] { return described(whole.deltas) + "--- in pieces\n" + described(cut.deltas); });
  added_up(whole.deltas);
  if (response.status == 200)
    check_patterns(api, response, whole);
  if (!whole.reply)
    return check_failure(whole.reply.error(), response);
  check_success(api, response, whole);
  check_streaming_on(whole);
}

} // namespace weir::fuzzing
