// Presets: what each stands for, what overrides it, and that the documentation says the same.
#include "config/presets.hpp"
#include "tests/config/loading.hpp"

#include <boost/test/unit_test.hpp>

#include <fstream>
#include <iterator>
#include <map>
#include <vector>

using namespace weir;
using namespace weir::tests;

namespace {

/// The shortest file with a preset.
std::string shortest(const std::string& preset) {
  std::string text = "[llm.providers.p]\npreset = \"" + preset + "\"\n";
  if (preset == "azure")
    text += "base_url = \"https://r.openai.azure.com/openai/v1\"\n";
  if (preset != "vllm" && preset != "ollama" && preset != "llamacpp")
    text += "api_key = \"k\"\n";
  return text;
}

provider_config only_provider(const std::string& text) {
  const auto loaded = load(text);
  BOOST_REQUIRE_MESSAGE(loaded.has_value(), text << only_fault(text));
  BOOST_TEST_REQUIRE((*loaded)->providers.at(0).wire.has_value(), text);
  return (*loaded)->providers[0];
}

std::string documentation() {
  std::ifstream in(std::string(WEIR_TEST_DATA) + "/../../docs/configuration.md");
  BOOST_TEST_REQUIRE(in.good());
  return {std::istreambuf_iterator<char>(in), {}};
}

} // namespace

BOOST_AUTO_TEST_SUITE(preset_test)

BOOST_AUTO_TEST_CASE(every_preset_loads_from_the_shortest_file_and_brings_what_it_stands_for) {
  const std::string newer = "max_completion_tokens";
  struct expected {
    provider_type type;
    std::string url;
    std::string key;
    std::string field;
    bool usage;
  };
  using enum provider_type;
  const std::map<std::string, expected> all{
      {"openai", {openai, "https://api.openai.com/v1", "bearer", newer, true}},
      {"azure", {generic, "https://r.openai.azure.com/openai/v1", "api-key", newer, true}},
      {"deepseek", {generic, "https://api.deepseek.com/v1", "bearer", "max_tokens", true}},
      {"openrouter", {generic, "https://openrouter.ai/api/v1", "bearer", "max_tokens", true}},
      {"groq", {generic, "https://api.groq.com/openai/v1", "bearer", newer, true}},
      {"mistral", {generic, "https://api.mistral.ai/v1", "bearer", "max_tokens", false}},
      {"vllm", {generic, "http://localhost:8000/v1", "bearer", "max_tokens", true}},
      {"ollama", {generic, "http://localhost:11434/v1", "bearer", "max_tokens", true}},
      {"llamacpp", {generic, "http://localhost:8080/v1", "bearer", "max_tokens", true}},
      {"gemini",
       {generic, "https://generativelanguage.googleapis.com/v1beta/openai", "bearer", "max_tokens", true}},
      {"xai", {generic, "https://api.x.ai/v1", "bearer", newer, true}},
      {"together", {generic, "https://api.together.xyz/v1", "bearer", "max_tokens", true}},
      {"anthropic", {claude, "https://api.anthropic.com/v1", "x-api-key", "max_tokens", true}},
  };
  BOOST_TEST(config::presets().size() == all.size());
  for (const auto& [name, want] : all) {
    const provider_config made = only_provider(shortest(name));
    const wire_options& wire = *made.wire;
    BOOST_TEST(made.preset == name);
    BOOST_TEST((made.type == want.type), name);
    BOOST_TEST(made.base_url == want.url);
    BOOST_TEST(to_string(wire.key) == want.key, name);
    BOOST_TEST(wire.max_tokens_field == want.field, name);
    BOOST_TEST(wire.stream_usage == want.usage, name);
    const bool messages = want.type == claude;
    BOOST_TEST((wire.api == (messages ? api_kind::messages : api_kind::chat)), name);
    BOOST_TEST(wire.api_version == (messages ? "2023-06-01" : ""), name);
    BOOST_TEST((wire.path.empty() && wire.query.empty()), name);
  }
}

BOOST_AUTO_TEST_CASE(a_type_alone_is_spoken_to_as_one_that_was_made_in_code) {
  for (const provider_type type : {provider_type::openai, provider_type::claude, provider_type::generic}) {
    const std::string name(to_string(type));
    const provider_config made = only_provider("[llm.providers.p]\ntype = \"" + name +
                                               "\"\napi_key = \"k\"\nbase_url = \"https://x\"\n");
    provider_config bare;
    bare.type = type;
    BOOST_TEST((*made.wire == wire_of(bare)), name);
    BOOST_TEST(made.preset.empty());
  }
}

BOOST_AUTO_TEST_CASE(each_key_of_the_file_overrides_the_preset) {
  const provider_config made = only_provider(
      "[llm.providers.p]\npreset = \"groq\"\ntype = \"generic\"\nbase_url = \"http://localhost:1/v1\"\n"
      "api = \"responses\"\nauth = \"none\"\nmax_tokens_field = \"max_tokens\"\nstream_usage = false\n"
      "path = \"/other/{model}\"\nquery = {a = \"b\"}\n");
  BOOST_TEST(made.base_url == "http://localhost:1/v1");
  const wire_options expected{.api = api_kind::responses,
                              .key = key_style::none,
                              .max_tokens_field = "max_tokens",
                              .stream_usage = false,
                              .api_version = "",
                              .path = "/other/{model}",
                              .query = {{"a", "b"}}};
  BOOST_TEST((*made.wire == expected));
}

BOOST_AUTO_TEST_CASE(a_type_that_contradicts_the_preset_is_a_fault_and_one_that_agrees_is_none) {
  is_fault("[llm.providers.p]\npreset = \"openai\"\ntype = \"generic\"\napi_key = \"k\"\n",
           "3:8 llm.providers.p.type", "is \"generic\", and the preset \"openai\" is of type \"openai\"");
  is_fault("[llm.providers.p]\npreset = \"anthropic\"\ntype = \"openai\"\napi_key = \"k\"\n",
           "3:8 llm.providers.p.type", "is of type \"claude\"");
  BOOST_TEST(only_fault(shortest("anthropic") + "type = \"claude\"\n") == "good");
}

BOOST_AUTO_TEST_CASE(a_preset_that_nobody_knows_is_the_only_fault_of_its_provider) {
  is_fault("[llm.providers.p]\npreset = \"grok\"\n", "2:10 llm.providers.p.preset",
           "is \"grok\"; expected \"openai\", \"azure\", ");
  is_fault("[llm.providers.p]\npreset = \"\"\n", "2:10 llm.providers.p.preset", " or \"anthropic\"");
  is_fault("[llm.providers.p]\npreset = true\n", "2:10 llm.providers.p.preset", "expected a string");
  is_fault("[llm.providers.p]\npreset = \"a\\u001B[2Jb\"\n", "2:10 llm.providers.p.preset",
           "is \"a\\u001B[2Jb\"");
  is_fault("[llm.providers.p]\npreset = \"" + std::string(500'000, 'x') + "\"\n",
           "2:10 llm.providers.p.preset", std::string(32, 'x') + "…\"; expected");
  is_fault("[llm.providers.p]\nbase_url = \"https://x\"\napi_key = \"k\"\n", "1:1 llm.providers.p.type",
           "is missing; expected \"openai\", \"claude\" or \"generic\", or a preset");
}

BOOST_AUTO_TEST_CASE(a_preset_whose_provider_asks_for_a_key_demands_one) {
  std::size_t demanding = 0;
  for (const config::preset& each : config::presets()) {
    const std::string name(each.name);
    std::string text = shortest(name);
    if (const auto key = text.find("api_key"); key != std::string::npos) {
      text.erase(key);
      is_fault(text, "1:1 llm.providers.p.api_key", "_API_KEY}");
      is_fault(text + "api_key = \"\"\n", std::to_string(std::ranges::count(text, '\n') + 1) + ":11",
               "is empty");
      ++demanding;
    }
    // Who has no need to tell a key has no need of one.
    BOOST_TEST(only_fault(text + "auth = \"none\"\n") == "good", name);
    BOOST_TEST(only_fault(text + "enabled = false\n[llm.providers.q]\npreset = \"ollama\"\n") == "good",
               name);
  }
  BOOST_TEST(demanding == 10U);
  is_fault("[llm.providers.p]\npreset = \"groq\"\n", "1:1 llm.providers.p.api_key", "\"${GROQ_API_KEY}\"");
  const provider_config guarded = only_provider("[llm.providers.p]\npreset = \"vllm\"\napi_key = \"k\"\n");
  BOOST_TEST(guarded.api_key.reveal() == "k");
}

BOOST_AUTO_TEST_CASE(azure_has_no_url_of_its_own) {
  is_fault("[llm.providers.p]\npreset = \"azure\"\napi_key = \"k\"\n", "1:1 llm.providers.p.base_url",
           "https://RESOURCE.openai.azure.com/openai/v1");
  // Nor has an unknown server.
  is_fault("[llm.providers.p]\ntype = \"generic\"\n", "1:1 llm.providers.p.base_url", "is missing");
}

BOOST_AUTO_TEST_CASE(a_disabled_provider_needs_no_variable_in_its_preset_either) {
  const std::string text = "[llm.providers.p]\npreset = \"ollama\"\n[llm.providers.q]\nenabled = false\n";
  const std::string excused = "preset = \"${NOT_SET}\"\napi = \"${NOT_SET}\"\nauth = \"${NOT_SET}\"\n"
                              "max_tokens_field = \"${NOT_SET}\"\napi_version = \"${NOT_SET}\"\n"
                              "path = \"${NOT_SET}\"\nquery = {a = \"${NOT_SET}\"}\n";
  const auto loaded = load(text + excused);
  BOOST_REQUIRE_MESSAGE(loaded.has_value(), only_fault(text + excused));
  BOOST_TEST((*loaded)->providers.at(1).preset.empty());
  BOOST_TEST((*loaded)->providers[1].wire.value().query.empty());
  is_fault(text + "preset = \"gopher\"\n", "5:10 llm.providers.q.preset", "is \"gopher\"");
  is_fault("[llm.providers.p]\npreset = \"${NOT_SET}\"\n", "2:10 llm.providers.p.preset", "NOT_SET");
}

BOOST_AUTO_TEST_CASE(the_documentation_has_the_same_table) {
  const std::string text = documentation();
  const auto cell = [](std::string_view value) { return "`" + std::string(value) + "` | "; };
  for (const config::preset& each : config::presets()) {
    const std::string row = "\n| " + cell(each.name) + cell(to_string(each.type)) +
                            (each.base_url.empty() ? "must be given | " : cell(each.base_url)) +
                            (each.key_variable.empty() ? "optional | " : "required | ") +
                            cell(to_string(each.key)) + cell(each.max_tokens_field) +
                            (each.stream_usage ? "`true` |\n" : "`false` |\n");
    BOOST_TEST(text.find(row) != std::string::npos, row);
  }
}

BOOST_AUTO_TEST_CASE(the_examples_of_the_documentation_load) {
  const std::string text = documentation();
  const std::string open = "```toml\n";
  std::vector<provider_config> shown;
  for (auto at = text.find(open); at != std::string::npos; at = text.find(open, at)) {
    at += open.size();
    shown.push_back(only_provider(text.substr(at, text.find("```", at) - at)));
  }
  BOOST_TEST_REQUIRE(shown.size() >= 4U);
  BOOST_TEST((*shown[0].wire == config::default_wire(*config::find_preset("azure"), api_kind::chat)));
  BOOST_TEST(shown[1].wire->path == "/deployments/{model}/chat/completions");
  BOOST_TEST(shown[1].wire->query.at("api-version") == "2024-05-01-preview");
  BOOST_TEST(shown[2].models.at(0).context_window == 4096U);
  BOOST_TEST(shown[3].wire->api_version == "2026-10-21");
}

BOOST_AUTO_TEST_SUITE_END()
