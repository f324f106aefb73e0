// Records on standard output, for programs: CSV, JSON, JSON Lines.
// Knows no table: those are for people.
#pragma once

#include "tools/usage_question.hpp"

#include "protocols/record_writer.hpp"

#include <string>

namespace weir::tools {

/// Prints a document in pieces, so that memory stays small. Throws `output_lost`.
class record_printer {
public:
  explicit record_printer(export_format format) : writer_(format) { writer_.begin(text_); }

  void add(const usage_record& record);
  void end();
  /// Prints what has gathered.
  void flush();
  /// Whether there was anything to print.
  bool begun() const { return begun_; }

private:
  protocols::record_writer writer_;
  std::string text_;
  bool begun_ = false;
};

/// Prints every matching record in the question's format; gives the exit code.
int print_records(const usage_question& question, const storage::ledger& ledger, const usage_filter& filter);

} // namespace weir::tools
