#include <fmt/format.h>

#include <CLI/CLI.hpp>
#include <algorithm>
#include <filesystem>
#include <memory>

#include "app/engine_options.h"
#include "app/export_place.h"
#include "app/opened_lake.h"
#include "app/progress.h"
#include "app/query_route.h"
#include "app/signal_stop.h"
#include "app/verbs.h"
#include "base/bytes.h"
#include "query/sql_text.h"

namespace millrace::app {
namespace {

constexpr const char* kFormats = "json, jsonl, ndjson, csv, arrow, parquet or xlsx";

struct ExportArguments {
  std::string table;
  std::string sql;
  std::string to;
  std::string format;
  std::string as_of;
  std::string part_size = "128MiB";
  std::vector<std::string> parameters;
  bool overwrite = false;
};

/// The word of the format, which is also how the names of its files end.
std::string FormatWord(const ExportArguments& arguments, const ExportTarget& target) {
  if (!arguments.format.empty()) return arguments.format;
  if (target.name.empty())
    throw Error(ErrorCode::kUsage, fmt::format("--format is missing: a folder's name does not say {}", kFormats));
  const auto extension = std::filesystem::path(target.name).extension().string();
  if (query::ParseOutputFormat(extension.empty() ? "" : extension.substr(1))) return extension.substr(1);
  throw Error(ErrorCode::kUsage,
              fmt::format("the name of {} does not say how to write it; give --format {}, or {}/ for a "
                          "folder of files",
                          arguments.to, kFormats, arguments.to));
}

query::OutputFormat FormatOf(const std::string& word) {
  const auto format = query::ParseOutputFormat(word);
  if (format && *format != query::OutputFormat::kTable) return *format;
  throw Error(ErrorCode::kUsage, fmt::format("--format is {}, not '{}'", kFormats, word));
}

int64_t PartBytes(const std::string& text) {
  const auto bytes = ParseByteSize(text);
  constexpr uint64_t kMax = uint64_t{1} << 40;
  if (bytes && *bytes > 0 && *bytes <= kMax) return static_cast<int64_t>(*bytes);
  throw Error(ErrorCode::kUsage, fmt::format("--part-size is a size up to 1TiB such as 128MiB, not '{}'", text));
}

query::ExportStats ExportOneFile(const ExportTarget& target, query::ResultStream& result,
                                 const query::ExportOptions& options, bool overwrite,
                                 const std::function<void(const query::ExportStats&)>& tell) {
  const auto open = [&](int64_t) { return target.place->Open(target.name, overwrite); };
  return query::Export(result, options, open, tell);
}

ExitCode Export(const Session& session, const ExportArguments& arguments) {
  if (arguments.table.empty() == arguments.sql.empty())
    throw Error(ErrorCode::kUsage, "name a table, or give a statement with --sql");
  query::QueryOptions ask;
  SetAsOf(arguments.as_of, "--as-of", ask);
  for (const auto& given : arguments.parameters) ask.parameters.push_back(query::ParseParameter(given));
  const SignalStop stop;
  const auto opened = OpenLakeOf(session);
  const auto target = OpenExportTarget(opened.pipeline, arguments.to);
  const auto word = FormatWord(arguments, target);
  query::ExportOptions options;
  options.format = FormatOf(word);
  options.part_bytes = target.name.empty() ? PartBytes(arguments.part_size) : 0;
  if (options.part_bytes > 0) options.print.group_bytes = std::min(options.print.group_bytes, options.part_bytes);
  if (!target.name.empty() && !arguments.overwrite && target.place->Has(target.name)) {
    throw Error(ErrorCode::kUsage, fmt::format("{} is there already; choose another name, or --overwrite to replace it",
                                               target.place->Describe(target.name)));
  }
  const auto over = OpenEngineOver(opened);
  ask.views = over.options.views;
  const auto sql = arguments.table.empty()
                       ? arguments.sql
                       : "SELECT * FROM " + query::SqlName(catalog::ParseTableName(arguments.table));
  const auto result = over.engine->Run(sql, ask, stop.token());
  query::ExportStats stats;
  {
    Progress progress("export");
    const auto tell = [&](const query::ExportStats& now) { progress.Show(now.rows, std::nullopt); };
    stats = target.name.empty() ? ExportParts(*target.place, *result, options, word, arguments.overwrite, tell)
                                : ExportOneFile(target, *result, options, arguments.overwrite, tell);
  }
  fmt::print(stderr, "wrote {} rows, {}, to {}{}\n", stats.rows, FormatByteSize(static_cast<uint64_t>(stats.bytes)),
             target.place->Describe(target.name),
             target.name.empty() ? fmt::format(" in {} file{}", stats.files, stats.files == 1 ? "" : "s") : "");
  return ExitCode::kDone;
}

}  // namespace

void AddExport(CLI::App& root, Session& session) {
  const auto arguments = std::make_shared<ExportArguments>();
  auto* verb = AddVerb(
      root, session, "export", "Write a table, or what a statement finds, as files",
      [&session, arguments] { return Export(session, *arguments); },
      "  millrace export gold.sales --to sales.xlsx\n"
      "  millrace export --sql \"FROM silver.events WHERE day = $day\" --param day:date=2026-01-31 --to day.csv\n"
      "  millrace export silver.events --to s3://bucket/events/ --format parquet --part-size 256MiB");
  verb->add_option("TABLE", arguments->table, "All rows of this table or view");
  verb->add_option("--sql", arguments->sql, "The rows that this statement finds");
  verb->add_option("--to", arguments->to,
                   "A file, a folder (its name ends in /), or either in a bucket: s3://bucket/prefix/")
      ->required();
  verb->add_option("--format", arguments->format,
                   "json, jsonl, ndjson, csv, arrow, parquet or xlsx [as the name ends]");
  verb->add_option("--part-size", arguments->part_size, "In a folder, a file ends at this size")->capture_default_str();
  verb->add_flag("--overwrite", arguments->overwrite, "Replace the file, or what an earlier export left in the folder");
  verb->add_option("--param", arguments->parameters, "A value for $name in --sql: name=value or name:type=value")
      ->allow_extra_args(false);
  verb->add_option("--as-of", arguments->as_of, "Tables as they were at this time, or this snapshot");
  AddConfigOption(*verb, session);
}

}  // namespace millrace::app
