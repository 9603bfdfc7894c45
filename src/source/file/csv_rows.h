#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "source/file/csv_fields.h"
#include "source/file/file_options.h"
#include "source/file/plain_csv_rows.h"

namespace millrace::source {

/// Rows of one CSV file as JSON objects: `{"id":4524,"card_brand":"Visa","note":null}`. An empty field is null, an
/// empty quoted one "". A value that is not of its column's type stays a string, for the decoder to judge. A row
/// with too many or too few fields, or an open quote, comes as a line that says so, which no decoder takes for JSON.
class CsvRows {
 public:
  struct Column {
    std::string name;
    CsvType type = CsvType::kString;
    bool dropped = false;
  };

  /// `sample`: whole rows from the front of the file, the header line among them unless the options name columns.
  /// A type is inferred when all values of the sample agree on it: numbers that JSON and a double or a 64-bit integer
  /// carry exactly (no leading zeros, no fifty digits), or true and false. Error kConfig for columns that the file
  /// lacks.
  CsvRows(const std::string& path, CsvDialect dialect, const CsvOptions& options,
          const std::vector<std::string_view>& sample);

  const std::vector<Column>& columns() const { return columns_; }
  /// True when the file's first row is the header, no record.
  bool has_header() const { return has_header_; }

  /// Appends the row as JSON. `offset` is where it starts in the file.
  void Append(std::string_view row, int64_t offset, std::string* to);
  /// The short way for most rows.
  const PlainCsvRows& plain() const { return plain_; }

 private:
  void NameColumns(const std::vector<std::string_view>& sample, const CsvOptions& options);
  void TypeColumns(const std::vector<std::string_view>& sample, const CsvOptions& options);
  void CheckKnown(std::string_view name, std::string_view where) const;

  std::string path_;
  CsvFields fields_;
  std::vector<Column> columns_;
  std::vector<std::string> keys_;  // `"name":` as JSON
  PlainCsvRows plain_;
  bool has_header_ = false;
};

/// Appends `text` as a JSON string; bytes that are no UTF-8 pass as they are.
void AppendJsonString(std::string_view text, std::string* to);

}  // namespace millrace::source
