// Blocks come one after the other, each with its number, its deltas, and an end. Wire facts: Anthropic's API
// reference, "Streaming Messages"; what proxies make of it comes from recordings.
#include "protocols/anthropic_stream.hpp"

#include "protocols/anthropic_blocks.hpp"
#include "protocols/anthropic_reply.hpp"
#include "protocols/error_table.hpp"
#include "protocols/json_compactor.hpp"

#include <cstdint>
#include <map>
#include <utility>
#include <vector>

namespace weir::protocols::anthropic {

namespace {

enum class block_kind : std::uint8_t { text, thinking, redacted, call, foreign };

struct block {
  block_kind kind = block_kind::text;
  std::string text;        ///< of text and thinking; of a foreign block, its input as far as it came
  std::string signature;   ///< of thinking; of a redacted one, its data
  std::string head;        ///< of a foreign block: its members but `input`, without the last brace
  std::string first_input; ///< what the start said of the input, where it said anything
  std::size_t call = 0;    ///< which call of the reply
  bool has_input = false;
  bool stopped = false;
  bool odd = false; ///< of a foreign block: something came that cannot be put together
  json_compactor compactor{};
};

block_kind kind_of(std::string_view type) noexcept {
  if (type == "text")
    return block_kind::text;
  if (type == "thinking")
    return block_kind::thinking;
  if (type == "redacted_thinking")
    return block_kind::redacted;
  return type == "tool_use" ? block_kind::call : block_kind::foreign;
}

/// A foreign block's members but `input`, with the opening brace and without the closing one.
std::string head_of(const json_value& from) {
  rapidjson::StringBuffer buffer;
  json_writer out(buffer);
  out.StartObject();
  for (const auto& member : from.GetObject()) {
    const std::string_view name(member.name.GetString(), member.name.GetStringLength());
    if (name == "input")
      continue;
    write_key(out, name);
    member.value.Accept(out);
  }
  out.EndObject();
  return {buffer.GetString(), buffer.GetSize() - 1};
}

class anthropic_reader final : public event_reader {
public:
  std::optional<failure> read(std::string_view name, const json_value& data, reply_builder& reply) override {
    plain_ = {};
    std::string_view type = text_of(find_member(data, "type"));
    if (type.empty())
      type = name;
    if (name == "error" || tells_error(data))
      return classify_in_body(read_vendor_error(data));
    if (type == "message_start")
      start_message(find_member(data, "message"), reply);
    else if (type == "content_block_start")
      start_block(data, reply);
    else if (type == "content_block_delta")
      add_delta(data, reply);
    else if (type == "content_block_stop")
      stop_block(data);
    else if (type == "message_delta")
      end_message(data, reply);
    else if (type == "message_stop")
      end(reply);
    if (held_ > stream_limit)
      return make_failure(errc::server_error,
                          "the provider's stream has more blocks than " + std::to_string(stream_limit) +
                              " bytes can hold",
                          "content_block_start");
    return std::nullopt;
  }

  bool ended() const noexcept override { return ended_; }

  plain_piece plain() const noexcept override { return plain_; }

  void repeat(std::string_view words, reply_builder& reply) override {
    add_words(blocks_[plain_place_], words, reply);
  }

  std::optional<failure> close(reply_builder& builder) override {
    chat_reply& reply = builder.reply();
    if (!builder.finished())
      return std::nullopt;
    if (!started_ && blocks_.empty())
      return make_failure(errc::server_error, "the provider's stream held no message", "message_start");
    settle_call(builder, cut_last(reply.finish_reason));
    drop_broken_calls(reply);
    if (builder.gathers())
      gather_parts(reply);
    reply.usage = usage_.figures(reply);
    return std::nullopt;
  }

private:
  void start_message(const json_value* message, reply_builder& builder) {
    // Some proxies say it twice. The second time counts only as long as nothing else came.
    if (message == nullptr || (started_ && !blocks_.empty()))
      return;
    started_ = true;
    chat_reply& reply = builder.reply();
    if (const auto model = text_of(find_member(*message, "model")); !model.empty())
      reply.model = model_name(model);
    if (reply.metadata.request_id.empty())
      reply.metadata.request_id = text_of(find_member(*message, "id"));
    usage_.read(find_member(*message, "usage"), true);
    reply.usage = usage_.figures(reply);
  }

  void start_block(const json_value& data, reply_builder& reply) {
    const json_value* content = find_member(data, "content_block");
    if (content == nullptr || !content->IsObject())
      return;
    block& made = open(index_of(data), kind_of(text_of(find_member(*content, "type"))), reply);
    switch (made.kind) {
    case block_kind::text:
      add_words(made, text_of(find_member(*content, "text")), reply);
      break;
    case block_kind::thinking:
      add_words(made, text_of(find_member(*content, "thinking")), reply);
      sign(made, text_of(find_member(*content, "signature")));
      break;
    case block_kind::redacted:
      sign(made, text_of(find_member(*content, "data")));
      break;
    case block_kind::call:
      start_call(made, *content, reply);
      break;
    case block_kind::foreign:
      made.head = head_of(*content);
      take_first_input(made, *content);
      break;
    }
    held_ += made.head.size() + made.first_input.size();
  }

  void start_call(block& made, const json_value& content, reply_builder& reply) {
    made.call = reply.reply().tool_calls.size();
    reply.add_call_piece(key_of(made), text_of(find_member(content, "id")),
                         text_of(find_member(content, "name")), {});
    take_first_input(made, content);
  }

  /// The start has an empty object here; proxies that do not stream the input have all of it.
  static void take_first_input(block& made, const json_value& content) {
    const json_value* input = find_member(content, "input");
    made.has_input = input != nullptr;
    if (input != nullptr && input->IsObject() && !input->ObjectEmpty())
      made.first_input = to_json_text(*input);
  }

  void add_delta(const json_value& data, reply_builder& reply) {
    const json_value* delta = find_member(data, "delta");
    if (delta == nullptr)
      return;
    const auto type = text_of(find_member(*delta, "type"));
    const std::uint64_t index = index_of(data);
    if (type == "text_delta")
      add_plain(index, block_kind::text, find_member(*delta, "text"), reply);
    else if (type == "thinking_delta")
      add_plain(index, block_kind::thinking, find_member(*delta, "thinking"), reply);
    else if (type == "signature_delta")
      sign(open_for(index, block_kind::thinking, reply), text_of(find_member(*delta, "signature")));
    else if (type == "input_json_delta")
      add_input(index, text_of(find_member(*delta, "partial_json")), reply);
    else if (block* target = find(index); target != nullptr && target->kind == block_kind::foreign)
      target->odd = true;
  }

  void add_plain(std::uint64_t index, block_kind kind, const json_value* words, reply_builder& reply) {
    block& into = open_for(index, kind, reply);
    add_words(into, text_of(words), reply);
    plain_place_ = static_cast<std::size_t>(&into - blocks_.data());
    if (words != nullptr && words->IsString())
      plain_.words = words;
  }

  static void add_words(block& into, std::string_view words, reply_builder& reply) {
    if (reply.gathers())
      into.text.append(words);
    if (into.kind == block_kind::text)
      reply.add_content(words);
    else
      reply.add_reasoning(words);
  }

  /// A signature comes whole: a later one replaces the one before.
  void sign(block& into, std::string_view signature) {
    if (signature.empty())
      return;
    held_ += signature.size();
    into.signature = signature;
  }

  void add_input(std::uint64_t index, std::string_view piece, reply_builder& reply) {
    block* into = find(index);
    if (into == nullptr || piece.empty())
      return;
    if (into->kind == block_kind::foreign) {
      const std::size_t before = into->text.size();
      into->compactor.append(piece, into->text);
      held_ += into->text.size() - before;
    } else if (into->kind == block_kind::call) {
      std::string compact;
      into->compactor.append(piece, compact);
      reply.add_call_piece(key_of(*into), {}, {}, compact);
    }
  }

  void stop_block(const json_value& data) {
    if (block* stopped = find(index_of(data)); stopped != nullptr)
      stopped->stopped = true;
  }

  void end_message(const json_value& data, reply_builder& builder) {
    chat_reply& reply = builder.reply();
    if (const json_value* delta = find_member(data, "delta"); delta != nullptr) {
      read_stop(*delta, reply);
      if (reply.refusal.empty())
        builder.explain_refusal(refusal_of(*delta));
    }
    usage_.read(find_member(data, "usage"));
    reply.usage = usage_.figures(reply);
  }

  void end(reply_builder& reply) {
    ended_ = true;
    reply.set_finished();
  }

  /// Proxies that leave the number out count along.
  std::uint64_t index_of(const json_value& data) const noexcept {
    const json_value* index = find_member(data, "index");
    if (index != nullptr && index->IsUint64())
      return index->GetUint64();
    const bool begins = find_member(data, "content_block") != nullptr;
    return begins ? last_ + (blocks_.empty() ? 0 : 1) : last_;
  }

  block* find(std::uint64_t index) {
    const auto found = places_.find(index);
    return found == places_.end() ? nullptr : &blocks_[found->second];
  }

  /// Begins a block. The one before is over, and if it is a call, its input is known.
  block& open(std::uint64_t index, block_kind kind, reply_builder& reply) {
    settle_call(reply, false);
    places_[index] = blocks_.size();
    last_ = index;
    held_ += sizeof(block);
    block& made = blocks_.emplace_back();
    made.kind = kind;
    return made;
  }

  /// The block of that number if it is of this kind, else a new one: a delta may come without a start.
  block& open_for(std::uint64_t index, block_kind kind, reply_builder& reply) {
    block* found = find(index);
    return found != nullptr && found->kind == kind ? *found : open(index, kind, reply);
  }

  std::uint32_t key_of(const block& one) const noexcept {
    return static_cast<std::uint32_t>(&one - blocks_.data());
  }

  /// A call whose input never came in pieces has what its start said, or nothing at all: `{}`. Of the last
  /// call of a reply that was cut, nobody can say that.
  void settle_call(reply_builder& builder, bool cut) {
    if (blocks_.empty() || blocks_.back().kind != block_kind::call)
      return;
    const block& last = blocks_.back();
    if (!builder.reply().tool_calls[last.call].arguments.empty())
      return;
    if (!last.first_input.empty())
      builder.add_call_piece(key_of(last), {}, {}, last.first_input);
    else if (!cut)
      builder.add_call_piece(key_of(last), {}, {}, "{}");
  }

  /// Whether the last block may have been cut: by its reason, or since nobody said that it was over.
  bool cut_last(finish_reason reason) const noexcept {
    return cuts_calls(reason) ||
           (!blocks_.empty() && !blocks_.back().stopped && reason != finish_reason::tool_calls);
  }

  /// Arguments that are no JSON are the model's fault when it meant to call, and the caller is told. In any
  /// other case they were cut off, and the call must not be made.
  void drop_broken_calls(chat_reply& reply) {
    std::size_t kept = 0;
    for (const block& each : blocks_) {
      if (each.kind != block_kind::call)
        continue;
      tool_call& call = reply.tool_calls[each.call];
      const bool meant = each.stopped && reply.finish_reason == finish_reason::tool_calls;
      if (!meant && !is_json_object(call.arguments))
        continue;
      if (kept != each.call)
        reply.tool_calls[kept] = std::move(call);
      ++kept;
    }
    reply.tool_calls.resize(kept);
  }

  void gather_parts(chat_reply& reply) {
    for (block& each : blocks_) {
      switch (each.kind) {
      case block_kind::text:
        if (!each.text.empty())
          reply.parts.emplace_back(text_part{std::move(each.text)});
        break;
      case block_kind::thinking:
        if (!each.text.empty() || !each.signature.empty())
          reply.parts.emplace_back(reasoning_part{std::move(each.text), std::move(each.signature)});
        break;
      case block_kind::redacted:
        if (!each.signature.empty())
          reply.parts.emplace_back(reasoning_part{{}, {}, std::move(each.signature)});
        break;
      case block_kind::call:
        break;
      case block_kind::foreign:
        if (auto whole = whole_foreign(each))
          reply.parts.emplace_back(raw_part{api_kind::messages, std::move(*whole)});
        break;
      }
    }
    settle_parts(reply);
  }

  /// Nothing where the block cannot be sent back as it was meant.
  static std::optional<std::string> whole_foreign(const block& from) {
    if (from.odd)
      return std::nullopt;
    std::string json = from.head;
    if (from.has_input || !from.text.empty()) {
      const std::string& told = from.text.empty() ? from.first_input : from.text;
      json += json.size() > 1 ? R"(,"input":)" : R"("input":)";
      json += told.empty() ? "{}" : told;
    }
    json += "}";
    return is_json(json) ? std::optional(std::move(json)) : std::nullopt;
  }

  std::vector<block> blocks_;
  std::map<std::uint64_t, std::size_t> places_; ///< a block's number → its place
  std::uint64_t last_ = 0;                      ///< the number of the block that was begun last
  std::size_t held_ = 0;                        ///< bytes here that `reply_builder` does not count
  bool started_ = false;
  bool ended_ = false;
  plain_piece plain_;           ///< of the last event
  std::size_t plain_place_ = 0; ///< of the block to which it added
  usage_reader usage_;
};

} // namespace

std::unique_ptr<event_reader> make_reader() {
  return std::make_unique<anthropic_reader>();
}

} // namespace weir::protocols::anthropic
