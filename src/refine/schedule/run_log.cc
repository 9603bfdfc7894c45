#include "refine/schedule/run_log.h"

#include <algorithm>
#include <utility>

#include "base/error.h"
#include "io/sqlite_format.h"

namespace millrace::refine {
namespace {

constexpr const char* kTables =
    "CREATE TABLE IF NOT EXISTS model_runs (id INTEGER PRIMARY KEY AUTOINCREMENT, model TEXT NOT NULL, began TEXT NOT "
    "NULL, seconds_micro INTEGER NOT NULL, outcome TEXT NOT NULL, why TEXT NOT NULL, rows INTEGER NOT NULL, "
    "rows_dropped INTEGER NOT NULL, files INTEGER NOT NULL, bytes INTEGER NOT NULL, snapshot_id INTEGER);"
    "CREATE INDEX IF NOT EXISTS model_runs_of ON model_runs (model, id);";
constexpr double kMicro = 1e6;

}  // namespace

RunLog::RunLog(const std::filesystem::path& file) : connection_(file, "") {
  connection_.Execute("PRAGMA journal_mode = WAL; PRAGMA synchronous = NORMAL");
  io::EnsureLayout(connection_, file, kStateLayout);
  connection_.Execute(kTables);
}

void RunLog::Add(const RunReport& report) {
  const auto model = catalog::ToString(report.model);
  const auto at = FormatTimestamp(report.began);
  io::Transaction transaction(connection_, io::Transaction::Kind::kWrite);
  if (report.outcome == RunReport::Outcome::kNothing) {
    auto last = connection_.Prepare(
        "DELETE FROM model_runs WHERE outcome = 'nothing' AND id = (SELECT max(id) FROM model_runs WHERE model = ?)");
    last.Bind(0, model).Run();
  }
  auto insert = connection_.Prepare("INSERT INTO model_runs VALUES (NULL, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)");
  insert.Bind(0, model).Bind(1, at).Bind(2, static_cast<int64_t>(report.seconds * kMicro));
  insert.Bind(3, ToString(report.outcome)).Bind(4, report.why).Bind(5, report.rows).Bind(6, report.rows_dropped);
  insert.Bind(7, report.files).Bind(8, report.bytes);
  report.snapshot_id ? insert.Bind(9, report.snapshot_id->value()) : insert.BindNull(9);
  insert.Run();
  auto forget = connection_.Prepare("DELETE FROM model_runs WHERE id <= (SELECT max(id) FROM model_runs) - ?");
  forget.Bind(0, kRunsKept).Run();
  transaction.Commit();
}

std::vector<LoggedRun> RunLog::Newest(const std::string& model, int64_t count) {
  auto query = connection_.Prepare(
      "SELECT model, began, seconds_micro, outcome, why, rows, rows_dropped, files, bytes, snapshot_id FROM model_runs "
      "WHERE ?1 = '' OR model = ?1 ORDER BY id DESC LIMIT ?2");
  query.Bind(0, model).Bind(1, count);
  std::vector<LoggedRun> runs;
  while (query.Step()) {
    runs.push_back({.model = query.Text(0),
                    .began = ParseTimestamp(query.Text(1)).value_or(Timestamp{}),
                    .seconds = static_cast<double>(query.Int(2)) / kMicro,
                    .outcome = query.Text(3),
                    .why = query.Text(4),
                    .rows = query.Int(5),
                    .rows_dropped = query.Int(6),
                    .files = query.Int(7),
                    .bytes = query.Int(8),
                    .snapshot_id = query.IsNull(9) ? std::nullopt : std::optional(query.Int(9))});
  }
  return runs;
}

}  // namespace millrace::refine
