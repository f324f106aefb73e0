// Where the program finds vocabularies, and which it loads: those of the models at hand, and no other.
// Knows no subcommand, and nothing of what is in a vocabulary.
#pragma once

#include <weir/tokens.hpp>

#include <filesystem>
#include <string_view>

namespace weir::tools {

/// `$WEIR_VOCABULARIES`, else `weir/vocabularies` in `$XDG_DATA_HOME`, else in `~/.local/share`. Empty when
/// none of these is set. tools/fetch_vocabularies.sh fills it.
std::filesystem::path vocabulary_folder();

/// Loads the vocabulary of a model from that folder and installs it, unless that was done before. False: the
/// model has no public vocabulary, or its file is not there. Errors (`config`): the file is faulty.
result<bool> install_vocabulary_of(const model_name& model);

} // namespace weir::tools
