// A piece is printed when it is large enough.
#include "tools/record_printer.hpp"

namespace weir::tools {

namespace {

constexpr std::size_t piece_bytes = 64U << 10U;

} // namespace

void record_printer::add(const usage_record& record) {
  writer_.add(record, text_);
  if (text_.size() >= piece_bytes)
    flush();
}

void record_printer::end() {
  writer_.end(text_);
  flush();
}

void record_printer::flush() {
  begun_ = begun_ || !text_.empty();
  print(text_);
  text_.clear();
}

int print_records(const usage_question& question, const storage::ledger& ledger, const usage_filter& filter) {
  record_printer out(protocols::to_export_format(question.format).value());
  const auto scanned = ledger.scan(filter, [&out](const usage_record& record) {
    out.add(record);
    return true;
  });
  if (!scanned) {
    // A part of an array may stand there already, and a second document behind it would make it no better.
    const bool begun = out.begun();
    if (begun)
      out.flush();
    complain(scanned.error(), question.config.json && !begun);
    return exit_code::failed;
  }
  out.end();
  return exit_code::done;
}

} // namespace weir::tools
