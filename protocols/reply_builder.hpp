// A reply while it comes in pieces: adds up content, reasoning, refusal and tool calls, and says each piece
// as a delta. Knows no vendor's events: those call it.
#pragma once

#include <weir/chat.hpp>

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace weir::protocols {

class reply_builder {
public:
  /// Text, reasoning and arguments together may have `limit` bytes.
  explicit reply_builder(std::size_t limit) : limit_(limit) {}

  /// Whether the reply gets content and reasoning, or only the deltas do. To be set before anything comes.
  void gather(bool wanted) noexcept { gather_ = wanted; }
  bool gathers() const noexcept { return gather_; }

  /// Where the deltas go from now on; null: nowhere.
  void tell(std::vector<chat_delta>* deltas) noexcept { deltas_ = deltas; }

  void add_content(std::string_view text);
  void add_reasoning(std::string_view text);
  /// A whole text whose first `told` bytes came in pieces, last of all: what follows them, if it was they
  /// that came. Where they were not gathered, their number must do.
  void add_rest_of_content(std::string_view whole, std::size_t told);
  void add_refusal(std::string_view text);
  /// The provider's words about a refusal, which are not the model's and so no content.
  void explain_refusal(std::string_view text);

  /// A piece of a tool call. `key` is the vendor's number of it; the order of first appearance is the
  /// reply's. The first id and the first name that are not empty count.
  tool_call& add_call_piece(std::uint32_t key, std::string_view id, std::string_view name,
                            std::string_view arguments);
  /// Replaces the arguments that were added: some servers repeat them whole at the end. Told as a delta only
  /// as far as it goes on from what was told.
  void set_call_arguments(std::uint32_t key, std::string_view arguments);

  /// The answer that nobody cut: true once a reason to finish, or the stream's own end mark, was seen.
  bool finished() const noexcept { return finished_; }
  void set_finished() noexcept { finished_ = true; }
  /// False: the reply grew beyond its limit.
  bool fits() const noexcept { return size_ <= limit_; }
  /// Something that a caller shows has come.
  bool began() const noexcept { return began_; }
  /// Bytes of content, and of reasoning, so far.
  std::size_t content_size() const noexcept { return content_size_; }
  std::size_t reasoning_size() const noexcept { return reasoning_size_; }
  /// The tokens that text, reasoning, refusal and tool calls are, for a provider that says no usage.
  std::uint64_t told_tokens() const;
  /// Those of them that were not gathered.
  std::uint64_t let_go_tokens() const noexcept { return let_go_tokens_; }

  /// The reply as it is. Calls without an id are given one; `finish_reason` becomes `tool_calls` where there
  /// are calls and the vendor said `stop` or nothing. To be called once, last.
  chat_reply build();

  /// Model, usage, reasons, ids, parts: what comes whole is set here.
  chat_reply& reply() noexcept { return reply_; }
  const chat_reply& reply() const noexcept { return reply_; }

private:
  void say(chat_delta::kind type, std::string_view text);
  void keep(std::string& where, std::string_view text);
  std::size_t index_of(std::uint32_t key);

  std::size_t limit_;
  std::size_t size_ = 0; ///< of what is kept
  std::size_t content_size_ = 0;
  std::size_t reasoning_size_ = 0;
  std::uint64_t let_go_tokens_ = 0; ///< of text that was not gathered
  bool gather_ = true;
  bool finished_ = false;
  bool began_ = false;
  bool refused_ = false; ///< in the model's own words, which are then the content
  std::vector<chat_delta>* deltas_ = nullptr;
  chat_reply reply_;
  std::map<std::uint32_t, std::size_t> calls_; ///< the vendor's number → place in the reply
};

/// Gives ids to calls that have none (an empty one could not be answered), and corrects a reason to finish
/// that does not fit the calls. For whole replies as for streamed ones.
void settle_calls(chat_reply& reply);

/// A whole reply as the deltas of a stream.
void append_deltas(const chat_reply& reply, std::vector<chat_delta>& deltas);

} // namespace weir::protocols
