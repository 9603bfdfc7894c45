#pragma once

#include <memory>
#include <optional>
#include <string>

#include "app/config_model.h"
#include "app/lake.h"
#include "event/decoder.h"
#include "query/export_sql/export_sql.h"
#include "schema/schema.h"

namespace millrace::app {

/// Learns the columns of records of JSON as they come, types as tables infer them, but times stay text.
class FilesColumns {
 public:
  /// `known`: the columns that were learnt before. `origin`: members in front of each record say where it came from;
  /// `headers`: its headers too.
  FilesColumns(const std::optional<schema::Schema>& known, bool origin, bool headers);

  void Learn(const event::EventBatch& events);
  /// Those in front, then those of the records; nullopt before anything was learnt.
  std::optional<schema::Schema> columns() const;

 private:
  const bool origin_;
  const bool headers_;
  std::unique_ptr<event::Decoder> decoder_;
};

/// A table of plain files as other engines are to see it, by its newest columns, or by what its newest file of lines
/// holds; nullopt when there is none, or it is of neither Parquet nor JSON lines.
std::optional<query::ExportedTable> ExportedFiles(const PipelineConfig& pipeline, const std::string& table, Lake& lake);

}  // namespace millrace::app
