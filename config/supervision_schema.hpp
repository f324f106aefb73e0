// The schemas of `[llm.retry]`, `[llm.circuit_breaker]` and `[llm.limits]`.
// Knows nothing of the rest of the file. Faults are collected; what is wrong keeps its default.
#pragma once

#include "config/table_reader.hpp"

namespace weir::config {

/// Reads the rules of retries and their budget.
void read_retry(reading& shared, const toml::table* table, const std::string& path, retry_config& retry);

/// Reads what opens and closes a circuit breaker.
void read_breaker(reading& shared, const toml::table* table, const std::string& path,
                  breaker_config& breaker);

/// Reads the bounds on everything.
void read_limits(reading& shared, const toml::table* table, const std::string& path, limits_config& limits);

/// Reads a decimal as thousandths, exactly: `2`, `1.5`, `1.125`. The bounds are whole numbers.
void read_permille(table_reader& in, const std::string& key, std::uint32_t& out, range<std::uint32_t> whole);

/// Reads the key of a request's tags: at most 1,024 bytes, since no tag has more. Empty is allowed.
void read_tag_key(table_reader& in, const std::string& key, std::string& out);

} // namespace weir::config
