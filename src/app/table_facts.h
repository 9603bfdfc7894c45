#pragma once

#include <nlohmann/json.hpp>
#include <string>

#include "app/config_model.h"
#include "app/lake.h"
#include "app/text_table.h"
#include "refine/maintenance/compaction_plan.h"
#include "table/metadata.h"

namespace millrace::app {

/// Whether the pipeline's table of this name is made of plain files.
bool IsFilesTable(const PipelineConfig& pipeline, const std::string& name);

/// Every table with its rows, files and bytes.
Listing TableListing(const PipelineConfig& pipeline, Lake& lake);

/// What an Iceberg table is, without its columns.
nlohmann::ordered_json DescribeIceberg(const catalog::LoadedTable& table);
/// Columns and members of structs: id, column, type, required, doc.
Listing ColumnListing(const schema::Schema& schema);
/// Every snapshot that is kept, the oldest first.
Listing SnapshotListing(const table::TableMetadata& metadata);

/// The schemas a table has had, the oldest first: {"schema_id", "current", "since", "columns"}. `since` is the time of
/// the first snapshot that is kept and was written by it; null: none is.
nlohmann::ordered_json SchemaHistory(const table::TableMetadata& metadata);

/// How the files of a table lie now: counts, how many are small, the share of deleted rows, a histogram of sizes, the
/// partitions (the largest ones where there are many).
nlohmann::ordered_json LayoutOf(io::ObjectStore& store, const table::TableMetadata& metadata,
                                const refine::CompactionRules& rules);

}  // namespace millrace::app
