// The mock provider as a server: a plan, a port, a log of requests.
// What is answered stands in answer.hpp; this knows when and where.
#pragma once

#include "tools/mock/plan.hpp"
#include "transport/server.hpp"

#include <memory>
#include <string>

namespace weir::mock {

struct mock_options {
  weir::mock::plan plan;
  std::uint16_t port = 0; ///< 0: any free one
  std::uint32_t threads = 1;
  std::string log_file; ///< a JSON line a chat request, appended before the answer goes out, and one for each
                        ///< stream that its client left; empty: none
  bool log_content = false;     ///< the log has what the user said last, too
  std::string certificate_file; ///< PEM; empty: plain HTTP
  std::string private_key_file;
};

class mock_server {
public:
  /// Errors: `network` (port in use), `config` (log file, certificate).
  static result<std::unique_ptr<mock_server>> start(const mock_options& options);

  mock_server(const mock_server&) = delete;
  mock_server& operator=(const mock_server&) = delete;
  ~mock_server();

  std::uint16_t port() const noexcept;
  /// `http://127.0.0.1:PORT/v1`
  std::string base_url() const;
  /// Chat requests read so far.
  std::uint64_t requests() const noexcept;
  /// Those of them whose reply was produced whole: what a provider would bill.
  std::uint64_t billed() const noexcept;
  /// Streams whose client was gone before their end.
  std::uint64_t abandoned() const noexcept;

private:
  struct implementation;
  explicit mock_server(std::unique_ptr<implementation> impl);

  std::unique_ptr<implementation> impl_;
};

} // namespace weir::mock
