#pragma once

#include <arrow/type_fwd.h>
#include <nlohmann/json_fwd.hpp>

#include <compare>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

#include "base/strong_id.h"

/// The type model of Iceberg (spec, "Schemas and Data Types"): what every table here is made of.
namespace millrace::schema {

using FieldId = StrongId<int32_t, struct FieldIdTag>;
/// A field that no table knows yet.
inline constexpr FieldId kUnassigned{0};

enum class Primitive {
  kBoolean,
  kInt,
  kLong,
  kFloat,
  kDouble,
  kDecimal,
  kDate,
  kTime,
  kTimestamp,
  kTimestamptz,
  kString,
  kUuid,
  kFixed,
  kBinary,
};

struct PrimitiveType {
  Primitive kind = Primitive::kString;
  int32_t precision = 0;  // decimal
  int32_t scale = 0;      // decimal
  int32_t length = 0;     // fixed, bytes
  friend bool operator==(const PrimitiveType&, const PrimitiveType&) = default;
};

struct Field;

struct StructType {
  std::vector<Field> fields;
  friend bool operator==(const StructType&, const StructType&);
};

/// Value semantics; children are shared and immutable.
struct ListType {
  std::shared_ptr<const Field> element;
  friend bool operator==(const ListType&, const ListType&);
};

struct MapType {
  std::shared_ptr<const Field> key;
  std::shared_ptr<const Field> value;
  friend bool operator==(const MapType&, const MapType&);
};

using Type = std::variant<PrimitiveType, StructType, ListType, MapType>;

struct Field {
  FieldId id = kUnassigned;
  std::string name = {};
  Type type = {};
  bool required = false;
  std::string doc = {};
  friend bool operator==(const Field&, const Field&) = default;
};

/// One version of a table's columns. schema_id is the table's number for it.
struct Schema {
  int32_t schema_id = 0;
  std::vector<Field> fields = {};
  std::vector<FieldId> identifier_field_ids = {};

  /// By dotted path ("device.os"; list elements are "element", map parts "key" and "value"); null when there is none.
  const Field* Find(std::string_view path) const;
  const Field* Find(FieldId id) const;
  /// The dotted path of a field; empty when there is none.
  std::string PathOf(FieldId id) const;
  FieldId highest_id() const;

  friend bool operator==(const Schema&, const Schema&) = default;
};

/// Same columns and ids, whatever the schema_id.
bool SameColumns(const Schema& left, const Schema& right);

/// "long", "decimal(9, 2)", "struct<os: string>": for people and errors.
std::string ToString(const Type& type);

/// Iceberg's JSON (spec, appendix C). FromJson throws Error kData naming the path that is wrong.
nlohmann::json ToJson(const Schema& schema);
nlohmann::json ToJson(const Type& type);
Schema SchemaFromJson(const nlohmann::json& json);
Type TypeFromJson(const nlohmann::json& json);
/// From what people write in YAML: "long", "decimal(9,2)", "timestamptz", "list<string>", "struct<os: string>",
/// "map<string, long>", and the SQL spellings bigint, integer, double, varchar, boolean. Error kConfig.
Type ParseType(std::string_view text);

/// Arrow's form; ids travel as "PARQUET:field_id" metadata at every level, kUnassigned as none. Timestamps are
/// microseconds ("UTC" for timestamptz), strings utf8, uuid fixed_size_binary(16) with metadata "iceberg.type"="uuid".
std::shared_ptr<arrow::Schema> ToArrow(const Schema& schema);
/// Error kData for a type Iceberg lacks (uint64, union, ...), naming the column.
Schema FromArrow(const arrow::Schema& schema);

/// Gives ids to fields that have none, in Java's order (all siblings first, then descend), from last_column_id + 1 on.
/// Returns the new last_column_id.
int32_t AssignIds(Schema& schema, int32_t last_column_id);

}  // namespace millrace::schema
