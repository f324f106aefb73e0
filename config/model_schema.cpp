// Models. Their prices stand in price_schema.cpp.
#include "config/model_schema.hpp"

#include "config/price_schema.hpp"
#include "config/wire_schema.hpp"

namespace weir::config {

model_config read_model(reading& shared, const toml::table* table, const std::string& path,
                        const std::string& name, provider_type type) {
  constexpr range<std::uint32_t> any_tokens{1, 1'000'000'000};
  table_reader in(shared, table, path);
  model_config model;
  model.name = model_name(name);
  model.display_name = name;
  in.text("display_name", model.display_name);
  in.count("max_tokens", model.max_tokens, any_tokens);
  if (in.count("context_window", model.context_window, any_tokens) && model.context_window < model.max_tokens)
    in.fault("context_window", "is less than max_tokens, which it includes");
  in.flag("supports_vision", model.supports_vision);
  in.flag("supports_tools", model.supports_tools);
  in.flag("supports_streaming", model.supports_streaming);
  in.flag("supports_prefill", model.supports_prefill);
  model.api = read_api(in, type);
  model.prices = read_pricing(shared, in.table("pricing"), in.path_of("pricing"));
  in.finish();
  return model;
}

} // namespace weir::config
