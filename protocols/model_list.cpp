// Reading the list of models.
// Knows no codec.
#include "protocols/model_list.hpp"

#include "protocols/error_table.hpp"
#include "protocols/json.hpp"

namespace weir::protocols {

result<std::vector<model_name>> decode_model_list(const http_response& response) {
  const auto parsed = json_document::parse(response.body);
  const json_value* list = parsed ? find_member(parsed->root(), "data") : nullptr;
  if (parsed && parsed->root().IsArray()) // Together lists them bare
    list = &parsed->root();
  if (list == nullptr || !list->IsArray())
    return nonsense(response, "no list of models", "data");
  std::vector<model_name> models;
  for (const json_value& each : list->GetArray())
    if (const auto id = text_of(find_member(each, "id")); !id.empty())
      models.emplace_back(id);
  return models;
}

} // namespace weir::protocols
