#include "app/glue_files.h"

#include <fmt/format.h>

#include <set>
#include <utility>

#include "app/glue_block.h"
#include "base/error.h"
#include "land/files_levels.h"

namespace millrace::app {
namespace {

const GlueConfig& ServerOf(const PipelineConfig& pipeline, const std::string& table) {
  const auto& glue = *pipeline.tables.at(table).files->glue;
  if (glue.server) return *glue.server;
  if (pipeline.lake.catalog.glue) return *pipeline.lake.catalog.glue;
  throw Error(
      ErrorCode::kConfig,
      fmt::format("tables.{}.files.glue: says nothing of how Glue is reached; give `server: {{ region: ... }}`, "
                  "or let the lake's catalogue be `lake.catalog.glue`",
                  table));
}

catalog::HiveSerde SerdeOf(const FilesConfig& files) {
  if (files.encoding == FilesEncoding::kParquet) return catalog::HiveSerde::kParquet;
  return files.glue->serde == SerdeWord::kHcatalog ? catalog::HiveSerde::kHcatalog : catalog::HiveSerde::kOpenx;
}

catalog::HiveTableOptions OptionsOf(const PipelineConfig& pipeline, const std::string& table, const FilesPlace& place) {
  const auto& files = *pipeline.tables.at(table).files;
  catalog::HiveTableOptions options;
  options.name = catalog::ParseTableName(files.glue->name.empty() ? table : files.glue->name);
  options.location = UriOf(place);
  for (const auto& level : land::FolderLevelsOf(files.path))
    if (!level.name.empty()) options.partition_keys.push_back(level.name);
  options.compression = land::ToString(FilesEncodingOf(pipeline.tables.at(table)).compression);
  if (options.compression == "none") options.compression.clear();
  options.serde = SerdeOf(files);
  options.owner = pipeline.name + "/" + table;
  return options;
}

}  // namespace

GlueFiles::GlueFiles(const PipelineConfig& pipeline, const std::string& table, const FilesPlace& place)
    : place_(place),
      origin_(pipeline.tables.at(table).files->record == FilesRecordWord::kOrigin),
      headers_(pipeline.tables.at(table).headers),
      levels_(land::FolderLevelsOf(pipeline.tables.at(table).files->path)),
      table_(GlueOptionsOf(ServerOf(pipeline, table)), OptionsOf(pipeline, table, place)) {
  if (!HasColumns(*pipeline.tables.at(table).files)) return;
  schemas_.emplace(*place_.store, land::FilesSchemasFolder(land::PlansFolder(place_.prefix, place_.owner)));
}

void GlueFiles::Learn(const event::EventBatch& events) {
  if (schemas_) return;
  if (!columns_) columns_ = std::make_unique<FilesColumns>(table_.Find(), origin_, headers_);
  columns_->Learn(events);
}

std::optional<schema::Schema> GlueFiles::ColumnsOf(const land::FilesPlan& plan) {
  if (!schemas_) return columns_ ? columns_->columns() : std::nullopt;
  if (plan.columns.empty()) return std::nullopt;
  return schemas_->At(plan.columns.back().version)->schema;
}

void GlueFiles::Register(const land::FilesPlan& plan) {
  const auto columns = ColumnsOf(plan);
  if (!columns) return;
  table_.Ensure(*columns);
  const auto root = place_.prefix.empty() ? std::string() : place_.prefix + "/";
  std::set<std::string> folders;
  for (const auto& object : plan.objects) {
    if (!object.key.starts_with(root)) continue;
    const auto below = object.key.substr(root.size());
    if (const auto slash = below.rfind('/'); slash != std::string::npos) folders.insert(below.substr(0, slash));
  }
  std::vector<catalog::HivePartition> partitions;
  for (const auto& folder : folders) {
    const auto values = land::LevelValues(levels_, folder);
    if (values && !values->empty()) partitions.push_back({*values, place_.store->UriOf(root + folder)});
  }
  table_.AddPartitions(partitions);
}

}  // namespace millrace::app
