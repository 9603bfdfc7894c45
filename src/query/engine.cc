#include "query/engine.h"

#include <fmt/format.h>

#include <atomic>
#include <filesystem>
#include <mutex>
#include <nlohmann/json.hpp>
#include <utility>

#include "query/data_files.h"
#include "query/duckdb_connection.h"
#include "query/duckdb_json.h"
#include "query/duckdb_result.h"
#include "query/pushed_filters.h"
#include "query/resolve.h"
#include "query/rows_apart.h"
#include "query/scan_plan.h"
#include "query/scan_sql.h"
#include "query/sql_text.h"
#include "query/statement.h"
#include "query/statement_parameters.h"
#include "table/deletion_vector.h"

namespace millrace::query {
namespace {

/// Optimizer passes that a plan over empty stand-ins may go through: those that move predicates down to the tables
/// without looking at statistics, which are of the stand-ins.
constexpr const char* kPlannerPasses =
    "'expression_rewriter', 'filter_pullup', 'filter_pushdown', 'cte_filter_pusher', 'regex_range', 'deliminator', "
    "'unnest_rewriter', "
    "'unused_columns', 'column_lifetime', 'cte_inlining'";

/// The optimizer pass that makes an aggregate of "the first row of each group". Its states hold whole rows and cannot
/// spill, as the window they stand for can.
constexpr const char* kHoldsEveryRow = "top_n_window_elimination";

std::map<std::string, std::string> SettingsOf(const EngineOptions& options) {
  std::map<std::string, std::string> settings = {{"autoinstall_known_extensions", "false"},
                                                 {"autoload_known_extensions", "false"},
                                                 {"memory_limit", fmt::format("{}B", options.memory_bytes)},
                                                 {"temp_directory", options.spill_directory}};
  if (options.threads > 0) settings["threads"] = std::to_string(options.threads);
  return settings;
}

ScanRequest RequestOf(const ResolvedName& entry, const std::map<std::string, PushedScan>& scans,
                      bool count_files = false) {
  const auto found = scans.find(KeyOf(entry.written));
  return {.metadata = entry.table->metadata.get(),
          .snapshot = entry.snapshot,
          .schema = &entry.schema,
          .range = entry.range,
          .only_files = entry.only_files,
          .change = entry.change,
          .with_path = entry.with_path,
          .predicate = found == scans.end() ? Predicate{} : found->second.predicate,
          .count_files = count_files};
}

/// A database of its own inside an instance, which holds the names of one statement and goes with the last copy of its
/// owner.
class Names {
 public:
  Names(Connection& connection, std::string name, const std::vector<ResolvedName>& resolved,
        const std::optional<Timestamp>& now)
      : connection_(connection), name_(QuoteName(name)) {
    connection_.Execute(fmt::format("ATTACH ':memory:' AS {0}; USE {0}", name_));
    if (now) FixNow(*now);
    for (const auto& entry : resolved)
      connection_.Execute("CREATE SCHEMA IF NOT EXISTS " + QuoteName(entry.written.name_space));
  }
  ~Names() { connection_.TryExecute(fmt::format("USE memory; DETACH {}", name_)); }
  Names(const Names&) = delete;
  Names& operator=(const Names&) = delete;

 private:
  /// Macros of a database hide the functions of the system.
  void FixNow(Timestamp now) {
    const auto at = fmt::format("TIMESTAMPTZ {}", QuoteText(FormatTimestamp(now)));
    for (const auto* name : {"now", "get_current_timestamp", "current_timestamp", "transaction_timestamp"})
      connection_.Execute(fmt::format("CREATE MACRO {}() AS {}", name, at));
    for (const auto* name : {"current_date", "today"})
      connection_.Execute(fmt::format("CREATE MACRO {}() AS CAST({} AS DATE)", name, at));
    for (const auto* name : {"localtimestamp", "current_localtimestamp"})
      connection_.Execute(fmt::format("CREATE MACRO {}() AS CAST({} AS TIMESTAMP)", name, at));
  }

  Connection& connection_;
  const std::string name_;
};

void CreateStandIn(Connection& connection, const ResolvedName& entry) {
  if (entry.view) return connection.Execute(fmt::format("CREATE VIEW {} AS {}", SqlName(entry.written), *entry.view));
  std::string columns;
  for (const auto& field : entry.schema.fields) {
    columns += fmt::format("{}{} {}", columns.empty() ? "" : ", ", QuoteName(field.name), SqlType(field.type));
  }
  if (entry.with_path) columns += fmt::format(", {} VARCHAR", QuoteName(kPathColumn));
  connection.Execute(fmt::format("CREATE TABLE {} ({})", SqlName(entry.written), columns));
}

/// DuckDB's plan as JSON; {} where a statement cannot be printed again with its parameters in place.
nlohmann::json PlanOf(Connection& connection, const std::string& select, const std::vector<Parameter>& parameters) {
  std::string filled = select;
  try {
    if (!parameters.empty()) filled = WithConstants(connection, select, parameters);
  } catch (const Error& error) {
    if (error.code() == ErrorCode::kUnavailable) throw;
    return nlohmann::json::object();
  }
  return ParseDuckDbJson(
      connection.AskText("SELECT json_serialize_plan(CAST(? AS VARCHAR), optimize := true)", {filled}));
}

ScanReport ReportOf(const ResolvedName& entry, const ScanPlan& plan) {
  ScanReport report;
  report.table = entry.name;
  if (entry.snapshot) report.snapshot_id = entry.snapshot->snapshot_id;
  report.files_total = plan.files_total;
  report.pruning = plan.pruning;
  report.files_read = static_cast<int64_t>(plan.files.size() + plan.deleted_files.size());
  for (const auto& file : plan.files) report.rows_read_max += file.record_count;
  for (const auto& dated : plan.deleted_files) report.rows_read_max += dated.file.record_count;
  for (const auto* file : plan.All()) {
    report.bytes_read_max +=
        table::IsDeletionVector(*file) ? file->content_size_in_bytes.value_or(0) : file->file_size_in_bytes;
  }
  return report;
}

}  // namespace

struct Engine::State {
  State(catalog::Catalog& lake, EngineOptions chosen)
      : catalog(lake),
        options(std::move(chosen)),
        data_files(options.brought ? DataFiles(lake.store(), *options.brought)
                                   : DataFiles(lake.store(), options.cache_directory, options.cache_bytes_max)) {}

  catalog::Catalog& catalog;
  const EngineOptions options;
  DataFiles data_files;
  FileLayouts layouts;
  std::atomic<uint64_t> statements{0};
  std::mutex mutex;
  std::unique_ptr<Database> planner;   // parses, and plans over empty stand-ins; guarded by mutex until made
  std::unique_ptr<Database> executor;  // runs; guarded by mutex until made

  Database& Planner();
  Database& Executor();
  std::map<std::string, PushedScan> PlanScans(Connection& connection, const Statement& statement,
                                              const std::vector<ResolvedName>& resolved,
                                              const std::vector<Parameter>& parameters);
  PreparedRun Prepare(const Statement& statement, const std::vector<ResolvedName>& resolved,
                      const std::map<std::string, PushedScan>& scans, bool count_files);
  std::string LoadVectors(Connection& connection, const ScanPlan& plan);
  PreparedRun ShowTables(const Statement& statement, const QueryOptions& query);
};

Database& Engine::State::Planner() {
  const std::lock_guard lock(mutex);
  if (planner) return *planner;
  auto database =
      std::make_unique<Database>(SettingsOf({.memory_bytes = int64_t{256} << 20, .threads = 1, .spill_directory = ""}));
  Connection connection(*database);
  const auto others = connection.AskText(
      fmt::format("SELECT string_agg(name, ',') FROM duckdb_optimizers() WHERE name NOT IN ({})", kPlannerPasses), {});
  connection.Execute("SET disabled_optimizers = " + QuoteText(others));
  connection.Execute("SET GLOBAL TimeZone = 'UTC'; SET enable_external_access = false; SET lock_configuration = true");
  planner = std::move(database);
  return *planner;
}

Database& Engine::State::Executor() {
  const std::lock_guard lock(mutex);
  if (executor) return *executor;
  auto database = std::make_unique<Database>(SettingsOf(options));
  Connection connection(*database);
  connection.Execute(fmt::format("SET GLOBAL disabled_optimizers = {}", QuoteText(kHoldsEveryRow)));
  connection.Execute(fmt::format("SET allowed_directories = [{}]", QuoteText(data_files.folder())));
  connection.Execute("SET GLOBAL TimeZone = 'UTC'; SET enable_external_access = false; SET lock_configuration = true");
  executor = std::move(database);
  return *executor;
}

std::map<std::string, PushedScan> Engine::State::PlanScans(Connection& connection, const Statement& statement,
                                                           const std::vector<ResolvedName>& resolved,
                                                           const std::vector<Parameter>& parameters) {
  std::map<std::string, schema::Schema> schemas;
  const Names names(connection, fmt::format("millrace_plan_{}", ++statements), resolved, options.now);
  for (const auto& entry : resolved) {
    CreateStandIn(connection, entry);
    if (!entry.view) schemas.emplace(KeyOf(entry.written), entry.schema);
  }
  const auto plan = PlanOf(connection, statement.select, parameters);
  // What cannot be planned cannot be pruned; what is wrong with it comes out when it runs.
  return plan.value("error", true) ? std::map<std::string, PushedScan>{} : PushedFilters(plan, schemas);
}

PreparedRun Engine::State::Prepare(const Statement& statement, const std::vector<ResolvedName>& resolved,
                                   const std::map<std::string, PushedScan>& scans, bool count_files) {
  PreparedRun run;
  run.connection = std::make_unique<Connection>(Executor());
  run.sql = statement.explain_prefix + statement.select;
  run.names = std::make_shared<Names>(*run.connection, fmt::format("millrace_{}", ++statements), resolved, options.now);
  for (const auto& entry : resolved) {
    if (entry.view) {
      run.connection->Execute(fmt::format("CREATE VIEW {} AS {}", SqlName(entry.written), *entry.view));
      continue;
    }
    WithContext("table " + ToString(entry.name), [&] {
      const auto request = RequestOf(entry, scans, count_files);
      const auto plan = PlanScan(catalog.store(), request);
      run.files.push_back(data_files.Bring(plan));
      const auto vectors = plan.deletion_vectors.empty() ? std::string() : LoadVectors(*run.connection, plan);
      run.connection->Execute(fmt::format("CREATE VIEW {} AS {}", SqlName(entry.written),
                                          ScanSql(data_files, request, plan, layouts, vectors)));
      auto report = ReportOf(entry, plan);
      const auto found = scans.find(KeyOf(entry.written));
      if (report.pruning && found != scans.end()) report.pruning->columns = found->second.columns;
      run.scans.push_back(std::move(report));
    });
  }
  return run;
}

/// Puts deletion vectors into a table of the statement's own database, as paths and positions; gives its name.
std::string Engine::State::LoadVectors(Connection& connection, const ScanPlan& plan) {
  const auto name = fmt::format("__millrace_vectors_{}", ++statements);
  connection.Execute(fmt::format("CREATE TABLE {} (path VARCHAR, pos BIGINT)", QuoteName(name)));
  for (const auto& vector : plan.deletion_vectors) {
    if (!vector.referenced_data_file) continue;
    connection.AppendPositions(name, data_files.PathOf(*vector.referenced_data_file),
                               table::ReadDeletionVector(catalog.store(), vector));
  }
  return QuoteName(name);
}

PreparedRun Engine::State::ShowTables(const Statement& statement, const QueryOptions& query) {
  std::string rows;
  const auto add = [&](const catalog::TableName& name, const char* kind) {
    rows += fmt::format("{}({}, {}, {})", rows.empty() ? "" : ", ", QuoteText(name.name_space), QuoteText(name.name),
                        QuoteText(kind));
  };
  for (const auto& table : AllTables(catalog)) add(table, "table");
  for (const auto& [view, sql] : query.views) add(view, "view");
  PreparedRun run;
  run.connection = std::make_unique<Connection>(Executor());
  const std::string source =
      rows.empty() ? "(SELECT '' AS a, '' AS b, '' AS c WHERE false)" : fmt::format("(VALUES {})", rows);
  run.sql = fmt::format("{}SELECT * FROM {} AS t(\"namespace\", \"name\", \"kind\") ORDER BY ALL",
                        statement.explain_prefix, source);
  return run;
}

Engine::Engine(catalog::Catalog& catalog, EngineOptions options)
    : state_(std::make_unique<State>(catalog, std::move(options))) {}

Engine::~Engine() = default;

std::unique_ptr<ResultStream> Engine::Run(const std::string& sql, const QueryOptions& options, std::stop_token stop) {
  Connection planner(state_->Planner());
  auto statement = ReadStatement(planner, sql);
  const bool explain = options.explain != QueryOptions::Explain::kNo;
  if (explain && statement.explain_prefix.empty())
    statement.explain_prefix = options.explain == QueryOptions::Explain::kJson ? "EXPLAIN (FORMAT json) " : "EXPLAIN ";
  RequireParameters(statement, options.parameters);
  if (statement.kind == Statement::Kind::kShowTables)
    return StartQuery(state_->ShowTables(statement, options), std::move(stop));
  const auto resolved = Resolve(state_->catalog, planner, statement, options);
  const auto scans = state_->PlanScans(planner, statement, resolved, options.parameters);
  auto run = state_->Prepare(statement, resolved, scans, explain);
  run.parameters = options.parameters;
  return StartQuery(std::move(run), std::move(stop));
}

std::vector<ScanReport> Engine::Plan(const std::string& sql, const QueryOptions& options) {
  Connection planner(state_->Planner());
  const auto statement = ReadStatement(planner, sql);
  const auto resolved = Resolve(state_->catalog, planner, statement, options);
  const auto pushed = state_->PlanScans(planner, statement, resolved, options.parameters);
  std::vector<ScanReport> scans;
  for (const auto& entry : resolved) {
    if (entry.view) continue;
    WithContext("table " + ToString(entry.name),
                [&] { scans.push_back(ReportOf(entry, PlanScan(state_->catalog.store(), RequestOf(entry, pushed)))); });
  }
  return scans;
}

std::vector<catalog::TableName> Engine::TablesIn(const std::string& sql) {
  Connection planner(state_->Planner());
  return ReadStatement(planner, sql).tables;
}

std::optional<std::string> Engine::WhyNotApart(const std::string& sql, const catalog::TableName& table, int& times) {
  Connection planner(state_->Planner());
  return query::WhyNotApart(planner, sql, table, times);
}

}  // namespace millrace::query
