#pragma once

#include <string>
#include <string_view>

#include "catalog/catalog.h"
#include "schema/schema.h"

namespace millrace::query {

/// `text` as a quoted SQL name, whatever is in it.
std::string QuoteName(std::string_view text);
/// "namespace"."name".
std::string SqlName(const catalog::TableName& name);
/// `text` as an SQL string.
std::string QuoteText(std::string_view text);

/// DuckDB's spelling of a type: "BIGINT", "STRUCT(\"os\" VARCHAR)".
std::string SqlType(const schema::Type& type);

}  // namespace millrace::query
