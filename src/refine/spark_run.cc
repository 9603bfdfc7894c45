#include "refine/spark_run.h"

#include <arrow/array.h>
#include <arrow/record_batch.h>
#include <arrow/type.h>
#include <fmt/format.h>

#include <algorithm>
#include <cctype>
#include <charconv>
#include <map>
#include <utility>

#include "base/error.h"
#include "base/fault.h"
#include "base/log.h"
#include "base/random.h"
#include "catalog/branch_catalog.h"
#include "land/committer.h"
#include "land/edit_table.h"
#include "query/spark/spark_error.h"
#include "query/spark/table_names.h"
#include "refine/fresh_rows.h"
#include "refine/replaced_partitions.h"
#include "refine/result_rows.h"
#include "refine/same_name.h"
#include "table/live_files.h"

namespace millrace::refine {
namespace {

using query::SparkName;
using query::SparkQuoted;
using Dialect = query::SparkSession::Dialect;

constexpr std::string_view kBranchPrefix = "spark-run-";
constexpr size_t kRandomLetters = 8;
/// Their paths stand in a statement.
constexpr size_t kTouchedFilesMax = 20'000;

/// The number of the run that a branch was made for; -1: it is none of these.
int64_t RunOf(std::string_view branch) {
  if (!branch.starts_with(kBranchPrefix)) return -1;
  branch.remove_prefix(kBranchPrefix.size());
  int64_t run = -1;
  const auto [end, error] = std::from_chars(branch.data(), branch.data() + branch.size(), run);
  return error == std::errc() && end != branch.data() + branch.size() && *end == '-' ? run : -1;
}

bool HasHash(const arrow::DataType& type) {
  if (type.id() == arrow::Type::MAP) return false;
  return std::ranges::all_of(type.fields(), [](const auto& field) { return HasHash(*field->type()); });
}

/// What is counted on the way is right in the tasks that write, and counted twice before a shuffle of Spark's between
/// them: then each task writes, in the order of the table, what it has.
std::map<std::string, std::string> WriteOptions(const Model& model, const std::string& branch) {
  std::map<std::string, std::string> options = {{"snapshot-property.millrace.spark-run", branch}};
  if (!model.expectations.empty() || !model.table_expectations.empty()) options["distribution-mode"] = "none";
  return options;
}

std::vector<table::Update> BranchesRemoved(const table::TableMetadata& table,
                                           const std::function<bool(std::string_view)>& stale) {
  std::vector<table::Update> removed;
  for (const auto& [name, ref] : table.refs) {
    if (stale(name)) removed.emplace_back(table::RemoveSnapshotRef{name});
  }
  return removed;
}

std::string RandomWord() { return Random::FromSystem().Uuid().substr(0, kRandomLetters); }

/// `error` as the model's author has it: at the line of the file that it names, when it is one of the SQL.
[[noreturn]] void ThrowAt(const Model& model, const query::SparkError& error) {
  const auto& file = model.spark_sql ? model.spark_sql->file : model.file;
  const auto header_lines =
      model.spark_sql
          ? 0
          : std::count(model.sql.begin(), model.sql.begin() + static_cast<ptrdiff_t>(model.header_bytes), '\n');
  const auto place = error.line() > header_lines ? fmt::format("{}:{}", file.string(), error.line()) : file.string();
  const auto* mend = model.spark_sql || error.code() != ErrorCode::kData
                         ? ""
                         : "; where Spark's dialect differs, put SQL for it beside the file, as .spark.sql";
  throw Error(error.code(), fmt::format("{}: {}{}", place, error.message(), mend));
}

}  // namespace

SparkRun::SparkRun(Parts parts, const Graph& graph, const Node& node, const RunPlan& plan)
    : parts_(std::move(parts)),
      graph_(graph),
      node_(node),
      plan_(plan),
      session_(parts_.spark.server, parts_.stop,
               [this](const query::SparkProgress& progress) {
                 if (parts_.spark.progress) parts_.spark.progress(node_.model.name, progress);
               }),
      ranges_(&plan.ranges) {}

std::string SparkRun::ViewName(const catalog::TableName& name) const {
  return (ranges_ == &plan_.ranges ? "view " : "new rows of view ") + ToString(name);
}

/// The branches of this run and of those before go with its commit.
SparkRun::Branch SparkRun::OfRun(int64_t run) {
  return {.name = fmt::format("{}{}-{}", kBranchPrefix, run, RandomWord()), .is_stale = [run](std::string_view name) {
            const auto of = RunOf(name);
            return of >= 0 && of <= run;
          }};
}

SparkRun::Branch SparkRun::OfBackfill(const std::string& name) {
  auto prefix = fmt::format("spark-backfill-{}-", name);
  return {.name = prefix + RandomWord(), .is_stale = [prefix](std::string_view branch) {
            return branch.starts_with(prefix) && branch.find('-', prefix.size()) == std::string_view::npos;
          }};
}

std::string SparkRun::SparkNameOf(const catalog::TableName& table) const {
  std::string name = SparkQuoted(parts_.spark.server.catalog);
  std::string_view rest = table.name_space;
  for (;;) {
    const auto dot = rest.find('.');
    name += "." + SparkQuoted(rest.substr(0, dot));
    if (dot == std::string_view::npos) break;
    rest.remove_prefix(dot + 1);
  }
  return name + "." + SparkQuoted(table.name);
}

/// The table as the plan says that it is read.
std::string SparkRun::PinnedSql(const catalog::TableName& name) const {
  const auto found = std::ranges::find_if(*ranges_, [&](const auto& entry) { return SameName(entry.first, name); });
  if (found == ranges_->end())
    throw Error(ErrorCode::kInternal, fmt::format("{} is read and not planned", ToString(name)));
  const auto& [table, range] = *found;
  const auto sql = SparkNameOf(table);
  if (!range.upto) return sql + " TABLESAMPLE (0 ROWS)";
  if (!range.after) return fmt::format("{} VERSION AS OF {}", sql, range.upto->value());
  return fmt::format("{} WITH ('start-snapshot-id' = '{}', 'end-snapshot-id' = '{}')", sql, range.after->value(),
                     range.upto->value());
}

/// Makes a view of the model's SQL, as its author wrote it: what Spark says of it names the author's lines.
void SparkRun::CreateViewOf(const Model& model, const std::vector<catalog::TableName>& names, const std::string& view) {
  const auto& sql = model.spark_sql ? model.spark_sql->sql : model.sql;
  std::vector<SparkName> stands;
  for (const auto& name : names)
    stands.push_back({name, views_.contains(name) ? SparkQuoted(ViewName(name)) : PinnedSql(name)});
  try {
    session_.Speak(model.spark_sql ? Dialect::kSpark : Dialect::kDuckDb);
    session_.CreateView(SparkQuoted(view),
                        query::WithTables(sql, stands, parts_.spark.server.catalog, !model.spark_sql));
  } catch (const query::SparkError& error) {
    ThrowAt(model, error);
  }
}

/// Makes those of the names that are views, each after what it is made of.
void SparkRun::OpenViews(const std::vector<catalog::TableName>& names) {
  for (const auto& name : names) {
    const auto* below = graph_.Find(name);
    if (below == nullptr || below->model.materialized != Materialized::kView || views_.contains(name)) continue;
    OpenViews(below->names);
    CreateViewOf(below->model, below->names, ViewName(name));
    views_.insert(name);
  }
}

std::shared_ptr<arrow::Schema> SparkRun::Open() {
  session_.RequireVersion();
  OpenViews(node_.names);
  CreateViewOf(node_.model, node_.names, kSparkRows);
  session_.Speak(Dialect::kDuckDb);
  schema_ = session_.Ask(fmt::format("SELECT * FROM {} LIMIT 0", kSparkRows)).schema;
  return schema_;
}

SparkColumns SparkRun::ColumnsWith(const schema::Schema& table) const {
  SparkColumns columns;
  for (const auto& field : schema_->fields()) {
    columns.made.push_back(field->name());
    if (HasHash(*field->type())) columns.hashed.push_back(field->name());
  }
  for (const auto& field : table.fields) columns.table.push_back(field.name);
  return columns;
}

void SparkRun::AskOver(const std::function<std::string(const std::string& over)>& sql,
                       const std::function<void(const arrow::RecordBatch&)>& visit) {
  if (plan_.way == RunPlan::Way::kReplace) ranges_ = &plan_.new_rows;
  const auto over = PinnedSql(*node_.model.over);
  ranges_ = &plan_.ranges;
  session_.Speak(Dialect::kDuckDb);
  session_.Stream(sql(over), visit);
}

PartitionSlices SparkRun::Touched(const ReplaceFields& fields) {
  ranges_ = &plan_.new_rows;
  const auto views = std::exchange(views_, {});
  try {
    if (node_.model.touched_by.empty()) {
      OpenViews(node_.names);
      CreateViewOf(node_.model, node_.names, kSparkNewRows);
      session_.Speak(Dialect::kDuckDb);
    }
    const auto touched = session_.Ask(TouchedSqlOf(node_.model, fields, kSparkNewRows,
                                                   node_.model.touched_by.empty() ? "" : PinnedSql(*node_.model.over),
                                                   ModelEngine::kSpark));
    ranges_ = &plan_.ranges;
    views_ = views;
    return fields.SlicesOf(touched.batches);
  } catch (const query::SparkError& error) {
    if (node_.model.touched_by.empty()) ThrowAt(node_.model, error);
    throw Error(error.code(), fmt::format("{}:{}: touched_by, over a row of {}: {}", node_.model.file.string(),
                                          node_.model.strategy_line, ToString(*node_.model.over), error.message()));
  }
}

/// The table as it was when the run began; it has a snapshot.
std::string SparkRun::PinnedOutput(const catalog::LoadedTable& output) const {
  return fmt::format("{} VERSION AS OF {}", SparkNameOf(output.name), output.metadata->current_snapshot_id->value());
}

ReplacementNames SparkRun::NamesOn(const catalog::LoadedTable& output) const {
  const bool empty = !output.metadata->current_snapshot_id;
  return {.table = empty ? SparkNameOf(output.name) + " TABLESAMPLE (0 ROWS)" : PinnedOutput(output),
          .fresh = kSparkFresh};
}

SparkTable SparkRun::TouchedRows(const catalog::LoadedTable& output, const Replacement* replacement) {
  SparkTable old;
  const auto* snapshot = output.metadata->current_snapshot();
  if ((plan_.way != RunPlan::Way::kMerge && replacement == nullptr) || snapshot == nullptr) return old;
  old.sql = PinnedOutput(output);
  // Spark shows a snapshot with the columns of its time.
  const auto shown = session_.Ask(fmt::format("SELECT * FROM {} LIMIT 0", old.sql));
  for (const auto& field : shown.schema->fields()) old.columns.push_back(field->name());
  const auto paths = session_.Ask(replacement != nullptr ? SparkReplacedFilesSql(*replacement, old.sql)
                                                         : SparkTouchedFilesSql(node_.model, old.sql));
  for (const auto& batch : paths.batches) {
    const auto& column = static_cast<const arrow::StringArray&>(*batch->column(0));
    for (int64_t row = 0; row < column.length(); ++row) old.files.insert(column.GetString(row));
  }
  if (old.files.size() > kTouchedFilesMax)
    throw Error(
        ErrorCode::kData,
        fmt::format("rows that take part are in {} data files of {}, and {} can be written again at once; `millrace "
                    "maintain` makes fewer of them, --full-refresh makes all rows anew",
                    old.files.size(), ToString(output.name), kTouchedFilesMax));
  return old;
}

void SparkRun::MakeBranch(const catalog::LoadedTable& output, const Branch& of) {
  branch_ = of.name;
  fork_ = output.metadata->current_snapshot_id;
  FaultPoint("spark.before_branch");
  if (fork_) {
    land::EditTable(
        parts_.catalog, output.name,
        [&](const table::TableMetadata& now) -> table::TableChange {
          if (now.refs.contains(branch_)) return {};
          return {.requirements = {table::AssertTableUuid{output.metadata->table_uuid}},
                  .updates = {table::SetSnapshotRef{branch_, {.snapshot_id = *fork_, .type = "branch"}}}};
        },
        parts_.clock, parts_.stop);
  } else {
    // A branch has a snapshot, and the table has none yet: the branch gets one of its own, without rows.
    catalog::BranchCatalog branch(parts_.catalog, output.name, branch_);
    land::Committer committer(branch, output.name, output.metadata->table_uuid, parts_.clock);
    const auto begun = committer.Commit(table::SnapshotChange{}, std::nullopt, parts_.stop);
    if (const auto* landed = std::get_if<land::Landed>(&begun)) fork_ = landed->snapshot_id;
  }
  FaultPoint("spark.after_branch");
}

SparkRun::Written SparkRun::Write(const catalog::LoadedTable& output, const Branch& branch,
                                  const Replacement* replacement, const Quarantine& quarantine) {
  try {
    return WriteRows(output, branch, replacement, quarantine);
  } catch (const query::SparkError& error) {
    Abandon();
    ThrowAt(node_.model, error);
  } catch (...) {
    Abandon();
    throw;
  }
}

void SparkRun::QuarantineRows(const std::string& condition, const Quarantine& quarantine) {
  try {
    session_.Stream(SparkQuarantineSql(node_.model, condition),
                    [&](const arrow::RecordBatch& batch) { quarantine(BrokenIn(node_.model, batch)); });
  } catch (const query::SparkError& error) {
    ThrowAt(node_.model, error);
  }
}

SparkRun::Written SparkRun::WriteRows(const catalog::LoadedTable& output, const Branch& branch,
                                      const Replacement* replacement, const Quarantine& quarantine) {
  const auto& model = node_.model;
  const auto columns = ColumnsWith(output.metadata->schema());
  // First: a session knows the branches that a table had when it first read it.
  MakeBranch(output, branch);
  if (replacement != nullptr) session_.CreateView(kSparkFresh, SparkFreshSql(model, columns, *replacement));
  auto old = TouchedRows(output, replacement);
  const bool merged = !old.files.empty();
  int64_t kept_out = 0;
  const bool quarantines = quarantine && HasQuarantine(model);
  if (quarantines) {
    QuarantineRows(replacement != nullptr ? replacement->fresh : "true", [&](const auto& broken) {
      kept_out += static_cast<int64_t>(broken.size());
      quarantine(broken);
    });
  }
  const auto rows = replacement != nullptr ? ReplacingRows(model, columns, old, *replacement)
                                           : CheckedRows(model, columns, merged ? &old : nullptr);
  FaultPoint("spark.before_write");
  const auto counted = session_.Append(rows, SparkNameOf(output.name) + "." + SparkQuoted("branch_" + branch_),
                                       WriteOptions(model, branch_));
  FaultPoint("spark.after_write");
  auto written = OnBranch(output.name, branch);
  if (!counted && written.rows + kept_out > 0)
    throw Error(ErrorCode::kUnavailable, "Spark did not say what it counted; run it again");
  const auto count = [&](size_t index) { return counted && index < counted->size() ? (*counted)[index] : 0; };
  written.checked = count(0);
  written.quarantined = count(2);
  written.dropped = count(1) - written.quarantined;
  for (size_t i = 0; i < model.expectations.size(); ++i) written.violations.push_back(count(3 + i));
  if (quarantines && written.quarantined != kept_out)
    throw Error(
        ErrorCode::kData,
        fmt::format("{}: {} of its rows went into quarantine and {} were left out of the table: Spark reads the "
                    "model twice, and what it makes is not the same each time; take out what is not (rand(), "
                    "current_timestamp() and their like), or run it on duckdb",
                    model.file.string(), kept_out, written.quarantined));
  written.change.removed_paths = std::move(old.files);
  return written;
}

/// What Spark has left there.
SparkRun::Written SparkRun::OnBranch(const catalog::TableName& output, const Branch& branch) {
  const auto table = parts_.catalog.Load(output);
  if (!table || !table->metadata->refs.contains(branch_))
    throw Error(ErrorCode::kUnavailable,
                fmt::format("what Spark wrote to {} is gone: the branch {} is not there any more; run it again",
                            ToString(output), branch_));
  Written written;
  const auto increment = table::FilesAddedBetween(parts_.catalog.store(), *table->metadata, fork_,
                                                  table->metadata->refs.at(branch_).snapshot_id);
  const auto* added = std::get_if<table::AddedFiles>(&increment);
  if (added == nullptr)
    throw Error(ErrorCode::kUnavailable,
                fmt::format("the branch {} of {} is not as it was made: another run of it was faster; run it again",
                            branch_, ToString(output)));
  for (const auto& entry : added->files) {
    written.rows += entry.file.record_count;
    written.change.added.push_back(entry.file);
  }
  written.change.borrows_files = true;
  written.change.more_updates = BranchesRemoved(*table->metadata, branch.is_stale);
  return written;
}

void SparkRun::RemoveBranches(catalog::Catalog& catalog, const catalog::TableName& table, const Branch& of,
                              const Clock& clock, const std::stop_token& stop) {
  land::EditTable(
      catalog, table,
      [&](const table::TableMetadata& now) -> table::TableChange {
        auto removed = BranchesRemoved(now, of.is_stale);
        if (removed.empty()) return {};
        return {.requirements = {table::AssertTableUuid{now.table_uuid}}, .updates = std::move(removed)};
      },
      clock, stop);
}

void SparkRun::Abandon() noexcept {
  if (branch_.empty()) return;
  try {
    land::EditTable(parts_.catalog, node_.model.name,
                    [&](const table::TableMetadata& now) -> table::TableChange {
                      if (!now.refs.contains(branch_)) return {};
                      return {.requirements = {table::AssertTableUuid{now.table_uuid}},
                              .updates = {table::RemoveSnapshotRef{branch_}}};
                    },
                    parts_.clock, {});
  } catch (const std::exception& failure) {
    LogInfo("the branch {} of {} stays until the next run: {}", branch_, ToString(node_.model.name), failure.what());
  }
}

}  // namespace millrace::refine
