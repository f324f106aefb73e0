// The tables of OpenAI's guide, and Anthropic's formula.
#include "protocols/image_tokens.hpp"

#include "protocols/model_rules.hpp"

#include <algorithm>
#include <array>
#include <cmath>

namespace weir::protocols {

namespace {

using pixels = std::uint64_t;

constexpr image_size usual_size{1024, 1024};

/// How far an image is scaled down before its patches are counted.
struct patch_limits {
  pixels side;   ///< of the longer side
  pixels budget; ///< of patches; 0: none
};

struct patch_rule {
  std::string_view family;
  std::uint64_t hundredths; ///< the factor
  patch_limits low, high, original, automatic;
};

constexpr patch_limits patches_1536{2048, 1536}, patches_2500{2048, 2500}, patches_6144{2048, 6144},
    patches_10000{6000, 10'000}, side_512{512, 0}, unlimited{65'535, 0};

constexpr std::array patch_rules{
    patch_rule{"gpt-5.6", 120, side_512, patches_2500, unlimited, unlimited},
    patch_rule{"gpt-5.5", 120, side_512, patches_2500, patches_10000, patches_10000},
    patch_rule{"gpt-5.4", 120, patches_6144, patches_2500, patches_10000, patches_2500},
    patch_rule{"gpt-5.2", 120, patches_6144, patches_6144, patches_6144, patches_6144},
    patch_rule{"gpt-5-mini", 120, patches_1536, patches_1536, patches_1536, patches_1536},
    patch_rule{"gpt-5-nano", 150, patches_1536, patches_1536, patches_1536, patches_1536},
    patch_rule{"gpt-4.1-mini", 162, patches_6144, patches_6144, patches_6144, patches_6144},
    patch_rule{"gpt-4.1-nano", 246, patches_1536, patches_1536, patches_1536, patches_1536},
    patch_rule{"o4-mini", 172, patches_1536, patches_1536, patches_1536, patches_1536},
};

struct tile_rule {
  std::string_view family;
  std::uint64_t base;
  std::uint64_t tile;
};

constexpr std::array tile_rules{
    tile_rule{"gpt-5.1", 70, 140},
    tile_rule{"gpt-5", 70, 140},
    tile_rule{"gpt-4o-mini", 2833, 5667},
    tile_rule{"gpt-4o", 85, 170},
    tile_rule{"chatgpt-4o", 85, 170},
    tile_rule{"gpt-4.1", 85, 170},
    tile_rule{"gpt-4.5", 85, 170},
    tile_rule{"gpt-4-turbo", 85, 170},
    tile_rule{"o1", 75, 150},
    tile_rule{"o3", 75, 150},
    tile_rule{"computer-use-preview", 65, 129},
};

constexpr tile_rule other_models{"", 85, 170};

template <class Rules>
auto find_rule(const Rules& rules, std::string_view bare) noexcept {
  const auto found =
      std::ranges::find_if(rules, [bare](const auto& rule) { return is_of_family(bare, rule.family); });
  return found == rules.end() ? nullptr : &*found;
}

struct sides {
  pixels width;
  pixels height;
};

/// Down to a longest side, in proportion, to the nearest pixel and no less than one.
sides fitted(sides from, pixels longest) noexcept {
  const pixels longer = std::max(from.width, from.height);
  if (longer <= longest)
    return from;
  const auto scaled = [&](pixels side) {
    return std::max<pixels>((2 * side * longest + longer) / (2 * longer), 1);
  };
  return {scaled(from.width), scaled(from.height)};
}

pixels covered(pixels side, pixels by) noexcept {
  return (side + by - 1) / by;
}

std::uint64_t patches_of(sides from, const patch_limits& limits) noexcept {
  constexpr pixels patch = 32;
  const sides fit = fitted(from, limits.side);
  const std::uint64_t plain = covered(fit.width, patch) * covered(fit.height, patch);
  if (limits.budget == 0 || plain <= limits.budget)
    return plain;
  // The guide's formula: shrunk to the budget's area, and then so that one side is a whole number of patches.
  const auto width = static_cast<double>(fit.width);
  const auto height = static_cast<double>(fit.height);
  const double shrink = std::sqrt(static_cast<double>(patch * patch * limits.budget) / (width * height));
  const double across = width * shrink / patch;
  const double down = height * shrink / patch;
  const double exact = shrink * std::min(std::floor(across) / across, std::floor(down) / down);
  const auto shrunk = [exact](double side) { return std::max<pixels>(static_cast<pixels>(side * exact), 1); };
  return std::min(covered(shrunk(width), patch) * covered(shrunk(height), patch), limits.budget);
}

const patch_limits& limits_of(const patch_rule& rule, std::string_view detail) noexcept {
  return detail == "low"        ? rule.low
         : detail == "high"     ? rule.high
         : detail == "original" ? rule.original
                                : rule.automatic;
}

std::uint64_t tiles_of(sides from) noexcept {
  sides fit = fitted(from, 2048);
  constexpr pixels shortest = 768;
  const pixels shorter = std::min(fit.width, fit.height);
  if (shorter > shortest)
    fit = {fit.width * shortest / shorter, fit.height * shortest / shorter};
  return covered(fit.width, 512) * covered(fit.height, 512);
}

/// "Calculate image costs" in Anthropic's guide to vision.
std::uint64_t claude_tokens(sides from) noexcept {
  const sides fit = fitted(from, 1568);
  return std::min<std::uint64_t>(covered(fit.width * fit.height, 750), 1600);
}

} // namespace

token_count count_image_tokens(const std::optional<image_size>& size, std::string_view detail,
                               std::string_view model) noexcept {
  const image_size taken = size.value_or(usual_size);
  const sides from{taken.width, taken.height};
  if (is_claude(model))
    return {claude_tokens(from), false};
  const std::string_view bare = bare_model(model);
  if (const patch_rule* rule = find_rule(patch_rules, bare))
    return {covered(patches_of(from, limits_of(*rule, detail)) * rule->hundredths, 100), size.has_value()};
  const tile_rule* known = find_rule(tile_rules, bare);
  const tile_rule& rule = known != nullptr ? *known : other_models;
  if (detail == "low")
    return {rule.base, known != nullptr};
  return {rule.base + rule.tile * tiles_of(from), known != nullptr && size.has_value()};
}

} // namespace weir::protocols
