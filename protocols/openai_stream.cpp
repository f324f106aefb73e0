// Chunks. Servers differ in how they number, name and end things; each deviation that is read here was seen
// in a recorded stream.
#include "protocols/openai_stream.hpp"

#include "protocols/error_table.hpp"
#include "protocols/openai_reasoning.hpp"
#include "protocols/openai_reply.hpp"
#include "protocols/openai_usage.hpp"

#include <algorithm>
#include <cstdint>
#include <utility>
#include <vector>

namespace weir::protocols {

namespace {

constexpr std::size_t most_calls = 1024; ///< of one reply

/// Looks like a whole JSON object: the arguments of a call to which nothing can be added.
bool is_whole(std::string_view arguments) {
  return arguments.starts_with('{') && is_json(arguments);
}

class openai_reader final : public event_reader {
public:
  explicit openai_reader(const http_response& head) : azure_id_(head.find("apim-request-id")) {}

  std::optional<failure> read(std::string_view name, const json_value& data, reply_builder& reply) override;
  bool ended() const noexcept override { return false; } // a usage, or an error, may follow the last choice
  std::optional<failure> close(reply_builder& reply) override;
  plain_piece plain() const noexcept override { return plain_; }
  void repeat(std::string_view words, reply_builder& reply) override { reply.add_content(words); }

private:
  void read_ids(const json_value& chunk, chat_reply& reply);
  std::optional<failure> read_choice(const json_value& choice, reply_builder& reply);
  std::optional<failure> read_delta(const json_value& delta, reply_builder& reply);
  std::optional<failure> read_calls(const json_value& delta, reply_builder& reply);
  std::optional<failure> read_message(const json_value& said, reply_builder& reply);
  std::optional<std::size_t> find_call(const json_value& entry, std::size_t at, std::size_t count,
                                       const openai_call& seen, const chat_reply& reply) const;
  std::optional<failure> add_piece(std::optional<std::size_t> found, std::int64_t index,
                                   const openai_call& seen, reply_builder& reply);

  std::string azure_id_;
  std::vector<std::int64_t> indexes_; ///< of each call of the reply, by its place: the server's number, or -1
  reasoning_details details_;
  std::size_t kept_ = 0;       ///< bytes of the calls' further members
  bool is_replayed_ = false;   ///< the reasoning came under the name under which it is sent back
  bool has_reasoning_ = false; ///< it came under a plain name
  bool has_usage_ = false;
  bool answered_ = false; ///< a choice was seen
  plain_piece plain_;     ///< of the last event
};

std::int64_t index_of(const json_value& entry) {
  const json_value* index = find_member(entry, "index");
  return index != nullptr && index->IsUint() ? static_cast<std::int64_t>(index->GetUint()) : -1;
}

/// A piece under the number of an earlier call that is another call: some servers number all calls alike. A
/// name is repeated only by servers that repeat the id too.
bool begins_anew(const tool_call& so_far, const openai_call& seen) {
  if (seen.name.empty() || so_far.name.empty())
    return false;
  if (!seen.id.empty() && !so_far.id.empty())
    return seen.id != so_far.id;
  return is_whole(so_far.arguments);
}

/// The value of each member for `look`; false as soon as it says so. One pass is a third of many look-ups.
template <class Look>
bool all_members(const json_value& object, Look look) {
  for (const auto& member : object.GetObject())
    if (!look(std::string_view(member.name.GetString(), member.name.GetStringLength()), member.value))
      return false;
  return true;
}

/// A chunk that is a piece of text and nothing else, as nearly all are; without words for any other.
event_reader::plain_piece only_text(const json_value& chunk) {
  const json_value* choices = nullptr;
  const json_value* delta = nullptr;
  const json_value* content = nullptr;
  const json_value* padding = nullptr;
  const auto in_chunk = [&](std::string_view name, const json_value& value) {
    if (name == "choices")
      choices = &value;
    if (name == "obfuscation" && value.IsString())
      padding = &value;
    return name == "object" ? text_of(&value) != "error"
                            : value.IsNull() || (name != "error" && name != "usage" && name != "x_groq");
  };
  const auto in_choice = [&](std::string_view name, const json_value& value) {
    if (name == "delta")
      delta = &value;
    return name == "index"
               ? value.IsUint() && value.GetUint() == 0
               : value.IsNull() || (name != "finish_reason" && name != "message" && name != "error");
  };
  const auto in_delta = [&](std::string_view name, const json_value& value) {
    if (name == "content" && value.IsString())
      content = &value;
    return value.IsNull() || content == &value || name == "role";
  };
  if (!chunk.IsObject() || !all_members(chunk, in_chunk))
    return {};
  if (choices == nullptr || !choices->IsArray() || choices->Size() != 1 || !(*choices)[0].IsObject() ||
      !all_members((*choices)[0], in_choice))
    return {};
  if (delta == nullptr || !delta->IsObject() || !all_members(*delta, in_delta))
    return {};
  return {content, padding};
}

std::optional<failure> openai_reader::read(std::string_view name, const json_value& data,
                                           reply_builder& reply) {
  plain_ = name == "error" ? plain_piece() : only_text(data);
  if (plain_.words != nullptr) {
    read_ids(data, reply.reply());
    answered_ = true;
    reply.add_content(text_of(plain_.words));
    return std::nullopt;
  }
  if (name == "error" || tells_openai_error(data))
    return classify_in_body(read_vendor_error(data));
  if (!data.IsObject())
    return std::nullopt;
  read_ids(data, reply.reply());
  if (const auto figures = read_openai_usage(data)) {
    reply.reply().usage = *figures;
    has_usage_ = true;
  }
  const json_value* choices = find_member(data, "choices");
  if (choices == nullptr || !choices->IsArray())
    return std::nullopt;
  for (const json_value& choice : choices->GetArray())
    if (choice.IsObject() && index_of(choice) <= 0) // further choices are not asked for, and come mixed
      if (auto wrong = read_choice(choice, reply))
        return wrong;
  return std::nullopt;
}

void openai_reader::read_ids(const json_value& chunk, chat_reply& reply) {
  if (reply.metadata.request_id.empty())
    reply.metadata.request_id = azure_id_.empty() ? text_of(find_member(chunk, "id")) : azure_id_;
  if (reply.model.empty())
    reply.model = model_name(text_of(find_member(chunk, "model")));
}

std::optional<failure> openai_reader::read_choice(const json_value& choice, reply_builder& reply) {
  if (tells_openai_error(choice))
    return classify_in_body(read_vendor_error(choice));
  answered_ = true;
  const auto word = text_of(find_member(choice, "finish_reason"));
  const json_value* delta = find_member(choice, "delta");
  if (delta != nullptr)
    if (auto wrong = read_delta(*delta, reply))
      return wrong;
  if (const json_value* said = find_member(choice, "message");
      said != nullptr && (delta == nullptr || !word.empty()))
    if (auto wrong = read_message(*said, reply))
      return wrong;
  if (!word.empty()) {
    reply.reply().metadata.raw_finish_reason = word;
    reply.reply().finish_reason = to_finish_reason(word);
    reply.set_finished();
  }
  return std::nullopt;
}

std::optional<failure> openai_reader::read_delta(const json_value& delta, reply_builder& reply) {
  const std::size_t thought = reply.reasoning_size();
  read_openai_text(delta, reply);
  has_reasoning_ = has_reasoning_ || reply.reasoning_size() != thought;
  if (!has_reasoning_)
    read_openai_details(delta, reply);
  if (!is_replayed_ && !text_of(find_member(delta, "reasoning_content")).empty())
    is_replayed_ = true;
  if (const json_value* details = reply.gathers() ? find_member(delta, "reasoning_details") : nullptr)
    details_.add(*details);
  if (auto wrong = read_calls(delta, reply))
    return wrong;
  if (kept_ + details_.size() > stream_limit)
    return make_failure(errc::server_error, "the streamed reply has more than " +
                                                std::to_string(stream_limit) + " bytes to be sent back");
  return std::nullopt;
}

/// Some servers send, or close with, the whole message. It adds only what the pieces did not say.
std::optional<failure> openai_reader::read_message(const json_value& said, reply_builder& reply) {
  reply.add_rest_of_content(text_of(find_member(said, "content")), reply.content_size());
  return indexes_.empty() ? read_calls(said, reply) : std::nullopt;
}

/// The call that an entry goes on with: by its number; without one by its id; without both by its place.
std::optional<std::size_t> openai_reader::find_call(const json_value& entry, std::size_t at,
                                                    std::size_t count, const openai_call& seen,
                                                    const chat_reply& reply) const {
  const std::size_t calls = indexes_.size();
  const std::int64_t index = index_of(entry);
  for (std::size_t n = calls; n-- > 0;)
    if (index >= 0 ? indexes_[n] == index : !seen.id.empty() && reply.tool_calls[n].id == seen.id)
      return n;
  if (calls == 0 || index >= 0 || !seen.id.empty())
    return std::nullopt;
  return count > 1 ? (at < calls ? std::optional(at) : std::nullopt) : std::optional(calls - 1);
}

std::optional<failure> openai_reader::add_piece(std::optional<std::size_t> found, std::int64_t index,
                                                const openai_call& seen, reply_builder& reply) {
  std::string_view arguments = text_of(seen.arguments);
  std::string object;
  if (seen.arguments != nullptr && (seen.arguments->IsObject() || seen.arguments->IsArray())) {
    object = to_json_text(*seen.arguments);
    arguments = object;
  }
  if (found) {
    const std::string& so_far = reply.reply().tool_calls[*found].arguments;
    if (arguments.size() > 1 && arguments == so_far && is_whole(so_far))
      arguments = {}; // said again
  } else {
    if (indexes_.size() == most_calls)
      return make_failure(errc::server_error,
                          "the streamed reply has more than " + std::to_string(most_calls) + " tool calls");
    found = indexes_.size();
    indexes_.push_back(index);
  }
  tool_call& call = reply.add_call_piece(static_cast<std::uint32_t>(*found), seen.id, seen.name, arguments);
  call.custom = call.custom || seen.custom;
  if (seen.extra_content != nullptr) {
    std::string json = to_json_text(*seen.extra_content);
    kept_ += json.size();
    keep_extra(call.extra, "extra_content", std::move(json));
  }
  return std::nullopt;
}

std::optional<failure> openai_reader::read_calls(const json_value& delta, reply_builder& reply) {
  if (const json_value* calls = find_member(delta, "tool_calls"); calls != nullptr && calls->IsArray()) {
    for (rapidjson::SizeType at = 0; at != calls->Size(); ++at) {
      const json_value& entry = (*calls)[at];
      if (!entry.IsObject())
        continue;
      const openai_call seen = view_openai_call(entry);
      auto found = find_call(entry, at, calls->Size(), seen, reply.reply());
      if (found && begins_anew(reply.reply().tool_calls[*found], seen))
        found.reset();
      if (auto wrong = add_piece(found, index_of(entry), seen, reply))
        return wrong;
    }
  }
  // The deprecated single call; some servers send it with empty members beside all else.
  const json_value* legacy = find_member(delta, "function_call");
  if (legacy == nullptr)
    return std::nullopt;
  const openai_call seen{
      {}, text_of(find_member(*legacy, "name")), find_member(*legacy, "arguments"), nullptr, false};
  constexpr std::int64_t legacy_index = -2;
  const bool going_on = indexes_.size() == 1 && indexes_.front() == legacy_index;
  if (going_on || (indexes_.empty() && !seen.name.empty()))
    return add_piece(going_on ? std::optional<std::size_t>(0) : std::nullopt, legacy_index, seen, reply);
  return std::nullopt;
}

std::optional<failure> openai_reader::close(reply_builder& reply) {
  if (!reply.finished())
    return std::nullopt; // cut: told for all streams alike
  chat_reply& whole = reply.reply();
  if (!answered_)
    return make_failure(errc::server_error, "there is no completion in the stream", "choices");
  if (whole.metadata.raw_finish_reason.empty())
    if (auto cut = cut_in_call(whole))
      return cut;
  if (!details_.empty())
    keep_extra(whole.extra, "reasoning_details", details_.json());
  // DeepSeek wants it back in the same tool turn, and nowhere else.
  if (is_replayed_ && reply.gathers() && !whole.tool_calls.empty()) {
    rapidjson::StringBuffer buffer;
    json_writer out(buffer);
    write_text(out, whole.reasoning);
    keep_extra(whole.extra, "reasoning_content", {buffer.GetString(), buffer.GetSize()});
  }
  if (!has_usage_)
    whole.usage = estimate_openai_usage(whole);
  return std::nullopt;
}

} // namespace

std::unique_ptr<event_reader> make_openai_reader(const http_response& head) {
  return std::make_unique<openai_reader>(head);
}

} // namespace weir::protocols
