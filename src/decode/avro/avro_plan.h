#pragma once

#include <cstdint>
#include <memory>
#include <set>
#include <string>
#include <vector>

#include "decode/column.h"
#include "schema/avro/avro_schema.h"
#include "schema/evolution.h"

namespace millrace::decode {

/// What becomes of one value of a writer's type.
enum class AvroStep : uint8_t {
  kNothing,   // it says nothing (null): passed
  kRescue,    // there is no column for it
  kRefuse,    // the contract lets no such column in: the record goes
  kConstant,  // nothing is read: the field's default goes in
  kMisfit,    // its column has another type
  kJson,      // text of a column that keeps JSON
  kBool,
  kInt,
  kLong,
  kLongAsInt,
  kIntegerAsFloat,
  kIntegerAsDouble,
  kFloat,
  kFloatAsDouble,
  kDouble,
  kDoubleAsFloat,
  kText,
  kParsedText,  // into a column of times, dates, decimals or UUIDs
  kBytes,
  kBytesAsText,
  kFixed,
  kSymbol,
  kDecimal,
  kScaled,  // a long by `factor`: times
  kNanos,   // a long of which the last three digits go
  kRecord,
  kList,
  kMap,
  kOptional,  // a union of null and one other type
  kChoice,    // a union of several: a struct with a member for each branch
};

struct AvroNode {
  AvroStep step = AvroStep::kNothing;
  const schema::AvroType* type = nullptr;
  Column* column = nullptr;           // null: there is none
  std::vector<AvroNode> parts = {};   // record: its fields; list and map: the item; union: its branches
  Column* object = nullptr;           // kRescue, kRefuse: where the column would be
  std::string name = {};              // likewise: its name
  bool reserved = false;              // likewise: it could never be one
  int64_t factor = 1;                 // kScaled
  int32_t digits = 0;                 // kDecimal: powers of ten to multiply by
  std::string constant = {};          // kConstant: Avro's bytes
  int64_t null_branch = -1;           // kOptional
  std::vector<Column*> missing = {};  // record: required columns that this writer lacks
};

struct AvroPlanOptions {
  schema::Contract contract = {};
  /// While there is no first schema every contract lets columns in.
  bool columns_open = false;
  std::set<std::string> reserved_names = {};  // lower case; at the top level
  size_t columns_max = 2000;                  // names at all levels
  /// What readers want, or null: gives defaults to fields that a writer lacks, and the new names of renamed ones.
  const schema::AvroType* reader = nullptr;
};

/// How records of one writer's schema go into the columns that are there.
struct AvroPlan {
  AvroNode root;
  uint64_t generation = 0;  // of the columns it was made for
};

/// Fits a writer's schema to the tree: columns that are new are added, types that widen are widened, as the contract
/// says. `tree_changed` is set when there are new or other columns, `plans_stale` when plans made before no longer
/// hold. `names` counts the names in the tree. Error kData when the schema cannot be a row of this table, or has more
/// names than there is room for: nothing was added then, and the other plans hold as `plans_stale` says.
AvroPlan MakeAvroPlan(const schema::AvroType& writer, const AvroPlanOptions& options, Column& root, size_t& names,
                      bool& tree_changed, bool& plans_stale);

}  // namespace millrace::decode
