// Wiping and masking.
// Knows nothing of where secrets come from or what they open.
#include <weir/secret.hpp>

#include <cstring>

namespace weir {

secret& secret::operator=(const secret& other) {
  if (this != &other) {
    wipe();
    text_ = other.text_;
  }
  return *this;
}

secret& secret::operator=(secret&& other) noexcept {
  if (this != &other) {
    wipe();
    text_ = std::move(other.text_);
    other.wipe();
  }
  return *this;
}

std::string secret::masked() const {
  constexpr std::size_t shown = 4;
  // Of a short one, four characters would be a good part of it.
  return text_.size() >= 4 * shown ? "****" + text_.substr(text_.size() - shown)
                                   : std::string(text_.empty() ? "" : "****");
}

void secret::wipe() noexcept {
  // The whole buffer, since a moved-from string may keep old characters behind its end.
  text_.resize(text_.capacity());
  explicit_bzero(text_.data(), text_.size());
  text_.clear();
}

} // namespace weir
