// Each client is answered in the API that it speaks: replies, errors, models, keys.
#include "tests/mock/asking.hpp"
#include "tools/mock/dialect.hpp"

#include <boost/test/unit_test.hpp>

using namespace weir;
using namespace weir::mock;
using namespace weir::mock::testing;

namespace {

constexpr std::array both{api_kind::chat, api_kind::messages};

transport::server_request getting(const std::string& target, bool anthropic) {
  transport::server_request request;
  request.method = "GET";
  request.target = target;
  if (anthropic)
    request.fields.add("anthropic-version", "2026-10-21");
  return request;
}

std::string told(const plan& of, const transport::server_request& request) {
  return part(bytes_of(answer_chat(of, request, 4, 7))).body;
}

} // namespace

BOOST_AUTO_TEST_SUITE(dialect_test)

BOOST_AUTO_TEST_CASE(a_path_leads_to_its_endpoint) {
  const auto leads = [](const std::string& path, endpoint to, api_kind dialect,
                        const std::string& model = "") {
    const target found = target_of(getting(path, false));
    BOOST_TEST((found.endpoint == to && found.dialect == dialect && found.model == model), path);
  };
  leads("/v1/chat/completions", endpoint::chat, api_kind::chat);
  leads("/openai/deployments/x/chat/completions?api-version=1", endpoint::chat, api_kind::chat);
  leads("/v1/messages", endpoint::chat, api_kind::messages);
  leads("/v1/messages?beta=true", endpoint::chat, api_kind::messages);
  leads("/v1/messages/count_tokens", endpoint::count_tokens, api_kind::messages);
  leads("/models", endpoint::models, api_kind::chat);
  leads("/v1/models/gpt-4", endpoint::model, api_kind::chat, "gpt-4");
  leads("/v1/models/meta%2Fllama%2", endpoint::model, api_kind::chat, "meta/llama%2");
  leads("/v1/models/meta/llama", endpoint::model, api_kind::chat, "meta/llama");
  leads("/v1/embeddings", endpoint::nothing, api_kind::chat);
  BOOST_TEST((target_of(getting("/v1/models", true)).dialect == api_kind::messages));
}

BOOST_AUTO_TEST_CASE(a_reply_is_written_in_the_dialect_of_its_path) {
  const std::string chat = bytes_of(answer_chat(any_model(), asking(api_kind::chat), 4, 7));
  BOOST_TEST(chat.find("\r\nx-request-id: req_mock_4\r\n") != std::string::npos);
  BOOST_TEST(
      part(chat).body.starts_with(R"({"id":"chatcmpl-mock-4","object":"chat.completion","created":7,)"));
  const std::string messages = bytes_of(answer_chat(any_model(), asking(api_kind::messages), 4, 7));
  BOOST_TEST(messages.find("\r\nrequest-id: req_mock_4\r\n") != std::string::npos);
  BOOST_TEST(part(messages).body.starts_with(R"({"id":"msg_mock_4","type":"message")"));
  for (const auto& body : {chat, messages})
    BOOST_TEST(body.find("You said: Hello there") != std::string::npos);
}

BOOST_AUTO_TEST_CASE(errors_are_written_in_the_dialect_too) {
  const auto both_tell = [](const plan& of, auto change, const std::string& chat,
                            const std::string& messages) {
    for (const api_kind dialect : both) {
      auto request = asking(dialect);
      change(request);
      const std::string body = told(of, request);
      BOOST_TEST(body.find(dialect == api_kind::chat ? chat : messages) != std::string::npos, body);
      BOOST_TEST(body.starts_with(dialect == api_kind::chat ? "{\"error\":" : "{\"type\":\"error\","), body);
    }
  };
  const auto nothing = [](auto&) {};
  plan strict;
  both_tell(strict, nothing, "\"code\":\"model_not_found\"",
            R"("type":"not_found_error","message":"model: m")");
  strict.api_key = "right";
  both_tell(strict, nothing, "invalid_api_key", R"("type":"authentication_error")");
  both_tell(
      any_model(), [](auto& request) { request.body = "{}"; }, "invalid_request_error",
      R"("type":"invalid_request_error","message":"messages: )");
  both_tell(
      any_model(), [](auto& request) { request.method = "PUT"; }, "asked for with POST",
      "asked for with POST");
  plan failing = with_fault(fault_kind::status);
  const auto both_fail = [&](int status, const std::string& chat, const std::string& messages) {
    failing.faults[0].status = status;
    both_tell(failing, nothing, "\"type\":\"" + chat, "\"error\":{\"type\":\"" + messages);
  };
  both_fail(402, "invalid_request_error", "billing_error");
  both_fail(403, "authentication_error", "permission_error");
  both_fail(413, "invalid_request_error", "request_too_large");
  both_fail(429, "rate_limit_error", "rate_limit_error");
  both_fail(500, "server_error", "api_error");
  both_fail(504, "server_error", "timeout_error");
  both_fail(529, "server_error", "overloaded_error");
}

BOOST_AUTO_TEST_CASE(a_messages_client_must_name_its_version) {
  auto request = asking(api_kind::messages);
  request.fields = {};
  BOOST_TEST(told(any_model(), request).find("anthropic-version: header is required") != std::string::npos);
}

BOOST_AUTO_TEST_CASE(the_key_may_stand_in_any_header_or_in_the_one_that_the_plan_names) {
  plan of = any_model();
  of.api_key = "right";
  const std::vector<http_field> good{
      {"authorization", "Bearer right"}, {"x-api-key", "right"}, {"api-key", "right"}};
  for (const auto& [name, value] : good)
    for (const std::string only : {"", "authorization", "x-api-key", "api-key"})
      for (const api_kind dialect : both) {
        auto request = asking(dialect);
        request.fields.add(name, value);
        of.key_header = only;
        BOOST_TEST((answer_chat(of, request, 1, 7).status == 200) == (only.empty() || only == name),
                   name + " for " + only);
      }
  of.key_header.clear();
  for (const auto& [name, value] :
       std::vector<http_field>{{"Authorization", "right"}, {"x-api-key", "wrong"}}) {
    auto request = asking(api_kind::chat);
    request.fields.add(name, value);
    BOOST_TEST(answer_chat(of, request, 1, 7).status == 401);
  }
}

BOOST_AUTO_TEST_CASE(models_are_listed_and_shown_in_the_dialect_of_the_version_header) {
  plan of;
  of.models = {model_name("a"), model_name("b/c")};
  const auto got = [&of](const std::string& target, bool anthropic) {
    return part(bytes_of(answer_other(of, getting(target, anthropic)))).body;
  };
  BOOST_TEST(got("/v1/models", false).starts_with(R"({"object":"list","data":[{"id":"a","object":"model")"));
  BOOST_TEST(got("/v1/models", true).starts_with(R"({"data":[{"type":"model","id":"a")"));
  BOOST_TEST(got("/v1/models/b%2Fc", false).starts_with(R"({"id":"b/c","object":"model","created":0)"));
  BOOST_TEST(got("/v1/models/b%2Fc", true).starts_with(R"({"type":"model","id":"b/c","display_name":"b/c")"));
  BOOST_TEST(got("/v1/models/x", false).find("model_not_found") != std::string::npos);
  BOOST_TEST(got("/v1/models/x", true).find(R"("type":"not_found_error")") != std::string::npos);
  of.models.clear();
  BOOST_TEST(got("/v1/models/x", false).starts_with(R"({"id":"x",)"));
}

BOOST_AUTO_TEST_CASE(tokens_are_counted_as_the_reply_counts_them) {
  auto request = asking(api_kind::messages);
  const auto given = answer_chat(any_model(), request, 1, 7);
  request.target += "/count_tokens";
  BOOST_TEST(!is_chat(request));
  BOOST_TEST(part(bytes_of(answer_other(any_model(), request))).body ==
             R"({"input_tokens":)" + std::to_string(given.prompt_tokens) + "}");
}

BOOST_AUTO_TEST_CASE(what_does_not_fit_the_model_is_refused_in_the_words_of_the_api) {
  plan of = any_model();
  of.context_window = 102; // "Hello there" has three tokens, and the reply may have a hundred
  const auto body = [&](api_kind dialect) { return bytes_of(answer_chat(of, asking(dialect), 1, 7)); };
  BOOST_TEST(body(api_kind::chat).starts_with("HTTP/1.1 400 "));
  BOOST_TEST(count(body(api_kind::chat), R"("code":"context_length_exceeded")") == 1U);
  BOOST_TEST(count(body(api_kind::messages), "prompt is too long: 103 tokens > 102 maximum") == 1U);
  of.context_window = 103;
  BOOST_TEST(body(api_kind::chat).starts_with("HTTP/1.1 200 "));
}

BOOST_AUTO_TEST_CASE(a_begun_answer_can_be_refused) {
  const auto status = [](const plan& of, api_kind dialect, const std::string& begun) {
    transport::server_request request = asking(dialect);
    const std::string user = R"({"role":"user","content":"Hello there"})";
    request.body.insert(request.body.find(user) + user.size(),
                        R"(,{"role":"assistant","content":")" + begun + "\"}");
    return answer_chat(of, request, 1, 7).status;
  };
  plan of = any_model();
  for (const api_kind dialect : {api_kind::chat, api_kind::messages})
    BOOST_TEST(status(of, dialect, "You said:") == 200);
  BOOST_TEST(status(of, api_kind::messages, "You said: ") == 400);
  BOOST_TEST(status(of, api_kind::chat, "You said: ") == 200);
  of.prefill = prefilling::refuse;
  for (const api_kind dialect : {api_kind::chat, api_kind::messages})
    BOOST_TEST(status(of, dialect, "You said:") == 400);
}

BOOST_AUTO_TEST_CASE(a_reply_can_end_for_another_reason) {
  plan of = any_model();
  of.finish = finish_reason::content_filter;
  BOOST_TEST(count(bytes_of(answer_chat(of, asking(api_kind::chat), 1, 7)),
                   R"("finish_reason":"content_filter")") == 1U);
  BOOST_TEST(
      count(bytes_of(answer_chat(of, asking(api_kind::messages), 1, 7)), R"("stop_reason":"refusal")") == 1U);
}

BOOST_AUTO_TEST_SUITE_END()
