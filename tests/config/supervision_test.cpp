// What bounds, delays and refuses calls: the mode, the retry budget, breakers, limits, keys and the ledger.
#include "config/show.hpp"
#include "tests/config/loading.hpp"

#include <boost/test/unit_test.hpp>

using namespace weir;
using namespace weir::tests;
using namespace std::chrono_literals;

namespace {

snapshot loaded_from(const std::string& text) {
  const auto loaded = load(text);
  BOOST_REQUIRE_MESSAGE(loaded.has_value(), only_fault(text));
  return **loaded;
}

/// Shows and loads again.
snapshot again(const snapshot& config) {
  return loaded_from(config::to_toml(config));
}

std::string with_mode(const std::string& value) {
  return "[llm]\nmode = " + value + "\n[llm.providers.p]\ntype = \"openai\"\napi_key = \"k\"\n";
}

/// A provider whose keys are written so.
std::string with_keys(const std::string& lines) {
  return "[llm]\n[llm.providers.p]\ntype = \"openai\"\n" + lines + "\n";
}

std::string texts_of(const provider_config& provider) {
  std::string text(provider.api_key.reveal());
  for (const secret& each : provider.more_keys)
    text += ' ' + std::string(each.reveal());
  return text;
}

} // namespace

BOOST_AUTO_TEST_SUITE(supervision_test)

BOOST_AUTO_TEST_CASE(a_mode_is_one_of_three_words) {
  BOOST_TEST((loaded_from(with("")).mode == run_mode::normal));
  for (const run_mode each : {run_mode::normal, run_mode::offline, run_mode::read_only}) {
    const snapshot config = loaded_from(with_mode("\"" + std::string(to_string(each)) + "\""));
    BOOST_TEST((config.mode == each));
    BOOST_TEST((again(config).mode == each));
  }
  is_fault(with_mode("\"readonly\""), "2:8 llm.mode", "\"normal\", \"offline\" or \"read_only\"");
  is_fault(with_mode("true"), "2:8 llm.mode", "expected a string");
}

BOOST_AUTO_TEST_CASE(the_budget_of_retries_is_read_exactly_and_shown_again) {
  BOOST_TEST((loaded_from(with("")).retry.budget == retry_budget_config{}));
  const auto budget = [](const std::string& lines) { return with("", "[llm.retry.budget]\n" + lines); };
  const snapshot config =
      loaded_from(budget("enabled = false\ntokens = 500\nper_success = 0.125\nrefill_time = \"5s\""));
  const retry_budget_config expected{
      .enabled = false, .tokens = 500, .per_success_permille = 125, .refill_time = 5s};
  BOOST_TEST((config.retry.budget == expected));
  BOOST_TEST((again(config).retry.budget == expected));
  for (const auto& [text, permille] : {std::pair{"0", 0U},
                                       {"0.001", 1U},
                                       {"0.1", 100U},
                                       {"\"0.25\"", 250U},
                                       {"1", 1000U},
                                       {"1.0", 1000U},
                                       {"1e-1", 100U}})
    BOOST_TEST(loaded_from(budget("per_success = " + std::string(text))).retry.budget.per_success_permille ==
               permille);
  for (const std::string text : {"1.001", "0.0001", "-0.1", "nan", "2", "\"\""})
    is_fault(budget("per_success = " + text), "7:15 llm.retry.budget.per_success",
             "expected a number from 0 to 1 with at most three decimals");
  is_fault(budget("per_success = true"), "7:15 llm.retry.budget.per_success", "a decimal number");
  is_fault(budget("tokens = 0"), "7:10 llm.retry.budget.tokens", "from 1 to 1000000");
  is_fault(budget("tokens = 1000001"), "7:10 llm.retry.budget.tokens", "from 1 to 1000000");
  is_fault(budget("refill_time = \"25h\""), "7:15 llm.retry.budget.refill_time", "is no time");
  is_fault(budget("enabled = 1"), "7:11 llm.retry.budget.enabled", "true or false");
  is_fault(budget("per_sucess = 1"), "7:1 llm.retry.budget.per_sucess", "did you mean 'per_success'");
  is_fault(with("", "[llm.retry]\nbudget = 5"), "7:10 llm.retry.budget", "expected a table");
  // Nothing but the factor of a backoff may be larger.
  BOOST_TEST(loaded_from(with("", "[llm.retry]\nbackoff_factor = 100"))
                 .retry.rules.at(errc::network)
                 .factor_permille == 100'000U);
}

BOOST_AUTO_TEST_CASE(a_breaker_is_told_what_is_slow_and_how_it_is_probed) {
  const auto breaker = [](const std::string& lines) { return with("", "[llm.circuit_breaker]\n" + lines); };
  const snapshot config = loaded_from(
      breaker("slow_after = \"3s\"\nslow_percent = 60\njitter_percent = 0\nlast_resort = \"2s\""));
  BOOST_TEST((config.breaker.slow_after == 3s));
  BOOST_TEST(config.breaker.slow_percent == 60U);
  BOOST_TEST(config.breaker.jitter_percent == 0U);
  BOOST_TEST((config.breaker.last_resort == 2s));
  BOOST_TEST((again(config).breaker == config.breaker));
  BOOST_TEST((loaded_from(breaker("slow_after = 0\nlast_resort = 0")).breaker.last_resort == 0ms));
  is_fault(breaker("slow_percent = 0"), "7:16 llm.circuit_breaker.slow_percent", "from 1 to 100");
  is_fault(breaker("slow_percent = 101"), "7:16 llm.circuit_breaker.slow_percent", "from 1 to 100");
  is_fault(breaker("jitter_percent = 91"), "7:18 llm.circuit_breaker.jitter_percent", "from 0 to 90");
  is_fault(breaker("slow_after = -1"), "7:14 llm.circuit_breaker.slow_after", "is no time");
  is_fault(breaker("last_resort = \"5\""), "7:15 llm.circuit_breaker.last_resort", "is no time");
  is_fault(breaker("slow_ratio = 5"), "7:1 llm.circuit_breaker.slow_ratio", "is unknown");
}

BOOST_AUTO_TEST_CASE(who_waits_fairly_is_told_by_the_key_of_a_tag) {
  BOOST_TEST(loaded_from(with("")).limits.fair_by == "agent");
  for (const std::string key : {"tenant", ""}) {
    const snapshot config = loaded_from(with("", "[llm.limits]\nfair_by = \"" + key + "\""));
    BOOST_TEST(config.limits.fair_by == key);
    BOOST_TEST(again(config).limits.fair_by == key);
  }
  is_fault(with("", "[llm.limits]\nfair_by = \"" + std::string(1025, 'k') + "\""), "7:11 llm.limits.fair_by",
           "no tag has more than 1,024");
  is_fault(with("", "[llm.limits]\nfair_by = [\"a\"]"), "7:11 llm.limits.fair_by", "expected a string");
}

BOOST_AUTO_TEST_CASE(a_ledger_that_cannot_be_written_refuses_or_spools) {
  BOOST_TEST(loaded_from(with("")).ledger.refuse_when_broken);
  for (const bool refuse : {true, false}) {
    const snapshot config = loaded_from(
        with("", std::string("[llm.ledger]\non_failure = \"") + (refuse ? "refuse" : "spool") + "\""));
    BOOST_TEST(config.ledger.refuse_when_broken == refuse);
    BOOST_TEST(again(config).ledger.refuse_when_broken == refuse);
  }
  is_fault(with("", "[llm.ledger]\non_failure = \"ignore\""), "7:14 llm.ledger.on_failure",
           "\"refuse\" or \"spool\"");
}

BOOST_AUTO_TEST_CASE(a_provider_has_limits_of_its_own) {
  const provider_config plain = loaded_from(with("")).providers.at(0);
  BOOST_TEST((plain.first_token_timeout == 0ms));
  BOOST_TEST((plain.max_queue_wait == 30s));
  BOOST_TEST(plain.learn_limits);
  const snapshot config = loaded_from(
      with("first_token_timeout = \"8s\"\nmax_queue_wait = 0\nrequests_per_minute = 500\ntokens_per_minute = "
           "4000000000\nlearn_limits = false\nadaptive_concurrency = true\n[llm.providers.p.models.m]\n"
           "supports_prefill = true"));
  const snapshot same = again(config);
  for (const snapshot* each : {&config, &same}) {
    const provider_config& limited = each->providers.at(0);
    BOOST_TEST((limited.first_token_timeout == 8s));
    BOOST_TEST((limited.max_queue_wait == 0ms));
    BOOST_TEST(limited.requests_per_minute == 500U);
    BOOST_TEST(limited.tokens_per_minute == 4'000'000'000U);
    BOOST_TEST(!limited.learn_limits);
    BOOST_TEST(limited.adaptive_concurrency);
    BOOST_TEST(limited.models.at(0).supports_prefill);
  }
  is_fault(with("requests_per_minute = -1"), "5:23 llm.providers.p.requests_per_minute",
           "from 0 to 4000000000");
  is_fault(with("tokens_per_minute = 4000000001"), "5:21 llm.providers.p.tokens_per_minute",
           "from 0 to 4000000000");
  is_fault(with("first_token_timeout = \"25h\""), "5:23 llm.providers.p.first_token_timeout", "is no time");
  is_fault(with("max_queue_wait = -1"), "5:18 llm.providers.p.max_queue_wait", "is no time");
  is_fault(with("learn_limits = 1"), "5:16 llm.providers.p.learn_limits", "true or false");
  is_fault(with("adaptive_concurency = true"), "5:1 llm.providers.p.adaptive_concurency",
           "did you mean 'adaptive_concurrency'");
  is_fault(with("[llm.providers.p.models.m]\nsupports_prefil = true"),
           "6:1 llm.providers.p.models.m.supports_prefil", "did you mean 'supports_prefill'");
}

BOOST_AUTO_TEST_CASE(several_keys_keep_their_order) {
  BOOST_TEST(
      texts_of(loaded_from(with_keys("api_keys = [\"k1\", \"${A_API_KEY}\", \"k3\"]")).providers.at(0)) ==
      "k1 " + canary + " k3");
  const provider_config one = loaded_from(with_keys("api_keys = [\"k1\"]")).providers.at(0);
  BOOST_TEST(texts_of(one) == "k1");
  BOOST_TEST(one.more_keys.empty());
}

BOOST_AUTO_TEST_CASE(every_fault_of_the_keys_is_told_with_its_place_and_without_a_key) {
  const std::string key = "llm.providers.p.api_keys";
  is_fault(with_keys("api_keys = []"), "4:12 " + key, "is empty");
  is_fault(with_keys("api_keys = \"k\""), "4:12 " + key, "an array of strings");
  is_fault(with_keys("api_keys = [{ k = 1 }]"), "4:12 " + key, "an array of strings");
  is_fault(with_keys("api_keys = [\"k1\", \"\"]"), "4:19 " + key, "an empty key");
  is_fault(with_keys("api_key = \"k\"\napi_keys = [\"k1\"]"), "5:12 " + key, "beside api_key");
  is_fault(with_keys("api_keys = [\"" + canary + "\",\n  \"k2\", \"${A_API_KEY}\"]"), "5:9 " + key,
           "the same key twice");
  is_fault(with_keys("api_keys = [\"k1\", \"" + canary + " \"]"), "4:19 " + key,
           "space or control character");
  is_fault(with_keys("api_keys = [\"k1\", \"${NOT_SET}\"]"), "4:19 " + key, "NOT_SET, which is not set");
  is_fault(with_keys("api_keys = [\"${EVIL}\"]"), "4:13 " + key, "control character");
  is_fault(with_keys("auth = \"none\"\napi_keys = [\"k1\"]"), "5:12 " + key, "auth = \"none\"");
  is_fault(with_keys("api_kes = [\"k1\"]\napi_key = \"k\""), "4:1 llm.providers.p.api_kes",
           "did you mean 'api_key");
  std::string many = "api_keys = [";
  for (int n = 0; n != 1001; ++n)
    many += "\"k" + std::to_string(n) + "\", ";
  is_fault(with_keys(many + "]"), "4:12 " + key, "has 1001 keys; at most 1,000");
  for (const std::string& lines :
       {"api_keys = [\"" + canary + "\", \"" + canary + "\"]", "api_keys = [\"k\", \"" + canary + " \"]",
        "api_key = \"k\"\napi_keys = [\"" + canary + "\"]",
        "auth = \"none\"\napi_keys = [\"" + canary + "\"]"})
    BOOST_TEST(only_fault(with_keys(lines)).find("canary") == std::string::npos, lines);
}

BOOST_AUTO_TEST_CASE(a_disabled_provider_needs_none_of_its_keys) {
  const auto disabled = [](const std::string& keys) {
    return with("", "[llm.providers.q]\ntype = \"claude\"\nenabled = false\napi_keys = " + keys + "\n");
  };
  BOOST_TEST(
      loaded_from(disabled("[\"${NOT_SET}\", \"${NOT_SET_EITHER}\"]")).providers.at(1).api_key.empty());
  BOOST_TEST(texts_of(loaded_from(disabled("[\"${NOT_SET}\", \"k\"]")).providers.at(1)) == "k");
  is_fault(disabled("[]"), "9:12 llm.providers.q.api_keys", "is empty");
}

BOOST_AUTO_TEST_CASE(as_many_masks_are_shown_as_there_are_keys_and_they_load_again) {
  const snapshot config = loaded_from(
      with_keys("api_keys = [\"" + canary + "\", \"short\", \"brief\", \"sk-other-key-of-6789\"]"));
  const std::string shown = config::to_toml(config);
  BOOST_TEST(shown.find("api_keys = [\"****6789\", \"****\", \"****\", \"****6789\"]\n") != std::string::npos,
             shown);
  BOOST_TEST(shown.find("canary") == std::string::npos);
  BOOST_TEST(shown.find("api_key = ") == std::string::npos);
  const snapshot same = again(config);
  BOOST_TEST(same.providers.at(0).more_keys.size() == 3U);
  BOOST_TEST(texts_of(same.providers.at(0)) == "****6789 **** **** ****6789");
}

BOOST_AUTO_TEST_SUITE_END()
