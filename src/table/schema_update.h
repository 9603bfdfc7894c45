#pragma once

#include <map>
#include <string>
#include <string_view>

#include "schema/schema.h"
#include "table/metadata.h"
#include "table/table_change.h"

/// Changes of a table's columns (Iceberg spec, "Schema Evolution"). None rewrites a file: columns are known by id.
namespace millrace::table {

/// Makes `next` the current schema; its fields have their ids, `last_column_id` the highest ever given. A schema that
/// the table had before is used again. The name mapping, where the table has one, learns the new names.
TableChange ChangeSchema(const TableMetadata& base, schema::Schema next, int32_t last_column_id);

/// By schema::Evolve: adds what `wanted` has and the table lacks, makes the allowed promotions.
TableChange EvolveSchema(const TableMetadata& base, const schema::Schema& wanted);

/// Gives the columns of the table's first level these texts, by name; those that are not named get none.
TableChange DocumentColumns(const TableMetadata& base, const std::map<std::string, std::string>& docs);

/// `path` as in "device.os". Error kUsage for an unknown column, a name that is taken (letter case aside), and for
/// columns that may not go: identifiers, sources of the current partition spec or sort order, parts of lists and maps.
TableChange RenameColumn(const TableMetadata& base, std::string_view path, std::string_view name);
TableChange DropColumn(const TableMetadata& base, std::string_view path);

}  // namespace millrace::table
