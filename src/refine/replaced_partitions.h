#pragma once

#include <cstddef>
#include <stop_token>

#include "catalog/catalog.h"
#include "query/engine.h"
#include "refine/model.h"
#include "refine/partition_slices.h"
#include "refine/run_plan.h"

namespace millrace::refine {

/// More parts of a table than this are not replaced one by one: then all of it is made anew.
inline constexpr size_t kSlicesMax = 1000;

/// Where the new rows of a run stand when they say which partitions they are of: rows of `over` where the header has
/// `touched_by`, else the model's. `model_rows`, `over`: as the engine names them.
std::string TouchedSqlOf(const Model& model, const ReplaceFields& fields, const std::string& model_rows,
                         const std::string& over, ModelEngine engine);

/// The partitions that the new rows of a kReplace run touch, by DuckDB. `query`: as the run reads, with its views.
PartitionSlices TouchedPartitions(query::Engine& engine, const Model& model, const RunPlan& plan,
                                  const ReplaceFields& fields, query::QueryOptions query, const std::stop_token& stop);

/// Since this snapshot the table's rows are the same: what came are snapshots of rewritten files, or none.
bool HasSameRows(catalog::Catalog& catalog, const table::TableMetadata& base,
                 const std::optional<table::SnapshotId>& since);

}  // namespace millrace::refine
