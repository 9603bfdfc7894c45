#pragma once

#include <arrow/type_fwd.h>

#include <cstdint>
#include <memory>

#include "land/file_metrics.h"
#include "schema/schema.h"
#include "table/delete_files.h"
#include "table/metadata.h"

namespace millrace::land {

/// Row lineage of format v3 (Iceberg spec, "Row Lineage"): each row has an id and the number of the commit that last
/// changed it. Both are inherited from the row's file and place until the row moves to another file; from then on they
/// are columns there. Rows that are new need nothing.

/// The table's columns as a file of moved rows has them: with two more.
schema::Schema WithLineage(const table::TableMetadata& metadata);
/// Nothing is kept of the two in manifests.
MetricsConfig MetricsWithLineage(const table::TableMetadata& metadata, const schema::Schema& columns);

/// Whether rows of the file have a lineage to be kept: the table is of v3, and the file is one of its snapshot.
bool HasLineage(const table::TableMetadata& metadata, const table::DatedFile& file);

/// `rows` of `file`, whose columns are WithLineage's, from position `first` of it on, with the lineage that they
/// inherit in place of nulls. An id stays null where the file has none to give, as in a table that was just upgraded.
std::shared_ptr<arrow::RecordBatch> Inherited(const std::shared_ptr<arrow::RecordBatch>& rows,
                                              const table::DatedFile& file, int64_t first);

}  // namespace millrace::land
