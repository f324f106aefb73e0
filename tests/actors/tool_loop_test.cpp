// Loops of chat calls and tool calls through the real actors. The tools are actors of the test, so that time
// stays virtual; functions, which have threads, are tested through the client.
#include "tests/actors/stage.hpp"

#include <weir/tools.hpp>

#include <caf/event_based_actor.hpp>
#include <caf/send.hpp>

#include <boost/test/unit_test.hpp>

using namespace weir;
using weir::tests::completion_of;
using weir::tests::providers;
using weir::tests::stage;
using namespace std::chrono_literals;

namespace {

const std::string weather_schema =
    R"({"type":"object","properties":{"city":{"type":"string"}},"required":["city"]})";

/// What the tools saw, and how they behave.
struct workshop {
  std::vector<std::string> seen;
  bool fails = false;
  bool stalls = false;
  std::vector<caf::typed_response_promise<tool_result>> owed;
  std::size_t most_at_once = 0;
};

caf::behavior weather(caf::event_based_actor* self, std::shared_ptr<workshop> log) {
  return {[self, log](const tool_invocation& call) {
            log->seen.push_back(call.arguments);
            auto answer = self->make_response_promise<tool_result>();
            if (log->fails)
              answer.deliver(caf::error(caf::sec::runtime_error));
            else if (log->stalls)
              log->owed.push_back(answer);
            else
              answer.deliver(tool_result{"Sunny (" + call.id + ")", false});
            log->most_at_once = std::max(log->most_at_once, log->owed.size());
            return answer;
          },
          [log](tests::go_on) {
            log->owed.front().deliver(tool_result{"done", false});
            log->owed.erase(log->owed.begin());
          }};
}

/// A completion that calls the tool once for each of these argument texts.
std::string calls_of(const std::vector<std::string>& arguments, const std::string& name = "weather") {
  std::string body =
      R"({"id":"r","model":"m","choices":[{"index":0,"message":{"role":"assistant","content":null,)"
      R"("tool_calls":[)";
  for (std::size_t at = 0; at != arguments.size(); ++at) {
    std::string quoted;
    for (const char letter : arguments[at])
      quoted += letter == '"' ? std::string("\\\"") : std::string(1, letter);
    body += (at == 0 ? "" : ",") + (R"({"id":"call_)" + std::to_string(at)) +
            R"(","type":"function","function":{"name":")" + name + R"(","arguments":")" + quoted + R"("}})";
  }
  return body + R"(]},"finish_reason":"tool_calls"}],"usage":{"prompt_tokens":10,"completion_tokens":5,)"
                R"("total_tokens":15}})";
}

struct loop_rig {
  explicit loop_rig(std::shared_ptr<snapshot> config = providers({"a"})) : on(std::move(config)) {
    tools = std::make_shared<tool_registry>();
    tool description;
    description.name = "weather";
    description.description = "Tells the weather.";
    description.parameters = weather_schema;
    runner = on.manager->home_system().spawn(weather, log);
    BOOST_REQUIRE(tools->add(description, caf::actor_cast<tool_actor>(runner)).has_value());
  }
  ~loop_rig() {
    caf::anon_send_exit(runner, caf::exit_reason::user_shutdown);
    log->owed.clear();
    tools.reset();
    runner = nullptr;
    on.run();
  }

  tool_request request() const {
    tool_request made;
    made.request = stage::question();
    made.tools = tools;
    return made;
  }
  std::shared_ptr<std::optional<tool_reply>> call(tool_request work) {
    return on.ask_later<tool_reply>(std::move(work));
  }
  const std::string& sent() const { return on.network->wire.front().request.body; }

  stage on;
  std::shared_ptr<workshop> log = std::make_shared<workshop>();
  std::shared_ptr<tool_registry> tools;
  caf::actor runner;
};

} // namespace

BOOST_AUTO_TEST_SUITE(tool_loop_test)

BOOST_AUTO_TEST_CASE(runs_what_the_model_calls_and_tells_it_the_results_until_it_stops) {
  loop_rig rig;
  const auto reply = rig.call(rig.request());
  BOOST_REQUIRE_EQUAL(rig.on.network->wire.size(), 1U);
  BOOST_TEST(rig.sent().find(R"("name":"weather")") != std::string::npos);
  rig.on.network->answer(200, calls_of({R"({"city":"Oslo"})", R"({"city":"Bergen"})"}));
  rig.on.run();
  BOOST_TEST(rig.log->seen.size() == 2U);
  BOOST_REQUIRE_EQUAL(rig.on.network->wire.size(), 1U);
  BOOST_TEST(rig.sent().find("Sunny (call_0)") < rig.sent().find("Sunny (call_1)"));
  BOOST_TEST(rig.sent().find("Sunny (call_1)") != std::string::npos);
  rig.on.network->complete(20, 7);
  rig.on.run();
  BOOST_REQUIRE(reply->has_value());
  const tool_reply& told = **reply;
  BOOST_TEST(told.reply.success);
  BOOST_TEST(told.reply.content == "yes");
  BOOST_TEST(told.rounds == 2U);
  BOOST_TEST(told.calls == 2U);
  BOOST_REQUIRE_EQUAL(told.transcript.size(), 4U); // calls, two results, the answer
  BOOST_TEST((told.transcript[0].role == role::assistant));
  BOOST_TEST(told.transcript[0].tool_calls.size() == 2U);
  BOOST_TEST(told.transcript[2].tool_call_id == "call_1");
  BOOST_TEST(text_of(told.transcript[3]) == "yes");
  BOOST_TEST(told.usage.prompt_tokens == 30U);
  BOOST_TEST(told.usage.completion_tokens == 12U);
  BOOST_TEST(to_decimal(*told.cost) == "0.00162"); // 30 × 30 + 12 × 60 millionths
  BOOST_TEST(rig.on.books().size() == 2U);
}

BOOST_AUTO_TEST_CASE(a_wrong_argument_an_unknown_tool_and_no_json_go_back_to_the_model) {
  for (const auto& [body, expected] : std::vector<std::pair<std::string, std::string>>{
           {calls_of({R"({"city":7})"}), "city"},
           {calls_of({R"({})"}), "city"},
           {calls_of({"{\\\\\""}), "JSON"},
           {calls_of({"{}"}, "wether"), "There is no tool 'wether'"}}) {
    loop_rig rig;
    const auto reply = rig.call(rig.request());
    rig.on.network->answer(200, body);
    rig.on.run();
    BOOST_TEST(rig.log->seen.empty());
    BOOST_REQUIRE_EQUAL(rig.on.network->wire.size(), 1U);
    BOOST_TEST(rig.sent().find(expected) != std::string::npos, expected << " in " << rig.sent());
    rig.on.network->complete();
    rig.on.run();
    BOOST_TEST((*reply)->reply.success);
    BOOST_TEST((*reply)->transcript[1].is_error);
  }
}

BOOST_AUTO_TEST_CASE(a_tool_that_fails_or_is_too_slow_is_told_to_the_model) {
  for (const bool slow : {false, true}) {
    loop_rig rig;
    rig.log->fails = !slow;
    rig.log->stalls = slow;
    tool_request work = rig.request();
    work.limits.tool_timeout = 2s;
    const auto reply = rig.call(work);
    rig.on.network->answer(200, calls_of({R"({"city":"Oslo"})"}));
    rig.on.run();
    rig.on.advance(2100ms);
    BOOST_REQUIRE_EQUAL(rig.on.network->wire.size(), 1U);
    BOOST_TEST(rig.sent().find("The tool gave no result") != std::string::npos);
    rig.on.network->complete();
    rig.on.run();
    BOOST_TEST((*reply)->reply.success);
  }
}

BOOST_AUTO_TEST_CASE(rounds_calls_and_time_are_limited) {
  {
    loop_rig rig;
    tool_request work = rig.request();
    work.limits.max_rounds = 2;
    const auto reply = rig.call(work);
    for (int n = 0; n != 2; ++n) {
      rig.on.network->answer(200, calls_of({R"({"city":"Oslo"})"}));
      rig.on.run();
    }
    BOOST_REQUIRE(reply->has_value());
    BOOST_TEST(((*reply)->reply.error->type == errc::budget_exceeded));
    BOOST_TEST((*reply)->reply.error->place == "max_rounds");
    BOOST_TEST((*reply)->transcript.size() == 4U);
  }
  {
    loop_rig rig;
    tool_request work = rig.request();
    work.limits.max_calls = 2;
    const auto reply = rig.call(work);
    rig.on.network->answer(200, calls_of({"{}", "{}", "{}"}));
    rig.on.run();
    BOOST_REQUIRE(reply->has_value());
    BOOST_TEST((*reply)->reply.error->place == "max_calls");
    BOOST_TEST(rig.log->seen.empty());
  }
  {
    loop_rig rig;
    rig.log->stalls = true;
    tool_request work = rig.request();
    work.request.timeout = 3s;
    const auto reply = rig.call(work);
    rig.on.network->answer(200, calls_of({R"({"city":"Oslo"})"}));
    rig.on.run();
    rig.on.advance(3100ms);
    BOOST_REQUIRE(reply->has_value());
    BOOST_TEST(((*reply)->reply.error->type == errc::timeout));
  }
}

BOOST_AUTO_TEST_CASE(no_more_run_at_once_than_allowed) {
  loop_rig rig;
  rig.log->stalls = true;
  tool_request work = rig.request();
  work.limits.max_parallel = 3;
  const auto reply = rig.call(work);
  const std::string good = R"({"city":"Oslo"})";
  rig.on.network->answer(200, calls_of({good, good, good, good, good, good, good}));
  rig.on.run();
  BOOST_TEST(rig.log->owed.size() == 3U);
  while (!rig.log->owed.empty()) {
    caf::anon_send(rig.runner, tests::go_on{});
    rig.on.run();
  }
  BOOST_TEST(rig.log->seen.size() == 7U);
  BOOST_TEST(rig.log->most_at_once == 3U);
  rig.on.network->complete();
  rig.on.run();
  BOOST_TEST((*reply)->reply.success);
}

BOOST_AUTO_TEST_CASE(a_failed_round_ends_the_loop_with_what_there_is) {
  loop_rig rig;
  const auto reply = rig.call(rig.request());
  rig.on.network->answer(200, calls_of({R"({"city":"Oslo"})"}));
  rig.on.run();
  rig.on.network->answer(401, R"({"error":{"message":"no","code":"invalid_api_key"}})");
  rig.on.run();
  BOOST_REQUIRE(reply->has_value());
  BOOST_TEST(((*reply)->reply.error->type == errc::auth));
  BOOST_TEST((*reply)->transcript.size() == 2U);
  BOOST_TEST((*reply)->usage.prompt_tokens == 10U);
  BOOST_TEST(rig.on.books().size() == 2U);
}

BOOST_AUTO_TEST_CASE(a_loop_is_cancelled_by_its_id_also_while_tools_run) {
  for (const bool in_tools : {false, true}) {
    loop_rig rig;
    rig.log->stalls = true;
    tool_request work = rig.request();
    work.request.id = call_id{make_id128(1, 2, 3)};
    const auto reply = rig.call(work);
    if (in_tools) {
      rig.on.network->answer(200, calls_of({R"({"city":"Oslo"})"}));
      rig.on.run();
    }
    caf::anon_send(rig.on.manager, cancel_call{work.request.id});
    rig.on.run();
    BOOST_REQUIRE(reply->has_value());
    BOOST_TEST(((*reply)->reply.error->type == errc::cancelled));
    BOOST_TEST(rig.on.network->wire.empty());
    BOOST_TEST(rig.on.network->cancelled == (in_tools ? 0U : 1U));
  }
}

BOOST_AUTO_TEST_CASE(what_was_cut_by_its_length_is_not_run) {
  loop_rig rig;
  const auto reply = rig.call(rig.request());
  std::string cut = calls_of({R"({"city":"Oslo"})"});
  cut.replace(cut.find(R"("tool_calls"}])"), 12, R"("length")");
  rig.on.network->answer(200, cut);
  rig.on.run();
  BOOST_REQUIRE(reply->has_value());
  BOOST_TEST(rig.log->seen.empty());
  BOOST_TEST(((*reply)->reply.finish_reason == finish_reason::length));
}

BOOST_AUTO_TEST_CASE(a_registry_takes_no_name_twice_and_no_schema_that_is_none) {
  tool_registry tools;
  tool description;
  description.name = "f";
  const auto handler = [](const tool_invocation&) { return tool_result{}; };
  BOOST_TEST(tools.add(description, handler).has_value());
  BOOST_TEST(tools.add(description, handler).has_error());
  description.name = "no such name";
  BOOST_TEST(tools.add(description, handler).has_error());
  description.name = "g";
  description.parameters = "{";
  BOOST_TEST(tools.add(description, handler).has_error());
  BOOST_TEST(tools.tools().size() == 1U);
}

BOOST_AUTO_TEST_SUITE_END()
