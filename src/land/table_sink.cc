#include "land/table_sink.h"

#include <arrow/api.h>
#include <fmt/format.h>

#include <algorithm>
#include <mutex>
#include <thread>
#include <utility>

#include "base/bytes.h"
#include "base/error.h"
#include "base/fault.h"
#include "base/random.h"
#include "base/trace.h"
#include "land/committer.h"
#include "land/drop_file.h"
#include "land/key_index.h"
#include "land/land_events.h"
#include "land/lane_pool.h"
#include "land/positions.h"
#include "land/quarantine.h"
#include "land/through_outage.h"
#include "schema/evolution.h"

namespace millrace::land {
namespace {

using std::chrono::duration_cast;
using std::chrono::milliseconds;

/// A commit is due when this many keys wait for it: they are looked up in memory and on disk until then.
constexpr int64_t kPendingKeysMax = int64_t{16} << 20;

/// Where nothing came for this long, a backlog has been read to its end: if it makes files of a fair size, rows have
/// nothing to wait for.
constexpr milliseconds kQuiet{200};
/// What was read of the table before the quarantine was committed is what the commit is built on, unless that took
/// longer.
constexpr milliseconds kReadIsFresh{100};
/// Bytes of JSON to one of Parquet, about.
constexpr int64_t kReadToWritten = 8;
/// The part of `file_size` that is a fair size.
constexpr int64_t kFairPart = 32;

int LanesOf(int wanted) {
  return wanted > 0 ? wanted : std::max(1, static_cast<int>(std::thread::hardware_concurrency()));
}

/// What one lane may hold, so that all of them together stay well inside the budget and sources can go on.
DataFileWriterOptions WriterOptions(const TableSinkOptions& sink, int64_t budget_bytes, int lanes) {
  DataFileWriterOptions options;
  options.file_size_target_bytes = sink.file_size_bytes;
  options.spill_folder = sink.spill_folder;
  options.row_group_bytes = std::clamp<int64_t>(budget_bytes / (8 * lanes), int64_t{1} << 20, int64_t{64} << 20);
  options.buffer_bytes_max = std::max<int64_t>(budget_bytes / (3 * lanes), int64_t{4} << 20);
  return options;
}

TableDeclaration DeclarationOf(const TableSinkOptions& options) {
  auto declaration = options.table;
  declaration.unpartitioned_spec = options.upsert && options.upsert->mode == UpsertMode::kEqualityDeletes;
  return declaration;
}

}  // namespace

class TableSink::Impl {
 public:
  Impl(catalog::Catalog& catalog, TableSinkOptions options, ByteBudget& budget, const Clock& clock)
      : catalog_(catalog),
        options_(std::move(options)),
        budget_(budget),
        clock_(clock),
        lanes_(LanesOf(options_.lanes)),
        authority_(catalog, DeclarationOf(options_), clock),
        rejects_(options_.rejects),
        board_(clock) {
    if (!rejects_) {
      rejects_ = std::make_shared<QuarantineWriter>(
          catalog,
          QuarantineOptions{
              .target = options_.table.name, .scope = options_.scope, .leaves_all = options_.leaves_quarantined},
          budget, clock);
    }
    if (options_.upsert) {
      upserts_ =
          std::make_unique<Upserts>(*options_.upsert, options_.key, options_.key_index_folder, catalog.store(), budget);
    } else if (!options_.key.empty()) {
      keys_ = std::make_unique<KeyIndex>(options_.key_index_folder, options_.key);
    }
  }

  event::Positions Recover();
  void Write(event::EventBatchPtr events, const std::stop_token& stop);
  bool CommitDue() const;
  void Rest(const std::stop_token& stop) {
    if (pool_) pool_->Rest(stop);
  }
  event::CommitOutcome Commit(std::stop_token stop);
  const event::Positions& positions() const { return landed_; }
  event::SinkCounts counts() const;
  event::Wait WaitsFor() const;

 private:
  void StartLanes();
  void Arrange();
  void EnsureTable(const LanePool& pool, std::stop_token stop);
  bool Overtaken(const TableView& view) const;
  TableViewPtr Look(const std::stop_token& stop);
  void WrittenFor(const TableViewPtr& view);
  void ForgetChunk();
  void ShowChunk();
  void TellMemory(int64_t bytes);
  event::CommitOutcome CommitChunk(std::stop_token stop);
  LandResult CommitRows(std::vector<table::DataFile> files, const TableView& view, SteadyTime viewed,
                        const std::stop_token& stop);
  void Turn(const Landed& landed, LanePool& pool);
  event::CommitOutcome Lost(const std::stop_token& stop);
  bool BacklogEnded() const;
  int64_t due_bytes() const { return options_.file_size_bytes * lanes_; }
  milliseconds freshness() const {
    return committed_.commits == 0 ? std::min(options_.freshness, options_.first_freshness) : options_.freshness;
  }

  catalog::Catalog& catalog_;
  const TableSinkOptions options_;
  ByteBudget& budget_;
  const Clock& clock_;
  const int lanes_;
  SchemaAuthority authority_;
  std::shared_ptr<Rejects> rejects_;
  std::unique_ptr<KeyIndex> keys_;
  std::unique_ptr<Upserts> upserts_;
  std::unique_ptr<LanePool> pool_;
  Random random_ = Random::FromSystem();

  event::Positions landed_;
  event::Positions from_;  // where the chunk starts, of the splits it has
  event::Positions to_;
  std::optional<SteadyTime> chunk_since_;
  std::vector<TableViewPtr> written_for_;
  uint64_t chunk_records_ = 0;
  int64_t chunk_bytes_ = 0;  // of the records as they came
  SteadyTime written_at_{};
  event::SinkCounts committed_;

  event::WaitBoard board_;
  /// What WaitsFor says of the chunk, to other threads too.
  struct ChunkShown {
    SteadyTime since{};
    uint64_t records = 0;
    int64_t encoded_bytes = 0;
    milliseconds freshness{};
  };
  mutable std::mutex shown_mutex_;
  ChunkShown shown_;
};

void TableSink::Impl::StartLanes() {
  pool_.reset();
  LaneContext context{.catalog = catalog_,
                      .authority = authority_,
                      .rejects = *rejects_,
                      .budget = budget_,
                      .writer = WriterOptions(options_, budget_.limit(), lanes_),
                      .metadata_columns = MetadataColumns(options_.metadata_columns),
                      .key = options_.key,
                      .keys = keys_.get(),
                      .upserts = upserts_.get(),
                      .in_turn = {},
                      .clock = clock_,
                      .board = board_,
                      .stop = {}};
  pool_ = std::make_unique<LanePool>(std::move(context), lanes_, options_.decoder, random_.Uuid());
}

/// Lanes write for the columns of the moment: those at the chunk's beginning, and at its end those that lanes asked
/// for.
void TableSink::Impl::WrittenFor(const TableViewPtr& view) {
  if (view && (written_for_.empty() || written_for_.back() != view)) written_for_.push_back(view);
}

void TableSink::Impl::ForgetChunk() {
  from_.clear();
  to_.clear();
  chunk_since_.reset();
  chunk_records_ = 0;
  chunk_bytes_ = 0;
  written_for_.clear();
  board_.Clear();
}

void TableSink::Impl::ShowChunk() {
  {
    const std::lock_guard lock(shown_mutex_);
    shown_ = {.since = *chunk_since_,
              .records = chunk_records_,
              .encoded_bytes = pool_->encoded_bytes(),
              .freshness = freshness()};
  }
  board_.Put(event::WaitKind::kBuffering);
}

/// Before a wait for the budget, which may be long.
void TableSink::Impl::TellMemory(int64_t bytes) {
  const int64_t used = budget_.used();
  if (used + bytes <= budget_.limit()) return;
  board_.Put(event::WaitKind::kMemory, fmt::format("paused by memory: {} of {} is held until files are encoded",
                                                   FormatByteSize(static_cast<uint64_t>(used)),
                                                   FormatByteSize(static_cast<uint64_t>(budget_.limit()))));
}

event::Positions TableSink::Impl::Recover() {
  pool_.reset();
  ForgetChunk();
  const TableViewPtr view = authority_.Refresh();
  landed_ = view ? ReadPositions(*view->table.metadata, options_.scope).positions : event::Positions{};
  rejects_->Recover(landed_);
  if (keys_ && view) keys_->CatchUp(catalog_.store(), *view->table.metadata);
  if (upserts_) upserts_->Forget();
  StartLanes();
  if (view) Arrange();
  if (view && upserts_) upserts_->CatchUp(*authority_.view()->table.metadata);
  return landed_;
}

/// What is declared of columns comes first: a partition may be by a column that the table does not have yet.
void TableSink::Impl::Arrange() {
  if (const auto declared = pool_->decoder_columns()) authority_.Require(*declared, {});
  authority_.Arrange();
}

void TableSink::Impl::Write(event::EventBatchPtr events, const std::stop_token& stop) {
  if (!pool_) throw Error(ErrorCode::kInternal, "a table sink is written to before it was recovered");
  const event::Cursor expected = to_.contains(events->split) ? to_[events->split] : CursorOf(landed_, events->split);
  if (events->begin != expected) {
    throw Error(ErrorCode::kInternal, fmt::format("{}: a batch begins at '{}', the one before ended at '{}'",
                                                  events->split.value(), events->begin.value(), expected.value()));
  }
  from_.try_emplace(events->split, events->begin);
  to_[events->split] = events->end;
  if (events->size() == 0 && !events->gap) return;  // rides along with the next rows
  if (!chunk_since_) {
    chunk_since_ = clock_.Steady();
    WrittenFor(authority_.view());
  }
  chunk_records_ += events->size();
  chunk_bytes_ += events->payload ? static_cast<int64_t>(events->payload->size()) : 0;
  TellMemory(events->bytes());
  pool_->Submit(std::move(events), stop);
  written_at_ = clock_.Steady();
  ShowChunk();
}

bool TableSink::Impl::BacklogEnded() const {
  return chunk_bytes_ >= due_bytes() * kReadToWritten / kFairPart && clock_.Steady() - written_at_ >= kQuiet;
}

bool TableSink::Impl::CommitDue() const {
  if (!chunk_since_ || !pool_) return false;
  return clock_.Steady() - *chunk_since_ >= freshness() || BacklogEnded() || pool_->encoded_bytes() >= due_bytes() ||
         (keys_ && keys_->pending() >= kPendingKeysMax) || (upserts_ && upserts_->due());
}

/// Without a row so far there is no table, and without a table no place for positions: a declared schema makes one.
void TableSink::Impl::EnsureTable(const LanePool& pool, std::stop_token stop) {
  if (authority_.view()) return;
  const auto declared = pool.decoder_columns();
  if (!declared) return;
  arrow::FieldVector fields = declared->fields();
  for (auto& field : MetadataColumns(options_.metadata_columns).fields()) fields.push_back(std::move(field));
  const arrow::Schema wanted(std::move(fields));
  ThroughOutage(
      options_.table.name, [&] { return authority_.Require(wanted, stop); }, clock_, board_, stop);
}

bool TableSink::Impl::Overtaken(const TableView& view) const {
  const auto stored = ReadPositions(*view.table.metadata, options_.scope).positions;
  return std::ranges::any_of(from_, [&](const auto& entry) { return CursorOf(stored, entry.first) != entry.second; });
}

/// The table as it is now; waits while the catalogue does not answer, as a commit does.
TableViewPtr TableSink::Impl::Look(const std::stop_token& stop) {
  return ThroughOutage(
      options_.table.name, [&] { return authority_.Refresh(); }, clock_, board_, stop);
}

event::CommitOutcome TableSink::Impl::Lost(const std::stop_token& stop) {
  if (keys_) keys_->Forget();
  if (upserts_) upserts_->Forget();
  rejects_->Drop();
  const auto start_over = [&] {
    Recover();
    return authority_.view();
  };
  ThroughOutage(options_.table.name, start_over, clock_, board_, stop);
  return event::CommitOutcome::kConflict;
}

/// The chunk has landed: everything that remembers turns to the next one.
void TableSink::Impl::Turn(const Landed& landed, LanePool& pool) {
  FaultPoint("land.before_key_index");
  if (keys_) keys_->Landed(catalog_.store(), *landed.table.metadata, landed.snapshot_id);
  if (upserts_) upserts_->Landed(*landed.table.metadata, landed.snapshot_id);
  for (const auto& [split, cursor] : to_) landed_[split] = cursor;
  authority_.Saw(landed.table);
  AddCounts(pool.TakeCounts(), committed_);
  ++committed_.commits;
  ForgetChunk();
  FaultPoint("land.after_key_index");
}

LandResult TableSink::Impl::CommitRows(std::vector<table::DataFile> files, const TableView& view, SteadyTime viewed,
                                       const std::stop_token& stop) {
  const ChildSpan span("catalog");
  Committer committer(catalog_, options_.table.name, view.table.metadata->table_uuid, clock_, &board_);
  MovePositions move{.scope = options_.scope, .from = from_, .to = to_};
  // What was written for columns that somebody dropped or renamed meanwhile is written again, for those there are now.
  move.stands = [&](const table::TableMetadata& base) {
    const bool same = std::ranges::all_of(written_for_, [&](const TableViewPtr& written) {
      return schema::KeepsNames(written->table.metadata->schema(), base.schema());
    });
    return same && (!keys_ || !keys_->Clashes(catalog_.store(), base));
  };
  if (clock_.Steady() - viewed < kReadIsFresh) move.read = view.table;
  if (!upserts_) return committer.Commit({.added = std::move(files)}, move, stop);
  return committer.Commit([&](const table::TableMetadata& base) { return upserts_->ChangeOn(base, stop); }, move, stop);
}

event::CommitOutcome TableSink::Impl::Commit(std::stop_token stop) {
  if (!chunk_since_) return event::CommitOutcome::kNothing;
  const StoreOutage outage(board_, clock_, stop);
  board_.Put(event::WaitKind::kCommitting, fmt::format("a commit of {} records is under way", chunk_records_));
  const auto outcome = CommitChunk(std::move(stop));
  if (outcome == event::CommitOutcome::kNothing) ShowChunk();
  return outcome;
}

event::CommitOutcome TableSink::Impl::CommitChunk(std::stop_token stop) {
  if (!pool_) throw Error(ErrorCode::kInternal, "a table sink that failed is committed before it was recovered");
  // Whatever is thrown from here on leaves the sink without lanes: what became of the chunk, only Recover can tell.
  std::unique_ptr<LanePool> pool = std::move(pool_);
  std::vector<table::DataFile> files = pool->Finish(stop);
  const LaneTimes times = pool->TakeTimes();
  times.decode.Emit("decode");
  times.encode.Emit("encode");
  ChildSpan span("commit");
  EnsureTable(*pool, stop);
  WrittenFor(authority_.view());
  // A fresh look before the quarantine, so that a zombie leaves nothing there.
  const TableViewPtr view = Look(stop);
  const auto viewed = clock_.Steady();
  if ((view && Overtaken(*view)) || !rejects_->Commit(from_, to_, stop)) {
    for (const auto& file : files) DropFile(catalog_.store(), file.file_path);
    return Lost(stop);
  }
  if (!view) {
    chunk_since_ = clock_.Steady();
    pool_ = std::move(pool);
    return event::CommitOutcome::kNothing;
  }
  const uint64_t count = files.size();
  uint64_t bytes = 0;
  for (const auto& file : files) bytes += static_cast<uint64_t>(file.file_size_in_bytes);
  const auto result = CommitRows(std::move(files), *view, viewed, stop);
  if (!std::holds_alternative<Landed>(result)) return Lost(stop);
  span.Set("millrace.snapshot_id", std::get<Landed>(result).snapshot_id.value());
  span.Set("millrace.files", static_cast<int64_t>(count));
  span.Set("millrace.bytes", static_cast<int64_t>(bytes));
  Turn(std::get<Landed>(result), *pool);
  committed_.files += count;
  committed_.bytes += bytes;
  pool_ = std::move(pool);
  return event::CommitOutcome::kCommitted;
}

event::SinkCounts TableSink::Impl::counts() const {
  event::SinkCounts counts = committed_;
  if (pool_) AddCounts(pool_->counts(), counts);
  return counts;
}

event::Wait TableSink::Impl::WaitsFor() const {
  auto wait = board_.Get();
  if (wait.kind != event::WaitKind::kBuffering) return wait;
  ChunkShown shown;
  {
    const std::lock_guard lock(shown_mutex_);
    shown = shown_;
  }
  const auto held = duration_cast<milliseconds>(clock_.Steady() - shown.since);
  const auto seconds = [](milliseconds duration) { return static_cast<double>(duration.count()) / 1000; };
  wait.detail = fmt::format("{} records wait for freshness ({:.1f} s of {:.1f} s gone) or file size ({} of {} encoded)",
                            shown.records, seconds(held), seconds(shown.freshness),
                            FormatByteSize(static_cast<uint64_t>(shown.encoded_bytes)),
                            FormatByteSize(static_cast<uint64_t>(due_bytes())));
  return wait;
}

TableSink::TableSink(catalog::Catalog& catalog, TableSinkOptions options, ByteBudget& budget, const Clock& clock)
    : impl_(std::make_unique<Impl>(catalog, std::move(options), budget, clock)) {}

TableSink::~TableSink() = default;

event::Positions TableSink::Recover() { return impl_->Recover(); }
void TableSink::Write(event::EventBatchPtr events, std::stop_token stop) { impl_->Write(std::move(events), stop); }
bool TableSink::CommitDue() const { return impl_->CommitDue(); }
event::CommitOutcome TableSink::Commit(std::stop_token stop) { return impl_->Commit(stop); }
void TableSink::Rest(std::stop_token stop) { impl_->Rest(stop); }
event::Positions TableSink::positions() const { return impl_->positions(); }
event::SinkCounts TableSink::counts() const { return impl_->counts(); }
event::Wait TableSink::WaitsFor() const { return impl_->WaitsFor(); }

}  // namespace millrace::land
