// What one call may cost: who is refused and what he is told to do, and where a stream ends.
#include "actors/policy/booking.hpp"
#include "actors/policy/cost_ceiling.hpp"

#include <boost/test/unit_test.hpp>

#include <random>
#include <string>

using namespace weir;
using namespace weir::policy;

namespace {

const currency dollars = currency::parse("USD").value();
const currency euros = currency::parse("EUR").value();

money usd(const std::string& amount) {
  return parse_amount(amount, dollars).value();
}

/// A dollar a million tokens of input, ten of output.
pricing cheap() {
  pricing prices;
  prices.unit = dollars;
  prices.input = parse_price("1", price_unit::million_tokens).value();
  prices.output = parse_price("10", price_unit::million_tokens).value();
  return prices;
}

/// 16 + 84 bytes: at most 100 tokens of input.
chat_request question(std::optional<std::uint32_t> max_tokens, bool stream = false) {
  chat_request request;
  request.model = model_name("m");
  message asked;
  asked.content.emplace_back(text_part{std::string(84, 'a')});
  request.messages.push_back(asked);
  request.max_tokens = max_tokens;
  request.stream = stream;
  return request;
}

ceiling_facts facts(const std::string& ceiling, const pricing* prices) {
  ceiling_facts facts;
  facts.ceiling = usd(ceiling);
  facts.prompt_tokens = 20;
  facts.provider = provider_name("p");
  facts.prices = prices;
  return facts;
}

std::string message_of(const ceiling_verdict& verdict) {
  BOOST_REQUIRE(verdict.refused.has_value());
  BOOST_TEST((verdict.refused->type == errc::budget_exceeded));
  BOOST_TEST(verdict.refused->place == "max_cost");
  BOOST_TEST(verdict.refused->provider == "p");
  BOOST_TEST((verdict.refused->fate == outcome::not_sent));
  return verdict.refused->message;
}

} // namespace

BOOST_AUTO_TEST_SUITE(cost_ceiling_test)

BOOST_AUTO_TEST_CASE(a_whole_answer_is_let_through_if_the_most_that_it_can_cost_is_left) {
  const pricing prices = cheap();
  // 100 tokens at 1 and 100 tokens at 10 per million.
  const auto let = judge(question(100), facts("0.0011", &prices));
  BOOST_TEST(!let.refused.has_value());
  BOOST_TEST(!let.watch);
  BOOST_TEST(
      message_of(judge(question(100), facts("0.001099999999", &prices))) ==
      "max_cost of this call is 0.001099999999 USD, and this attempt may cost 0.0011 USD; set max_tokens "
      "to at most 99, or stream, so that it can be ended in time");
  BOOST_TEST(!judge(question(99), facts("0.001099999999", &prices)).refused.has_value());
}

BOOST_AUTO_TEST_CASE(what_other_attempts_have_cost_is_gone) {
  const pricing prices = cheap();
  ceiling_facts second = facts("0.002", &prices);
  second.gone = money_sum(usd("0.0005").picos, dollars);
  BOOST_TEST(!judge(question(100), second).refused.has_value());
  second.gone = money_sum(usd("0.001").picos, dollars);
  BOOST_TEST(
      message_of(judge(question(100), second)).find("is 0.002 USD, of which 0.001 USD are left, and") !=
      std::string::npos);
  second.gone = money_sum(usd("5").picos, dollars); // billed beyond every bound
  BOOST_TEST(message_of(judge(question(1), second)).find("0 USD are left") != std::string::npos);
  BOOST_TEST(message_of(judge(question(1, true), second)).find("0 USD are left") != std::string::npos);
}

BOOST_AUTO_TEST_CASE(who_names_no_limit_is_told_the_one_that_fits) {
  const pricing prices = cheap();
  BOOST_TEST(
      message_of(judge(question({}), facts("0.0051", &prices))).find("set max_tokens to at most 500,") !=
      std::string::npos);
  model_config model;
  model.max_tokens = 500;
  ceiling_facts known = facts("0.0051", &prices);
  known.model = &model;
  BOOST_TEST(!judge(question({}), known).refused.has_value());
  BOOST_TEST(
      message_of(judge(question({}), facts("0.0001", &prices))).find("the request is too long for it") !=
      std::string::npos);
}

BOOST_AUTO_TEST_CASE(without_a_price_in_the_ceilings_currency_nobody_is_asked) {
  for (const bool stream : {false, true}) {
    BOOST_TEST(
        message_of(judge(question(1, stream), facts("100", nullptr))).find("model 'm' has no price in USD") !=
        std::string::npos);
    pricing foreign = cheap();
    foreign.unit = euros;
    BOOST_TEST(message_of(judge(question(1, stream), facts("100", &foreign)))
                   .find("model 'm' has no price in USD") != std::string::npos);
  }
}

BOOST_AUTO_TEST_CASE(of_a_stream_the_prompt_must_fit_and_the_rest_is_watched) {
  const pricing prices = cheap();
  const auto bounded = judge(question(100, true), facts("0.0011", &prices));
  BOOST_TEST(!bounded.refused.has_value());
  BOOST_TEST(!bounded.watch); // cannot pass it
  const auto watched = judge(question({}, true), facts("0.0011", &prices));
  BOOST_TEST(!watched.refused.has_value());
  BOOST_TEST(watched.watch);
  // 20 tokens at 1, and one at 10 per million
  BOOST_TEST(!judge(question({}, true), facts("0.00003", &prices)).refused.has_value());
  BOOST_TEST(message_of(judge(question({}, true), facts("0.000029", &prices)))
                 .find("the prompt alone costs about 0.00003 USD") != std::string::npos);
}

BOOST_AUTO_TEST_CASE(a_stream_is_ended_by_the_delta_that_would_pass_the_ceiling) {
  const pricing prices = cheap();
  stream_ceiling watcher(question({}, true), facts("0.00052", &prices)); // 20 of input, 50 of output
  for (int n = 0; n != 49; ++n)
    BOOST_REQUIRE(watcher.take(1));
  BOOST_TEST(!watcher.take(2));
  BOOST_TEST(watcher.take(1));
  BOOST_TEST(!watcher.take(1));
  BOOST_TEST(watcher.take(0));
  BOOST_TEST(watcher.used().completion_tokens == 50U);
  const failure ended = watcher.reached();
  BOOST_TEST((ended.type == errc::budget_exceeded));
  BOOST_TEST((ended.fate == outcome::unknown));
  BOOST_TEST(ended.message ==
             "the stream was ended at max_cost of this call, 0.00052 USD, after about 50 tokens of output");
}

BOOST_AUTO_TEST_CASE(thinking_counts_at_its_own_price) {
  pricing prices = cheap();
  prices.reasoning = parse_price("20", price_unit::million_tokens).value();
  stream_ceiling watcher(question({}, true), facts("0.00052", &prices));
  BOOST_TEST(watcher.take(24, true));
  BOOST_TEST(!watcher.take(2, true));
  BOOST_TEST(watcher.take(2));
  BOOST_TEST(!watcher.take(1));
}

BOOST_AUTO_TEST_CASE(the_providers_own_figures_take_the_place_of_ours) {
  const pricing prices = cheap();
  stream_ceiling watcher(question({}, true), facts("0.00052", &prices));
  BOOST_TEST(watcher.take(10));
  token_usage told;
  told.prompt_tokens = 120;
  BOOST_TEST(watcher.told(told));
  BOOST_TEST(watcher.used().completion_tokens == 10U); // never fewer
  BOOST_TEST(watcher.take(30));
  BOOST_TEST(!watcher.take(1));
  told.prompt_tokens = 0; // tells its output alone
  told.completion_tokens = 40;
  BOOST_TEST(watcher.told(told));
  BOOST_TEST(watcher.used().prompt_tokens == 120U);
  told.completion_tokens = 41;
  BOOST_TEST(!watcher.told(told));
  stream_ceiling other(question({}, true), facts("0.00052", &prices));
  told.prompt_tokens = 10;
  told.cached_tokens = 30; // contradicts itself, which is no reason to end a stream
  told.completion_tokens = 1;
  BOOST_TEST(other.told(told));
  BOOST_TEST(other.take(50));
  BOOST_TEST(!other.take(1));
}

BOOST_AUTO_TEST_CASE(fees_of_a_request_and_its_images_are_within_the_ceiling) {
  pricing prices = cheap();
  prices.request_fee = usd("0.0001").picos;
  prices.image_fee = usd("0.0002").picos;
  chat_request request = question({}, true);
  request.messages[0].content.emplace_back(image_part{"https://x/i.png"});
  stream_ceiling watcher(request, facts("0.00082", &prices));
  BOOST_TEST(watcher.take(50));
  BOOST_TEST(!watcher.take(1));
}

BOOST_AUTO_TEST_CASE(whatever_is_let_through_unwatched_costs_no_more_than_is_left) {
  std::mt19937_64 random(5);
  const auto pick = [&random](std::uint64_t below) { return random() % below; };
  int let = 0;
  int refused = 0;
  for (int n = 0; n != 20'000; ++n) {
    pricing prices = cheap();
    const auto some = [&] { return price{static_cast<std::int64_t>(pick(20 * picos_per_unit))}; };
    prices.input = some();
    prices.output = some();
    if (pick(2) == 0)
      prices.cached_input = some();
    if (pick(2) == 0)
      prices.cache_write = some();
    if (pick(2) == 0)
      prices.reasoning = some();
    prices.request_fee = static_cast<std::int64_t>(pick(1'000'000'000));
    const chat_request request = question(static_cast<std::uint32_t>(pick(200)) + 1, pick(2) == 0);
    ceiling_facts known = facts("1", &prices);
    known.ceiling.picos = static_cast<std::int64_t>(pick(4'000'000'000)) + 1;
    known.gone = money_sum(static_cast<std::int64_t>(pick(1'000'000'000)), dollars);
    const auto verdict = judge(request, known);
    ++(verdict.refused ? refused : let);
    if (verdict.refused || verdict.watch)
      continue;
    token_usage used; // anything that such a request can be billed for
    used.prompt_tokens = pick(101);
    used.cached_tokens = pick(used.prompt_tokens + 1);
    used.cache_write_tokens = pick(used.prompt_tokens - *used.cached_tokens + 1);
    used.completion_tokens = pick(*request.max_tokens + 1);
    used.reasoning_tokens = pick(used.completion_tokens + 1);
    const money_sum all(known.gone.picos() + cost_of(used, prices).value().picos, dollars);
    BOOST_REQUIRE((all.picos() <= std::max<int128>(known.ceiling.picos, known.gone.picos())));
  }
  BOOST_TEST(let > 1000);
  BOOST_TEST(refused > 1000);
}

BOOST_AUTO_TEST_SUITE_END()
