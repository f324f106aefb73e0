// OpenRouter's `reasoning_details` of a stream, put together again: they must be sent back as whole entries.
// Knows nothing of what a model thought; the text is shown from elsewhere.
#pragma once

#include "protocols/json.hpp"

#include <weir/chat.hpp>

#include <cstddef>
#include <string>
#include <vector>

namespace weir::protocols {

/// Pieces of one entry come one after the other, with the same `type` and `index`; their `text` or `summary`
/// are joined, and of any other member the first that is not null counts. A signature ends an entry.
class reasoning_details {
public:
  /// The `reasoning_details` of one chunk.
  void add(const json_value& list);

  bool empty() const noexcept { return entries_.empty(); }
  /// Bytes that are held.
  std::size_t size() const noexcept { return size_; }
  /// The entries as a JSON array.
  std::string json() const;

private:
  struct entry {
    std::string type;
    std::string index; ///< JSON text
    std::string text;
    std::string summary;
    bool has_text = false;
    bool has_summary = false;
    bool closed = false;
    extra_members others;
  };

  bool continues(const json_value& piece) const;
  void grow(entry& into, const json_value& piece);

  std::vector<entry> entries_;
  std::size_t size_ = 0;
};

} // namespace weir::protocols
