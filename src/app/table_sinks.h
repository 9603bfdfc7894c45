#pragma once

#include <memory>
#include <string>

#include "app/config_model.h"
#include "app/lake.h"
#include "app/schemas.h"
#include "base/byte_budget.h"
#include "event/decoder.h"
#include "event/sink.h"
#include "land/table_sink.h"

namespace millrace::app {

/// What a table has of its records beside their values.
land::MetadataColumns MetadataOf(const TableConfig& table);

/// The decoder of a table's records, with its declared columns. `schemas` is what SchemasOf gives for it.
std::unique_ptr<event::Decoder> MakeDecoder(const TableConfig& table, std::shared_ptr<schema::SchemaLookup> schemas);

/// How a table of the pipeline is landed into Iceberg, as configured.
land::TableSinkOptions TableSinkOptionsFor(const PipelineConfig& pipeline, const std::string& name,
                                           const TableConfig& table, const DataDirectory& directory);

/// What lands a table: rows into Iceberg, or events as they came into files. `lake` and `budget` outlive it. One that
/// `goes_on` commits its first rows soon; one that drains what there is has no reason to.
std::shared_ptr<event::Sink> MakeSink(const PipelineConfig& pipeline, const std::string& name, const TableConfig& table,
                                      const DataDirectory& directory, Lake& lake, ByteBudget& budget, bool goes_on);

}  // namespace millrace::app
