// Which codec speaks for which provider.
#include "protocols/codec.hpp"

#include "protocols/openai_chat.hpp"

namespace weir::protocols {

result<std::unique_ptr<const codec>> make_codec(const provider_config& provider) {
  switch (provider.type) {
  case provider_type::openai:
    return openai_chat::make(provider, {.max_tokens_field = "max_completion_tokens"});
  case provider_type::generic:
    return openai_chat::make(provider, {.max_tokens_field = "max_tokens"});
  case provider_type::claude:
    break;
  }
  return make_failure(errc::config, "weir does not speak the API of type 'claude' yet", provider.name.str());
}

} // namespace weir::protocols
