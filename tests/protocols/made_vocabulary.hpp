// Vocabularies made up for tests: the 256 bytes, and what a test adds to them.
// Knows no file and nothing of OpenAI's.
#pragma once

#include "protocols/vocabulary.hpp"

#include <weir/tokens.hpp>

#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace weir::test {

inline std::string base64(std::string_view bytes) {
  constexpr std::string_view digits = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
  std::string text;
  for (std::size_t at = 0; at < bytes.size(); at += 3) {
    std::uint32_t word = 0;
    for (std::size_t offset = 0; offset != 3; ++offset)
      word = word << 8U | (at + offset < bytes.size() ? static_cast<unsigned char>(bytes[at + offset]) : 0U);
    for (std::size_t digit = 0; digit != 4; ++digit)
      text += at + digit > bytes.size() ? '=' : digits[word >> (18 - 6 * digit) & 0x3fU];
  }
  return text;
}

/// A rank file: the 256 bytes, each with its value for its rank, and these tokens after them.
inline std::string rank_file(const std::vector<std::string>& tokens = {}) {
  std::string text;
  for (int byte = 0; byte != 256; ++byte)
    text += base64(std::string(1, static_cast<char>(byte))) + " " + std::to_string(byte) + "\n";
  for (std::size_t at = 0; at != tokens.size(); ++at)
    text += base64(tokens[at]) + " " + std::to_string(256 + at) + "\n";
  return text;
}

inline protocols::rank_table ranks_with(const std::vector<std::string>& tokens) {
  return std::move(*protocols::rank_table::parse(rank_file(tokens)));
}

inline token_counter_ptr counter_with(const std::vector<std::string>& tokens,
                                      std::string_view name = "o200k_base") {
  return std::move(*make_token_counter(name, rank_file(tokens)));
}

inline chat_request asking(std::string_view model, std::string text) {
  chat_request request;
  request.model = model_name(model);
  request.messages = {make_message(role::user, std::move(text))};
  return request;
}

} // namespace weir::test
