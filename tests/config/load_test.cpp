// The design's file, whole and in parts, and every way in which a file can be wrong.
#include "config/show.hpp"
#include "tests/config/loading.hpp"

#include <boost/test/unit_test.hpp>

#include <fstream>
#include <iterator>
#include <random>

using namespace weir;
using namespace weir::tests;
using namespace std::chrono_literals;

namespace {

std::string data_text(const std::string& name) {
  std::ifstream in(std::string(WEIR_TEST_DATA) + "/config/" + name);
  return {std::istreambuf_iterator<char>(in), {}};
}

std::string design_text() {
  return data_text("design.toml");
}

} // namespace

BOOST_AUTO_TEST_SUITE(load_test)

BOOST_AUTO_TEST_CASE(the_design_file_loads_unchanged) {
  const auto loaded = load(design_text());
  BOOST_REQUIRE(loaded.has_value());
  const snapshot& config = **loaded;
  BOOST_TEST(config.default_provider.str() == "openai");
  BOOST_TEST(config.usage_data_dir == "./data/llm-usage");
  BOOST_REQUIRE_EQUAL(config.providers.size(), 2U);
  const provider_config& openai = config.providers[0];
  BOOST_TEST((openai.timeout == 30s));
  BOOST_TEST(openai.max_retries.value() == 3U);
  BOOST_TEST(openai.api_key.reveal() == canary);
  const model_config& gpt = openai.models.at(0);
  BOOST_TEST(gpt.display_name == "GPT-4");
  BOOST_TEST(gpt.max_tokens == 8192U);
  BOOST_TEST(gpt.supports_vision.value());
  BOOST_TEST(!gpt.api.has_value());
  BOOST_TEST(gpt.prices->input.picos_per_million == 30'000'000'000'000);
  BOOST_TEST((openai.wire.value().api == api_kind::chat));
  BOOST_TEST(config.providers[1].base_url == "https://api.anthropic.com/v1");
  BOOST_TEST((config.providers[1].wire.value().api == api_kind::messages));
  BOOST_TEST(config.retry.rules.size() == 3U);
  for (const auto& [type, rule] : config.retry.rules) {
    BOOST_TEST(rule.max_retries == 2U); // max_attempts overrides every class
    BOOST_TEST((rule.base_delay == 1s));
    BOOST_TEST(rule.factor_permille == 2000U);
  }
}

BOOST_AUTO_TEST_CASE(where_nothing_is_said_each_class_has_its_own_rule) {
  const auto loaded = load(with(""));
  BOOST_REQUIRE(loaded.has_value());
  const auto& rules = (*loaded)->retry.rules;
  BOOST_TEST(rules.at(errc::network).max_retries == 3U);
  BOOST_TEST((rules.at(errc::rate_limit).backoff == backoff_kind::linear));
  BOOST_TEST(rules.at(errc::rate_limit).max_retries == 5U);
  BOOST_TEST((rules.at(errc::server_error).backoff == backoff_kind::fixed));
  BOOST_TEST(!rules.contains(errc::auth));
}

BOOST_AUTO_TEST_CASE(one_class_can_be_ruled_apart) {
  const auto loaded =
      load(with("", "[llm.retry]\nmax_attempts = 2\nbackoff_factor = 1.125\n[llm.retry.rate_limit]\n"
                    "max_retries = 9\nbackoff = \"fixed\"\nbase_delay = \"2s\"\n"));
  BOOST_REQUIRE(loaded.has_value());
  const auto& rules = (*loaded)->retry.rules;
  BOOST_TEST(rules.at(errc::network).max_retries == 1U);
  BOOST_TEST(rules.at(errc::network).factor_permille == 1125U);
  BOOST_TEST(rules.at(errc::rate_limit).max_retries == 9U);
  BOOST_TEST((rules.at(errc::rate_limit).base_delay == 2s));
}

BOOST_AUTO_TEST_CASE(providers_and_models_keep_the_order_of_the_file) {
  const auto loaded = load(
      "[llm]\ndefault_provider = \"z\"\n[llm.providers.z]\ntype = \"generic\"\nbase_url = \"https://z\"\n"
      "[llm.providers.z.models.\"gpt-4.1\"]\n[llm.providers.z.models.b]\n[llm.providers.z.models.a]\n"
      "[llm.providers.a]\ntype = \"generic\"\nbase_url = \"https://a\"\n");
  BOOST_REQUIRE(loaded.has_value());
  BOOST_TEST((*loaded)->providers[0].name.str() == "z");
  BOOST_TEST((*loaded)->providers[0].models[0].name.str() == "gpt-4.1");
  BOOST_TEST((*loaded)->providers[0].models[1].name.str() == "b");
  BOOST_TEST((*loaded)->providers[1].name.str() == "a");
}

BOOST_AUTO_TEST_CASE(prices_never_pass_through_a_double) {
  const auto loaded =
      load(with("", "[llm.providers.p.models.m.pricing]\ncurrency = \"USD\"\ninput_price = 0.100000000001\n"
                    "output_price = \"60\"\ncached_input_price = 1e-3\ncache_write_price = 7\n"));
  BOOST_REQUIRE(loaded.has_value());
  const pricing& prices = *(*loaded)->providers[0].models[0].prices;
  BOOST_TEST(prices.input.picos_per_million == 100'000'000'001);
  BOOST_TEST(prices.output.picos_per_million == 60'000'000'000'000);
  BOOST_TEST(prices.cached_input->picos_per_million == 1'000'000'000);
  BOOST_TEST(prices.cache_write->picos_per_million == 7'000'000'000'000);
}

BOOST_AUTO_TEST_CASE(every_fault_is_told_with_its_place_and_what_was_expected) {
  is_fault("", "1:1 llm", "is missing");
  is_fault("[llm]\n", "1:1 llm.providers", "is missing");
  is_fault("x = \n", "1:5", "expected value");
  is_fault("[llm]\n[llm]\n", "2:", "redefine");
  is_fault(with("timeuot = 1"), "5:1 llm.providers.p.timeuot", "did you mean 'timeout'");
  is_fault(with("timeout = true"), "5:11 llm.providers.p.timeout", "boolean; expected milliseconds");
  is_fault(with("timeout = 0"), "5:11 llm.providers.p.timeout", "is no time");
  is_fault(with("timeout = -5"), "5:11 llm.providers.p.timeout", "is no time");
  is_fault(with("timeout = \"5 s\""), "5:11 llm.providers.p.timeout", "\"30s\"");
  is_fault(with("timeout = \"1e99s\""), "5:11 llm.providers.p.timeout", "is no time");
  is_fault(with("max_retries = 1.5"), "5:15 llm.providers.p.max_retries", "expected a whole number");
  is_fault(with("max_retries = 4294967296"), "5:15 llm.providers.p.max_retries", "from 0 to 100");
  is_fault(with("base_url = \"http://10.0.0.1/v1\""), "5:12 llm.providers.p.base_url", "allow_insecure_http");
  is_fault(with("base_url = \"https://u:p@x\""), "5:12 llm.providers.p.base_url", "user name");
  is_fault(with("ca_file = \"/nowhere/ca.pem\""), "5:11 llm.providers.p.ca_file", "cannot be read");
  is_fault(with("[llm.providers.p.headers]\nX = \"a\\nb\""), "6:5 llm.providers.p.headers.X",
           "control character");
  is_fault("[llm]\n[llm.providers.p]\ntype = \"gopher\"\napi_key = \"k\"\nbase_url = \"https://x\"\n",
           "3:8 llm.providers.p.type", "\"openai\", \"claude\" or \"generic\"");
  is_fault("[llm]\n[llm.providers.p]\ntype = \"openai\"\n", "2:1 llm.providers.p.api_key", "is missing");
  is_fault("[llm]\n[llm.providers.p]\ntype = \"generic\"\n", "2:1 llm.providers.p.base_url", "is missing");
  is_fault("[llm]\n[llm.providers.p]\ntype = \"openai\"\nenabled = false\n", "2:1 llm.providers",
           "no enabled provider");
  is_fault(with("", "[llm.retry]\nretryable_errors = [\"netwrok\"]"), "7:20 llm.retry.retryable_errors",
           "no class of error");
  is_fault(with("", "[llm.retry]\nretryable_errors = [1]"), "7:20 llm.retry.retryable_errors",
           "array of strings");
  is_fault(with("", "[llm.retry]\nbackoff_factor = 0.5"), "7:18 llm.retry.backoff_factor", "from 1 to 100");
  is_fault(with("", "[llm.retry.network]\nbase_delay = 20000"), "6:", "less than base_delay");
  is_fault(
      with("", "[llm.providers.p.models.m.pricing]\ncurrency = \"usd\"\ninput_price = 1\noutput_price = 1"),
      "7:12 llm.providers.p.models.m.pricing.currency", "three capital letters");
  is_fault(
      with("", "[llm.providers.p.models.m.pricing]\ncurrency = \"USD\"\ninput_price = -1\noutput_price = 1"),
      "8:15 llm.providers.p.models.m.pricing.input_price", "is negative");
  is_fault(
      with("", "[llm.providers.p.models.m.pricing]\ncurrency = \"USD\"\ninput_price = nan\noutput_price = 1"),
      "8:15 llm.providers.p.models.m.pricing.input_price", "not a decimal");
  is_fault(with("", "[llm.providers.p.models.m.pricing]\ncurrency = \"USD\"\ninput_price = 1"),
           "6:1 llm.providers.p.models.m.pricing.output_price", "is missing");
  is_fault(with("", "[llm.circuit_breaker]\nfailure_percent = 101"),
           "7:19 llm.circuit_breaker.failure_percent", "from 1 to 100");
  is_fault(with("", "[other]\nx = 1"), "6:2 other", "is unknown");
}

BOOST_AUTO_TEST_CASE(all_faults_come_at_once_in_the_order_of_the_file) {
  const auto loaded =
      load(with("timeout = 0\nmax_retries = -1\nenabeld = true", "[llm.limits]\nmax_in_flight = 0\n"));
  BOOST_REQUIRE(loaded.has_error());
  BOOST_REQUIRE_EQUAL(loaded.error().size(), 4U);
  for (std::size_t n = 1; n < 4; ++n)
    BOOST_TEST(loaded.error()[n - 1].line < loaded.error()[n].line);
  BOOST_TEST(to_string(loaded.error()[0]).starts_with("weir.toml:5:11: llm.providers.p.timeout: "));
}

BOOST_AUTO_TEST_CASE(variables_are_replaced_once_and_missing_ones_are_named) {
  const auto text = [](const std::string& value) {
    return "[llm]\nusage_data_dir = \"" + value +
           "\"\n[llm.providers.p]\ntype = \"openai\"\napi_key = \"k\"\n";
  };
  BOOST_TEST((*load(text("a-${OPENAI_API_KEY}-b")))->usage_data_dir == "a-" + canary + "-b");
  BOOST_TEST((*load(text("$${HOME}")))->usage_data_dir == "${HOME}");
  BOOST_TEST((*load(text("${NESTED}")))->usage_data_dir == "${OPENAI_API_KEY}");
  is_fault(text("${NOT_SET}"), "2:18 llm.usage_data_dir", "NOT_SET, which is not set");
  is_fault(text("${EMPTY}"), "2:18 llm.usage_data_dir", "EMPTY, which is empty");
  is_fault(text("${OPEN"), "2:18 llm.usage_data_dir", "without '}'");
  // A provider that is disabled needs no key.
  const auto loaded =
      load(with("", "[llm.providers.q]\ntype = \"claude\"\napi_key = \"${NOT_SET}\"\nenabled = false\n"));
  BOOST_TEST(loaded.has_value());
}

BOOST_AUTO_TEST_CASE(a_disabled_provider_needs_none_of_its_variables_and_is_checked_all_the_same) {
  const auto disabled = [](const std::string& lines) {
    return with("", "[llm.providers.q]\nenabled = false\n" + lines);
  };
  const std::string excused = disabled("type = \"${NOT_SET}\"\nbase_url = \"http://${NOT_SET}:${EMPTY}/v1\"\n"
                                       "api_key = \"a${NOT_SET}b\"\nca_file = \"${NOT_SET}/ca.pem\"\n"
                                       "[llm.providers.q.headers]\nX-A = \"${NOT_SET}\"\n"
                                       "[llm.providers.q.models.m]\ndisplay_name = \"${NOT_SET}\"\n"
                                       "[llm.providers.q.models.m.pricing]\ncurrency = \"${NOT_SET}\"\n"
                                       "unit = \"${NOT_SET}\"\ninput_price = 1\noutput_price = 1\n");
  const auto loaded = load(excused);
  BOOST_REQUIRE_MESSAGE(loaded.has_value(), only_fault(excused));
  const provider_config& q = (*loaded)->providers[1];
  BOOST_TEST(q.base_url == "https://api.openai.com/v1");
  BOOST_TEST(q.api_key.empty());
  BOOST_TEST(q.ca_file.empty());
  BOOST_TEST(q.headers.empty());
  BOOST_TEST(q.models[0].display_name == "m");
  BOOST_TEST(load(disabled("type = \"generic\"\nbase_url = \"${NOT_SET}\"\n")).has_value());
  is_fault(disabled("type = \"gopher\"\n"), "8:8 llm.providers.q.type", "expected \"openai\"");
  is_fault(disabled("type = \"claude\"\nbase_url = \"ftp://x\"\n"), "9:12 llm.providers.q.base_url",
           "http://");
  is_fault(disabled("type = \"claude\"\nbase_url = \"${NOT_SET}${OPEN\"\n"), "9:12 llm.providers.q.base_url",
           "without '}'");
  is_fault(disabled("type = \"claude\"\napi_key = \"${EVIL}\"\n"), "9:11 llm.providers.q.api_key",
           "control character");
  // What stands behind it is excused of nothing.
  is_fault("[llm]\n[llm.providers.q]\ntype = \"claude\"\nenabled = false\n[llm.providers.r]\n"
           "type = \"openai\"\napi_key = \"${NOT_SET}\"\n",
           "7:11 llm.providers.r.api_key", "not set");
}

BOOST_AUTO_TEST_CASE(a_header_that_no_request_can_carry_is_refused_by_the_loader_with_its_place) {
  const auto header = [](const std::string& line) { return with("[llm.providers.p.headers]\n" + line); };
  for (const std::string name :
       {"Content-Length", "transfer-encoding", "CONNECTION", "Upgrade", "trailer", "Host"})
    is_fault(header("X-A = \"1\"\n" + name + " = \"1\""), "7:1 llm.providers.p.headers." + name,
             "weir writes itself");
  is_fault(header("\"X A\" = \"1\""), "6:1 llm.providers.p.headers.\"X A\"", "is no name of a header");
  is_fault(header("\"X:\" = \"1\""), "6:1 llm.providers.p.headers.\"X:\"", "is no name of a header");
  is_fault(header("\"\" = \"1\""), "6:1 llm.providers.p.headers.\"\"", "is no name of a header");
  is_fault(header("'\xce\xbc' = \"1\""), "6:1 llm.providers.p.headers.\"\xce\xbc\"",
           "is no name of a header");
  // What a terminal would obey is told as TOML writes it.
  is_fault(header("\"X\\r\\nY\" = \"1\""), "6:1 llm.providers.p.headers.\"X\\u000D\\u000AY\"",
           "is no name of a header");
  is_fault(header("X = \"a\\u007fb\""), "6:5 llm.providers.p.headers.X", "control character");
  BOOST_TEST(load(header("\"!#$%&'*+-.^_`|~09azAZ\" = \"\\t\xc3\xa9\"\nHosts = \"1\"")).has_value());
}

BOOST_AUTO_TEST_CASE(a_name_that_the_ledger_could_not_book_is_refused) {
  const auto provider = [](const std::string& name) {
    return "[llm]\n[llm.providers." + name + "]\ntype = \"openai\"\napi_key = \"k\"\n";
  };
  const auto model = [](const std::string& name) {
    return with("", "[llm.providers.p.models." + name + "]\n");
  };
  const std::string most(1024, 'n');
  BOOST_TEST(load(provider(most)).has_value());
  BOOST_TEST(load(model(most)).has_value());
  is_fault(provider(most + 'n'), "2:16 llm.providers.\"nnn", "a name of 1025 bytes; at most 1,024");
  is_fault(model(most + 'n'), "6:25 llm.providers.p.models.\"nnn", "a name of 1025 bytes; at most 1,024");
  // The fault itself stays short.
  BOOST_TEST(only_fault(model(std::string(500'000, 'n'))).size() < 400U);
}

BOOST_AUTO_TEST_CASE(no_fault_ever_shows_a_secret) {
  for (const std::string& lines : {std::string("api_key = \"${EVIL}\""), "api_key = \"" + canary + " \"",
                                   "api_key = \"" + canary + "\"\ntimeout = 0",
                                   "headers = {X = \"" + canary + "\\n\"}\napi_key = \"k\""}) {
    const auto loaded = load("[llm]\n[llm.providers.p]\ntype = \"openai\"\n" + lines + "\n");
    BOOST_REQUIRE_MESSAGE(loaded.has_error(), lines);
    for (const config_fault& each : loaded.error())
      BOOST_TEST(to_string(each).find("canary") == std::string::npos, lines);
  }
}

BOOST_AUTO_TEST_CASE(what_is_shown_masks_secrets_and_loads_again) {
  const auto loaded = load(design_text());
  const std::string shown = config::to_toml(**loaded);
  BOOST_TEST(shown.find("canary") == std::string::npos);
  BOOST_TEST(shown.find("****6789") != std::string::npos);
  const auto again = load(shown);
  BOOST_REQUIRE_MESSAGE(again.has_value(), only_fault(shown));
  BOOST_TEST(config::to_toml(**again).size() >= shown.size() - 20); // apart from the masks, the same
  BOOST_TEST((*again)->providers[0].models[0].prices->input.picos_per_million == 30'000'000'000'000);
}

BOOST_AUTO_TEST_CASE(crafted_texts_are_refused_and_never_crash) {
  std::string deep = "x = ";
  for (int n = 0; n != 10'000; ++n)
    deep += '[';
  std::string dotted = "a";
  for (int n = 0; n != 100'000; ++n)
    dotted += ".a";
  // One or two quotes before the closing three belong to the string: the dots behind it are no part of it.
  for (const std::string quote : {"\"", "'"})
    for (const std::size_t closing : {3U, 4U, 5U}) {
      std::string text = "x = [" + quote + quote + quote + "a";
      for (std::size_t n = 0; n != closing; ++n)
        text += quote;
      is_fault(text + ", {" + dotted + " = 1}]", "1:", "more than 64 dots");
    }
  for (const std::string& text :
       {deep, dotted + " = 1", std::string("[&"), std::string("[[[1]]]"), std::string("[\t\n"),
        std::string("x = 9223372036854775808"), std::string("x = \"\xff\""), std::string("a\0b = 1", 7),
        std::string("a = 1\rb = 2"), std::string(2 << 20, '#'), std::string("\xce\xbc = 1"),
        std::string("x = \"unfinished")})
    BOOST_TEST(load(text).has_error());
  BOOST_TEST(load("\xef\xbb\xbf" + with("")).has_value());
  BOOST_TEST(
      load("# \xce\xbc\n" +
           with("", "[llm.providers.p.models.'\xce\xbc']\ndisplay_name = \"\"\"\n\xce\xbc \\\"\"\"\"\n"))
          .has_value());
  BOOST_TEST(load(with("", "[llm.providers.p.models.m]\ndisplay_name = \"\"\"" + std::string(100, '.') +
                               "\"\"\"\"\"\n" + "[llm.providers.p.models.n]\ndisplay_name = '''" +
                               std::string(100, '.') + "''''\n"))
                 .has_value());
  std::string crlf = with("timeout = 5");
  for (std::size_t at = 0; (at = crlf.find('\n', at)) != std::string::npos; at += 2)
    crlf.insert(at, 1, '\r');
  BOOST_TEST(load(crlf).has_value());
}

BOOST_AUTO_TEST_CASE(every_prefix_and_random_damage_give_a_snapshot_or_faults) {
  const auto seed = std::random_device{}();
  BOOST_TEST_MESSAGE("seed " << seed);
  std::mt19937_64 random(seed);
  for (const char* file : {"design.toml", "every_key.toml"}) {
    const std::string whole = data_text(file);
    BOOST_REQUIRE(!whole.empty());
    for (std::size_t length = 0; length < whole.size(); ++length) {
      const auto loaded = load(whole.substr(0, length));
      BOOST_REQUIRE(loaded.has_value() || !loaded.error().empty());
    }
    for (int round = 0; round != 500; ++round) {
      std::string text = whole;
      for (auto changes = 1 + random() % 4; changes > 0; --changes)
        text[random() % text.size()] = static_cast<char>(random());
      const auto loaded = load(text);
      BOOST_REQUIRE(loaded.has_value() || !loaded.error().empty());
    }
  }
}

BOOST_AUTO_TEST_SUITE_END()
