// Finding and loading vocabularies.
#include "tools/vocabularies.hpp"

#include <cstdlib>
#include <string>
#include <system_error>
#include <utility>

namespace weir::tools {

namespace {

/// A variable's value as a path; empty when it is unset.
std::filesystem::path path_in(const char* variable) {
  const char* const value = std::getenv(variable);
  return value == nullptr ? std::filesystem::path() : std::filesystem::path(value);
}

} // namespace

std::filesystem::path vocabulary_folder() {
  if (auto own = path_in("WEIR_VOCABULARIES"); !own.empty())
    return own;
  auto data = path_in("XDG_DATA_HOME");
  if (!data.is_absolute()) { // the specification: relative paths are to be ignored
    data = path_in("HOME");
    if (data.empty())
      return {};
    data /= ".local/share";
  }
  return data / "weir/vocabularies";
}

result<bool> install_vocabulary_of(const model_name& model) {
  const std::string name(vocabulary_of(model));
  if (name.empty())
    return false;
  if (installed_vocabulary(name) != nullptr)
    return true;
  const std::filesystem::path folder = vocabulary_folder();
  const std::filesystem::path file = folder / (name + ".tiktoken");
  std::error_code error;
  if (folder.empty() || !std::filesystem::exists(file, error))
    return false;
  auto loaded = load_vocabulary(file);
  if (!loaded)
    return loaded.error();
  install_vocabulary(std::move(*loaded));
  return true;
}

} // namespace weir::tools
