#pragma once

#include <arrow/type_fwd.h>

#include <memory>
#include <optional>
#include <string>
#include <string_view>

#include "table/metadata.h"
#include "table/value.h"

/// Partition transforms (Iceberg spec, "Partition Transforms" and appendix B). A Transform and its text are in
/// metadata.h.
namespace millrace::table {

/// "identity", "bucket[16]", "truncate[4]", "day", ...; whatever else is kUnknown and keeps its text.
Transform ParseTransform(std::string_view text);

/// Whether values of `source` can be transformed; void takes every type, kUnknown none.
bool CanTransform(const Transform& transform, const schema::PrimitiveType& source);

/// What comes out: int for bucket, year, month and hour, date for day, else the source's own type.
schema::PrimitiveType ResultType(const Transform& transform, const schema::PrimitiveType& source);

/// Null in, null out. Error kStop for kUnknown: a partition that cannot be computed must not be written.
std::optional<Value> ApplyTransform(const Transform& transform, const schema::PrimitiveType& source,
                                    const std::optional<Value>& value);

/// The same over a whole column; `source` says what the Arrow type (ToArrow's form) means. identity returns the column
/// itself.
std::shared_ptr<arrow::Array> TransformColumn(const Transform& transform, const schema::PrimitiveType& source,
                                              const std::shared_ptr<arrow::Array>& column);

/// One value of a column in ToArrow's form; nullopt for null. Error kInternal for an Arrow type that is not in that
/// form.
std::optional<Value> ValueAt(const arrow::Array& column, int64_t row);

/// A transformed value as partition paths write it: "2021", "2021-07", "2021-07-21", "2021-07-21-06", "PushEvent",
/// "null".
std::string ToString(const Transform& transform, const schema::PrimitiveType& source,
                     const std::optional<Value>& value);

}  // namespace millrace::table
