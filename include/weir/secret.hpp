// A secret that never prints itself and wipes its memory.
// Knows nothing of where secrets come from or what they open.
#pragma once

#include <string>
#include <string_view>
#include <utility>

namespace weir {

/// A key or token. There is no stream operator and no conversion: who needs the text says `reveal()`.
class secret {
public:
  secret() = default;
  explicit secret(std::string text) : text_(std::move(text)) {}
  secret(const secret&) = default;
  secret(secret&& other) noexcept : text_(std::move(other.text_)) { other.wipe(); }
  secret& operator=(const secret& other);
  secret& operator=(secret&& other) noexcept;
  ~secret() { wipe(); }

  /// The text itself, for the one place that puts it on the wire.
  std::string_view reveal() const noexcept { return text_; }
  bool empty() const noexcept { return text_.empty(); }

  /// What people may see: `****` and, of long ones, the last four characters.
  std::string masked() const;

  friend bool operator==(const secret&, const secret&) = default;

private:
  void wipe() noexcept;

  std::string text_;
};

} // namespace weir
