// The one place where a failure becomes a CAF error and comes back.
#include <weir/messages.hpp>

#include <caf/deep_to_string.hpp>
#include <caf/make_message.hpp>
#include <caf/message.hpp>

namespace weir {

namespace {

/// The category of our errors; CAF's atoms have at most ten characters.
const caf::atom_value category = caf::atom("weir");

} // namespace

caf::error to_error(const failure& what) {
  return {static_cast<std::uint8_t>(what.type), category, caf::make_message(what)};
}

failure to_failure(const caf::error& error) {
  if (error.category() == category && error.context().match_elements<failure>())
    return error.context().get_as<failure>(0);
  return make_failure(errc::unknown, "an actor failed: " + caf::deep_to_string(error));
}

} // namespace weir
