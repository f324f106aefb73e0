// Figures are those of real providers where they are known; words are few, since nobody reads them.
#include "tests/simulation/answers.hpp"

#include <fmt/chrono.h>
#include <fmt/format.h>

#include <algorithm>
#include <array>

namespace weir::simulation {

namespace {

using std::chrono::microseconds;
using std::chrono::milliseconds;

void speak(dice& random, answer& made, const question& asked) {
  made.text.prompt_tokens = random.between(1U, 200U);
  const std::uint64_t words = asked.streamed ? random.between(1U, 12U) : random.between(1U, 4U);
  for (std::uint64_t n = 0; n != words; ++n)
    made.text.words.push_back(fmt::format("p{}w{} ", asked.number, n));
  made.text.completion_tokens = words;
  made.text.calls_tool = asked.said.has_tools && random.chance(600);
  made.text.has_usage = asked.said.speaks == dialect::messages || asked.said.asks_usage || !asked.streamed;
}

void answer_well(dice& random, answer& made, const question& asked) {
  speak(random, made, asked);
  if (made.is == fault::no_usage)
    made.text.has_usage = false;
  if (made.is == fault::stream_no_mark)
    made.text.has_end_mark = false;
  made.billed = true;
  made.whole = true;
  made.head.status = 200;
  made.streamed = asked.streamed && !made.text.calls_tool;
  if (made.streamed) {
    // Large pieces fill the window, so that a sink that is slow stops the host.
    if (random.chance(20))
      for (std::string& each : made.text.words)
        each.append(12'000, 'x');
    made.pieces = stream_events(asked.said.speaks, made.text);
    made.gap = microseconds{random.between(0, 200'000)};
  } else {
    made.head.body = reply_body(asked.said.speaks, made.text);
  }
  made.head.fields.add("content-type", made.streamed ? "text/event-stream" : "application/json");
}

failure broken(errc type, outcome fate, const char* words) {
  failure made = make_failure(type, words);
  made.fate = fate;
  return made;
}

void say(answer& made, const question& asked, int status, std::string_view type, std::string_view sentence) {
  made.head.status = status;
  made.head.body = error_body(asked.said.speaks, type, sentence);
  made.head.fields.add("content-type", "application/json");
  made.label = fmt::format("{} {}", status, type);
}

void hint(dice& random, answer& made, std::string_view name, std::string_view value,
          std::optional<milliseconds> meaning) {
  made.head.fields.add(name, value);
  made.hint = meaning;
  made.label += fmt::format(" {}: {}", name, value);
  if (random.chance(100)) {
    const bool retry = random.chance(500);
    made.head.fields.add("x-should-retry", retry ? "true" : "false");
    made.label += retry ? " retry!" : " do not retry!";
    made.do_not_retry = !retry;
  }
}

void hint_date(dice& random, answer& made, const question& asked, std::int64_t seconds) {
  const auto when = std::chrono::floor<std::chrono::seconds>(asked.wall) + std::chrono::seconds{seconds};
  made.hint_until = when;
  hint(random, made, "retry-after",
       fmt::format("{:%a, %d %b %Y %H:%M:%S} GMT", fmt::gmtime(std::chrono::system_clock::to_time_t(when))),
       std::nullopt);
}

/// Every kind of hint when to come again, the wrong ones included.
void add_hint(dice& random, answer& made, const question& asked) {
  switch (random.below(14)) {
  case 0:
    return hint(random, made, "retry-after", "2", milliseconds{2'000});
  case 1:
    return hint(random, made, "retry-after", "0.5", milliseconds{500});
  case 2:
    return hint(random, made, "retry-after-ms", "300", milliseconds{300});
  case 3:
    return hint_date(random, made, asked, random.between(2, 20));
  case 4:
    return hint_date(random, made, asked, -60);
  case 5:
    return hint(random, made, "retry-after", "-1", std::nullopt);
  case 6:
    return hint(random, made, "retry-after", "NaN", std::nullopt);
  case 7:
    return hint(random, made, "retry-after", "1e9", std::nullopt);
  case 8:
    return hint(random, made, "retry-after", "", std::nullopt);
  case 9:
    return hint(random, made, "retry-after", "300", milliseconds{300'000});
  case 10:
    return hint(random, made, "retry-after", "0", std::nullopt);
  case 11:
    made.head.fields.add("x-ratelimit-limit-requests", "60");
    made.head.fields.add("x-ratelimit-remaining-requests", "0");
    made.head.fields.add("x-ratelimit-reset-requests", "3s");
    return;
  default:
    return;
  }
}

void break_off(dice& random, answer& made, const question& asked) {
  switch (made.is) {
  case fault::refuse:
    made.connected = microseconds::max();
    made.breaks = broken(errc::network, outcome::not_sent, "connection refused");
    return;
  case fault::reset_before:
    made.breaks = broken(errc::network, outcome::unknown, "reset before the answer");
    return;
  case fault::reset_after:
    speak(random, made, asked);
    made.billed = true;
    made.breaks = broken(errc::network, outcome::unknown, "reset before the answer");
    return;
  default:
    made.never = true;
    made.billed = random.chance(500);
    return;
  }
}

void answer_by_status(dice& random, answer& made, const question& asked) {
  switch (made.is) {
  case fault::server_error:
    say(made, asked, random.pick(std::array{500, 502, 504}), "server_error", "it failed");
    made.billed = random.chance(300);
    break;
  case fault::overload:
    say(made, asked, random.pick(std::array{503, 529}), "overloaded_error", "overloaded");
    if (random.chance(300))
      made.head.body.clear();
    break;
  case fault::rate_limit:
    say(made, asked, 429, "rate_limit_error", "too many requests");
    break;
  case fault::own_time_out:
    say(made, asked, 408, "timeout", "request timed out");
    made.billed = random.chance(300);
    break;
  case fault::wrong_key:
    return say(made, asked, 401, "authentication_error", "invalid key");
  case fault::forbidden:
    return say(made, asked, 403, "permission_error", "not yours");
  case fault::no_quota:
    return say(made, asked, random.pick(std::array{402, 429}), "insufficient_quota", "no money left");
  case fault::bad_request:
    return say(made, asked, random.pick(std::array{400, 404, 409, 413, 422}), "invalid_request_error", "bad");
  case fault::too_long:
    return say(made, asked, 400, "context_length_exceeded", "prompt is too long");
  default:
    return say(made, asked, 400, "content_filter", "refused");
  }
  if (made.is == fault::rate_limit || random.chance(200))
    add_hint(random, made, asked);
}

/// A success that is none.
void answer_nonsense(dice& random, answer& made, const question& asked) {
  speak(random, made, asked);
  made.billed = true;
  made.head.status = 200;
  made.head.fields.add("content-type", made.is == fault::html_body ? "text/html" : "application/json");
  const std::string good = reply_body(asked.said.speaks, made.text);
  switch (made.is) {
  case fault::truncated_body:
    made.head.body = good.substr(0, random.below(good.size() - 1) + 1);
    return;
  case fault::html_body:
    made.head.status = random.chance(500) ? 200 : 502;
    made.head.body = "<html><body>Bad gateway</body></html>";
    return;
  case fault::error_in_success:
    made.head.body = error_body(asked.said.speaks, "server_error", "it failed");
    return;
  default:
    return;
  }
}

void spoil_stream(dice& random, answer& made, const question& asked) {
  answer_well(random, made, asked);
  if (!made.streamed)
    return;
  made.whole = false;
  const std::size_t kept = static_cast<std::size_t>(random.below(made.pieces.size()));
  made.pieces.resize(kept);
  switch (made.is) {
  case fault::stream_cut:
    made.broken_end = broken(errc::network, outcome::unknown, "the connection was lost");
    return;
  case fault::stream_stall:
    made.stalls = true;
    return;
  case fault::stream_nonsense:
    made.pieces.emplace_back("data: {\"choices\": [ nonsense\n\n");
    return;
  default:
    made.pieces.push_back(error_event(asked.said.speaks));
    return;
  }
}

void fill(dice& random, answer& made, const question& asked) {
  switch (made.is) {
  case fault::none:
  case fault::slow:
  case fault::no_usage:
  case fault::stream_no_mark:
    return answer_well(random, made, asked);
  case fault::refuse:
  case fault::reset_before:
  case fault::reset_after:
  case fault::hang:
    return break_off(random, made, asked);
  case fault::truncated_body:
  case fault::html_body:
  case fault::empty_body:
  case fault::error_in_success:
    return answer_nonsense(random, made, asked);
  case fault::stream_cut:
  case fault::stream_stall:
  case fault::stream_nonsense:
  case fault::stream_error:
    return spoil_stream(random, made, asked);
  default:
    return answer_by_status(random, made, asked);
  }
}

} // namespace

answer make_answer(dice& random, const host_plan& host, const question& asked, fault is) {
  answer made;
  made.is = is;
  made.connected = microseconds{random.between(0, 20'000)};
  made.delay = made.connected + microseconds{random.between(microseconds{host.fastest}.count(),
                                                            microseconds{host.slowest}.count())};
  if (is == fault::slow)
    made.delay += milliseconds{random.between(1'000, 30'000)};
  made.label = to_string(is);
  fill(random, made, asked);
  if (made.head.status != 0)
    made.head.fields.add(asked.said.speaks == dialect::messages ? "request-id" : "x-request-id",
                         fmt::format("rq-{}", asked.number));
  return made;
}

} // namespace weir::simulation
