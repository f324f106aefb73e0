// Recognizes an event that says the same as an earlier one with other words: nearly all events of a stream
// do. Such an event need not be parsed again. Knows no vendor, and of JSON only its strings.
#pragma once

#include "protocols/sse.hpp"

#include <cstddef>
#include <optional>
#include <string>
#include <string_view>

namespace weir::protocols {

/// The text of one event with a hole where its words stood, and perhaps another where a padding stood, as
/// OpenAI's streams have one to hide how long the words are.
class event_pattern {
public:
  /// Learns an event whose data is JSON. `words` and `padding` are the places of the first characters of two
  /// strings in it. A padding before the words is no hole.
  void learn(const sse_event& event, std::size_t words, std::optional<std::size_t> padding);

  void forget() noexcept { known_ = false; }

  /// The words of an event that differs from the learned one in the holes alone, so that it is JSON of the
  /// same meaning but for them. Nothing also for words that JSON had to escape, and for bytes that are no
  /// UTF-8.
  std::optional<std::string_view> match(const sse_event& event) const noexcept;

private:
  bool known_ = false;
  std::string name_;
  std::string head_;   ///< up to the words, with their opening quote
  std::string middle_; ///< from the words' closing quote to the end, or to the padding's opening quote
  std::string tail_;   ///< from the padding's closing quote; empty: there is no padding
};

} // namespace weir::protocols
