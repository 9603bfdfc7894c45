#pragma once

#include <cstddef>
#include <string>
#include <string_view>
#include <vector>

namespace millrace::source {

struct CsvDialect {
  char delimiter = ',';
  char quote = '"';
};

struct CsvField {
  std::string_view text;
  bool quoted = false;
};

/// The fields of one row (RFC 4180; where a file strays from it, as Python's csv reads it: a quote opens only at the
/// start of a field, and text behind a closing quote belongs to the field). Reused from row to row.
class CsvFields {
 public:
  explicit CsvFields(CsvDialect dialect) : dialect_(dialect) {}

  /// `row` has no line break at its end. The fields live until the next call, and as long as `row` does. False when a
  /// quote stays open.
  bool Split(std::string_view row);
  const std::vector<CsvField>& fields() const { return fields_; }

 private:
  size_t Quoted(std::string_view row, size_t at);

  CsvDialect dialect_;
  std::vector<CsvField> fields_;
  std::vector<std::string> unescaped_;  // texts that are no piece of the row
  size_t unescaped_used_ = 0;
  bool open_ = false;
};

/// Where the row at the front of `text` ends, its line break included; npos when its end is not in `text`.
size_t EndOfCsvRow(std::string_view text, CsvDialect dialect);

}  // namespace millrace::source
