// What a call prints: the reply on standard output, how it came about on standard error.
#include "actors/chat_stream.hpp"
#include "protocols/json.hpp"
#include "tools/chat_output.hpp"

#include <boost/test/unit_test.hpp>

#include <cstdio>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include <unistd.h>

using namespace weir;
using namespace weir::tools;
using namespace std::chrono_literals;

namespace {

/// Takes what is written to a standard stream, until its end.
class captured {
public:
  explicit captured(std::FILE* stream) : stream_(stream), own_(::dup(::fileno(stream))) {
    std::fflush(stream_);
    ::dup2(::fileno(taken_.get()), ::fileno(stream_));
  }
  captured(const captured&) = delete;
  captured& operator=(const captured&) = delete;
  ~captured() { (void)text(); }

  /// All of it; the stream is its own again.
  std::string text() {
    std::fflush(stream_);
    if (own_ != -1) {
      ::dup2(own_, ::fileno(stream_));
      ::close(std::exchange(own_, -1));
    }
    std::string all(static_cast<std::size_t>(::lseek(::fileno(taken_.get()), 0, SEEK_END)), '\0');
    const auto read = ::pread(::fileno(taken_.get()), all.data(), all.size(), 0);
    BOOST_REQUIRE(read == static_cast<ssize_t>(all.size()));
    return all;
  }

private:
  std::unique_ptr<std::FILE, int (*)(std::FILE*)> taken_{std::tmpfile(),
                                                         [](std::FILE* file) { return std::fclose(file); }};
  std::FILE* stream_;
  int own_;
};

struct printed {
  std::string out;
  std::string err;
};

template <class Print>
printed output_of(Print print) {
  captured out(stdout);
  captured err(stderr);
  print();
  std::string told = err.text();
  return {out.text(), std::move(told)};
}

attempt_info attempt(const std::string& provider, errc error) {
  attempt_info made;
  made.provider = provider_name(provider);
  made.model = model_name("m-of-" + provider);
  made.error = error;
  made.latency = 12'345us;
  return made;
}

/// Three attempts, of which the last answered.
chat_reply answered() {
  chat_reply reply;
  reply.success = true;
  reply.content = "Atlantic Ocean.";
  reply.model = model_name("m");
  reply.cost = money{840'000'000, *currency::parse("USD")};
  reply.metadata.provider = provider_name("b");
  reply.metadata.latency = 1'500'000us;
  reply.metadata.attempts = {attempt("a", errc::server_error), attempt("a", errc::timeout),
                             attempt("b", errc::none)};
  reply.metadata.attempts[0].status_code = 503;
  reply.metadata.attempts[0].message = "is overloaded";
  reply.metadata.attempts[1].waited = 1200ms;
  reply.metadata.attempts[1].message = "no first token within 20000 ms";
  reply.metadata.attempts[2].hedge = true;
  return reply;
}

chat_reply failed() {
  chat_reply reply = answered();
  reply.success = false;
  reply.content.clear();
  reply.error = make_failure(errc::server_error, "is overloaded");
  reply.metadata.attempts.resize(1);
  return reply;
}

chat_stream stream_of(const std::vector<chat_delta>& deltas, chat_reply reply) {
  auto shared = std::make_shared<chat_stream::implementation>();
  shared->put(deltas);
  shared->end(std::move(reply));
  return chat_stream(std::move(shared));
}

chat_delta delta(chat_delta::kind kind, const std::string& text = {}) {
  chat_delta made;
  made.type = kind;
  made.text = text;
  return made;
}

std::vector<std::string> lines_of(const std::string& text) {
  std::vector<std::string> lines;
  for (std::size_t from = 0; from < text.size(); from = text.find('\n', from) + 1)
    lines.push_back(text.substr(from, text.find('\n', from) - from));
  return lines;
}

const std::string bill = "m by b: 0 tokens in, 0 out; 0.00084 USD; 1500 ms, 3 attempts";

} // namespace

BOOST_AUTO_TEST_SUITE(chat_output_test)

BOOST_AUTO_TEST_CASE(a_reply_is_told_with_its_failed_attempts_and_its_bill) {
  const printed seen = output_of([] { show(answered(), {}); });
  BOOST_TEST(seen.out == "Atlantic Ocean.\n");
  BOOST_TEST(seen.err == "attempt 1 at a: server_error: is overloaded\n"
                         "attempt 2 at a: timeout: no first token within 20000 ms\n" +
                             bill + "\n");
}

BOOST_AUTO_TEST_CASE(each_attempt_is_a_row_of_a_table_when_asked_for) {
  const printed seen = output_of([] { show(answered(), {.verbose = true}); });
  BOOST_TEST(seen.out == "Atlantic Ocean.\n");
  const auto lines = lines_of(seen.err);
  BOOST_REQUIRE_EQUAL(lines.size(), 5U);
  BOOST_TEST(lines[0] == "ATTEMPT PROVIDER MODEL  WAITED MS TOOK MS STATUS OUTCOME      HEDGE WHY");
  BOOST_TEST(lines[1] == "      1 a        m-of-a       0.0    12.3    503 server_error -     is overloaded");
  BOOST_TEST(lines[2] == "      2 a        m-of-a   1,200.0    12.3      - timeout      -     no first token "
                         "within 20000 ms");
  BOOST_TEST(lines[3] == "      3 b        m-of-b       0.0    12.3      - answered     hedge -");
  BOOST_TEST(lines[4] == bill);
}

BOOST_AUTO_TEST_CASE(the_table_stands_beside_json_too) {
  const printed plain = output_of([] { show(answered(), {.json = true}); });
  BOOST_TEST(plain.err == "");
  const printed seen = output_of([] { show(answered(), {.json = true, .verbose = true}); });
  BOOST_TEST(seen.out == plain.out);
  BOOST_TEST(protocols::is_json(seen.out));
  BOOST_TEST(lines_of(seen.err).size() == 5U);
}

BOOST_AUTO_TEST_CASE(a_failed_call_says_how_long_it_took_and_why_it_failed) {
  const printed seen = output_of([] { show(failed(), {.verbose = true}); });
  BOOST_TEST(seen.out == "");
  const auto lines = lines_of(seen.err);
  BOOST_REQUIRE_EQUAL(lines.size(), 4U);
  BOOST_TEST(lines[2] == "no answer; 1500 ms, 1 attempt");
  BOOST_TEST(lines[3] == "weir: server_error: is overloaded");
  chat_reply refused = failed();
  refused.metadata.attempts.clear();
  BOOST_TEST(output_of([&] { show(refused, {.verbose = true}); }).err ==
             "no answer; 1500 ms, 0 attempts\nweir: server_error: is overloaded\n");
}

BOOST_AUTO_TEST_CASE(a_stream_that_begins_anew_begins_in_a_line_of_its_own) {
  using enum chat_delta::kind;
  const printed seen = output_of([] {
    chat_stream stream = stream_of({delta(content, "Pacif"), delta(restart), delta(reasoning, "hm"),
                                    delta(content, "Atlantic "), delta(content, "Ocean.")},
                                   answered());
    show(stream, {});
  });
  BOOST_TEST(seen.out == "Pacif\nAtlantic Ocean.\n");
  BOOST_TEST(seen.err.starts_with("-- the stream broke; the reply begins anew --\n"), seen.err);
  // Where nothing was printed, no line is left empty.
  const printed silent = output_of([] {
    chat_stream stream =
        stream_of({delta(reasoning, "hm"), delta(restart), delta(content, "Atlantic")}, answered());
    show(stream, {});
  });
  BOOST_TEST(silent.out == "Atlantic\n");
}

BOOST_AUTO_TEST_CASE(a_stream_as_json_has_its_restart_as_a_line) {
  using enum chat_delta::kind;
  const printed seen = output_of([] {
    chat_stream stream =
        stream_of({delta(content, "Pacif"), delta(restart), delta(content, "Atlantic")}, answered());
    show(stream, {.json = true});
  });
  const auto lines = lines_of(seen.out);
  BOOST_REQUIRE_EQUAL(lines.size(), 4U);
  BOOST_TEST(lines[0] == R"({"type":"content","text":"Pacif"})");
  BOOST_TEST(lines[1] == R"({"type":"restart"})");
  BOOST_TEST(lines[3].starts_with(R"({"success":true)"));
  BOOST_TEST(seen.err == "");
}

BOOST_AUTO_TEST_SUITE_END()
