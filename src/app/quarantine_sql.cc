#include "app/quarantine_sql.h"

#include <fmt/format.h>

#include <algorithm>

#include "base/error.h"
#include "land/quarantine.h"
#include "query/sql_text.h"

namespace millrace::app {
namespace {

constexpr const char* kNamespace = "quarantine";

/// When a record became a row after all, as SQL; a table of an older version does not say.
std::string ReplayedAt(catalog::Catalog& catalog, const catalog::TableName& quarantine) {
  const auto loaded = catalog.Load(quarantine);
  const bool says = loaded && loaded->metadata->schema().Find("replayed_at") != nullptr;
  return says ? "replayed_at" : "CAST(NULL AS TIMESTAMPTZ)";
}

}  // namespace

std::string QuarantineCountsSql(catalog::Catalog& catalog) {
  std::string sql;
  for (const auto& table : catalog.ListTables(kNamespace)) {
    const auto replayed_at = ReplayedAt(catalog, table);
    sql += fmt::format(
        "{}SELECT \"table\", cause, count(*) - count({}) AS records, count({}) AS replayed, min(ingested_at) AS first, "
        "max(ingested_at) AS last FROM {} GROUP BY ALL",
        sql.empty() ? "" : " UNION ALL ", replayed_at, replayed_at, query::SqlName(table));
  }
  return sql.empty() ? sql : sql + " ORDER BY 1, 2";
}

std::string QuarantineRecordsSql(catalog::Catalog& catalog, const std::string& table, const QuarantineLook& look) {
  auto name = catalog::ParseTableName(table);
  if (name.name_space != kNamespace) name = land::QuarantineTableOf(name);
  const auto tables = catalog.ListTables(kNamespace);
  if (std::find(tables.begin(), tables.end(), name) == tables.end()) {
    throw Error(
        ErrorCode::kUsage,
        fmt::format("there is nothing in quarantine for '{}'; `millrace quarantine list` shows what there is", table));
  }
  return fmt::format(
      "SELECT topic, \"partition\", \"offset\", split, cause, detail, ingested_at, "
      "coalesce(TRY(decode(record)), hex(record)) AS record FROM {} WHERE {} ORDER BY ingested_at "
      "DESC, topic, \"partition\", \"offset\" LIMIT {}",
      query::SqlName(name), look.replayed_too ? "true" : ReplayedAt(catalog, name) + " IS NULL", look.records_max);
}

}  // namespace millrace::app
