// The table, in the order of its tests: the first row that fits decides.
// Sources: the providers' error documentation and recorded replies; the tests hold every row against
// recordings.
#include "protocols/error_table.hpp"

#include "protocols/retry_after.hpp"

#include <algorithm>
#include <array>
#include <charconv>
#include <initializer_list>

namespace weir::protocols {

namespace {

constexpr std::size_t vendor_text_limit = 4096;

/// A vendor's error in a form that rows can ask: lower case, and the status.
struct clue {
  int status = 0;
  std::string type;
  std::string code;
  std::string message;

  bool named(std::initializer_list<std::string_view> names) const {
    return std::ranges::any_of(names, [this](std::string_view each) { return each == type || each == code; });
  }
  bool says(std::initializer_list<std::string_view> pieces) const {
    return std::ranges::any_of(
        pieces, [this](std::string_view each) { return message.find(each) != std::string::npos; });
  }
  bool status_in(std::initializer_list<int> some) const {
    return std::ranges::find(some, status) != some.end();
  }
};

struct row {
  bool (*fits)(const clue&);
  errc type;
  bool retryable;
  std::string_view sentence; ///< the subject is the provider
};

bool says_no_model(const clue& seen) {
  return seen.says({"model"}) && seen.says({"does not exist", "not found", "not exist", "no such model",
                                            "unknown model", "not a valid model"});
}

/// A request that is too long for the model, in the words of OpenAI, Anthropic, llama.cpp, Groq, xAI, Gemini.
bool says_too_long(const clue& seen) {
  return seen.says({"maximum context length", "prompt is too long", "context window", "context size",
                    "reduce the length", "maximum prompt length", "exceed context limit", "input is too long",
                    "exceeds the maximum number of tokens"});
}

constexpr std::array<row, 16> table{{
    {[](const clue& e) {
       return e.status_in({408, 504}) || e.named({"timeout_error", "deadline_exceeded"});
     },
     errc::timeout, true, "ran out of time"},
    {[](const clue& e) {
       return e.status == 402 || e.named({"insufficient_quota", "billing_error"}) ||
              e.says({"exceeded your current quota", "credit balance is too low", "insufficient balance"});
     },
     errc::quota_exceeded, false, "says that the account has no quota left"},
    {[](const clue& e) {
       return e.named({"content_filter", "content_policy_violation"});
     },
     errc::content_filter, false, "refused the content by its safety rules"},
    {[](const clue& e) {
       return e.named({"context_length_exceeded", "exceed_context_size_error", "too_many_prompt_tokens"}) ||
              (e.status_in({0, 200, 400, 413, 422, 500}) && says_too_long(e));
     },
     errc::token_limit, false, "says that the request does not fit the model's context"},
    {[](const clue& e) {
       return e.status == 401 || e.named({"authentication_error", "invalid_api_key", "unauthenticated"}) ||
              (e.status == 400 && e.says({"incorrect api key", "api key not valid", "invalid api key"}));
     },
     errc::auth, false, "refused the key"},
    {[](const clue& e) {
       return e.status == 403 || e.named({"permission_error", "permission_denied"});
     },
     errc::auth, false, "does not permit this to the key"},
    {[](const clue& e) {
       return e.named({"model_not_found", "deploymentnotfound"}) ||
              (e.status_in({0, 200, 400, 404}) && (says_no_model(e) || e.message.starts_with("model: ")));
     },
     errc::model_not_found, false, "has no such model"},
    {[](const clue& e) { return e.status == 413 || e.named({"request_too_large"}); }, errc::token_limit,
     false, "says that the request is too large"},
    {[](const clue& e) {
       return e.status == 529 || e.named({"overloaded_error", "server_is_overloaded", "unavailable"}) ||
              (e.status == 503 && e.says({"overloaded", "loading", "capacity"}));
     },
     errc::server_error, true, "is overloaded"},
    {[](const clue& e) {
       return e.status == 429 || e.named({"rate_limit_error", "rate_limited", "rate_limit_exceeded",
                                          "resource_exhausted", "too_many_requests"});
     },
     errc::rate_limit, true, "limits the rate of requests"},
    {[](const clue& e) {
       return e.status >= 500 ||
              e.named({"api_error", "server_error", "internal_server_error", "internal_error", "internal"});
     },
     errc::server_error, true, "failed"},
    {[](const clue& e) { return e.status == 409; }, errc::invalid_request, false, "reports a conflict"},
    {[](const clue& e) { return e.status == 404; }, errc::invalid_request, false, "has nothing at this path"},
    {[](const clue& e) { return e.status >= 300 && e.status < 400; }, errc::invalid_request, false,
     "redirects, which is not followed"},
    {[](const clue& e) {
       return e.status >= 400 || e.named({"invalid_request_error", "invalid_argument"});
     },
     errc::invalid_request, false, "refused the request as invalid"},
    {[](const clue&) { return true; }, errc::unknown, false, "reports an error"},
}};

std::string lowered(std::string_view text) {
  std::string lower(text.substr(0, vendor_text_limit));
  std::ranges::transform(lower, lower.begin(), [](char letter) {
    return letter >= 'A' && letter <= 'Z' ? static_cast<char>(letter + 32) : letter;
  });
  return lower;
}

std::string bounded(std::string_view text, std::size_t limit = vendor_text_limit) {
  // Cut between characters, not within one.
  std::size_t end = std::min(text.size(), limit);
  while (end < text.size() && end > 0 && (static_cast<unsigned char>(text[end]) & 0xc0U) == 0x80U)
    --end;
  return std::string(text.substr(0, end));
}

std::string scalar_text(const json_value* value) {
  if (value == nullptr)
    return {};
  if (value->IsString())
    return bounded(text_of(value));
  return value->IsNumber() ? to_json_text(*value) : std::string();
}

/// Text for people: a string as it is, anything else as JSON.
std::string any_text(const json_value* value) {
  if (value == nullptr)
    return {};
  return bounded(value->IsString() ? std::string(text_of(value)) : to_json_text(*value));
}

/// 500, 502 and 504 may come after the work was done. A 503 or 529 of the provider's own, with an error in
/// its body, says that it was not begun; a proxy's, whose upstream may have broken off in the middle, says
/// nothing.
outcome fate_of(int status, bool named) {
  if ((status >= 300 && status < 500 && status != 408) || ((status == 503 || status == 529) && named))
    return outcome::rejected_unprocessed;
  return outcome::unknown;
}

failure look_up(const clue& seen, const vendor_error& words) {
  const row& found = *std::ranges::find_if(table, [&](const row& each) { return each.fits(seen); });
  failure made;
  made.type = found.type;
  made.retryable = found.retryable;
  made.message = "the provider " + std::string(found.sentence);
  if (seen.status != 0)
    made.message += " (HTTP " + std::to_string(seen.status) + ")";
  made.status_code = seen.status;
  made.vendor_message = words.message;
  made.vendor_code = words.code.empty() ? words.type : words.code;
  made.request_id = words.request_id;
  return made;
}

} // namespace

vendor_error read_vendor_error(const json_value& whole) {
  vendor_error found;
  const json_value& root = whole.IsArray() && !whole.Empty() ? whole[0] : whole; // Gemini wraps its errors so
  const json_value* inner = find_member(root, "error");
  if (const json_value* several = find_member(root, "errors"); // Cloudflare
      inner == nullptr && several != nullptr && several->IsArray() && !several->Empty())
    inner = several->Begin();
  const json_value& body = inner != nullptr && inner->IsObject() ? *inner : root;
  found.type = scalar_text(find_member(body, "type"));
  if (found.type.empty()) // Google's name of the class
    found.type = text_of(find_member(body, "status")).substr(0, vendor_text_limit);
  found.code = scalar_text(find_member(body, "code"));
  if (found.code.empty())
    found.code = scalar_text(find_member(body, "details", "error_code"));
  found.message = any_text(find_member(body, "message"));
  if (found.message.empty() && inner != nullptr && !inner->IsObject())
    found.message = any_text(inner);
  if (found.message.empty())
    found.message = any_text(find_member(body, "detail"));
  // OpenRouter says only that there was an error, and puts the words of the model's own provider beside it.
  if (const std::string raw = any_text(find_member(body, "metadata", "raw")); !raw.empty())
    found.message = bounded(found.message.empty() ? raw : found.message + ": " + raw);
  found.request_id = scalar_text(find_member(root, "request_id"));
  if (const json_value* status = find_member(body, "status_code");
      status != nullptr && status->IsInt() && status->GetInt() >= 400 && status->GetInt() < 600)
    found.status = status->GetInt();
  return found;
}

void read_hints(const http_response& response, std::chrono::sys_seconds now, failure& error) {
  error.retry_after = retry_after(response, now);
  const auto wish = response.find("x-should-retry");
  if (wish == "false")
    error.retryable = false;
  // A lack of quota, a wrong key, a model that is not there are not made right by repeating. Of a request
  // that is merely refused, the server knows better.
  if (wish == "true" && error.type == errc::invalid_request) {
    error.type = errc::server_error;
    error.retryable = true;
  }
  for (const char* name : {"x-request-id", "request-id"})
    if (const auto id = response.find(name); !id.empty())
      error.request_id = id;
}

failure classify(const http_response& response, std::chrono::sys_seconds now) {
  const auto parsed = json_document::parse(response.body);
  vendor_error words;
  if (parsed)
    words = read_vendor_error(parsed->root());
  else
    words.message = bounded(response.body); // plain text, or a page
  failure made =
      look_up({response.status, lowered(words.type), lowered(words.code), lowered(words.message)}, words);
  made.fate = fate_of(response.status,
                      parsed && !(words.type.empty() && words.code.empty() && words.message.empty()));
  read_hints(response, now, made);
  if (response.status >= 300 && response.status < 400)
    made.vendor_message = "Location: " + std::string(response.find("location"));
  return made;
}

failure classify_in_body(const vendor_error& error) {
  clue seen{error.status, lowered(error.type), lowered(error.code), lowered(error.message)};
  int number = 0;
  const auto [end, bad] = std::from_chars(error.code.data(), error.code.data() + error.code.size(), number);
  if (bad == std::errc{} && end == error.code.data() + error.code.size() && number >= 400 && number < 600)
    seen.status = number;
  failure made = look_up(seen, error);
  made.fate = outcome::unknown;
  return made;
}

failure nonsense(const http_response& response, std::string what, std::string place) {
  failure made =
      make_failure(errc::server_error, "the provider answered HTTP " + std::to_string(response.status) +
                                           " but " + std::move(what));
  made.place = std::move(place);
  made.status_code = response.status;
  made.fate = outcome::unknown;
  made.vendor_message = bounded(response.body, 256);
  if (const auto type = response.find("content-type"); !type.empty())
    made.message += " (content type " + bounded(type, 80) + ")";
  return made;
}

} // namespace weir::protocols
