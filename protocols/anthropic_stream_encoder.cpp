// A streamed reply as the API's events. Deltas may mix blocks (some servers stream two calls at once); the
// events may not, so one block is open at a time.
// Wire facts: Anthropic's API reference, "Streaming Messages".
#include "protocols/anthropic_messages_server.hpp"

#include "protocols/anthropic_server_words.hpp"
#include "protocols/json.hpp"
#include "protocols/json_compactor.hpp"

#include <list>
#include <map>
#include <optional>
#include <utility>

namespace weir::protocols {

using namespace anthropic;

namespace {

using delta_kind = chat_delta::kind;

void append_event(std::string& to, std::string_view name, const rapidjson::StringBuffer& data) {
  to.append("event: ").append(name).append("\ndata: ");
  to.append(data.GetString(), data.GetSize()).append("\n\n");
}

/// The block that is open.
struct open_block {
  delta_kind kind = delta_kind::content;
  std::uint32_t tool = 0;
  json_compactor input{}; ///< knows when the arguments are whole

  bool takes(const chat_delta& delta) const noexcept {
    return kind == delta.type && (kind != delta_kind::tool_call || tool == delta.tool_index);
  }
  /// Text can end anywhere; a call when its arguments are whole.
  bool may_close() const noexcept { return kind != delta_kind::tool_call || input.whole(); }
};

/// What is known of a call.
struct call_head {
  std::string id;
  std::string name;
  bool written = false; ///< its block was begun
};

class messages_encoder final : public stream_encoder {
public:
  messages_encoder(model_name model, std::string_view id, std::uint64_t prompt_tokens)
      : model_(std::move(model)), id_(id), prompt_tokens_(prompt_tokens) {}

  std::string begin() override {
    rapidjson::StringBuffer buffer;
    json_writer out(buffer);
    out.StartObject();
    write_member(out, "type", "message_start");
    out.Key("message");
    out.StartObject();
    write_member(out, "id", id_);
    write_member(out, "type", "message");
    write_member(out, "role", "assistant");
    write_member(out, "model", model_.str());
    out.Key("content");
    out.StartArray();
    out.EndArray();
    out.Key("stop_reason");
    out.Null();
    out.Key("stop_sequence");
    out.Null();
    out.Key("usage");
    out.StartObject();
    token_usage usage;
    usage.prompt_tokens = prompt_tokens_;
    write_usage_members(out, usage);
    out.EndObject();
    out.EndObject();
    out.EndObject();
    std::string events;
    append_event(events, "message_start", buffer);
    return events;
  }

  std::string encode(const chat_delta& delta) override {
    std::string events;
    if (delta.type == delta_kind::refusal) {
      refusal_ += delta.text; // whether it is content is known at the end
      return events;
    }
    if (delta.type == delta_kind::restart) // cannot be said in this API
      return events;
    if (delta.type == delta_kind::tool_call && !learn(delta))
      return events;
    if (open_ && open_->takes(delta)) {
      write_piece(delta.text, events);
    } else {
      wait(delta);
    }
    drain(events, false);
    return events;
  }

  std::string end(const chat_reply& whole) override {
    std::string events;
    for (auto& [index, head] : heads_)
      if (index < whole.tool_calls.size() && head.name.empty())
        head.name = whole.tool_calls[index].name;
    if (!refusal_.empty() && stop_word(whole) != "refusal")
      wait({delta_kind::content, refusal_, 0, {}, {}});
    drain(events, true);
    close(events);
    write_end(whole, events);
    return events;
  }

  std::string fail(const failure& error) override {
    rapidjson::StringBuffer buffer;
    json_writer out(buffer);
    write_error_body(out, error);
    std::string events;
    append_event(events, "error", buffer);
    return events;
  }

private:
  using waiting_list = std::list<chat_delta>;

  /// Takes a call's id and name. False: its block is over, and what comes belongs nowhere.
  bool learn(const chat_delta& delta) {
    call_head& head = heads_[delta.tool_index];
    if (head.id.empty())
      head.id = delta.tool_id;
    if (head.name.empty())
      head.name = delta.tool_name;
    return !head.written || (open_ && open_->takes(delta));
  }

  /// One entry for each call, so that a block comes in one piece; neighbouring texts of a kind are one as
  /// well.
  void wait(const chat_delta& delta) {
    if (delta.type == delta_kind::tool_call) {
      const auto [found, added] = waiting_calls_.try_emplace(delta.tool_index);
      if (added)
        found->second = waiting_.insert(waiting_.end(), delta);
      else
        found->second->text += delta.text;
      return;
    }
    if (!waiting_.empty() && waiting_.back().type == delta.type)
      waiting_.back().text += delta.text;
    else if (!delta.text.empty())
      waiting_.push_back(delta);
  }

  /// Writes what waits, as far as the open block lets it. `all`: nothing more will come.
  void drain(std::string& events, bool all) {
    while (!waiting_.empty() && (all || !open_ || open_->may_close())) {
      const chat_delta& next = waiting_.front();
      const bool call = next.type == delta_kind::tool_call;
      const bool named = !call || !heads_[next.tool_index].name.empty();
      if (!named && !all)
        return;
      if (named) { // a call that nobody named cannot be made
        close(events);
        open(next, events);
        write_piece(next.text, events);
      }
      if (call)
        waiting_calls_.erase(next.tool_index);
      waiting_.pop_front();
    }
  }

  void open(const chat_delta& first, std::string& events) {
    open_ = open_block{first.type, first.tool_index};
    rapidjson::StringBuffer buffer;
    json_writer out(buffer);
    out.StartObject();
    write_member(out, "type", "content_block_start");
    out.Key("index");
    out.Uint(index_);
    out.Key("content_block");
    out.StartObject();
    if (first.type == delta_kind::tool_call) {
      call_head& head = heads_[first.tool_index];
      head.written = true;
      write_member(out, "type", "tool_use");
      write_member(out, "id",
                   head.id.empty() ? "toolu_" + id_ + "_" + std::to_string(first.tool_index) : head.id);
      write_member(out, "name", head.name);
      out.Key("input");
      out.StartObject();
      out.EndObject();
    } else if (first.type == delta_kind::reasoning) {
      write_member(out, "type", "thinking");
      write_member(out, "thinking", "");
      write_member(out, "signature", "");
    } else {
      write_member(out, "type", "text");
      write_member(out, "text", "");
    }
    out.EndObject();
    out.EndObject();
    append_event(events, "content_block_start", buffer);
  }

  void write_piece(std::string_view text, std::string& events) {
    if (text.empty())
      return;
    const bool call = open_->kind == delta_kind::tool_call;
    const bool thought = open_->kind == delta_kind::reasoning;
    if (call) {
      std::string unused;
      open_->input.append(text, unused);
    }
    rapidjson::StringBuffer buffer;
    json_writer out(buffer);
    out.StartObject();
    write_member(out, "type", "content_block_delta");
    out.Key("index");
    out.Uint(index_);
    out.Key("delta");
    out.StartObject();
    write_member(out, "type", call ? "input_json_delta" : thought ? "thinking_delta" : "text_delta");
    write_member(out, call ? "partial_json" : thought ? "thinking" : "text", text);
    out.EndObject();
    out.EndObject();
    append_event(events, "content_block_delta", buffer);
  }

  void close(std::string& events) {
    if (!open_)
      return;
    rapidjson::StringBuffer buffer;
    json_writer out(buffer);
    out.StartObject();
    write_member(out, "type", "content_block_stop");
    out.Key("index");
    out.Uint(index_);
    out.EndObject();
    append_event(events, "content_block_stop", buffer);
    open_.reset();
    ++index_;
  }

  static void write_end(const chat_reply& whole, std::string& events) {
    rapidjson::StringBuffer buffer;
    json_writer out(buffer);
    out.StartObject();
    write_member(out, "type", "message_delta");
    out.Key("delta");
    out.StartObject();
    write_stop_members(out, whole);
    out.EndObject();
    out.Key("usage");
    out.StartObject();
    write_usage_members(out, whole.usage);
    out.EndObject();
    out.EndObject();
    append_event(events, "message_delta", buffer);
    events += "event: message_stop\ndata: {\"type\":\"message_stop\"}\n\n";
  }

  model_name model_;
  std::string id_;
  std::uint64_t prompt_tokens_;
  std::uint32_t index_ = 0; ///< of the open block, or of the next
  std::optional<open_block> open_;
  std::map<std::uint32_t, call_head> heads_;
  waiting_list waiting_;
  std::map<std::uint32_t, waiting_list::iterator> waiting_calls_;
  std::string refusal_;
};

} // namespace

std::unique_ptr<stream_encoder> make_messages_stream_encoder(const model_name& model, std::string_view id,
                                                             std::uint64_t prompt_tokens) {
  return std::make_unique<messages_encoder>(model, id, prompt_tokens);
}

} // namespace weir::protocols
