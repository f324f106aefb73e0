// Requests to be validated in tests, and the places of their faults.
// Knows no case: those stand in validate_test.cpp and validate_limits_test.cpp.
#pragma once

#include <weir/validation.hpp>

#include <boost/test/unit_test.hpp>

#include <string>
#include <utility>
#include <vector>

namespace weir::test {

inline message with_parts(role from, std::vector<content_part> parts) {
  message made;
  made.role = from;
  made.content = std::move(parts);
  return made;
}

inline message calls(std::vector<tool_call> made) {
  message value;
  value.role = role::assistant;
  value.tool_calls = std::move(made);
  return value;
}

inline message answer(std::string id) {
  message made = make_message(role::tool, "done");
  made.tool_call_id = std::move(id);
  return made;
}

inline chat_request ask(std::vector<message> more = {}) {
  chat_request request;
  request.messages = {make_message(role::user, "hello")};
  for (message& each : more)
    request.messages.push_back(std::move(each));
  return request;
}

inline std::vector<std::string> places(const chat_request& request, const model_config* model = nullptr) {
  std::vector<std::string> found;
  for (const failure& each : validate(request, model)) {
    BOOST_TEST((each.type == errc::invalid_request), each.place);
    BOOST_TEST(!each.retryable, each.place);
    BOOST_TEST(!each.message.empty(), each.place);
    BOOST_TEST((each.fate == outcome::not_sent), each.place);
    found.push_back(each.place);
  }
  return found;
}

using paths = std::vector<std::string>;

inline void check(const chat_request& request, const paths& wanted, const model_config* model = nullptr) {
  BOOST_TEST(places(request, model) == wanted, boost::test_tools::per_element());
}

inline chat_request see(std::string url, std::string detail = {}) {
  return ask({with_parts(role::user, {text_part{"Look."}, image_part{std::move(url), std::move(detail)}})});
}

inline tool function(std::string name, std::string parameters = {}) {
  return {std::move(name), "Does.", std::move(parameters)};
}

} // namespace weir::test
