// Finds or makes the logger, once.
#include "actors/log.hpp"

#include <spdlog/sinks/stdout_color_sinks.h>
#include <spdlog/spdlog.h>

#include <memory>

namespace weir::actors {

spdlog::logger& log() {
  // A copy of the pointer keeps the logger alive, whatever the program does with its registry at exit.
  static const std::shared_ptr<spdlog::logger> logger = [] {
    if (auto given = spdlog::get("weir"))
      return given;
    auto made =
        std::make_shared<spdlog::logger>("weir", std::make_shared<spdlog::sinks::stderr_color_sink_mt>());
    made->set_level(spdlog::level::warn);
    return made;
  }();
  return *logger;
}

} // namespace weir::actors
