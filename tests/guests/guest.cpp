// A guest's program: every public header, and one call that is refused before anything is sent.
#include <weir/actors.hpp>
#include <weir/chat.hpp>
#include <weir/client.hpp>
#include <weir/config.hpp>
#include <weir/error.hpp>
#include <weir/health.hpp>
#include <weir/messages.hpp>
#include <weir/money.hpp>
#include <weir/names.hpp>
#include <weir/runtime.hpp>
#include <weir/secret.hpp>
#include <weir/url.hpp>
#include <weir/usage.hpp>

#include <iostream>

int main() {
  auto config = std::make_shared<weir::snapshot>();
  weir::provider_config provider;
  provider.name = weir::provider_name("p");
  provider.type = weir::provider_type::generic;
  provider.base_url = "http://127.0.0.1:9/v1";
  provider.models.push_back({});
  provider.models.back().name = weir::model_name("m");
  config->providers.push_back(provider);
  config->default_provider = provider.name;
  config->enable_usage_tracking = false;

  auto weir = weir::client::start(config).value();
  weir::chat_request request;
  request.model = weir::model_name("other");
  const weir::chat_reply reply = weir.chat(request).get();
  std::cout << to_string(*reply.error) << '\n';
  return reply.error->type == weir::errc::model_not_found ? 0 : 1;
}
