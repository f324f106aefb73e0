// `prices.json`: the source, the format, when it was taken in, and the list itself, as text.
#include "config/price_store.hpp"

#include "config/price_json.hpp"

#include <array>
#include <cerrno>
#include <cstring>
#include <fstream>

#include <fcntl.h>
#include <unistd.h>

namespace weir::config {

namespace {

using protocols::find_member;
using protocols::text_of;

failure store_failure(const std::filesystem::path& file, std::string_view what) {
  return make_failure(errc::storage,
                      "the last good price list cannot be kept: " + std::string(what) + ": " +
                          std::strerror(errno),
                      file.string());
}

/// Writes a file that is there whole or not at all, whenever the power goes.
std::optional<failure> replace(const std::filesystem::path& file, std::string_view text) {
  std::error_code ignored;
  if (std::filesystem::create_directories(file.parent_path(), ignored))
    std::filesystem::permissions(file.parent_path(), std::filesystem::perms::owner_all, ignored);
  const std::string fresh = file.string() + ".new";
  const int out = ::open(fresh.c_str(), O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
  if (out < 0)
    return store_failure(file, "open");
  for (std::size_t at = 0; at != text.size();) {
    const ::ssize_t wrote = ::write(out, text.data() + at, text.size() - at);
    if (wrote < 0 && errno == EINTR)
      continue;
    if (wrote < 0) {
      auto why = store_failure(file, "write");
      ::close(out);
      ::unlink(fresh.c_str());
      return why;
    }
    at += static_cast<std::size_t>(wrote);
  }
  const bool synced = ::fsync(out) == 0;
  if (!synced || ::close(out) != 0 || ::rename(fresh.c_str(), file.c_str()) != 0) {
    auto why = store_failure(file, synced ? "rename" : "fsync");
    ::unlink(fresh.c_str());
    return why;
  }
  const int folder = ::open(file.parent_path().c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC);
  if (folder >= 0) {
    ::fsync(folder);
    ::close(folder);
  }
  return std::nullopt;
}

std::string document(const std::string& text, const prices_config& from, timestamp now) {
  rapidjson::StringBuffer buffer;
  protocols::json_writer out(buffer);
  out.StartObject();
  protocols::write_member(out, "source", from.source);
  protocols::write_member(out, "format", to_string(from.format));
  protocols::write_member(out, "time", to_string(now));
  protocols::write_member(out, "list", text);
  out.EndObject();
  return {buffer.GetString(), buffer.GetSize()};
}

result<std::string> read_whole(const std::filesystem::path& file, std::size_t most) {
  std::ifstream in(file, std::ios::binary);
  if (!in)
    return make_failure(errc::config, "the price list cannot be read", file.string());
  std::string text;
  std::array<char, 65'536> piece{};
  while (in.read(piece.data(), piece.size()) || in.gcount() > 0) {
    text.append(piece.data(), static_cast<std::size_t>(in.gcount()));
    if (text.size() > most)
      return make_failure(errc::config, "the price list has more than " + std::to_string(most) + " bytes",
                          file.string());
  }
  if (in.bad())
    return make_failure(errc::config, "the price list cannot be read", file.string());
  return text;
}

} // namespace

std::filesystem::path price_store_of(const snapshot& config) {
  return config.usage_data_dir / "prices.json";
}

bool is_url(const prices_config& from) noexcept {
  return from.source.find("://") != std::string::npos;
}

result<std::string> read_price_file(const std::string& file) {
  return read_whole(file, largest_price_list);
}

result<std::shared_ptr<const price_book>> stored_prices(const std::filesystem::path& file,
                                                        const prices_config& from) {
  constexpr std::size_t escaped = 2; // a quote takes two bytes in JSON
  const auto text = read_whole(file, escaped * largest_price_list + 65'536);
  if (!text)
    return text.error();
  const auto parsed = exact_json::parse(*text, file.string());
  if (!parsed)
    return parsed.error();
  const auto member = [&parsed](const char* name) { return text_of(find_member(parsed->root(), name)); };
  if (member("source") != from.source || member("format") != to_string(from.format))
    return make_failure(errc::config, "the last good price list is of another source", file.string());
  return read_price_list(member("list"), from.format, file.string());
}

price_intake take_in(const std::string& text, const prices_config& from, const std::filesystem::path& file,
                     std::shared_ptr<const price_book> before, const plausibility& bounds, bool accept) {
  price_intake taken;
  // Who accepted a list by hand has put it on disk: that is the one to compare with.
  const auto stored = stored_prices(file, from);
  taken.before = stored ? *stored : std::move(before);
  auto read = read_price_list(text, from.format, from.source);
  if (!read) {
    taken.error = std::move(read.error());
    return taken;
  }
  if (!accept)
    taken.error = implausible(taken.before.get(), **read, bounds);
  if (taken.error) {
    taken.error->place = from.source;
    return taken;
  }
  taken.book = std::move(*read);
  if (!stored || (*stored)->version() != taken.book->version())
    taken.error = replace(file, document(text, from, bounds.now));
  return taken;
}

std::shared_ptr<const price_book> prices_at_start(const snapshot& config, timestamp now) {
  const prices_config& from = config.price_source;
  if (from.source.empty())
    return nullptr;
  const std::filesystem::path file = price_store_of(config);
  if (!is_url(from))
    if (const auto text = read_price_file(from.source)) {
      const auto taken = take_in(*text, from, file, nullptr, {from.max_change_permille, now, &config});
      if (taken.book)
        return taken.book;
    }
  auto stored = stored_prices(file, from);
  return stored ? std::move(*stored) : nullptr;
}

} // namespace weir::config
