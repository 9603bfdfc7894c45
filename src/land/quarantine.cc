#include "land/quarantine.h"

#include <arrow/api.h>

#include <algorithm>
#include <map>
#include <mutex>
#include <utility>

#include "base/error.h"
#include "base/fault.h"
#include "base/random.h"
#include "land/arrow_status.h"
#include "land/committer.h"
#include "land/data_file_writer.h"
#include "land/positions.h"
#include "land/read_columns.h"
#include "land/schema_authority.h"
#include "table/manifest.h"

namespace millrace::land {
namespace {

using event::RejectCause;

/// In the summary of each of its snapshots: where the target stood when the chunk began. Frozen.
std::string ChunkProperty(const std::string& scope) { return "millrace.quarantine.from." + scope; }

std::shared_ptr<arrow::Schema> Columns() {
  return arrow::schema({arrow::field("record", arrow::binary()), arrow::field("topic", arrow::utf8()),
                        arrow::field("partition", arrow::int32()), arrow::field("offset", arrow::int64()),
                        arrow::field("cause", arrow::utf8()), arrow::field("detail", arrow::utf8()),
                        arrow::field("table", arrow::utf8()),
                        arrow::field("ingested_at", arrow::timestamp(arrow::TimeUnit::MICRO, "UTC")),
                        arrow::field("split", arrow::utf8()), arrow::field("scope", arrow::utf8())});
}

constexpr RejectCause kCauses[] = {RejectCause::kMalformed,     RejectCause::kInvalidUtf8, RejectCause::kNotAnObject,
                                   RejectCause::kTooLarge,      RejectCause::kTooDeep,     RejectCause::kTooManyColumns,
                                   RejectCause::kDuplicateKey,  RejectCause::kContract,    RejectCause::kMissingKey,
                                   RejectCause::kPartitionValue};

RejectCause CauseOf(std::string_view name) {
  const auto found = std::ranges::find(kCauses, name, [](RejectCause cause) { return event::ToString(cause); });
  return found == std::end(kCauses) ? RejectCause::kMalformed : *found;
}

using Place = std::pair<event::SplitId, int64_t>;

std::shared_ptr<arrow::RecordBatch> RowsOf(const event::EventBatch& events, const std::vector<event::Reject>& rejects,
                                           const QuarantineOptions& options) {
  const auto schema = Columns();
  const auto builder =
      ValueOf(arrow::RecordBatchBuilder::Make(schema, arrow::default_memory_pool()), "quarantine rows");
  const auto text = [&](int column, std::string_view value) {
    Check(builder->GetFieldAs<arrow::StringBuilder>(column)->Append(value), "quarantine rows");
  };
  const std::string target = catalog::ToString(options.target);
  for (const auto& reject : rejects) {
    Check(builder->GetFieldAs<arrow::BinaryBuilder>(0)->Append(events.record(reject.record)), "quarantine rows");
    text(1, events.topic);
    Check(builder->GetFieldAs<arrow::Int32Builder>(2)->Append(events.partition), "quarantine rows");
    Check(builder->GetFieldAs<arrow::Int64Builder>(3)->Append(events.offset(reject.record)), "quarantine rows");
    text(4, event::ToString(reject.cause));
    text(5, reject.detail);
    text(6, target);
    Check(builder->GetFieldAs<arrow::TimestampBuilder>(7)->Append(events.ingested_at.time_since_epoch().count()),
          "quarantine rows");
    text(8, events.split.value());
    text(9, options.scope);
  }
  return ValueOf(builder->Flush(), "quarantine rows");
}

}  // namespace

catalog::TableName QuarantineTableOf(const catalog::TableName& target) {
  std::string name = target.name_space + "_" + target.name;
  std::ranges::replace(name, '.', '_');
  return {.name_space = "quarantine", .name = std::move(name)};
}

struct QuarantineWriter::State {
  void ReadAhead(const table::TableMetadata& metadata, const event::Positions& landed);
  void ReadSnapshot(const table::TableMetadata& metadata, const table::Snapshot& snapshot);
  void DropFiles(const std::vector<std::string>& keys);

  catalog::Catalog& catalog;
  QuarantineOptions options;
  ByteBudget& budget;
  const Clock& clock;
  SchemaAuthority authority;
  mutable std::mutex mutex = {};
  std::map<Place, RejectCause> held = {};
  std::unique_ptr<DataFileWriter> writer = nullptr;
  int64_t pending = 0;
  Random random = Random::FromSystem();
};

QuarantineWriter::QuarantineWriter(catalog::Catalog& catalog, QuarantineOptions options, ByteBudget& budget,
                                   const Clock& clock) {
  TableDeclaration declaration{.name = QuarantineTableOf(options.target)};
  state_.reset(new State{.catalog = catalog,
                         .options = std::move(options),
                         .budget = budget,
                         .clock = clock,
                         .authority = SchemaAuthority(catalog, std::move(declaration), clock)});
}

QuarantineWriter::~QuarantineWriter() = default;

void QuarantineWriter::State::ReadSnapshot(const table::TableMetadata& metadata, const table::Snapshot& snapshot) {
  const auto& schema = metadata.schema();
  const std::vector<schema::FieldId> ids = {schema.Find("split")->id, schema.Find("offset")->id,
                                            schema.Find("cause")->id, schema.Find("scope")->id};
  const auto visit = [&](const arrow::ArrayVector& columns) {
    const auto text = [&](size_t column, int64_t row) {
      return static_cast<const arrow::StringArray&>(*columns[column]).GetView(row);
    };
    for (int64_t row = 0; row < columns[0]->length(); ++row) {
      if (text(3, row) != options.scope) continue;
      const Place place{event::SplitId(std::string(text(0, row))),
                        static_cast<const arrow::Int64Array&>(*columns[1]).Value(row)};
      held.emplace(place, CauseOf(text(2, row)));
    }
  };
  for (const auto& manifest : table::ReadManifestList(catalog.store(), snapshot)) {
    if (manifest.added_snapshot_id != snapshot.snapshot_id) continue;
    for (const auto& entry : table::ReadManifest(catalog.store(), metadata, manifest)) {
      if (entry.status != table::EntryStatus::kAdded) continue;
      ReadColumns(catalog.store(), entry.file.file_path, schema, ids, visit);
    }
  }
}

/// Newest first, as long as the target still stands where a chunk of ours began: those chunks did not land.
void QuarantineWriter::State::ReadAhead(const table::TableMetadata& metadata, const event::Positions& landed) {
  const table::Snapshot* snapshot = metadata.current_snapshot();
  for (size_t steps = 0; snapshot != nullptr && steps <= metadata.snapshots.size(); ++steps) {
    const auto stored = snapshot->summary.find(ChunkProperty(options.scope));
    if (stored != snapshot->summary.end()) {
      const auto from = ParsePositions(stored->second, "the quarantine table");
      const bool ahead = std::ranges::any_of(from, [&](const auto& entry) {
        const auto now = landed.find(entry.first);
        return (now == landed.end() ? event::kStart : now->second) == entry.second;
      });
      if (!ahead) return;
      ReadSnapshot(metadata, *snapshot);
    }
    snapshot = snapshot->parent_snapshot_id ? metadata.FindSnapshot(*snapshot->parent_snapshot_id) : nullptr;
  }
}

void QuarantineWriter::State::DropFiles(const std::vector<std::string>& keys) {
  for (const auto& key : keys) catalog.store().Delete(key);
}

void QuarantineWriter::Recover(const event::Positions& landed) {
  Drop();
  const std::lock_guard lock(state_->mutex);
  state_->held.clear();
  const auto view = state_->authority.Refresh();
  if (view) state_->ReadAhead(*view->table.metadata, landed);
}

std::optional<RejectCause> QuarantineWriter::Holds(const event::SplitId& split, int64_t offset) const {
  const std::lock_guard lock(state_->mutex);
  const auto found = state_->held.find({split, offset});
  return found == state_->held.end() ? std::nullopt : std::optional(found->second);
}

bool QuarantineWriter::holds_any() const {
  const std::lock_guard lock(state_->mutex);
  return !state_->held.empty();
}

void QuarantineWriter::Add(const event::EventBatch& events, const std::vector<event::Reject>& rejects) {
  const std::lock_guard lock(state_->mutex);
  std::vector<event::Reject> fresh;
  std::ranges::copy_if(rejects, std::back_inserter(fresh), [&](const auto& reject) {
    return !state_->held.contains({events.split, events.offset(reject.record)});
  });
  if (fresh.empty()) return;
  if (!state_->writer) {
    const auto view = state_->authority.Require(*Columns(), {});
    state_->writer =
        std::make_unique<DataFileWriter>(state_->catalog.store(), view->table.metadata,
                                         DataFileWriterOptions{.file_prefix = state_->random.Uuid()}, state_->budget);
  }
  state_->writer->Write(RowsOf(events, fresh, state_->options));
  state_->pending += static_cast<int64_t>(fresh.size());
}

int64_t QuarantineWriter::pending_rows() const {
  const std::lock_guard lock(state_->mutex);
  return state_->pending;
}

void QuarantineWriter::Commit(const event::Positions& from, const event::Positions& to, std::stop_token stop) {
  const std::lock_guard lock(state_->mutex);
  if (!state_->writer) return;
  FaultPoint("quarantine.before_commit");
  event::Positions starts;
  for (const auto& [split, cursor] : to) {
    const auto start = from.find(split);
    starts[split] = start == from.end() ? event::kStart : start->second;
  }
  table::SnapshotChange change;
  change.added = std::move(*state_->writer).Finish();
  change.summary[ChunkProperty(state_->options.scope)] = PrintPositions(starts);
  const auto view = state_->authority.view();
  Committer committer(state_->catalog, view->table.name, view->table.metadata->table_uuid, state_->clock);
  committer.Commit(std::move(change), std::nullopt, stop);
  state_->writer.reset();
  state_->pending = 0;
  FaultPoint("quarantine.after_commit");
}

void QuarantineWriter::Drop() {
  const std::lock_guard lock(state_->mutex);
  if (state_->writer) state_->DropFiles(state_->writer->closed_keys());
  state_->writer.reset();
  state_->pending = 0;
}

}  // namespace millrace::land
