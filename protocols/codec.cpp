// Which codec speaks for which provider.
#include "protocols/codec.hpp"

#include "protocols/anthropic_messages.hpp"
#include "protocols/openai_chat.hpp"
#include "protocols/openai_responses.hpp"

namespace weir::protocols {

namespace {

/// The provider as it is spoken to in this API. A path of its own belongs to the provider's main API, and the
/// headers `anthropic-version` and `x-api-key` to the Messages API. The other ways to tell a key are the
/// server's, whatever is spoken.
provider_config speaking(const provider_config& provider, api_kind api) {
  provider_config own = provider;
  own.wire = wire_of(provider);
  if (api != api_kind::messages)
    own.wire->api_version.clear();
  if (own.wire->api == api)
    return own;
  if (own.wire->api == api_kind::messages && own.wire->key == key_style::x_api_key)
    own.wire->key = key_style::bearer;
  own.wire->api = api;
  own.wire->path.clear();
  if (api == api_kind::messages && own.wire->api_version.empty())
    own.wire->api_version = "2023-06-01"; // a request without a version is refused
  return own;
}

} // namespace

result<std::unique_ptr<const codec>> make_codec(const provider_config& provider, api_kind api) {
  const provider_config own = speaking(provider, api);
  switch (api) {
  case api_kind::chat:
    return openai_chat::make(own, *own.wire);
  case api_kind::messages:
    return anthropic_messages::make(own);
  case api_kind::responses:
    return openai_responses::make(own);
  }
  return make_failure(errc::config, "weir does not speak this API", provider.name.str());
}

} // namespace weir::protocols
