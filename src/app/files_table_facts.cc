#include "app/files_table_facts.h"

#include "app/table_sinks.h"
#include "land/files_plan.h"

namespace millrace::app {
namespace {

void ForEachPlan(const PipelineConfig& pipeline, const std::string& table, Lake& lake,
                 const std::function<void(const land::FilesPlan&)>& visit) {
  const auto folder = land::PlansFolder(FilesPrefix(catalog::ParseTableName(table)), pipeline.name);
  lake.store->List(folder, "", [&](const io::ObjectInfo& object) {
    if (!object.key.ends_with(".plan")) return true;
    if (const auto text = lake.store->Get(object.key)) visit(land::ReadPlan(object.key, *text));
    return true;
  });
}

}  // namespace

FilesTableFacts ReadFilesTable(const PipelineConfig& pipeline, const std::string& table, Lake& lake) {
  FilesTableFacts facts;
  ForEachPlan(pipeline, table, lake, [&](const land::FilesPlan& plan) {
    ++facts.chunks;
    // Keys rise with offsets, so the last plan of a split is where it stands.
    facts.positions[plan.split] = plan.end;
    for (const auto& object : plan.objects) {
      facts.rows += object.rows;
      facts.bytes += object.bytes;
      ++facts.files;
    }
  });
  return facts;
}

void ForEachFile(const PipelineConfig& pipeline, const std::string& table, Lake& lake,
                 const std::function<void(const std::string& key, int64_t rows, int64_t bytes)>& visit) {
  ForEachPlan(pipeline, table, lake, [&](const land::FilesPlan& plan) {
    for (const auto& object : plan.objects) visit(object.key, object.rows, object.bytes);
  });
}

}  // namespace millrace::app
