// Streaming a reply to a client. Official clients refuse a first piece without a role, and a tool call whose
// first piece lacks its id, type or name.
#include "protocols/json.hpp"
#include "protocols/openai_chat_server.hpp"
#include "protocols/openai_encode.hpp"
#include "protocols/openai_reply.hpp"
#include "protocols/openai_usage.hpp"

#include <utility>

namespace weir::protocols {

namespace {

class chat_stream_encoder final : public stream_encoder {
public:
  chat_stream_encoder(const model_name& model, std::string_view id, std::int64_t created, bool include_usage)
      : id_(id), include_usage_(include_usage) {
    rapidjson::StringBuffer buffer;
    json_writer out(buffer);
    out.StartObject();
    write_member(out, "id", id);
    write_member(out, "object", "chat.completion.chunk");
    out.Key("created");
    out.Int64(created);
    write_member(out, "model", model.str());
    opening_ = "data: " + std::string(buffer.GetString(), buffer.GetSize()) + ",\"choices\":";
  }

  std::string begin() override {
    return chunk({}, [](json_writer& out) {
      write_member(out, "role", "assistant");
      write_member(out, "content", "");
    });
  }

  std::string encode(const chat_delta& delta) override {
    if (delta.type == chat_delta::kind::tool_call)
      return encode_call(delta);
    if (delta.type == chat_delta::kind::restart)
      return {}; // cannot be said in this API
    const std::string_view name = delta.type == chat_delta::kind::content     ? "content"
                                  : delta.type == chat_delta::kind::reasoning ? "reasoning_content"
                                                                              : "refusal";
    return chunk({}, [&](json_writer& out) { write_member(out, name, delta.text); });
  }

  std::string end(const chat_reply& whole) override {
    std::string bytes = send_back(whole);
    bytes += chunk(to_finish_word(whole.finish_reason), [](json_writer&) {});
    if (include_usage_) {
      rapidjson::StringBuffer usage;
      json_writer out(usage);
      write_openai_usage(out, whole.usage);
      bytes += opening_ + R"([],"usage":)" + std::string(usage.GetString(), usage.GetSize()) + "}\n\n";
    }
    return bytes + "data: [DONE]\n\n";
  }

  std::string fail(const failure& error) override { return "data: " + encode_error(error).body + "\n\n"; }

private:
  /// What the client was told of a call.
  struct call_state {
    bool begun = false;
    bool named = false;
  };

  /// A chunk with one choice, in whose delta `write_delta` writes.
  template <class Write>
  std::string chunk(std::string_view finish, Write write_delta) {
    buffer_.Clear();
    json_writer out(buffer_);
    out.StartArray();
    out.StartObject();
    out.Key("index");
    out.Uint(0);
    out.Key("delta");
    out.StartObject();
    write_delta(out);
    out.EndObject();
    out.Key("logprobs");
    out.Null();
    out.Key("finish_reason");
    if (finish.empty())
      out.Null();
    else
      write_text(out, finish);
    out.EndObject();
    out.EndArray();
    std::string bytes = opening_;
    bytes.append(buffer_.GetString(), buffer_.GetSize());
    bytes.append(include_usage_ ? ",\"usage\":null}\n\n" : "}\n\n");
    return bytes;
  }

  std::string encode_call(const chat_delta& delta) {
    if (delta.tool_index >= calls_.size())
      calls_.resize(delta.tool_index + std::size_t{1});
    call_state& told = calls_[delta.tool_index];
    const bool first = !std::exchange(told.begun, true);
    const bool named = first || (!told.named && !delta.tool_name.empty());
    told.named = told.named || !delta.tool_name.empty();
    return chunk({}, [&](json_writer& out) {
      out.Key("tool_calls");
      out.StartArray();
      out.StartObject();
      out.Key("index");
      out.Uint(delta.tool_index);
      if (first) {
        // An id that comes late, or never, could not be waited for. The client only has to name it again.
        write_member(out, "id",
                     delta.tool_id.empty() ? "call_" + id_ + "_" + std::to_string(delta.tool_index)
                                           : delta.tool_id);
        write_member(out, "type", "function");
      }
      out.Key("function");
      out.StartObject();
      if (named)
        write_member(out, "name", delta.tool_name);
      write_member(out, "arguments", delta.text);
      out.EndObject();
      out.EndObject();
      out.EndArray();
    });
  }

  /// What deltas have no place for, and the client must send back: it comes in a chunk before the last.
  std::string send_back(const chat_reply& whole) {
    bool calls_have = false;
    for (const tool_call& each : whole.tool_calls)
      calls_have = calls_have || !each.extra.empty();
    extra_members members;
    for (const auto& member : whole.extra)
      if (member.first != "reasoning_content") // sent as it came
        members.push_back(member);
    if (members.empty() && !calls_have)
      return {};
    return chunk({}, [&](json_writer& out) {
      for (const auto& [name, json] : members)
        write_raw(out, name, json);
      if (!calls_have)
        return;
      out.Key("tool_calls");
      out.StartArray();
      for (std::size_t at = 0; at != whole.tool_calls.size(); ++at) {
        if (whole.tool_calls[at].extra.empty())
          continue;
        out.StartObject();
        out.Key("index");
        out.Uint64(at);
        out.Key("function"); // strict schemas want one in every piece
        out.StartObject();
        write_member(out, "arguments", "");
        out.EndObject();
        for (const auto& [name, json] : whole.tool_calls[at].extra)
          write_raw(out, name, json);
        out.EndObject();
      }
      out.EndArray();
    });
  }

  std::string id_;
  bool include_usage_;
  std::string opening_; ///< of every chunk, up to its choices
  rapidjson::StringBuffer buffer_;
  std::vector<call_state> calls_;
};

} // namespace

std::unique_ptr<stream_encoder> make_chat_stream_encoder(const model_name& model, std::string_view id,
                                                         std::int64_t created, bool include_usage) {
  return std::make_unique<chat_stream_encoder>(model, id, created, include_usage);
}

} // namespace weir::protocols
