// The common part of all streams.
#include "protocols/event_stream.hpp"

#include "protocols/error_table.hpp"
#include "protocols/event_pattern.hpp"
#include "protocols/sse.hpp"

#include <algorithm>
#include <utility>

namespace weir::protocols {

namespace {

/// What a body is, as far as it can be told.
enum class body_kind : std::uint8_t { open, events, whole };

class common_decoder final : public stream_decoder {
public:
  common_decoder(http_response head, std::unique_ptr<event_reader> reader, whole_decoder whole)
      : head_(std::move(head)), reader_(std::move(reader)), whole_(std::move(whole)) {
    head_.body.clear();
    if (!succeeded(head_))
      kind_ = body_kind::whole;
    for (const char* name : {"x-request-id", "request-id"})
      if (const auto id = head_.find(name); !id.empty() && reply_.reply().metadata.request_id.empty())
        reply_.reply().metadata.request_id = id;
  }

  void gather(bool wanted) override { reply_.gather(wanted); }

  bool feed(std::string_view bytes, std::vector<chat_delta>& deltas) override {
    if (over_)
      return false;
    if (kind_ == body_kind::open)
      guess(bytes);
    if (kind_ != body_kind::events)
      return collect(bytes);
    reply_.tell(&deltas);
    while (!over_) {
      const auto event = events_.next(bytes);
      if (!event)
        break;
      take(*event);
    }
    if (events_.overflowed())
      fail(nonsense(head_, "an event of its stream is longer than " + std::to_string(stream_limit) + " bytes",
                    "stream"));
    reply_.tell(nullptr);
    return !over_;
  }

  result<chat_reply> finish(std::vector<chat_delta>& deltas) override {
    // Not a byte came: what it would have been, the head alone says.
    if (kind_ == body_kind::open && says_stream())
      kind_ = body_kind::events;
    if (kind_ != body_kind::events && !failed_)
      return finish_whole(deltas);
    reply_.tell(&deltas);
    if (!over_)
      if (const auto last = events_.finish())
        take_last(*last);
    if (!failed_)
      if (auto wrong = reader_->close(reply_))
        fail(std::move(*wrong));
    if (!failed_ && !reply_.finished())
      fail(events_seen_ || says_stream()
               ? cut()
               : nonsense(head_, "its body is neither JSON nor a stream of events", "body"));
    reply_.tell(nullptr);
    if (failed_)
      return std::move(*failed_);
    chat_reply whole = reply_.build();
    if (whole.usage.source == metering::estimated) {
      whole.usage.completion_tokens += reply_.let_go_tokens();
      whole.usage.total_tokens += reply_.let_go_tokens();
    }
    return whole;
  }

  token_usage usage() const override {
    token_usage known = reply_.reply().usage;
    known.completion_tokens = std::max(known.completion_tokens, reply_.told_tokens());
    known.total_tokens = known.prompt_tokens + known.completion_tokens;
    known.source = metering::estimated;
    return known;
  }

  std::string_view partial() const override { return reply_.reply().content; }

private:
  /// The first byte tells: JSON opens with a bracket, events never do. The content type does not: OpenAI was
  /// recorded to call a stream `application/json`, and others call an error a stream.
  /// White space before it belongs to no event, however the body is cut.
  void guess(std::string_view& bytes) {
    const auto first = bytes.find_first_not_of(" \t\r\n");
    if (first == std::string_view::npos)
      return;
    kind_ = bytes[first] == '{' || bytes[first] == '[' ? body_kind::whole : body_kind::events;
    if (kind_ == body_kind::whole)
      return;
    bytes.remove_prefix(first);
    head_.body.clear();
  }

  bool says_stream() const { return head_.find("content-type").starts_with("text/event-stream"); }

  bool collect(std::string_view bytes) {
    if (head_.body.size() + bytes.size() > stream_limit) {
      fail(nonsense(head_, "its body is longer than " + std::to_string(stream_limit) + " bytes", "body"));
      return false;
    }
    head_.body.append(bytes);
    return true;
  }

  void take(const sse_event& event) {
    events_seen_ = true;
    if (event.data.empty())
      return;
    if (event.data.starts_with("[DONE]")) {
      over_ = true;
      reply_.set_finished();
      return;
    }
    if (const auto words = pattern_.match(event))
      reader_->repeat(*words, reply_);
    else if (auto wrong = read(event))
      return fail(std::move(*wrong));
    if (!reply_.fits())
      return fail(nonsense(
          head_, "the streamed reply is longer than " + std::to_string(stream_limit) + " bytes", "stream"));
    over_ = over_ || reader_->ended();
  }

  std::optional<failure> read(const sse_event& event) {
    pattern_.forget();
    const auto parsed = json_document::parse(event.data);
    if (!parsed)
      return nonsense(head_, "an event of its stream is no JSON: " + parsed.error().message,
                      parsed.error().place);
    if (auto wrong = reader_->read(event.name, parsed->root(), reply_))
      return wrong;
    if (const auto [words, padding] = reader_->plain(); words != nullptr)
      if (const auto place = parsed->place_of(*words))
        pattern_.learn(event, *place, padding == nullptr ? std::nullopt : parsed->place_of(*padding));
    return std::nullopt;
  }

  /// An event that no blank line ends counts when it is whole: the end mark, or JSON.
  void take_last(const sse_event& event) {
    if (event.data.starts_with("[DONE]") || is_json(event.data))
      take(event);
  }

  failure cut() const {
    failure made = make_failure(errc::network, "the stream broke off before the reply was whole");
    made.fate = outcome::unknown;
    return made;
  }

  void fail(failure error) {
    over_ = true;
    error.fate = outcome::unknown;
    if (error.status_code == 0)
      error.status_code = head_.status;
    if (error.request_id.empty())
      error.request_id = reply_.reply().metadata.request_id;
    failed_ = std::move(error);
  }

  result<chat_reply> finish_whole(std::vector<chat_delta>& deltas) {
    auto reply = whole_(head_);
    if (!reply)
      return reply;
    append_deltas(*reply, deltas);
    if (!reply_.gathers()) {
      reply->content.clear();
      reply->reasoning.clear();
      reply->parts.clear();
    }
    return reply;
  }

  http_response head_; ///< and the body of what is no stream
  std::unique_ptr<event_reader> reader_;
  whole_decoder whole_;
  body_kind kind_ = body_kind::open;
  sse_parser events_{stream_limit};
  event_pattern pattern_;
  reply_builder reply_{stream_limit};
  bool over_ = false;
  bool events_seen_ = false;
  std::optional<failure> failed_;
};

} // namespace

std::optional<failure> cut_in_call(const chat_reply& reply) {
  for (const tool_call& call : reply.tool_calls)
    if (!call.custom && !call.arguments.empty() && !is_json(call.arguments))
      return make_failure(errc::network, "the stream broke off in the middle of a tool call");
  return std::nullopt;
}

std::unique_ptr<stream_decoder> make_stream_decoder(http_response head, std::unique_ptr<event_reader> reader,
                                                    whole_decoder whole) {
  return std::make_unique<common_decoder>(std::move(head), std::move(reader), std::move(whole));
}

} // namespace weir::protocols
