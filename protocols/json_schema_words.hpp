// What a fault of JSON says: values and types in words.
// Knows no schema.
#pragma once

#include "protocols/json.hpp"

#include <cstddef>
#include <string>
#include <string_view>
#include <vector>

namespace weir::protocols {

/// Whether a value is of the type of that name in JSON Schema. An integer is any number without a fraction.
bool is_of_type(const json_value& value, std::string_view type) noexcept;

/// `a string`, `an integer`, `null`: what a value is.
std::string_view type_word(const json_value& value) noexcept;

/// `a string, an integer or null`: what a value of one of these types is.
std::string type_words(const std::vector<std::string_view>& types);

/// A value as JSON, short.
std::string value_word(const json_value& value);

/// `3 items`, `1 item`.
std::string count_word(double count, std::string_view of);

/// `a, b or c`. Of many, the first ones.
std::string choice_of(const std::vector<std::string>& words, std::string_view last_word);

} // namespace weir::protocols
