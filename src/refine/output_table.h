#pragma once

#include <stop_token>

#include "base/clock.h"
#include "catalog/catalog.h"
#include "refine/model.h"
#include "schema/schema.h"

namespace millrace::refine {

/// Makes the model's table, or brings it to the columns, partitions and sort order that the model has now. Columns are
/// added and widened; with `rebuild`, which is right only before every row is replaced, columns that the model no
/// longer makes, or makes of another type, go. Error kData for a type that does not fit otherwise.
catalog::LoadedTable EnsureOutput(catalog::Catalog& catalog, const Model& model, const schema::Schema& columns,
                                  bool rebuild, const Clock& clock, std::stop_token stop);

/// The same columns with the ids that a table made of them would have.
schema::Schema WithIds(schema::Schema columns);

/// What the model's header says of its table and columns is not what the table says of itself.
bool NeedsDescription(const table::TableMetadata& table, const Model& model);
/// Brings it there: a change of metadata alone. Columns are described by a header that has `columns`; others leave
/// them.
void DescribeOutput(catalog::Catalog& catalog, const Model& model, const Clock& clock, const std::stop_token& stop);

}  // namespace millrace::refine
