#pragma once

#include "query/predicate.h"
#include "table/data_file.h"
#include "table/manifest.h"
#include "table/metadata.h"

namespace millrace::query {

/// Whether a data file can hold a row that satisfies `predicate`, by its partition alone.
bool MayMatchPartition(const Predicate& predicate, const table::TableMetadata& metadata, const schema::Schema& schema,
                       const table::DataFile& file);

/// The same by its partition, counts and bounds.
bool MayMatch(const Predicate& predicate, const table::TableMetadata& metadata, const schema::Schema& schema,
              const table::DataFile& file);

/// Whether any file of a manifest can, by its partition summaries.
bool MayMatch(const Predicate& predicate, const table::TableMetadata& metadata, const schema::Schema& schema,
              const table::ManifestFile& manifest);

}  // namespace millrace::query
