// Throw-away folders, records and child processes for the ledger's tests.
// Knows no case.
#include "tests/storage/fixture.hpp"

#include "storage/record_format.hpp"

#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <csignal>
#include <cstdlib>
#include <iostream>
#include <limits>
#include <stdexcept>
#include <string>
#include <tuple>

namespace weir::storage::testing {

namespace {

std::uint64_t below(random_engine& random, std::uint64_t bound) {
  return random() % bound;
}

/// Small, any, least or greatest.
template <class Number>
Number random_number(random_engine& random) {
  switch (below(random, 4)) {
  case 0:
    return static_cast<Number>(below(random, 100'000));
  case 1:
    return std::numeric_limits<Number>::min();
  case 2:
    return std::numeric_limits<Number>::max();
  default:
    return static_cast<Number>(random());
  }
}

std::string random_text(random_engine& random) {
  std::string text(below(random, 40), '\0');
  std::ranges::generate(text, [&] { return static_cast<char>(random()); });
  return text;
}

/// Often one of those that rollups are kept by.
std::string random_key(random_engine& random) {
  static constexpr std::array keys{"agent", "user", "project"};
  return below(random, 2) == 0 ? keys[below(random, keys.size())] : random_text(random);
}

std::optional<std::uint64_t> random_count(random_engine& random) {
  if (below(random, 2) == 0)
    return std::nullopt;
  return random_number<std::uint64_t>(random);
}

std::optional<money> random_money(random_engine& random) {
  static constexpr std::array codes{"USD", "EUR", "ZZZ", ""};
  if (below(random, 3) == 0)
    return std::nullopt;
  return money{random_number<std::int64_t>(random),
               currency::parse(codes[below(random, codes.size())]).value_or(currency{})};
}

} // namespace

scratch_folder::scratch_folder() {
  std::string name = (std::filesystem::temp_directory_path() / "weir-storage-XXXXXX").string();
  if (::mkdtemp(name.data()) == nullptr)
    throw std::runtime_error("mkdtemp failed");
  path_ = name;
}

scratch_folder::~scratch_folder() {
  std::error_code ignored;
  std::filesystem::remove_all(path_, ignored);
}

random_engine make_random() {
  const char* given = std::getenv("WEIR_TEST_SEED");
  const std::uint64_t seed = given != nullptr ? std::stoull(given) : std::random_device{}();
  std::cout << "WEIR_TEST_SEED=" << seed << std::endl; // printed always: a failure must be repeatable
  return random_engine{seed};
}

usage_record random_record(random_engine& random) {
  usage_record record;
  std::ranges::generate(record.id.bytes, [&] { return static_cast<std::uint8_t>(random()); });
  std::ranges::generate(record.call.bytes, [&] { return static_cast<std::uint8_t>(random()); });
  record.time = timestamp{std::chrono::microseconds{random_number<std::int64_t>(random)}};
  record.model = model_name{random_text(random)};
  record.provider = provider_name{random_text(random)};
  record.request_id = random_text(random);
  record.attempt = random_number<std::uint32_t>(random);
  record.state = static_cast<record_state>(1 + below(random, 4));
  record.usage.prompt_tokens = random_number<std::uint64_t>(random);
  record.usage.completion_tokens = random_number<std::uint64_t>(random);
  record.usage.total_tokens = random_number<std::uint64_t>(random);
  record.usage.cached_tokens = random_count(random);
  record.usage.cache_write_tokens = random_count(random);
  record.usage.cache_write_1h_tokens = random_count(random);
  record.usage.reasoning_tokens = random_count(random);
  record.usage.source = below(random, 2) == 0 ? metering::reported : metering::estimated;
  record.usage.images = below(random, 2) == 0 ? 0 : random_number<std::uint32_t>(random);
  record.usage.reported_cost = random_money(random);
  record.cost = random_money(random);
  record.cost_limit = random_money(random);
  record.price_version = random_number<std::uint32_t>(random);
  record.success = below(random, 2) == 0;
  record.error_type = static_cast<errc>(below(random, static_cast<std::uint64_t>(errc::storage) + 1));
  record.response_time = std::chrono::microseconds{random_number<std::int64_t>(random)};
  if (below(random, 2) == 0)
    record.first_token_time = std::chrono::microseconds{random_number<std::int64_t>(random)};
  for (std::uint64_t tags = below(random, 5); tags != 0; --tags)
    record.tags.emplace_back(random_key(random), random_text(random));
  return record;
}

usage_record plain_record(std::uint64_t number) {
  constexpr std::uint64_t start_ms = 1'764'000'000'000;
  const std::uint64_t mixed = number * 0x9e3779b97f4a7c15ULL; // a bijection: no two numbers share an id
  usage_record record;
  static_cast<id128&>(record.id) = make_id128(start_ms + number * 1000, mixed >> 32U, mixed);
  static_cast<id128&>(record.call) = make_id128(start_ms + number * 1000, mixed, ~mixed);
  record.time = timestamp{std::chrono::milliseconds{start_ms + number * 1000}};
  record.model = model_name{number % 3 == 0 ? "gpt-4" : "claude-sonnet-4-20250514"};
  record.provider = provider_name{number % 3 == 0 ? "openai" : "claude"};
  record.request_id = "req_" + std::to_string(number);
  record.usage.prompt_tokens = 100 + number % 50;
  record.usage.completion_tokens = 20 + number % 7;
  record.usage.total_tokens = record.usage.prompt_tokens + record.usage.completion_tokens;
  record.cost =
      money{static_cast<std::int64_t>(1'000'000 * record.usage.total_tokens), *currency::parse("USD")};
  record.success = true;
  record.response_time = std::chrono::milliseconds{200 + number % 100};
  record.tags = {{"agent", "planner"}, {"user", std::to_string(number % 10)}};
  return record;
}

std::vector<usage_record> plain_batch(std::uint64_t first, std::size_t count) {
  std::vector<usage_record> batch;
  batch.reserve(count);
  for (std::size_t at = 0; at != count; ++at)
    batch.push_back(plain_record(first + at));
  return batch;
}

std::unique_ptr<ledger> open_ledger(const std::filesystem::path& dir, std::uint64_t map_bytes,
                                    bool read_only) {
  auto opened = ledger::open({dir, map_bytes, read_only});
  if (!opened)
    throw std::runtime_error(to_string(opened.error()));
  return std::move(*opened);
}

std::vector<usage_record> all_records(const ledger& books, const usage_filter& filter) {
  std::vector<usage_record> found;
  auto scanned = books.scan(filter, [&](const usage_record& record) {
    found.push_back(record);
    return true;
  });
  if (!scanned)
    throw std::runtime_error(to_string(scanned.error()));
  return found;
}

std::vector<usage_record> all_attempts(const ledger& books) {
  std::vector<usage_record> found = all_records(books);
  auto open = books.intents();
  if (!open)
    throw std::runtime_error(to_string(open.error()));
  found.insert(found.end(), open->begin(), open->end());
  std::ranges::stable_sort(found, [](const usage_record& left, const usage_record& right) {
    return std::tie(left.time, left.id) < std::tie(right.time, right.id);
  });
  return found;
}

series series_of(const usage_record& record, const std::vector<std::string>& keys) {
  std::string description;
  describe_series(record, keys, description);
  std::vector<std::uint8_t> stored;
  encode_series(1, description, stored);
  series made;
  if (const char* wrong = decode_series(make_series_key(1), stored, made); wrong != nullptr)
    throw std::runtime_error(wrong);
  return made;
}

std::vector<std::uint8_t> encoded_row(const usage_record& record,
                                      const std::vector<std::uint8_t>& extension) {
  if (auto fits = check_record(record); !fits)
    throw std::runtime_error(to_string(fits.error()));
  std::vector<std::uint8_t> out;
  encode_record(record, series_of(record), out, extension);
  return out;
}

pid_t start_child(const std::function<int()>& work) {
  const pid_t child = ::fork();
  if (child != 0)
    return child;
  // The test framework's handlers would carry on with the suite, in the child.
  for (const int each : {SIGABRT, SIGSEGV, SIGBUS, SIGFPE, SIGILL})
    std::signal(each, SIG_DFL);
  int code = 125;
  try {
    code = work();
  } catch (const std::exception& error) {
    const std::string text = std::string("child: ") + error.what() + '\n';
    [[maybe_unused]] const auto ignored = ::write(STDERR_FILENO, text.data(), text.size());
  }
  ::_exit(code);
}

child_end wait_for(pid_t child) {
  int status = 0;
  if (child < 0 || ::waitpid(child, &status, 0) != child)
    throw std::runtime_error("no child to wait for");
  if (WIFSIGNALED(status))
    return {0, WTERMSIG(status)};
  return {WEXITSTATUS(status), 0};
}

child_end run_in_child(const std::function<int()>& work) {
  return wait_for(start_child(work));
}

} // namespace weir::storage::testing
