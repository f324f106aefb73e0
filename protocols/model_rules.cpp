// The families, as their makers' documents list them.
#include "protocols/model_rules.hpp"

#include <algorithm>
#include <array>

namespace weir::protocols {

namespace {

struct family_rule {
  std::string_view family;
  std::string_view vocabulary;
};

constexpr std::array family_rules{
    family_rule{"gpt-5", "o200k_base"},
    family_rule{"gpt-5.", "o200k_base"},
    family_rule{"gpt-4.5", "o200k_base"},
    family_rule{"gpt-4.1", "o200k_base"},
    family_rule{"gpt-4o", "o200k_base"},
    family_rule{"chatgpt-4o", "o200k_base"},
    family_rule{"o1", "o200k_base"},
    family_rule{"o3", "o200k_base"},
    family_rule{"o4", "o200k_base"},
    family_rule{"gpt-oss", "o200k_base"}, // o200k_harmony, which differs in special tokens only
    family_rule{"gpt-4", "cl100k_base"},
    family_rule{"gpt-3.5", "cl100k_base"},
    family_rule{"gpt-35", "cl100k_base"}, // Azure's name of gpt-3.5
    family_rule{"text-embedding-3", "cl100k_base"},
    family_rule{"text-embedding-ada-002", "cl100k_base"},
    family_rule{"davinci-002", "cl100k_base"},
    family_rule{"babbage-002", "cl100k_base"},
};

constexpr std::array<std::string_view, 4> counted_families{"gpt-4o", "gpt-4", "gpt-3.5", "gpt-35"};

} // namespace

std::string_view bare_model(std::string_view name) noexcept {
  name.remove_prefix(name.rfind('/') + 1); // without a slash, npos + 1 is 0
  if (name.starts_with("ft:"))
    name.remove_prefix(3);
  return name;
}

bool is_of_family(std::string_view bare, std::string_view family) noexcept {
  if (!bare.starts_with(family))
    return false;
  if (bare.size() == family.size() || family.ends_with('.'))
    return true;
  return std::string_view("-:@_").find(bare[family.size()]) != std::string_view::npos;
}

std::string_view vocabulary_of_model(std::string_view name) noexcept {
  const std::string_view bare = bare_model(name);
  const auto found = std::ranges::find_if(
      family_rules, [bare](const family_rule& rule) { return is_of_family(bare, rule.family); });
  return found == family_rules.end() ? std::string_view{} : found->vocabulary;
}

bool has_counting_rules(std::string_view name) noexcept {
  return std::ranges::any_of(counted_families, [bare = bare_model(name)](std::string_view family) {
    return is_of_family(bare, family);
  });
}

bool is_claude(std::string_view name) noexcept {
  return name.find("claude") != std::string_view::npos;
}

} // namespace weir::protocols
