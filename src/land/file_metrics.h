#pragma once

#include <cstdint>
#include <map>
#include <string>

#include "land/parquet_file.h"
#include "schema/schema.h"
#include "table/data_file.h"

namespace millrace::land {

/// What is kept of a column (Iceberg's write.metadata.metrics.*).
struct MetricsMode {
  enum class Kind { kNone, kCounts, kTruncate, kFull };
  Kind kind = Kind::kTruncate;
  int32_t length = 16;  // kTruncate: code points of text, bytes of binary
  friend bool operator==(const MetricsMode&, const MetricsMode&) = default;
};

/// The modes a table's properties ask for: "write.metadata.metrics.default", ".column.<path>", and the limit on columns
/// that get any by default ("write.metadata.metrics.max-inferred-column-defaults").
class MetricsConfig {
 public:
  /// Error kConfig for a mode that does not exist.
  MetricsConfig(const std::map<std::string, std::string>& properties, const schema::Schema& schema);
  MetricsMode ModeOf(schema::FieldId id) const;

 private:
  MetricsMode default_;
  std::map<schema::FieldId, MetricsMode> by_field_;
};

/// The measured part of a manifest entry: size, rows, column sizes, counts, bounds over all row groups, split offsets.
/// Nothing but sizes for what is inside lists and maps. Path, spec, partition and sort order are the caller's.
table::DataFile Measure(const WrittenParquet& written, const schema::Schema& schema, const MetricsConfig& config);

}  // namespace millrace::land
