// Where servers put their figures. Each place was seen in a recorded reply of the server that is named beside
// it.
#include "protocols/openai_usage.hpp"

#include "protocols/estimate.hpp"

#include <array>
#include <charconv>

namespace weir::protocols {

namespace {

using count = std::optional<std::uint64_t>;

/// The first that is known.
count first_of(std::initializer_list<count> all) {
  for (const count& each : all)
    if (each)
      return each;
  return std::nullopt;
}

/// The parts of the two sums. One that is impossible is passed over: the sums still count.
void read_parts(const json_value& usage, const json_value& root, token_usage& into) {
  bool ignored = true;
  const auto part = [&](auto... path) { return count_of(find_member(usage, path...), ignored); };
  into.cached_tokens = first_of({part("prompt_tokens_details", "cached_tokens"),
                                 part("prompt_cache_hit_tokens"),                            // DeepSeek
                                 part("cached_tokens"),                                      // Together
                                 count_of(find_member(root, "timings", "cache_n"), ignored), // llama.cpp
                                 part("cache_read_input_tokens")});                          // LiteLLM
  into.cache_write_tokens =
      first_of({part("prompt_tokens_details", "cache_write_tokens"), part("cache_creation_input_tokens")});
  into.cache_write_1h_tokens = part("cache_creation", "ephemeral_1h_input_tokens");
  into.reasoning_tokens = part("completion_tokens_details", "reasoning_tokens");
}

/// An amount in USD. The number was read as the nearest double, whose shortest decimal is what the server
/// wrote; what it wrote beyond twelve decimals is rounded. Nothing for no number, or none that is an amount.
std::optional<money> amount_of(const json_value* value) {
  if (value == nullptr || !value->IsNumber())
    return std::nullopt;
  const currency usd = *currency::parse("USD");
  std::array<char, 400> text{}; // a double may have 309 digits before its point
  const auto read = [&](std::to_chars_result written) -> std::optional<money> {
    if (written.ec != std::errc{})
      return std::nullopt;
    const auto amount = parse_amount({text.data(), static_cast<std::size_t>(written.ptr - text.data())}, usd);
    return amount ? std::optional(*amount) : std::nullopt;
  };
  char* const end = text.data() + text.size();
  if (const auto exact = read(std::to_chars(text.data(), end, value->GetDouble())))
    return exact;
  constexpr int decimals = 12;
  return read(std::to_chars(text.data(), end, value->GetDouble(), std::chars_format::fixed, decimals));
}

/// OpenRouter has it in `cost`, Perplexity in `cost.total_cost`.
std::optional<money> reported_cost(const json_value& usage) {
  const json_value* const cost = find_member(usage, "cost");
  return amount_of(cost != nullptr && cost->IsObject() ? find_member(*cost, "total_cost") : cost);
}

void write_count(json_writer& out, const char* name, std::uint64_t value) {
  out.Key(name);
  out.Uint64(value);
}

} // namespace

std::optional<token_usage> read_openai_usage(const json_value& root) {
  const json_value* usage = find_member(root, "usage");
  if (usage == nullptr)
    usage = find_member(root, "x_groq", "usage");
  if (usage == nullptr || !usage->IsObject())
    return std::nullopt;
  bool good = true;
  const count prompt = count_of(find_member(*usage, "prompt_tokens"), good);
  const count completion = count_of(find_member(*usage, "completion_tokens"), good);
  const count total = count_of(find_member(*usage, "total_tokens"), good);
  if (!good || (!prompt && !completion && !total))
    return std::nullopt;
  token_usage read;
  read.prompt_tokens = prompt.value_or(0);
  read.completion_tokens = completion.value_or(0);
  const std::uint64_t told = read.prompt_tokens + read.completion_tokens;
  read.total_tokens = total.value_or(told);
  // xAI and Gemini leave reasoning out of the completion, but bill it: the total tells.
  if (read.total_tokens > told)
    read.completion_tokens += read.total_tokens - told;
  else
    read.total_tokens = told;
  read_parts(*usage, root, read);
  read.reported_cost = reported_cost(*usage);
  return read;
}

token_usage estimate_openai_usage(const chat_reply& reply) {
  token_usage estimate;
  estimate.source = metering::estimated;
  estimate.completion_tokens = estimate_reply_tokens(reply);
  if (reply.content.empty())
    estimate.completion_tokens += estimate_text_tokens(reply.refusal, reply.model);
  estimate.total_tokens = estimate.completion_tokens;
  return estimate;
}

void write_openai_usage(json_writer& out, const token_usage& usage) {
  out.StartObject();
  write_count(out, "prompt_tokens", usage.prompt_tokens);
  write_count(out, "completion_tokens", usage.completion_tokens);
  write_count(out, "total_tokens", usage.total_tokens);
  if (usage.cached_tokens || usage.cache_write_tokens) {
    out.Key("prompt_tokens_details");
    out.StartObject();
    if (usage.cached_tokens)
      write_count(out, "cached_tokens", *usage.cached_tokens);
    if (usage.cache_write_tokens)
      write_count(out, "cache_write_tokens", *usage.cache_write_tokens);
    out.EndObject();
  }
  if (usage.reasoning_tokens) {
    out.Key("completion_tokens_details");
    out.StartObject();
    write_count(out, "reasoning_tokens", *usage.reasoning_tokens);
    out.EndObject();
  }
  out.EndObject();
}

} // namespace weir::protocols
