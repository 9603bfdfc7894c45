#include "refine/replaced_partitions.h"

#include <arrow/record_batch.h>
#include <fmt/format.h>

#include <memory>
#include <variant>
#include <vector>

#include "base/error.h"
#include "query/sql_text.h"
#include "refine/fresh_rows.h"
#include "table/live_files.h"

namespace millrace::refine {

std::string TouchedSqlOf(const Model& model, const ReplaceFields& fields, const std::string& model_rows,
                         const std::string& over, ModelEngine engine) {
  return fields.TouchedSql(model.touched_by.empty() ? model_rows : over, engine);
}

PartitionSlices TouchedPartitions(query::Engine& engine, const Model& model, const RunPlan& plan,
                                  const ReplaceFields& fields, query::QueryOptions query, const std::stop_token& stop) {
  query.ranges = plan.new_rows;
  const auto sql = TouchedSqlOf(model, fields, query::SqlName(FreshRowsName(model)), query::SqlName(*model.over),
                                ModelEngine::kDuckDb);
  std::vector<std::shared_ptr<arrow::RecordBatch>> batches;
  const auto touched = [&] {
    try {
      return engine.Run(sql, query, stop);
    } catch (const Error& error) {
      if (model.touched_by.empty() || error.code() != ErrorCode::kData) throw;
      throw Error(ErrorCode::kConfig, fmt::format("{}:{}: touched_by, over a row of {}: {}", model.file.string(),
                                                  model.strategy_line, ToString(*model.over), error.message()));
    }
  }();
  while (auto batch = touched->Next()) batches.push_back(std::move(batch));
  return fields.SlicesOf(batches);
}

bool HasSameRows(catalog::Catalog& catalog, const table::TableMetadata& base,
                 const std::optional<table::SnapshotId>& since) {
  if (base.current_snapshot_id == since) return true;
  if (!since || !base.current_snapshot_id) return false;
  const auto between = table::FilesAddedBetween(catalog.store(), base, since, *base.current_snapshot_id);
  const auto* added = std::get_if<table::AddedFiles>(&between);
  return added != nullptr && added->files.empty();
}

}  // namespace millrace::refine
