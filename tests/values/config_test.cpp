// Defaults, names and look-ups of the configuration's values.
// Knows no file: reading one is tested with its reader.
#include <weir/config.hpp>

#include <boost/test/unit_test.hpp>

#include <stdexcept>

using namespace weir;

namespace {

void check_rule(const retry_config& config, errc type, std::uint32_t retries, backoff_kind backoff) {
  BOOST_TEST_REQUIRE(config.rules.contains(type), to_string(type));
  const retry_rule& rule = config.rules.at(type);
  BOOST_TEST(rule.max_retries == retries, to_string(type));
  BOOST_TEST((rule.backoff == backoff), to_string(type));
  BOOST_TEST((rule.base_delay == milliseconds{1000}));
  BOOST_TEST((rule.max_delay == milliseconds{10'000}));
  BOOST_TEST(rule.factor_permille == 2000U);
}

provider_config provider_of(const char* name, std::initializer_list<const char*> models) {
  provider_config made;
  made.name = provider_name(name);
  for (const char* each : models)
    made.models.emplace_back().name = model_name(each);
  return made;
}

} // namespace

BOOST_AUTO_TEST_SUITE(config_test)

BOOST_AUTO_TEST_CASE(what_is_retried_where_the_file_says_nothing) {
  const retry_config config = retry_config::defaults();
  check_rule(config, errc::network, 3, backoff_kind::exponential);
  check_rule(config, errc::rate_limit, 5, backoff_kind::linear);
  check_rule(config, errc::server_error, 2, backoff_kind::fixed);
  BOOST_TEST(config.rules.size() == 3U); // neither auth nor anything else
}

BOOST_AUTO_TEST_CASE(a_provider_is_found_by_its_whole_name) {
  snapshot config;
  config.providers = {provider_of("a", {}), provider_of("ab", {})};
  BOOST_TEST(config.find(provider_name("ab")) == &config.providers[1]);
  BOOST_TEST(config.find(provider_name("b")) == nullptr);
  BOOST_TEST(config.find(provider_name()) == nullptr);
}

BOOST_AUTO_TEST_CASE(a_provider_that_lists_models_offers_those_only) {
  const provider_config listed = provider_of("a", {"gpt-4", "gpt-4.1"});
  BOOST_TEST(find_model(listed, model_name("gpt-4.1")) == &listed.models[1]);
  BOOST_TEST(offers(listed, model_name("gpt-4")));
  BOOST_TEST(!offers(listed, model_name("GPT-4")));
  BOOST_TEST(!offers(listed, model_name("gpt")));
  const provider_config open = provider_of("b", {});
  BOOST_TEST(offers(open, model_name("anything")));
  BOOST_TEST(find_model(open, model_name("anything")) == nullptr);
}

BOOST_AUTO_TEST_CASE(a_fault_prints_with_what_is_known_of_its_place) {
  BOOST_TEST(to_string(config_fault{"w.toml", 3, 7, "llm.x", "is bad"}) == "w.toml:3:7: llm.x: is bad");
  BOOST_TEST(to_string(config_fault{"w.toml", 0, 0, "", "is missing"}) == "w.toml: is missing");
}

BOOST_AUTO_TEST_CASE(a_failed_result_throws_every_fault) {
  const boost::system::result<snapshot_ptr, config_faults> failed =
      config_faults{{"w.toml", 1, 1, "a", "is bad"}, {"w.toml", 2, 1, "b", "is worse"}};
  BOOST_CHECK_EXCEPTION((void)failed.value(), std::runtime_error, [](const std::runtime_error& thrown) {
    return std::string(thrown.what()) == "w.toml:1:1: a: is bad\nw.toml:2:1: b: is worse";
  });
}

BOOST_AUTO_TEST_CASE(types_of_provider_have_the_names_of_the_file) {
  BOOST_TEST(to_string(provider_type::openai) == "openai");
  BOOST_TEST(to_string(provider_type::claude) == "claude");
  BOOST_TEST(to_string(provider_type::generic) == "generic");
}

BOOST_AUTO_TEST_CASE(ways_of_telling_a_key_have_the_names_of_the_file) {
  BOOST_TEST(to_string(key_style::bearer) == "bearer");
  BOOST_TEST(to_string(key_style::x_api_key) == "x-api-key");
  BOOST_TEST(to_string(key_style::api_key) == "api-key");
  BOOST_TEST(to_string(key_style::none) == "none");
}

BOOST_AUTO_TEST_CASE(strategies_have_the_names_of_the_file) {
  BOOST_TEST(to_string(route_strategy::priority) == "priority");
  BOOST_TEST(to_string(route_strategy::weighted) == "weighted");
  BOOST_TEST(to_string(route_strategy::least_busy) == "least_busy");
  BOOST_TEST(to_string(route_strategy::lowest_latency) == "lowest_latency");
  BOOST_TEST(to_string(route_strategy::lowest_cost) == "lowest_cost");
}

BOOST_AUTO_TEST_CASE(a_route_is_found_by_its_whole_name) {
  snapshot config;
  config.routes.resize(2);
  config.routes[0].name = model_name("fast");
  config.routes[1].name = model_name("faster");
  BOOST_TEST(route_for(config, model_name("faster")) == &config.routes[1]);
  BOOST_TEST(route_for(config, model_name("fas")) == nullptr);
  BOOST_TEST(route_for(config, model_name()) == nullptr);
}

BOOST_AUTO_TEST_CASE(apis_are_found_by_the_names_that_they_print) {
  for (const api_kind each : {api_kind::chat, api_kind::messages, api_kind::responses})
    BOOST_TEST((to_api_kind(to_string(each)) == each), to_string(each));
  BOOST_TEST(!to_api_kind("Chat").has_value());
  BOOST_TEST(!to_api_kind("").has_value());
}

BOOST_AUTO_TEST_CASE(what_is_not_said_of_a_provider_follows_from_its_type) {
  provider_config provider;
  BOOST_TEST(wire_of(provider).max_tokens_field == "max_completion_tokens");
  provider.type = provider_type::claude;
  const wire_options claude = wire_of(provider);
  BOOST_TEST((claude.api == api_kind::messages));
  BOOST_TEST((claude.key == key_style::x_api_key));
  BOOST_TEST(claude.api_version == "2023-06-01");
  provider.type = provider_type::generic;
  BOOST_TEST((wire_of(provider) == wire_options{}));
  // What is said holds, whatever the type.
  provider.wire = claude;
  BOOST_TEST((wire_of(provider) == claude));
}

BOOST_AUTO_TEST_SUITE_END()
