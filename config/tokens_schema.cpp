// Vocabularies, each loaded to see that it is good.
#include "config/tokens_schema.hpp"

#include "config/toml_text.hpp"

#include <weir/tokens.hpp>

#include <algorithm>
#include <fstream>

namespace weir::config {

namespace {

/// A vocabulary is installed once in a process, so that a reload need not read megabytes again.
result<token_counter_ptr> read_vocabulary(const std::filesystem::path& file) {
  if (const token_counter_ptr known = installed_vocabulary(file.stem().string());
      known != nullptr && std::ifstream(file))
    return known;
  return load_vocabulary(file);
}

/// What is wrong with a file, as the end of a sentence about it.
std::string problem_of(const failure& error, const std::string& file) {
  std::string_view place = error.place; // the file, and the line in it
  place.remove_prefix(
      std::min(place.size(), place.starts_with(file + ": ") ? file.size() + 2 : place.size()));
  return place.empty() ? error.message : std::string(place) + ": " + error.message;
}

} // namespace

std::vector<vocabulary_file> read_tokens(reading& shared, const toml::table* table, const std::string& path) {
  constexpr std::string_view key = "vocabularies";
  constexpr std::size_t longest = 4096; // of a path, on Linux
  table_reader in(shared, table, path);
  std::vector<std::string> names;
  std::vector<vocabulary_file> read;
  in.texts(std::string(key), names);
  for (const std::string& name : names) {
    const auto fault = [&](std::string problem) {
      in.fault(std::string(key), "names " + basic_string(name.substr(0, longest)) + std::move(problem));
    };
    if (name.empty() || name.size() > longest) {
      fault(", which is no path");
      continue;
    }
    auto loaded = read_vocabulary(name);
    if (!loaded) {
      fault(", which cannot be used: " + problem_of(loaded.error(), name));
      continue;
    }
    const auto same = [&loaded](const vocabulary_file& each) {
      return each.vocabulary->vocabulary() == (*loaded)->vocabulary();
    };
    if (std::ranges::any_of(read, same)) {
      fault(", which is a second " + std::string((*loaded)->vocabulary()));
      continue;
    }
    read.push_back({name, std::move(*loaded)});
  }
  in.finish();
  return read;
}

} // namespace weir::config
