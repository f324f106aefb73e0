// Counting requests: models and their vocabularies, the rule of thumb, OpenAI's rules for messages and tools.
// Bytes are the only tokens here, so that a text is as many tokens as bytes.
#include "protocols/prompt_tokens.hpp"

#include "made_vocabulary.hpp"
#include "protocols/estimate.hpp"

#include <boost/test/unit_test.hpp>

#include <cstdint>
#include <string>
#include <vector>

using namespace weir;
using namespace weir::protocols;
using namespace weir::test;

BOOST_AUTO_TEST_SUITE(prompt_tokens_test)

BOOST_AUTO_TEST_CASE(a_models_name_says_its_vocabulary) {
  for (const char* name :
       {"gpt-4o", "gpt-4o-mini-2024-07-18", "chatgpt-4o-latest", "gpt-4.1", "gpt-4.1-nano", "gpt-4.5-preview",
        "gpt-5", "gpt-5-mini", "gpt-5.1-chat-latest", "o1", "o1-pro", "o3-mini", "o4-mini", "gpt-oss-120b",
        "openai/gpt-4o:free", "ft:gpt-4o-2024-08-06:org::id"})
    BOOST_TEST(vocabulary_of(model_name(name)) == "o200k_base", name);
  for (const char* name :
       {"gpt-4", "gpt-4-0613", "gpt-4-turbo", "gpt-3.5-turbo", "gpt-35-turbo-16k", "text-embedding-3-small",
        "text-embedding-ada-002", "azure/gpt-4", "ft:gpt-3.5-turbo:x", "davinci-002"})
    BOOST_TEST(vocabulary_of(model_name(name)) == "cl100k_base", name);
  for (const char* name : {"", "/", "ft:", "gpt-4x", "gpt", "o1x", "o10", "gpt-4.2", "claude-sonnet-4-5",
                           "text-davinci-003", "my-gpt-4o", "gpt-50", "llama-3"})
    BOOST_TEST(vocabulary_of(model_name(name)).empty(), name);
}

BOOST_AUTO_TEST_CASE(the_rule_of_thumb_is_near_real_counts) {
  struct known {
    std::string text;
    std::uint64_t tokens; // as o200k_base has it
  };
  const std::vector<known> texts{
      {"The quick brown fox jumps over the lazy dog. It was a bright cold day in April.", 19},
      {"\u654f\u6377\u7684\u68d5\u8272\u72d0\u72f8\u8df3\u8fc7\u4e86\u61d2\u72d7\u3002\u4eca\u5929\u5929"
       "\u6c14\u5f88\u597d\u3002",
       19},
      {"\u0421\u044a\u0435\u0448\u044c \u0436\u0435 \u0435\u0449\u0451 \u044d\u0442\u0438\u0445 "
       "\u043c\u044f\u0433\u043a\u0438\u0445 "
       "\u0444\u0440\u0430\u043d\u0446\u0443\u0437\u0441\u043a\u0438\u0445 \u0431\u0443\u043b\u043e\u043a.",
       13},
      {"for (int n = 0; n != size; ++n)\n    total += values[n] * weights[n];\n", 25},
      {"\U0001f600\U0001f680\U0001f389 1234567", 9}};
  for (const known& each : texts) {
    const std::uint64_t estimate = estimate_text_tokens(each.text);
    BOOST_TEST(estimate * 10 >= each.tokens * 6, each.text << estimate);
    BOOST_TEST(estimate * 10 <= each.tokens * 15, each.text << estimate);
  }
}

BOOST_AUTO_TEST_CASE(the_rule_of_thumb_takes_any_bytes) {
  BOOST_TEST(estimate_text_tokens("") == 0U);
  for (const char* least : {" ", "a", "\x80", "\xf0", "\n", "\xff"})
    BOOST_TEST(estimate_text_tokens(least) >= 1U);
  BOOST_TEST(estimate_text_tokens(std::string(1000, '\x80')) == 1500U);
  BOOST_TEST(estimate_text_tokens(std::string(1000, 'a')) == 250U); // 6 + 997 * 2 eighths
}

BOOST_AUTO_TEST_CASE(a_request_is_counted_by_the_cookbook) {
  // With bytes as the only tokens, a text is as many tokens as bytes.
  const auto bytes = counter_with({});
  const auto counted = [&](const chat_request& request) { return count_prompt_tokens(request, bytes.get()); };
  chat_request request = asking("gpt-4o", "four");
  BOOST_TEST((counted(request) == token_count{3 + 1 + 4 + 3, true}));
  request.messages[0].extra.emplace_back("name", R"("ann")");
  BOOST_TEST((counted(request) == token_count{11 + 3 + 1, true}));
  request.messages[0].content.emplace_back(image_part{"https://example.com/a.png", "low", {}});
  BOOST_TEST((counted(request) == token_count{15 + 85, true}));
  request.messages.push_back(make_message(role::assistant, "ok"));
  BOOST_TEST((counted(request) == token_count{100 + 3 + 1 + 2, true}));

  chat_request guessed = asking("gpt-5", "four"); // nobody has published its rules
  BOOST_TEST((counted(guessed) == token_count{11, false}));
  BOOST_TEST(!count_prompt_tokens(asking("gpt-4o", "four"), nullptr).exact);
  BOOST_TEST(count_prompt_tokens(asking("gpt-4o", "four"), nullptr).tokens == 8U);
}

BOOST_AUTO_TEST_CASE(what_nobody_has_published_is_counted_and_marked) {
  const auto bytes = counter_with({});
  const auto with = [&](content_part part) {
    chat_request request = asking("gpt-4o", "");
    request.messages[0].content = {std::move(part)};
    return count_prompt_tokens(request, bytes.get());
  };
  BOOST_TEST((with(reasoning_part{"think", "signature", {}}) == token_count{7 + 5, false}));
  BOOST_TEST((with(reasoning_part{{}, {}, std::string(160, 'x')}) == token_count{7 + 30, false}));
  BOOST_TEST(
      (with(raw_part{api_kind::messages, R"({"type":"document","title":"abc","n":1,"source":["de"]})"}) ==
       token_count{7 + 5, false}));
  BOOST_TEST((with(raw_part{api_kind::chat, R"({"data":")" + std::string(5000, 'A') + R"("})"}) ==
              token_count{7 + 1600, false}));
  BOOST_TEST((with(raw_part{api_kind::chat, "{damaged"}) == token_count{7 + 8, false}));
  chat_request request = asking("gpt-4o", "");
  request.messages[0].tool_calls.push_back({"call_1", "look", R"({"a":1})"});
  BOOST_TEST((count_prompt_tokens(request, bytes.get()) == token_count{7 + 3 + 4 + 7, false}));
  request = asking("gpt-4o", "");
  request.extra.emplace_back("response_format", R"({"type":"json_schema","json_schema":{"name":"x"}})");
  request.extra.emplace_back("seed", "7");
  BOOST_TEST((count_prompt_tokens(request, bytes.get()) == token_count{7 + 12, false}));
  request = asking("gpt-4o", "");
  request.messages[0].content.emplace_back(text_part{"two", {}});
  BOOST_TEST((count_prompt_tokens(request, bytes.get()) == token_count{7 + 3, false}));
}

BOOST_AUTO_TEST_CASE(tools_are_counted_by_the_cookbook_and_nested_ones_likewise) {
  const auto bytes = counter_with({});
  const auto counted = [&](std::string_view model, std::string parameters) {
    chat_request request = asking(model, "");
    request.tools.push_back({"look", "Looks.", std::move(parameters)});
    token_count count = count_prompt_tokens(request, bytes.get());
    count.tokens -= 7;
    return count;
  };
  const std::uint64_t plain = 7 + 10 + 12; // `look:Looks`, without the stop
  BOOST_TEST((counted("gpt-4o", "") == token_count{plain, true}));
  BOOST_TEST((counted("gpt-4", "") == token_count{plain + 3, true}));
  BOOST_TEST((counted("gpt-4o", R"({"type":"object","properties":{}})") == token_count{plain, true}));
  const std::uint64_t one = 3 + 3 + 10; // `a:string:b`
  BOOST_TEST((counted("gpt-4o", R"({"properties":{"a":{"type":"string","description":"b."}}})") ==
              token_count{plain + one, true}));
  BOOST_TEST(
      (counted("gpt-4o", R"({"properties":{"a":{"type":"string","description":"b","enum":["x","yz"]}}})") ==
       token_count{plain + one + 3 + 3, true}));
  BOOST_TEST((counted("gpt-4o", R"({"properties":{"a":{"type":["string","null"]}}})") ==
              token_count{plain + 6 + 14, false}));
  BOOST_TEST((counted("gpt-4o", R"({"properties":{"a":{"type":"array","description":"b","items":{"properties":
                                {"c":{"type":"object","description":"d","properties":{"e":{"type":"null","description":""}}}}}}}})") ==
              token_count{plain + 6 + 9 + 6 + 10 + 6 + 7, false}));
  // Anything may stand in a schema.
  for (const char* odd : {"7", "[]", "{", R"({"properties":7})", R"({"properties":{"a":7}})",
                          R"({"properties":{"a":{"enum":[]}}})",
                          R"({"properties":{"a":{"type":7,"enum":[1,null,{}],"items":[]}}})"})
    BOOST_TEST(counted("gpt-4o", odd).tokens >= plain, odd);
  chat_request request = asking("claude-sonnet-4-5", "");
  request.tools.push_back({"look", "Looks.", "{}"});
  BOOST_TEST((count_prompt_tokens(request, bytes.get()) == token_count{7 + 346 + 4 + 6 + 2, false}));
  request.tool_choice = tool_choice{tool_choice::mode::required, {}};
  BOOST_TEST(count_prompt_tokens(request, bytes.get()).tokens == 7 + 313 + 4 + 6 + 2);
}

BOOST_AUTO_TEST_SUITE_END()
