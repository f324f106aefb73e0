// What each fault looks like on the wire.
// Knows neither phases nor clocks.
#pragma once

#include "tests/simulation/faults.hpp"

namespace weir::simulation {

answer make_answer(dice& random, const host_plan& host, const question& asked, fault is);

} // namespace weir::simulation
