// The public face of token counting: vocabularies, which model has which, and those that the process has
// loaded. How bytes are split and merged, and what a request's parts cost, stands in the files beside this
// one.
#include "protocols/bpe.hpp"
#include "protocols/estimate.hpp"
#include "protocols/model_rules.hpp"
#include "protocols/pretokenize.hpp"
#include "protocols/prompt_tokens.hpp"
#include "protocols/utf8.hpp"
#include "protocols/vocabulary.hpp"

#include <weir/tokens.hpp>

#include <algorithm>
#include <array>
#include <mutex>
#include <optional>
#include <string>
#include <utility>

namespace weir {

struct token_counter::contents {
  std::string_view name;
  protocols::pretokenizer splitter;
  protocols::rank_table ranks;
};

namespace {

struct known_vocabulary {
  std::string_view name;
  protocols::split_rule rule;
};

constexpr std::array known_vocabularies{known_vocabulary{"o200k_base", protocols::split_rule::o200k},
                                        known_vocabulary{"cl100k_base", protocols::split_rule::cl100k}};

/// The vocabularies of the process. Each is set once and stays, so that nobody holds what goes away.
struct vocabulary_register {
  std::mutex guard;
  std::array<token_counter_ptr, known_vocabularies.size()> counters;
};

vocabulary_register& installed() {
  static vocabulary_register all;
  return all;
}

/// Its place among the known ones; their number for any other name.
std::size_t place_of(std::string_view name) noexcept {
  return static_cast<std::size_t>(std::ranges::find(known_vocabularies, name, &known_vocabulary::name) -
                                  known_vocabularies.begin());
}

/// Calls `each` for every piece of a text.
template <class Each>
void split(const protocols::pretokenizer& splitter, std::string_view text, Each each) {
  for (std::size_t begin = 0; begin != text.size();) {
    const std::size_t end = splitter.piece_end(text, begin);
    each(text.substr(begin, end - begin));
    begin = end;
  }
}

/// Calls `use` with the text, or with a copy without its faults.
template <class Use>
auto with_good_utf8(std::string_view text, Use use) {
  return protocols::valid_utf8(text) == text.size() ? use(text) : use(protocols::repaired_utf8(text));
}

} // namespace

token_counter::token_counter(std::unique_ptr<const contents> all) : contents_(std::move(all)) {}
token_counter::~token_counter() = default;

std::string_view token_counter::vocabulary() const noexcept {
  return contents_->name;
}

std::uint64_t token_counter::count(std::string_view text) const {
  return with_good_utf8(text, [this](std::string_view good) {
    std::uint64_t tokens = 0;
    split(contents_->splitter, good,
          [&](std::string_view piece) { tokens += protocols::count_merged(contents_->ranks, piece); });
    return tokens;
  });
}

std::vector<std::uint32_t> token_counter::encode(std::string_view text) const {
  return with_good_utf8(text, [this](std::string_view good) {
    std::vector<std::uint32_t> tokens;
    split(contents_->splitter, good,
          [&](std::string_view piece) { protocols::append_merged(contents_->ranks, piece, tokens); });
    return tokens;
  });
}

std::string_view vocabulary_of(const model_name& model) noexcept {
  return protocols::vocabulary_of_model(model.str());
}

result<token_counter_ptr> make_token_counter(std::string_view vocabulary, std::string_view ranks) {
  const std::size_t place = place_of(vocabulary);
  if (place == known_vocabularies.size()) {
    std::string words = "the known vocabularies are o200k_base and cl100k_base, not '";
    words.append(vocabulary).append("'");
    return make_failure(errc::config, std::move(words));
  }
  auto table = protocols::rank_table::parse(ranks);
  if (!table)
    return table.error();
  const known_vocabulary& known = known_vocabularies[place];
  return std::make_shared<const token_counter>(std::unique_ptr<const token_counter::contents>(
      new token_counter::contents{known.name, protocols::pretokenizer(known.rule), std::move(*table)}));
}

bool install_vocabulary(token_counter_ptr vocabulary) {
  if (vocabulary == nullptr)
    return false;
  vocabulary_register& all = installed();
  const std::lock_guard lock(all.guard);
  token_counter_ptr& place = all.counters[place_of(vocabulary->vocabulary())];
  if (place != nullptr)
    return false;
  place = std::move(vocabulary);
  return true;
}

token_counter_ptr installed_vocabulary(std::string_view name) noexcept {
  const std::size_t place = place_of(name);
  if (place == known_vocabularies.size())
    return nullptr;
  vocabulary_register& all = installed();
  const std::lock_guard lock(all.guard);
  return all.counters[place];
}

token_count estimate_tokens(std::string_view text, const model_name& model) {
  if (const token_counter_ptr counter = installed_vocabulary(vocabulary_of(model)))
    return {counter->count(text), true};
  return {protocols::estimate_text_tokens(text), false};
}

token_count estimate_tokens(const chat_request& request) {
  return protocols::count_prompt_tokens(request, installed_vocabulary(vocabulary_of(request.model)).get());
}

namespace protocols {

std::uint64_t estimate_text_tokens(std::string_view text, const model_name& model) {
  return estimate_tokens(text, model).tokens;
}

std::uint64_t estimate_reply_tokens(const chat_reply& reply) {
  const auto count = [&reply](std::string_view text) { return estimate_text_tokens(text, reply.model); };
  std::uint64_t tokens = count(reply.content) + count(reply.reasoning);
  for (const tool_call& call : reply.tool_calls)
    tokens += count(call.name) + count(call.arguments);
  return tokens;
}

std::uint64_t estimate_prompt_tokens(const chat_request& request) {
  return estimate_tokens(request).tokens;
}

} // namespace protocols

} // namespace weir
