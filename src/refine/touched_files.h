#pragma once

#include <set>
#include <stop_token>
#include <string>

#include "catalog/catalog.h"
#include "query/engine.h"

namespace millrace::refine {

/// The data files of one snapshot of a table, as the table names them, that `sql` gives: one text column of paths. It
/// reads the table at that snapshot, with query::kPathColumn; what else it reads is in `query`.
std::set<std::string> TouchedFiles(catalog::Catalog& catalog, query::Engine& engine, const catalog::TableName& name,
                                   const table::TableMetadata& metadata, const std::string& sql,
                                   query::QueryOptions query, const std::stop_token& stop);

}  // namespace millrace::refine
