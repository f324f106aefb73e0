// Images from bytes, and data URLs taken apart.
// The base64 texts are RFC 4648's test vectors, or were made by coreutils.
#include "protocols/data_url.hpp"

#include <weir/image.hpp>

#include <boost/test/unit_test.hpp>

using namespace weir;
using namespace weir::protocols;
using namespace std::string_view_literals;

namespace {

constexpr std::string_view png = "\x89PNG\r\n\x1a\n\0\0\0\rIHDR"sv;

} // namespace

BOOST_AUTO_TEST_SUITE(image_test)

BOOST_AUTO_TEST_CASE(the_first_bytes_tell_the_type) {
  BOOST_TEST(image_media_type(png) == "image/png");
  BOOST_TEST(image_media_type("\xff\xd8\xff\xe0"sv) == "image/jpeg");
  BOOST_TEST(image_media_type("GIF87a") == "image/gif");
  BOOST_TEST(image_media_type("GIF89a;") == "image/gif");
  BOOST_TEST(image_media_type("RIFF\x10\0\0\0WEBPVP8 "sv) == "image/webp");
  for (const std::string_view other : {""sv, "\x89PN"sv, "\xff\xd8"sv, "GIF88a"sv, "RIFF\0\0\0\0WAVE"sv,
                                       "RIFF\0\0\0\0WEB"sv, "<svg>"sv, "BM"sv})
    BOOST_TEST(image_media_type(other).empty(), other);
}

BOOST_AUTO_TEST_CASE(bytes_become_a_data_url) {
  const auto made = make_image(png, "low");
  BOOST_REQUIRE(made.has_value());
  BOOST_TEST(made->url == "data:image/png;base64,iVBORw0KGgoAAAANSUhEUg==");
  BOOST_TEST(made->detail == "low");
  BOOST_TEST(made->url.size() == std::string_view(made->url.c_str()).size());
}

BOOST_AUTO_TEST_CASE(every_length_comes_back_as_long_as_it_was) {
  std::string bytes(png);
  for (int more = 0; more != 100; ++more, bytes.push_back(static_cast<char>(more * 37))) {
    const auto made = make_image(bytes);
    BOOST_REQUIRE(made.has_value());
    const auto split = read_data_url(made->url);
    BOOST_REQUIRE(split.has_value());
    BOOST_TEST(split->media_type == "image/png");
    BOOST_REQUIRE(base64_size(split->base64).has_value());
    BOOST_TEST(*base64_size(split->base64) == bytes.size());
  }
}

BOOST_AUTO_TEST_CASE(what_is_no_image_is_refused) {
  for (const std::string_view bytes : {""sv, "no image"sv})
    BOOST_TEST((make_image(bytes).error().type == errc::invalid_request));
  BOOST_TEST((make_image(png, "medium").error().type == errc::invalid_request));
}

BOOST_AUTO_TEST_CASE(the_largest_image_is_taken_and_one_byte_more_is_not) {
  std::string bytes(largest_image, '\0');
  bytes.replace(0, png.size(), png);
  const auto made = make_image(bytes);
  BOOST_REQUIRE(made.has_value());
  BOOST_TEST(*base64_size(read_data_url(made->url)->base64) == largest_image);
  bytes.push_back('\0');
  BOOST_TEST((make_image(bytes).error().type == errc::invalid_request));
}

BOOST_AUTO_TEST_CASE(a_data_url_is_taken_apart_whatever_its_case) {
  const auto split = read_data_url("DATA:Image/PNG;charset=utf-8;Base64,Zm9v");
  BOOST_REQUIRE(split.has_value());
  BOOST_TEST(split->media_type == "Image/PNG");
  BOOST_TEST(split->base64 == "Zm9v");
  BOOST_TEST(is_image_type(split->media_type));
  for (const char* other : {"", "data:", "data:image/png;base64,", "data:;base64,Zm9v", "data:image/png,Zm9v",
                            "data:image/png;base64Zm9v", "https://x/y.png", "data:,x;base64"})
    BOOST_TEST(!read_data_url(other).has_value(), other);
}

BOOST_AUTO_TEST_CASE(base64_is_checked_letter_by_letter) {
  const std::pair<const char*, std::size_t> vectors[] = {{"", 0},         {"Zg==", 1},     {"Zm8=", 2},
                                                         {"Zm9v", 3},     {"Zm9vYg==", 4}, {"Zm9vYmE=", 5},
                                                         {"Zm9vYmFy", 6}, {"+/+/", 3}};
  for (const auto& [text, size] : vectors) {
    BOOST_REQUIRE_MESSAGE(base64_size(text).has_value(), text);
    BOOST_TEST(*base64_size(text) == size, text);
  }
  for (const char* text :
       {"Z", "Zg", "Zg=", "Z===", "====", "Zm9v\n", "Zm 9", "Zm-_", "Zg==Zg==", "=Zm9", "Zm9\xff"})
    BOOST_TEST(!base64_size(text).has_value(), text);
}

BOOST_AUTO_TEST_SUITE_END()
