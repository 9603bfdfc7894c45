#include "refine/touched_files.h"

#include <arrow/array.h>
#include <arrow/record_batch.h>

#include <map>
#include <utility>

#include "table/live_files.h"

namespace millrace::refine {

std::set<std::string> TouchedFiles(catalog::Catalog& catalog, query::Engine& engine, const catalog::TableName& name,
                                   const table::TableMetadata& metadata, const std::string& sql,
                                   query::QueryOptions query, const std::stop_token& stop) {
  const auto* snapshot = metadata.current_snapshot();
  if (!snapshot) return {};
  query.ranges[name] = {.after = std::nullopt, .upto = snapshot->snapshot_id};
  query.with_paths = {name};
  std::map<std::string, std::string> path_of_key;
  table::ForEachLiveFile(catalog.store(), metadata, *snapshot, {}, [&](const table::ManifestEntry& entry) {
    const auto key = catalog.store().KeyOf(entry.file.file_path);
    if (key) path_of_key.emplace(*key, entry.file.file_path);
  });
  std::set<std::string> touched;
  const auto paths = engine.Run(sql, query, stop);
  while (const auto batch = paths->Next()) {
    const auto& column = static_cast<const arrow::StringArray&>(*batch->column(0));
    for (int64_t row = 0; row < column.length(); ++row)
      touched.insert(path_of_key.at(catalog.store().KeyOf(column.GetView(row)).value()));
  }
  return touched;
}

}  // namespace millrace::refine
