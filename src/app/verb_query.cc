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

#include "app/engine_options.h"
#include "app/opened_lake.h"
#include "app/query_route.h"
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

void PrintExplained(query::ResultStream& result, bool json) {
  if (json) {
    fmt::print("{}\n", query::ExplainJson(result).dump(2, ' ', false, nlohmann::json::error_handler_t::replace));
  } else {
    fmt::print("{}", query::ExplainText(result));
  }
}

ExitCode Query(const Session& session, const QueryArguments& arguments) {
  const auto format = query::ParseOutputFormat(arguments.format);
  if (!format) {
    throw Error(ErrorCode::kUsage,
                fmt::format("--format is table, json, jsonl, csv, arrow, parquet or xlsx, not '{}'", arguments.format));
  }
  if (session.json && !arguments.explain)
    throw Error(ErrorCode::kUsage, "--json goes with --explain; rows as JSON are --format json");
  query::QueryOptions options;
  if (arguments.explain)
    options.explain = session.json ? query::QueryOptions::Explain::kJson : query::QueryOptions::Explain::kText;
  SetAsOf(arguments.as_of, "--as-of", options);
  for (const auto& given : arguments.parameters) options.parameters.push_back(query::ParseParameter(given));
  const SignalStop stop;
  const auto opened = OpenLakeOf(session);
  const auto over = OpenEngineOver(opened);
  options.views = over.options.views;
  const auto sql = SqlOf(arguments.sql);
  std::optional<query::Sandbox> sandbox;
  if (arguments.sandbox) sandbox.emplace(*opened.lake.catalog, SandboxOptionsFor(opened.pipeline, opened.directory));
  const auto result = sandbox ? sandbox->Run(sql, options, stop.token()) : over.engine->Run(sql, options, stop.token());
  if (arguments.explain) {
    PrintExplained(*result, session.json);
  } else {
    PrintResult(*result, *format, arguments);
  }
  return ExitCode::kDone;
}

}  // namespace

void AddQuery(CLI::App& root, Session& session) {
  const auto arguments = std::make_shared<QueryArguments>();
  auto* verb = AddVerb(
      root, session, "query", "Ask the tables with SQL", [&session, arguments] { return Query(session, *arguments); },
      "  millrace query \"SELECT type, count(*) AS events FROM silver.events GROUP BY type ORDER BY events DESC\"\n"
      "  millrace query \"SHOW TABLES\"\n"
      "  millrace query --format csv \"FROM gold.cards_by_brand\" > cards.csv\n"
      "  millrace query --param day:date=2026-01-31 \"SELECT count(*) FROM silver.events WHERE day = $day\"\n"
      "  millrace query --as-of 2026-01-31T12:00:00Z \"SELECT count(*) FROM silver.events\"");
  verb->add_option("SQL", arguments->sql, "One statement that reads; - reads it from stdin")->required();
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
