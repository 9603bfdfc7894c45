#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "catalog/catalog.h"

namespace millrace::query {

/// What stands for a table or view in SQL that goes to Spark.
struct SparkName {
  catalog::TableName name;
  std::string sql;  // "`lake`.`silver`.`orders` VERSION AS OF 17", on one line
};

/// SQL with each of the names replaced, wherever it stands as a table does: alone or in parts, quoted or not, whatever
/// the case of its letters; `a.b.column` and what is in texts and comments stays. Lines stay as they are.
/// `quotes_are_names`: "x" is a name, not a text. Error SparkError with the line of a name that begins with `catalog`:
/// it would be read at no snapshot that is known.
std::string WithTables(std::string_view sql, const std::vector<SparkName>& names, const std::string& catalog,
                       bool quotes_are_names);

/// A name between backticks.
std::string SparkQuoted(std::string_view name);

}  // namespace millrace::query
