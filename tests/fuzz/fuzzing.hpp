// What all fuzzers share: taking an input apart, saying that a property does not hold, and judging JSON.
// Knows no wire format; each fuzzer has its own properties.
#pragma once

#include "protocols/codec.hpp"

#include <weir/api.hpp>

#include <array>
#include <chrono>
#include <concepts>
#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

namespace weir::fuzzing {

/// Ends the process with a text if a property does not hold; libFuzzer then keeps the input.
void require(bool holds, std::string_view property, std::string_view details = {});

/// The same, with details that cost something to tell.
template <std::invocable Details>
void require(bool holds, std::string_view property, Details details) {
  if (!holds)
    require(false, property, std::string_view(std::string(details())));
}

/// The bytes of one input, taken from the front. What is over gives zeros and empty texts.
class input {
public:
  input(const std::uint8_t* data, std::size_t size)
      : rest_(size == 0 ? "" : reinterpret_cast<const char*>(data), size) {}

  std::uint8_t byte() noexcept {
    if (rest_.empty())
      return 0;
    const auto first = static_cast<std::uint8_t>(rest_.front());
    rest_.remove_prefix(1);
    return first;
  }

  /// One of a table's entries. Tables have sixteen, so that the digit 0 means the first.
  template <class Value>
  Value pick(const std::array<Value, 16>& table) noexcept {
    return table[byte() % table.size()];
  }

  /// Up to the next separator, which is taken too.
  std::string_view until(char separator) noexcept {
    const std::string_view piece = rest_.substr(0, rest_.find(separator));
    rest_.remove_prefix(piece.size() == rest_.size() ? piece.size() : piece.size() + 1);
    return piece;
  }

  std::string_view rest() const noexcept { return rest_; }

private:
  std::string_view rest_;
};

/// Cuts a text into pieces whose sizes follow three bytes of the input, in turn; a zero counts as one. Each
/// piece lies in memory of its own, so that a view that is kept too long is found.
class cutter {
public:
  explicit cutter(input& from) : sizes_{from.byte(), from.byte(), from.byte()} {}

  /// Calls `take` with each piece until it says false.
  template <class Take>
  void cut(std::string_view text, Take take) const {
    for (std::size_t turn = 0; !text.empty(); ++turn) {
      const std::size_t wanted = sizes_[turn % sizes_.size()];
      const std::string piece(text.substr(0, wanted == 0 ? 1 : wanted));
      text.remove_prefix(piece.size());
      if (!take(std::string_view(piece)))
        return;
    }
  }

private:
  std::array<std::uint8_t, 3> sizes_;
};

/// The clock of all fuzzers: Sun, 06 Nov 1994 08:49:37 GMT.
inline constexpr std::chrono::sys_seconds now{std::chrono::seconds{784'111'777}};

/// The codec for an API, of a provider like any other.
const protocols::codec& codec_for(api_kind api);

/// All APIs.
inline constexpr std::array every_api{api_kind::chat, api_kind::messages, api_kind::responses};

/// Status and content type of a response, by two bytes of the input; the body is left for the caller.
http_response response_head(input& from);

/// Whether a text is one JSON value in UTF-8, of any depth. Says so without the code that is under test.
bool is_strict_json(std::string_view text);

/// JSON text without space, and with its numbers written one way: two texts that say the same are the same.
std::string compacted(std::string_view json);

/// Requires a body that a strict reader takes: JSON, an object, and no member of it twice.
void require_body(std::string_view body, std::string_view what);

} // namespace weir::fuzzing

/// libFuzzer calls this; each fuzzer defines it.
extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size);
