// The log: sentences whose subject is the actor. Only actors and programs log.
// Knows no message and no secret: who logs a value says which part of it.
#pragma once

#include <spdlog/logger.h>

namespace weir::actors {

/// The program's spdlog logger named `weir`, or one to standard error at level `warn` that is made on first
/// use.
spdlog::logger& log();

} // namespace weir::actors
