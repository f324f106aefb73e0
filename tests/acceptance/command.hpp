// The driver's commands as values, and how they are answered.
// Knows JSON, and neither runtime nor actors.
#pragma once

#include "protocols/json.hpp"

#include <weir/chat.hpp>

#include <cstdint>
#include <string>

namespace weir::driving {

/// Writes one answer whole. From any thread.
void answer(std::uint64_t n, const std::string& members);

/// A text as JSON.
std::string json_text(std::string_view text);

/// A text of a command; empty: it has none.
std::string text_at(const protocols::json_value& command, const char* name);

/// A count of a command, or what stands for none.
std::uint64_t count_at(const protocols::json_value& command, const char* name, std::uint64_t otherwise);

/// The request of `{"chat":{…},"provider":"p","rescue":"restart","timeout_ms":500,"tags":{"agent":"a"}}`.
result<chat_request> read_request(const protocols::json_value& command);

} // namespace weir::driving
