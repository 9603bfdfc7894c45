#include "table/expire.h"

#include <gmock/gmock.h>

#include <set>

#include "table/live_files.h"
#include "table/test_table.h"

namespace millrace::table {
namespace {

using testing::Contains;
using testing::ElementsAre;
using testing::IsEmpty;
using testing::Not;
using testing::UnorderedElementsAre;
using namespace std::chrono_literals;

std::string Name(int number) { return TestTable::Phantom(number).file_path; }

/// Commits are a second apart.
const ExpiryRules kAllButHead{.snapshot_age_max = 0ms, .snapshots_min = 1};

std::set<std::string> Reached(TestTable& table) {
  std::set<std::string> reached;
  for (const Snapshot& snapshot : table.metadata().snapshots) {
    reached.insert(snapshot.manifest_list);
    for (const ManifestFile& manifest : ReadManifestList(table.store(), snapshot)) {
      reached.insert(manifest.manifest_path);
      ForEachLiveFile(table.store(), table.metadata(), {manifest},
                      [&](const ManifestEntry& entry) { reached.insert(entry.file.file_path); });
    }
  }
  return reached;
}

/// Plans, lands, and checks that what may be deleted and what is still reached have nothing in common.
std::vector<std::string> Expire(TestTable& table, const ExpiryRules& rules) {
  const TableMetadata before = table.metadata();
  const Expiry expiry = PlanExpiry(before, rules, table.Tick());
  table.Land(expiry.change);
  std::vector<std::string> objects = UnreachableObjects(table.store(), before, table.metadata());
  for (const std::string& reached : Reached(table)) EXPECT_THAT(objects, Not(Contains(reached)));
  return objects;
}

TEST(ExpireTest, FilesThatOnlyExpiredSnapshotsReachMayGo) {
  TestTable table;
  table.Append({TestTable::Phantom(1), TestTable::Phantom(2)});
  table.Append({TestTable::Phantom(3)});
  table.Commit({.operation = "overwrite", .added = {TestTable::Phantom(4)}, .removed_paths = {Name(1)}});
  const SnapshotId head = table.Append({TestTable::Phantom(5)});
  const std::set<std::string> before = Reached(table);
  const std::vector<std::string> objects = Expire(table, kAllButHead);
  EXPECT_EQ(table.metadata().snapshots.size(), 1U);
  EXPECT_EQ(table.metadata().current_snapshot_id, head);
  EXPECT_THAT(objects, Contains(Name(1)));
  for (int live = 2; live <= 5; ++live) EXPECT_THAT(objects, Not(Contains(Name(live))));
  // Everything that was reached is either still reached or may go.
  std::set<std::string> both = Reached(table);
  both.insert(objects.begin(), objects.end());
  EXPECT_TRUE(std::includes(both.begin(), both.end(), before.begin(), before.end()));
}

std::vector<SnapshotId> Known(TestTable& table) {
  std::vector<SnapshotId> ids;
  for (const Snapshot& snapshot : table.metadata().snapshots) ids.push_back(snapshot.snapshot_id);
  return ids;
}

TEST(ExpireTest, NoMoreThanTheMaximumHoweverYoungExceptWhatAReaderNeeds) {
  TestTable table;
  std::vector<SnapshotId> made;
  for (int i = 1; i <= 8; ++i) made.push_back(table.Append({TestTable::Phantom(i)}));
  Expire(table, {.snapshots_max = 3, .needed = {made[3]}});
  EXPECT_EQ(Known(table), std::vector(made.begin() + 3, made.end())) << "what came after it is needed too";
  Expire(table, {.snapshots_max = 3});
  EXPECT_EQ(Known(table), std::vector(made.begin() + 5, made.end()));
}

TEST(ExpireTest, ASnapshotThatWasOnlyKeptForItsPositionsGoesOnceANewerOneHasThem) {
  TestTable table;
  const Summary positions = {{"millrace.positions.p", "{}"}};
  const auto land = [&](int number) {
    return table.Commit({.added = {TestTable::Phantom(number)}, .summary = positions, .properties = positions});
  };
  const SnapshotId first = land(1);
  table.Commit({.operation = "replace"});
  const SnapshotId head = table.Commit({.operation = "replace"});
  Expire(table, {.snapshots_max = 1});
  EXPECT_EQ(Known(table), (std::vector{first, head}));
  const SnapshotId second = land(2);
  Expire(table, {.snapshots_max = 1});
  EXPECT_EQ(Known(table), std::vector{second});
}

TEST(ExpireTest, TheTableReadsAsBeforeOnceTheFilesAreGone) {
  TestTable table;
  const std::vector<DataFile> files = table.Files(5, 10);
  table.Append({files[0], files[1]});
  table.Append({files[2]});
  table.Commit({.operation = "overwrite", .added = {files[3]}, .removed_paths = {files[0].file_path}});
  table.Append({files[4]});
  const nlohmann::json before = table.Inspect();
  const std::vector<std::string> objects = Expire(table, kAllButHead);
  for (const std::string& uri : objects) table.store().Delete(*table.store().KeyOf(uri));
  EXPECT_THAT(table.Keys("t/data/"), Not(Contains("t/data/file-0.parquet")));
  EXPECT_EQ(table.Keys("t/data/").size(), 4U);
  const nlohmann::json after = table.Inspect();
  EXPECT_EQ(after["duckdb"], before["duckdb"]);
  EXPECT_EQ(after["files"], before["files"]);
  EXPECT_EQ(after["log"].size(), 1U);
}

TEST(ExpireTest, ADeletionToldByAManifestThatStaysLetsTheFileGo) {
  TestTable table;
  table.Append({TestTable::Phantom(1), TestTable::Phantom(2)});
  table.Commit({.operation = "delete", .removed_paths = {Name(1)}});
  // The head's own manifest says that file 1 is deleted, and nothing else knows the file any more.
  EXPECT_THAT(Expire(table, kAllButHead), Contains(Name(1)));
}

TEST(ExpireTest, AgeAndCountBothKeep) {
  TestTable table;
  std::vector<SnapshotId> ids;
  for (int i = 0; i < 6; ++i) ids.push_back(table.Append({TestTable::Phantom(i)}));
  const auto expired = [&](ExpiryRules rules) { return PlanExpiry(table.metadata(), rules, table.now()).expired; };
  EXPECT_THAT(expired({.snapshot_age_max = 1h, .snapshots_min = 1}), IsEmpty());
  EXPECT_THAT(expired({.snapshot_age_max = 3500ms, .snapshots_min = 1}), ElementsAre(ids[0], ids[1]));
  EXPECT_THAT(expired({.snapshot_age_max = 0ms, .snapshots_min = 5}), ElementsAre(ids[0]));
  EXPECT_THAT(expired({}), IsEmpty()) << "five days by default";
  table.metadata().properties["history.expire.max-snapshot-age-ms"] = "0";
  table.metadata().properties["history.expire.min-snapshots-to-keep"] = "4";
  EXPECT_THAT(expired({}), ElementsAre(ids[0], ids[1]));
  EXPECT_TRUE(PlanExpiry(table.metadata(), {.snapshot_age_max = 1h}, table.now()).change.empty());
}

TEST(ExpireTest, TagsBranchesAndTheirOwnRulesAreKept) {
  TestTable table;
  std::vector<SnapshotId> ids;
  for (int i = 0; i < 6; ++i) ids.push_back(table.Append({TestTable::Phantom(i)}));
  table.metadata().refs["release"] = {.snapshot_id = ids[1], .type = "tag"};
  table.metadata().refs["old"] = {.snapshot_id = ids[0], .type = "tag", .max_ref_age_ms = 1};
  table.metadata().refs["audit"] = {.snapshot_id = ids[3], .type = "branch", .min_snapshots_to_keep = 2};
  const Expiry expiry = PlanExpiry(table.metadata(), kAllButHead, table.now());
  EXPECT_THAT(expiry.expired, UnorderedElementsAre(ids[0], ids[4]));
  EXPECT_THAT(expiry.dropped_refs, ElementsAre("old"));
  const std::vector<std::string> objects = Expire(table, kAllButHead);
  EXPECT_FALSE(table.metadata().refs.contains("old"));
  EXPECT_TRUE(table.metadata().refs.contains("release"));
  EXPECT_THAT(objects, Not(Contains(Name(0)))) << "later snapshots have its file";
}

TEST(ExpireTest, TheSnapshotThatCarriesPositionsStays) {
  TestTable table;
  table.Commit({.summary = {{"millrace.positions.a", "1"}, {"millrace.positions.gone", "1"}},
                .properties = {{"millrace.positions.a", "1"}}});
  const SnapshotId carries = table.Commit({.added = {TestTable::Phantom(1)},
                                           .summary = {{"millrace.positions.a", "2"}},
                                           .properties = {{"millrace.positions.a", "2"}}});
  table.Append({TestTable::Phantom(2)});
  const SnapshotId head = table.Append({TestTable::Phantom(3)});
  Expire(table, kAllButHead);
  std::vector<SnapshotId> kept;
  for (const Snapshot& snapshot : table.metadata().snapshots) kept.push_back(snapshot.snapshot_id);
  EXPECT_THAT(kept, ElementsAre(carries, head));
}

TEST(ExpireTest, ACommitInBetweenMakesItAConflict) {
  TestTable table;
  table.Append({TestTable::Phantom(1)});
  table.Append({TestTable::Phantom(2)});
  const Expiry expiry = PlanExpiry(table.metadata(), kAllButHead, table.Tick());
  table.Append({TestTable::Phantom(3)});
  EXPECT_NE(Unmet(expiry.change.requirements, &table.metadata()), std::nullopt);
}

}  // namespace
}  // namespace millrace::table
