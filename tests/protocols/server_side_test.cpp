// What a client's request becomes, and back: the two sides must understand each other.
#include "openai_fixtures.hpp"

#include "protocols/openai_chat_server.hpp"

using namespace weir;
using namespace weir::protocols;
using namespace weir::protocols::recorded;

namespace {

class dice {
public:
  explicit dice(std::uint64_t seed) : engine_(seed) {}
  std::size_t below(std::size_t end) { return static_cast<std::size_t>(engine_() % end); }
  bool coin() { return below(2) == 1; }
  std::string mark() { return below(4) == 0 ? R"({"type":"ephemeral"})" : ""; }
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
      if (roll.coin() || each.role == role::tool) // whose images would be moved
        each.content.emplace_back(text_part{roll.text(), roll.mark()});
      else if (roll.coin())
        each.content.emplace_back(
            image_part{"https://x/" + roll.text(), roll.coin() ? "low" : "", roll.mark()});
      else
        each.content.emplace_back(raw_part{api_kind::chat, R"({"type":"file","file":{"file_id":"f1"}})"});
    }
    if (each.content.empty())
      each.content.emplace_back(text_part{""});
    if (each.role == role::assistant && roll.coin())
      each.tool_calls.push_back({"call_" + roll.text(), "f", roll.text(), roll.coin()});
    if (!each.tool_calls.empty() && roll.coin())
      each.tool_calls.back().extra.emplace_back("extra_content", R"({"google":{"thought_signature":"s"}})");
    if (each.role != role::tool && roll.coin())
      each.extra.emplace_back("name", R"("n")");
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
    request.tools.push_back({"f", roll.text(), R"({"type":"object"})", roll.coin(), roll.mark()});
  if (roll.coin())
    request.tools.push_back({"g", "", "", {}, "", R"({"type":"custom","custom":{"name":"g"}})"});
  request.stream = roll.coin();
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
  wire_options plain;
  plain.stream_usage = false; // would add what the request does not have
  const auto client = chat_codec(plain);
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
    BOOST_REQUIRE((seen->stream == sent.stream));
  }
}

BOOST_AUTO_TEST_CASE(a_fault_in_a_request_names_its_path) {
  BOOST_TEST(place_of("[]") == "$");
  BOOST_TEST(place_of("{}") == "messages");
  BOOST_TEST(place_of(R"({"messages":[]})") == "messages");
  BOOST_TEST(place_of(R"({"messages":[{"role":"wizard","content":"x"}]})") == "messages[0].role");
  BOOST_TEST(place_of(R"({"messages":[{"role":"user","content":7}]})") == "messages[0].content");
  BOOST_TEST(
      place_of(R"({"messages":[{"role":"user","content":[{"type":"text","text":"a"},{"type":7}]}]})") ==
      "messages[0].content[1].type");
  BOOST_TEST(place_of(R"({"messages":[{"role":"user","content":"x"}],"temperature":3})") == "temperature");
  BOOST_TEST(place_of(R"({"messages":[{"role":"user","content":"x"}],"max_tokens":0})") == "max_tokens");
  BOOST_TEST(place_of(R"({"messages":[{"role":"user","content":"x"}],"tools":[{}]})") ==
             "tools[0].function.name");
  BOOST_TEST(place_of(R"({"messages":[{"role":"user","content":"x"}],"anything":{"goes":1}})") == "accepted");
  BOOST_TEST(place_of("{\"messages\":").starts_with("byte "));
}

BOOST_AUTO_TEST_CASE(everything_that_clients_send_is_taken) {
  const auto read = decode_chat_request(R"({
    "model":"m","tools":[],"stop":"x","stream":null,"temperature":1,"max_completion_tokens":5,"n":1,
    "functions":[{"name":"old"}],"function_call":"auto","stream_options":{"include_usage":true},
    "tool_choice":{"type":"allowed_tools","allowed_tools":{"mode":"auto","tools":[]}},
    "messages":[
      {"role":"developer","content":"d"},
      {"role":"user","name":"Ann","content":[{"type":"input_audio","input_audio":{"data":"AA==","format":"wav"}},
        {"type":"text","text":"t","cache_control":{"type":"ephemeral"}},{"type":"image_url","image_url":"https://x/"}]},
      {"role":"assistant","content":null,"refusal":null,"reasoning_content":"r","audio":{"id":"a"},
        "tool_calls":[{"index":0,"id":"1","type":"custom","custom":{"name":"c","input":"free"}},
                      {"id":"2","type":"function","function":{"name":"f","arguments":{"x":1}},"extra_content":{"g":1}}]},
      {"role":"assistant","content":null,"function_call":{"name":"old","arguments":"{}"}},
      {"role":"function","name":"old","content":"result"},
      {"role":"tool","tool_call_id":"1","content":[{"type":"text","text":"done"}]}]})");
  BOOST_REQUIRE_MESSAGE(read.has_value(), to_string(read.error()));
  BOOST_TEST((read->stop == std::vector<std::string>{"x"}));
  BOOST_TEST((read->max_tokens == 5U));
  BOOST_TEST(read->tools.empty());
  BOOST_TEST(!read->tool_choice.has_value());
  BOOST_TEST((read->extra ==
              extra_members{{"n", "1"},
                            {"functions", R"([{"name":"old"}])"},
                            {"function_call", R"("auto")"},
                            {"stream_options", R"({"include_usage":true})"},
                            {"tool_choice",
                             R"({"type":"allowed_tools","allowed_tools":{"mode":"auto","tools":[]}})"}}));
  const auto& messages = read->messages;
  BOOST_REQUIRE(messages.size() == 6U);
  BOOST_TEST((messages[0] == make_message(role::system, "d")));
  BOOST_TEST((messages[1].extra == extra_members{{"name", R"("Ann")"}}));
  BOOST_TEST(
      (messages[1].content ==
       std::vector<content_part>{
           raw_part{api_kind::chat, R"({"type":"input_audio","input_audio":{"data":"AA==","format":"wav"}})"},
           text_part{"t", R"({"type":"ephemeral"})"}, image_part{"https://x/"}}));
  BOOST_TEST(
      (messages[2].extra == extra_members{{"reasoning_content", R"("r")"}, {"audio", R"({"id":"a"})"}}));
  BOOST_TEST((messages[2].tool_calls ==
              std::vector<tool_call>{{"1", "c", "free", true},
                                     {"2", "f", R"({"x":1})", false, {{"extra_content", R"({"g":1})"}}}}));
  BOOST_TEST((messages[4].role == role::tool));
  BOOST_TEST((messages[4].extra == extra_members{{"name", R"("old")"}}));
  BOOST_TEST(text_of(messages[5]) == "done");
  // And all of it can be said again, but for what weir has its own words for.
  const auto again = chat_codec()->encode_chat(*read);
  BOOST_REQUIRE(again.has_value());
  const auto reread = decode_chat_request(again->body);
  BOOST_REQUIRE(reread.has_value());
  BOOST_TEST((reread->messages == read->messages));
  BOOST_TEST(again->body.find(R"({"role":"function","content":"result","name":"old"})") != std::string::npos);
}

// Readers differ in which of the two counts, so nobody can mean it.
BOOST_AUTO_TEST_CASE(a_member_that_comes_twice_is_refused) {
  const std::string messages = R"("messages":[{"role":"user","content":"a"}])";
  BOOST_TEST(place_of("{" + messages + "," + messages + "}") == "messages");
  BOOST_TEST(place_of("{" + messages + R"(,"seed":1,"n":1,"seed":1})") == "seed");
}

BOOST_AUTO_TEST_CASE(a_list_of_models_survives_the_way) {
  const auto client = chat_codec();
  const std::vector<model_name> models{model_name("a"), model_name("b/c")};
  BOOST_TEST((*client->decode_models(encode_model_list(models), {}) == models));
  BOOST_TEST(client->decode_models({200, {}, "{}"}, {}).has_error());
}

BOOST_AUTO_TEST_SUITE_END()
