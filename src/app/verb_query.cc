#include <fmt/format.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include <CLI/CLI.hpp>
#include <fstream>
#include <iostream>
#include <iterator>
#include <memory>
#include <nlohmann/json.hpp>
#include <optional>
#include <ostream>
#include <utility>

#include "app/engine_options.h"
#include "app/opened_lake.h"
#include "app/query_route.h"
#include "app/query_shell.h"
#include "app/signal_stop.h"
#include "app/verbs.h"
#include "query/explain.h"
#include "query/printer.h"

namespace millrace::app {
namespace {

struct QueryArguments {
  std::string sql;
  std::string format = "table";
  std::string as_of;
  std::string output;
  std::vector<std::string> parameters;
  bool explain_scans = false;
  bool explain = false;
  bool sandbox = false;
};

int TerminalWidth() {
  winsize size{};
  return isatty(STDOUT_FILENO) == 1 && ioctl(STDOUT_FILENO, TIOCGWINSZ, &size) == 0 ? size.ws_col : 0;
}

std::string SqlOf(const std::string& given) {
  if (given != "-") return given;
  return {(std::istreambuf_iterator<char>(std::cin)), std::istreambuf_iterator<char>()};
}

void TellScans(const query::ResultStream& result) {
  for (const auto& scan : result.scans()) {
    fmt::print(stderr, "{}: read {} of {} files\n", catalog::ToString(scan.table), scan.files_read, scan.files_total);
  }
}

void PrintResult(query::ResultStream& result, query::OutputFormat format, const QueryArguments& arguments) {
  query::PrintOptions print;
  print.table_width = TerminalWidth();
  if (arguments.output.empty()) {
    query::Print(result, format, print, std::cout);
  } else {
    std::ofstream file(arguments.output, std::ios::binary | std::ios::trunc);
    if (!file) throw Error(ErrorCode::kStop, fmt::format("{} cannot be written", arguments.output));
    const auto rows = query::Print(result, format, print, file);
    fmt::print(stderr, "wrote {} rows to {}\n", rows, arguments.output);
  }
  if (arguments.explain_scans) TellScans(result);
}

void PrintExplained(query::ResultStream& result, bool json, std::ostream& out) {
  if (json) {
    out << query::ExplainJson(result).dump(2, ' ', false, nlohmann::json::error_handler_t::replace) << "\n";
  } else {
    out << query::ExplainText(result);
  }
}

query::OutputFormat FormatOf(const QueryArguments& arguments) {
  if (const auto format = query::ParseOutputFormat(arguments.format)) return *format;
  throw Error(ErrorCode::kUsage,
              fmt::format("--format is table, json, jsonl, csv, arrow, parquet or xlsx, not '{}'", arguments.format));
}

query::QueryOptions OptionsOf(const Session& session, const QueryArguments& arguments) {
  if (session.json && !arguments.explain)
    throw Error(ErrorCode::kUsage, "--json goes with --explain; rows as JSON are --format json");
  query::QueryOptions options;
  if (arguments.explain)
    options.explain = session.json ? query::QueryOptions::Explain::kJson : query::QueryOptions::Explain::kText;
  SetAsOf(arguments.as_of, "--as-of", options);
  for (const auto& given : arguments.parameters) options.parameters.push_back(query::ParseParameter(given));
  return options;
}

/// Runs statements over an opened lake, in this process or in a sandbox.
class Asker {
 public:
  Asker(const Session& session, const QueryArguments& arguments)
      : options_(OptionsOf(session, arguments)), opened_(OpenLakeOf(session)), over_(OpenEngineOver(opened_)) {
    options_.views = over_.options.views;
    if (arguments.sandbox)
      sandbox_.emplace(*opened_.lake.catalog, SandboxOptionsFor(opened_.pipeline, opened_.directory));
  }

  std::unique_ptr<query::ResultStream> Run(const std::string& sql, std::stop_token stop) {
    return sandbox_ ? sandbox_->Run(sql, options_, std::move(stop)) : over_.engine->Run(sql, options_, std::move(stop));
  }
  catalog::Catalog& catalog() { return *opened_.lake.catalog; }
  const std::map<catalog::TableName, std::string>& views() const { return options_.views; }

 private:
  query::QueryOptions options_;
  OpenedLake opened_;
  OpenedEngine over_;
  std::optional<query::Sandbox> sandbox_;
};

ExitCode Converse(const Session& session, const QueryArguments& arguments, query::OutputFormat format) {
  if (isatty(STDIN_FILENO) != 1 || isatty(STDOUT_FILENO) != 1)
    throw Error(ErrorCode::kUsage, "SQL is missing: give a statement, or - to read it from stdin");
  if (!arguments.parameters.empty() || !arguments.output.empty())
    throw Error(ErrorCode::kUsage, "--param and --output go with a statement; SQL is missing");
  const InterruptGate gate;
  Asker asker(session, arguments);
  const auto print = [&](query::ResultStream& result, std::ostream& out) {
    if (arguments.explain) {
      PrintExplained(result, session.json, out);
    } else {
      query::Print(result, format, {.table_width = TerminalWidth()}, out);
    }
  };
  RunQueryShell({.run = [&](const std::string& sql, std::stop_token stop) { return asker.Run(sql, std::move(stop)); },
                 .print = print,
                 .catalog = asker.catalog(),
                 .views = asker.views()});
  return ExitCode::kDone;
}

ExitCode Query(const Session& session, const QueryArguments& arguments) {
  const auto format = FormatOf(arguments);
  if (arguments.sql.empty()) return Converse(session, arguments, format);
  const SignalStop stop;
  Asker asker(session, arguments);
  const auto result = asker.Run(SqlOf(arguments.sql), stop.token());
  if (arguments.explain) {
    PrintExplained(*result, session.json, std::cout);
  } else {
    PrintResult(*result, format, arguments);
  }
  return ExitCode::kDone;
}

}  // namespace

void AddQuery(CLI::App& root, Session& session) {
  const auto arguments = std::make_shared<QueryArguments>();
  auto* verb = AddVerb(
      root, session, "query", "Ask the tables with SQL", [&session, arguments] { return Query(session, *arguments); },
      "  millrace query \"SELECT type, count(*) AS events FROM silver.events GROUP BY type ORDER BY events DESC\"\n"
      "  millrace query                                    a prompt, with history and completion\n"
      "  millrace query \"SHOW TABLES\"\n"
      "  millrace query --format csv \"FROM gold.cards_by_brand\" > cards.csv\n"
      "  millrace query --param day:date=2026-01-31 \"SELECT count(*) FROM silver.events WHERE day = $day\"\n"
      "  millrace query --as-of 2026-01-31T12:00:00Z \"SELECT count(*) FROM silver.events\"");
  verb->add_option("SQL", arguments->sql,
                   "One statement that reads; - reads it from stdin; without it, statements are typed at a prompt");
  verb->add_option("--format", arguments->format, "table, json, jsonl, csv, arrow, parquet or xlsx")
      ->capture_default_str();
  verb->add_option("--as-of", arguments->as_of, "Tables as they were at this time, or this snapshot");
  verb->add_option("--param", arguments->parameters,
                   "A value for $name: name=value or name:type=value; 1=value for $1 or the first ?; again for more")
      ->allow_extra_args(false);
  verb->add_option("-o,--output", arguments->output, "Write to this file instead of printing");
  verb->add_flag("--sandbox", arguments->sandbox,
                 "Run it as SQL from outside: in a process that can do nothing else, within the limits of `query`");
  verb->add_flag("--explain", arguments->explain,
                 "Not the rows but how they would be found: files left of each table and why, columns, DuckDB's plan");
  AddJsonOption(*verb, session);
  verb->add_flag("--scans", arguments->explain_scans, "Say how many files of each table were read");
  AddConfigOption(*verb, session);
}

}  // namespace millrace::app
