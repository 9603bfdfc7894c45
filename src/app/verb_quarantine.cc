#include <fmt/format.h>

#include <CLI/CLI.hpp>
#include <algorithm>
#include <iostream>
#include <memory>

#include "app/opened_lake.h"
#include "app/signal_stop.h"
#include "app/verbs.h"
#include "base/nearest.h"
#include "land/quarantine.h"
#include "query/printer.h"
#include "query/sql_text.h"

namespace millrace::app {
namespace {

constexpr const char* kNamespace = "quarantine";

struct QuarantineArguments {
  std::string table;
  int64_t records = 20;
  bool all = false;
};

/// Names as SQL writes them.
void PrintQuery(const OpenedLake& opened, const std::string& sql, bool json) {
  const SignalStop stop;
  const auto engine = OpenEngineOver(opened);
  const auto result = engine.engine->Run(sql, engine.options, stop.token());
  query::PrintOptions print;
  print.cell_width = 100;
  query::Print(*result, json ? query::OutputFormat::kJson : query::OutputFormat::kTable, print, std::cout);
}

/// When a record became a row after all, as SQL; a table of an older version does not say.
std::string ReplayedAt(const OpenedLake& opened, const catalog::TableName& quarantine) {
  const auto loaded = opened.lake.catalog->Load(quarantine);
  const bool says = loaded && loaded->metadata->schema().Find("replayed_at") != nullptr;
  return says ? "replayed_at" : "CAST(NULL AS TIMESTAMPTZ)";
}

ExitCode List(const Session& session) {
  const auto opened = OpenLakeOf(session);
  std::string sql;
  for (const auto& table : opened.lake.catalog->ListTables(kNamespace)) {
    const auto replayed_at = ReplayedAt(opened, table);
    sql += fmt::format(
        "{}SELECT \"table\", cause, count(*) - count({}) AS records, count({}) AS replayed, min(ingested_at) AS first, "
        "max(ingested_at) AS last FROM {} GROUP BY ALL",
        sql.empty() ? "" : " UNION ALL ", replayed_at, replayed_at, query::SqlName(table));
  }
  if (!sql.empty()) {
    PrintQuery(opened, sql + " ORDER BY 1, 2", session.json);
  } else if (session.json) {
    fmt::print("[]\n");
  } else {
    fmt::print(stderr, "quarantine is empty: every record became a row\n");
  }
  return ExitCode::kDone;
}

ExitCode Show(const Session& session, const QuarantineArguments& arguments) {
  const auto opened = OpenLakeOf(session);
  auto name = catalog::ParseTableName(arguments.table);
  if (name.name_space != kNamespace) name = land::QuarantineTableOf(name);
  const auto tables = opened.lake.catalog->ListTables(kNamespace);
  if (std::find(tables.begin(), tables.end(), name) == tables.end()) {
    throw Error(ErrorCode::kUsage,
                fmt::format("there is nothing in quarantine for '{}'; `millrace quarantine list` shows what there is",
                            arguments.table));
  }
  PrintQuery(opened,
             fmt::format("SELECT topic, \"partition\", \"offset\", split, cause, detail, ingested_at, "
                         "coalesce(TRY(decode(record)), hex(record)) AS record FROM {} WHERE {} ORDER BY ingested_at "
                         "DESC, topic, \"partition\", \"offset\" LIMIT {}",
                         query::SqlName(name), arguments.all ? "true" : ReplayedAt(opened, name) + " IS NULL",
                         arguments.records),
             session.json);
  return ExitCode::kDone;
}

}  // namespace

void AddQuarantine(CLI::App& root, Session& session) {
  const auto arguments = std::make_shared<QuarantineArguments>();
  auto* quarantine = AddVerbGroup(root, "quarantine", "Records that could not become rows: list, show, replay");
  auto* list = AddVerb(*quarantine, session, "list", "How many, of which table, for what cause",
                       [&session] { return List(session); });
  auto* show = AddVerb(
      *quarantine, session, "show", "The records themselves, with cause and place",
      [&session, arguments] { return Show(session, *arguments); },
      "  millrace quarantine show silver.clicks\n  millrace quarantine show silver.clicks --json | jq -r '.[].record'");
  show->add_option("TABLE", arguments->table, "The table they were meant for")->required();
  show->add_option("-n,--records", arguments->records, "How many at most, newest first [20]")
      ->check(CLI::NonNegativeNumber);
  show->add_flag("--all", arguments->all, "Also those that have become rows since");
  for (auto* verb : {list, show}) {
    AddJsonOption(*verb, session);
    AddConfigOption(*verb, session);
  }
  AddQuarantineReplay(*quarantine, session);
}

}  // namespace millrace::app
