// An HTTP request and response as values: what the codecs make and the transport carries.
// Knows no socket and no vendor.
#pragma once

#include <weir/error.hpp>

#include <cstddef>
#include <initializer_list>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

namespace weir {

/// One header field.
struct http_field {
  std::string name;
  std::string value;

  friend bool operator==(const http_field&, const http_field&) = default;
};

/// The header fields of a message that was read, in one piece of memory: they are made on one thread and
/// freed on another for every call, where each string of its own would cost. Names keep their spelling.
class http_fields {
public:
  /// A look at one field; it lives as long as the fields are not changed.
  struct view {
    std::string_view name;
    std::string_view value;
  };
  class iterator {
  public:
    explicit iterator(const char* at) : at_(at) {}
    view operator*() const noexcept {
      const std::string_view name(at_);
      return {name, std::string_view(name.data() + name.size() + 1)};
    }
    iterator& operator++() noexcept {
      const view now = **this;
      at_ = now.value.data() + now.value.size() + 1;
      return *this;
    }
    friend bool operator==(const iterator&, const iterator&) = default;

  private:
    const char* at_;
  };

  http_fields() = default;
  http_fields(std::initializer_list<http_field> fields);

  /// Neither has a NUL: no HTTP parser lets one through.
  void add(std::string_view name, std::string_view value);
  void reserve(std::size_t bytes) { text_.reserve(bytes); }

  /// The value of the first field of that name, whatever its case, trimmed; empty when there is none.
  std::string_view find(std::string_view name) const noexcept;

  iterator begin() const noexcept { return iterator(text_.data()); }
  iterator end() const noexcept { return iterator(text_.data() + text_.size()); }

private:
  std::string text_; ///< name, NUL, value, NUL, and so on
};

/// A request's head up to its body's length, written once for each provider and path and reused for each
/// call: request line and fields, each ended by CRLF. The transport adds `Content-Length` and the blank line.
class request_head {
public:
  /// Refuses (`config`) a target or field in which a control character, a bare space in a name or target, or
  /// a line end would change the framing; names `Host`, `Content-Length` and `Transfer-Encoding` more than
  /// allowed.
  static result<std::shared_ptr<const request_head>> make(std::string_view method, std::string_view target,
                                                          const std::vector<http_field>& fields);

  std::string_view text() const noexcept { return text_; }

private:
  request_head() = default;

  std::string text_;
};

/// A request ready to be sent.
struct http_request {
  std::shared_ptr<const request_head> head;
  std::string body;
};

/// A whole response.
struct http_response {
  int status = 0;
  http_fields fields;
  std::string body;

  /// The first field of that name, trimmed; empty when there is none.
  std::string_view find(std::string_view name) const noexcept { return fields.find(name); }
};

} // namespace weir
