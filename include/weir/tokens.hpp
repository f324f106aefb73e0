// Counting tokens: exactly where the vocabulary of the model is public and loaded, by a rule of thumb
// elsewhere. Knows no file's format and no rule; docs/tokens.md says which counts are exact, and how the
// others are made.
#pragma once

#include <weir/chat.hpp>
#include <weir/error.hpp>
#include <weir/names.hpp>

#include <cstdint>
#include <filesystem>
#include <memory>
#include <string_view>
#include <vector>

namespace weir {

/// A number of tokens. `exact`: each was counted with the model's vocabulary, and by rules that its maker has
/// published; otherwise the number is an estimate.
struct token_count {
  std::uint64_t tokens = 0;
  bool exact = false;

  friend bool operator==(const token_count&, const token_count&) = default;
};

/// A vocabulary and its way of splitting text. Immutable: all members may be called from any thread.
class token_counter {
public:
  struct contents;

  explicit token_counter(std::unique_ptr<const contents> all);
  token_counter(const token_counter&) = delete;
  token_counter& operator=(const token_counter&) = delete;
  ~token_counter();

  /// Its name, such as `o200k_base`.
  std::string_view vocabulary() const noexcept;

  /// The number of tokens in a text, as tiktoken's `encode_ordinary` has it: names of special tokens in the
  /// text count as the text that they are. Each fault in the UTF-8 counts as U+FFFD.
  std::uint64_t count(std::string_view text) const;

  /// The tokens themselves.
  std::vector<std::uint32_t> encode(std::string_view text) const;

private:
  std::unique_ptr<const contents> contents_;
};

using token_counter_ptr = std::shared_ptr<const token_counter>;

/// The vocabulary that a model uses: `o200k_base`, `cl100k_base`, or empty where none is public. Goes by the
/// name's beginning, and passes over a gateway's prefix (`openai/`) and that of fine-tuned models (`ft:`).
std::string_view vocabulary_of(const model_name& model) noexcept;

/// Makes a counter of the text of a `.tiktoken` file: a line for each token, its bytes in base 64, a space,
/// its rank. Errors (`config`): an unknown name of a vocabulary; a faulty line, named in `place`.
result<token_counter_ptr> make_token_counter(std::string_view vocabulary, std::string_view ranks);

/// The same, of a file whose name without its extension is the vocabulary's: `…/o200k_base.tiktoken`. Errors
/// (`config`): as above, and a file that cannot be read or is larger than 64 MiB.
result<token_counter_ptr> load_vocabulary(const std::filesystem::path& file);

/// Makes a vocabulary known to the whole process, for all models that use it and until the process ends.
/// False, with nothing done: there is one of that name already, or it is null. May be called from any thread.
bool install_vocabulary(token_counter_ptr vocabulary);

/// The installed vocabulary of that name, or null.
token_counter_ptr installed_vocabulary(std::string_view name) noexcept;

/// How many tokens a text is for a model. Exact when the model's vocabulary is installed.
token_count estimate_tokens(std::string_view text, const model_name& model);

/// How many tokens a whole request is: messages, tools, images and what holds them together, without the
/// reply. Exact when the model's vocabulary is installed and OpenAI has published a rule for all that is in
/// it.
token_count estimate_tokens(const chat_request& request);

} // namespace weir
