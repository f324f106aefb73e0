// Typed look-ups and their faults.
#include "config/table_reader.hpp"

#include "config/toml_text.hpp"

#include <algorithm>
#include <array>
#include <charconv>
#include <limits>
#include <sstream>

namespace weir::config {

namespace {

/// Edits (insert, delete, change) that turn one name into the other.
std::size_t distance(std::string_view left, std::string_view right) {
  std::vector<std::size_t> row(right.size() + 1);
  for (std::size_t n = 0; n != row.size(); ++n)
    row[n] = n;
  for (std::size_t at = 1; at <= left.size(); ++at) {
    std::size_t diagonal = row[0];
    row[0] = at;
    for (std::size_t n = 1; n <= right.size(); ++n) {
      const std::size_t above = row[n];
      row[n] = std::min({row[n - 1] + 1, above + 1, diagonal + (left[at - 1] == right[n - 1] ? 0 : 1)});
      diagonal = above;
    }
  }
  return row.back();
}

std::string type_name(const toml::node& node) {
  std::ostringstream out;
  out << node.type();
  return out.str();
}

struct unit {
  std::string_view name;
  std::int64_t factor;
};

/// A whole number and its unit, or nothing.
template <std::size_t Count>
std::optional<std::int64_t> with_unit(std::string_view text, const std::array<unit, Count>& units) {
  std::int64_t value = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (error != std::errc{} || value < 0)
    return std::nullopt;
  const std::string_view suffix = text.substr(static_cast<std::size_t>(end - text.data()));
  for (const unit& each : units)
    if (suffix == each.name && value <= std::numeric_limits<std::int64_t>::max() / each.factor)
      return value * each.factor;
  return std::nullopt;
}

constexpr std::array<unit, 5> time_units{
    {{"ms", 1}, {"s", 1000}, {"m", 60'000}, {"h", 3'600'000}, {"d", 86'400'000}}};
constexpr std::array<unit, 4> size_units{{{"B", 1}, {"KiB", 1 << 10}, {"MiB", 1 << 20}, {"GiB", 1 << 30}}};

bool is_control(char letter) {
  return static_cast<unsigned char>(letter) < 0x20 || letter == 0x7f;
}

/// At most so much of a text is repeated to people; the place says the rest.
std::string shortened(const std::string& text, std::size_t longest) {
  if (text.size() <= longest)
    return text;
  std::size_t end = longest;
  while (end != 0 && (static_cast<unsigned char>(text[end]) & 0xc0U) == 0x80U) // within a character
    --end;
  return text.substr(0, end) + "…";
}

std::string between(std::int64_t least, std::int64_t most) {
  return "from " + std::to_string(least) + " to " + std::to_string(most);
}

} // namespace

std::string one_of(std::span<const std::string_view> words) {
  std::string text;
  for (std::size_t n = 0; n != words.size(); ++n) {
    if (n != 0)
      text += n + 1 == words.size() ? " or " : ", ";
    text += basic_string(words[n]);
  }
  return text;
}

table_reader::table_reader(reading& shared, const toml::table* table, std::string path)
    : shared_(shared), table_(table), path_(std::move(path)) {}

std::string table_reader::path_of(const std::string& key) const {
  constexpr std::size_t longest = 200;
  const std::string part = key_text(shortened(key, longest));
  return path_.empty() ? part : path_ + "." + part;
}

const toml::node* table_reader::find(const std::string& key) {
  known_.insert(key);
  return table_ == nullptr ? nullptr : table_->get(key);
}

void table_reader::fault(const std::string& key, std::string problem) {
  const toml::node* node = table_ == nullptr ? nullptr : table_->get(key);
  const auto place = node != nullptr ? node->source().begin
                                     : (table_ != nullptr ? table_->source().begin : toml::source_position{});
  shared_.faults.push_back(
      {shared_.document.file(), place.line, place.column, path_of(key), std::move(problem)});
}

void table_reader::bad_entry(const std::string& key, const toml::node& node, std::string problem) {
  const toml::source_position place = node.source().begin;
  shared_.faults.push_back(
      {shared_.document.file(), place.line, place.column, path_of(key), std::move(problem)});
}

void table_reader::bad_key(const std::string& key, std::string problem) {
  toml::source_position place{};
  if (table_ != nullptr)
    if (const auto found = table_->find(key); found != table_->end())
      place = found->first.source().begin;
  shared_.faults.push_back(
      {shared_.document.file(), place.line, place.column, path_of(key), std::move(problem)});
}

void table_reader::missing(const std::string& key, const std::string& expected) {
  known_.insert(key);
  fault(key, "is missing; expected " + expected);
}

bool table_reader::wrong_type(const std::string& key, const toml::node& node, const std::string& expected) {
  fault(key, "is of type " + type_name(node) + "; expected " + expected);
  return false;
}

/// Replaces `${NAME}` in a string, once: what a variable holds is not looked into. `$${` stands for `${`
/// itself.
std::optional<std::string> table_reader::replaced(const std::string& key, const toml::node& node) {
  const std::string& text = node.as_string()->get();
  std::string whole;
  bool excused = false;
  for (std::size_t at = 0; at != text.size();) {
    if (text.compare(at, 3, "$${") == 0) {
      whole += "${";
      at += 3;
      continue;
    }
    if (text.compare(at, 2, "${") != 0) {
      whole += text[at++];
      continue;
    }
    const auto close = text.find('}', at);
    if (close == std::string::npos) {
      bad_entry(key, node, "has a '${' without '}' (write '$${' for the characters themselves)");
      return std::nullopt;
    }
    const std::string name = text.substr(at + 2, close - at - 2);
    at = close + 1;
    const auto value = shared_.variables(name);
    if (value && !value->empty()) {
      if (std::ranges::any_of(*value, is_control)) {
        bad_entry(key, node,
                  "takes the environment variable " + name + ", which has a control character in it");
        return std::nullopt;
      }
      whole += *value;
    } else if (shared_.lenient) {
      // Half a text would be judged for what it lacks; the rest is still looked through for faults of its
      // own.
      excused = true;
    } else {
      bad_entry(key, node,
                "needs the environment variable " + name + ", which is " + (value ? "empty" : "not set") +
                    "; set it, or disable what needs it with enabled = false");
      return std::nullopt;
    }
  }
  return excused ? std::nullopt : std::optional(std::move(whole));
}

bool table_reader::text(const std::string& key, std::string& out) {
  const toml::node* node = find(key);
  if (node == nullptr)
    return false;
  if (!node->is_string())
    return wrong_type(key, *node, "a string");
  auto whole = replaced(key, *node);
  if (whole)
    out = std::move(*whole);
  return whole.has_value();
}

bool table_reader::flag(const std::string& key, bool& out) {
  const toml::node* node = find(key);
  if (node == nullptr)
    return false;
  if (!node->is_boolean())
    return wrong_type(key, *node, "true or false");
  out = node->as_boolean()->get();
  return true;
}

bool table_reader::flag(const std::string& key, std::optional<bool>& out) {
  bool value = false;
  if (!flag(key, value))
    return false;
  out = value;
  return true;
}

bool table_reader::count(const std::string& key, std::uint32_t& out, range<std::uint32_t> allowed) {
  const toml::node* node = find(key);
  if (node == nullptr)
    return false;
  if (!node->is_integer())
    return wrong_type(key, *node, "a whole number");
  const std::int64_t value = node->as_integer()->get();
  if (value < allowed.least || value > allowed.most) {
    fault(key, "is " + std::to_string(value) + "; expected a number " + between(allowed.least, allowed.most));
    return false;
  }
  out = static_cast<std::uint32_t>(value);
  return true;
}

bool table_reader::size(const std::string& key, std::uint64_t& out, range<std::uint64_t> allowed) {
  const toml::node* node = find(key);
  if (node == nullptr)
    return false;
  std::optional<std::int64_t> value;
  if (node->is_integer())
    value = node->as_integer()->get();
  else if (node->is_string())
    value = with_unit(node->as_string()->get(), size_units);
  else
    return wrong_type(key, *node, "a number of bytes or a string such as \"32MiB\"");
  if (!value || *value < 0 || static_cast<std::uint64_t>(*value) < allowed.least ||
      static_cast<std::uint64_t>(*value) > allowed.most) {
    fault(key,
          "is no size " +
              between(static_cast<std::int64_t>(allowed.least), static_cast<std::int64_t>(allowed.most)) +
              " bytes; write a number of bytes or a string such as \"32MiB\"");
    return false;
  }
  out = static_cast<std::uint64_t>(*value);
  return true;
}

bool table_reader::duration(const std::string& key, milliseconds& out, range<milliseconds> allowed) {
  const toml::node* node = find(key);
  if (node == nullptr)
    return false;
  std::optional<std::int64_t> value;
  if (node->is_integer())
    value = node->as_integer()->get();
  else if (node->is_string())
    value = with_unit(node->as_string()->get(), time_units);
  else
    return wrong_type(key, *node, "milliseconds or a string such as \"30s\"");
  if (!value || *value < allowed.least.count() || *value > allowed.most.count()) {
    fault(key, "is no time " + between(allowed.least.count(), allowed.most.count()) +
                   " ms; write milliseconds or a string such as \"30s\", \"500ms\", \"2m\", \"1h\", \"7d\"");
    return false;
  }
  out = milliseconds{*value};
  return true;
}

bool table_reader::decimal(const std::string& key, std::string& out) {
  const toml::node* node = find(key);
  if (node == nullptr)
    return false;
  if (node->is_string())
    out = node->as_string()->get();
  else if (node->is_number())
    out = shared_.document.number_at(node->source().begin);
  else
    return wrong_type(key, *node, "a decimal number");
  return true;
}

std::optional<std::size_t> table_reader::choice(const std::string& key,
                                                std::span<const std::string_view> words) {
  std::string word;
  if (!text(key, word))
    return std::nullopt;
  const auto found = std::ranges::find(words, word);
  if (found != words.end())
    return static_cast<std::size_t>(found - words.begin());
  constexpr std::size_t longest = 32;
  fault(key, "is " + basic_string(shortened(word, longest)) + "; expected " + one_of(words));
  return std::nullopt;
}

template <class Fits>
const toml::array* table_reader::list(const std::string& key, const std::string& expected, Fits fits) {
  const toml::node* node = find(key);
  if (node == nullptr)
    return nullptr;
  const toml::array* found = node->as_array();
  if (found != nullptr && std::ranges::all_of(*found, fits))
    return found;
  wrong_type(key, *node, expected);
  return nullptr;
}

bool table_reader::texts(const std::string& key, std::vector<std::string>& out) {
  const toml::array* found =
      list(key, "an array of strings", [](const toml::node& each) { return each.is_string(); });
  if (found == nullptr)
    return false;
  out.clear();
  for (const toml::node& each : *found)
    if (auto whole = replaced(key, each))
      out.push_back(std::move(*whole));
  return true;
}

std::optional<std::vector<const toml::node*>> table_reader::entries(const std::string& key, bool or_tables) {
  const toml::array* found = list(
      key, or_tables ? "an array of tables or strings" : "an array of strings",
      [or_tables](const toml::node& each) { return each.is_string() || (or_tables && each.is_table()); });
  if (found == nullptr)
    return std::nullopt;
  std::vector<const toml::node*> nodes;
  for (const toml::node& each : *found)
    nodes.push_back(&each);
  return nodes;
}

std::optional<std::string> table_reader::entry(const std::string& key, const toml::node& node) {
  return replaced(key, node);
}

std::vector<const toml::table*> table_reader::tables(const std::string& key) {
  std::vector<const toml::table*> tables;
  if (const toml::array* found =
          list(key, "an array of tables", [](const toml::node& each) { return each.is_table(); }))
    for (const toml::node& each : *found)
      tables.push_back(each.as_table());
  return tables;
}

const toml::table* table_reader::table(const std::string& key) {
  const toml::node* node = find(key);
  if (node == nullptr)
    return nullptr;
  if (!node->is_table())
    wrong_type(key, *node, "a table");
  return node->as_table();
}

std::vector<std::string> table_reader::names() {
  std::vector<std::pair<toml::source_position, std::string>> found;
  if (table_ != nullptr)
    for (const auto& [key, node] : *table_)
      found.emplace_back(key.source().begin, key.str());
  std::ranges::stable_sort(found, [](const auto& left, const auto& right) {
    return std::pair(left.first.line, left.first.column) < std::pair(right.first.line, right.first.column);
  });
  std::vector<std::string> names;
  for (auto& each : found)
    names.push_back(std::move(each.second));
  return names;
}

void table_reader::finish() {
  if (table_ == nullptr)
    return;
  for (const auto& [key, node] : *table_) {
    const std::string name(key.str());
    if (known_.contains(name))
      continue;
    std::string problem = "is unknown";
    const auto nearest =
        std::ranges::min_element(known_, {}, [&](const std::string& each) { return distance(each, name); });
    if (nearest != known_.end() && distance(*nearest, name) <= std::max<std::size_t>(2, name.size() / 3))
      problem += "; did you mean '" + *nearest + "'?";
    bad_key(name, std::move(problem));
  }
}

} // namespace weir::config
