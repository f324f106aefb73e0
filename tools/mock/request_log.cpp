// Writing lines.
#include "tools/mock/request_log.hpp"

#include "protocols/json.hpp"

#include <optional>

#include <fcntl.h>
#include <unistd.h>

namespace weir::mock {

namespace {

using protocols::json_writer;

void write_count(json_writer& out, const char* name, std::uint64_t value) {
  out.Key(name);
  out.Uint64(value);
}

void write_count(json_writer& out, const char* name, std::optional<std::uint64_t> value) {
  if (value)
    return write_count(out, name, *value);
  out.Key(name);
  out.Null();
}

void write_flag(json_writer& out, const char* name, bool value) {
  out.Key(name);
  out.Bool(value);
}

void append(int file, rapidjson::StringBuffer& line) {
  line.Put('\n');
  [[maybe_unused]] const auto written = ::write(file, line.GetString(), line.GetSize());
}

} // namespace

request_log::request_log(const std::string& file, bool content)
    : file_(file.empty() ? -1 : ::open(file.c_str(), O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0644)),
      content_(content) {}

request_log::~request_log() {
  if (file_ >= 0)
    ::close(file_);
}

void request_log::write(const transport::server_request& request, const answer& given, std::uint64_t number,
                        std::chrono::milliseconds time) {
  if (file_ < 0)
    return;
  rapidjson::StringBuffer line;
  json_writer out(line);
  out.StartObject();
  write_count(out, "n", number);
  write_count(out, "time_ms", static_cast<std::uint64_t>(time.count()));
  write_count(out, "connection", request.connection);
  write_count(out, "on_connection", request.on_connection);
  protocols::write_member(out, "method", request.method);
  protocols::write_member(out, "path", request.target);
  protocols::write_member(out, "dialect", to_string(given.dialect));
  protocols::write_member(out, "model", given.model);
  write_flag(out, "stream", given.stream);
  out.Key("fault");
  if (given.struck == nullptr)
    out.Null();
  else
    protocols::write_text(out, to_string(given.struck->kind));
  write_count(out, "status", static_cast<std::uint64_t>(given.status));
  write_count(out, "chunks", given.chunks);
  write_count(out, "prompt_tokens", given.prompt_tokens);
  write_count(out, "completion_tokens", given.completion_tokens);
  write_count(out, "cached_tokens", given.cached_tokens);
  write_count(out, "reasoning_tokens", given.reasoning_tokens);
  write_flag(out, "billed", given.billed);
  if (content_)
    protocols::write_member(out, "content", given.said);
  out.EndObject();
  append(file_, line);
}

void request_log::write_closed(std::uint64_t number, std::uint64_t chunks, std::chrono::milliseconds time) {
  if (file_ < 0)
    return;
  rapidjson::StringBuffer line;
  json_writer out(line);
  out.StartObject();
  write_count(out, "n", number);
  write_count(out, "time_ms", static_cast<std::uint64_t>(time.count()));
  protocols::write_member(out, "event", "closed");
  write_count(out, "chunks", chunks);
  out.EndObject();
  append(file_, line);
}

} // namespace weir::mock
