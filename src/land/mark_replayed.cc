#include "land/mark_replayed.h"

#include <arrow/api.h>

#include <algorithm>
#include <map>
#include <memory>
#include <optional>
#include <set>
#include <string>
#include <utility>

#include "base/error.h"
#include "base/fault.h"
#include "base/random.h"
#include "land/arrow_status.h"
#include "land/committer.h"
#include "land/data_file_writer.h"
#include "land/quarantine_rows.h"
#include "land/read_columns.h"
#include "land/remaining_rows.h"
#include "land/schema_authority.h"

namespace millrace::land {
namespace {

constexpr const char* kDoing = "marking quarantined records";

/// What is to be said of a record.
struct Mark {
  std::string chunk;  // empty: it failed again
  ReplayNote::Failure failure;
};
using Marks = std::map<QuarantinedPlace, Mark>;

/// A later note has the last word.
Marks MarksOf(const std::vector<ReplayNote>& notes) {
  Marks marks;
  for (const auto& note : notes) {
    for (const auto& [place, failure] : note.failed) marks[place] = {.chunk = {}, .failure = failure};
    for (const auto& place : note.landed) marks[place] = {.chunk = note.chunk, .failure = {}};
  }
  return marks;
}

std::string_view TextAt(const arrow::Array& column, int64_t row) {
  return column.IsNull(row) ? std::string_view() : static_cast<const arrow::StringArray&>(column).GetView(row);
}

/// The mark that a row still lacks; null when there is none.
const Mark* Lacks(const Marks& marks, const QuarantinedPlace& place, bool replayed, std::string_view cause,
                  std::string_view detail) {
  const auto found = marks.find(place);
  if (found == marks.end() || replayed) return nullptr;
  const Mark& mark = found->second;
  const bool said = mark.chunk.empty() && mark.failure.cause == cause && mark.failure.detail == detail;
  return said ? nullptr : &mark;
}

bool NeedsMarks(io::ObjectStore& store, const table::TableMetadata& metadata, const std::string& file,
                const Marks& marks) {
  std::vector<schema::FieldId> ids;
  for (const char* name : {"scope", "split", "offset", "cause", "detail", "replayed_at"}) {
    ids.push_back(metadata.schema().Find(name)->id);
  }
  bool needs = false;
  ReadColumns(store, file, metadata.schema(), ids, [&](const arrow::ArrayVector& columns) {
    for (int64_t row = 0; row < columns[0]->length() && !needs; ++row) {
      const QuarantinedPlace place{std::string(TextAt(*columns[0], row)),
                                   event::SplitId(std::string(TextAt(*columns[1], row))),
                                   static_cast<const arrow::Int64Array&>(*columns[2]).Value(row)};
      needs =
          Lacks(marks, place, columns[5]->IsValid(row), TextAt(*columns[3], row), TextAt(*columns[4], row)) != nullptr;
    }
  });
  return needs;
}

/// The same rows with their marks.
std::shared_ptr<arrow::RecordBatch> Marked(const arrow::RecordBatch& rows, const Marks& marks, Timestamp now) {
  const auto column = [&](const char* name) { return rows.GetColumnByName(name); };
  const auto scope = column("scope"), split = column("split"), cause = column("cause"), detail = column("detail"),
             replay = column("replay");
  const auto& offset = static_cast<const arrow::Int64Array&>(*column("offset"));
  const auto& replayed_at = static_cast<const arrow::TimestampArray&>(*column("replayed_at"));
  arrow::StringBuilder causes, details, replays;
  arrow::TimestampBuilder times(replayed_at.type(), arrow::default_memory_pool());
  const auto keep = [](arrow::StringBuilder& builder, const arrow::Array& from, int64_t row) {
    Check(from.IsNull(row) ? builder.AppendNull() : builder.Append(TextAt(from, row)), kDoing);
  };
  for (int64_t row = 0; row < rows.num_rows(); ++row) {
    const QuarantinedPlace place{std::string(TextAt(*scope, row)), event::SplitId(std::string(TextAt(*split, row))),
                                 offset.Value(row)};
    const Mark* mark = Lacks(marks, place, replayed_at.IsValid(row), TextAt(*cause, row), TextAt(*detail, row));
    const bool fails = mark != nullptr && mark->chunk.empty();
    const bool landed = mark != nullptr && !fails;
    fails ? Check(causes.Append(mark->failure.cause), kDoing) : keep(causes, *cause, row);
    fails ? Check(details.Append(mark->failure.detail), kDoing) : keep(details, *detail, row);
    landed ? Check(replays.Append(mark->chunk), kDoing) : keep(replays, *replay, row);
    if (landed) {
      Check(times.Append(now.time_since_epoch().count()), kDoing);
    } else {
      Check(replayed_at.IsNull(row) ? times.AppendNull() : times.Append(replayed_at.Value(row)), kDoing);
    }
  }
  auto columns = rows.columns();
  const auto put = [&](const char* name, arrow::ArrayBuilder& builder) {
    columns[static_cast<size_t>(rows.schema()->GetFieldIndex(name))] = ValueOf(builder.Finish(), kDoing);
  };
  put("cause", causes);
  put("detail", details);
  put("replay", replays);
  put("replayed_at", times);
  return arrow::RecordBatch::Make(rows.schema(), rows.num_rows(), std::move(columns));
}

}  // namespace

void MarkReplayed(catalog::Catalog& catalog, const catalog::TableName& quarantine, const std::vector<ReplayNote>& notes,
                  ByteBudget& budget, const Clock& clock, const std::stop_token& stop) {
  const Marks marks = MarksOf(notes);
  SchemaAuthority authority(catalog, {.name = quarantine}, clock);
  for (;;) {
    const auto view = authority.Require(*QuarantineColumns(), stop);
    const auto& metadata = *view->table.metadata;
    const SnapshotFiles files(catalog.store(), view->table.metadata);
    table::SnapshotChange change;
    change.operation = "overwrite";
    DataFileWriter writer(catalog.store(), view->table.metadata,
                          DataFileWriterOptions{.file_prefix = Random::FromSystem().Uuid()}, budget);
    for (const auto& file : files.data()) {
      if (!NeedsMarks(catalog.store(), metadata, file.file.file_path, marks)) continue;
      change.removed_paths.insert(file.file.file_path);
      // Rows that others deleted stay deleted.
      RemainingRows rows(catalog.store(), files, file, view->columns);
      while (const auto batch = rows.Next()) {
        if (batch->num_rows() > 0) writer.Write(Marked(*batch, marks, clock.Now()));
      }
    }
    if (change.removed_paths.empty()) return;
    change.added = std::move(writer).Finish();
    const auto removed = change.removed_paths;
    const auto planned_on = metadata.current_snapshot_id;
    FaultPoint("quarantine.before_marks");
    Committer committer(catalog, quarantine, metadata.table_uuid, clock);
    const auto landed = committer.CommitIf(
        std::move(change),
        [&](const table::TableMetadata& base) {
          if (base.current_snapshot_id == planned_on) return true;
          const SnapshotFiles now(catalog.store(), std::make_shared<const table::TableMetadata>(base));
          return std::ranges::includes(now.paths(), removed) &&
                 std::ranges::includes(files.delete_paths(), now.delete_paths());
        },
        stop);
    FaultPoint("quarantine.after_marks");
    if (landed) return;
  }
}

}  // namespace millrace::land
