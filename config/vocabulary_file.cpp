// Loading a vocabulary from its file.
#include <weir/tokens.hpp>

#include <cerrno>
#include <cstring>
#include <fstream>
#include <string>
#include <system_error>
#include <utility>

namespace weir {

namespace {

constexpr std::uintmax_t largest_file = 64U << 20U; // o200k_base has 3.6 MB

result<std::string> read_whole(const std::filesystem::path& file) {
  const auto complaint = [&file](std::string what) {
    return make_failure(errc::config, "the vocabulary " + std::move(what), file.string());
  };
  std::error_code error;
  const std::uintmax_t size = std::filesystem::file_size(file, error);
  if (error)
    return complaint("cannot be read: " + error.message());
  if (size > largest_file)
    return complaint("is larger than 64 MiB");
  std::ifstream in(file, std::ios::binary);
  std::string text(static_cast<std::size_t>(size), '\0');
  // One that grows or shrinks meanwhile is a faulty line at its end, or is cut before one.
  if (!in || !in.read(text.data(), static_cast<std::streamsize>(size)))
    return complaint("cannot be read: " + std::string(std::strerror(errno)));
  return text;
}

} // namespace

result<token_counter_ptr> load_vocabulary(const std::filesystem::path& file) {
  const auto text = read_whole(file);
  if (!text)
    return text.error();
  auto made = make_token_counter(file.stem().string(), *text);
  if (made)
    return made;
  failure error = made.error();
  error.place = error.place.empty() ? file.string() : file.string() + ": " + error.place;
  return error;
}

} // namespace weir
