// Making records.
#include "bench/ledger_rows.hpp"

#include <fmt/format.h>

#include <array>

namespace weir::bench {

namespace {

struct place {
  const char* provider;
  const char* model;
};

constexpr std::array<place, 4> places{{{"openai", "gpt-4.1"},
                                       {"openai", "gpt-4.1-mini"},
                                       {"claude", "claude-sonnet-4-5"},
                                       {"groq", "llama-3.3-70b"}}};

} // namespace

usage_record row_maker::next() {
  usage_record record;
  time_ += step_;
  const auto milliseconds = static_cast<std::uint64_t>(time_.time_since_epoch().count() / 1000);
  record.id = attempt_id{make_id128(milliseconds, random_(), random_())};
  record.call = call_id{make_id128(milliseconds, random_(), random_())};
  record.time = time_;
  const std::uint64_t dice = random_();
  const place& at = places[dice % places.size()];
  record.provider = provider_name(at.provider);
  record.model = model_name(at.model);
  record.request_id = fmt::format("req_{:016x}{:016x}", random_(), random_());
  record.success = dice / 7 % 20 != 0;
  record.response_time = std::chrono::microseconds{random_() % 2'000'000};
  record.cost = money{0, *currency::parse("USD")};
  if (!record.success) {
    record.error_type = errc::rate_limit;
  } else {
    record.usage.prompt_tokens = random_() % 4000;
    record.usage.completion_tokens = random_() % 1000;
    record.usage.total_tokens = record.usage.prompt_tokens + record.usage.completion_tokens;
    record.usage.cached_tokens = record.usage.prompt_tokens / 4;
    record.cost->picos = static_cast<std::int64_t>(random_() % 1'000'000'000'000);
    if (dice / 11 % 2 == 0)
      record.first_token_time = record.response_time / 4;
  }
  const std::uint64_t who = random_();
  if (tags_ > 0)
    record.tags.emplace_back("agent", fmt::format("agent-{}", who % 16));
  if (tags_ > 1)
    record.tags.emplace_back("project", fmt::format("project-{}", who / 16 % 8));
  if (tags_ > 2)
    record.tags.emplace_back("user", fmt::format("user-{}", who / 128 % 200));
  return record;
}

std::vector<usage_record> row_maker::batch(std::size_t size) {
  std::vector<usage_record> made;
  made.reserve(size);
  while (made.size() != size)
    made.push_back(next());
  return made;
}

} // namespace weir::bench
