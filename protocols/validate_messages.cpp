// Messages: what each role may hold, and that every call of a tool has one answer, right behind it.
#include "protocols/data_url.hpp"
#include "protocols/json.hpp"
#include "protocols/validate_parts.hpp"

#include <weir/image.hpp>

#include <algorithm>
#include <map>
#include <set>
#include <variant>

namespace weir::protocols {

namespace {

/// A `http` or `https` URL that names a host, without white space or control characters.
bool is_web_url(std::string_view url) noexcept {
  for (const std::string_view scheme : {"https://", "http://"})
    if (starts_with_word(url, scheme)) {
      const std::string_view rest = url.substr(scheme.size());
      return !rest.empty() && rest.front() != '/' && rest.front() != '?' && rest.front() != '#' &&
             std::ranges::none_of(rest, [](char letter) {
               return static_cast<unsigned char>(letter) <= 0x20 || letter == 0x7f;
             });
    }
  return false;
}

class message_checker {
public:
  message_checker(const chat_request& request, const model_config* model, fault_list& faults)
      : request_(request), model_(model), faults_(faults) {}

  void check() {
    if (request_.messages.empty())
      faults_.add("messages", "expected at least one message");
    for (at_ = 0; at_ != request_.messages.size() && !faults_.full(); ++at_) {
      const message& value = request_.messages[at_];
      if (value.role != role::tool)
        close_turn();
      check_role(value);
      check_parts(value);
      if (!value.extra.empty())
        check_members(value.extra, path() + ".", {"role", "content", "tool_calls", "tool_call_id"}, faults_);
    }
    close_turn();
  }

private:
  std::string path() const { return indexed("messages", at_); }
  std::string path(std::size_t part) const { return path() + indexed(".content", part); }

  void check_role(const message& value) {
    switch (value.role) {
    case role::system:
      break;
    case role::user:
      if (std::ranges::all_of(value.content, [](const content_part& part) {
            const auto* text = std::get_if<text_part>(&part);
            return text != nullptr && text->text.empty();
          }))
        faults_.add(path() + ".content", "expected a user's message that says something");
      break;
    case role::assistant:
      open_turn(value);
      break;
    case role::tool:
      check_answer(value);
      break;
    }
    if (value.role != role::assistant && !value.tool_calls.empty())
      faults_.add(path() + ".tool_calls", "only the assistant calls tools");
    if (value.role != role::tool && !value.tool_call_id.empty())
      faults_.add(path() + ".tool_call_id", "only a tool's message answers a call");
  }

  /// The calls of the assistant, which wait for their answers from here on.
  void open_turn(const message& value) {
    turn_ = at_;
    assistant_seen_ = true;
    for (std::size_t index = 0; index != value.tool_calls.size() && !faults_.full(); ++index) {
      const tool_call& call = value.tool_calls[index];
      if (call.id.empty())
        faults_.add(call_path(index) + ".id", "expected an id, by which the call is answered");
      else if (!calls_.try_emplace(call.id, pending{index, false}).second)
        faults_.add(call_path(index) + ".id", "another call of this turn has the id " + in_quotes(call.id));
      if (!is_tool_name(call.name))
        faults_.add(call_path(index) + (call.custom ? ".custom.name" : ".function.name"),
                    "expected 1 to 128 letters, digits, '_' and '-', got " + in_quotes(call.name));
      if (!call.extra.empty())
        check_members(call.extra, call_path(index) + ".", {"id", "type", "function", "custom"}, faults_);
    }
  }

  std::string call_path(std::size_t index) const {
    return indexed("messages", turn_) + indexed(".tool_calls", index);
  }

  /// The end of the answers.
  void close_turn() {
    if (calls_.empty())
      return;
    std::vector<std::size_t> waiting;
    for (const auto& [id, call] : calls_)
      if (!call.answered)
        waiting.push_back(call.index);
    std::ranges::sort(waiting); // the order of the request, not that of the ids
    for (const std::size_t index : waiting)
      faults_.add(call_path(index) + ".id",
                  at_ == request_.messages.size()
                      ? "the call is not answered"
                      : "the call is not answered before messages[" + std::to_string(at_) + "]");
    calls_.clear();
  }

  void check_answer(const message& value) {
    const auto fault = [this](std::string message) {
      faults_.add(path() + ".tool_call_id", std::move(message));
    };
    if (value.tool_call_id.empty())
      return fault("expected the id of the call that it answers");
    const auto found = calls_.find(value.tool_call_id);
    if (found != calls_.end()) {
      if (found->second.answered)
        fault("the call " + in_quotes(value.tool_call_id) + " was answered before");
      found->second.answered = true;
      return;
    }
    // Where the provider keeps the conversation, the calls may be known to him alone.
    if (!assistant_seen_ && is_kept())
      return;
    fault("the assistant's turn before it has no call " + in_quotes(value.tool_call_id));
  }

  bool is_kept() const {
    return std::ranges::any_of(request_.extra, [](const auto& each) {
      return (each.first == "previous_response_id" || each.first == "conversation") && each.second != "null";
    });
  }

  void check_parts(const message& value) {
    for (std::size_t index = 0; index != value.content.size() && !faults_.full(); ++index) {
      const content_part& part = value.content[index];
      if (const auto* text = std::get_if<text_part>(&part)) {
        check_mark(text->cache_control, index);
        continue;
      }
      if (value.role == role::system) {
        faults_.add(path(index), "a system message holds text only");
        continue;
      }
      if (const auto* image = std::get_if<image_part>(&part)) {
        check_image(*image, value.role, index);
      } else if (const auto* raw = std::get_if<raw_part>(&part)) {
        if (!is_object_text(raw->json))
          faults_.add(path(index), "expected the raw part to be a JSON object");
      } else if (value.role != role::assistant) {
        faults_.add(path(index), "only the assistant reasons");
      }
    }
  }

  void check_mark(const std::string& mark, std::size_t index) {
    if (!mark.empty() && !is_object_text(mark))
      faults_.add(path(index) + ".cache_control", "expected a JSON object");
  }

  void check_image(const image_part& image, role from, std::size_t index) {
    check_mark(image.cache_control, index);
    if (from == role::assistant)
      faults_.add(path(index), "an image stands in a user's or a tool's message only");
    if (model_ != nullptr && model_->supports_vision == false && !blind_told_) {
      blind_told_ = true;
      faults_.add(path(index), "the model sees no images");
    }
    if (!is_image_detail(image.detail))
      faults_.add(path(index) + ".image_url.detail",
                  "expected 'auto', 'low' or 'high', got " + in_quotes(image.detail));
    check_url(image.url, index);
  }

  void check_url(std::string_view url, std::size_t index) {
    const auto fault = [&](std::string message) {
      faults_.add(path(index) + ".image_url.url", std::move(message));
    };
    if (!starts_with_word(url, "data:")) {
      if (!is_web_url(url))
        fault("expected an http:, https: or data: URL, got " + in_quotes(url));
      return;
    }
    const auto split = read_data_url(url);
    if (!split)
      return fault("expected 'data:' with a media type, ';base64,' and the image");
    if (!is_image_type(split->media_type))
      return fault("expected an image of the type png, jpeg, gif or webp, got " +
                   in_quotes(split->media_type));
    const auto size = base64_size(split->base64);
    if (!size)
      fault("the image is no valid base64");
    else if (*size > largest_image)
      fault("the image has " + std::to_string(*size) + " bytes; at most " + std::to_string(largest_image));
  }

  struct pending {
    std::size_t index = 0;
    bool answered = false;
  };

  const chat_request& request_;
  const model_config* model_;
  fault_list& faults_;
  std::size_t at_ = 0;
  std::size_t turn_ = 0;                      ///< the message that made the calls
  std::map<std::string_view, pending> calls_; ///< of that message
  bool assistant_seen_ = false;
  bool blind_told_ = false; ///< once is enough
};

} // namespace

void fault_list::add(errc type, std::string place, std::string message) {
  if (!full())
    faults_.push_back(make_failure(type, std::move(message), std::move(place)));
}

std::string indexed(std::string_view name, std::size_t index) {
  return std::string(name) + "[" + std::to_string(index) + "]";
}

bool is_tool_name(std::string_view name) noexcept {
  return !name.empty() && name.size() <= 128 && std::ranges::all_of(name, [](char letter) {
    return (letter >= 'a' && letter <= 'z') || (letter >= 'A' && letter <= 'Z') ||
           (letter >= '0' && letter <= '9') || letter == '_' || letter == '-';
  });
}

std::string in_quotes(std::string_view text) {
  constexpr std::size_t longest = 64;
  std::size_t end = std::min(text.size(), longest);
  while (end < text.size() && end > 0 && (static_cast<unsigned char>(text[end]) & 0xc0U) == 0x80U)
    --end; // not within a character
  return "'" + std::string(text.substr(0, end)) + (end < text.size() ? "…'" : "'");
}

bool is_object_text(std::string_view json) {
  const auto parsed = json_document::parse(json);
  return parsed.has_value() && parsed->root().IsObject();
}

void check_members(const extra_members& members, std::string_view path,
                   std::initializer_list<std::string_view> own, fault_list& faults) {
  std::set<std::string_view> seen;
  for (auto each = members.begin(); each != members.end() && !faults.full(); ++each) {
    const auto fault = [&](std::string message) {
      faults.add(std::string(path) + each->first, std::move(message));
    };
    if (each->first.empty())
      faults.add(path.empty() ? "extra" : std::string(path.substr(0, path.size() - 1)),
                 "an extra field has no name");
    else if (std::ranges::find(own, each->first) != own.end())
      fault("the field has a place of its own in the request");
    else if (!is_json(each->second))
      fault("expected JSON text");
    if (members.size() > 1 && !seen.insert(each->first).second)
      fault("the field stands twice");
  }
}

void check_messages(const chat_request& request, const model_config* model, fault_list& faults) {
  message_checker(request, model, faults).check();
}

} // namespace weir::protocols
