// Plans are read strictly, faults hit the requests that they name, and the log counts what would be billed.
#include "tools/mock/answer.hpp"
#include "tools/mock/mock_server.hpp"
#include "transport/client.hpp"

#include <boost/test/unit_test.hpp>

#include <array>
#include <filesystem>
#include <fstream>
#include <future>
#include <iterator>
#include <thread>

#include <unistd.h>

using namespace weir;
using namespace weir::mock;
using namespace std::chrono_literals;

namespace {

std::string temporary(const std::string& name) {
  return (std::filesystem::temp_directory_path() / ("weir-mock-" + std::to_string(::getpid()) + name))
      .string();
}

auto load(const std::string& text) {
  const std::string file = temporary(".plan");
  std::ofstream(file) << text;
  auto loaded = load_plan(file);
  std::filesystem::remove(file);
  return loaded;
}

std::string first_fault(const std::string& text) {
  const auto loaded = load(text);
  if (loaded)
    return "good";
  const config_fault fault = loaded.error().front();
  return std::to_string(fault.line) + ":" + std::to_string(fault.column) + " " + fault.key + ": " +
         fault.problem;
}

transport::server_request chat(const std::string& model = "m") {
  transport::server_request request;
  request.method = "POST";
  request.target = "/v1/chat/completions";
  request.body = R"({"model":")" + model + R"(","messages":[{"role":"user","content":"Hello there"}]})";
  return request;
}

std::string bytes_of(const answer& given) {
  std::string bytes;
  for (const auto& step : given.steps)
    if (const auto* sent = std::get_if<transport::send_bytes>(&step))
      bytes += sent->bytes;
  return bytes;
}

template <class Step>
bool has(const answer& given) {
  return std::ranges::any_of(given.steps,
                             [](const auto& step) { return std::holds_alternative<Step>(step); });
}

plan with(fault_kind kind) {
  plan made;
  made.models = {model_name("m")};
  fault each;
  each.kind = kind;
  each.delay = 5ms;
  made.faults.push_back(each);
  return made;
}

transport::exchange post(transport::client& net, std::uint16_t port) {
  auto to = std::make_shared<transport::endpoint>();
  to->tls = false;
  to->host = "127.0.0.1";
  to->port = port;
  std::promise<transport::exchange> promise;
  net.post(to, {*request_head::make("POST", "/v1/chat/completions", {{"Host", "x"}}), chat().body}, 2s,
           [&](transport::exchange end) { promise.set_value(std::move(end)); });
  return promise.get_future().get();
}

} // namespace

BOOST_AUTO_TEST_SUITE(mock_test)

BOOST_AUTO_TEST_CASE(the_same_plan_is_read_from_toml_and_from_json) {
  const auto toml = load("reply = \"hi\"\nprompt_tokens = 7\n[[faults]]\nkind = \"status\"\nstatus = 429\n"
                         "retry_after = \"2\"\nrequests = \"1-3,9-\"\n[faults.headers]\nX-A = \"b\"\n");
  const auto json = load(R"({"reply":"hi","prompt_tokens":7,"faults":[{"kind":"status","status":429,
                             "retry_after":"2","requests":"1-3,9-","headers":{"X-A":"b"}}]})");
  for (const auto& loaded : {toml, json}) {
    BOOST_REQUIRE(loaded.has_value());
    BOOST_TEST(loaded->reply == "hi");
    BOOST_TEST(loaded->prompt_tokens.value() == 7U);
    BOOST_REQUIRE_EQUAL(loaded->faults.size(), 1U);
    const fault& each = loaded->faults[0];
    BOOST_TEST(each.status == 429);
    BOOST_TEST((each.headers ==
                std::vector<std::pair<std::string, std::string>>{{"retry-after", "2"}, {"X-A", "b"}}));
    BOOST_TEST(fault_for(*loaded, {3}) == &loaded->faults[0]);
    BOOST_TEST(fault_for(*loaded, {4}) == nullptr);
    BOOST_TEST(fault_for(*loaded, {1000}) == &loaded->faults[0]);
  }
}

BOOST_AUTO_TEST_CASE(a_fault_in_a_plan_names_its_place) {
  BOOST_TEST(first_fault("[[faults]]\nkind = \"explode\"\n")
                 .starts_with("2:8 faults.kind: is 'explode'; expected one of refuse"));
  BOOST_TEST(first_fault("[[faults]]\nstatus = 500\n").starts_with("1:1 faults.kind: is missing"));
  BOOST_TEST(
      first_fault("[[faults]]\nkind = \"hang\"\nrequests = \"3-1\"\n").starts_with("3:12 faults.requests"));
  BOOST_TEST(
      first_fault("[[faults]]\nkind = \"hang\"\nprobability = 1.5\n").starts_with("3:15 faults.probability"));
  BOOST_TEST(first_fault("replay = \"x\"\n").find("did you mean 'reply'") != std::string::npos);
  BOOST_TEST(first_fault("{\"reply\": ").starts_with("1:"));
  BOOST_TEST(first_fault("{\"faults\": [{\"kind\": \"explode\"}]}").starts_with("0:0 faults.kind"));
}

BOOST_AUTO_TEST_CASE(a_refusal_takes_no_choice_of_requests) {
  const std::string refusal = "[[faults]]\nkind = \"refuse\"\n";
  BOOST_TEST(first_fault(refusal + "from = 100\nto = 200\n") == "good");
  const std::string problem = "has no effect on a fault of kind 'refuse'";
  BOOST_TEST(first_fault(refusal + "requests = \"1-3\"\n").starts_with("3:12 faults.requests: " + problem));
  BOOST_TEST(first_fault(refusal + "every = 2\n").starts_with("3:9 faults.every: " + problem));
  BOOST_TEST(first_fault(refusal + "probability = 0.5\n").starts_with("3:15 faults.probability: " + problem));
  BOOST_TEST(first_fault(R"({"faults":[{"kind":"refuse","requests":"1"}]})")
                 .starts_with("0:0 faults.requests: " + problem));
  BOOST_TEST(first_fault(refusal + "from = 200\nto = 100\n") == "4:6 faults.to: is before 'from'");
}

BOOST_AUTO_TEST_CASE(a_member_that_its_kind_does_not_heed_is_a_fault) {
  const auto with_member = [](const std::string& kind, const std::string& member) {
    return first_fault("[[faults]]\nkind = \"" + kind + "\"\n" + member + "\n");
  };
  BOOST_TEST(with_member("hang", "status = 500") ==
             "3:10 faults.status: has no effect on a fault of kind 'hang'");
  BOOST_TEST(with_member("status", "bytes = \"x\"").starts_with("3:9 faults.bytes: has no effect"));
  BOOST_TEST(with_member("refuse", "models = [\"m\"]").starts_with("3:10 faults.models: has no effect"));
  BOOST_TEST(with_member("no_done", "after_chunks = 1").starts_with("3:16 faults.after_chunks: has no"));
  BOOST_TEST(with_member("raw", "bytes = \"x\"\nthen = \"reset\"\ndelay = 5") == "good");
  BOOST_TEST(with_member("raw", "then = \"sleep\"").starts_with("3:8 faults.then: "));
  BOOST_TEST(with_member("malformed_chunk", "after_chunks = 1\nfrom = 5\nto = 6") == "good");
  BOOST_TEST(
      with_member("empty_body", "after_bytes = 1").starts_with("3:15 faults.after_bytes: has no effect"));
  BOOST_TEST(with_member("error_in_200", "headers = {A = \"b\"}").starts_with("3:11 faults.headers: "));
  for (const char* kind : {"drip", "status", "malformed_json", "oversized_body", "slow_first_byte"})
    BOOST_TEST(with_member(kind, "delay = 5\nrequests = \"2\"") == "good");
  for (const char* kind : {"reset", "close"})
    BOOST_TEST(with_member(kind, "after_bytes = 5") == "good");
  for (const char* kind : {"cut_stream", "error_in_stream", "stall_stream"})
    BOOST_TEST(with_member(kind, "after_chunks = 5\ndelay = 5\nevery = 2") == "good");
  BOOST_TEST(
      with_member("endless", "after_chunks = 5").starts_with("3:16 faults.after_chunks: has no effect"));
  BOOST_TEST(
      with_member("cut_stream", "after_bytes = 5").starts_with("3:15 faults.after_bytes: has no effect"));
  BOOST_TEST(with_member("error_in_stream", "status = 529\nmessage = \"m\"\ncode = \"c\"") == "good");
  BOOST_TEST(with_member("error_in_200", "status = 429\nmessage = \"m\"\ncode = \"c\"") == "good");
}

BOOST_AUTO_TEST_CASE(what_a_reply_and_a_stream_are_made_of_stands_in_the_plan) {
  const auto loaded =
      load("reasoning = \"hm\"\ntool_calls = \"all\"\nchunk_tokens = 3\nchunk_delay = \"20ms\"\n"
           "ping_every = 15\napi_key = \"k\"\nkey_header = \"x-api-key\"\n[[faults]]\n"
           "kind = \"stall_stream\"\nafter_chunks = 4\ndelay = 30\n");
  BOOST_REQUIRE(loaded.has_value());
  BOOST_TEST(loaded->reasoning == "hm");
  BOOST_TEST((loaded->tool_calls == calling::all));
  BOOST_TEST(loaded->chunk_tokens == 3U);
  BOOST_TEST((loaded->chunk_delay == 20ms));
  BOOST_TEST((loaded->ping_every == 15ms));
  BOOST_TEST(loaded->key_header == "x-api-key");
  BOOST_TEST(loaded->faults[0].after_chunks == 4U);
  BOOST_TEST((load("tool_calls = true\n")->tool_calls == calling::first));
  BOOST_TEST((load(R"({"tool_calls":false})")->tool_calls == calling::none));
  BOOST_TEST(first_fault("tool_calls = \"one\"\n") ==
             "1:14 tool_calls: is 'one'; expected true, false or \"all\"");
  BOOST_TEST(first_fault("tool_calls = 1\n").starts_with("1:14 tool_calls: is of type integer"));
  BOOST_TEST(first_fault("chunk_tokens = 0\n").starts_with("1:16 chunk_tokens: "));
  BOOST_TEST((load("prefill = \"refuse\"\n")->prefill == prefilling::refuse));
  BOOST_TEST((load("prefill = \"continue\"\n")->prefill == prefilling::go_on));
  BOOST_TEST(first_fault("prefill = \"maybe\"\n").starts_with("1:11 prefill: "));
  BOOST_TEST((load("finish_reason = \"length\"\n")->finish.value() == finish_reason::length));
  BOOST_TEST(load("context_window = 50\n")->context_window.value() == 50U);
  BOOST_TEST(first_fault("api_key = \"k\"\nkey_header = \"cookie\"\n").starts_with("2:14 key_header: "));
  BOOST_TEST(first_fault("key_header = \"api-key\"\n") == "1:14 key_header: has no effect without 'api_key'");
}

BOOST_AUTO_TEST_CASE(a_folder_is_no_plan) {
  const auto loaded = load_plan("/tmp");
  BOOST_REQUIRE(loaded.has_error());
  BOOST_TEST(to_string(loaded.error().front()) == "/tmp: cannot be read");
}

BOOST_AUTO_TEST_CASE(chance_is_decided_by_seed_and_number) {
  const auto loaded = load("seed = 5\n[[faults]]\nkind = \"hang\"\nprobability = 0.25\n");
  BOOST_REQUIRE(loaded.has_value());
  int hits = 0;
  for (std::uint64_t n = 1; n <= 10'000; ++n) {
    const bool hit = fault_for(*loaded, {n}) != nullptr;
    BOOST_REQUIRE(hit == (fault_for(*loaded, {n}) != nullptr));
    hits += hit ? 1 : 0;
  }
  BOOST_TEST(hits > 2300);
  BOOST_TEST(hits < 2700);
}

BOOST_AUTO_TEST_CASE(faults_have_chances_of_their_own) {
  const std::string quarter = "[[faults]]\nkind = \"hang\"\nprobability = 0.25\n";
  const auto loaded = load(quarter + quarter + quarter);
  BOOST_REQUIRE(loaded.has_value());
  std::array<int, 3> hits{};
  for (std::uint64_t n = 1; n <= 10'000; ++n)
    if (const fault* hit = fault_for(*loaded, {n}))
      ++hits.at(static_cast<std::size_t>(hit - loaded->faults.data()));
  BOOST_TEST(hits[1] > 1700); // a quarter of what the first left
  BOOST_TEST(hits[1] < 2050);
  BOOST_TEST(hits[2] > 1250);
  BOOST_TEST(hits[2] < 1560);
}

BOOST_AUTO_TEST_CASE(a_fault_can_choose_by_time_and_by_model) {
  const auto loaded = load("[[faults]]\nkind = \"hang\"\nfrom = 100\nto = 200\n"
                           "[[faults]]\nkind = \"status\"\nmodels = [\"a\", \"b\"]\n");
  BOOST_REQUIRE(loaded.has_value());
  const auto hit = [&](milliseconds age, const std::string& model) {
    return fault_for(*loaded, {1, false, model_name(model), age});
  };
  BOOST_TEST(hit(99ms, "c") == nullptr);
  BOOST_TEST(hit(100ms, "c") == &loaded->faults[0]);
  BOOST_TEST(hit(199ms, "a") == &loaded->faults[0]);
  BOOST_TEST(hit(200ms, "c") == nullptr);
  BOOST_TEST(hit(200ms, "b") == &loaded->faults[1]);
}

BOOST_AUTO_TEST_CASE(raw_bytes_go_out_as_they_are) {
  plan of = with(fault_kind::raw);
  of.faults[0].bytes = "HTTP/1.1 200 OK\r\nno colon\r\n\r\n";
  const auto steps = [&](aftermath then) {
    of.faults[0].then = then;
    return answer_chat(of, chat(), 1, 7);
  };
  const answer kept = steps(aftermath::keep);
  BOOST_TEST(bytes_of(kept) == of.faults[0].bytes);
  BOOST_TEST(has<transport::pause>(kept));
  BOOST_TEST(!has<transport::close_connection>(kept));
  BOOST_TEST(!kept.billed);
  BOOST_TEST(has<transport::close_connection>(steps(aftermath::close)));
  BOOST_TEST(has<transport::reset_connection>(steps(aftermath::reset)));
}

BOOST_AUTO_TEST_CASE(honest_replies_repeat_themselves) {
  plan honest;
  honest.models = {};
  const answer one = answer_chat(honest, chat(), 1, 7);
  BOOST_TEST(bytes_of(one) == bytes_of(answer_chat(honest, chat(), 1, 7)));
  BOOST_TEST(bytes_of(one).find("You said: Hello there") != std::string::npos);
  BOOST_TEST(one.prompt_tokens == 3U); // eleven bytes
  BOOST_TEST(one.completion_tokens == 6U);
  BOOST_TEST(one.billed);
}

BOOST_AUTO_TEST_CASE(every_kind_of_fault_does_what_its_name_says) {
  const auto given = [](fault_kind kind) { return answer_chat(with(kind), chat(), 1, 7); };
  BOOST_TEST(has<transport::reset_connection>(given(fault_kind::reset)));
  BOOST_TEST(has<transport::close_connection>(given(fault_kind::close)));
  BOOST_TEST(given(fault_kind::reset).billed); // the work was done
  BOOST_TEST(has<transport::hang>(given(fault_kind::hang)));
  BOOST_TEST(given(fault_kind::drip).steps.size() > 100U);
  BOOST_TEST(bytes_of(given(fault_kind::status)).starts_with("HTTP/1.1 500 "));
  BOOST_TEST(!given(fault_kind::status).billed);
  BOOST_TEST(bytes_of(given(fault_kind::malformed_json)).ends_with("unfinished"));
  BOOST_TEST(bytes_of(given(fault_kind::wrong_content_type)).find("text/html") != std::string::npos);
  BOOST_TEST(bytes_of(given(fault_kind::oversized_body)).size() > (64U << 20U));
  BOOST_TEST(has<transport::pause>(given(fault_kind::slow_first_byte)));
  BOOST_TEST(bytes_of(given(fault_kind::slow_first_byte)).starts_with("HTTP/1.1 200 "));
  BOOST_TEST(bytes_of(given(fault_kind::empty_body)).ends_with("Content-Length: 0\r\n\r\n"));
  BOOST_TEST(bytes_of(given(fault_kind::error_in_200)).find("\"error\"") != std::string::npos);
  BOOST_TEST(bytes_of(given(fault_kind::truncated_json)).starts_with("HTTP/1.1 200 "));
}

BOOST_AUTO_TEST_CASE(wrong_keys_models_and_requests_are_refused_as_a_provider_does) {
  plan strict;
  strict.models = {model_name("m")};
  strict.api_key = "right";
  transport::server_request request = chat();
  BOOST_TEST(answer_chat(strict, request, 1, 7).status == 401);
  request.fields = {{"Authorization", "Bearer right"}};
  BOOST_TEST(answer_chat(strict, request, 1, 7).status == 200);
  request.body = chat("other").body;
  BOOST_TEST(answer_chat(strict, request, 1, 7).status == 404);
  request.body = "{";
  BOOST_TEST(answer_chat(strict, request, 1, 7).status == 400);
  request.method = "GET";
  request.target = "/v1/models";
  request.body.clear();
  BOOST_TEST(bytes_of(answer_other(strict, request)).find("\"id\":\"m\"") != std::string::npos);
  request.fields = {{"Authorization", "Bearer wrong"}};
  BOOST_TEST(answer_other(strict, request).status == 401);
}

BOOST_AUTO_TEST_CASE(the_log_has_a_line_for_each_request_and_the_port_can_be_closed_for_a_time) {
  mock_options options;
  options.plan.models = {};
  options.plan.cached_tokens = 1;
  options.log_file = temporary(".log");
  options.log_content = true;
  std::filesystem::remove(options.log_file);
  fault refusing;
  refusing.kind = fault_kind::refuse;
  refusing.from = 400ms;
  refusing.to = 800ms;
  options.plan.faults.push_back(refusing);
  const auto mock = mock_server::start(options);
  BOOST_REQUIRE(mock.has_value());
  const auto net = transport::make_client(1);
  for (int n = 0; n != 5; ++n)
    BOOST_TEST(post(*net, (*mock)->port()).response.has_value());
  std::this_thread::sleep_for(500ms);
  const auto refused = post(*net, (*mock)->port());
  BOOST_REQUIRE(refused.response.has_error());
  BOOST_TEST((refused.response.error().fate == outcome::not_sent));
  std::this_thread::sleep_for(500ms);
  BOOST_TEST(post(*net, (*mock)->port()).response.has_value());
  std::ifstream log(options.log_file);
  const std::string text(std::istreambuf_iterator<char>(log), {});
  BOOST_TEST(std::ranges::count(text, '\n') == 6);
  BOOST_TEST(text.find("\"cached_tokens\":1,\"reasoning_tokens\":null,\"billed\":true,\"content\":\"") !=
             std::string::npos);
  BOOST_TEST((*mock)->billed() == 6U);
  std::filesystem::remove(options.log_file);
}

BOOST_AUTO_TEST_SUITE_END()
