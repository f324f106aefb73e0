// What the checks of a request share: the list of faults, and rules that hold in more than one place.
// Knows no vendor. Paths are put together only for what is wrong.
#pragma once

#include <weir/chat.hpp>
#include <weir/config.hpp>
#include <weir/validation.hpp>

#include <initializer_list>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace weir::protocols {

/// Faults as they are found, up to `most_faults`.
class fault_list {
public:
  /// A fault at a place.
  void add(std::string place, std::string message) {
    add(errc::invalid_request, std::move(place), std::move(message));
  }
  void add(errc type, std::string place, std::string message);

  /// Nothing more is taken, so nothing more need be looked for.
  bool full() const noexcept { return faults_.size() >= most_faults; }

  std::vector<failure> take() && { return std::move(faults_); }

private:
  std::vector<failure> faults_;
};

/// `name[index]`.
std::string indexed(std::string_view name, std::size_t index);

/// Whether a text is 1 to 128 letters, digits, `_` and `-`: what all providers take for a tool's name.
bool is_tool_name(std::string_view name) noexcept;

/// A value of the caller's for a message, short, in quotes.
std::string in_quotes(std::string_view text);

/// Members that go onto the wire as they are: each is JSON, none stands twice or has a place of its own in
/// weir's values. `path` is that of the object that they are members of, with its dot.
void check_members(const extra_members& members, std::string_view path,
                   std::initializer_list<std::string_view> own, fault_list& faults);

/// JSON text that is an object.
bool is_object_text(std::string_view json);

/// Messages, from parts to the order of calls and answers.
void check_messages(const chat_request& request, const model_config* model, fault_list& faults);

} // namespace weir::protocols
