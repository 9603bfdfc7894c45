#include "table/snapshot_builder.h"

#include <gmock/gmock.h>

#include "base/error.h"
#include "io/fault_store.h"
#include "table/delete_files.h"
#include "table/deletion_vector.h"
#include "table/live_files.h"
#include "table/manifest.h"
#include "table/puffin_file.h"
#include "table/test_table.h"

namespace millrace::table {
namespace {

using nlohmann::json;
using testing::Contains;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::Key;
using testing::Not;
using testing::Pair;
using testing::ThrowsMessage;

int64_t IdSum(int files, int rows) { return int64_t{files} * rows * (int64_t{files} * rows - 1) / 2; }

TEST(SnapshotBuilderTest, PyicebergAndDuckDbReadAnAppend) {
  TestTable table;
  const std::vector<DataFile> files = table.Files(6, 10);
  const SnapshotId first = table.Append({files.begin(), files.begin() + 4});
  const SnapshotId second = table.Commit({.added = {files[4], files[5]},
                                          .summary = {{"millrace.positions.p", "{}"}},
                                          .properties = {{"millrace.positions.p", "{}"}}});
  const json seen = table.Inspect();
  EXPECT_EQ(seen["rows"], 60);
  EXPECT_EQ(seen["sum"], IdSum(6, 10));
  EXPECT_EQ(seen["duckdb"], json({60, IdSum(6, 10)}));
  EXPECT_EQ(seen["current"], second.value());
  EXPECT_EQ(seen["main"], second.value());
  EXPECT_EQ(seen["log"], json({first.value(), second.value()}));
  EXPECT_EQ(seen["properties"]["millrace.positions.p"], "{}");
  EXPECT_EQ(seen["clicks"], json({"file-0.parquet"})) << "pruned by both partition fields";
  EXPECT_EQ(seen["high"], json({"file-2.parquet", "file-3.parquet", "file-4.parquet", "file-5.parquet"}))
      << "by bounds";
  ASSERT_EQ(seen["snapshots"].size(), 2U);
  EXPECT_EQ(seen["snapshots"][1]["parent"], first.value());
  EXPECT_EQ(seen["snapshots"][1]["sequence"], 2);
  EXPECT_EQ(seen["entries"][0], json({1, "file-0.parquet", first.value(), 1, 1}));
  EXPECT_EQ(seen["entries"][5], json({1, "file-5.parquet", second.value(), 2, 2}));
}

TEST(SnapshotBuilderTest, RewrittenRowsKeepTheAgeThatEqualityDeletesSee) {
  TestTable table;
  const std::vector<DataFile> files = table.Files(3, 10);
  table.Append({files[0], files[1]});
  table.Append({});
  const SnapshotId rewrite = table.Commit({.operation = "replace",
                                           .added = {files[2]},
                                           .removed_paths = {files[0].file_path, files[1].file_path},
                                           .added_sequence = SequenceNumber(1)});
  const json seen = table.Inspect();
  EXPECT_THAT(seen["entries"], Contains(json({1, "file-2.parquet", rewrite.value(), 1, 3})));
  const auto manifests = ReadManifestList(table.store(), *table.metadata().current_snapshot());
  EXPECT_EQ(manifests.front().min_sequence_number, SequenceNumber(1));
}

TEST(SnapshotBuilderTest, SmallManifestsAreMergedInTheOrderOfPartitionsWhenAsked) {
  TestTable table;
  for (int i = 5; i > 0; --i) table.Append({TestTable::Phantom(i)});
  table.Commit({.operation = "replace", .merge_small_manifests = true});
  const auto manifests = ReadManifestList(table.store(), *table.metadata().current_snapshot());
  ASSERT_EQ(manifests.size(), 1U);
  std::vector<std::string> paths;
  for (const auto& entry : ReadManifest(table.store(), table.metadata(), manifests.front())) {
    EXPECT_EQ(entry.status, EntryStatus::kExisting);
    paths.push_back(entry.file.file_path);
  }
  std::vector<std::string> in_order;
  for (int i = 1; i <= 5; ++i) in_order.push_back(TestTable::Phantom(i).file_path);
  EXPECT_EQ(paths, in_order);
}

TEST(SnapshotBuilderTest, SummariesCountAndAddUp) {
  TestTable table;
  const std::vector<DataFile> files = table.Files(3, 10);
  table.Append({files[0], files[1]});
  EXPECT_THAT(
      SummaryOf(table.metadata()),
      testing::IsSupersetOf({Pair("operation", "append"), Pair("added-data-files", "2"), Pair("added-records", "20"),
                             Pair("total-data-files", "2"), Pair("total-records", "20"),
                             Pair("total-delete-files", "0"), Pair("total-position-deletes", "0"),
                             Pair("total-equality-deletes", "0"), Pair("changed-partition-count", "2")}));
  const auto size = std::to_string(files[0].file_size_in_bytes + files[1].file_size_in_bytes);
  EXPECT_EQ(SummaryOf(table.metadata()).at("total-files-size"), size);
  DataFile deletes = files[2];
  deletes.content = FileContent::kPositionDeletes;
  deletes.file_path += ".deletes";
  DataFile equality = deletes;
  equality.content = FileContent::kEqualityDeletes;
  equality.file_path += ".eq";
  equality.equality_ids = {schema::FieldId(1)};
  table.Commit({.operation = "overwrite", .added = {deletes, equality}, .removed_paths = {files[0].file_path}});
  EXPECT_THAT(SummaryOf(table.metadata()),
              testing::IsSupersetOf({Pair("operation", "overwrite"), Pair("deleted-data-files", "1"),
                                     Pair("deleted-records", "10"), Pair("added-delete-files", "2"),
                                     Pair("added-position-delete-files", "1"), Pair("added-position-deletes", "10"),
                                     Pair("added-equality-delete-files", "1"), Pair("total-equality-deletes", "10"),
                                     Pair("total-data-files", "1"), Pair("total-records", "10"),
                                     Pair("total-delete-files", "2"), Pair("changed-partition-count", "2")}));
  EXPECT_THAT(SummaryOf(table.metadata()), Not(Contains(Key("added-data-files"))));
}

TEST(SnapshotBuilderTest, ATotalThatTheParentLacksIsNotInvented) {
  TestTable table;
  table.Append({TestTable::Phantom(1)});
  table.metadata().snapshots.back().summary.erase("total-records");
  table.metadata().snapshots.back().summary["total-data-files"] = "many";
  table.Append({TestTable::Phantom(2)});
  EXPECT_THAT(SummaryOf(table.metadata()), Not(Contains(Key("total-records"))));
  EXPECT_THAT(SummaryOf(table.metadata()), Not(Contains(Key("total-data-files"))));
  EXPECT_THAT(SummaryOf(table.metadata()), Contains(Pair("total-files-size", "200")));
}

TEST(SnapshotBuilderTest, AnEmptyCommitMovesOnlyPositions) {
  TestTable table;
  table.Append({TestTable::Phantom(1)});
  table.Commit({.summary = {{"millrace.positions.p", "7"}}});
  EXPECT_EQ(SummaryOf(table.metadata()).at("millrace.positions.p"), "7");
  EXPECT_EQ(SummaryOf(table.metadata()).at("total-data-files"), "1");
  EXPECT_EQ(ReadManifestList(table.store(), *table.metadata().current_snapshot()).size(), 1U);
  TestTable fresh;
  fresh.Commit({.summary = {{"millrace.positions.p", "7"}}});
  EXPECT_TRUE(ReadManifestList(fresh.store(), *fresh.metadata().current_snapshot()).empty());
  EXPECT_EQ(fresh.Inspect()["rows"], 0);
}

TEST(SnapshotBuilderTest, OverwriteRewritesOnlyTheManifestThatHoldsTheFile) {
  TestTable table;
  const std::vector<DataFile> files = table.Files(6, 10);
  const SnapshotId first = table.Append({files[0], files[1]});
  table.Append({files[2], files[3]});
  const auto before = ReadManifestList(table.store(), *table.metadata().current_snapshot());
  const SnapshotId third =
      table.Commit({.operation = "overwrite", .added = {files[4]}, .removed_paths = {files[1].file_path}});
  const auto after = ReadManifestList(table.store(), *table.metadata().current_snapshot());
  ASSERT_EQ(after.size(), 3U);
  EXPECT_THAT(after, Contains(testing::Field(&ManifestFile::manifest_path, before[0].manifest_path)));
  EXPECT_THAT(after, Not(Contains(testing::Field(&ManifestFile::manifest_path, before[1].manifest_path))));
  const json seen = table.Inspect();
  EXPECT_EQ(seen["rows"], 40);
  EXPECT_EQ(seen["duckdb"], json({40, IdSum(5, 10) - (10 + 19) * 5}));
  EXPECT_EQ(seen["files"], json({"file-0.parquet", "file-2.parquet", "file-3.parquet", "file-4.parquet"}));
  EXPECT_EQ(seen["entries"][0], json({0, "file-0.parquet", first.value(), 1, 1})) << "EXISTING keeps its numbers";
  EXPECT_THAT(seen["entries"], Contains(json({2, "file-1.parquet", third.value(), 1, 1})))
      << "DELETED by this snapshot";
  // The next commit forgets the deletion.
  table.Append({files[5]});
  EXPECT_THAT(table.Inspect()["files"].get<std::vector<std::string>>(), Not(Contains("file-1.parquet")));
}

TEST(SnapshotBuilderTest, AManifestOfDeletionsAloneIsDroppedByTheNextCommit) {
  TestTable table;
  table.Append({TestTable::Phantom(1)});
  table.Append({TestTable::Phantom(2)});
  table.Commit({.operation = "delete", .removed_paths = {TestTable::Phantom(1).file_path}});
  EXPECT_EQ(ReadManifestList(table.store(), *table.metadata().current_snapshot()).size(), 2U);
  table.Append({TestTable::Phantom(3)});
  EXPECT_EQ(ReadManifestList(table.store(), *table.metadata().current_snapshot()).size(), 2U);
}

TEST(SnapshotBuilderTest, AFullRefreshReplacesEverything) {
  TestTable table;
  const std::vector<DataFile> files = table.Files(5, 10);
  table.Append({files[0], files[1]});
  DataFile deletes = files[0];
  deletes.content = FileContent::kEqualityDeletes;
  deletes.equality_ids = {schema::FieldId(1)};
  deletes.file_path += ".deletes";
  table.Append({files[2], deletes});
  table.Commit({.operation = "overwrite", .added = {files[3], files[4]}, .remove_all = true});
  const json seen = table.Inspect();
  EXPECT_EQ(seen["files"], json({"file-3.parquet", "file-4.parquet"}));
  EXPECT_EQ(seen["duckdb"][0], 20);
  EXPECT_THAT(SummaryOf(table.metadata()),
              testing::IsSupersetOf({Pair("total-data-files", "2"), Pair("total-records", "20"),
                                     Pair("total-delete-files", "0"), Pair("removed-equality-delete-files", "1")}));
  EXPECT_EQ(SummaryOf(table.metadata()).at("total-files-size"),
            std::to_string(files[3].file_size_in_bytes + files[4].file_size_in_bytes));
}

TEST(SnapshotBuilderTest, DeleteFilesHaveManifestsOfTheirOwn) {
  TestTable table;
  DataFile deletes = TestTable::Phantom(2);
  deletes.content = FileContent::kPositionDeletes;
  table.Append({TestTable::Phantom(1), deletes});
  const auto manifests = ReadManifestList(table.store(), *table.metadata().current_snapshot());
  ASSERT_EQ(manifests.size(), 2U);
  EXPECT_EQ(manifests[0].content, ManifestContent::kData);
  EXPECT_EQ(manifests[1].content, ManifestContent::kDeletes);
}

TEST(SnapshotBuilderTest, EachSpecHasManifestsOfItsOwn) {
  TestTable table;
  table.metadata().partition_specs.push_back({.spec_id = 1});
  DataFile unpartitioned = TestTable::Phantom(1);
  unpartitioned.spec_id = 1;
  unpartitioned.partition.clear();
  table.Append({TestTable::Phantom(2), unpartitioned});
  const auto manifests = ReadManifestList(table.store(), *table.metadata().current_snapshot());
  ASSERT_EQ(manifests.size(), 2U);
  EXPECT_EQ(manifests[0].partition_spec_id, 0);
  EXPECT_EQ(manifests[1].partition_spec_id, 1);
  EXPECT_TRUE(manifests[1].partitions.empty());
}

TEST(SnapshotBuilderTest, SmallManifestsAreMergedAndKeepTheirNumbers) {
  TestTable table;
  table.metadata().properties["commit.manifest.min-count-to-merge"] = "4";
  const std::vector<DataFile> files = table.Files(6, 10);
  std::vector<SnapshotId> ids;
  for (const DataFile& file : files) ids.push_back(table.Append({file}));
  const auto manifests = ReadManifestList(table.store(), *table.metadata().current_snapshot());
  EXPECT_LE(manifests.size(), 4U);
  const json seen = table.Inspect();
  EXPECT_EQ(seen["duckdb"], json({60, IdSum(6, 10)}));
  for (size_t i = 0; i < files.size(); ++i) {
    // file-i was added by commit i + 1, whatever manifest holds it now.
    const json& entry = seen["entries"][i];
    const int number = std::stoi(entry[1].get<std::string>().substr(5));
    EXPECT_EQ(entry[2], ids[static_cast<size_t>(number)].value());
    EXPECT_EQ(entry[3], number + 1);
    EXPECT_EQ(entry[4], number + 1);
  }
  table.metadata().properties["commit.manifest-merge.enabled"] = "false";
  for (int i = 0; i < 5; ++i) table.Append({TestTable::Phantom(i)});
  EXPECT_EQ(ReadManifestList(table.store(), *table.metadata().current_snapshot()).size(), manifests.size() + 5);
}

TEST(SnapshotBuilderTest, ARetryReusesManifestsAndWritesOnlyAnotherList) {
  TestTable table;
  table.Append({TestTable::Phantom(1)});
  SnapshotBuilder builder(table.store(), {.added = {TestTable::Phantom(2)}});
  const auto lost = builder.Build(table.metadata(), table.Tick());
  table.Append({TestTable::Phantom(3)});  // another writer is faster
  EXPECT_THAT(Unmet(lost.requirements, &table.metadata()), testing::Optional(HasSubstr("main")));
  const auto before = table.Keys("t/metadata/");
  const auto won = builder.Build(table.metadata(), table.Tick());
  const auto after = table.Keys("t/metadata/");
  EXPECT_EQ(after.size(), before.size() + 1);
  table.Land(won.requirements, won.updates);
  EXPECT_TRUE(InAncestry(table.metadata(), builder.snapshot_id()));
  EXPECT_EQ(SummaryOf(table.metadata()).at("total-data-files"), "3");
  std::set<std::string> live;
  ForEachLiveFile(table.store(), table.metadata(), *table.metadata().current_snapshot(), {},
                  [&](const ManifestEntry& entry) {
                    live.insert(entry.file.file_path);
                    if (entry.file.file_path == TestTable::Phantom(2).file_path) {
                      EXPECT_EQ(entry.sequence_number, SequenceNumber(3)) << "the number of the attempt that landed";
                    }
                  });
  EXPECT_EQ(live.size(), 3U);
  builder.DropSuperseded(*table.metadata().current_snapshot());
  EXPECT_EQ(table.Keys("t/metadata/").size(), after.size() - 1) << "the lost attempt's list goes, all else stays";
  EXPECT_EQ(ReadManifestList(table.store(), *table.metadata().current_snapshot()).size(), 3U);
}

TEST(SnapshotBuilderTest, AbandonDeletesWhatItWroteAndNothingElse) {
  TestTable table;
  table.Append({TestTable::Phantom(1)});
  const auto before = table.Keys("");
  SnapshotBuilder builder(table.store(),
                          {.operation = "overwrite", .added = {TestTable::Phantom(2)}, .remove_all = true});
  builder.Build(table.metadata(), table.Tick());
  builder.Build(table.metadata(), table.Tick());
  EXPECT_EQ(table.Keys("").size(), before.size() + 4);
  builder.Abandon();
  EXPECT_EQ(table.Keys(""), before);
}

TEST(SnapshotBuilderTest, SnapshotIdsArePositiveAndDiffer) {
  TestTable table;
  std::set<SnapshotId> ids;
  for (int i = 0; i < 1000; ++i) ids.insert(SnapshotBuilder(table.store(), {}).snapshot_id());
  EXPECT_EQ(ids.size(), 1000U);
  EXPECT_GT(ids.begin()->value(), 0);
}

TEST(SnapshotBuilderTest, WhatCannotBeBuiltIsRefusedInOneSentence) {
  TestTable table;
  table.Append({TestTable::Phantom(1)});
  const auto building = [&](SnapshotChange change) {
    return [&table, change = std::move(change)] {
      SnapshotBuilder(table.store(), change).Build(table.metadata(), table.now());
    };
  };
  EXPECT_THAT(building({.operation = "overwrite", .removed_paths = {"file:///gone"}}),
              ThrowsMessage<Error>(HasSubstr("not in the table any more")));
  TableMetadata good = table.metadata();
  table.metadata().snapshots.clear();
  EXPECT_THAT(building({}), ThrowsMessage<Error>(HasSubstr("not among its snapshots")));
  table.metadata() = good;
  table.metadata().refs["main"].type = "tag";
  EXPECT_THAT(building({}), ThrowsMessage<Error>(HasSubstr("main is a tag")));
  table.metadata() = good;
  table.metadata().format_version = 4;
  EXPECT_THAT(building({}), ThrowsMessage<Error>(HasSubstr("format version 4")));
  table.metadata() = good;
  table.metadata().properties["commit.manifest.target-size-bytes"] = "8MB";
  EXPECT_THAT(building({.added = {TestTable::Phantom(2)}}),
              ThrowsMessage<Error>(HasSubstr("commit.manifest.target-size-bytes")));
  table.metadata() = good;
  DataFile unknown = TestTable::Phantom(2);
  unknown.spec_id = 9;
  EXPECT_THAT(building({.added = {unknown}}), ThrowsMessage<Error>(HasSubstr("no partition spec 9")));
}

std::map<std::string, std::optional<int64_t>> RowIds(TestTable& table) {
  std::map<std::string, std::optional<int64_t>> ids;
  ForEachLiveFile(table.store(), table.metadata(), *table.metadata().current_snapshot(), {}, [&](ManifestEntry entry) {
    const std::string& path = entry.file.file_path;
    ids[path.substr(path.rfind('/') + 1)] = entry.file.first_row_id;
  });
  return ids;
}

TEST(SnapshotBuilderTest, RowsOfVersionThreeGetIdsThatTheyKeep) {
  TestTable table;
  table.metadata().properties["commit.manifest.min-count-to-merge"] = "3";
  const std::vector<DataFile> files = table.Files(7, 10);
  table.Append({files[0], files[1]});
  EXPECT_EQ(RowIds(table)["file-0.parquet"], std::nullopt);
  table.Land({}, {UpgradeFormatVersion{3}});
  EXPECT_EQ(RowIds(table)["file-0.parquet"], std::nullopt) << "snapshots of before have none";
  table.Append({files[2]});
  const auto first = RowIds(table);
  EXPECT_EQ(table.metadata().current_snapshot()->first_row_id, 0);
  EXPECT_EQ(table.metadata().next_row_id, 30);
  std::set<int64_t> starts;
  for (const auto& [path, id] : first) starts.insert(id.value());
  EXPECT_THAT(starts, ElementsAre(0, 10, 20));

  // A conflict: the ids are those of the base that it is built on in the end.
  SnapshotBuilder late(table.store(), {.added = {files[3]}});
  late.Build(table.metadata(), table.now());
  table.Append({files[4]});
  const auto request = late.Build(table.metadata(), table.Tick());
  table.Land(request.requirements, request.updates);
  table.Commit({.operation = "overwrite", .added = {files[5]}, .removed_paths = {files[1].file_path}});
  table.Append({files[6]});  // manifests are merged
  auto now = RowIds(table);
  starts.clear();
  for (const auto& [path, id] : now) starts.insert(id.value());
  EXPECT_EQ(starts.size(), now.size()) << "no id twice";
  EXPECT_EQ(now["file-0.parquet"], first.at("file-0.parquet"));
  EXPECT_EQ(now["file-2.parquet"], first.at("file-2.parquet"));
  EXPECT_LE(*starts.rbegin() + 10, table.metadata().next_row_id);

  const json seen = table.Inspect();
  EXPECT_EQ(seen["rows"], 60);
  EXPECT_EQ(seen["sum"], IdSum(7, 10) - 145) << "but for file 1";
  EXPECT_EQ(seen["duckdb"], json({60, IdSum(7, 10) - 145}));
}

TEST(SnapshotBuilderTest, VectorsOfOneFileComeAndGoOneByOne) {
  TestTable table;
  table.Land({}, {UpgradeFormatVersion{3}});
  const std::vector<DataFile> files = table.Files(2, 10);
  table.Append(files);
  const auto vectors = [&](const std::string& name, std::vector<std::vector<int64_t>> positions) {
    PuffinFile puffin;
    std::vector<DataFile> made;
    for (size_t i = 0; i < positions.size(); ++i) {
      DataFile vector = files[i];
      const auto count = static_cast<int64_t>(positions[i].size());
      const auto blob = puffin.AddDeletionVector(EncodeDeletionVector(positions[i]), files[i].file_path, count);
      vector = {.content = FileContent::kPositionDeletes,
                .file_path = table.store().UriOf(name),
                .file_format = "PUFFIN",
                .partition = files[i].partition,
                .record_count = count,
                .referenced_data_file = files[i].file_path,
                .content_offset = blob.offset,
                .content_size_in_bytes = blob.size};
      made.push_back(std::move(vector));
    }
    const std::string bytes = std::move(puffin).Finish();
    for (DataFile& vector : made) vector.file_size_in_bytes = static_cast<int64_t>(bytes.size());
    table.store().PutIfAbsent(name, bytes);
    return made;
  };
  const auto both = vectors("t/data/a.puffin", {{0, 3}, {5}});
  table.Commit({.operation = "delete", .added = both});
  EXPECT_THAT(SummaryOf(table.metadata()),
              testing::IsSupersetOf({Pair("added-dvs", "2"), Pair("added-delete-files", "2"),
                                     Pair("total-position-deletes", "3"), Pair("total-delete-files", "2")}));
  EXPECT_EQ(table.Inspect()["sum"], IdSum(2, 10) - 0 - 3 - 15);
  const auto one = vectors("t/data/b.puffin", {{0, 3, 4}});
  table.Commit({.operation = "delete", .added = one, .removed_paths = {NameOf(both[0])}, .removes_only_deletes = true});
  const json seen = table.Inspect();
  EXPECT_EQ(seen["sum"], IdSum(2, 10) - 0 - 3 - 4 - 15);
  EXPECT_EQ(seen["duckdb"], json({16, IdSum(2, 10) - 22}));
  EXPECT_THAT(SummaryOf(table.metadata()),
              testing::IsSupersetOf(
                  {Pair("removed-dvs", "1"), Pair("total-delete-files", "2"), Pair("total-position-deletes", "4")}));
}

TEST(SnapshotBuilderTest, TheRefKeepsItsRetentionAndTheFolderOfThePropertyIsUsed) {
  TestTable table;
  table.metadata().properties["write.metadata.path"] = table.store().UriOf("elsewhere/meta") + "/";
  table.Append({TestTable::Phantom(1)});
  table.metadata().refs["main"].min_snapshots_to_keep = 7;
  table.Append({TestTable::Phantom(2)});
  EXPECT_EQ(table.metadata().refs.at("main").min_snapshots_to_keep, 7);
  EXPECT_EQ(table.Keys("elsewhere/meta/").size(), 4U);
}

TEST(SnapshotBuilderTest, PyicebergsCommitsAreReadAndGoneOnAfter) {
  TestTable table;
  const std::vector<DataFile> files = table.Files(6, 10);
  table.Append({files[0], files[1], files[2]});
  table.Adopt(judge::Python("table.py", fmt::format("write {} {} append overwrite delete evolve append spec append",
                                                    table.Publish(), table.folder().path().string())));
  int64_t rows = 0;
  ForEachLiveFile(table.store(), table.metadata(), *table.metadata().current_snapshot(), {},
                  [&](const ManifestEntry& entry) {
                    EXPECT_TRUE(entry.sequence_number.has_value());
                    rows += entry.file.record_count;
                  });
  const json before = table.Inspect();
  EXPECT_EQ(before["rows"], rows);
  const SnapshotId ours = table.Append({files[3]});
  json seen = table.Inspect();
  EXPECT_EQ(seen["rows"], rows + 10);
  EXPECT_EQ(seen["duckdb"], json({rows + 10, before["sum"].get<int64_t>() + (30 + 39) * 5}));
  EXPECT_EQ(seen["current"], ours.value());
  EXPECT_EQ(SummaryOf(table.metadata()).at("total-records"), std::to_string(rows + 10));
  table.Commit({.operation = "delete", .remove_all = true});
  seen = table.Inspect();
  EXPECT_EQ(seen["rows"], 0);
  EXPECT_EQ(SummaryOf(table.metadata()).at("total-records"), "0");
}

class FormatTest : public testing::TestWithParam<std::pair<const char*, const char*>> {};

TEST_P(FormatTest, TablesOfEachVersionAndCodecAreReadAndGoneOnAfter) {
  TestTable table;
  const auto [version, codec] = GetParam();
  const auto folder = table.folder().path().string();
  table.Adopt(judge::Python("table.py", fmt::format("create {} {} {}", folder, version, codec)));
  int64_t rows = 0;
  int64_t highest = 0;
  ForEachLiveFile(table.store(), table.metadata(), *table.metadata().current_snapshot(), {},
                  [&](const ManifestEntry& entry) {
                    highest = std::max(highest, entry.sequence_number.value().value());
                    rows += entry.file.record_count;
                  });
  EXPECT_EQ(rows, 30);
  EXPECT_EQ(highest, *version == '1' ? 0 : 3);
  const std::vector<DataFile> files = table.Files(5, 10);
  std::vector<DataFile> added = {files[3], files[4]};
  for (DataFile& file : added) file.partition.clear();
  table.Append(added);
  for (const ManifestFile& manifest : ReadManifestList(table.store(), *table.metadata().current_snapshot())) {
    EXPECT_GE(manifest.added_files_count, 0);
    EXPECT_GE(manifest.existing_rows_count, 0);
  }
  const bool zstd = codec == std::string_view("zstd");
  const json seen = table.Inspect(zstd ? "pyiceberg" : "");
  EXPECT_EQ(seen["rows"], 50);
  EXPECT_EQ(seen["sum"], IdSum(5, 10));
  EXPECT_EQ(seen["duckdb"], zstd ? json({0, 0}) : json({50, IdSum(5, 10)}));
  table.Commit({.operation = "delete", .remove_all = true});
  EXPECT_EQ(table.Inspect()["rows"], 0);
}

INSTANTIATE_TEST_SUITE_P(Formats, FormatTest,
                         testing::Values(std::pair("1", "gzip"), std::pair("2", "zstd"), std::pair("2", "null")));

class SnapshotBuilderFaultTest : public testing::TestWithParam<io::StoreFault::Effect> {};

TEST_P(SnapshotBuilderFaultTest, AFailedPutAtAnyPlaceLeavesNothingOnceAbandonedAndTheNextTryWorks) {
  TestTable table;
  table.Append({TestTable::Phantom(1)});
  const auto before = table.Keys("");
  int64_t failed = 0;
  for (int64_t k = 0; failed == k; ++k) {
    io::FaultStore faulty(table.store());
    faulty.Inject({.call = io::StoreCall::kPut, .effect = GetParam(), .skip = k});
    SnapshotBuilder builder(faulty, {.operation = "overwrite", .added = {TestTable::Phantom(2)}, .remove_all = true});
    try {
      builder.Build(table.metadata(), table.Tick());
    } catch (const Error& error) {
      EXPECT_EQ(error.code(), ErrorCode::kUnavailable);
      ++failed;
      // The same builder goes on where it was.
      const auto request = builder.Build(table.metadata(), table.Tick());
      EXPECT_EQ(Unmet(request.requirements, &table.metadata()), std::nullopt);
    }
    builder.Abandon();
    EXPECT_EQ(table.Keys(""), before) << k;
  }
  EXPECT_EQ(failed, 3) << "added, rewritten, list";
}

INSTANTIATE_TEST_SUITE_P(Effects, SnapshotBuilderFaultTest,
                         testing::Values(io::StoreFault::Effect::kFail, io::StoreFault::Effect::kLandThenFail));

}  // namespace
}  // namespace millrace::table
