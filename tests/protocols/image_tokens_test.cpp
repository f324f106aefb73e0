// Images: how large they say they are, and what that costs.
// The numbers are those of the examples in OpenAI's and Anthropic's guides.
#include "protocols/image_size.hpp"
#include "protocols/image_tokens.hpp"

#include "made_vocabulary.hpp"

#include <boost/test/unit_test.hpp>

#include <string>

using namespace weir;
using namespace weir::protocols;

namespace {

std::string data_url(std::string_view bytes) {
  return "data:image/png;base64," + test::base64(bytes);
}

std::string bytes(std::initializer_list<int> values) {
  std::string text;
  for (const int each : values)
    text += static_cast<char>(each);
  return text;
}

const std::string png =
    "\x89PNG\r\n\x1a\n" + bytes({0, 0, 0, 13}) + "IHDR" + bytes({0, 0, 7, 8, 0, 0, 9, 0x60, 8, 2, 0, 0, 0});
const std::string gif = "GIF89a" + bytes({0x40, 1, 0xf0, 0, 0, 0, 0});
const std::string jpeg = bytes({0xff, 0xd8, 0xff, 0xe0, 0, 16}) + "JFIF" + std::string(10, '\0') +
                         bytes({0xff, 0xff, 0xfe, 0, 4,  'h', 'i', 0xff, 0xc4, 0,    3,
                                0,    0xff, 0xc2, 0, 17, 8,   4,   0x38, 7,    0x80, 3}) +
                         std::string(20, '\1');
const std::string webp = "RIFF" + std::string(4, '\1') + "WEBP";
const std::string webp_lossy =
    webp + "VP8 " + std::string(4, '\1') + bytes({0, 0, 0, 0x9d, 1, 0x2a, 0x80, 0x42, 0xe0, 0x81}) + "xx";
const std::string webp_lossless =
    webp + "VP8L" + std::string(4, '\1') + bytes({0x2f, 0x7f, 0xc2, 0x77, 0}) + "xx";
const std::string webp_extended =
    webp + "VP8X" + std::string(8, '\1') + bytes({0x7f, 2, 0, 0xdf, 1, 0}) + "xx";

std::uint64_t cost(std::string_view model, std::uint32_t width, std::uint32_t height,
                   std::string_view detail = "auto") {
  return count_image_tokens(image_size{width, height}, detail, model).tokens;
}

} // namespace

BOOST_AUTO_TEST_SUITE(image_tokens_test)

BOOST_AUTO_TEST_CASE(an_images_own_header_says_its_size) {
  BOOST_TEST((image_size_of(data_url(png)) == image_size{1800, 2400}));
  BOOST_TEST((image_size_of(data_url(gif)) == image_size{320, 240}));
  BOOST_TEST((image_size_of(data_url(jpeg)) == image_size{1920, 1080}));
  BOOST_TEST((image_size_of(data_url(webp_lossy)) == image_size{640, 480}));
  BOOST_TEST((image_size_of(data_url(webp_lossless)) == image_size{640, 480}));
  BOOST_TEST((image_size_of(data_url(webp_extended)) == image_size{640, 480}));
}

BOOST_AUTO_TEST_CASE(what_is_no_image_has_no_size) {
  for (const std::string& url :
       {std::string("https://example.com/a.png"), std::string(), std::string("data:,"),
        "data:image/png," + data_url(png).substr(22), std::string("data:image/png;base64,"),
        std::string("data:image/png;base64,!!!!"), data_url("no image at all, but text"),
        data_url(bytes({0xff, 0xd8, 0xff, 0xd9, 0, 0, 0, 0, 0, 0, 0})),
        data_url(bytes({0xff, 0xd8}) + std::string(100'000, '\xff')),
        data_url(bytes({0xff, 0xd8}) + std::string(100, '\1')),
        data_url("\x89PNG\r\n\x1a\n" + bytes({0, 0, 0, 13}) + "IHDR" + std::string(20, '\0')),
        data_url("\x89PNG\r\n\x1a\n" + bytes({0, 0, 0, 13}) + "IHDR" + std::string(20, '\xff'))})
    BOOST_TEST(!image_size_of(url).has_value(), url.substr(0, 60));
  // Cut anywhere: no size, or the right one.
  for (const std::string& image : {png, gif, jpeg, webp_lossy, webp_lossless, webp_extended}) {
    const auto whole = image_size_of(data_url(image));
    for (std::size_t size = 0; size != image.size(); ++size) {
      const auto cut = image_size_of(data_url(image.substr(0, size)));
      BOOST_TEST((!cut || cut == whole));
    }
  }
}

BOOST_AUTO_TEST_CASE(tiles_cost_what_the_guide_says) {
  BOOST_TEST(cost("gpt-4o", 1024, 1024, "high") == 765U);
  BOOST_TEST(cost("gpt-4o", 2048, 4096, "high") == 1105U);
  BOOST_TEST(cost("gpt-4o", 4096, 8192, "low") == 85U);
  BOOST_TEST(cost("gpt-4o", 128, 64) == 85U + 170U); // nothing is enlarged
  BOOST_TEST(cost("gpt-4o", 512, 513) == 85U + 2 * 170U);
  BOOST_TEST(cost("gpt-4.1", 2049, 513) == 85U + 8 * 170U); // 2048 × 512.75 is 513 high
  BOOST_TEST(cost("gpt-4.1", 2050, 513) == 85U + 4 * 170U); // 2048 × 512.4995 is 512 high
  BOOST_TEST(cost("gpt-4o-mini-2024-07-18", 128, 64) == 2833U + 5667U);
  BOOST_TEST(cost("o1", 1024, 1024) == 75U + 4 * 150U);
  BOOST_TEST(cost("openai/gpt-5-2025-08-07", 1024, 1024) == 70U + 4 * 140U);
  BOOST_TEST(cost("unheard-of", 1024, 1024) == 765U);
}

BOOST_AUTO_TEST_CASE(patches_cost_what_the_guide_says) {
  BOOST_TEST(cost("gpt-5.4", 1024, 1024, "high") == 1229U);
  BOOST_TEST(cost("gpt-5.4", 2048, 2048, "high") == 3000U);
  BOOST_TEST(cost("gpt-5.4", 2048, 2048, "low") == 4916U); // 4096 patches: more than with high
  BOOST_TEST(cost("o4-mini", 1800, 2400) == 2498U);        // 1452 patches
  BOOST_TEST(cost("o4-mini", 128, 64) == 14U);
  BOOST_TEST(cost("gpt-4.1-mini", 1024, 1024) == 1659U);
  BOOST_TEST(cost("gpt-5.5", 1024, 1024, "low") == 308U); // 16 × 16 patches
  BOOST_TEST(cost("gpt-5.6-sol", 4096, 4096) == 19661U);  // 128 × 128
  BOOST_TEST(cost("gpt-5.6-sol", 4096, 4096, "high") == 3000U);
  for (const std::uint32_t side : {1U, 31U, 2048U, 100'000U, 0x7fffffffU})
    for (const std::string_view model : {"o4-mini", "gpt-5.6", "gpt-4o", "claude-sonnet-4-5"}) {
      BOOST_TEST(cost(model, side, 1) >= 1U);
      BOOST_TEST(cost(model, 1, side) >= 1U);
      BOOST_TEST(cost(model, side, side) >= 1U);
    }
}

BOOST_AUTO_TEST_CASE(claude_counts_pixels) {
  BOOST_TEST(cost("claude-sonnet-4-5", 200, 200) == 54U);
  BOOST_TEST(cost("claude-sonnet-4-5", 1000, 1000) == 1334U);
  BOOST_TEST(cost("anthropic/claude-3.7-sonnet", 1092, 1092) == 1590U);
  BOOST_TEST(cost("claude-sonnet-4-5", 8000, 8000) == 1600U);
  BOOST_TEST(cost("claude-sonnet-4-5", 3136, 100) == 105U); // 1568 × 50
}

BOOST_AUTO_TEST_CASE(a_cost_is_exact_where_size_and_rule_are_known) {
  BOOST_TEST(count_image_tokens(image_size{9, 9}, "", "gpt-4o").exact);
  BOOST_TEST(count_image_tokens({}, "low", "gpt-4o").exact);
  BOOST_TEST(!count_image_tokens({}, "", "gpt-4o").exact);
  BOOST_TEST(count_image_tokens({}, "", "gpt-4o").tokens == 765U); // as if of 1024 × 1024
  BOOST_TEST(!count_image_tokens(image_size{9, 9}, "", "claude-sonnet-4-5").exact);
  BOOST_TEST(!count_image_tokens(image_size{9, 9}, "low", "unheard-of").exact);
}

BOOST_AUTO_TEST_SUITE_END()
