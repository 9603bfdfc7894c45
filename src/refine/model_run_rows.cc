#include "refine/model_run.h"

#include <arrow/record_batch.h>
#include <fmt/format.h>

#include <utility>

#include "base/random.h"
#include "land/data_file_writer.h"
#include "query/sql_text.h"
#include "refine/expect_header.h"
#include "refine/fresh_rows.h"
#include "refine/output_table.h"
#include "refine/result_rows.h"
#include "refine/touched_files.h"

namespace millrace::refine {

table::SnapshotChange ModelRun::Write() {
  table::SnapshotChange change;
  auto rows = FreshRowsSql(model_);
  if (plan_.way == RunPlan::Way::kReplace) {
    output_ = *parts_.catalog.Load(model_.name);
    read_ = output_->metadata->current_snapshot_id;
    const ReplaceFields fields(model_, output_->metadata->schema());
    Touch(fields, TouchedPartitions(parts_.engine, model_, plan_, fields, query_, parts_.stop));
  }
  if (plan_.way == RunPlan::Way::kRebuild && model_.watermark) {
    const ResultRows made(model_,
                          parts_.engine.Run("SELECT * FROM (" + rows + ") LIMIT 0", query_, parts_.stop)->schema());
    const ReplaceFields fields(model_, WithIds(made.columns()));
    StepFrom(fields, event::kStart);
    if (model_.watermark->emit == Model::Watermark::Emit::kOnClose)
      rows = fmt::format("SELECT * FROM ({}) AS r WHERE {}", rows,
                         IsClosed(fields, "r", step_->closed_now, ModelEngine::kDuckDb));
  }
  if (plan_.way == RunPlan::Way::kReplace) {
    const auto replacement = ReplacementOf(slices_, ModelEngine::kDuckDb);
    if (!slices_.slices.empty())
      change.removed_paths = TouchedFiles(parts_.catalog, parts_.engine, model_.name, *output_->metadata,
                                          ReplacedFilesSql(model_, replacement), query_, parts_.stop);
    rows = ReplacingRowsSql(model_, replacement);
    query_.ranges[model_.name] = {.after = std::nullopt, .upto = output_->metadata->current_snapshot_id};
    query_.only_files[model_.name] = change.removed_paths;
  }
  if (plan_.way == RunPlan::Way::kMerge) {
    output_ = *parts_.catalog.Load(model_.name);
    read_ = output_->metadata->current_snapshot_id;
    change.removed_paths = TouchedFiles(parts_.catalog, parts_.engine, model_.name, *output_->metadata,
                                        TouchedFilesSql(model_), query_, parts_.stop);
    if (!change.removed_paths.empty()) {
      rows = MergedRowsSql(model_);
      query_.ranges[model_.name] = {.after = std::nullopt, .upto = output_->metadata->current_snapshot_id};
      query_.only_files[model_.name] = change.removed_paths;
    }
  }
  change.added = WriteRows(rows);
  return Replacing(std::move(change));
}

table::SnapshotChange ModelRun::WriteOnSpark() {
  const ResultRows rows(model_, spark_->Open());
  std::optional<Replacement> replacement;
  if (plan_.way == RunPlan::Way::kReplace) {
    output_ = *parts_.catalog.Load(model_.name);
    const ReplaceFields fields(model_, output_->metadata->schema());
    Touch(fields, spark_->Touched(fields));
    replacement = ReplacementOf(slices_, ModelEngine::kSpark);
  }
  if (plan_.way == RunPlan::Way::kRebuild) {
    replacement.reset();
    if (model_.watermark) {
      const ReplaceFields fields(model_, WithIds(rows.columns()));
      StepFrom(fields, event::kStart);
      if (model_.watermark->emit == Model::Watermark::Emit::kOnClose)
        replacement = {IsClosed(fields, "r", step_->closed_now, ModelEngine::kSpark), "false"};
    }
  }
  Begin(EnsureOutput(parts_.catalog, model_, rows.columns(), plan_.way == RunPlan::Way::kRebuild, parts_.clock,
                     parts_.stop));
  auto written = SparkWritten(replacement ? &*replacement : nullptr);
  report_.rows = written.rows;
  report_.rows_checked = written.checked;
  report_.rows_dropped = written.dropped;
  report_.rows_quarantined = written.quarantined;
  for (size_t i = 0; i < model_.expectations.size(); ++i) ReportRows(i, written.violations[i]);
  ReportFiles(written.change.added);
  return Replacing(std::move(written.change));
}

SparkRun::Written ModelRun::SparkWritten(const Replacement* replacement) {
  try {
    return spark_->Write(*output_, SparkRun::OfRun(RunNumber::Parse(CursorOf(plan_.to, kRunSplit)).number), replacement,
                         [&](const auto& broken) { quarantine_.Add(broken, attempt_); });
  } catch (...) {
    quarantine_.Abandon();
    throw;
  }
}

std::vector<table::DataFile> ModelRun::WriteRows(const std::string& sql) {
  const auto result = parts_.engine.Run(sql, query_, parts_.stop);
  ResultRows rows(model_, result->schema());
  // Most of what can fail has failed once the first rows are there: the table is made, or changed, after that.
  auto batch = result->Next();
  Begin(EnsureOutput(parts_.catalog, model_, rows.columns(), plan_.way == RunPlan::Way::kRebuild, parts_.clock,
                     parts_.stop));
  land::DataFileWriterOptions options;
  options.file_prefix = Random::FromSystem().Uuid();
  land::DataFileWriter writer(parts_.catalog.store(), output_->metadata, options, parts_.budget);
  try {
    for (; batch; batch = result->Next()) Take(*batch, rows, writer);
  } catch (...) {
    for (const auto& key : writer.closed_keys()) parts_.catalog.store().Delete(key);
    quarantine_.Abandon();
    throw;
  }
  report_.rows = writer.rows();
  report_.rows_checked = rows.checked();
  report_.rows_dropped = rows.dropped();
  report_.rows_quarantined = rows.quarantined();
  for (size_t i = 0; i < model_.expectations.size(); ++i) ReportRows(i, rows.violations(i));
  auto files = std::move(writer).Finish();
  ReportFiles(files);
  return files;
}

void ModelRun::Take(const arrow::RecordBatch& batch, ResultRows& rows, land::DataFileWriter& writer) {
  const auto taken = rows.Take(batch);
  if (rows.failed()) return;
  if (taken->num_rows() > 0) writer.Write(taken);
  quarantine_.Add(rows.TakeQuarantined(), attempt_);
}

void ModelRun::Touch(const ReplaceFields& fields, PartitionSlices touched) {
  slices_ = std::move(touched);
  if (model_.watermark) {
    StepFrom(fields, plan_.watermark);
    slices_ = OpenSlices(model_, fields, slices_, *step_);
  }
  if (slices_.slices.size() <= kSlicesMax) return;
  plan_.way = RunPlan::Way::kRebuild;
  report_.why = plan_.why =
      fmt::format("new rows are of {} partitions, and {} are replaced one by one", slices_.slices.size(), kSlicesMax);
  report_.full_refresh = true;
}

void ModelRun::StepFrom(const ReplaceFields& fields, const event::Cursor& stored) {
  const auto unit = RequireTimeField(model_, fields).unit;
  const auto before = ParseTimestamp(stored.value());
  step_ = WatermarkStep{};
  step_->before = step_->after = before;
  step_->closed_before = step_->closed_now = ClosedBefore(before, unit);
  AskNewRows([&](const std::string& over,
                 ModelEngine engine) { return NewestSql(model_, over, step_->closed_before, engine); },
             [&](const arrow::RecordBatch& newest) { TakeNewest(model_, unit, newest, *step_); });
  report_.rows_late = step_->late;
  report_.watermark = step_->after;
  const bool anew = stored == event::kStart;
  int64_t late = step_->late;
  if (const auto earlier = output_ && !anew ? ReadWatermark(model_, *output_->metadata) : std::nullopt)
    late += earlier->late;
  plan_.from[kWatermarkSplit] = plan_.watermark;
  plan_.from[kLateSplit] = plan_.late;
  plan_.to[kWatermarkSplit] = step_->after ? event::Cursor(FormatTimestamp(*step_->after)) : event::kStart;
  plan_.to[kLateSplit] = event::Cursor(std::to_string(late));
}

void ModelRun::AskNewRows(const std::function<std::string(const std::string& over, ModelEngine engine)>& sql,
                          const std::function<void(const arrow::RecordBatch&)>& visit) {
  try {
    if (spark_) {
      spark_->AskOver([&](const std::string& over) { return sql(over, ModelEngine::kSpark); }, visit);
      return;
    }
    auto query = query_;
    if (plan_.way == RunPlan::Way::kReplace) query.ranges = plan_.new_rows;
    const auto result = parts_.engine.Run(sql(query::SqlName(*model_.over), ModelEngine::kDuckDb), query, parts_.stop);
    while (const auto batch = result->Next()) visit(*batch);
  } catch (const Error& error) {
    if (error.code() != ErrorCode::kData) throw;
    throw Error(ErrorCode::kConfig, fmt::format("{}:{}: watermark, over a row of {}: {}", model_.file.string(),
                                                model_.watermark->line, ToString(*model_.over), error.message()));
  }
}

table::SnapshotChange ModelRun::Replacing(table::SnapshotChange change) const {
  change.remove_all = plan_.way == RunPlan::Way::kRebuild;
  if (change.remove_all || !change.removed_paths.empty()) change.operation = "overwrite";
  return change;
}

void ModelRun::ReportRows(size_t index, int64_t violations) {
  const auto& expectation = model_.expectations[index];
  report_.expectations.push_back({.condition = expectation.condition,
                                  .violations = violations,
                                  .severity = std::string(ToString(expectation.action)),
                                  .met = violations == 0});
}

void ModelRun::ReportFiles(const std::vector<table::DataFile>& files) {
  report_.files = static_cast<int64_t>(files.size());
  for (const auto& file : files) report_.bytes += file.file_size_in_bytes;
}

}  // namespace millrace::refine
