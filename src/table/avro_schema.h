#pragma once

#include <cstdint>
#include <deque>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace millrace::table {

struct AvroType;

struct AvroField {
  std::string name;
  std::optional<int32_t> id;  // Iceberg's "field-id"
  const AvroType* type = nullptr;
};

/// One type of a writer's schema (Avro 1.11 specification), with what Iceberg adds to it.
struct AvroType {
  enum class Kind {
    kNull,
    kBoolean,
    kInt,
    kLong,
    kFloat,
    kDouble,
    kBytes,
    kString,
    kFixed,
    kEnum,
    kRecord,
    kArray,
    kMap,
    kUnion,
  };
  Kind kind = Kind::kNull;
  std::string logical;                    // logicalType, empty for none
  int64_t size = 0;                       // fixed
  const AvroType* items = nullptr;        // array; the values of a map
  std::vector<AvroField> fields;          // record
  std::vector<const AvroType*> branches;  // union
};

/// Owns the types of one schema; they may refer to each other by name, in cycles too. Immutable after Parse; movable,
/// and the types stay where they are.
class AvroSchema {
 public:
  /// Error kData for text that is no Avro schema, or one nested deeper than 64 levels.
  static AvroSchema Parse(std::string_view json);

  AvroSchema(AvroSchema&&) = default;
  AvroSchema& operator=(AvroSchema&&) = default;
  AvroSchema(const AvroSchema&) = delete;
  AvroSchema& operator=(const AvroSchema&) = delete;

  const AvroType& root() const { return *root_; }

 private:
  friend class AvroSchemaParser;
  AvroSchema() = default;

  std::deque<AvroType> types_;
  const AvroType* root_ = nullptr;
};

}  // namespace millrace::table
