// Where requests go and with which key: the heads of every API, byte by byte.
#include "protocols/codec.hpp"
#include "protocols/endpoint_heads.hpp"

#include <boost/test/unit_test.hpp>

using namespace weir;
using namespace weir::protocols;

namespace {

provider_config provider() {
  provider_config made;
  made.api_key = secret("sk-1");
  made.base_url = "https://api.example.com/v1/";
  return made;
}

std::string text_of(const result<std::shared_ptr<const request_head>>& head) {
  return head ? std::string((*head)->text()) : to_string(head.error());
}

std::string chat_head(const provider_config& of, const wire_options& wire, const char* model = "m") {
  const auto heads = endpoint_heads::make(of, wire, "/chat/completions");
  return heads ? text_of(heads->chat(model_name(model))) : to_string(heads.error());
}

std::string first_line(const std::string& head) {
  return head.substr(0, head.find("\r\n"));
}

bool has(const std::string& head, std::string_view line) {
  return head.find("\r\n" + std::string(line) + "\r\n") != std::string::npos;
}

} // namespace

BOOST_AUTO_TEST_SUITE(endpoint_test)

BOOST_AUTO_TEST_CASE(a_head_is_written_whole) {
  const auto heads = endpoint_heads::make(provider(), {}, "/chat/completions");
  BOOST_REQUIRE(heads.has_value());
  const auto chat = heads->chat(model_name("m"));
  BOOST_TEST(text_of(chat) == "POST /v1/chat/completions HTTP/1.1\r\n"
                              "Host: api.example.com\r\n"
                              "User-Agent: weir/0.1\r\n"
                              "Accept: application/json\r\n"
                              "Accept-Encoding: identity\r\n"
                              "Authorization: Bearer sk-1\r\n"
                              "Content-Type: application/json\r\n");
  BOOST_TEST((heads->chat(model_name("other")).value() == chat.value())); // written once
  BOOST_TEST(heads->models()->text() == "GET /v1/models HTTP/1.1\r\n"
                                        "Host: api.example.com\r\n"
                                        "User-Agent: weir/0.1\r\n"
                                        "Accept: application/json\r\n"
                                        "Accept-Encoding: identity\r\n"
                                        "Authorization: Bearer sk-1\r\n");
}

BOOST_AUTO_TEST_CASE(the_key_goes_where_the_provider_wants_it) {
  wire_options wire;
  wire.key = key_style::x_api_key;
  BOOST_TEST(has(chat_head(provider(), wire), "x-api-key: sk-1"));
  wire.key = key_style::api_key;
  BOOST_TEST(has(chat_head(provider(), wire), "api-key: sk-1"));
  BOOST_TEST(!has(chat_head(provider(), wire), "Authorization: Bearer sk-1"));
  wire.key = key_style::none;
  BOOST_TEST(chat_head(provider(), wire).find("sk-1") == std::string::npos);
  provider_config keyless = provider();
  keyless.api_key = secret();
  wire.key = key_style::bearer;
  BOOST_TEST(chat_head(keyless, wire).find("Authorization") == std::string::npos);
}

BOOST_AUTO_TEST_CASE(a_configured_header_replaces_ours_of_that_name) {
  wire_options wire;
  wire.api_version = "2023-06-01";
  BOOST_TEST(has(chat_head(provider(), wire), "anthropic-version: 2023-06-01"));
  provider_config own = provider();
  own.headers = {{"Anthropic-Version", "2026-10-21"},
                 {"user-agent", "me"},
                 {"AUTHORIZATION", "Basic x"},
                 {"content-type", "application/json; charset=utf-8"},
                 {"X-Title", "t"}};
  const std::string head = chat_head(own, wire);
  BOOST_TEST(has(head, "Anthropic-Version: 2026-10-21"));
  BOOST_TEST(has(head, "user-agent: me"));
  BOOST_TEST(has(head, "AUTHORIZATION: Basic x"));
  BOOST_TEST(has(head, "content-type: application/json; charset=utf-8"));
  BOOST_TEST(has(head, "X-Title: t"));
  for (const char* gone : {"2023-06-01", "weir/0.1", "Bearer", "Content-Type"})
    BOOST_TEST(head.find(gone) == std::string::npos, gone);
  own.headers = {{"Host", "elsewhere"}};
  BOOST_TEST(endpoint_heads::make(own, wire, "/messages").has_error());
}

BOOST_AUTO_TEST_CASE(a_path_of_the_providers_own_may_name_the_model) {
  wire_options wire;
  wire.path = "/openai/deployments/{model}/chat/completions";
  wire.query = {{"api-version", "2024-10-21"}, {"a b", "c&d=é"}};
  BOOST_TEST(first_line(chat_head(provider(), wire, "gpt 4/ü?x")) ==
             "POST /v1/openai/deployments/gpt%204%2F%C3%BC%3Fx/chat/completions"
             "?a%20b=c%26d%3D%C3%A9&api-version=2024-10-21 HTTP/1.1");
  const auto heads = endpoint_heads::make(provider(), wire, "/chat/completions");
  BOOST_REQUIRE(heads.has_value());
  BOOST_TEST(first_line(std::string(heads->models()->text())) ==
             "GET /v1/models?a%20b=c%26d%3D%C3%A9&api-version=2024-10-21 HTTP/1.1");
  for (const char* name : {"", ".", ".."}) {
    const auto none = heads->chat(model_name(name));
    BOOST_REQUIRE_MESSAGE(none.has_error(), name);
    BOOST_TEST((none.error().type == errc::invalid_request), name);
    BOOST_TEST(none.error().place == "model", name);
  }
  // A name that looks like the mark is a name.
  BOOST_TEST(first_line(chat_head(provider(), wire, "{model}")).find("/%7Bmodel%7D/") != std::string::npos);
  wire.path = "responses?x=1";
  BOOST_TEST(first_line(chat_head(provider(), wire)) ==
             "POST /v1/responses?x=1&a%20b=c%26d%3D%C3%A9&api-version=2024-10-21 HTTP/1.1");
}

BOOST_AUTO_TEST_CASE(what_cannot_be_written_as_http_is_refused_without_the_key) {
  wire_options wire;
  wire.path = "/a b";
  BOOST_TEST(endpoint_heads::make(provider(), wire, "/x").has_error());
  wire.path = "/{model}\r\nX: 1";
  BOOST_TEST(endpoint_heads::make(provider(), wire, "/x").has_error());
  wire = {};
  wire.api_version = "1\r\nX: 1";
  BOOST_TEST(endpoint_heads::make(provider(), wire, "/x").has_error());
  for (const key_style style : {key_style::bearer, key_style::x_api_key, key_style::api_key}) {
    wire = {};
    wire.key = style;
    provider_config evil = provider();
    evil.api_key = secret("sk-canary\r\nX-Evil: 1");
    const auto made = endpoint_heads::make(evil, wire, "/x");
    BOOST_REQUIRE(made.has_error());
    BOOST_TEST((made.error().type == errc::config));
    BOOST_TEST(to_string(made.error()).find("canary") == std::string::npos);
  }
}

BOOST_AUTO_TEST_CASE(a_model_with_an_api_of_its_own_is_asked_in_the_manner_of_that_api) {
  const auto head_for = [](const provider_config& of, api_kind api) {
    chat_request request;
    request.model = model_name("m");
    request.messages.push_back(make_message(role::user, "x"));
    const auto codec = make_codec(of, api);
    const auto made = codec ? (*codec)->encode_chat(request) : codec.error();
    return made ? std::string(made->head->text()) : to_string(made.error());
  };
  constexpr std::string_view bearer = "Authorization: Bearer sk-1";
  constexpr std::string_view own_key = "x-api-key: sk-1";
  constexpr std::string_view version = "anthropic-version: 2023-06-01";
  provider_config claude = provider();
  claude.type = provider_type::claude;
  BOOST_TEST(has(head_for(claude, api_kind::messages), own_key));
  BOOST_TEST(has(head_for(claude, api_kind::messages), version));
  for (const api_kind api : {api_kind::chat, api_kind::responses}) {
    const std::string head = head_for(claude, api);
    BOOST_TEST(has(head, bearer), head);
    BOOST_TEST(head.find("x-api-key") == std::string::npos, head);
    BOOST_TEST(head.find("anthropic-version") == std::string::npos, head);
  }
  // A server that is told its key in another way is told it so in all APIs.
  provider_config gateway = provider();
  gateway.type = provider_type::generic;
  gateway.wire = wire_options{};
  gateway.wire->path = "/own";
  gateway.wire->query = {{"api-version", "2024-10-21"}};
  std::string head = head_for(gateway, api_kind::messages);
  BOOST_TEST(first_line(head) == "POST /v1/messages?api-version=2024-10-21 HTTP/1.1");
  BOOST_TEST(has(head, bearer), head);
  BOOST_TEST(has(head, version), head);
  for (const auto& [style, line] :
       {std::pair{key_style::api_key, "api-key: sk-1"}, std::pair{key_style::x_api_key, "x-api-key: sk-1"}}) {
    gateway.wire->key = style;
    for (const api_kind api : {api_kind::chat, api_kind::messages, api_kind::responses})
      BOOST_TEST(has(head_for(gateway, api), line), line);
  }
  // The version of its models of the Messages API is theirs alone; a query is the whole server's.
  gateway.wire->api_version = "2026-10-21";
  BOOST_TEST(has(head_for(gateway, api_kind::messages), "anthropic-version: 2026-10-21"));
  for (const api_kind api : {api_kind::chat, api_kind::responses}) {
    head = head_for(gateway, api);
    BOOST_TEST(head.find("anthropic-version") == std::string::npos, head);
    BOOST_TEST(first_line(head).find("?api-version=2024-10-21 ") != std::string::npos, head);
  }
  claude.wire = wire_of(claude);
  claude.wire->key = key_style::none;
  BOOST_TEST(head_for(claude, api_kind::chat).find("sk-1") == std::string::npos);
}

BOOST_AUTO_TEST_SUITE_END()
