// Adding tools, and judging calls before they are run.
#include "actors/tool_registry.hpp"

#include "protocols/validate_parts.hpp"

#include <map>
#include <utility>

namespace weir {

struct tool_registry::implementation {
  std::vector<tool> tools;
  std::map<std::string, entry, std::less<>> entries;
};

tool_registry::tool_registry() : impl_(std::make_unique<implementation>()) {}
tool_registry::tool_registry(tool_registry&&) noexcept = default;
tool_registry& tool_registry::operator=(tool_registry&&) noexcept = default;
tool_registry::~tool_registry() = default;

result<void> tool_registry::add(tool description, function handler) {
  return add(std::move(description), entry{std::move(handler), nullptr});
}

result<void> tool_registry::add(tool description, tool_actor handler) {
  return add(std::move(description), entry{std::move(handler), nullptr});
}

result<void> tool_registry::add(tool description, entry made) {
  if (impl_->entries.contains(description.name))
    return make_failure(errc::invalid_request, "there is a tool of this name already", description.name);
  if (!protocols::is_tool_name(description.name))
    return make_failure(errc::invalid_request,
                        "a tool's name has 1 to 128 letters, digits, underscores and hyphens",
                        description.name.substr(0, 80));
  if (!description.parameters.empty()) {
    auto schema = protocols::json_schema::parse(description.parameters);
    if (!schema) {
      failure wrong = schema.error();
      wrong.place = description.name + ": " + wrong.place;
      return wrong;
    }
    made.schema = std::make_shared<const protocols::json_schema>(std::move(*schema));
  }
  impl_->entries.emplace(description.name, std::move(made));
  impl_->tools.push_back(std::move(description));
  return {};
}

const std::vector<tool>& tool_registry::tools() const noexcept {
  return impl_->tools;
}

const tool_registry::entry* tool_registry::find(std::string_view name) const noexcept {
  const auto found = impl_->entries.find(name);
  return found == impl_->entries.end() ? nullptr : &found->second;
}

std::string tool_registry::objection_to(const tool_call& call) const {
  const entry* const known = find(call.name);
  if (known == nullptr) {
    std::string text = "There is no tool '" + call.name + "'. The tools are:";
    for (const tool& each : impl_->tools)
      text += " " + each.name;
    return text;
  }
  if (!known->schema || call.custom)
    return {};
  const auto faults = known->schema->check(call.arguments);
  if (faults.empty())
    return {};
  std::string text = "The arguments do not fit the tool's schema:";
  for (const protocols::schema_fault& each : faults)
    text += "\n" + each.path + ": " + each.problem;
  return text;
}

} // namespace weir
