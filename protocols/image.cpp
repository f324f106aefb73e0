// Bytes to a data URL. The first bytes tell the type: a file's name, or a server's header, may be wrong.
#include "protocols/data_url.hpp"

#include <weir/image.hpp>

#include <openssl/evp.h>

#include <utility>

namespace weir {

namespace {

using namespace std::string_view_literals;

std::string base64_of(std::string_view bytes, std::string head) {
  const std::size_t begin = head.size();
  head.resize(begin +
              (bytes.size() + 2) / 3 * 4); // and the NUL that is written behind has its place in a string
  EVP_EncodeBlock(reinterpret_cast<unsigned char*>(head.data() + begin),
                  reinterpret_cast<const unsigned char*>(bytes.data()), static_cast<int>(bytes.size()));
  return head;
}

} // namespace

std::string_view image_media_type(std::string_view bytes) noexcept {
  if (bytes.starts_with("\x89PNG\r\n\x1a\n"sv))
    return "image/png";
  if (bytes.starts_with("\xff\xd8\xff"sv))
    return "image/jpeg";
  if (bytes.starts_with("GIF87a"sv) || bytes.starts_with("GIF89a"sv))
    return "image/gif";
  if (bytes.starts_with("RIFF"sv) && bytes.size() >= 12 && bytes.substr(8, 4) == "WEBP"sv)
    return "image/webp";
  return {};
}

result<image_part> make_image(std::string_view bytes, std::string detail) {
  const auto refused = [](std::string message) {
    return make_failure(errc::invalid_request, std::move(message));
  };
  if (bytes.empty())
    return refused("the image is empty");
  if (bytes.size() > largest_image)
    return refused("the image has " + std::to_string(bytes.size()) + " bytes; at most " +
                   std::to_string(largest_image));
  const std::string_view type = image_media_type(bytes);
  if (type.empty())
    return refused("the image is none of PNG, JPEG, GIF and WebP");
  if (!protocols::is_image_detail(detail))
    return refused("the image's detail is none of auto, low and high");
  return image_part{base64_of(bytes, "data:" + std::string(type) + ";base64,"), std::move(detail)};
}

} // namespace weir
