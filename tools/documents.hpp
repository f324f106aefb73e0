// The JSON documents of the program that are no value's own shape: what went wrong, and what a file came to.
// Knows no command and prints nothing; values write themselves in protocols/report_json.hpp.
#pragma once

#include <weir/config.hpp>
#include <weir/error.hpp>
#include <weir/health.hpp>

#include <cstdint>
#include <string>
#include <vector>

namespace weir::tools {

/// `{"error":{…}}`, the error as in a reply.
std::string error_document(const failure& error);

/// `{"error":{…},"faults":[{file,line,column,key,message}…]}`; the error is of type `config`.
std::string error_document(const config_faults& faults);

/// `{"ok":…,"file":…,"error":…,"faults":[…]}`: no fault is an `ok` file, whose error is null.
std::string check_document(const std::string& file, const config_faults& faults);

/// The configuration in effect, member for member what `config show` prints as TOML. Errors: `config` (a
/// name that TOML cannot hold).
result<std::string> config_document(const snapshot& config);

/// A model that a provider says it has.
struct offered_model {
  provider_name provider;
  model_name name;
  const model_config* configured = nullptr; ///< null: the configuration does not list it
};

/// `{"models":[{provider,id,configured,priced}…],"errors":[{provider,error}…]}`
std::string models_document(const std::vector<offered_model>& models, const health_report& report);

/// `{"file":…,"records":…,"format":…}`
std::string export_document(const std::string& file, std::uint64_t records, const std::string& format);

} // namespace weir::tools
