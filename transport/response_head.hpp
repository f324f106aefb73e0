// What a response's head says, once it is parsed: whether the response can be trusted, and its fields as
// values. Knows no socket and no parser.
#pragma once

#include "protocols/http_message.hpp"

#include <boost/beast/http/fields.hpp>
#include <boost/beast/http/message.hpp>
#include <boost/beast/http/string_body.hpp>

#include <chrono>
#include <memory_resource>
#include <optional>
#include <string>

namespace weir::transport {

using head_allocator = std::pmr::polymorphic_allocator<char>;
using parsed_response = boost::beast::http::response<boost::beast::http::string_body,
                                                     boost::beast::http::basic_fields<head_allocator>>;

/// What makes a response unreadable, or unsafe to read: its end must be certain, its body as it is.
/// `until_eof`: it has neither a length nor chunks. `streamed`: its own end mark tells whether it is whole.
std::optional<std::string> objection_to(const parsed_response& head, bool until_eof, bool streamed);

/// Status and fields.
http_response head_of(const parsed_response& head);

/// For how long the server says that it keeps the connection, less a second for what is under way; nothing
/// when it does not say.
std::optional<std::chrono::milliseconds> kept_for(const parsed_response& head);

} // namespace weir::transport
