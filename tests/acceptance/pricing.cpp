// What weir makes of prices, for scripts that reckon again by other means.
//
//   weir-pricing calls COUNT SEED LEDGER   random prices and calls with their costs as CSV, all of them
//   booked
//                                          in a new ledger
//   weir-pricing fixtures INDEX LIST       recorded replies with their usage and cost by a price list, a JSON
//                                          line each
//
// Knows no expectation.
#include "config/price_list.hpp"
#include "protocols/codec.hpp"
#include "protocols/json.hpp"
#include "storage/ledger.hpp"

#include <array>
#include <cstdio>
#include <fstream>
#include <iostream>
#include <iterator>
#include <map>
#include <random>
#include <string>
#include <vector>

namespace {

using namespace weir;
using protocols::find_member;
using protocols::json_document;
using protocols::json_value;
using protocols::text_of;

// --- calls -----------------------------------------------------------------------------------------------

/// A price as text, in one of the ways that lists write it, with what it comes to.
class random_prices {
public:
  explicit random_prices(std::uint64_t seed) : dice_(seed) {}

  std::uint64_t below(std::uint64_t bound) { return dice_() % bound; }

  /// Now and then nothing.
  std::optional<price> maybe(std::string& text) {
    if (below(2) == 0)
      return std::nullopt;
    return some(text);
  }
  price some(std::string& text) {
    // Up to twelve decimals per million tokens, as a plain decimal or by the token with an exponent.
    const std::uint64_t digits = below(4) == 0 ? below(1'000'000'000'000) : below(10'000);
    const std::uint64_t places = digits < 10'000 ? below(13) : 6 + below(7); // at most a million in all
    text = std::to_string(digits) + "e-" + std::to_string(places);
    if (below(2) == 0) {
      const auto read = parse_price(text, price_unit::million_tokens);
      return read.value();
    }
    const std::string by_token = std::to_string(digits) + "e-" + std::to_string(places + 6);
    return parse_price(by_token, price_unit::tokens).value();
  }

private:
  std::mt19937_64 dice_;
};

/// Prices with the text of each of them, in the order of the columns.
struct written_pricing {
  pricing prices;
  std::string columns;
};

constexpr std::array<const char*, 4> currencies{"USD", "EUR", "CNY", "JPY"};

written_pricing make_pricing(random_prices& dice) {
  written_pricing made;
  pricing& prices = made.prices;
  prices.unit = *currency::parse(currencies[dice.below(currencies.size())]);
  std::array<std::string, 6> text;
  prices.input = dice.some(text[0]);
  prices.output = dice.some(text[1]);
  prices.cached_input = dice.maybe(text[2]);
  prices.cache_write = dice.maybe(text[3]);
  prices.cache_write_1h = dice.maybe(text[4]);
  prices.reasoning = dice.maybe(text[5]);
  prices.request_fee = dice.below(3) == 0 ? static_cast<std::int64_t>(dice.below(100'000'000'000)) : 0;
  prices.image_fee = dice.below(3) == 0 ? static_cast<std::int64_t>(dice.below(100'000'000'000)) : 0;
  made.columns = prices.unit.str();
  for (const std::string& each : text)
    made.columns += "," + each;
  made.columns += "," + to_decimal(int128{prices.request_fee}) + "," + to_decimal(int128{prices.image_fee});
  std::uint64_t above = 0;
  for (std::uint64_t left = dice.below(4); left != 0; --left) {
    above += 1 + dice.below(150'000);
    price_tier& tier = prices.tiers.emplace_back();
    tier.above = above;
    std::array<std::string, 6> own;
    tier.input = dice.maybe(own[0]);
    tier.output = dice.maybe(own[1]);
    tier.cached_input = dice.maybe(own[2]);
    tier.cache_write = dice.maybe(own[3]);
    tier.cache_write_1h = dice.maybe(own[4]);
    tier.reasoning = dice.maybe(own[5]);
    made.columns += "," + std::to_string(above);
    for (const std::string& each : own)
      made.columns += "," + each;
  }
  return made;
}

/// Mostly what a call can use; some figures contradict themselves.
token_usage make_usage(random_prices& dice) {
  token_usage usage;
  usage.prompt_tokens = dice.below(dice.below(2) == 0 ? 2'000 : 500'000);
  usage.completion_tokens = dice.below(20'000);
  usage.total_tokens = usage.prompt_tokens + usage.completion_tokens;
  if (dice.below(2) == 0)
    usage.cached_tokens = dice.below(usage.prompt_tokens + 1 + usage.prompt_tokens / 50);
  if (dice.below(3) == 0) {
    usage.cache_write_tokens =
        dice.below(usage.prompt_tokens - std::min(usage.prompt_tokens, usage.cached_tokens.value_or(0)) + 1);
    if (dice.below(2) == 0)
      usage.cache_write_1h_tokens = dice.below(*usage.cache_write_tokens + 1);
  }
  if (dice.below(2) == 0)
    usage.reasoning_tokens = dice.below(usage.completion_tokens + 1 + usage.completion_tokens / 50);
  usage.images = dice.below(4) == 0 ? static_cast<std::uint32_t>(dice.below(9)) : 0;
  return usage;
}

void print_call(std::size_t which, const token_usage& usage, const std::optional<money>& cost) {
  const auto part = [](const std::optional<std::uint64_t>& count) {
    return count ? std::to_string(*count) : std::string();
  };
  std::string line = "C," + std::to_string(which) + "," + std::to_string(usage.prompt_tokens) + "," +
                     std::to_string(usage.completion_tokens) + "," + part(usage.cached_tokens) + "," +
                     part(usage.cache_write_tokens) + "," + part(usage.cache_write_1h_tokens) + "," +
                     part(usage.reasoning_tokens) + "," + std::to_string(usage.images) + "," +
                     (cost ? to_decimal(*cost) : std::string()) + "\n";
  std::fwrite(line.data(), 1, line.size(), stdout);
}

int run_calls(std::uint64_t count, std::uint64_t seed, const std::string& folder) {
  random_prices dice(seed);
  std::vector<written_pricing> shapes;
  for (std::size_t n = 0; n != 400; ++n) {
    shapes.push_back(make_pricing(dice));
    std::cout << "P," << n << "," << shapes.back().columns << "\n";
  }
  std::cout << std::flush;
  auto ledger = storage::ledger::open({.dir = folder});
  if (!ledger) {
    std::cerr << to_string(ledger.error()) << "\n";
    return 1;
  }
  constexpr std::size_t most = 1000;
  std::vector<usage_record> batch;
  for (std::uint64_t n = 0; n != count; ++n) {
    const std::size_t which = dice.below(shapes.size());
    usage_record& record = batch.emplace_back();
    record.usage = make_usage(dice);
    record.cost = cost_of(record.usage, shapes[which].prices);
    print_call(which, record.usage, record.cost);
    const std::uint64_t milliseconds_now = 1'764'000'000'000 + n;
    record.id = attempt_id{make_id128(milliseconds_now, n, seed)};
    record.call = call_id{make_id128(milliseconds_now, n, seed + 1)};
    record.time = timestamp{milliseconds{milliseconds_now}};
    record.model = model_name("m" + std::to_string(which % 20));
    record.provider = provider_name("p" + std::to_string(which % 3));
    record.success = true;
    if (batch.size() == most || n + 1 == count) {
      if (const auto written = (*ledger)->append(batch); !written) {
        std::cerr << to_string(written.error()) << "\n";
        return 1;
      }
      batch.clear();
    }
  }
  return std::fflush(stdout) == 0 ? 0 : 1;
}

// --- fixtures --------------------------------------------------------------------------------------------

std::string read_file(const std::string& name) {
  std::ifstream in(name, std::ios::binary);
  return {std::istreambuf_iterator<char>(in), {}};
}

/// The provider of the list whose models a recorded server has.
std::string listed_name(std::string_view server) {
  const std::map<std::string_view, std::string> others{{"gemini", "google"}, {"xai", "x-ai"}};
  const auto found = others.find(server);
  return found == others.end() ? std::string(server) : found->second;
}

std::optional<token_usage> usage_of(const json_value& recorded, std::string_view api) {
  provider_config provider;
  provider.type = api == "anthropic.messages" ? provider_type::claude : provider_type::generic;
  provider.base_url = "http://127.0.0.1:1/v1";
  const api_kind kind = api == "anthropic.messages" ? api_kind::messages
                        : api == "openai.responses" ? api_kind::responses
                                                    : api_kind::chat;
  const auto codec = protocols::make_codec(provider, kind);
  if (!codec)
    return std::nullopt;
  const json_value& response = *find_member(recorded, "response");
  http_response head;
  head.status = find_member(response, "status")->GetInt();
  if (const json_value* const fields = find_member(response, "headers"))
    for (const auto& member : fields->GetObject())
      head.fields.add(member.name.GetString(), text_of(&member.value));
  head.body = text_of(find_member(response, "body"));
  const json_value* const wish = find_member(recorded, "request", "body", "stream");
  const bool streamed = head.find("content-type").find("event-stream") != std::string_view::npos ||
                        (wish != nullptr && wish->IsTrue());
  if (!streamed) {
    const auto reply = (*codec)->decode_chat(head, {});
    return reply ? std::optional(reply->usage) : std::nullopt;
  }
  const auto decoder = (*codec)->decode_stream({head.status, head.fields, {}}, {});
  std::vector<chat_delta> deltas;
  decoder->feed(head.body, deltas);
  const auto reply = decoder->finish(deltas);
  return reply ? std::optional(reply->usage) : std::nullopt;
}

void print_case(std::string_view id, const std::string& provider, std::string_view model,
                const token_usage& usage, const price_entry* entry) {
  rapidjson::StringBuffer buffer;
  protocols::json_writer out(buffer);
  out.StartObject();
  protocols::write_member(out, "id", id);
  protocols::write_member(out, "provider", provider);
  protocols::write_member(out, "model", model);
  const auto part = [&out](const char* name, const std::optional<std::uint64_t>& count) {
    out.Key(name);
    count ? out.Uint64(*count) : out.Null();
  };
  part("prompt_tokens", usage.prompt_tokens);
  part("completion_tokens", usage.completion_tokens);
  part("cached_tokens", usage.cached_tokens);
  part("cache_write_tokens", usage.cache_write_tokens);
  part("cache_write_1h_tokens", usage.cache_write_1h_tokens);
  part("reasoning_tokens", usage.reasoning_tokens);
  const pricing* const prices =
      entry == nullptr ? nullptr : entry->at(*parse_timestamp("2026-11-26T12:00:00Z"));
  const auto cost = prices == nullptr ? std::nullopt : cost_of(usage, *prices);
  protocols::write_member(out, "entry", entry == nullptr ? std::string() : entry->name);
  protocols::write_member(out, "cost", cost ? to_decimal(*cost) : std::string());
  out.EndObject();
  std::cout << buffer.GetString() << "\n";
}

int run_fixtures(const std::string& index_file, const std::string& list_file) {
  const auto book = config::read_price_list(read_file(list_file), price_format::genai_prices, list_file);
  const auto index = json_document::parse(read_file(index_file));
  if (!book || !index) {
    std::cerr << to_string(book ? index.error() : book.error()) << "\n";
    return 1;
  }
  const std::string folder = index_file.substr(0, index_file.rfind('/') + 1);
  for (const json_value& entry : find_member(index->root(), "cases")->GetArray()) {
    if (find_member(entry, "expected", "usage") == nullptr)
      continue;
    const std::string_view id = text_of(find_member(entry, "id"));
    const auto file =
        json_document::parse(read_file(folder + std::string(text_of(find_member(entry, "file")))));
    if (!file)
      return 1;
    const json_value* recorded = &file->root();
    if (recorded->IsArray())
      for (const json_value& each : file->root().GetArray())
        if (text_of(find_member(each, "id")) == id)
          recorded = &each;
    const auto usage = usage_of(*recorded, text_of(find_member(entry, "api")));
    if (!usage)
      continue;
    const std::string provider = listed_name(text_of(find_member(entry, "server")));
    const std::string_view model = text_of(find_member(entry, "expected", "model"));
    const listed_provider* const listed = (*book)->provider_named(provider);
    print_case(id, provider, model, *usage, listed == nullptr ? nullptr : (*book)->find(*listed, model));
  }
  return 0;
}

} // namespace

int main(int argc, char** argv) {
  const std::vector<std::string> arguments(argv + 1, argv + argc);
  if (arguments.size() == 4 && arguments[0] == "calls")
    return run_calls(std::stoull(arguments[1]), std::stoull(arguments[2]), arguments[3]);
  if (arguments.size() == 3 && arguments[0] == "fixtures")
    return run_fixtures(arguments[1], arguments[2]);
  std::cerr << "usage: weir-pricing calls COUNT SEED LEDGER | fixtures INDEX LIST\n";
  return 2;
}
