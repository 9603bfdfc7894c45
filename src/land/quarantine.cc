#include "land/quarantine.h"

#include <arrow/api.h>

#include <algorithm>
#include <mutex>
#include <set>
#include <utility>

#include "base/error.h"
#include "base/fault.h"
#include "base/random.h"
#include "io/outage_patience.h"
#include "land/committer.h"
#include "land/data_file_writer.h"
#include "land/held_records.h"
#include "land/positions.h"
#include "land/schema_authority.h"

namespace millrace::land {

catalog::TableName QuarantineTableOf(const catalog::TableName& target) {
  std::string name = target.name_space + "_" + target.name;
  std::ranges::replace(name, '.', '_');
  return {.name_space = "quarantine", .name = std::move(name)};
}

struct QuarantineWriter::State {
  TableViewPtr Table();
  DataFileWriter& Writer();
  void DropPending();
  bool AnotherWrote(const table::TableMetadata& base, const event::Positions& splits);

  catalog::Catalog& catalog;
  QuarantineOptions options;
  ByteBudget& budget;
  const Clock& clock;
  SchemaAuthority authority;
  mutable std::mutex mutex = {};
  HeldRecords held = {};
  std::set<table::SnapshotId> known = {};  // snapshots whose records are in `held`, are ours, or do not concern us
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

/// The table, made where it is missing; whoever is patient with the store is so with the catalogue.
TableViewPtr QuarantineWriter::State::Table() {
  return io::OutagePatience::Ask([&] { return authority.Require(*QuarantineColumns(), io::OutagePatience::Stop()); });
}

DataFileWriter& QuarantineWriter::State::Writer() {
  if (!writer) {
    const auto view = Table();
    writer = std::make_unique<DataFileWriter>(catalog.store(), view->table.metadata,
                                              DataFileWriterOptions{.file_prefix = random.Uuid()}, budget);
  }
  return *writer;
}

void QuarantineWriter::State::DropPending() {
  if (writer) {
    for (const auto& key : writer->closed_keys()) catalog.store().Delete(key);
  }
  writer.reset();
  pending = 0;
}

/// Whether a snapshot that we do not know brought records of `splits` in our scope: of two workers at one place, the
/// one that quarantines later must look at what the other has done, lest a record be there twice.
bool QuarantineWriter::State::AnotherWrote(const table::TableMetadata& base, const event::Positions& splits) {
  const std::string property = QuarantineFromProperty(options.scope);
  const table::Snapshot* snapshot = base.current_snapshot();
  for (size_t steps = 0; snapshot != nullptr && steps <= base.snapshots.size(); ++steps) {
    const auto stated = snapshot->summary.find(property);
    if (known.insert(snapshot->snapshot_id).second && stated != snapshot->summary.end()) {
      const auto theirs = ParsePositions(stated->second, "the quarantine table");
      if (std::ranges::any_of(theirs, [&](const auto& entry) { return splits.contains(entry.first); })) return true;
    }
    snapshot = snapshot->parent_snapshot_id ? base.FindSnapshot(*snapshot->parent_snapshot_id) : nullptr;
  }
  return false;
}

void QuarantineWriter::Recover(const event::Positions& landed) {
  const std::lock_guard lock(state_->mutex);
  state_->DropPending();
  state_->held = {};
  state_->known.clear();
  const auto view = state_->authority.Refresh();
  if (!view) return;
  const auto& metadata = *view->table.metadata;
  auto& store = state_->catalog.store();
  state_->held = state_->options.leaves_all ? HeldRecords::Everything(store, metadata)
                                            : HeldRecords(store, metadata, state_->options.scope, landed);
  for (const auto& snapshot : metadata.snapshots) state_->known.insert(snapshot.snapshot_id);
}

std::optional<event::RejectCause> QuarantineWriter::Holds(const event::SplitId& split, int64_t offset) const {
  const std::lock_guard lock(state_->mutex);
  return state_->held.Find(split, offset);
}

bool QuarantineWriter::holds_any() const {
  const std::lock_guard lock(state_->mutex);
  return !state_->held.empty();
}

void QuarantineWriter::Add(const event::EventBatch& events, const std::vector<event::Reject>& rejects) {
  const std::lock_guard lock(state_->mutex);
  std::vector<event::Reject> fresh;
  std::ranges::copy_if(rejects, std::back_inserter(fresh), [&](const auto& reject) {
    return !state_->held.Find(events.split, events.offset(reject.record));
  });
  if (fresh.empty()) return;
  state_->Writer().Write(RejectedRows(events, fresh, state_->options));
  state_->pending += static_cast<int64_t>(fresh.size());
}

void QuarantineWriter::AddGap(const event::EventBatch& events) {
  const std::lock_guard lock(state_->mutex);
  // Of a gap that has grown since the crash, what is new.
  const int64_t first = state_->held.PassGaps(events.split, events.gap->first_offset);
  if (first >= events.gap->end_offset) return;
  state_->Writer().Write(GapRow(events, first, state_->options));
  ++state_->pending;
}

int64_t QuarantineWriter::pending_rows() const {
  const std::lock_guard lock(state_->mutex);
  return state_->pending;
}

bool QuarantineWriter::Commit(const event::Positions& from, const event::Positions& to, std::stop_token stop) {
  const std::lock_guard lock(state_->mutex);
  if (!state_->writer) return true;
  FaultPoint("quarantine.before_commit");
  event::Positions starts;
  for (const auto& [split, cursor] : to) starts[split] = CursorOf(from, split);
  // Whatever is thrown from here on may have landed: these files are nobody's to delete.
  const auto writer = std::exchange(state_->writer, nullptr);
  state_->pending = 0;
  table::SnapshotChange change;
  change.added = std::move(*writer).Finish();
  change.summary[QuarantineFromProperty(state_->options.scope)] = PrintPositions(starts);
  change.summary[QuarantineToProperty(state_->options.scope)] = PrintPositions(to);
  const auto view = state_->authority.view();
  Committer committer(state_->catalog, view->table.name, view->table.metadata->table_uuid, state_->clock);
  const auto landed = committer.CommitIf(
      std::move(change), [&](const table::TableMetadata& base) { return !state_->AnotherWrote(base, to); }, stop);
  if (!landed) return false;
  state_->known.insert(landed->snapshot_id);
  FaultPoint("quarantine.after_commit");
  return true;
}

void QuarantineWriter::Drop() {
  const std::lock_guard lock(state_->mutex);
  state_->DropPending();
}

}  // namespace millrace::land
