// What a whole request costs in tokens: messages, tools, images, and what holds them together.
// Knows no wire format; a request is counted as the model is shown it, and not as it is sent.
#pragma once

#include <weir/chat.hpp>
#include <weir/tokens.hpp>

#include <cstdint>
#include <string_view>

namespace weir::protocols {

/// Adds up tokens, and remembers whether any of them were guessed.
class token_tally {
public:
  /// Texts are counted with the vocabulary, or by the rule of thumb where it is null.
  explicit token_tally(const token_counter* vocabulary) : vocabulary_(vocabulary) {
    total_.exact = vocabulary != nullptr;
  }

  void text(std::string_view counted);
  void tokens(std::uint64_t number) noexcept { total_.tokens += number; }
  void part(const token_count& counted) noexcept {
    total_.tokens += counted.tokens;
    total_.exact = total_.exact && counted.exact;
  }

  /// Nobody has published how this is counted.
  void guessed() noexcept { total_.exact = false; }

  token_count total() const noexcept { return total_; }

private:
  const token_counter* vocabulary_;
  token_count total_;
};

/// A request, by the rules in docs/tokens.md; `vocabulary` is that of the request's model, or null.
token_count count_prompt_tokens(const chat_request& request, const token_counter* vocabulary);

/// The tools of a request, as OpenAI's cookbook counts functions. Nothing when there are none.
void count_tools(const chat_request& request, token_tally& into);

} // namespace weir::protocols
