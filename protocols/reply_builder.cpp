// Adding up. An id or name that comes late is told with the piece that brings it.
#include "protocols/reply_builder.hpp"

#include "protocols/estimate.hpp"

#include <weir/config.hpp>

#include <utility>

namespace weir::protocols {

namespace {

/// The same for the same reply, and another in the next round of a conversation.
std::string made_up_id(std::string_view seed, std::size_t at) {
  constexpr std::string_view digits = "0123456789abcdef";
  std::string id = "call_";
  for (std::uint64_t hash = content_hash(seed); hash != 0; hash >>= 4U)
    id.push_back(digits[hash & 15U]);
  return id + "_" + std::to_string(at);
}

} // namespace

void reply_builder::say(chat_delta::kind type, std::string_view text) {
  began_ = true;
  if (deltas_ == nullptr)
    return;
  // Neighbours of one kind are one delta: what arrived together is shown together.
  if (!deltas_->empty() && deltas_->back().type == type) {
    deltas_->back().text.append(text);
    return;
  }
  chat_delta& next = deltas_->emplace_back();
  next.type = type;
  next.text = text;
}

/// Text of the reply, or a mere count.
void reply_builder::keep(std::string& where, std::string_view text) {
  if (gather_) {
    size_ += text.size();
    where.append(text);
  } else {
    let_go_tokens_ += estimate_text_tokens(text);
  }
}

void reply_builder::add_content(std::string_view text) {
  if (text.empty())
    return;
  content_size_ += text.size();
  keep(reply_.content, text);
  say(chat_delta::kind::content, text);
}

void reply_builder::add_rest_of_content(std::string_view whole, std::size_t told) {
  if (whole.size() > told && (!gather_ || reply_.content.ends_with(whole.substr(0, told))))
    add_content(whole.substr(told));
}

void reply_builder::add_reasoning(std::string_view text) {
  if (text.empty())
    return;
  reasoning_size_ += text.size();
  keep(reply_.reasoning, text);
  say(chat_delta::kind::reasoning, text);
}

void reply_builder::add_refusal(std::string_view text) {
  if (text.empty())
    return;
  refused_ = true;
  explain_refusal(text);
}

void reply_builder::explain_refusal(std::string_view text) {
  if (text.empty())
    return;
  size_ += text.size();
  reply_.refusal.append(text);
  say(chat_delta::kind::refusal, text);
}

std::size_t reply_builder::index_of(std::uint32_t key) {
  const auto [found, added] = calls_.try_emplace(key, reply_.tool_calls.size());
  if (added)
    reply_.tool_calls.emplace_back();
  return found->second;
}

tool_call& reply_builder::add_call_piece(std::uint32_t key, std::string_view id, std::string_view name,
                                         std::string_view arguments) {
  const std::size_t index = index_of(key);
  tool_call& call = reply_.tool_calls[index];
  const bool news = (call.id.empty() && !id.empty()) || (call.name.empty() && !name.empty());
  if (call.id.empty())
    call.id = id;
  if (call.name.empty())
    call.name = name;
  call.arguments.append(arguments);
  size_ += id.size() + name.size() + arguments.size();
  began_ = true;
  if (deltas_ == nullptr || !(news || !arguments.empty()))
    return call;
  if (!news && !deltas_->empty() && deltas_->back().type == chat_delta::kind::tool_call &&
      deltas_->back().tool_index == index) {
    deltas_->back().text.append(arguments);
  } else {
    chat_delta& piece = deltas_->emplace_back();
    piece.type = chat_delta::kind::tool_call;
    piece.text = arguments;
    piece.tool_index = static_cast<std::uint32_t>(index);
    if (news) {
      piece.tool_id = call.id;
      piece.tool_name = call.name;
    }
  }
  return call;
}

void reply_builder::set_call_arguments(std::uint32_t key, std::string_view arguments) {
  tool_call& call = reply_.tool_calls[index_of(key)];
  if (arguments.starts_with(call.arguments)) {
    const std::string rest(arguments.substr(call.arguments.size()));
    add_call_piece(key, {}, {}, rest);
    return;
  }
  size_ += arguments.size();
  call.arguments = arguments;
}

std::uint64_t reply_builder::told_tokens() const {
  return let_go_tokens_ + estimate_reply_tokens(reply_) + estimate_text_tokens(reply_.refusal, reply_.model);
}

chat_reply reply_builder::build() {
  settle_calls(reply_);
  if (reply_.content.empty() && refused_)
    reply_.content = reply_.refusal;
  reply_.success = true;
  return std::move(reply_);
}

void settle_calls(chat_reply& reply) {
  for (std::size_t at = 0; at != reply.tool_calls.size(); ++at)
    if (tool_call& call = reply.tool_calls[at]; call.id.empty())
      call.id = made_up_id(reply.metadata.request_id + call.name + call.arguments, at);
  // Some servers say `stop`, or nothing, although the model called tools.
  if (!reply.tool_calls.empty() &&
      (reply.finish_reason == finish_reason::stop || reply.finish_reason == finish_reason::unknown))
    reply.finish_reason = finish_reason::tool_calls;
}

void append_deltas(const chat_reply& reply, std::vector<chat_delta>& deltas) {
  const auto say = [&deltas](chat_delta::kind type, const std::string& text) {
    if (!text.empty())
      deltas.push_back({type, text, 0, {}, {}});
  };
  say(chat_delta::kind::reasoning, reply.reasoning);
  if (reply.content != reply.refusal)
    say(chat_delta::kind::content, reply.content);
  say(chat_delta::kind::refusal, reply.refusal);
  for (std::size_t at = 0; at != reply.tool_calls.size(); ++at) {
    const tool_call& call = reply.tool_calls[at];
    deltas.push_back(
        {chat_delta::kind::tool_call, call.arguments, static_cast<std::uint32_t>(at), call.id, call.name});
  }
}

} // namespace weir::protocols
