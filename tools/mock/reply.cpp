// Making replies. They follow from plan and request alone, so that a run can be repeated.
#include "tools/mock/reply.hpp"

#include "tools/mock/arguments.hpp"
#include "tools/mock/dialect.hpp"

#include <algorithm>
#include <variant>

namespace weir::mock {

namespace {

std::uint64_t tokens_of(std::string_view text) noexcept {
  return (text.size() + 3) / 4;
}

std::uint64_t tokens_of(const tool_call& call) noexcept {
  return tokens_of(call.name) + tokens_of(call.arguments);
}

bool is_within_character(char byte) {
  return (static_cast<unsigned char>(byte) & 0xc0U) == 0x80U;
}

/// The beginning of a text, cut between two characters.
std::string beginning(const std::string& text, std::size_t most) {
  if (text.size() <= most)
    return text;
  while (most != 0 && is_within_character(text[most]))
    --most;
  return text.substr(0, most);
}

std::string echo(const message& said) {
  constexpr std::size_t most = 120;
  std::string text = "You said: " + beginning(text_of(said), most);
  const auto images = std::ranges::count_if(
      said.content, [](const content_part& part) { return std::holds_alternative<image_part>(part); });
  if (images != 0)
    text += " (with " + std::to_string(images) + (images == 1 ? " image)" : " images)");
  return text;
}

/// What is said when the plan says nothing: the tools' results, or else what the user said last.
std::string echo(const chat_request& request) {
  constexpr std::size_t most = 400;
  std::string results;
  for (auto each = request.messages.rbegin(); each != request.messages.rend() && each->role == role::tool;
       ++each)
    results = (each->is_error ? " failed with \"" : " \"") + beginning(text_of(*each), most) + '"' +
              (results.empty() ? "" : "," + results);
  if (!results.empty())
    return "The tools said:" + results;
  for (auto each = request.messages.rbegin(); each != request.messages.rend(); ++each)
    if (each->role == role::user)
      return echo(*each);
  return "You said nothing.";
}

bool one_at_a_time(const chat_request& request) {
  const auto single = [](const auto& each) {
    return each.first == "parallel_tool_calls" && each.second == "false";
  };
  return std::ranges::any_of(request.extra, single);
}

/// The tools to be called now. A provider's own tools are not the client's to run, and are never called.
std::vector<const tool*> called_tools(const plan& of, const chat_request& request) {
  const tool_choice choice = request.tool_choice.value_or(tool_choice{});
  const bool demanded = choice.kind == tool_choice::mode::required || choice.kind == tool_choice::mode::one;
  const bool offered = choice.kind == tool_choice::mode::automatic && of.tool_calls != calling::none &&
                       !request.messages.empty() && request.messages.back().role == role::user;
  std::vector<const tool*> called;
  if (!demanded && !offered)
    return called;
  for (const tool& each : request.tools)
    if (each.raw.empty() && (choice.kind != tool_choice::mode::one || choice.tool == each.name))
      called.push_back(&each);
  if (called.size() > 1 && (of.tool_calls != calling::all || one_at_a_time(request)))
    called.erase(called.begin() + 1, called.end());
  return called;
}

std::vector<std::string_view> pieces_of(std::string_view text) {
  constexpr std::size_t longest = 12;
  std::vector<std::string_view> pieces;
  while (!text.empty()) {
    std::size_t end = std::min(text.find(' ', text.find_first_not_of(' ')), text.size());
    if (end > longest) {
      end = longest;
      while (end != 0 && is_within_character(text[end]))
        --end;
      if (end == 0) // no UTF-8 at all
        end = longest;
    }
    pieces.push_back(text.substr(0, end));
    text.remove_prefix(end);
  }
  return pieces;
}

/// Adds a text's pieces, each as a copy of `like`.
void add_deltas(const chat_delta& like, std::string_view text, std::uint32_t chunk_tokens,
                std::vector<chat_delta>& into) {
  const auto pieces = pieces_of(text);
  for (std::size_t at = 0; at < pieces.size(); at += chunk_tokens) {
    chat_delta& made = into.emplace_back(like);
    for (std::size_t n = at; n != std::min<std::size_t>(at + chunk_tokens, pieces.size()); ++n)
      made.text += pieces[n];
  }
}

} // namespace

std::string prefill_of(const chat_request& request) {
  const bool begun = !request.messages.empty() && request.messages.back().role == role::assistant;
  return begun ? text_of(request.messages.back()) : std::string();
}

std::uint64_t count_prompt_tokens(const chat_request& request) noexcept {
  std::uint64_t tokens = 0;
  for (const message& each : request.messages) {
    for (const content_part& part : each.content)
      if (const auto* text = std::get_if<text_part>(&part))
        tokens += tokens_of(text->text);
    for (const tool_call& call : each.tool_calls)
      tokens += tokens_of(call);
  }
  for (const tool& each : request.tools)
    tokens += tokens_of(each.name) + tokens_of(each.description) + tokens_of(each.parameters);
  return tokens;
}

std::string said_last(const chat_request& request) {
  for (auto each = request.messages.rbegin(); each != request.messages.rend(); ++each)
    if (each->role == role::user)
      return text_of(*each);
  return {};
}

chat_reply make_reply(const plan& of, const chat_request& request, api_kind dialect, std::uint64_t number) {
  chat_reply reply;
  reply.success = true;
  reply.model = request.model;
  reply.reasoning = of.reasoning;
  reply.finish_reason = of.finish.value_or(finish_reason::stop);
  for (const tool* each : called_tools(of, request)) {
    reply.tool_calls.push_back(
        {call_id_of(dialect, number, reply.tool_calls.size()), each->name, make_arguments(each->parameters)});
    reply.finish_reason = finish_reason::tool_calls;
  }
  if (reply.tool_calls.empty()) {
    reply.content = of.reply.empty() ? echo(request) : of.reply;
    const std::string begun = of.prefill == prefilling::go_on ? prefill_of(request) : std::string();
    if (reply.content.starts_with(begun))
      reply.content.erase(0, begun.size());
  }
  std::uint64_t said = tokens_of(reply.content) + tokens_of(reply.reasoning);
  for (const tool_call& each : reply.tool_calls)
    said += tokens_of(each);
  token_usage& usage = reply.usage;
  usage.prompt_tokens = of.prompt_tokens.value_or(count_prompt_tokens(request));
  usage.completion_tokens = of.completion_tokens.value_or(said);
  usage.total_tokens = usage.prompt_tokens + usage.completion_tokens;
  usage.cached_tokens = of.cached_tokens;
  if (!reply.reasoning.empty())
    usage.reasoning_tokens = std::min(tokens_of(reply.reasoning), usage.completion_tokens);
  return reply;
}

std::vector<chat_delta> make_deltas(const chat_reply& reply, std::uint32_t chunk_tokens) {
  using enum chat_delta::kind;
  std::vector<chat_delta> deltas;
  chat_delta like;
  like.type = reasoning;
  add_deltas(like, reply.reasoning, chunk_tokens, deltas);
  like.type = content;
  add_deltas(like, reply.content, chunk_tokens, deltas);
  like.type = tool_call;
  for (const weir::tool_call& each : reply.tool_calls) {
    chat_delta& first = deltas.emplace_back(like);
    first.tool_id = each.id;
    first.tool_name = each.name;
    add_deltas(like, each.arguments, chunk_tokens, deltas);
    ++like.tool_index;
  }
  return deltas;
}

} // namespace weir::mock
