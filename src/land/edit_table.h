#pragma once

#include <functional>
#include <optional>
#include <stop_token>

#include "base/clock.h"
#include "catalog/catalog.h"
#include "table/table_change.h"

namespace millrace::land {

/// Changes a table's metadata until it is as wanted. `change` is asked on each fresh read what is left to do, and says
/// nothing (an empty change) once it is done: so an outcome that is not known is found out by looking again. Returns
/// the table as last read or committed; nullopt when there is none. Error kUnavailable when stopped before it is known.
std::optional<catalog::LoadedTable> EditTable(
    catalog::Catalog& catalog, const catalog::TableName& name,
    const std::function<table::TableChange(const table::TableMetadata& now)>& change, const Clock& clock,
    const std::stop_token& stop);

}  // namespace millrace::land
