#include <fmt/format.h>

#include <CLI/CLI.hpp>
#include <iostream>
#include <memory>

#include "app/opened_lake.h"
#include "app/quarantine_sql.h"
#include "app/signal_stop.h"
#include "app/verbs.h"
#include "query/printer.h"

namespace millrace::app {
namespace {

struct QuarantineArguments {
  std::string table;
  int64_t records = 20;
  bool all = false;
};

void PrintQuery(const OpenedLake& opened, const std::string& sql, bool json) {
  const SignalStop stop;
  const auto engine = OpenEngineOver(opened);
  const auto result = engine.engine->Run(sql, engine.options, stop.token());
  query::PrintOptions print;
  print.cell_width = 100;
  query::Print(*result, json ? query::OutputFormat::kJson : query::OutputFormat::kTable, print, std::cout);
}

ExitCode List(const Session& session) {
  const auto opened = OpenLakeOf(session);
  const auto sql = QuarantineCountsSql(*opened.lake.catalog);
  if (!sql.empty()) {
    PrintQuery(opened, sql, session.json);
  } else if (session.json) {
    fmt::print("[]\n");
  } else {
    fmt::print(stderr, "quarantine is empty: every record became a row\n");
  }
  return ExitCode::kDone;
}

ExitCode Show(const Session& session, const QuarantineArguments& arguments) {
  const auto opened = OpenLakeOf(session);
  PrintQuery(opened,
             QuarantineRecordsSql(*opened.lake.catalog, arguments.table,
                                  {.records_max = arguments.records, .replayed_too = arguments.all}),
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
