#pragma once

#include <cstdint>
#include <deque>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace millrace::schema {

struct AvroType;

struct AvroField {
  std::string name;
  std::vector<std::string> aliases = {};
  std::optional<int32_t> id;  // Iceberg's "field-id"
  const AvroType* type = nullptr;
  std::optional<std::string> fallback = {};  // its "default", as JSON text
  std::string doc = {};
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
  std::string name;                       // of records, enums and fixed: with its namespace
  std::vector<std::string> aliases = {};  // likewise
  std::string logical;                    // logicalType, empty for none
  int32_t precision = 0;                  // of a decimal; 0: there is none, or none that is valid
  int32_t scale = 0;
  int64_t size = 0;                       // fixed
  const AvroType* items = nullptr;        // array; the values of a map
  std::vector<AvroField> fields;          // record
  std::vector<const AvroType*> branches;  // union
  std::vector<std::string> symbols = {};  // enum
  std::optional<std::string> fallback_symbol = {};

  bool named() const { return kind == Kind::kRecord || kind == Kind::kEnum || kind == Kind::kFixed; }
};

/// "int", "record a.b.C": for people and for the names of a union's branches.
std::string_view ToString(AvroType::Kind kind);
/// The name without its namespace.
std::string_view ShortName(std::string_view name);

/// Owns the types of one schema; they may refer to each other by name, in cycles too. Immutable after Parse; movable,
/// and the types stay where they are.
class AvroSchema {
 public:
  /// What a schema must be beyond what reading data by it needs: names as the specification has them, defaults that
  /// fit.
  enum class Rules { kLenient, kStrict };

  /// Error kData for text that is no Avro schema, or one nested deeper than 64 levels.
  static AvroSchema Parse(std::string_view json) { return Parse(json, {}, Rules::kLenient); }
  /// `references` are whole schemas whose named types this one may use; each may use those before it.
  static AvroSchema Parse(std::string_view json, const std::vector<std::string>& references, Rules rules);

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

/// The parsing canonical form (Avro 1.11 specification, "Transforming into Parsing Canonical Form"): equal for schemas
/// that read the same bytes.
std::string CanonicalForm(const AvroType& type);
/// CRC-64-AVRO of the canonical form: what a single-object message names its schema by.
uint64_t Fingerprint(const AvroType& type);

}  // namespace millrace::schema
