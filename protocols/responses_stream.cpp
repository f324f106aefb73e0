// Pieces belong to items, which have numbers. An item that is done is told whole: it mends what was missed.
#include "protocols/responses_stream.hpp"

#include "protocols/responses_reply.hpp"

#include <algorithm>
#include <map>
#include <string>
#include <utility>
#include <vector>

namespace weir::protocols {

namespace {

/// What an item costs beside its text, so that a stream of empty items has an end as well.
constexpr std::size_t item_size = 256;

class responses_reader final : public event_reader {
public:
  std::optional<failure> read(std::string_view name, const json_value& data, reply_builder& reply) override {
    std::string_view type = text_of(find_member(data, "type"));
    if (type.empty())
      type = name;
    if (type == "error" || says_error(find_member(data, "error")))
      return read_responses_error(data);
    constexpr std::string_view prefix = "response.";
    if (!type.starts_with(prefix))
      return std::nullopt;
    type.remove_prefix(prefix.size());
    const json_value* response = find_member(data, "response");
    if (type == "completed" || type == "incomplete" || type == "failed")
      return read_end(type, response == nullptr ? data : *response, reply);
    if (response != nullptr)
      read_begin(*response, reply);
    else if (type == "output_item.added" || type == "output_item.done")
      read_item(type == "output_item.done", data, reply);
    else if (type.ends_with(".delta"))
      read_delta(type, data, reply);
    else if (type == "function_call_arguments.done" || type == "custom_tool_call_input.done")
      read_arguments(type, data, reply);
    if (size_ > stream_limit)
      return make_failure(errc::server_error, "the items of the provider's stream are longer than " +
                                                  std::to_string(stream_limit) + " bytes");
    return std::nullopt;
  }

  bool ended() const noexcept override { return ended_; }

  std::optional<failure> close(reply_builder& reply) override {
    // Without the last event, `[DONE]` alone says that the reply is whole. Nobody has told the usage then.
    if (!ended_) {
      if (auto cut = reply.finished() ? cut_in_call(reply.reply()) : std::nullopt)
        return cut;
      reply.reply().usage = estimate_responses_usage(reply.reply());
    }
    reply.reply().parts = parts_of(items_in_order(), stored_);
    return std::nullopt;
  }

private:
  /// How much of an item was told in pieces.
  struct progress {
    std::size_t text = 0;
    std::size_t refusal = 0;
    bool reasoning = false;
  };

  static std::uint32_t index_of(const json_value& data) {
    const json_value* index = find_member(data, "output_index");
    return index != nullptr && index->IsUint() ? index->GetUint() : 0;
  }

  progress& item_at(std::uint32_t index) {
    const auto [found, added] = open_.try_emplace(index);
    if (added)
      size_ += item_size;
    return found->second;
  }

  void read_begin(const json_value& response, reply_builder& reply) {
    chat_reply& so_far = reply.reply();
    if (find_member(response, "store") != nullptr)
      stored_ = says_stored(response);
    if (so_far.model.empty())
      so_far.model = model_name(text_of(find_member(response, "model")));
    if (so_far.metadata.request_id.empty())
      so_far.metadata.request_id = text_of(find_member(response, "id"));
  }

  void read_delta(std::string_view type, const json_value& data, reply_builder& reply) {
    const std::string_view text = text_of(find_member(data, "delta"));
    if (text.empty())
      return;
    const std::uint32_t index = index_of(data);
    if (type == "output_text.delta") {
      item_at(index).text += text.size();
      reply.add_content(text);
    } else if (type == "refusal.delta") {
      item_at(index).refusal += text.size();
      reply.add_refusal(text);
    } else if (type == "function_call_arguments.delta") {
      item_at(index);
      reply.add_call_piece(index, {}, {}, text);
    } else if (type == "custom_tool_call_input.delta") {
      item_at(index);
      reply.add_call_piece(index, {}, {}, text).custom = true;
    } else if (type == "reasoning_summary_text.delta") {
      add_reasoning(index, find_member(data, "summary_index"), false, text, reply);
    } else if (type == "reasoning_text.delta") {
      add_reasoning(index, find_member(data, "content_index"), true, text, reply);
    }
  }

  /// Each piece of a thought is a paragraph.
  void add_reasoning(std::uint32_t index, const json_value* part, bool full, std::string_view text,
                     reply_builder& reply) {
    const thought_place now{index, part != nullptr && part->IsUint() ? part->GetUint() : 0, full};
    if (thought_ != now && reply.reasoning_size() != 0)
      reply.add_reasoning("\n\n");
    thought_ = now;
    item_at(index).reasoning = true;
    reply.add_reasoning(text);
  }

  void read_arguments(std::string_view type, const json_value& data, reply_builder& reply) {
    const bool custom = type.starts_with("custom");
    const json_value* whole = find_member(data, custom ? "input" : "arguments");
    if (whole == nullptr || !whole->IsString())
      return;
    const std::uint32_t index = index_of(data);
    item_at(index);
    reply.add_call_piece(index, {}, {}, {}).custom = custom;
    reply.set_call_arguments(index, text_of(whole));
  }

  void read_item(bool done, const json_value& data, reply_builder& reply) {
    const json_value* item = find_member(data, "item");
    if (item == nullptr || !item->IsObject())
      return;
    const std::uint32_t index = index_of(data);
    const item_kind kind = kind_of_item(*item);
    const progress told = item_at(index);
    if (kind == item_kind::function_call || kind == item_kind::custom_call)
      take_call(index, *item, done, reply);
    if (!done)
      return;
    if (kind == item_kind::message) {
      reply.add_rest_of_content(text_of_message(*item), told.text);
      const std::string refusal = refusal_of_message(*item);
      if (reply.reply().refusal.ends_with(std::string_view(refusal).substr(0, told.refusal)))
        reply.add_refusal(std::string_view(refusal).substr(std::min(told.refusal, refusal.size())));
    } else if (kind == item_kind::reasoning && !told.reasoning) {
      add_thought(*item, reply);
    }
    keep(index, kind, *item, reply);
    open_.erase(index);
  }

  static void take_call(std::uint32_t index, const json_value& item, bool done, reply_builder& reply) {
    tool_call& call = reply.add_call_piece(index, id_of_call(item), text_of(find_member(item, "name")), {});
    call.custom = kind_of_item(item) == item_kind::custom_call;
    // At its beginning an item's arguments are empty, or are told again in pieces.
    if (done)
      if (const std::string arguments = arguments_of_call(item); !arguments.empty())
        reply.set_call_arguments(index, arguments);
  }

  static void add_thought(const json_value& item, reply_builder& reply) {
    const std::string text = text_of_reasoning(item);
    if (!text.empty() && reply.reasoning_size() != 0)
      reply.add_reasoning("\n\n");
    reply.add_reasoning(text);
  }

  void keep(std::uint32_t index, item_kind kind, const json_value& item, const reply_builder& reply) {
    told_items_ = true;
    if (!reply.gathers())
      return;
    items_.emplace_back(index, keep_item(kind, item));
    size_ += item_size + items_.back().second.text.size();
  }

  std::vector<kept_item> items_in_order() {
    std::ranges::stable_sort(items_, {}, [](const auto& each) { return each.first; });
    std::vector<kept_item> sorted;
    sorted.reserve(items_.size());
    for (auto& [index, item] : items_)
      sorted.push_back(std::move(item));
    items_.clear();
    return sorted;
  }

  /// A server that tells no items as done tells them in its last event.
  void take_output(const json_value& response, reply_builder& reply) {
    const json_value* output = find_member(response, "output");
    if (told_items_ || output == nullptr || !output->IsArray())
      return;
    const bool silent = reply.content_size() == 0 && reply.reply().refusal.empty();
    const bool thoughtless = reply.reasoning_size() == 0;
    const bool idle = reply.reply().tool_calls.empty();
    for (rapidjson::SizeType at = 0; at != output->Size(); ++at) {
      const json_value& item = (*output)[at];
      if (!item.IsObject())
        continue;
      const item_kind kind = kind_of_item(item);
      if (kind == item_kind::message && silent) {
        reply.add_content(text_of_message(item));
        reply.add_refusal(refusal_of_message(item));
      } else if (kind == item_kind::reasoning && thoughtless) {
        add_thought(item, reply);
      } else if ((kind == item_kind::function_call || kind == item_kind::custom_call) &&
                 (idle || open_.contains(at))) {
        take_call(at, item, true, reply);
      }
      keep(at, kind, item, reply);
    }
  }

  std::optional<failure> read_end(std::string_view type, const json_value& response, reply_builder& reply) {
    read_begin(response, reply);
    if (auto told = read_responses_failure(response))
      return told;
    if (type == "failed")
      return make_failure(errc::server_error, "the provider says that its response failed");
    take_output(response, reply);
    chat_reply& so_far = reply.reply();
    read_responses_end(response, so_far);
    if (so_far.metadata.raw_finish_reason.empty())
      so_far.metadata.raw_finish_reason = type;
    if (so_far.metadata.raw_finish_reason == "completed")
      so_far.finish_reason = finish_reason::stop;
    reply.set_finished();
    ended_ = true;
    return std::nullopt;
  }

  /// Which piece of a thought is being told.
  struct thought_place {
    std::uint32_t item = 0;
    std::uint32_t part = 0;
    bool full = false; ///< the thought itself; else a summary

    friend bool operator==(const thought_place&, const thought_place&) = default;
  };

  std::map<std::uint32_t, progress> open_;
  std::vector<std::pair<std::uint32_t, kept_item>> items_; ///< that are done, by their number
  std::optional<thought_place> thought_;
  std::size_t size_ = 0;
  bool told_items_ = false;
  bool stored_ = true;
  bool ended_ = false;
};

} // namespace

std::unique_ptr<event_reader> make_responses_reader() {
  return std::make_unique<responses_reader>();
}

} // namespace weir::protocols
