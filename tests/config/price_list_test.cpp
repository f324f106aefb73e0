// Price lists in three formats: real excerpts, every shape of a price, and lists that are refused as a whole.
#include "config/price_list.hpp"

#include <boost/test/unit_test.hpp>

#include <fstream>
#include <iterator>

using namespace weir;

namespace {

std::string excerpt(const std::string& name) {
  std::ifstream in(std::string(WEIR_TEST_DATA) + "/../config/data/" + name, std::ios::binary);
  return {std::istreambuf_iterator<char>(in), {}};
}

std::shared_ptr<const price_book> book(const std::string& text,
                                       price_format format = price_format::automatic) {
  const auto read = config::read_price_list(text, format, "list");
  BOOST_REQUIRE_MESSAGE(read.has_value(), (read ? std::string() : to_string(read.error())));
  return *read;
}

std::string refusal(const std::string& text, price_format format = price_format::automatic) {
  const auto read = config::read_price_list(text, format, "list");
  return read ? std::string("good") : to_string(read.error());
}

timestamp at(const char* moment) {
  return *parse_timestamp(moment);
}

const pricing* prices(const price_book& list, const char* provider, const char* model,
                      const char* moment = "2026-11-26T12:00:00Z") {
  const listed_provider* const found = list.provider_named(provider);
  BOOST_REQUIRE_MESSAGE(found != nullptr, provider);
  const price_entry* const entry = list.find(*found, model);
  return entry == nullptr ? nullptr : entry->at(at(moment));
}

/// `input/output`, and what else there is.
std::string words(const pricing* prices) {
  if (prices == nullptr)
    return "none";
  std::string all = to_decimal(prices->input) + "/" + to_decimal(prices->output);
  const auto add = [&all](const char* name, const std::optional<price>& value) {
    if (value)
      all += std::string(" ") + name + to_decimal(*value);
  };
  const auto add_all = [&add](const auto& from) {
    add("r", from.cached_input);
    add("w", from.cache_write);
    add("h", from.cache_write_1h);
    add("t", from.reasoning);
  };
  add_all(*prices);
  if (prices->request_fee != 0)
    all += " fee" + to_decimal(int128{prices->request_fee});
  if (prices->image_fee != 0)
    all += " image" + to_decimal(int128{prices->image_fee});
  for (const price_tier& tier : prices->tiers) {
    all += " >" + std::to_string(tier.above) + ":";
    add("i", tier.input);
    add("o", tier.output);
    add_all(tier);
  }
  return all;
}

bool has(const std::string& text, const std::string& part) {
  return text.find(part) != std::string::npos;
}

} // namespace

BOOST_AUTO_TEST_SUITE(price_list_test)

BOOST_AUTO_TEST_CASE(litellm_has_prices_per_token_tiers_by_key_and_other_modes) {
  const auto list = book(excerpt("litellm.json"));
  BOOST_TEST(words(prices(*list, "anthropic", "claude-haiku-4-5")) == "1/5 r0.1 w1.25 h2");
  BOOST_TEST(words(prices(*list, "anthropic", "claude-sonnet-4-5")) ==
             "3/15 r0.3 w3.75 h6 >200000: i6 o22.5 r0.6 w7.5 h12");
  BOOST_TEST(words(prices(*list, "gemini", "gemini-2.5-pro")) == "1.25/10 r0.125 >200000: i2.5 o15 r0.25");
  BOOST_TEST(words(prices(*list, "google", "gemini-2.5-flash-lite-preview-09-2025")) == "0.1/0.4 r0.01 t0.4");
  BOOST_TEST(words(prices(*list, "cerebras", "llama-3.3-70b")) == "0.85/1.2");
  BOOST_TEST(words(prices(*list, "openai", "chatgpt-4o-latest")) == "5/15");
  BOOST_TEST(words(prices(*list, "openai", "gpt-4o-transcribe-diarize")) == "none"); // another mode
  BOOST_TEST(words(prices(*list, "openai", "1024-x-1024/dall-e-2")) == "none");
  BOOST_TEST(list->entry_count() == 6U);
  BOOST_TEST(list->notes().empty());
}

BOOST_AUTO_TEST_CASE(litellm_has_fees_ranges_and_models_made_by_training) {
  const auto list = book(R"({
    "a/one": {"litellm_provider":"a","mode":"chat","input_cost_per_token":1e-6,"output_cost_per_token":2e-06,
              "input_cost_per_request":0.005,"input_cost_per_image":1.25E-3},
    "a/two": {"litellm_provider":"a","tiered_pricing":[
        {"range":[0,32000.0],"input_cost_per_token":1e-6,"output_cost_per_token":2e-6},
        {"range":[32e3,128000],"input_cost_per_token":3e-6},
        {"range":[128000,1000000],"output_cost_per_token":"4e-6"}]},
    "ft:b": {"litellm_provider":"openai","input_cost_per_token":0.000003,"output_cost_per_token":0.000006},
    "a/three": {"litellm_provider":"a","mode":"responses","input_cost_per_token":0,"output_cost_per_token":0,
                "cache_read_input_token_cost":null}})");
  BOOST_TEST(words(prices(*list, "a", "one")) == "1/2 fee0.005 image0.00125");
  BOOST_TEST(words(prices(*list, "a", "two")) == "1/2 >32000: i3 >128000: i3 o4");
  BOOST_TEST(words(prices(*list, "A", "THREE")) == "0/0");
  BOOST_TEST(words(prices(*list, "openai", "ft:b:company::7")) == "3/6");
  BOOST_TEST(words(prices(*list, "openai", "ft:better")) == "none");
}

BOOST_AUTO_TEST_CASE(genai_prices_has_tiers_by_price_and_fees_by_the_thousand) {
  const auto list = book(excerpt("genai-prices.json"));
  BOOST_TEST(words(prices(*list, "anthropic", "claude-sonnet-4-5-20250929")) ==
             "3/15 r0.3 w3.75 h6 >200000: i6 o22.5 r0.6 w7.5 h12");
  BOOST_TEST(words(prices(*list, "perplexity", "sonar")) == "1/1 fee0.012");
  BOOST_TEST(words(prices(*list, "x-ai", "grok-4")) == "3/15 r0.75");
  BOOST_TEST(words(prices(*list, "openai", "GPT-4o-mini")) == "0.15/0.6 r0.075");
  // By other names of the provider, and nowhere by none.
  BOOST_TEST(words(prices(*list, "google-vertex", "gemini-2.5-flash")) == "0.3/2.5 r0.03");
  BOOST_TEST(words(prices(*list, "openai", "no-such-model")) == "none");
  // 1/12 cannot be said in twelve decimals: not priced at all, rather than nearly.
  BOOST_TEST(words(prices(*list, "openrouter", "google/gemini-2.5-flash-lite")) == "none");
  BOOST_REQUIRE(list->notes().size() == 1U);
  BOOST_TEST(list->notes()[0].place == "openrouter/google/gemini-2.5-flash-lite");
  BOOST_TEST(has(list->notes()[0].problem, "0.08333333333333334"));
}

BOOST_AUTO_TEST_CASE(yesterdays_call_keeps_yesterdays_price) {
  const auto list = book(excerpt("genai-prices.json"));
  BOOST_TEST(words(prices(*list, "openai", "o3", "2025-06-09T23:59:59Z")) == "10/40 r0.5");
  BOOST_TEST(words(prices(*list, "openai", "o3", "2025-06-10T00:00:00Z")) == "2/8 r0.5");
  // DeepSeek was cheaper at night in Europe.
  BOOST_TEST(words(prices(*list, "deepseek", "deepseek-chat", "2026-01-01T00:29:59Z")) ==
             "0.135/0.55 r0.035");
  BOOST_TEST(words(prices(*list, "deepseek", "deepseek-chat", "2026-01-01T00:30:00Z")) == "0.27/1.1 r0.07");
  BOOST_TEST(words(prices(*list, "deepseek", "deepseek-chat", "2026-01-01T16:30:00Z")) ==
             "0.135/0.55 r0.035");
}

BOOST_AUTO_TEST_CASE(our_own_list_has_periods_rules_and_every_price) {
  const auto list = book(R"(
[prices.acme]
base_url = "https://api.acme.example"
aliases = ["acme-eu"]

[[prices.acme.models]]
name = "m"
currency = "EUR"
input_price = 1.5
output_price = 1_0
until = "2026-07-01"

[[prices.acme.models]]
name = "m"
currency = "EUR"
unit = "tokens"
input_price = 2e-6
output_price = 0.00002
reasoning_price = 3e-5
request_fee = 0.001
image_fee = "0.000000000001"
tiers = [{ above = 1000, input_price = 4e-6 }, { above = 2000, output_price = 5e-5, cached_input_price = 0 }]
from = "2026-07-01T00:00:00Z"

[[prices.acme.models]]
starts_with = "n-"
currency = "EUR"
input_price = 0
output_price = 0
)");
  BOOST_TEST(words(prices(*list, "acme", "m", "2026-06-30T23:59:59Z")) == "1.5/10");
  BOOST_TEST(words(prices(*list, "acme-eu", "m", "2026-07-01T00:00:00Z")) ==
             "2/20 t30 fee0.001 image0.000000000001 >1000: i4 >2000: o50 r0");
  BOOST_TEST(words(prices(*list, "acme", "n-7")) == "0/0");
  provider_config provider;
  provider.base_url = "https://api.acme.example/v1";
  BOOST_TEST((list->provider_of(provider) == list->provider_named("acme")));
}

BOOST_AUTO_TEST_CASE(a_bad_list_is_refused_as_a_whole_and_says_where) {
  using std::string;
  BOOST_TEST(has(refusal(""), "is empty"));
  BOOST_TEST(has(refusal(" \n"), "is empty"));
  BOOST_TEST(has(refusal("<!DOCTYPE html><html>rate limited</html>"), "HTML"));
  BOOST_TEST(has(refusal("{}"), "no price"));
  BOOST_TEST(has(refusal("[]"), "no price"));
  BOOST_TEST(has(refusal("{\"a\":"), "no JSON"));
  BOOST_TEST(has(refusal("{\"a\":1} x"), "no JSON"));
  BOOST_TEST(has(refusal("{\"gpt-4\":7}"), R"($["gpt-4"] is no object)"));
  BOOST_TEST(has(refusal(R"({"gpt-4":{"input_cost_per_token":1,"output_cost_per_token":1}})"),
                 "no litellm_provider"));
  BOOST_TEST(has(refusal(R"([{"id":"a"}])"), "$[0] lacks id or models"));
  BOOST_TEST(has(refusal(R"([{"id":"a","models":[{"id":"m","match":{"equals":"m"}}]}])"), "$[0].models[0]"));
  BOOST_TEST(has(refusal(R"([{"id":"a","models":[{"id":"m","match":{"regex":"("},"prices":{}}]}])"),
                 "$[0].models[0].match.regex"));
  BOOST_TEST(has(refusal(R"([{"id":"a","models":[{"id":"m","match":{"near":"m"},"prices":{}}]}])"),
                 "no rule for names"));
  BOOST_TEST(has(refusal(R"([{"id":"a","models":[{"id":"m","match":{"equals":"m"},"prices":[
      {"constraint":{"weekday":"monday"},"prices":{"input_mtok":1,"output_mtok":1}}]}]}])"),
                 "prices[0].constraint"));
  BOOST_TEST(has(refusal(string(100'000, '['), price_format::genai_prices), "nested deeper"));
  BOOST_TEST(has(refusal("[prices.a]\nmodel = 1\n"), "list:2:1: prices.a.model: is unknown"));
  BOOST_TEST(has(refusal("[[prices.a.models]]\nname='m'\ncurrency='EUR'\ninput_price=-1\noutput_price=1\n"),
                 "negative"));
  BOOST_TEST(has(refusal("[[prices.a.models]]\nname='m'\ncurrency='EUR'\ninput_price=1\noutput_price=1\n"
                         "tiers=[{above=2,input_price=1},{above=1,input_price=1}]\n"),
                 "ascending"));
  BOOST_TEST(has(refusal("{}", price_format::genai_prices), "no list of providers"));
  BOOST_TEST(has(refusal("[]", price_format::litellm), "no object of models"));
}

BOOST_AUTO_TEST_CASE(a_price_that_is_none_leaves_its_entry_unpriced_and_is_listed) {
  for (const char* bad : {"-1e-6", "\"free\"", "1e-99", "1e99", "true", "{}", "1.23456789012345678901e-6"}) {
    const auto list =
        book(R"({"good":{"litellm_provider":"a","input_cost_per_token":1e-6,"output_cost_per_token":1e-6},
      "m":{"litellm_provider":"a","input_cost_per_token":1e-6,"output_cost_per_token":)" +
             std::string(bad) + "}}");
    BOOST_TEST(words(prices(*list, "a", "m")) == "none", bad);
    BOOST_REQUIRE(list->notes().size() == 1U);
    BOOST_TEST(list->notes()[0].place == "m");
    BOOST_TEST(has(list->notes()[0].problem, "output_cost_per_token"));
  }
}

BOOST_AUTO_TEST_CASE(the_same_list_has_the_same_number_and_another_list_another) {
  const std::string text = excerpt("genai-prices.json");
  const auto first = book(text);
  BOOST_TEST(first->version() != 0U);
  BOOST_TEST(first->version() == book(text)->version());
  std::string other = text;
  const auto place = other.find("\"input_mtok\": 2.5");
  BOOST_REQUIRE(place != std::string::npos);
  other.replace(place, 17, "\"input_mtok\": 2.6");
  BOOST_TEST(first->version() != book(other)->version());
  // How it is written does not count, and what it says does.
  other.replace(place, 17, "\"input_mtok\":2.50");
  BOOST_TEST(first->version() == book(other)->version());
}

BOOST_AUTO_TEST_CASE(no_text_brings_a_reader_down) {
  // Every text that is cut off, and every one with a byte changed, is read or refused.
  for (const char* name : {"litellm.json", "genai-prices.json"}) {
    const std::string text = excerpt(name);
    for (std::size_t at = 0; at < text.size(); at += 61) {
      static_cast<void>(refusal(text.substr(0, at)));
      std::string changed = text;
      changed[at] = static_cast<char>(at * 31);
      static_cast<void>(refusal(changed));
    }
  }
}

BOOST_AUTO_TEST_SUITE_END()
