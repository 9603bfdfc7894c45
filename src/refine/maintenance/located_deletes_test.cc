// Equality deletes that become deletes by position: which rows they name, and what happens when others change the table
// meanwhile. The rows are judged by tests/land/check_snapshots.py.
#include "refine/maintenance/located_deletes.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <map>

#include "contract/event_batches.h"
#include "land/committer.h"
#include "land/lake.h"
#include "land/plain_decoder.h"
#include "land/rewrite_files.h"
#include "land/snapshots_to_judge.h"
#include "land/table_sink.h"
#include "refine/interrupted_catalog.h"
#include "table/live_files.h"

namespace millrace::refine {
namespace {

using table::FileContent;

class LocatedDeletesTest : public ::testing::TestWithParam<int32_t> {
 protected:
  LocatedDeletesTest() {
    land::TableSinkOptions options;
    options.table.name = kTable;
    options.table.format_version = GetParam();
    options.table.partition_by = std::vector<std::string>{"truncate(1, name)"};
    options.scope = "pipe";
    options.decoder = [] { return std::make_unique<testing::PlainChangeDecoder>("id"); };
    options.lanes = 1;
    options.key = {"id"};
    options.upsert = {.mode = land::UpsertMode::kEqualityDeletes};
    options.key_index_folder = folder_->path() / "keys";
    sink_ = std::make_unique<land::TableSink>(*lake_.catalog, options, budget_);
    sink_->Recover();
  }

  /// The first letter of a name is the row's partition; an empty name deletes.
  void Land(const std::map<int64_t, std::string>& names) {
    std::vector<std::string> lines;
    for (const auto& [id, name] : names) {
      const auto start = R"({"id": )" + std::to_string(id);
      lines.push_back(name.empty() ? start + R"(, "op": "d"})" : start + R"(, "name": ")" + name + "\"}");
      if (name.empty()) {
        rows_.erase(id);
      } else {
        rows_[id] = name;
      }
    }
    sink_->Write(event::BatchOf(lines, offset_));
    offset_ += static_cast<int64_t>(lines.size());
    ASSERT_EQ(sink_->Commit({}), event::CommitOutcome::kCommitted);
  }

  DeleteMergeReport Locate(bool dry_run = false, int64_t files_min = 1) {
    const MaintenanceParts parts{.catalog = interrupted_,
                                 .budget = budget_,
                                 .clock = Clock::System(),
                                 .scratch_folder = folder_->path(),
                                 .stop = {}};
    const CompactionRules rules{.small_files_max = files_min, .cold_after = std::chrono::hours(1)};
    return LocateDeletes(parts, *lake_.catalog->Load(kTable), rules, dry_run);
  }

  std::vector<table::DatedFile> Live() {
    std::vector<table::DatedFile> files;
    const auto table = *lake_.catalog->Load(kTable);
    table::ForEachLiveFile(*lake_.store, *table.metadata, *table.metadata->current_snapshot(), {},
                           [&](table::ManifestEntry entry) {
                             files.push_back({.file = std::move(entry.file), .sequence = *entry.sequence_number});
                           });
    return files;
  }
  /// Delete files, and the rows or keys that they name.
  std::pair<int64_t, int64_t> Deletes(FileContent content) {
    std::pair<int64_t, int64_t> counted;
    for (const auto& one : Live()) {
      if (one.file.content != content) continue;
      ++counted.first;
      counted.second += one.file.record_count;
    }
    return counted;
  }

  /// Somebody writes the oldest data file again as it was when nothing was deleted from it.
  void RewriteOldest() {
    const auto table = *lake_.catalog->Load(kTable);
    auto files = Live();
    std::erase_if(files, [](const auto& one) { return one.file.content != FileContent::kData; });
    const auto oldest = std::ranges::min(files, {}, &table::DatedFile::sequence);
    table::SnapshotChange change{.operation = "replace", .removed_paths = {oldest.file.file_path}};
    change.added_sequence = oldest.sequence;
    const land::FileGroup group{.spec_id = oldest.file.spec_id, .partition = oldest.file.partition, .files = {oldest}};
    change.added.push_back(
        *land::RewriteFiles(*lake_.store, *table.metadata, group, {}, {.file_name = "by-somebody-else"}, budget_, {}));
    land::Committer(*lake_.catalog, kTable, table.metadata->table_uuid).Commit(std::move(change), std::nullopt, {});
  }

  void Expect(const std::string& said) {
    nlohmann::json rows = nlohmann::json::array();
    for (const auto& [id, name] : rows_) rows.push_back({id, name});
    expected_.push_back({{"table", "silver.users"},
                         {"snapshot", lake_.catalog->Load(kTable)->metadata->current_snapshot_id->value()},
                         {"columns", {"id", "name"}},
                         {"rows", rows},
                         {"said", said}});
  }

  void TearDown() override { Judged().Add(std::move(folder_), expected_); }
  static testing::SnapshotsToJudge& Judged() {
    static testing::SnapshotsToJudge judged;
    return judged;
  }
  static void TearDownTestSuite() { Judged().Judge(); }

  const catalog::TableName kTable{"silver", "users"};
  std::unique_ptr<testing::TempFolder> folder_ = std::make_unique<testing::TempFolder>();
  testing::Lake lake_{folder_->path()};
  InterruptedCatalog interrupted_{*lake_.catalog};
  ByteBudget budget_{int64_t{64} << 20};
  std::unique_ptr<land::TableSink> sink_;
  std::map<int64_t, std::string> rows_;
  int64_t offset_ = 0;
  std::vector<nlohmann::json> expected_;
};

INSTANTIATE_TEST_SUITE_P(Formats, LocatedDeletesTest, ::testing::Values(2, 3),
                         [](const auto& format) { return "Version" + std::to_string(format.param); });

TEST_P(LocatedDeletesTest, EachRowThatIsGoneIsNamedOnceHoweverOftenItsKeyChanges) {
  Land({{1, "a"}, {2, "a"}, {3, "b"}, {4, "b"}, {5, "b"}});
  Land({{1, "a1"}, {3, "a1"}, {9, ""}});
  Land({{1, "b2"}, {2, ""}});
  EXPECT_EQ(Locate(false, 3).files_removed, 0) << "two are too few as long as changes come";
  EXPECT_EQ(Locate(true, 2).files_removed, 2);
  EXPECT_EQ(Deletes(FileContent::kEqualityDeletes), std::pair(int64_t{2}, int64_t{5})) << "nothing was changed yet";
  Expect("before");
  EXPECT_EQ(Locate(false, 2).files_removed, 2);
  EXPECT_EQ(Deletes(FileContent::kEqualityDeletes).first, 0);
  EXPECT_EQ(Deletes(FileContent::kPositionDeletes), std::pair(int64_t{3}, int64_t{4}))
      << "1 and 2 of the first a, 3 of the first b, 1 of the second a";
  Expect("after");
  Land({{1, "b3"}, {4, "c"}, {2, "c"}});
  const auto report = Locate();
  EXPECT_EQ(Deletes(FileContent::kPositionDeletes), std::pair(int64_t{4}, int64_t{6})) << "4, and 1 of the third";
  EXPECT_EQ(report.files_added, 2 + (report.files_removed - 2));
  Expect("again");
  EXPECT_EQ(Locate().files_removed, 0);
}

TEST_P(LocatedDeletesTest, RowsThatLandMeanwhileStay) {
  Land({{1, "a"}, {2, "a"}});
  Land({{1, "b"}});
  interrupted_.before_commit = [&] { Land({{1, "c"}, {2, ""}, {3, "a"}}); };
  EXPECT_EQ(Locate().files_removed, 3) << "the deletes that came meanwhile too, and what they are merged with";
  Expect("landed meanwhile");
}

TEST_P(LocatedDeletesTest, OlderRowsThatSomebodyBringsMeanwhileAreNotForgotten) {
  Land({{1, "a"}, {2, "a"}});
  Land({{1, "b"}});
  interrupted_.before_commit = [&] { RewriteOldest(); };
  EXPECT_EQ(Locate().files_removed, 0) << "the row of 1 would be there again";
  EXPECT_EQ(Deletes(FileContent::kPositionDeletes).first, 0);
  Expect("given up");
  EXPECT_EQ(Locate().files_removed, 1);
  Expect("located");
}

}  // namespace
}  // namespace millrace::refine
