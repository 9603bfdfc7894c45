#pragma once

#include <memory>
#include <optional>
#include <string>

#include "app/config_model.h"
#include "app/files_block.h"
#include "app/files_columns.h"
#include "catalog/glue/hive_table.h"
#include "event/event_batch.h"
#include "land/files_levels.h"
#include "land/files_plan.h"
#include "land/files_schemas.h"

namespace millrace::app {

/// A table of Glue that follows the files of a table as they land. Of one sink, on its thread.
class GlueFiles {
 public:
  /// Error kConfig when `files.glue` is said and nothing how Glue is reached.
  GlueFiles(const PipelineConfig& pipeline, const std::string& table, const FilesPlace& place);

  /// Before each batch is written, of files without columns of their own.
  void Learn(const event::EventBatch& events);
  /// Before the files of a chunk show: columns and partitions for them.
  void Register(const land::FilesPlan& plan);

 private:
  /// Of a chunk's records so far; nullopt: nothing is known.
  std::optional<schema::Schema> ColumnsOf(const land::FilesPlan& plan);

  const FilesPlace place_;
  const bool origin_;
  const bool headers_;
  std::optional<land::FilesSchemas> schemas_;  // of files of columns
  const std::vector<land::FolderLevel> levels_;
  catalog::HiveTable table_;
  std::unique_ptr<FilesColumns> columns_;  // made when the table was looked at
};

}  // namespace millrace::app
