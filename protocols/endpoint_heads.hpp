// The heads of a provider's requests: where they go, who asks, with which key.
// The same for every API; knows neither bodies nor replies. Keys end up in the heads and in no message.
#pragma once

#include "protocols/http_message.hpp"

#include <weir/config.hpp>

#include <memory>
#include <string>
#include <string_view>
#include <vector>

namespace weir::protocols {

/// Made once for a provider and an API. A head is written once, unless the path names the model.
class endpoint_heads {
public:
  /// `default_path` is the API's own, such as `/chat/completions`; `wire.path` stands in for it. What the
  /// configuration's `headers` say replaces a field of ours of that name. Errors (`config`): a base URL,
  /// path, key or header that cannot be written as HTTP.
  static result<endpoint_heads> make(const provider_config& provider, const wire_options& wire,
                                     std::string_view default_path);

  /// The head of a chat call. Errors (`invalid_request`): the path names the model, and no model of that name
  /// can stand there.
  result<std::shared_ptr<const request_head>> chat(const model_name& model) const;

  /// The head of `GET …/models`.
  const std::shared_ptr<const request_head>& models() const noexcept { return models_; }

private:
  endpoint_heads() = default;

  std::shared_ptr<const request_head> models_;
  std::shared_ptr<const request_head> chat_; ///< null: the path names the model
  std::string target_;                       ///< with `{model}` in it, and the fields: only then
  std::vector<http_field> fields_;
};

} // namespace weir::protocols
