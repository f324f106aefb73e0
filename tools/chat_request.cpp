// From options to a request: files and standard input are read here.
#include "tools/chat_request.hpp"

#include "protocols/openai_chat_server.hpp"

#include <weir/image.hpp>

#include <utility>

namespace weir::tools {

namespace {

/// An image as it is named on the command line: by URL, or by the path of a file.
result<image_part> read_image(const std::string& where) {
  if (where.starts_with("http://") || where.starts_with("https://") || where.starts_with("data:"))
    return image_part{where};
  const auto bytes = read_input(where);
  if (!bytes)
    return bytes.error();
  auto image = make_image(*bytes);
  if (image)
    return image;
  failure wrong = image.error();
  wrong.place = where;
  return wrong;
}

/// The user's message: the prompt, then the images.
result<message> make_question(const chat_options& options) {
  message asked;
  if (!options.prompt.empty()) {
    auto text = options.prompt == "-" ? read_input("-") : result<std::string>(options.prompt);
    if (!text)
      return text.error();
    asked = make_message(role::user, std::move(*text));
  }
  for (const std::string& each : options.images) {
    auto image = read_image(each);
    if (!image)
      return image.error();
    asked.content.emplace_back(std::move(*image));
  }
  return asked;
}

/// `0.05 USD`, `0.05USD`; without a currency in dollars.
result<money> read_ceiling(const std::string& text) {
  const auto letters = text.find_first_not_of("0123456789.+-_ ");
  const std::string code = letters == std::string::npos ? "USD" : text.substr(letters);
  const auto unit = currency::parse(code);
  std::string amount = text.substr(0, letters);
  amount.erase(amount.find_last_not_of(' ') + 1);
  auto read = unit ? parse_amount(amount, *unit)
                   : result<money>(make_failure(errc::invalid_request, "'" + code.substr(0, 16) +
                                                                           "' is no currency; expected "
                                                                           "three capital letters"));
  if (read)
    return read;
  return make_failure(errc::invalid_request,
                      read.error().message + "; expected an amount such as \"0.05 USD\"", "--max-cost");
}

} // namespace

result<chat_request> make_request(const chat_options& options) {
  chat_request request;
  if (!options.request_file.empty()) {
    const auto text = read_input(options.request_file);
    if (!text)
      return text.error();
    auto read = protocols::decode_chat_request(*text);
    if (!read)
      return read.error();
    request = std::move(*read);
  }
  if (!options.system.empty())
    request.messages.insert(request.messages.begin(), make_message(role::system, options.system));
  if (!options.prompt.empty() || !options.images.empty()) {
    auto asked = make_question(options);
    if (!asked)
      return asked.error();
    request.messages.push_back(std::move(*asked));
  }
  if (request.messages.empty())
    return make_failure(errc::invalid_request, "there is nothing to say: give a PROMPT, '-' or --request",
                        "PROMPT");
  if (!options.model.empty())
    request.model = model_name(options.model);
  request.provider = provider_name(options.provider);
  if (options.stream)
    request.stream = true;
  request.rescue = to_rescue_policy(options.rescue);
  if (options.temperature)
    request.temperature = options.temperature;
  if (options.max_tokens)
    request.max_tokens = options.max_tokens;
  if (options.timeout_ms)
    request.timeout = milliseconds{*options.timeout_ms};
  if (!options.max_cost.empty()) {
    auto ceiling = read_ceiling(options.max_cost);
    if (!ceiling)
      return ceiling.error();
    request.max_cost = *ceiling;
  }
  for (const std::string& tag : options.tags) {
    const auto equals = tag.find('=');
    if (equals == std::string::npos || equals == 0)
      return make_failure(errc::invalid_request, "a tag is KEY=VALUE, not '" + tag + "'", "--tag");
    request.tags.emplace_back(tag.substr(0, equals), tag.substr(equals + 1));
  }
  return request;
}

} // namespace weir::tools
