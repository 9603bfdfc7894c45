#include "table/live_files.h"

#include <gmock/gmock.h>

#include "base/error.h"
#include "table/test_table.h"

namespace millrace::table {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;

std::string Name(int number) { return TestTable::Phantom(number).file_path; }

std::vector<std::string> Added(TestTable& table, std::optional<SnapshotId> after, SnapshotId upto) {
  std::vector<std::string> names;
  const Increment increment = FilesAddedBetween(table.store(), table.metadata(), after, upto);
  for (const ManifestEntry& entry : std::get<AddedFiles>(increment).files) names.push_back(entry.file.file_path);
  return names;
}

TEST(LiveFilesTest, ManifestsThatAreNotWantedAreNotRead) {
  TestTable table;
  table.Append({TestTable::Phantom(1)});
  table.Append({TestTable::Phantom(2)});
  const auto manifests = ReadManifestList(table.store(), *table.metadata().current_snapshot());
  ASSERT_EQ(manifests.size(), 2U);
  table.store().Delete(*table.store().KeyOf(manifests[1].manifest_path));
  std::vector<std::string> live;
  ForEachLiveFile(
      table.store(), table.metadata(), *table.metadata().current_snapshot(),
      [&](const ManifestFile& manifest) { return manifest.manifest_path == manifests[0].manifest_path; },
      [&](const ManifestEntry& entry) { live.push_back(entry.file.file_path); });
  EXPECT_THAT(live, ElementsAre(Name(2)));
}

TEST(LiveFilesTest, AnIncrementIsWhatTheSnapshotsInBetweenAppended) {
  TestTable table;
  const SnapshotId first = table.Append({TestTable::Phantom(1)});
  const SnapshotId second = table.Append({TestTable::Phantom(2), TestTable::Phantom(3)});
  const SnapshotId third = table.Append({TestTable::Phantom(4)});
  EXPECT_THAT(Added(table, std::nullopt, third), ElementsAre(Name(1), Name(2), Name(3), Name(4)));
  EXPECT_THAT(Added(table, first, third), ElementsAre(Name(2), Name(3), Name(4)));
  EXPECT_THAT(Added(table, first, second), ElementsAre(Name(2), Name(3)));
  EXPECT_THAT(Added(table, third, third), IsEmpty());
}

TEST(LiveFilesTest, MergedManifestsAndCompactionsChangeNoIncrement) {
  TestTable table;
  table.metadata().properties["commit.manifest.min-count-to-merge"] = "2";
  const SnapshotId first = table.Append({TestTable::Phantom(1)});
  for (int i = 2; i <= 5; ++i) table.Append({TestTable::Phantom(i)});
  DataFile compacted = TestTable::Phantom(100);
  table.Commit({.operation = "replace", .added = {compacted}, .removed_paths = {Name(2), Name(3)}});
  const SnapshotId last = table.Append({TestTable::Phantom(6)});
  EXPECT_THAT(Added(table, first, last), ElementsAre(Name(2), Name(3), Name(4), Name(5), Name(6)));
}

TEST(LiveFilesTest, AnOverwriteInBetweenIsSaidNotSkipped) {
  TestTable table;
  const SnapshotId first = table.Append({TestTable::Phantom(1)});
  const SnapshotId second = table.Commit({.operation = "delete", .removed_paths = {Name(1)}});
  const SnapshotId third = table.Append({TestTable::Phantom(2)});
  const Increment increment = FilesAddedBetween(table.store(), table.metadata(), first, third);
  ASSERT_TRUE(std::holds_alternative<NotAppendOnly>(increment));
  EXPECT_EQ(std::get<NotAppendOnly>(increment).snapshot_id, second);
  EXPECT_EQ(std::get<NotAppendOnly>(increment).operation, "delete");
  EXPECT_THAT(Added(table, second, third), ElementsAre(Name(2))) << "behind it the table only grew";
}

TEST(LiveFilesTest, AStartThatIsNoAncestorIsDisconnected) {
  TestTable table;
  const SnapshotId first = table.Append({TestTable::Phantom(1)});
  const SnapshotId second = table.Append({TestTable::Phantom(2)});
  const SnapshotId third = table.Append({TestTable::Phantom(3)});
  EXPECT_TRUE(std::holds_alternative<Disconnected>(FilesAddedBetween(table.store(), table.metadata(), third, second)));
  TableMetadata expired = table.metadata();
  std::erase_if(expired.snapshots, [&](const Snapshot& snapshot) { return snapshot.snapshot_id == first; });
  EXPECT_TRUE(std::holds_alternative<Disconnected>(FilesAddedBetween(table.store(), expired, std::nullopt, third)));
  // The one right behind the expired one is still whole.
  EXPECT_TRUE(std::holds_alternative<AddedFiles>(FilesAddedBetween(table.store(), expired, first, third)));
  EXPECT_THAT([&] { FilesAddedBetween(table.store(), expired, second, first); },
              testing::ThrowsMessage<Error>(HasSubstr("may have been expired")));
}

TEST(LiveFilesTest, ACycleOfParentsEnds) {
  TestTable table;
  const SnapshotId first = table.Append({TestTable::Phantom(1)});
  const SnapshotId second = table.Append({TestTable::Phantom(2)});
  table.metadata().snapshots[0].parent_snapshot_id = second;
  EXPECT_TRUE(std::holds_alternative<Disconnected>(
      FilesAddedBetween(table.store(), table.metadata(), SnapshotId(12'345), second)));
  EXPECT_FALSE(InAncestry(table.metadata(), SnapshotId(12'345)));
  EXPECT_TRUE(InAncestry(table.metadata(), first));
}

}  // namespace
}  // namespace millrace::table
