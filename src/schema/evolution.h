#pragma once

#include <string>
#include <vector>

#include "schema/schema.h"

namespace millrace::schema {

/// One step of a table's growth; every step keeps old files readable (Iceberg spec, "Schema Evolution").
struct SchemaChange {
  enum class Kind { kAddColumn, kPromote, kMakeOptional };
  Kind kind = Kind::kAddColumn;
  std::string path;
  std::string detail;  // "long", "int to long", for logs and the changelog of a table
};

/// Whether values of `from` may be read as `to` for ever: int->long, float->double, wider decimal of one scale.
bool CanPromote(const PrimitiveType& from, const PrimitiveType& to);

struct Evolved {
  Schema schema;  // ids given, schema_id still that of `current`
  int32_t last_column_id = 0;
  std::vector<SchemaChange> changes;  // empty: nothing to do
};

/// Merges what is wanted into what a table has: columns match by name at every level; missing ones are added as
/// optional, allowed promotions are made; a wanted type that is narrower than the table's is fine. Columns that are
/// absent from `wanted` stay. A type that does not fit is left as the table has it (the decoder rescues such values),
/// so this never fails. Ids in `wanted` are ignored. `current` comes first in column order.
Evolved Evolve(const Schema& current, int32_t last_column_id, const Schema& wanted);

/// What a table does with what it does not expect (dlt's words), for new columns and for other types each.
enum class ContractMode { kEvolve, kFreeze, kDiscardValue, kDiscardRow };
struct Contract {
  ContractMode columns = ContractMode::kEvolve;
  ContractMode types = ContractMode::kDiscardValue;
};

/// Whether each column of `before`, at every level, is in `now` under the same name. Rows that were written as `before`
/// has it mean the same in `now` then; otherwise values would vanish, or show under another name.
bool KeepsNames(const Schema& before, const Schema& now);

}  // namespace millrace::schema
