#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "source/file/csv_fields.h"
#include "source/file/file_options.h"

namespace millrace::source {

/// Writes the rows that most files are made of as JSON objects, in one pass over their bytes: a field for each column,
/// and no quote, backslash or control character in them. What is said of values in csv_rows.h holds.
class PlainCsvRows {
 public:
  explicit PlainCsvRows(CsvDialect dialect) : dialect_(dialect) {}

  /// `key`: the column's name as JSON, with its colon. Columns come in the order of the file; a dropped one writes
  /// nothing.
  void AddColumn(std::string_view key, CsvType type, bool dropped);

  /// What Write may write, and write over, for a row of so many bytes.
  size_t RoomFor(size_t row_bytes) const { return row_bytes + columns_bytes_ + kSlack; }

  /// Writes the row and gives the end of its JSON; null, and anything in the room, when the row is of another kind.
  /// PaddedBuffer::kPadding bytes may be read behind the row.
  char* Write(std::string_view row, char* to) const;

 private:
  struct Column {
    std::string lead;  // what stands before the value: `,"name":`, and bytes that may be read behind it
    size_t lead_size = 0;
    CsvType type = CsvType::kString;
    bool dropped = false;
  };
  static constexpr size_t kSlack = 64;

  static char* WriteValue(CsvType type, const char* text, size_t size, char* to);
  static char* WriteField(const Column& column, const char* begin, const char* end, char* to);

  CsvDialect dialect_;
  std::vector<Column> columns_;
  size_t columns_bytes_ = 0;
  bool any_ = false;  // a column that is not dropped
};

}  // namespace millrace::source
