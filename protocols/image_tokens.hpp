// What an image costs in tokens, by the rules that the makers of models have published.
// Knows no request and no text.
#pragma once

#include "protocols/image_size.hpp"

#include <weir/tokens.hpp>

#include <string_view>

namespace weir::protocols {

/// The tokens of one image for a model. `detail` is `low`, `high`, `original`, or anything else for `auto`.
/// An image without a known size is taken for 1024 × 1024 pixels. Exact: the size does not matter or is
/// known, and the model is among those that OpenAI's guide "Images and vision" lists.
///
/// - Patches of 32 pixels, times the model's factor: gpt-5.2 and later, gpt-4.1-mini, o4-mini, and their
/// sisters.
/// - Tiles of 512 pixels, each at the model's price, above its base: gpt-4o, gpt-4.1, gpt-5, o1, o3.
/// - Claude: width × height / 750, of an image scaled down to 1568 pixels and 1600 tokens.
/// - Any other model: as gpt-4o.
token_count count_image_tokens(const std::optional<image_size>& size, std::string_view detail,
                               std::string_view model) noexcept;

} // namespace weir::protocols
