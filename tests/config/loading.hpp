// Loading a text in a test, and telling its faults in one line.
// Knows no file and no key of the schema but those of a shortest good file.
#pragma once

#include "config/load.hpp"

#include <boost/test/unit_test.hpp>

#include <optional>
#include <string>

namespace weir::tests {

inline const std::string canary = "sk-canary-0123456789";

inline config::environment keys() {
  return [](const std::string& name) -> std::optional<std::string> {
    if (name.ends_with("_API_KEY"))
      return canary;
    if (name == "EMPTY")
      return "";
    if (name == "EVIL")
      return canary + "\r\nX-Evil: 1";
    if (name == "NESTED")
      return "${OPENAI_API_KEY}";
    return std::nullopt;
  };
}

inline auto load(const std::string& text) {
  return config::load_text(text, "weir.toml", keys());
}

/// A good file with lines put into its provider.
inline std::string with(const std::string& lines, const std::string& rest = {}) {
  return "[llm]\n[llm.providers.p]\ntype = \"openai\"\napi_key = \"k\"\n" + lines + "\n" + rest;
}

/// The one fault of a text as `line:column key problem`.
inline std::string only_fault(const std::string& text) {
  const auto loaded = load(text);
  if (loaded)
    return "good";
  std::string all;
  for (const config_fault& each : loaded.error())
    all += (all.empty() ? "" : " | ") + std::to_string(each.line) + ":" + std::to_string(each.column) + " " +
           each.key + " " + each.problem;
  return all;
}

/// Whether a text has one fault, whose place and key begin so and whose problem has these words.
inline bool is_fault(const std::string& text, const std::string& place, const std::string& words) {
  const std::string seen = only_fault(text);
  const bool good =
      seen.find(place) == 0 && seen.find(words) != std::string::npos && seen.find(" | ") == std::string::npos;
  BOOST_TEST(good, "expected '" << place << "' … '" << words << "', saw: " << seen);
  return good;
}

} // namespace weir::tests
