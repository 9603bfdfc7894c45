#pragma once

#include <cstdint>
#include <iosfwd>
#include <memory>
#include <optional>
#include <string_view>

#include "query/engine.h"

namespace millrace::query {

enum class OutputFormat { kTable, kJson, kJsonLines, kCsv, kArrow, kParquet };

/// "table", "json", "jsonl", "csv", "arrow", "parquet"; nullopt for anything else.
std::optional<OutputFormat> ParseOutputFormat(std::string_view name);

struct PrintOptions {
  /// Columns of text a table may be wide, as a terminal is; 0: as wide as it needs.
  int table_width = 0;
  /// No cell of a table is wider; what is cut ends in "…".
  int cell_width = 60;
};

/// Writes one result in one format, as it comes. Text is UTF-8. Lists, structs and maps are JSON wherever they stand in
/// one cell; times are ISO 8601, in UTC with a "Z" when they have a zone; binary is hexadecimal. In JSON, NaN and the
/// infinities, which it has no words for, are null, and a name that comes twice gets "_2". Error kUnavailable when
/// `out` fails. Returns the number of rows.
int64_t Print(ResultStream& result, OutputFormat format, const PrintOptions& options, std::ostream& out);

}  // namespace millrace::query
