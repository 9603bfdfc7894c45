#pragma once

#include <optional>

#include "schema/schema.h"
#include "table/metadata.h"
#include "table/value.h"

namespace millrace::query {

/// The smallest and the largest value of a source column that `transform` maps to `partition` (Iceberg spec, "Partition
/// Transforms"), as values of `source`; nullopt when there is no such limit or it is not known. Partition values are in
/// the result type of the transform.
std::optional<table::Value> LowestSource(const table::Transform& transform, const schema::PrimitiveType& source,
                                         const table::Value& partition);
std::optional<table::Value> HighestSource(const table::Transform& transform, const schema::PrimitiveType& source,
                                          const table::Value& partition);

}  // namespace millrace::query
