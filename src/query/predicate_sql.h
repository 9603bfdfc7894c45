#pragma once

#include <string>

#include "query/predicate.h"
#include "schema/schema.h"

namespace millrace::query {

/// A predicate over the columns of `schema` as SQL, for people to read: "type = 'Pull' AND (n < 3 OR n IS NULL)".
std::string PredicateSql(const Predicate& predicate, const schema::Schema& schema);

/// The name of a column, or of a member of a struct as "a.b"; empty for one the schema does not have.
std::string ColumnPath(const schema::Schema& schema, schema::FieldId id);

}  // namespace millrace::query
