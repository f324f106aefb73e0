// Writing weir's values for people and programs.
// Knows no vendor's shape: those stand in the files named for them.
#include "protocols/report_json.hpp"

#include "protocols/report_members.hpp"

namespace weir::protocols {

namespace {

/// An amount without its currency, which stands beside it.
void write_money(json_writer& out, const char* name, const std::optional<money>& amount) {
  out.Key(name);
  if (amount)
    write_text(out, to_decimal(*amount));
  else
    out.Null();
}

void write_tokens(json_writer& out, const token_usage& usage) {
  write_count(out, "prompt_tokens", usage.prompt_tokens);
  write_count(out, "completion_tokens", usage.completion_tokens);
  write_count(out, "total_tokens", usage.total_tokens);
  write_count(out, "cached_tokens", usage.cached_tokens);
  write_count(out, "cache_write_tokens", usage.cache_write_tokens);
  write_count(out, "reasoning_tokens", usage.reasoning_tokens);
}

/// The currency of a cost, or of its limit where only that is known: a decimal alone means nothing.
void write_currency(json_writer& out, const char* name, const std::optional<money>& cost,
                    const std::optional<money>& limit = std::nullopt) {
  const std::optional<money>& any = cost ? cost : limit;
  out.Key(name);
  if (any)
    write_text(out, any->unit.str());
  else
    out.Null();
}

void write_attempt(json_writer& out, const attempt_info& attempt) {
  out.StartObject();
  write_member(out, "id", to_string(attempt.id));
  write_member(out, "provider", attempt.provider.str());
  write_member(out, "model", attempt.model.str());
  write_error_name(out, "error", attempt.error);
  out.Key("status_code");
  out.Int(attempt.status_code);
  write_member(out, "message", attempt.message);
  write_time(out, "latency_ms", attempt.latency);
  write_time(out, "waited_ms", attempt.waited);
  write_flag(out, "hedge", attempt.hedge);
  out.EndObject();
}

void write_metadata(json_writer& out, const reply_metadata& metadata) {
  out.Key("metadata");
  out.StartObject();
  write_member(out, "call_id", to_string(metadata.call));
  write_member(out, "request_id", metadata.request_id);
  write_member(out, "provider", metadata.provider.str());
  out.Key("attempts");
  out.StartArray();
  for (const attempt_info& each : metadata.attempts)
    write_attempt(out, each);
  out.EndArray();
  write_time(out, "latency_ms", metadata.latency);
  if (metadata.first_token)
    write_time(out, "first_token_ms", metadata.first_token);
  write_member(out, "raw_finish_reason", metadata.raw_finish_reason);
  if (!metadata.stop_sequence.empty())
    write_member(out, "stop_sequence", metadata.stop_sequence);
  out.EndObject();
}

} // namespace

std::string to_milliseconds(std::chrono::microseconds time) {
  const bool negative = time.count() < 0;
  // Unsigned, since the smallest signed number has no opposite.
  const auto count = static_cast<std::uint64_t>(time.count());
  const std::uint64_t micros = negative ? 0 - count : count;
  std::string text = (negative ? "-" : "") + std::to_string(micros / 1000);
  std::string rest = std::to_string(micros % 1000 + 1000).substr(1);
  while (!rest.empty() && rest.back() == '0')
    rest.pop_back();
  return rest.empty() ? text : text + "." + rest;
}

std::string to_json(const chat_reply& reply) {
  return written([&](json_writer& out) {
    out.StartObject();
    write_flag(out, "success", reply.success);
    write_member(out, "content", reply.content);
    if (!reply.reasoning.empty())
      write_member(out, "reasoning", reply.reasoning);
    if (!reply.refusal.empty())
      write_member(out, "refusal", reply.refusal);
    write_member(out, "model", reply.model.str());
    out.Key("usage");
    out.StartObject();
    write_tokens(out, reply.usage);
    write_money(out, "cost", reply.cost);
    write_currency(out, "currency", reply.cost);
    write_member(out, "metering", to_string(reply.usage.source));
    out.EndObject();
    write_member(out, "finish_reason", to_string(reply.finish_reason));
    out.Key("tool_calls");
    out.StartArray();
    for (const tool_call& call : reply.tool_calls) {
      out.StartObject();
      write_member(out, "id", call.id);
      write_member(out, "name", call.name);
      write_member(out, "arguments", call.arguments);
      out.EndObject();
    }
    out.EndArray();
    write_error(out, "error", reply.error);
    write_metadata(out, reply.metadata);
    out.EndObject();
  });
}

std::string to_json(const chat_delta& delta) {
  return written([&](json_writer& out) {
    out.StartObject();
    write_member(out, "type", to_string(delta.type));
    if (delta.type != chat_delta::kind::restart)
      write_member(out, "text", delta.text);
    if (delta.type == chat_delta::kind::tool_call) {
      write_count(out, "index", delta.tool_index);
      if (!delta.tool_id.empty())
        write_member(out, "id", delta.tool_id);
      if (!delta.tool_name.empty())
        write_member(out, "name", delta.tool_name);
    }
    out.EndObject();
  });
}

std::string to_json(const failure& error) {
  return written([&](json_writer& out) { write_failure(out, error); });
}

std::string to_json(const usage_record& record) {
  return written([&](json_writer& out) {
    out.StartObject();
    write_member(out, "id", to_string(record.id));
    write_member(out, "call_id", to_string(record.call));
    write_member(out, "timestamp", to_string(record.time));
    write_member(out, "model_name", record.model.str());
    write_member(out, "provider_name", record.provider.str());
    write_member(out, "request_id", record.request_id);
    write_count(out, "attempt", record.attempt);
    write_member(out, "state", to_string(record.state));
    write_flag(out, "success", record.success);
    write_error_name(out, "error_type", record.error_type);
    write_tokens(out, record.usage);
    write_member(out, "metering", to_string(record.usage.source));
    write_money(out, "cost", record.cost);
    write_currency(out, "currency", record.cost, record.cost_limit);
    write_money(out, "cost_limit", record.cost_limit);
    write_count(out, "price_version", record.price_version);
    write_time(out, "response_time_ms", record.response_time);
    write_time(out, "first_token_time_ms", record.first_token_time);
    out.Key("tags");
    out.StartObject();
    for (const auto& [key, value] : record.tags)
      write_member(out, key, value);
    out.EndObject();
    write_count(out, "cache_write_1h_tokens", record.usage.cache_write_1h_tokens);
    write_count(out, "images", record.usage.images);
    write_money(out, "reported_cost", record.usage.reported_cost);
    write_currency(out, "reported_currency", record.usage.reported_cost);
    out.EndObject();
  });
}

} // namespace weir::protocols
