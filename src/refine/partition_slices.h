#pragma once

#include <arrow/type_fwd.h>

#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "base/clock.h"
#include "refine/model.h"
#include "schema/schema.h"

namespace millrace::refine {

/// Parts of a model's table that are made anew together: partitions, or a stretch of time. As conditions on rows they
/// hold in the dialects of DuckDB and of Spark.
struct PartitionSlices {
  struct Column {
    std::string name;
    schema::PrimitiveType type;
    friend bool operator==(const Column&, const Column&) = default;
  };
  /// One value of a column, as SQL casts it from text; without `from`: null; with `to`: the values from `from` on and
  /// before `to`.
  struct Bound {
    std::optional<std::string> from = std::nullopt;
    std::optional<std::string> to = std::nullopt;
    friend bool operator==(const Bound&, const Bound&) = default;
    friend auto operator<=>(const Bound&, const Bound&) = default;
  };
  std::vector<Column> columns;
  std::vector<std::vector<Bound>> slices;  // a bound a column each

  friend bool operator==(const PartitionSlices&, const PartitionSlices&) = default;
};

/// The fields by which a model replaces partitions: its `replace_by`, or else its `partition_by`. Buckets and truncated
/// values have no range: fields of them are left out, so that all of them are replaced together.
class ReplaceFields {
 public:
  /// `table`: its columns, with ids. Error kConfig with file:line when no field is left, or a field's type has no text
  /// that gives its values back.
  ReplaceFields(const Model& model, const schema::Schema& table);

  /// The distinct partitions of the rows of `relation`, one text column a field: the value, or for times the number of
  /// the hour or day since 1970. `touched_by` names what stands for a column that it has.
  std::string TouchedSql(const std::string& relation, ModelEngine engine) const;

  /// The partitions that batches of TouchedSql name, neighbours in time as one.
  PartitionSlices SlicesOf(const std::vector<std::shared_ptr<arrow::RecordBatch>>& touched) const;

  /// The field that is a time, where there is one alone: its column, and how long a partition is.
  struct TimeField {
    std::string column;
    enum class Unit { kHour, kDay, kMonth, kYear } unit;
  };
  std::optional<TimeField> time() const;
  /// With its type; there is one.
  const PartitionSlices::Column& time_column() const;

 private:
  struct Field {
    PartitionSlices::Column column;
    std::optional<TimeField::Unit> unit;  // none: the value itself
    std::string made_of;                  // SQL over the relation
  };
  std::vector<Field> fields_;
};

/// Where the hour, day, month or year that a time lies in begins, and where the next one does.
Timestamp FloorOf(Timestamp time, ReplaceFields::TimeField::Unit unit);
Timestamp NextOf(Timestamp floor, ReplaceFields::TimeField::Unit unit);

/// How a time is written for a column of this type, a timestamp or a date, as SQL casts it.
std::string TimeText(Timestamp time, const schema::PrimitiveType& type);

/// The value that a text stands for, as SQL. Error kInternal for a type that slices do not have.
std::string SliceLiteral(const std::string& text, const schema::PrimitiveType& type, ModelEngine engine);

/// "<relation>.hour >= ... AND ...": whether a row is in one of the slices; "false" where there are none. Null for a
/// row that is outside and has nulls.
std::string InSlices(const PartitionSlices& slices, const std::string& relation, ModelEngine engine);

/// The same of rows as JSON, of which `json` is the text; by DuckDB. Values that are none of the column's are in none.
std::string JsonInSlices(const PartitionSlices& slices, const std::string& json);

/// As JSON, version 1, frozen: {"version":1,"columns":[["hour","timestamptz"],..],"slices":[[["from","to"],["value"],
/// []],..]}.
std::string PrintSlices(const PartitionSlices& slices);
/// Error kStop, which names `where`, for what is none.
PartitionSlices ParseSlices(const std::string& text, const std::string& where);

}  // namespace millrace::refine
