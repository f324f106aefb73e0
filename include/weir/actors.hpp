// Every actor's interface, one comment a message. Reading this file is reading the architecture; the sink of
// a stream, which is the caller's own, stands in delta_sink.hpp. Typed handles only; how each behaves stands
// in actors/.
#pragma once

#include <weir/delta_sink.hpp>
#include <weir/messages.hpp>
#include <weir/tools.hpp>

#include <caf/replies_to.hpp>
#include <caf/typed_actor.hpp>

namespace weir {

/// MANAGER: the front desk. Routes and stamps each call, delegates it, and is not on the way back.
using manager_actor = caf::typed_actor<
    // Performs one call. Always a `chat_reply`; a failure is in its `error`.
    caf::replies_to<chat_request>::with<chat_reply>,
    // Performs one streamed call: the deltas go to the sink, the whole reply is the answer.
    caf::replies_to<chat_request, delta_sink>::with<chat_reply>,
    // Performs a call whose tool calls are run until the model has no more.
    caf::replies_to<tool_request>::with<tool_reply>,
    // The same, streamed: each round's deltas go to the sink.
    caf::replies_to<tool_request, delta_sink>::with<tool_reply>,
    // Ends an open call, or loop of calls, as `cancelled`.
    caf::reacts_to<cancel_call>,
    // Tells how providers, books and calls are.
    caf::replies_to<health_query>::with<health_report>,
    // Books an attempt that was made outside of weir, or gives one of weir's that is `unknown` its figures.
    // Errors: `storage`.
    caf::replies_to<usage_record>::with<booked>,
    // Sums up the books. Errors: `storage`, `invalid_request`.
    caf::replies_to<usage_query>::with<usage_report>,
    // The same for one model, at all providers together.
    caf::replies_to<model_usage>::with<usage_summary>,
    // What was spent.
    caf::replies_to<total_cost>::with<cost_report>,
    // Writes the books to a file. Errors: `storage`.
    caf::replies_to<export_usage>::with<exported>,
    // Deletes what is old from the books. Errors: `storage`.
    caf::replies_to<cleanup_usage>::with<cleaned>,
    // Refuses new calls and lets those in flight end.
    caf::replies_to<drain>::with<drained>,
    // Goes offline, or read-only, or back to normal.
    caf::reacts_to<set_mode>,
    // Reads the price list anew. Errors: `config` (there is none to read).
    caf::replies_to<refresh_prices>::with<price_report>,
    // Prices with that list from now on.
    caf::reacts_to<new_prices>,
    // Adopts a newer snapshot and passes it on. Calls in flight keep the one that they began with.
    caf::reacts_to<snapshot_ptr>>;

/// SUPERVISOR: admits calls, and for each runs one attempt at a time until it may answer. Owns the circuit
/// breakers and the providers' lives.
using supervisor_actor = caf::typed_actor<
    // Performs one call, with retries and failover. Ends by the call's deadline.
    caf::replies_to<call>::with<chat_reply>,
    // Ends an open call as `cancelled`.
    caf::reacts_to<cancel_call>,
    // Tells how the providers and the calls are; the ledger's part is left empty.
    caf::replies_to<health_query>::with<health_report>,
    // Refuses new calls and lets those in flight end.
    caf::replies_to<drain>::with<drained>,
    // Goes offline, or read-only, or back to normal.
    caf::reacts_to<set_mode>,
    // Starts, updates and stops providers.
    caf::reacts_to<snapshot_ptr>,
    // Refuses or welcomes calls, as the books can follow.
    caf::reacts_to<ledger_pressure>,
    // Puts up what the books have to tell an operator.
    caf::reacts_to<alert>>;

/// PROVIDER: one vendor endpoint. Encodes, posts, decodes, and bills the accumulator itself.
using provider_actor = caf::typed_actor<
    // Performs one attempt. Its intent is in the books before a byte is sent; its answer goes by way of them.
    caf::replies_to<attempt>::with<attempt_end>,
    // Ends one attempt early; it is answered as `cancelled`.
    caf::reacts_to<cancel_attempt>,
    // Tells how it is; an active probe asks for the list of models.
    caf::replies_to<provider_probe>::with<provider_health>,
    // Opens no socket while it is offline.
    caf::reacts_to<set_mode>,
    // Adopts a newer snapshot. Attempts in flight keep the codec and endpoint that they began with.
    caf::reacts_to<snapshot_ptr>>;

/// ACCUMULATOR: the books. Keeps totals and budgets in memory, commits records in batches, answers questions,
/// deletes what is old.
using accumulator_actor = caf::typed_actor<
    // Books one record. An intent asks the budgets first. Errors: `budget_exceeded`, `storage`, `read_only`.
    caf::replies_to<usage_record>::with<booked>,
    // Books the end of an attempt, and passes its answer on when that is done.
    caf::replies_to<settlement>::with<attempt_end>,
    // Sums up the books, with everything booked before the question. Errors: `storage`, `invalid_request`.
    caf::replies_to<usage_query>::with<usage_report>,
    // The same for one model, at all providers together.
    caf::replies_to<model_usage>::with<usage_summary>,
    // What was spent, likewise.
    caf::replies_to<total_cost>::with<cost_report>,
    // Writes the books to a file, likewise.
    caf::replies_to<export_usage>::with<exported>,
    // Deletes what is old, in small steps beside live traffic.
    caf::replies_to<cleanup_usage>::with<cleaned>,
    // Tells how the books are.
    caf::replies_to<health_query>::with<ledger_health>,
    // Commits what is pending and answers when it is durable, or cannot be.
    caf::replies_to<flush>::with<flushed>,
    // Adopts batch sizes, budgets and retention.
    caf::reacts_to<snapshot_ptr>>;

/// PRICE KEEPER: reads the price list at its source, on schedule and when asked, and gives the manager each
/// new one that is believed.
using price_keeper_actor = caf::typed_actor<
    // Reads the list anew; answered when that is done, whatever came of it.
    caf::replies_to<refresh_prices>::with<price_report>,
    // Opens no socket while it is offline.
    caf::reacts_to<set_mode>,
    // Adopts a newer snapshot. Another source is read at once.
    caf::reacts_to<snapshot_ptr>>;

/// WATCHER: sees the configuration file change, validates it, and publishes the next snapshot to the manager.
/// Nobody talks to it: it is told to end, and its private messages come from its file watch.
using watcher_actor = caf::typed_actor<
    // Looks at the file now, as if it had changed.
    caf::reacts_to<flush>>;

} // namespace weir
