#include "app/files_table_facts.h"

#include "app/files_block.h"
#include "land/files_plan.h"

namespace millrace::app {
namespace {

void ForEachPlan(const PipelineConfig& pipeline, const std::string& table, Lake& lake,
                 const std::function<void(io::ObjectStore& store, const land::FilesPlan&)>& visit) {
  const auto place = FilesPlaceOf(pipeline, table, lake, FilesUse::kRead);
  const auto folder = land::PlansFolder(place.prefix, place.owner);
  place.store->List(folder, "", [&](const io::ObjectInfo& object) {
    if (!object.key.ends_with(".plan")) return true;
    if (const auto text = place.store->Get(object.key)) visit(*place.store, land::ReadPlan(object.key, *text));
    return true;
  });
}

}  // namespace

FilesTableFacts ReadFilesTable(const PipelineConfig& pipeline, const std::string& table, Lake& lake) {
  FilesTableFacts facts;
  ForEachPlan(pipeline, table, lake, [&](io::ObjectStore&, const land::FilesPlan& plan) {
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
                 const std::function<void(const std::string& uri, int64_t rows, int64_t bytes)>& visit) {
  ForEachPlan(pipeline, table, lake, [&](io::ObjectStore& store, const land::FilesPlan& plan) {
    for (const auto& object : plan.objects) visit(store.UriOf(object.key), object.rows, object.bytes);
  });
}

}  // namespace millrace::app
