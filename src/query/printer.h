#pragma once

#include <cstdint>
#include <iosfwd>
#include <memory>
#include <optional>
#include <string>
#include <string_view>

#include "query/engine.h"

namespace millrace::query {

enum class OutputFormat { kTable, kJson, kJsonLines, kCsv, kArrow, kParquet, kXlsx };

/// "table", "json", "jsonl" or "ndjson", "csv", "arrow", "parquet", "xlsx"; nullopt for anything else.
std::optional<OutputFormat> ParseOutputFormat(std::string_view name);

struct PrintOptions {
  /// Columns of text a table may be wide, as a terminal is; 0: as wide as it needs.
  int table_width = 0;
  /// No cell of a table is wider; what is cut ends in "…".
  int cell_width = 60;
  /// Parquet gathers so much before it writes a group of rows.
  int64_t group_bytes = int64_t{32} << 20;
  /// For the parts of a workbook before they become one; empty: the system's.
  std::string scratch_folder = {};
};

/// Writes one result in one format, as it comes. Text is UTF-8. Lists, structs and maps are JSON wherever they stand in
/// one cell; times are ISO 8601, in UTC with a "Z" when they have a zone; binary is hexadecimal. In JSON, NaN and the
/// infinities, which it has no words for, are null, and a name that comes twice gets "_2". A workbook holds numbers of
/// up to 15 digits, booleans, dates from 1900-03-01 on and times as such and all else as text; it has 1,048,576 rows
/// with the names and 32,767 characters a cell: Error kData beyond. Error kUnavailable when `out` fails. Returns the
/// number of rows.
int64_t Print(ResultStream& result, OutputFormat format, const PrintOptions& options, std::ostream& out);

}  // namespace millrace::query
