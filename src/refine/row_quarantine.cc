#include "refine/row_quarantine.h"

#include <arrow/record_batch.h>
#include <fmt/format.h>

#include <optional>
#include <utility>

#include "base/fault.h"
#include "base/random.h"
#include "land/committer.h"
#include "land/data_file_writer.h"
#include "land/drop_file.h"
#include "land/positions.h"
#include "land/quarantine.h"
#include "land/replay_plan.h"
#include "land/schema_authority.h"
#include "query/sql_text.h"
#include "refine/run_plan.h"
#include "refine/touched_files.h"
#include "refine/watermark.h"

namespace millrace::refine {
using query::SqlName;

namespace {

/// Among the positions of the model's scope in its quarantine: an attempt, and behind a line's end, until it is done,
/// the partitions that it replaces. Frozen.
const event::SplitId kReplacingSplit{"replacing"};

constexpr std::string_view kOfBackfill = "replacing:";

struct Replacing {
  std::string attempt;
  std::string slices;  // empty: it is done
};

Replacing ReplacingIn(const event::Cursor& cursor) {
  const auto& text = cursor.value();
  const auto end = text.find('\n');
  return {text.substr(0, end), end == std::string::npos ? "" : text.substr(end + 1)};
}

/// Rows of runs up to that of the attempt, other than its own.
std::string OfRunsBefore(const std::string& attempt) {
  return fmt::format("(ends_with(split, {}) AND TRY_CAST(split_part(split, '.', 1) AS BIGINT) <= {} AND split <> {})",
                     query::QuoteText(attempt.substr(attempt.find('/'))), attempt.substr(0, attempt.find('.')),
                     query::QuoteText(attempt));
}

/// Of runs before the attempt, rows in the partitions. Late ones are rows of `over`: what is made anew, run by run, is
/// not closed, so they stay; the stretch of a backfill has them among its rows.
std::string Superseded(const Model& model, const std::string& attempt, const PartitionSlices& slices, bool backfill) {
  std::string late = "false";
  if (backfill && model.watermark) {
    auto times = slices;
    times.columns = {{model.watermark->column, {.kind = schema::Primitive::kTimestamptz}}};
    late = JsonInSlices(times, "decode(record)");
  }
  return fmt::format("(CASE WHEN NOT {} THEN false WHEN cause = {} THEN TRY({}) ELSE TRY({}) END)",
                     OfRunsBefore(attempt), query::QuoteText(kLateCause), late, JsonInSlices(slices, "decode(record)"));
}

}  // namespace

struct RowQuarantine::State {
  State(Parts with, const Model& of)
      : parts(std::move(with)),
        model(of),
        name(land::QuarantineTableOf(of.name)),
        authority(parts.catalog, {.name = name}, parts.clock) {}

  Parts parts;
  const Model& model;
  const catalog::TableName name;
  land::SchemaAuthority authority;
  std::unique_ptr<land::DataFileWriter> writer = nullptr;
  std::string replacing = {};  // as kReplacingSplit has it; empty: nothing is

  std::unique_ptr<land::DataFileWriter> NewWriter(const std::shared_ptr<const table::TableMetadata>& metadata) const {
    return std::make_unique<land::DataFileWriter>(
        parts.catalog.store(), metadata, land::DataFileWriterOptions{.file_prefix = Random::FromSystem().Uuid()},
        parts.budget);
  }
  void Drop(land::DataFileWriter& dropped) const {
    for (const auto& key : dropped.closed_keys()) parts.catalog.store().Delete(key);
  }

  /// Of this model's rows those of which `condition` is true. Two models whose names differ in a dot share a table.
  std::string Meant(const std::string& condition) const {
    return fmt::format("(\"table\" = {} AND ({}))", query::QuoteText(ToString(model.name)), condition);
  }
  std::set<std::string> FilesWith(const table::TableMetadata& base, const std::string& condition) const {
    return TouchedFiles(parts.catalog, parts.engine, name, base,
                        fmt::format("SELECT DISTINCT {} FROM {} WHERE {}", query::QuoteName(query::kPathColumn),
                                    SqlName(name), Meant(condition)),
                        {}, parts.stop);
  }

  std::vector<table::DataFile> Remaining(const table::TableMetadata& base, const std::set<std::string>& files,
                                         const std::string& condition) const;
  std::shared_ptr<const table::SnapshotChange> Without(const table::TableMetadata& base,
                                                       const std::string& condition) const;
  void CommitReplacing(const event::SplitId& split, const event::Cursor& from, const event::Cursor& to,
                       const std::string& dead);
  void Remove(const land::TableView& view, const std::string& condition, const land::MovePositions& move) const;
};

/// The other rows of these files, written again.
std::vector<table::DataFile> RowQuarantine::State::Remaining(const table::TableMetadata& base,
                                                             const std::set<std::string>& files,
                                                             const std::string& condition) const {
  query::QueryOptions query;
  query.ranges[name] = {.after = std::nullopt, .upto = base.current_snapshot_id};
  query.only_files[name] = files;
  const auto rows =
      parts.engine.Run(fmt::format("SELECT * FROM {} WHERE NOT coalesce({}, false)", SqlName(name), Meant(condition)),
                       query, parts.stop);
  const auto remaining = NewWriter(std::make_shared<const table::TableMetadata>(base));
  try {
    while (const auto batch = rows->Next()) {
      if (batch->num_rows() > 0) remaining->Write(batch);
    }
    return std::move(*remaining).Finish();
  } catch (...) {
    Drop(*remaining);
    throw;
  }
}

/// Null when no row is meant.
std::shared_ptr<const table::SnapshotChange> RowQuarantine::State::Without(const table::TableMetadata& base,
                                                                           const std::string& condition) const {
  auto files = FilesWith(base, condition);
  if (files.empty()) return nullptr;
  auto change = std::make_shared<table::SnapshotChange>();
  change->operation = "overwrite";
  change->added = Remaining(base, files, condition);
  change->removed_paths = std::move(files);
  return change;
}

/// The rows that are meant go, with a move of positions.
void RowQuarantine::State::Remove(const land::TableView& view, const std::string& condition,
                                  const land::MovePositions& move) const {
  land::Committer committer(parts.catalog, name, view.table.metadata->table_uuid, parts.clock);
  std::optional<table::SnapshotId> of;
  std::shared_ptr<const table::SnapshotChange> change;
  committer.Commit(
      [&](const table::TableMetadata& base) {
        if (!change || of != base.current_snapshot_id) {
          change = Without(base, condition);
          if (!change) change = std::make_shared<const table::SnapshotChange>();
          of = base.current_snapshot_id;
        }
        return change;
      },
      move, parts.stop);
}

RowQuarantine::RowQuarantine(Parts parts, const Model& model)
    : state_(std::make_unique<State>(std::move(parts), model)) {}
RowQuarantine::~RowQuarantine() = default;

bool RowQuarantine::Holds(const std::string& attempt) {
  const auto view = state_->authority.Refresh();
  return view &&
         !state_->FilesWith(*view->table.metadata, fmt::format("split = {}", query::QuoteText(attempt))).empty();
}

void RowQuarantine::RemoveDead(const std::string& attempt) {
  const auto view = state_->authority.Refresh();
  if (!view) return;
  const auto same_run = attempt.substr(0, attempt.find('.') + 1);
  const auto table = attempt.substr(attempt.find('/'));
  const auto dead = fmt::format("starts_with(split, {}) AND ends_with(split, {}) AND split <> {}",
                                query::QuoteText(same_run), query::QuoteText(table), query::QuoteText(attempt));
  land::Committer committer(state_->parts.catalog, state_->name, view->table.metadata->table_uuid, state_->parts.clock);
  FaultPoint("refine.before_dead_rows_go");
  committer.CommitIf([&](const table::TableMetadata& base) { return state_->Without(base, dead); }, state_->parts.stop);
  FaultPoint("refine.after_dead_rows_went");
}

void RowQuarantine::Add(const std::vector<land::BrokenRow>& rows, const std::string& attempt) {
  if (rows.empty()) return;
  if (!state_->writer) {
    state_->writer =
        state_->NewWriter(state_->authority.Require(*land::QuarantineColumns(), state_->parts.stop)->table.metadata);
  }
  state_->writer->Write(land::BrokenRows(rows, attempt, state_->parts.clock.Now(),
                                         {.target = state_->model.name, .scope = PositionScope(state_->model)}));
}

void RowQuarantine::Replace(const PartitionSlices& slices, const std::string& attempt) {
  const auto view = state_->authority.Refresh();
  if (!view || !view->table.metadata->current_snapshot_id) return;
  if (state_->FilesWith(*view->table.metadata, Superseded(state_->model, attempt, slices, false)).empty()) return;
  state_->replacing = attempt + "\n" + PrintSlices(slices);
}

void RowQuarantine::Commit() {
  if (!state_->writer && state_->replacing.empty()) return;
  const auto writer = std::exchange(state_->writer, nullptr);
  FaultPoint("refine.before_quarantine");
  table::SnapshotChange change;
  if (writer) change.added = std::move(*writer).Finish();
  const auto view = state_->authority.view();
  std::optional<land::MovePositions> move;
  if (!state_->replacing.empty()) {
    const auto scope = PositionScope(state_->model);
    const auto stored = CursorOf(land::ReadPositions(*view->table.metadata, scope).positions, kReplacingSplit);
    move =
        land::MovePositions{scope, {{kReplacingSplit, stored}}, {{kReplacingSplit, event::Cursor(state_->replacing)}}};
  }
  land::Committer committer(state_->parts.catalog, state_->name, view->table.metadata->table_uuid, state_->parts.clock);
  const auto result = committer.Commit(std::move(change), move, state_->parts.stop);
  if (std::holds_alternative<land::Overtaken>(result))
    throw Error(ErrorCode::kUnavailable, "another run of it was faster; run it again");
  FaultPoint("refine.after_quarantine");
}

/// What was added, with what is stored as replacing; rows of `dead`, an attempt, go. Error kUnavailable when another
/// process was faster.
void RowQuarantine::State::CommitReplacing(const event::SplitId& split, const event::Cursor& from,
                                           const event::Cursor& to, const std::string& dead) {
  table::SnapshotChange added;
  const auto written = std::exchange(writer, nullptr);
  if (written) added.added = std::move(*written).Finish();
  const auto view = authority.view();
  land::Committer committer(parts.catalog, name, view->table.metadata->table_uuid, parts.clock);
  std::optional<table::SnapshotId> of;
  std::shared_ptr<table::SnapshotChange> change;
  const auto result = committer.Commit(
      [&](const table::TableMetadata& base) {
        if (!change || of != base.current_snapshot_id) {
          change = std::make_shared<table::SnapshotChange>(added);
          const auto gone = dead.empty() ? nullptr : Without(base, "split = " + query::QuoteText(dead));
          if (gone) {
            change->operation = gone->operation;
            change->removed_paths = gone->removed_paths;
            change->added.insert(change->added.end(), gone->added.begin(), gone->added.end());
          }
          of = base.current_snapshot_id;
        }
        return change;
      },
      {.scope = PositionScope(model), .from = {{split, from}}, .to = {{split, to}}}, parts.stop);
  if (std::holds_alternative<land::Overtaken>(result))
    throw Error(ErrorCode::kUnavailable, "another process was faster; run it again");
}

void RowQuarantine::ReplaceStretch(const std::string& name, const std::string& attempt, const PartitionSlices& stretch,
                                   const std::function<void()>& fill) {
  const event::SplitId split(std::string(kOfBackfill) + name);
  const auto stored_in = [&](const land::TableViewPtr& view) {
    return view ? CursorOf(land::ReadPositions(*view->table.metadata, PositionScope(state_->model)).positions, split)
                : event::kStart;
  };
  const auto stored = stored_in(state_->authority.Refresh());
  if (ReplacingIn(stored).attempt == attempt) return;
  fill();
  const auto view = state_->authority.view();
  if (!view) return;  // no row ever came here
  FaultPoint("backfill.before_quarantine");
  state_->CommitReplacing(split, stored, event::Cursor(attempt + "\n" + PrintSlices(stretch)),
                          ReplacingIn(stored).attempt);
  FaultPoint("backfill.after_quarantine");
}

std::string RowQuarantine::CountedAttempt(const table::TableMetadata& model_table, const std::string& name) {
  // While it is under way its plan is there, and its positions are those of its branch.
  if (model_table.properties.contains(land::ReplayPlanProperty(name))) return "";
  const auto found = model_table.properties.find(land::PositionsProperty(land::ReplayScope(name)));
  if (found == model_table.properties.end()) return "";
  return CursorOf(land::ParsePositions(found->second, found->first), kQuarantinedSplit).value();
}

void RowQuarantine::FinishStretches(const table::TableMetadata& model_table) {
  const auto view = state_->authority.Refresh();
  if (!view || !view->table.metadata->current_snapshot_id) return;
  for (const auto& [split, cursor] :
       land::ReadPositions(*view->table.metadata, PositionScope(state_->model)).positions) {
    if (!split.value().starts_with(kOfBackfill)) continue;
    Finish(split, CountedAttempt(model_table, split.value().substr(kOfBackfill.size())));
  }
}

void RowQuarantine::AbandonStretch(const std::string& name) {
  const auto view = state_->authority.Refresh();
  if (!view || !view->table.metadata->current_snapshot_id) return;
  const event::SplitId split(std::string(kOfBackfill) + name);
  const auto stored =
      CursorOf(land::ReadPositions(*view->table.metadata, PositionScope(state_->model)).positions, split);
  const auto replacing = ReplacingIn(stored);
  if (replacing.slices.empty()) return;
  // Not the attempt's own name: were it begun again, its rows would be held to be here.
  state_->CommitReplacing(split, stored, event::Cursor("none"), replacing.attempt);
}

void RowQuarantine::FinishReplaced(const std::string& attempt) { Finish(kReplacingSplit, attempt); }

void RowQuarantine::Finish(const event::SplitId& split, const std::string& attempt) {
  const auto view = state_->authority.Refresh();
  if (!view || !view->table.metadata->current_snapshot_id) return;
  const auto scope = PositionScope(state_->model);
  const auto stored = CursorOf(land::ReadPositions(*view->table.metadata, scope).positions, split);
  const auto replacing = ReplacingIn(stored);
  if (replacing.slices.empty() || replacing.attempt != attempt) return;
  const auto slices = ParseSlices(replacing.slices, ToString(state_->name));
  FaultPoint("refine.before_replaced_rows_go");
  state_->Remove(*view, Superseded(state_->model, attempt, slices, split != kReplacingSplit),
                 {scope, {{split, stored}}, {{split, event::Cursor(attempt)}}});
  FaultPoint("refine.after_replaced_rows_went");
}

void RowQuarantine::Abandon() {
  if (state_->writer) state_->Drop(*state_->writer);
  state_->writer.reset();
}

void RowQuarantine::KeepSince(const std::string& attempt) {
  const auto view = state_->authority.Refresh();
  if (!view || !view->table.metadata->current_snapshot_id) return;
  const auto scope = PositionScope(state_->model);
  const auto stored = CursorOf(land::ReadPositions(*view->table.metadata, scope).positions, kRebuiltSplit);
  if (stored.value() == attempt) return;
  const auto number = attempt.substr(0, attempt.find('.'));
  const auto gone = fmt::format(
      "NOT coalesce(ends_with(split, {0}) AND (TRY_CAST(split_part(split, '.', 1) AS BIGINT) > {1} OR split = {2}), "
      "false)",
      query::QuoteText(attempt.substr(attempt.find('/'))), number, query::QuoteText(attempt));
  FaultPoint("refine.before_old_rows_go");
  state_->Remove(*view, gone,
                 {.scope = scope, .from = {{kRebuiltSplit, stored}}, .to = {{kRebuiltSplit, event::Cursor(attempt)}}});
  FaultPoint("refine.after_old_rows_went");
}

}  // namespace millrace::refine
