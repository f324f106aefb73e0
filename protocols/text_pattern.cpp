// The tree of a pattern becomes a program, after Thompson (1968) and Pike: all its states move on together.
// Repetitions are written out as often as they say, up to a limit.
#include "protocols/text_pattern.hpp"

#include "protocols/text_pattern_reader.hpp"
#include "protocols/utf8.hpp"

#include <algorithm>
#include <string>

namespace weir::protocols {

namespace {

using range = text_pattern::range;
using action = text_pattern::action;
using step = text_pattern::step;

constexpr std::size_t longest_pattern = 1000;
constexpr std::size_t longest_program = 4000;

/// Writes a tree out. False: the program has become too long.
bool write(const pattern_node& from, std::vector<step>& program);

std::uint32_t here(const std::vector<step>& program) {
  return static_cast<std::uint32_t>(program.size());
}

bool write_choice(const pattern_node& from, std::vector<step>& program) {
  std::vector<std::size_t> ends;
  for (std::size_t at = 0; at != from.children.size(); ++at) {
    const bool last = at + 1 == from.children.size();
    const std::size_t split = program.size();
    if (!last)
      program.push_back({action::split, here(program) + 1, 0});
    if (!write(from.children[at], program))
      return false;
    if (last)
      break;
    ends.push_back(program.size());
    program.push_back({action::jump});
    program[split].second = here(program);
  }
  for (const std::size_t end : ends)
    program[end].first = here(program);
  return true;
}

bool write_repeat(const pattern_node& from, std::vector<step>& program) {
  const pattern_node& one = from.children.front();
  for (std::uint32_t count = 0; count != from.least; ++count) {
    const std::size_t before = program.size();
    if (!write(one, program))
      return false;
    if (program.size() == before)
      break; // nothing, however often
  }
  if (from.most == unlimited) {
    const std::uint32_t split = here(program);
    program.push_back({action::split, split + 1, 0});
    if (!write(one, program))
      return false;
    program.push_back({action::jump, split, 0});
    program[split].second = here(program);
    return true;
  }
  std::vector<std::size_t> splits;
  for (std::uint32_t count = from.least; count != from.most; ++count) {
    splits.push_back(program.size());
    program.push_back({action::split, here(program) + 1, 0});
    if (!write(one, program))
      return false;
  }
  for (const std::size_t split : splits)
    program[split].second = here(program);
  return true;
}

bool write(const pattern_node& from, std::vector<step>& program) {
  if (program.size() > longest_program)
    return false;
  switch (from.what) {
  case pattern_node::kind::set:
    program.push_back({action::set, from.set, 0});
    return true;
  case pattern_node::kind::assertion:
    program.push_back({from.assertion});
    return true;
  case pattern_node::kind::choice:
    return write_choice(from, program);
  case pattern_node::kind::repeat:
    return write_repeat(from, program);
  case pattern_node::kind::sequence:
    return std::ranges::all_of(from.children,
                               [&program](const pattern_node& each) { return write(each, program); });
  }
  return false;
}

std::u32string decoded(std::string_view text) {
  std::string whole;
  if (valid_utf8(text) != text.size()) {
    whole = repaired_utf8(text);
    text = whole;
  }
  std::u32string letters;
  letters.reserve(text.size());
  for (std::size_t at = 0; at < text.size();) {
    const decoded_character next = decode_utf8(text, at);
    letters.push_back(next.value);
    at += next.size;
  }
  return letters;
}

/// What stands on both sides of a place in a text; nothing at its ends.
struct surroundings {
  std::optional<char32_t> before;
  std::optional<char32_t> after;

  bool fits(action assertion) const noexcept {
    const auto is_word = [](std::optional<char32_t> letter) { return letter && is_pattern_word(*letter); };
    switch (assertion) {
    case action::begin:
      return !before;
    case action::end:
      return !after;
    case action::boundary:
      return is_word(before) != is_word(after);
    case action::no_boundary:
      return is_word(before) == is_word(after);
    default:
      return true;
    }
  }
};

/// The states in which a program is at one place of a text; each once, in any order.
class state_set {
public:
  explicit state_set(std::size_t size) : seen_(size, false) {}

  void clear() {
    seen_.assign(seen_.size(), false);
    waiting_.clear();
  }
  const std::vector<std::uint32_t>& waiting() const noexcept { return waiting_; }

  /// Adds a state, and those that it leads to without a character. True: the end is one of them.
  bool add(std::uint32_t state, const std::vector<step>& program, const surroundings& around) {
    todo_.assign(1, state);
    while (!todo_.empty()) {
      const std::uint32_t now = todo_.back();
      todo_.pop_back();
      if (seen_[now])
        continue;
      seen_[now] = true;
      const step& each = program[now];
      switch (each.what) {
      case action::match:
        return true;
      case action::set:
        waiting_.push_back(now);
        break;
      case action::jump:
        todo_.push_back(each.first);
        break;
      case action::split:
        todo_.push_back(each.second);
        todo_.push_back(each.first);
        break;
      default:
        if (around.fits(each.what))
          todo_.push_back(now + 1);
        break;
      }
    }
    return false;
  }

private:
  std::vector<bool> seen_;
  std::vector<std::uint32_t> waiting_; ///< those that take a character
  std::vector<std::uint32_t> todo_;
};

} // namespace

bool text_pattern::char_set::contains(char32_t letter) const noexcept {
  return negated != std::ranges::any_of(ranges, [letter](const range& each) {
           return letter >= each.first && letter <= each.second;
         });
}

std::optional<text_pattern> text_pattern::compile(std::string_view pattern) {
  if (pattern.size() > longest_pattern)
    return std::nullopt;
  text_pattern made;
  const std::u32string letters = decoded(pattern);
  const auto tree = read_pattern(letters, made.sets_);
  if (!tree || !write(*tree, made.program_))
    return std::nullopt;
  made.program_.push_back({action::match});
  return made;
}

std::optional<bool> text_pattern::found_in(std::string_view text, std::size_t& budget) const {
  std::string whole;
  if (valid_utf8(text) != text.size()) {
    whole = repaired_utf8(text);
    text = whole;
  }
  state_set now(program_.size());
  state_set next(program_.size());
  std::optional<char32_t> before;
  for (std::size_t at = 0;;) {
    const auto letter = at == text.size() ? decoded_character{0, 0} : decode_utf8(text, at);
    const auto after = letter.size == 0 ? std::nullopt : std::optional(letter.value);
    // The states that the last character led to, and a match that begins here.
    const surroundings around{before, after};
    next.clear();
    std::size_t cost = program_.size() / 8 + 1;
    for (const std::uint32_t state : now.waiting()) {
      const char_set& taken = sets_[program_[state].first];
      cost += 1 + taken.ranges.size();
      if (before && taken.contains(*before) && next.add(state + 1, program_, around))
        return true;
    }
    if (next.add(0, program_, around))
      return true;
    if (cost > budget)
      return std::nullopt;
    budget -= cost;
    if (!after)
      return false;
    std::swap(now, next);
    before = after;
    at += letter.size;
  }
}

} // namespace weir::protocols
