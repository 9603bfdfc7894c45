// What a table costs as its files and snapshots grow in number: a commit, where a commit stands, a plan, the look of
// maintenance. The data files are entries without files, with the bounds of eight columns: only metadata is touched.
// Usage: manyfiles_bench FOLDER [ROUNDS]. Prints lines "figure <name> <value> <unit>", medians over the rounds.
#include <fmt/format.h>

#include <algorithm>
#include <chrono>
#include <cstdlib>
#include <filesystem>
#include <functional>
#include <string>
#include <vector>

#include "catalog/sql/sql_catalog.h"
#include "io/local_object_store.h"
#include "land/committer.h"
#include "query/scan_plan.h"
#include "refine/maintenance/compaction_plan.h"
#include "table/live_files.h"
#include "table/partition.h"

namespace {

using namespace millrace;

constexpr int64_t kFilesACommit = 8;
constexpr int kPartitions = 64;  // hours
constexpr int kSplits = 12;      // of the topic: the size of the positions
constexpr const char* kScope = "bench";

double MillisecondsOf(const std::function<void()>& body) {
  const auto start = std::chrono::steady_clock::now();
  body();
  return std::chrono::duration<double, std::milli>(std::chrono::steady_clock::now() - start).count();
}

double Median(std::vector<double> values) {
  std::ranges::sort(values);
  return values.at(values.size() / 2);
}

/// A table of events with its lake.
class ManyFiles {
 public:
  explicit ManyFiles(const std::filesystem::path& folder)
      : store_(io::LocalObjectStore::Open(folder / "lake")), folder_(folder) {
    Reopen();
    catalog::CreateTable request;
    request.name = kName;
    request.properties = {{"write.metadata.delete-after-commit.enabled", "true"}};
    for (const char* column : {"event_id", "user_id", "type", "url", "session"})
      request.schema.fields.push_back({.name = column, .type = schema::ParseType("string")});
    for (const char* column : {"qty", "price"})
      request.schema.fields.push_back({.name = column, .type = schema::ParseType("double")});
    request.schema.fields.push_back({.name = "ts", .type = schema::ParseType("timestamptz")});
    schema::AssignIds(request.schema, 0);
    request.spec = table::ParsePartitionSpec({"hour(ts)"}, request.schema);
    catalog_->Create(request);
  }

  /// A new program: nothing is in memory.
  void Reopen() {
    catalog_ =
        std::make_unique<catalog::SqlCatalog>(catalog::SqlCatalogOptions{.file = folder_ / "catalog.db"}, *store_);
  }

  void Commit(int64_t files) {
    const auto loaded = *catalog_->Load(kName);
    table::SnapshotChange change;
    for (int64_t i = 0; i < files; ++i) change.added.push_back(File(*loaded.metadata));
    land::MovePositions move{.scope = kScope, .from = {}, .to = {}};
    for (int split = 0; split < kSplits; ++split) {
      const event::SplitId id(fmt::format("topic:6c8f2f5e-0000-4000-8000-000000000001/{}", split));
      if (commits_ > 0) move.from[id] = event::Cursor(std::to_string(1'000'000 + commits_));
      move.to[id] = event::Cursor(std::to_string(1'000'001 + commits_));
    }
    ++commits_;
    land::Committer(*catalog_, kName, loaded.metadata->table_uuid).Commit(std::move(change), move, {});
  }

  /// The last commit over and over, as a table has it that nobody expires: what they reach does not matter here.
  void AddSnapshots(int64_t count) {
    const auto loaded = *catalog_->Load(kName);
    table::Snapshot next = *loaded.metadata->current_snapshot();
    std::vector<table::Update> updates;
    for (int64_t i = 0; i < count; ++i) {
      next.parent_snapshot_id = next.snapshot_id;
      next.snapshot_id = table::SnapshotId(i + 1);
      next.sequence_number = table::SequenceNumber(next.sequence_number.value() + 1);
      updates.push_back(table::AddSnapshot{next});
    }
    updates.push_back(
        table::SetSnapshotRef{.name = "main", .ref = {.snapshot_id = next.snapshot_id, .type = "branch"}});
    if (!std::holds_alternative<catalog::Committed>(catalog_->Commit(kName, {}, updates))) std::abort();
  }

  void Measure(const std::string& name, int rounds) {
    const auto figure = [&](const std::string& what, const std::function<void()>& before,
                            const std::function<void()>& body) {
      std::vector<double> times;
      for (int round = 0; round < rounds; ++round) {
        before();
        times.push_back(MillisecondsOf(body));
      }
      fmt::print("figure {}.{} {:.1f} ms\n", name, what, Median(times));
      std::fflush(stdout);
    };
    const auto nothing = [] {};
    const auto reopen = [this] { Reopen(); };
    figure("commit", nothing, [&] { Commit(kFilesACommit); });
    figure("first_commit", reopen, [&] { Commit(kFilesACommit); });
    figure("load", reopen, [&] { catalog_->Load(kName); });
    const auto loaded = *catalog_->Load(kName);
    const auto& metadata = *loaded.metadata;
    fmt::print("figure {}.metadata {:.2f} MB\n", name,
               static_cast<double>(*store_->Size(*store_->KeyOf(loaded.metadata_location))) / 1e6);
    figure("positions", nothing, [&] { land::ReadPositions(metadata, kScope); });
    figure("plan_all", nothing, [&] { Plan(metadata, {}); });
    const auto hour = table::Value(int64_t{1'600'000'000'000'000} + 3'600'000'000);
    figure("plan_hour", nothing, [&] {
      query::Predicate first;
      first.kind = query::Predicate::Kind::kLess;
      first.field = metadata.schema().Find("ts")->id;
      first.values = {hour};
      Plan(metadata, std::move(first));
    });
    figure("maintenance_look", nothing,
           [&] { refine::PlanCompaction(*store_, metadata, refine::CompactionRules{}, Clock::System().Now()); });
  }

 private:
  static constexpr int64_t kHourMicros = 3'600'000'000;
  inline static const catalog::TableName kName{"bench", "events"};

  void Plan(const table::TableMetadata& metadata, query::Predicate predicate) {
    query::ScanRequest request;
    request.metadata = &metadata;
    request.snapshot = metadata.current_snapshot();
    request.schema = &metadata.schema();
    request.predicate = std::move(predicate);
    query::PlanScan(*store_, request);
  }

  table::DataFile File(const table::TableMetadata& metadata) {
    const int64_t number = files_++;
    const int64_t hour = number / kFilesACommit % kPartitions;
    const int64_t begin = int64_t{1'600'000'000'000'000} + hour * kHourMicros;
    table::DataFile file;
    file.file_path =
        fmt::format("{}/data/ts_hour={}/{:08x}-0-1-{}.parquet", metadata.location, hour, number * 2654435761U, number);
    file.spec_id = metadata.default_spec_id;
    file.partition = {table::Value(static_cast<int32_t>(begin / kHourMicros))};
    file.record_count = 20'000;
    file.file_size_in_bytes = 1'500'000;
    for (const auto& field : metadata.schema().fields) {
      const schema::FieldId id = field.id;
      file.column_sizes[id] = 100'000;
      file.value_counts[id] = file.record_count;
      file.null_value_counts[id] = 0;
      const bool text = field.id.value() <= 5;
      const std::string eight(reinterpret_cast<const char*>(&begin), sizeof(begin));
      file.lower_bounds[id] = text ? fmt::format("{:016}", number) : eight;
      file.upper_bounds[id] = text ? fmt::format("{:016}", number + 7) : eight;
    }
    return file;
  }

  std::unique_ptr<io::LocalObjectStore> store_;
  const std::filesystem::path folder_;
  std::unique_ptr<catalog::SqlCatalog> catalog_;
  int64_t files_ = 0;
  int64_t commits_ = 0;
};

}  // namespace

int main(int argc, char** argv) {
  if (argc < 2) return 64;
  const std::filesystem::path folder = argv[1];
  const int rounds = argc > 2 ? std::atoi(argv[2]) : 5;
  std::filesystem::remove_all(folder / "manyfiles");
  // The same snapshots, ever more files.
  for (const int64_t files : {100, 1'000, 10'000, 100'000}) {
    ManyFiles table(folder / "manyfiles" / fmt::format("files_{}", files));
    for (int64_t commit = 0; commit < 10; ++commit) table.Commit(files / 10);
    table.Measure(fmt::format("manyfiles.files_{}", files), rounds);
  }
  // Ever more snapshots of few files. A run keeps maintenance.snapshots_keep of them, 1000 by itself.
  for (const int64_t snapshots : {10, 1'000, 10'000}) {
    ManyFiles table(folder / "manyfiles" / fmt::format("snapshots_{}", snapshots));
    for (int64_t commit = 0; commit < 10; ++commit) table.Commit(1);
    if (snapshots > 10) table.AddSnapshots(snapshots - 10);
    table.Measure(fmt::format("manyfiles.snapshots_{}", snapshots), rounds);
  }
  return 0;
}
