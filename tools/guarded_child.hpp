// Work in a process of its own, for what may be killed by damaged pages of a memory map.
// Knows nothing of the work but the lines of text that it sends home.
#pragma once

#include <weir/error.hpp>

#include <functional>
#include <string>

namespace weir::tools {

class ending_signals;

/// Sends a line home; false when nobody listens any more. A line's end in it becomes a space.
using send_line = std::function<bool(const std::string&)>;

/// How the child ended.
struct child_end {
  int exit_code = 0;
  int signal = 0;     ///< which killed it; 0: none
  bool ended = false; ///< by us, since one of the signals came
};

/// Forks, lets the child do the work and end with what it returns, and hears each of its lines. To be called
/// before any thread is started. Errors (`storage`): there is no pipe or no process to be had.
result<child_end> run_in_child(const std::function<int(const send_line&)>& work,
                               const std::function<void(const std::string&)>& hear,
                               const ending_signals& signals);

} // namespace weir::tools
