// How a provider is spoken to: what follows from its API, and what is refused with its place.
#include "tests/config/loading.hpp"

#include <boost/test/unit_test.hpp>

using namespace weir;
using namespace weir::tests;
using namespace std::chrono_literals;

namespace {

std::string generic(const std::string& lines) {
  return "[llm.providers.p]\ntype = \"generic\"\nbase_url = \"https://x/v1\"\n" + lines + "\n";
}

std::string claude(const std::string& lines) {
  return "[llm.providers.p]\ntype = \"claude\"\napi_key = \"k\"\n" + lines + "\n";
}

provider_config provider_of(const std::string& text) {
  const auto loaded = load(text);
  BOOST_REQUIRE_MESSAGE(loaded.has_value(), text << only_fault(text));
  return (*loaded)->providers.at(0);
}

wire_options wire_in(const std::string& text) {
  return provider_of(text).wire.value();
}

} // namespace

BOOST_AUTO_TEST_SUITE(wire_test)

BOOST_AUTO_TEST_CASE(how_the_key_is_told_follows_the_api_until_the_file_says_it) {
  BOOST_TEST((wire_in(generic("")).key == key_style::bearer));
  BOOST_TEST((wire_in(generic("api = \"messages\"")).key == key_style::x_api_key));
  BOOST_TEST((wire_in(generic("api = \"responses\"")).key == key_style::bearer));
  BOOST_TEST((wire_in(claude("api = \"messages\"")).key == key_style::x_api_key));
  BOOST_TEST((wire_in(claude("api = \"chat\"")).key == key_style::bearer));
  // One that is known tells it in its own way by every API.
  BOOST_TEST(
      (wire_in("[llm.providers.p]\npreset = \"ollama\"\napi = \"messages\"\n").key == key_style::bearer));
  for (const std::string style : {"bearer", "x-api-key", "api-key", "none"}) {
    const wire_options wire = wire_in(generic("api = \"messages\"\nauth = \"" + style + "\""));
    BOOST_TEST(to_string(wire.key) == style);
  }
}

BOOST_AUTO_TEST_CASE(the_messages_api_alone_has_a_version) {
  BOOST_TEST(wire_in(claude("")).api_version == "2023-06-01");
  BOOST_TEST(wire_in(claude("api_version = \"2026-10-21\"")).api_version == "2026-10-21");
  BOOST_TEST(wire_in(claude("api = \"chat\"")).api_version.empty());
  BOOST_TEST(wire_in(generic("api = \"messages\"")).api_version == "2023-06-01");
  // Also where only a model is spoken to by it.
  const std::string model = "\n[llm.providers.p.models.m]\napi = \"messages\"";
  BOOST_TEST(wire_in(generic(model)).api_version == "2023-06-01");
  BOOST_TEST(wire_in(generic("api_version = \"2026-10-21\"" + model)).api_version == "2026-10-21");
  for (const std::string lines : {"", "api = \"chat\"\n", "api = \"responses\"\n"}) {
    const std::string line = lines.empty() ? "4" : "5";
    is_fault(generic(lines + "api_version = \"2024-10-21\""), line + ":15 llm.providers.p.api_version",
             "in the table query, as api-version");
  }
  for (const std::string bad : {"", "2023 06 01", "a\\nb", "\xce\xbc"})
    is_fault(claude("api_version = \"" + bad + "\""), "4:15 llm.providers.p.api_version",
             "expected one such as \"2023-06-01\"");
  is_fault(claude("api_version = \"" + std::string(65, '1') + "\""), "4:15", "is no version");
  is_fault(claude("api_version = 2023-06-01"), "4:15", "expected a string");
  // An API that nobody knows is fault enough.
  is_fault(generic("api = \"message\"\napi_version = \"2023-06-01\""), "4:7 llm.providers.p.api",
           "expected \"chat\", \"messages\" or \"responses\"");
}

BOOST_AUTO_TEST_CASE(an_api_that_a_vendor_does_not_have_is_refused) {
  is_fault(claude("api = \"responses\""), "4:7 llm.providers.p.api", "Anthropic does not have");
  is_fault(with("api = \"messages\""), "5:7 llm.providers.p.api", "OpenAI does not have");
  is_fault(claude("[llm.providers.p.models.m]\napi = \"responses\""), "5:7 llm.providers.p.models.m.api",
           "Anthropic does not have");
  is_fault(with("", "[llm.providers.p.models.m]\napi = \"messages\"\n"), "7:7 llm.providers.p.models.m.api",
           "OpenAI does not have");
  for (const std::string api : {"chat", "messages", "responses"}) {
    BOOST_TEST(to_string(wire_in(generic("api = \"" + api + "\"")).api) == api);
    BOOST_TEST(to_string(provider_of(generic("[llm.providers.p.models.m]\napi = \"" + api + "\""))
                             .models.at(0)
                             .api.value()) == api);
  }
  BOOST_TEST((wire_in(with("api = \"responses\"")).api == api_kind::responses));
}

BOOST_AUTO_TEST_CASE(words_that_are_none_of_those_expected_are_refused) {
  is_fault(generic("auth = \"x_api_key\""), "4:8 llm.providers.p.auth",
           "is \"x_api_key\"; expected \"bearer\", \"x-api-key\", \"api-key\" or \"none\"");
  is_fault(generic("auth = false"), "4:8 llm.providers.p.auth", "expected a string");
  is_fault(generic("max_tokens_field = \"max_output_tokens\""), "4:20 llm.providers.p.max_tokens_field",
           "expected \"max_tokens\" or \"max_completion_tokens\"");
  is_fault(generic("stream_usage = \"yes\""), "4:16 llm.providers.p.stream_usage", "expected true or false");
  is_fault(generic("stream_timeout = 0"), "4:18 llm.providers.p.stream_timeout", "is no time");
  is_fault(generic("aut = \"none\""), "4:1 llm.providers.p.aut", "did you mean 'auth'");
}

BOOST_AUTO_TEST_CASE(a_key_that_is_never_told_is_refused) {
  is_fault(generic("api_key = \"" + canary + "\"\nauth = \"none\""), "4:11 llm.providers.p.api_key",
           "leave one of them out");
  BOOST_TEST(only_fault(generic("api_key = \"" + canary + "\"\nauth = \"none\"")).find("canary") ==
             std::string::npos);
  BOOST_TEST(provider_of(generic("api_key = \"k\"\nauth = \"api-key\"")).api_key.reveal() == "k");
}

BOOST_AUTO_TEST_CASE(a_path_is_one_that_a_request_can_carry) {
  BOOST_TEST(wire_in(generic("path = \"/a%20b/{model}/c/{model}:go\"")).path ==
             "/a%20b/{model}/c/{model}:go");
  for (const std::string bad : {"", "chat/completions", " /x", "https://x/y"})
    is_fault(generic("path = \"" + bad + "\""), "4:8 llm.providers.p.path", "does not begin with '/'");
  for (const std::string bad : {"/a b", "/a\\nb", "/a\\u007fb", "/\xce\xbc", "/a?b=c", "/a#b"})
    is_fault(generic("path = \"" + bad + "\""), "4:8 llm.providers.p.path", "other than visible ASCII");
  for (const std::string bad : {"/{deployment}", "/{model", "/model}", "/{{model}}", "/{model}{", "/{}"})
    is_fault(generic("path = \"" + bad + "\""), "4:8 llm.providers.p.path", "not of '{model}'");
  is_fault(generic("path = 1"), "4:8 llm.providers.p.path", "expected a string");
}

BOOST_AUTO_TEST_CASE(a_path_of_its_own_leaves_models_another_api) {
  const provider_config made =
      provider_of(generic("path = \"/x\"\n[llm.providers.p.models.m]\napi = \"messages\""));
  BOOST_TEST(made.wire.value().path == "/x");
  BOOST_TEST((made.wire->api == api_kind::chat));
  BOOST_TEST((made.models.at(0).api == api_kind::messages));
}

BOOST_AUTO_TEST_CASE(a_query_is_a_table_of_strings) {
  const wire_options wire =
      wire_in(generic("query = {api-version = \"2024-02-01\", \"a b\" = \"c&d=\xce\xbc\", e = \"\"}"));
  const std::map<std::string, std::string> expected{
      {"api-version", "2024-02-01"}, {"a b", "c&d=\xce\xbc"}, {"e", ""}};
  BOOST_TEST((wire.query == expected));
  is_fault(generic("query = \"a=b\""), "4:9 llm.providers.p.query", "expected a table");
  const auto query = [](const std::string& line) { return generic("[llm.providers.p.query]\n" + line); };
  is_fault(query("a = 1"), "5:5 llm.providers.p.query.a", "expected a string");
  is_fault(query("\"\" = \"1\""), "5:1 llm.providers.p.query.\"\"", "is no name of a query parameter");
  is_fault(query("\"a\\nb\" = \"1\""), "5:1 llm.providers.p.query.\"a\\u000Ab\"", "is no name");
  is_fault(query("a = \"1\\n2\""), "5:5 llm.providers.p.query.a", "control character");
  is_fault(query("a = \"${EVIL}\""), "5:5 llm.providers.p.query.a", "EVIL, which has a control character");
  // Where people look for it first.
  is_fault("[llm.providers.p]\ntype = \"generic\"\nbase_url = \"https://x/v1?api-version=1\"\n",
           "3:12 llm.providers.p.base_url", "stands in the table query");
}

BOOST_AUTO_TEST_CASE(what_a_model_does_not_say_is_not_known) {
  const provider_config silent = provider_of(generic("[llm.providers.p.models.m]"));
  const model_config& nothing = silent.models.at(0);
  BOOST_TEST(!nothing.supports_vision.has_value());
  BOOST_TEST(!nothing.supports_tools.has_value());
  BOOST_TEST(!nothing.supports_streaming.has_value());
  BOOST_TEST(!nothing.api.has_value());
  BOOST_TEST(nothing.context_window == 0U);
  const provider_config telling = provider_of(
      generic("[llm.providers.p.models.m]\nsupports_vision = false\nsupports_tools = true\n"
              "supports_streaming = false\ncontext_window = 8192\nmax_tokens = 8192\napi = \"responses\""));
  const model_config& told = telling.models.at(0);
  BOOST_TEST(!told.supports_vision.value());
  BOOST_TEST(told.supports_tools.value());
  BOOST_TEST(!told.supports_streaming.value());
  BOOST_TEST(told.context_window == 8192U);
  BOOST_TEST((told.api.value() == api_kind::responses));
  const auto model = [](const std::string& line) { return generic("[llm.providers.p.models.m]\n" + line); };
  is_fault(model("supports_tools = 1"), "5:18 llm.providers.p.models.m.supports_tools", "true or false");
  is_fault(model("context_window = 0"), "5:18 llm.providers.p.models.m.context_window", "from 1 to");
  is_fault(model("context_window = 100\nmax_tokens = 101"), "5:18 llm.providers.p.models.m.context_window",
           "is less than max_tokens");
  is_fault(model("api = \"completions\""), "5:7 llm.providers.p.models.m.api", "expected \"chat\"");
}

BOOST_AUTO_TEST_CASE(a_streamed_attempt_has_a_time_of_its_own) {
  BOOST_TEST((provider_of(generic("")).stream_timeout == 600s));
  // It may well be shorter than what an answer in one piece may take.
  const provider_config made = provider_of(generic("timeout = \"1m\"\nstream_timeout = \"20s\""));
  BOOST_TEST((made.stream_timeout == 20s));
  BOOST_TEST((made.timeout == 60s));
}

BOOST_AUTO_TEST_CASE(all_faults_of_a_provider_come_at_once) {
  const auto loaded =
      load(generic("api = \"a\"\nauth = \"b\"\nmax_tokens_field = \"c\"\nstream_usage = 1\n"
                   "path = \"d\"\napi_version = \"\"\nstream_timeout = 0\n"
                   "[llm.providers.p.query]\ne = 1\n[llm.providers.p.models.m]\napi = \"f\""));
  BOOST_REQUIRE(loaded.has_error());
  BOOST_TEST(loaded.error().size() == 9U);
  for (std::size_t n = 1; n < loaded.error().size(); ++n)
    BOOST_TEST(loaded.error()[n - 1].line < loaded.error()[n].line);
}

BOOST_AUTO_TEST_SUITE_END()
