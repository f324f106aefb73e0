// What a client's request becomes, and back: the two sides must understand each other.
#include "protocols/codec.hpp"
#include "protocols/openai_chat_server.hpp"

#include <boost/test/unit_test.hpp>

#include <random>

using namespace weir;
using namespace weir::protocols;

namespace {

class dice {
public:
  explicit dice(std::uint64_t seed) : engine_(seed) {}
  std::size_t below(std::size_t end) { return static_cast<std::size_t>(engine_() % end); }
  bool coin() { return below(2) == 1; }
  std::string text() {
    constexpr std::string_view letters = "abc \"\\\n\t{}[]:,/\x01é漢😀";
    std::string made;
    for (std::size_t n = below(12); n > 0; --n)
      made += letters[below(16)];
    return made + (coin() ? "é漢😀" : "");
  }

private:
  std::mt19937_64 engine_;
};

chat_request random_request(dice& roll) {
  chat_request request;
  request.model = model_name("m" + roll.text());
  for (std::size_t n = 1 + roll.below(4); n > 0; --n) {
    message each;
    each.role = static_cast<role>(roll.below(4));
    for (std::size_t part = roll.below(3); part > 0; --part) {
      if (roll.coin())
        each.content.emplace_back(text_part{roll.text()});
      else
        each.content.emplace_back(image_part{"https://x/" + roll.text(), roll.coin() ? "low" : ""});
    }
    if (each.content.empty())
      each.content.emplace_back(text_part{""});
    if (each.role == role::assistant && roll.coin())
      each.tool_calls.push_back({"call_" + roll.text(), "f", roll.text()});
    if (each.role == role::tool)
      each.tool_call_id = "call_" + roll.text();
    request.messages.push_back(std::move(each));
  }
  if (roll.coin())
    request.temperature = 0.25;
  if (roll.coin())
    request.max_tokens = 1 + static_cast<std::uint32_t>(roll.below(1000));
  if (roll.coin())
    request.stop = {roll.text(), "x"};
  if (roll.coin())
    request.tools.push_back({"f", roll.text(), R"({"type":"object"})", roll.coin()});
  if (roll.coin())
    request.tool_choice = tool_choice{static_cast<tool_choice::mode>(roll.below(4)), ""};
  if (request.tool_choice && request.tool_choice->kind == tool_choice::mode::one)
    request.tool_choice->tool = "f";
  if (roll.coin())
    request.extra.emplace_back("seed", "7");
  return request;
}

std::string place_of(std::string_view json) {
  const auto read = decode_chat_request(json);
  return read ? "accepted" : read.error().place;
}

} // namespace

BOOST_AUTO_TEST_SUITE(server_side_test)

BOOST_AUTO_TEST_CASE(a_request_survives_the_way_to_the_server) {
  const auto seed = std::random_device{}();
  BOOST_TEST_MESSAGE("seed " << seed);
  dice roll(seed);
  provider_config provider;
  provider.type = provider_type::generic;
  provider.base_url = "http://127.0.0.1:1/v1";
  const auto client = std::move(*make_codec(provider));
  for (int round = 0; round != 2000; ++round) {
    const chat_request sent = random_request(roll);
    const auto wire = client->encode_chat(sent);
    BOOST_REQUIRE(wire.has_value());
    const auto seen = decode_chat_request(wire->body);
    BOOST_REQUIRE_MESSAGE(seen.has_value(), wire->body);
    BOOST_REQUIRE((seen->model == sent.model));
    BOOST_REQUIRE((seen->messages == sent.messages));
    BOOST_REQUIRE((seen->temperature == sent.temperature));
    BOOST_REQUIRE((seen->max_tokens == sent.max_tokens));
    BOOST_REQUIRE((seen->stop == sent.stop));
    BOOST_REQUIRE((seen->tools == sent.tools));
    BOOST_REQUIRE((seen->tool_choice == sent.tool_choice));
    BOOST_REQUIRE((seen->extra == sent.extra));
  }
}

BOOST_AUTO_TEST_CASE(a_fault_in_a_request_names_its_path) {
  BOOST_TEST(place_of("[]") == "$");
  BOOST_TEST(place_of("{}") == "messages");
  BOOST_TEST(place_of(R"({"messages":[]})") == "messages");
  BOOST_TEST(place_of(R"({"messages":[{"role":"wizard","content":"x"}]})") == "messages[0].role");
  BOOST_TEST(place_of(R"({"messages":[{"role":"user","content":7}]})") == "messages[0].content");
  BOOST_TEST(
      place_of(R"({"messages":[{"role":"user","content":[{"type":"text","text":"a"},{"type":"smell"}]}]})") ==
      "messages[0].content[1].type");
  BOOST_TEST(place_of(R"({"messages":[{"role":"user","content":"x"}],"temperature":3})") == "temperature");
  BOOST_TEST(place_of(R"({"messages":[{"role":"user","content":"x"}],"max_tokens":0})") == "max_tokens");
  BOOST_TEST(place_of(R"({"messages":[{"role":"user","content":"x"}],"tools":[{}]})") ==
             "tools[0].function.name");
  BOOST_TEST(place_of(R"({"messages":[{"role":"user","content":"x"}],"anything":{"goes":1}})") == "accepted");
  BOOST_TEST(place_of("{\"messages\":").starts_with("byte "));
}

BOOST_AUTO_TEST_CASE(a_reply_survives_the_way_to_the_client) {
  chat_reply sent;
  sent.content = "Hello \"world\"";
  sent.model = model_name("gpt-4");
  sent.finish_reason = finish_reason::tool_calls;
  sent.tool_calls = {{"call_1", "weather", R"({"city":"Bern"})"}};
  sent.usage.prompt_tokens = 10;
  sent.usage.completion_tokens = 4;
  sent.usage.total_tokens = 14;
  sent.usage.cached_tokens = 3;
  provider_config provider;
  provider.type = provider_type::generic;
  provider.base_url = "http://127.0.0.1:1/v1";
  const auto client = std::move(*make_codec(provider));
  const auto seen = client->decode_chat(encode_chat_reply(sent, "chatcmpl-1", 7), {});
  BOOST_REQUIRE(seen.has_value());
  BOOST_TEST(seen->content == sent.content);
  BOOST_TEST((seen->tool_calls == sent.tool_calls));
  BOOST_TEST((seen->usage == sent.usage));
  BOOST_TEST((seen->finish_reason == sent.finish_reason));
  BOOST_TEST(seen->metadata.request_id == "chatcmpl-1");
}

BOOST_AUTO_TEST_CASE(an_error_keeps_its_class_on_the_way) {
  provider_config provider;
  provider.type = provider_type::generic;
  provider.base_url = "http://127.0.0.1:1/v1";
  const auto client = std::move(*make_codec(provider));
  for (const auto& [type, status] :
       {std::pair{errc::auth, 401}, std::pair{errc::rate_limit, 429}, std::pair{errc::server_error, 500},
        std::pair{errc::invalid_request, 400}}) {
    failure error = make_failure(type, "no");
    error.status_code = status;
    const auto seen = client->decode_chat(encode_error(error), {});
    BOOST_REQUIRE(seen.has_error());
    BOOST_TEST((seen.error().type == type));
    BOOST_TEST(seen.error().vendor_message == "no");
  }
}

BOOST_AUTO_TEST_CASE(a_list_of_models_survives_the_way) {
  provider_config provider;
  provider.type = provider_type::generic;
  provider.base_url = "http://127.0.0.1:1/v1";
  const auto client = std::move(*make_codec(provider));
  const std::vector<model_name> models{model_name("a"), model_name("b/c")};
  BOOST_TEST((*client->decode_models(encode_model_list(models), {}) == models));
  BOOST_TEST(client->decode_models({200, {}, "{}"}, {}).has_error());
}

BOOST_AUTO_TEST_SUITE_END()
