#pragma once

#include <cstdint>
#include <functional>
#include <string>

#include "app/config_model.h"
#include "app/lake.h"
#include "event/position.h"

namespace millrace::app {

/// What the plans of a table of plain files add up to.
struct FilesTableFacts {
  int64_t rows = 0;
  int64_t files = 0;
  int64_t bytes = 0;
  int64_t chunks = 0;
  event::Positions positions;
};

/// Reads every plan of the pipeline below the table's folder.
FilesTableFacts ReadFilesTable(const PipelineConfig& pipeline, const std::string& table, Lake& lake);

/// Calls `visit` for each object, in the order of the plans.
void ForEachFile(const PipelineConfig& pipeline, const std::string& table, Lake& lake,
                 const std::function<void(const std::string& uri, int64_t rows, int64_t bytes)>& visit);

}  // namespace millrace::app
