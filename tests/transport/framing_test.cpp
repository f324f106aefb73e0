// Which responses are read, and which are refused: lengths, chunks, heads, codings, interim responses.
#include "tests/transport/scripted.hpp"

using namespace weir;
using namespace weir::transport;
using namespace weir::transport::testing;

BOOST_AUTO_TEST_SUITE(framing_test)

BOOST_AUTO_TEST_CASE(chunks_and_single_bytes_make_the_same_response) {
  const std::string chunked =
      "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nhe\r\n3;x=y\r\nllo\r\n0\r\nX: y\r\n\r\n";
  for (const std::string& bytes : {good, chunked}) {
    script drip;
    for (const char byte : bytes)
      drip.emplace_back(send_bytes{std::string(1, byte)});
    const exchange end = once(drip);
    BOOST_REQUIRE(end.response.has_value());
    BOOST_TEST(end.response->body == "hello");
  }
}

BOOST_AUTO_TEST_CASE(heads_and_bodies_over_their_bound_are_refused) {
  const auto head = once(
      {send_bytes{"HTTP/1.1 200 OK\r\nX: " + std::string(20'000, 'x') + "\r\nContent-Length: 0\r\n\r\n"}});
  BOOST_TEST(
      (head.response.error().type == errc::network || head.response.error().type == errc::server_error));
  const auto body =
      once({send_bytes{"HTTP/1.1 200 OK\r\nContent-Length: 100000\r\n\r\n" + std::string(100'000, 'x')}},
           [](endpoint& to) { to.max_body_bytes = 50'000; });
  BOOST_TEST(body.response.has_error());
  const auto chunks = once({send_bytes{"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nffff\r\n" +
                                       std::string(65535, 'x') + "\r\nffff\r\n"}},
                           [](endpoint& to) { to.max_body_bytes = 50'000; });
  BOOST_TEST(chunks.response.has_error());
}

BOOST_AUTO_TEST_CASE(a_response_whose_end_or_body_is_in_doubt_is_refused) {
  for (const char* head : {"HTTP/1.1 200 OK\r\n\r\nhello",
                           "HTTP/1.1 200 OK\r\nTransfer-Encoding: gzip, chunked\r\n\r\n0\r\n\r\n",
                           "HTTP/1.1 200 OK\r\nContent-Encoding: gzip\r\nContent-Length: 5\r\n\r\nhello",
                           "HTTP/1.1 200 OK\r\nContent-Length: 5\r\nContent-Length: 6\r\n\r\nhello!",
                           "HTTP/1.1 200 OK\r\nContent-Length: -5\r\n\r\n", "HTTP/1.1 101 Switching\r\n\r\n",
                           "SSH-2.0-x\r\n", "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n"}) {
    const exchange end = once({send_bytes{head}, close_connection{}});
    BOOST_TEST(end.response.has_error(), head);
  }
}

BOOST_AUTO_TEST_CASE(an_error_keeps_its_status_and_fields_when_its_body_is_in_doubt) {
  const exchange old =
      once({send_bytes{"HTTP/1.0 429 Slow down\r\nRetry-After: 7\r\n\r\n{\"error\":1}"}, close_connection{}});
  BOOST_REQUIRE(old.response.has_value());
  BOOST_TEST(old.response->status == 429);
  BOOST_TEST(old.response->find("retry-after") == "7");
  BOOST_TEST(old.response->body == "{\"error\":1}");
  const exchange packed = once(
      {send_bytes{"HTTP/1.1 401 No\r\nContent-Encoding: gzip\r\nContent-Length: 5\r\n\r\nhello"}, hang{}});
  BOOST_REQUIRE(packed.response.has_value());
  BOOST_TEST(packed.response->status == 401);
  BOOST_TEST(packed.response->body.empty());
}

BOOST_AUTO_TEST_CASE(framing_without_an_end_is_refused) {
  const std::string chunked = "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n";
  for (const std::string& flood :
       {chunked + "5;" + std::string(1U << 20U, 'x'), chunked + "0\r\nX: " + std::string(1U << 20U, 'x')}) {
    const exchange end = once({send_bytes{flood}, hang{}});
    BOOST_REQUIRE(end.response.has_error());
    BOOST_TEST((end.response.error().type == errc::server_error));
    BOOST_TEST((end.total < 2s));
  }
  std::string many = "HTTP/1.1 200 OK\r\nContent-Length: 0\r\n";
  for (int n = 0; n != 100; ++n)
    many += "X-" + std::to_string(n) + ": y\r\n";
  BOOST_TEST(once({send_bytes{many + "\r\n"}}).response.has_error());
}

BOOST_AUTO_TEST_CASE(interim_responses_are_passed_over_but_not_for_ever) {
  const std::string interim = "HTTP/1.1 100 Continue\r\n\r\n";
  BOOST_TEST(once({send_bytes{interim + interim + good}}).response.has_value());
  std::string flood;
  for (int n = 0; n != 1000; ++n)
    flood += interim;
  BOOST_TEST(once({send_bytes{flood + good}}).response.has_error());
}

BOOST_AUTO_TEST_SUITE_END()
