// A client's Messages request in pieces: what its members are made of.
// Used by `decode_messages_request` alone; knows no reply.
#pragma once

#include "protocols/json.hpp"

#include <weir/chat.hpp>

#include <string>
#include <string_view>
#include <vector>

namespace weir::protocols::anthropic {

/// A fault of the request (`invalid_request`, status 400).
failure request_fault(std::string path, std::string expected);

/// `cache_control` of a block or tool as JSON text; empty: none.
std::string mark_in(const json_value& from);

/// `messages`: one message may become several, since each tool's result is one of its own here.
result<void> read_conversation(const json_value& from, std::vector<message>& into);

/// `system`, a string or blocks. Nothing is added where it says nothing.
result<void> read_system(const json_value& from, std::vector<message>& into);

/// `tools`. What is no function of the client's own is kept whole.
result<void> read_tool_list(const json_value& from, std::vector<tool>& into);

} // namespace weir::protocols::anthropic
