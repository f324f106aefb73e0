// One streamed response while it arrives: decodes it, and says what may go on to the sink and how much more
// may be read. A state machine: it sends nothing, and knows neither attempts nor books.
#pragma once

#include "protocols/codec.hpp"

#include <weir/delta_sink.hpp>
#include <weir/usage.hpp>

#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace weir::actors {

class open_stream {
public:
  /// `gather`: see `chat_request`. `gap`: see `attempt`. `counted`: what comes is kept for `take_uncounted`.
  open_stream(delta_sink sink, call_id call, bool gather, std::string gap, time_point first_token_by,
              bool counted)
      : sink_(std::move(sink)), call_(call), gather_(gather), counted_(counted), gap_(std::move(gap)),
        first_token_by_(first_token_by) {}

  const delta_sink& sink() const noexcept { return sink_; }

  /// The head has come. A second one is passed over.
  void begin(std::unique_ptr<protocols::stream_decoder> decoder) {
    if (decoder_)
      return;
    decoder_ = std::move(decoder);
    decoder_->gather(gather_);
  }
  bool has_begun() const noexcept { return decoder_ != nullptr; }

  /// Takes bytes of the body. False: nothing more is needed.
  bool feed(std::string_view bytes, time_point now);

  /// The body is over, or nothing more of it is needed. To be called once, after `begin`.
  result<chat_reply> finish(time_point now);

  /// What may be sent to the sink now: everything decoded, if the last batch was answered, or with `last`.
  std::optional<delta_batch> take_batch(bool last = false);
  /// The output that has come since the last call.
  struct output {
    std::string shown;   ///< content, refusals, tool calls
    std::string thought; ///< reasoning
  };
  output take_uncounted() { return std::exchange(uncounted_, {}); }

  /// The sink answered its batch.
  void answered() noexcept { waiting_ = false; }

  /// The bytes that may be granted back to the network now: none while the sink is waited for.
  std::size_t take_grant() noexcept;

  /// Nothing more is shown, and what comes is read on without waiting for anybody.
  void mute() noexcept {
    sink_ = nullptr;
    pending_.clear();
  }

  /// The sink has a batch that it has not answered.
  bool waits() const noexcept { return waiting_; }
  /// Something has been sent to the sink.
  bool delivered() const noexcept { return delivered_; }
  std::optional<time_point> first_token() const noexcept { return first_token_; }
  /// By when the first token must have come; `max` once it has.
  time_point first_token_by() const noexcept { return first_token_ ? time_point::max() : first_token_by_; }

  /// What is known of the usage of a stream that is given up; nothing before it began.
  std::optional<token_usage> usage() const;

  /// The content that was sent to the sink, as far as it is gathered.
  std::string_view partial() const {
    return decoder_ ? decoder_->partial().substr(0, content_sent_) : std::string_view();
  }
  /// Whether that is all that has come but for reasoning, so that another answer can go on from it.
  bool resumable() const noexcept { return gather_ && !more_than_text_; }

private:
  void count(std::size_t from, std::size_t tail);
  void look_through(std::size_t from, time_point now);
  void pass_over_gap();

  delta_sink sink_; ///< null: the deltas go nowhere
  call_id call_;
  bool gather_;
  bool counted_;
  output uncounted_;
  std::string gap_; ///< what is left of it: the content that comes next is not shown as far as it repeats it
  bool more_than_text_ = false;
  time_point first_token_by_;
  std::unique_ptr<protocols::stream_decoder> decoder_; ///< null: no head yet
  std::vector<chat_delta> pending_;                    ///< decoded, and not sent
  std::size_t held_ = 0;                               ///< bytes fed, and not granted back
  std::size_t content_sent_ = 0;                       ///< bytes of content that the sink has
  bool waiting_ = false;                               ///< for the sink's answer
  bool delivered_ = false;
  std::optional<time_point> first_token_;
};

} // namespace weir::actors
