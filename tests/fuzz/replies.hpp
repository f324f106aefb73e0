// Properties that every decoded reply, and every failure in place of one, has.
// Knows no vendor's form of either.
#pragma once

#include "fuzzing.hpp"

#include <weir/chat.hpp>

#include <string>
#include <string_view>

namespace weir::fuzzing {

/// A reply as text, all that a caller can see of it: two replies are the same when their texts are.
std::string described(const chat_reply& reply);
std::string described(const result<chat_reply>& outcome);

/// A failure has a class, words for people, and bounds. Header fields are as long as they came.
void check_failure(const failure& error, const http_response& response);

/// A reply is a success with a usage that adds up, with calls that can be answered, and with further members
/// that are JSON.
void check_reply(const chat_reply& reply);

/// What goes out again is JSON: the reply to a client of either API, and the conversation to any provider.
void check_passing_on(const chat_reply& reply);

/// A whole response read by a codec: every property above.
void check_whole(api_kind api, const std::uint8_t* data, std::size_t size);

} // namespace weir::fuzzing
