// Names and ids that could be swapped by mistake, each with a type of its own.
// Knows nothing of where a name comes from or what an id keys.
#pragma once

#include <array>
#include <compare>
#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <string_view>
#include <utility>

namespace weir {

/// A string of one meaning. Two kinds of name never convert into each other.
template <class Tag>
class basic_name {
public:
  basic_name() = default;
  explicit basic_name(std::string text) : text_(std::move(text)) {}
  explicit basic_name(std::string_view text) : text_(text) {}
  explicit basic_name(const char* text) : text_(text) {}

  const std::string& str() const noexcept { return text_; }
  bool empty() const noexcept { return text_.empty(); }

  friend bool operator==(const basic_name&, const basic_name&) = default;
  friend auto operator<=>(const basic_name&, const basic_name&) = default;

private:
  std::string text_;
};

/// The name of a provider as the configuration has it: the key under `[llm.providers]`.
using provider_name = basic_name<struct provider_tag>;

/// The name of a model as the provider knows it.
using model_name = basic_name<struct model_tag>;

/// A 128-bit id, ordered by the time at which it was made (layout of UUID version 7, RFC 9562):
/// 48 bits of Unix milliseconds, 4 bits of version, 12 random bits, 2 bits of variant, 62 random bits.
struct id128 {
  std::array<std::uint8_t, 16> bytes{};

  bool is_zero() const noexcept { return *this == id128{}; }

  friend bool operator==(const id128&, const id128&) = default;
  friend auto operator<=>(const id128&, const id128&) = default;
};

/// Builds a time-ordered id from Unix milliseconds (the lower 48 bits count) and two random words.
/// Time and randomness are handed in, so that a simulation repeats its ids.
id128 make_id128(std::uint64_t unix_ms, std::uint64_t random_high, std::uint64_t random_low) noexcept;

/// Thirty-two lower-case hexadecimal digits.
std::string to_string(const id128& id);

/// Reads what `to_string` wrote; nothing for any other text.
std::optional<id128> to_id128(std::string_view text) noexcept;

/// One call of a caller, over all its attempts.
struct call_id : id128 {
  friend bool operator==(const call_id&, const call_id&) = default;
  friend auto operator<=>(const call_id&, const call_id&) = default;
};

/// One physical request to one provider. Made once, never reused; the key of its ledger record.
struct attempt_id : id128 {
  friend bool operator==(const attempt_id&, const attempt_id&) = default;
  friend auto operator<=>(const attempt_id&, const attempt_id&) = default;
};

} // namespace weir

template <class Tag>
struct std::hash<weir::basic_name<Tag>> {
  std::size_t operator()(const weir::basic_name<Tag>& value) const noexcept {
    return std::hash<std::string>{}(value.str());
  }
};

namespace weir::detail {
/// The low half of a version-7 id is random: it is a hash already.
inline std::size_t hash_of(const id128& id) noexcept {
  std::size_t word = 0;
  for (std::size_t at = 8; at != 16; ++at)
    word = (word << 8U) | id.bytes[at];
  return word;
}
} // namespace weir::detail

template <>
struct std::hash<weir::call_id> {
  std::size_t operator()(const weir::call_id& id) const noexcept { return weir::detail::hash_of(id); }
};

template <>
struct std::hash<weir::attempt_id> {
  std::size_t operator()(const weir::attempt_id& id) const noexcept { return weir::detail::hash_of(id); }
};
