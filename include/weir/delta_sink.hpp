// How a stream's deltas reach whoever called: in batches, each answered when the next may come.
// Knows neither providers nor the network; local messages only.
#pragma once

#include <weir/chat.hpp>

#include <caf/allowed_unsafe_message_type.hpp>
#include <caf/replies_to.hpp>
#include <caf/typed_actor.hpp>

#include <vector>

namespace weir {

/// What has arrived since the last batch, in order; never empty.
struct delta_batch {
  call_id call;
  std::vector<chat_delta> deltas;
};

/// The answer to a batch: the next may come.
struct more_deltas {};

/// SINK: takes the deltas of streamed calls. Whoever calls brings his own.
///
/// While a batch is not answered no other follows, and after a window's worth of bytes nothing more is read
/// from the provider. Only the stream's last batch does not wait. When the sink ends, its calls are
/// cancelled.
using delta_sink = caf::typed_actor<
    // Shows some deltas. To be answered, at once or later; an error ends the call as `cancelled`.
    caf::replies_to<delta_batch>::with<more_deltas>>;

} // namespace weir

CAF_ALLOW_UNSAFE_MESSAGE_TYPE(weir::delta_batch)
CAF_ALLOW_UNSAFE_MESSAGE_TYPE(weir::more_deltas)
