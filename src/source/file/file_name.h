#pragma once

#include <string>

#include "source/file/file_options.h"

namespace millrace::source {

/// The last part of a path without what says how it is compressed, in lower case: "a/Rows.CSV.gz" is "rows.csv".
std::string BareName(const std::string& path);

/// ".gz", ".zst": what a name says of its compression; kNone when it says nothing.
Compression CompressionOfName(const std::string& path);

/// ".jsonl", ".ndjson", ".csv", ".tsv"; kAuto when the name leaves it open, as ".json" does.
FileFormat FormatOfName(const std::string& path);

/// The delimiter a CSV file of this name has.
char DelimiterOfName(const std::string& path);

}  // namespace millrace::source
