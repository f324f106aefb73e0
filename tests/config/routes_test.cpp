// Routes: every way to write one, everything that can be wrong with one, and that what is shown loads again.
#include "config/show.hpp"
#include "tests/config/loading.hpp"

#include <boost/test/unit_test.hpp>

using namespace weir;
using namespace weir::tests;
using namespace std::chrono_literals;

namespace {

/// Providers: `a` lists two models, `b` takes any, `off` is disabled.
const std::string providers = "[llm]\ndefault_provider = \"a\"\n"
                              "[llm.providers.a]\ntype = \"openai\"\napi_key = \"k\"\n"
                              "[llm.providers.a.models.gpt-4]\n[llm.providers.a.models.fast]\n"
                              "[llm.providers.b]\ntype = \"generic\"\nbase_url = \"https://b\"\n"
                              "[llm.providers.off]\ntype = \"claude\"\nenabled = false\n";

/// x.
std::string route(const std::string& lines, const std::string& name = "fast") {
  return providers + "[llm.routes." + name + "]\n" + lines + "\n";
}

/// The only route of a good text.
route_config only_route(const std::string& text) {
  const auto loaded = load(text);
  BOOST_REQUIRE_MESSAGE(loaded.has_value(), only_fault(text));
  BOOST_REQUIRE_EQUAL((*loaded)->routes.size(), 1U);
  return (*loaded)->routes.front();
}

/// `provider/model*weight` of each candidate.
std::string text_of(const route_config& given) {
  std::string text;
  for (const route_candidate& each : given.candidates)
    text += (text.empty() ? "" : " ") + each.provider.str() + "/" + each.model.str() + "*" +
            std::to_string(each.weight);
  return text;
}

} // namespace

BOOST_AUTO_TEST_SUITE(routes_test)

BOOST_AUTO_TEST_CASE(a_candidate_is_written_as_a_text_an_inline_table_or_a_table_of_its_own) {
  const std::string seen = "a/gpt-4*3 b/claude-x*1";
  BOOST_TEST(text_of(only_route(route("candidates = [{ provider = \"a\", model = \"gpt-4\", weight = 3 },\n"
                                      "  { provider = \"b\", model = \"claude-x\" }]"))) == seen);
  BOOST_TEST(text_of(only_route(route("[[llm.routes.fast.candidates]]\nprovider = \"a\"\nmodel = \"gpt-4\"\n"
                                      "weight = 3\n[[llm.routes.fast.candidates]]\nprovider = \"b\"\n"
                                      "model = \"claude-x\""))) == seen);
  BOOST_TEST(text_of(only_route(route(
                 "candidates = [{ provider = \"a\", model = \"gpt-4\", weight = 3 }, \"b/claude-x\"]"))) ==
             seen);
  // A model's name may have slashes of its own.
  BOOST_TEST(text_of(only_route(route("candidates = [\"b/meta/llama:3\"]"))) == "b/meta/llama:3*1");
}

BOOST_AUTO_TEST_CASE(a_candidate_without_a_model_has_the_name_of_its_route) {
  BOOST_TEST(text_of(only_route(route("candidates = [\"b\", { provider = \"a\" }]"))) == "b/fast*1 a/fast*1");
}

BOOST_AUTO_TEST_CASE(what_a_route_does_not_say_is_the_plainest) {
  const route_config plain = only_route(route("candidates = [\"b\"]"));
  BOOST_TEST(plain.name.str() == "fast");
  BOOST_TEST((plain.strategy == route_strategy::priority));
  BOOST_TEST(plain.sticky_by.empty());
  BOOST_TEST(!plain.rescue.has_value());
  BOOST_TEST((plain.hedge_after == 0ms));
  BOOST_TEST(!plain.reroute_content_filter);
}

BOOST_AUTO_TEST_CASE(every_key_of_a_route_is_read) {
  const route_config full =
      only_route(route("strategy = \"lowest_latency\"\ncandidates = [\"b\"]\nsticky_by = \"user\"\n"
                       "rescue = \"continue\"\nhedge_after = \"2s\"\nreroute_content_filter = true"));
  BOOST_TEST((full.strategy == route_strategy::lowest_latency));
  BOOST_TEST(full.sticky_by == "user");
  BOOST_TEST((full.rescue == rescue_policy::continue_stream));
  BOOST_TEST((full.hedge_after == 2s));
  BOOST_TEST(full.reroute_content_filter);
  for (const route_strategy each :
       {route_strategy::priority, route_strategy::weighted, route_strategy::least_busy,
        route_strategy::lowest_latency, route_strategy::lowest_cost})
    BOOST_TEST((only_route(route("candidates = [\"b\"]\nstrategy = \"" + std::string(to_string(each)) + "\""))
                    .strategy == each));
  for (const rescue_policy each :
       {rescue_policy::fail, rescue_policy::buffer, rescue_policy::restart, rescue_policy::continue_stream})
    BOOST_TEST((
        only_route(route("candidates = [\"b\"]\nrescue = \"" + std::string(to_string(each)) + "\"")).rescue ==
        each));
}

BOOST_AUTO_TEST_CASE(routes_keep_the_order_of_the_file_and_may_name_what_no_provider_has) {
  const auto loaded =
      load(route("candidates = [\"b\"]", "z") + "[llm.routes.\"gpt-4.1\"]\ncandidates = [\"a/gpt-4\"]\n"
                                                "[llm.routes.a]\ncandidates = [\"off/claude-x\", \"b\"]\n");
  BOOST_REQUIRE(loaded.has_value());
  BOOST_REQUIRE_EQUAL((*loaded)->routes.size(), 3U);
  BOOST_TEST((*loaded)->routes[0].name.str() == "z");
  BOOST_TEST((*loaded)->routes[1].name.str() == "gpt-4.1");
  BOOST_TEST(text_of((*loaded)->routes[2]) == "off/claude-x*1 b/a*1"); // a disabled one is allowed
  BOOST_TEST(route_for(**loaded, model_name("gpt-4.1")) == &(*loaded)->routes[1]);
}

BOOST_AUTO_TEST_CASE(every_fault_of_a_route_is_told_with_its_place) {
  is_fault(route(""), "14:1 llm.routes.fast.candidates", "is missing; expected an array");
  is_fault(route("candidates = []"), "15:14 llm.routes.fast.candidates", "is empty");
  is_fault(route("candidates = \"b\""), "15:14 llm.routes.fast.candidates", "array of tables or strings");
  is_fault(route("candidates = [\"b\", 1]"), "15:14 llm.routes.fast.candidates",
           "array of tables or strings");
  is_fault(route("candidates = [\"b\", \"c/x\"]"), "15:20 llm.routes.fast.candidates",
           "names the provider \"c\", which is none of this file");
  is_fault(route("candidates = [\"b\",\n  { provider = \"a\", model = \"gpt-5\" }]"),
           "16:3 llm.routes.fast.candidates", "the model \"gpt-5\", which the provider \"a\" does not list");
  is_fault(route("candidates = [\"a\"]", "quick"), "15:15 llm.routes.quick.candidates",
           "the provider \"a\" lists none called \"quick\"");
  is_fault(route("candidates = [\"b/\"]"), "15:15 llm.routes.fast.candidates", "an empty model");
  is_fault(route("candidates = [\"b/x\", \"b\", { provider = \"b\", model = \"x\", weight = 2 }]"),
           "15:27 llm.routes.fast.candidates", "the model \"x\" of the provider \"b\" twice");
  is_fault(route("candidates = [\"off/x\", \"off/y\"]"), "15:14 llm.routes.fast.candidates",
           "disabled providers only");
  is_fault(route("candidates = [{ provider = \"a\", model = 4 }]"), "15:41 llm.routes.fast.candidates.model",
           "expected a string");
  is_fault(route("[[llm.routes.fast.candidates]]\nprovider = \"c\""), "15:1 llm.routes.fast.candidates",
           "names the provider \"c\"");
  is_fault(route("candidates = [\"b/" + std::string(1025, 'm') + "\"]"), "15:15 llm.routes.fast.candidates",
           "names a model of 1025 bytes");
  is_fault(route("candidates = [{ model = \"x\" }]"), "15:15 llm.routes.fast.candidates.provider",
           "is missing");
  is_fault(route("candidates = [{ provider = \"b\", weigth = 1 }]"),
           "15:33 llm.routes.fast.candidates.weigth", "did you mean 'weight'");
  is_fault(route("candidates = [{ provider = \"b\", weight = -1 }]"),
           "15:42 llm.routes.fast.candidates.weight", "from 0 to 1000");
  is_fault(route("candidates = [{ provider = \"b\", weight = 0.5 }]"),
           "15:42 llm.routes.fast.candidates.weight", "whole number");
  is_fault(route("strategy = \"random\"\ncandidates = [\"b\"]"), "15:12 llm.routes.fast.strategy",
           "is \"random\"; expected \"priority\", \"weighted\", \"least_busy\", \"lowest_latency\" or "
           "\"lowest_cost\"");
  is_fault(route("rescue = \"retry\"\ncandidates = [\"b\"]"), "15:10 llm.routes.fast.rescue",
           "\"fail\", \"buffer\", \"restart\" or \"continue\"");
  is_fault(route("hedge_after = -1\ncandidates = [\"b\"]"), "15:15 llm.routes.fast.hedge_after",
           "is no time");
  is_fault(route("sticky_by = \"" + std::string(1025, 'k') + "\"\ncandidates = [\"b\"]"),
           "15:13 llm.routes.fast.sticky_by", "no tag has more than 1,024");
  is_fault(route("stickyby = \"user\"\ncandidates = [\"b\"]"), "15:1 llm.routes.fast.stickyby",
           "did you mean 'sticky_by'");
  is_fault(route("candidates = [\"b\"]", "\"\""), "14:13 llm.routes.\"\"", "is empty");
  is_fault(providers + "[llm.route.fast]\n", "14:6 llm.route", "did you mean 'routes'");
  is_fault(providers + "routes = 1\n", "14:1 llm.providers.off.routes", "is unknown");
}

BOOST_AUTO_TEST_CASE(weights_of_zero_are_good_as_long_as_somebody_has_one) {
  const std::string first = "strategy = \"weighted\"\ncandidates = [{ provider = \"a\", weight = 0 }, ";
  BOOST_TEST(text_of(only_route(route(first + "{ provider = \"b\", weight = 1 }]"))) == "a/fast*0 b/fast*1");
  is_fault(route(first + "{ provider = \"b\", weight = 0 }]"), "16:14 llm.routes.fast.candidates",
           "no weight above 0");
  // In any other order weights mean nothing.
  BOOST_TEST(only_route(route("candidates = [{ provider = \"b\", weight = 0 }]")).candidates.size() == 1U);
}

BOOST_AUTO_TEST_CASE(candidates_take_variables_as_every_other_text_does) {
  const auto named =
      config::load_text(route("candidates = [\"${WHO}/x\"]"), "weir.toml", [](const auto& name) {
        return name == "WHO" ? std::optional<std::string>("b") : std::nullopt;
      });
  BOOST_REQUIRE(named.has_value());
  BOOST_TEST(text_of((*named)->routes.at(0)) == "b/x*1");
  is_fault(route("candidates = [\"a\", \"${NOT_SET}\"]"), "15:20 llm.routes.fast.candidates",
           "NOT_SET, which is not set");
}

BOOST_AUTO_TEST_CASE(candidates_and_routes_are_bounded) {
  const auto many = [](int count) {
    std::string text = "candidates = [";
    for (int n = 0; n != count; ++n)
      text += "\"b/m" + std::to_string(n) + "\", ";
    return route(text + "]");
  };
  BOOST_TEST(only_route(many(64)).candidates.size() == 64U);
  is_fault(many(65), "15:14 llm.routes.fast.candidates", "has 65 entries; at most 64");

  const auto routes = [](int count) {
    std::string text = providers + "[llm.routes]\n";
    for (int n = 0; n != count; ++n)
      text += "r" + std::to_string(n) + " = { candidates = [\"b\"] }\n";
    return text;
  };
  BOOST_TEST(load(routes(10'000)).has_value());
  is_fault(routes(10'001), "10015:1 llm.routes.r10000", "one of 10001 routes; there can be at most 10,000");
  // A name is bounded as a model's is, and faults stay short.
  is_fault(route("candidates = [\"b/x\"]", std::string(1025, 'n')), "14:13 llm.routes.\"nnn", "1025 bytes");
  BOOST_TEST(only_fault(route("candidates = [\"" + std::string(100'000, 'n') + "\"]")).size() < 400U);
}

BOOST_AUTO_TEST_CASE(all_faults_of_a_route_come_at_once) {
  const auto loaded = load(route("strategy = \"x\"\ncandidates = [\"c\", \"a/gpt-5\", { }]\nrescue = 1"));
  BOOST_REQUIRE(loaded.has_error());
  BOOST_TEST(loaded.error().size() == 5U, only_fault(route("candidates = [\"c\"]")));
}

BOOST_AUTO_TEST_CASE(what_is_shown_of_routes_loads_again_the_same) {
  const std::string text =
      route("strategy = \"weighted\"\ncandidates = [{ provider = \"a\", weight = 0 }, \"b/x/y\"]\n"
            "sticky_by = \"user\"\nrescue = \"restart\"\nhedge_after = 1500\nreroute_content_filter = true") +
      "[llm.routes.'a \"b\" ${c}']\ncandidates = ['b/\"$${d}']\n";
  const auto loaded = load(text);
  BOOST_REQUIRE_MESSAGE(loaded.has_value(), only_fault(text));
  const std::string shown = config::to_toml(**loaded);
  const auto again = load(shown);
  BOOST_REQUIRE_MESSAGE(again.has_value(), only_fault(shown));
  BOOST_TEST(config::to_toml(**again) == shown);
  BOOST_REQUIRE_EQUAL((*again)->routes.size(), 2U);
  for (std::size_t n = 0; n != 2; ++n) {
    const route_config& was = (*loaded)->routes[n];
    const route_config& is = (*again)->routes[n];
    BOOST_TEST((was.name == is.name));
    BOOST_TEST((was.strategy == is.strategy));
    BOOST_TEST(text_of(was) == text_of(is));
    BOOST_TEST(was.sticky_by == is.sticky_by);
    BOOST_TEST((was.rescue == is.rescue));
    BOOST_TEST((was.hedge_after == is.hedge_after));
    BOOST_TEST(was.reroute_content_filter == is.reroute_content_filter);
  }
  BOOST_TEST(text_of((*again)->routes[1]) == "b/\"${d}*1");
}

BOOST_AUTO_TEST_SUITE_END()
