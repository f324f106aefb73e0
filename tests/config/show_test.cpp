// What is shown can be read again, and does nothing to the terminal that it is shown on.
#include "config/load.hpp"
#include "config/presets.hpp"
#include "config/show.hpp"

#include <boost/test/unit_test.hpp>

#include <algorithm>
#include <fstream>
#include <iterator>
#include <sstream>
#include <string>

using namespace weir;
using namespace std::chrono_literals;

namespace {

auto load(const std::string& text) {
  return config::load_text(text, "weir.toml",
                           [](const std::string&) -> std::optional<std::string> { return std::nullopt; });
}

snapshot one_provider() {
  snapshot config;
  config.default_provider = provider_name("p");
  provider_config provider;
  provider.name = config.default_provider;
  provider.base_url = "https://x";
  provider.api_key = secret("k");
  config.providers.push_back(provider);
  return config;
}

std::string first_fault(const boost::system::result<snapshot_ptr, config_faults>& loaded) {
  return loaded ? std::string("good") : to_string(loaded.error().front());
}

/// Shows and loads again.
snapshot again(const snapshot& config) {
  const std::string shown = config::to_toml(config);
  const auto loaded = load(shown);
  BOOST_REQUIRE_MESSAGE(loaded.has_value(), shown << '\n' << first_fault(loaded));
  return **loaded;
}

} // namespace

BOOST_AUTO_TEST_SUITE(show_test)

BOOST_AUTO_TEST_CASE(control_characters_quotes_and_backslashes_are_shown_escaped_and_load_again) {
  const std::string wild = "a\nb\x1b[31m\"c\"\\d\\u0041\r\t\x7f" + std::string(1, '\0') +
                           "${HOME}$${X}$\xc2\x9b\xce\xbc\xf0\x9f\x98\x80";
  snapshot config = one_provider();
  model_config model;
  model.name = model_name(wild);
  model.display_name = wild;
  config.providers[0].models.push_back(model);
  config.usage_data_dir = "data\n\x1b";
  const std::string shown = config::to_toml(config);
  BOOST_TEST(std::ranges::none_of(
      shown, [](char letter) { return (letter != '\n' && letter >= 0 && letter < 0x20) || letter == 0x7f; }));
  BOOST_TEST(shown.find("\xc2\x9b") == std::string::npos);
  BOOST_TEST(shown.find("a\\u000Ab\\u001B[31m\\\"c\\\"\\\\d") != std::string::npos);
  const snapshot loaded = again(config);
  BOOST_TEST(loaded.providers[0].models.at(0).name.str() == wild);
  BOOST_TEST(loaded.providers[0].models.at(0).display_name == wild);
  BOOST_TEST(loaded.usage_data_dir == config.usage_data_dir);
}

BOOST_AUTO_TEST_CASE(what_is_no_utf_8_is_shown_as_such_and_loads_again) {
  snapshot config = one_provider();
  model_config model;
  model.name = model_name("m");
  // Alone, overlong, a surrogate, beyond the last, cut short.
  model.display_name = "\xff|\xc0\xaf|\xed\xa0\x80|\xf4\x90\x80\x80|\xe2\x82";
  config.providers[0].models.push_back(model);
  config.providers[0].api_key =
      secret("0123456789-\xf0\x9f\x98\x80\xf0\x9f\x98\x80z"); // its mask cuts a character
  const std::string one = "\xef\xbf\xbd";
  const std::string expected =
      one + '|' + one + one + '|' + one + one + one + '|' + one + one + one + one + '|' + one + one;
  BOOST_TEST(again(config).providers[0].models.at(0).display_name == expected);
}

BOOST_AUTO_TEST_CASE(classes_without_a_table_of_their_own_are_shown_so_that_they_load_again) {
  const std::string text = "[llm]\n[llm.providers.p]\ntype = \"openai\"\napi_key = \"k\"\n[llm.retry]\n"
                           "retryable_errors = [\"network\", \"overloaded\", \"timeout\", \"auth\"]\n";
  for (const std::string& rest :
       {std::string(),
        std::string("max_attempts = 7\nbase_delay = 20\nmax_delay = 300\nbackoff_factor = 1.125\n"),
        std::string("max_attempts = 1\n[llm.retry.network]\nmax_retries = 9\nbackoff = \"linear\"\n"
                    "[llm.retry.rate_limit]\nbase_delay = 3\n")}) {
    const auto loaded = load(text + rest);
    BOOST_REQUIRE_MESSAGE(loaded.has_value(), first_fault(loaded));
    const std::string shown = config::to_toml(**loaded);
    BOOST_TEST(shown.find("[llm.retry.overloaded]") == std::string::npos);
    BOOST_TEST((again(**loaded).retry.rules == (*loaded)->retry.rules), shown);
  }
}

BOOST_AUTO_TEST_CASE(every_preset_is_shown_with_what_it_stands_for_and_loads_again_the_same) {
  for (const config::preset& each : config::presets()) {
    const std::string name(each.name);
    const auto loaded =
        load("[llm.providers.p]\npreset = \"" + name + "\"\napi_key = \"k\"\nbase_url = \"https://x/v1\"\n");
    BOOST_REQUIRE_MESSAGE(loaded.has_value(), first_fault(loaded));
    const std::string shown = config::to_toml(**loaded);
    for (const std::string& line :
         {"preset = \"" + name + "\"\n", "type = \"" + std::string(to_string(each.type)) + "\"\n",
          "auth = \"" + std::string(to_string(each.key)) + "\"\n",
          "max_tokens_field = \"" + std::string(each.max_tokens_field) + "\"\n",
          std::string("stream_timeout = 600000\n")})
      BOOST_TEST(shown.find('\n' + line) != std::string::npos, line << shown);
    const snapshot same = again(**loaded);
    BOOST_TEST(same.providers.at(0).preset == name);
    BOOST_TEST((same.providers[0].type == each.type), name);
    BOOST_TEST((same.providers[0].wire == (*loaded)->providers[0].wire), name);
    BOOST_TEST(config::to_toml(same) == shown);
  }
}

BOOST_AUTO_TEST_CASE(every_key_of_the_data_file_is_shown_and_loads_again_the_same) {
  std::ifstream in(std::string(WEIR_TEST_DATA) + "/config/every_key.toml");
  const std::string text{std::istreambuf_iterator<char>(in), {}};
  const auto loaded = load(text);
  BOOST_REQUIRE_MESSAGE(loaded.has_value(), first_fault(loaded));
  const snapshot same = again(**loaded);
  BOOST_TEST(config::to_toml(same) == config::to_toml(**loaded));
  BOOST_REQUIRE_EQUAL(same.providers.size(), 4U);
  for (std::size_t n = 0; n != same.providers.size(); ++n) {
    const provider_config& was = (*loaded)->providers[n];
    const provider_config& is = same.providers[n];
    BOOST_TEST((was.wire == is.wire), was.name.str());
    BOOST_TEST(was.base_url == is.base_url);
    BOOST_TEST((was.stream_timeout == is.stream_timeout));
    BOOST_REQUIRE_EQUAL(was.models.size(), is.models.size());
    for (std::size_t m = 0; m != was.models.size(); ++m) {
      BOOST_TEST((was.models[m].api == is.models[m].api));
      BOOST_TEST(was.models[m].context_window == is.models[m].context_window);
      BOOST_TEST((was.models[m].supports_vision == is.models[m].supports_vision));
      BOOST_TEST((was.models[m].supports_tools == is.models[m].supports_tools));
      BOOST_TEST((was.models[m].supports_streaming == is.models[m].supports_streaming));
    }
  }
  // Each key of the file stands in what is shown, so none is forgotten there.
  const std::string shown = config::to_toml(**loaded);
  std::istringstream lines(text);
  std::size_t keys = 0;
  for (std::string line; std::getline(lines, line);)
    if (const auto equals = line.find(" = "); equals != std::string::npos && !line.starts_with('#')) {
      ++keys;
      BOOST_TEST(shown.find('\n' + line.substr(0, equals + 3)) != std::string::npos, line);
    }
  BOOST_TEST(keys > 80U);
}

BOOST_AUTO_TEST_CASE(a_query_is_shown_without_what_may_be_a_key) {
  const auto loaded = load("[llm.providers.p]\npreset = \"ollama\"\n[llm.providers.p.query]\n"
                           "api-version = \"2024-05-01-preview\"\nbeta = \"true\"\nKey = \"canary\"\n"
                           "subscription = \"canary-canary-canary\"\n");
  BOOST_REQUIRE_MESSAGE(loaded.has_value(), first_fault(loaded));
  const std::string shown = config::to_toml(**loaded);
  BOOST_TEST(shown.find("api-version = \"2024-05-01-preview\"\nbeta = \"true\"\n") != std::string::npos);
  BOOST_TEST(shown.find("Key = \"****\"\n") != std::string::npos, shown);
  BOOST_TEST(shown.find("subscription = \"****nary\"\n") != std::string::npos, shown);
  BOOST_TEST(shown.find("canary") == std::string::npos);
  (void)again(**loaded);
}

BOOST_AUTO_TEST_CASE(a_provider_that_was_made_in_code_is_shown_as_it_is_spoken_to) {
  snapshot config = one_provider();
  config.providers[0].type = provider_type::claude;
  const std::string shown = config::to_toml(config);
  BOOST_TEST(shown.find("api = \"messages\"\nauth = \"x-api-key\"\n") != std::string::npos, shown);
  BOOST_TEST((again(config).providers[0].wire.value() == wire_of(config.providers[0])));
}

BOOST_AUTO_TEST_CASE(a_disabled_provider_whose_url_is_not_known_loads_again) {
  const auto loaded = load("[llm]\n[llm.providers.p]\ntype = \"openai\"\napi_key = \"k\"\n[llm.providers.q]\n"
                           "type = \"generic\"\nbase_url = \"${NOT_SET}\"\nenabled = false\n");
  BOOST_REQUIRE(loaded.has_value());
  BOOST_TEST(!again(**loaded).providers.at(1).enabled);
}

BOOST_AUTO_TEST_SUITE_END()
