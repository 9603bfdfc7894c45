// Tables with one row a key: what a sink that upserts lands, as pyiceberg and the walk by hand (tests/e2e/oracle.py)
// read it.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <map>

#include "base/error.h"
#include "catalog/fault_catalog.h"
#include "contract/event_batches.h"
#include "land/committer.h"
#include "land/lake.h"
#include "land/plain_decoder.h"
#include "land/rewrite_files.h"
#include "land/snapshots_to_judge.h"
#include "land/table_sink.h"
#include "land/upsert/key_values.h"
#include "table/deletion_vector.h"
#include "table/live_files.h"

namespace millrace::land {
namespace {

using event::CommitOutcome;
using testing::Lake;
using testing::TempFolder;

using Rows = std::map<int64_t, std::string>;

std::string Up(int64_t id, const std::string& name, const std::string& more = "") {
  return R"({"id": )" + std::to_string(id) + R"(, "name": ")" + name + "\"" + more + "}";
}
std::string Del(int64_t id, const std::string& more = "") {
  return R"({"id": )" + std::to_string(id) + R"(, "op": "d")" + more + "}";
}

/// How a table takes rows away, and the format that it has.
struct Way {
  const char* name;
  UpsertMode mode;
  int32_t format;
};

class UpsertTest : public ::testing::TestWithParam<Way> {
 protected:
  TableSinkOptions Options() {
    TableSinkOptions options;
    options.table.name = name_;
    options.scope = "pipe";
    options.decoder = [] { return std::make_unique<testing::PlainChangeDecoder>("id"); };
    options.lanes = 3;
    options.key = {"id"};
    options.upsert = {.mode = GetParam().mode};
    options.table.format_version = GetParam().format;
    options.key_index_folder = folder_->path() / "keys";
    options.spill_folder = folder_->path() / "spill";
    return options;
  }
  std::unique_ptr<TableSink> Open(const TableSinkOptions& options) {
    auto sink = std::make_unique<TableSink>(*lake_.catalog, options, budget_);
    const auto positions = sink->Recover();
    const auto at = positions.find(event::SplitId("topic:t/0"));
    offset_ = at == positions.end() ? 0 : event::OffsetOf(at->second);
    return sink;
  }
  void Write(event::Sink& sink, const std::vector<std::string>& lines) {
    sink.Write(event::BatchOf(lines, offset_));
    offset_ += static_cast<int64_t>(lines.size());
  }
  void Land(event::Sink& sink, const std::vector<std::string>& lines) {
    Write(sink, lines);
    ASSERT_EQ(sink.Commit({}), CommitOutcome::kCommitted);
  }
  /// What the table holds now, judged when all tests have run: one Python for all of them.
  void Expect(const Rows& rows, const std::string& column = "name", const Rows& more = {}) {
    nlohmann::json wanted = nlohmann::json::array();
    for (const auto* some : {&rows, &more}) {
      for (const auto& [id, value] : *some) {
        wanted.push_back({id, value.empty() ? nlohmann::json() : nlohmann::json(value)});
      }
    }
    expected_.push_back({{"table", "silver.users"},
                         {"snapshot", Metadata().current_snapshot_id->value()},
                         {"columns", {"id", column}},
                         {"rows", wanted},
                         {"said", ::testing::UnitTest::GetInstance()->current_test_info()->name()}});
  }
  void TearDown() override { Judged().Add(std::move(folder_), expected_); }
  static testing::SnapshotsToJudge& Judged() {
    static testing::SnapshotsToJudge judged;
    return judged;
  }
  static void TearDownTestSuite() { Judged().Judge(); }
  table::TableMetadata Metadata() { return *lake_.catalog->Load(name_)->metadata; }
  std::string Operation() { return Metadata().current_snapshot()->summary.at("operation"); }
  std::vector<table::DataFile> Live() {
    std::vector<table::DataFile> files;
    const auto metadata = Metadata();
    table::ForEachLiveFile(*lake_.store, metadata, *metadata.current_snapshot(), {},
                           [&](table::ManifestEntry entry) { files.push_back(std::move(entry.file)); });
    return files;
  }
  /// What a compaction does: every data file, with the deletes that apply, becomes one a partition.
  void Compact() {
    const auto table = *lake_.catalog->Load(name_);
    const auto& metadata = *table.metadata;
    table::DeleteFiles deletes(metadata);
    std::map<table::PartitionKey, std::vector<table::DatedFile>> partitions;
    table::ForEachLiveFile(*lake_.store, metadata, *metadata.current_snapshot(), {}, [&](table::ManifestEntry entry) {
      table::DatedFile file{.file = entry.file, .sequence = *entry.sequence_number};
      if (entry.file.content == table::FileContent::kData) {
        partitions[table::PartitionOf(entry.file)].push_back(file);
      } else {
        deletes.Add(file);
      }
    });
    table::SnapshotChange change{.operation = "replace"};
    change.added_sequence = metadata.current_snapshot()->sequence_number;
    for (const auto& file : deletes.files()) change.removed_paths.insert(table::NameOf(file.file));
    for (const auto& [key, files] : partitions) {
      const FileGroup group{.spec_id = key.spec_id, .partition = key.values, .files = files};
      for (const auto& file : files) change.removed_paths.insert(file.file.file_path);
      const auto made = RewriteFiles(*lake_.store, metadata, group, DeletedRows(*lake_.store, metadata, deletes, files),
                                     {.file_name = "compacted-" + std::to_string(++compacted_)}, budget_, {});
      if (made) change.added.push_back(*made);
    }
    Committer committer(*lake_.catalog, name_, metadata.table_uuid);
    committer.Commit(std::move(change), std::nullopt, {});
  }

  std::unique_ptr<TempFolder> folder_ = std::make_unique<TempFolder>();
  Lake lake_{folder_->path()};
  ByteBudget budget_{int64_t{64} << 20};
  const catalog::TableName name_{"silver", "users"};
  std::vector<nlohmann::json> expected_;
  int64_t offset_ = 0;
  int compacted_ = 0;
};

const auto kIndexed = ::testing::Values(
    Way{"MergeOnRead", UpsertMode::kMergeOnRead, 2}, Way{"CopyOnWrite", UpsertMode::kCopyOnWrite, 2},
    Way{"Vectors", UpsertMode::kMergeOnRead, 3}, Way{"CopyOnWriteVersion3", UpsertMode::kCopyOnWrite, 3});
const auto kByValue = ::testing::Values(Way{"EqualityDeletes", UpsertMode::kEqualityDeletes, 2},
                                        Way{"EqualityDeletesVersion3", UpsertMode::kEqualityDeletes, 3});

std::string NameOf(const ::testing::TestParamInfo<Way>& way) { return way.param.name; }

INSTANTIATE_TEST_SUITE_P(Indexed, UpsertTest, kIndexed, NameOf);
INSTANTIATE_TEST_SUITE_P(ByValue, UpsertTest, kByValue, NameOf);

/// What only who knows the rows of the table can do.
class IndexedUpsertTest : public UpsertTest {};
INSTANTIATE_TEST_SUITE_P(Modes, IndexedUpsertTest, kIndexed, NameOf);

class EqualityDeleteTest : public UpsertTest {};
INSTANTIATE_TEST_SUITE_P(Formats, EqualityDeleteTest, kByValue, NameOf);

TEST_P(UpsertTest, TheLastChangeOfAKeyStandsAcrossRowsBatchesLanesAndCommits) {
  auto options = Options();
  options.table.sort_by = std::vector<std::string>{"name desc"};
  auto sink = Open(options);
  Rows wanted;
  for (int v = 0; v < 40; ++v) {
    std::vector<std::string> lines;
    for (int64_t id = v; id < v + 10; ++id) {
      lines.push_back(Up(id, "old"));
      lines.push_back(Up(id, "v" + std::to_string(v)));
      wanted[id] = "v" + std::to_string(v);
    }
    lines.push_back(Del(v));
    wanted.erase(v);
    Write(*sink, lines);
    if (v == 10 || v == 25) {
      ASSERT_EQ(sink->Commit({}), CommitOutcome::kCommitted);
      Expect(wanted);
    }
    if (v == 25) {
      sink.reset();
      sink = Open(options);
    }
  }
  ASSERT_EQ(sink->Commit({}), CommitOutcome::kCommitted);
  Expect(wanted);
  EXPECT_EQ(sink->counts().deletes, 14U);
  const auto counts = sink->counts();
  EXPECT_EQ(counts.records, counts.rows + counts.duplicates + counts.deletes);
  sink.reset();
  EXPECT_EQ(budget_.used(), 0);
  for (const auto& file : Live()) {
    EXPECT_TRUE(GetParam().mode != UpsertMode::kCopyOnWrite || file.content == table::FileContent::kData);
    const bool vector = table::IsDeletionVector(file);
    EXPECT_EQ(vector, GetParam().format == 3 && file.content == table::FileContent::kPositionDeletes);
  }
}

TEST_P(UpsertTest, InsertDeleteAndInsertAgainInOneCommitAndOverSeveral) {
  const auto sink = Open(Options());
  Land(*sink, {Up(1, "a"), Del(1), Up(2, "a"), Del(2), Up(2, "b"), Del(3), Up(4, "a")});
  Expect(Rows{{2, "b"}, {4, "a"}});
  Land(*sink, {Del(2), Up(1, "c"), Del(99)});
  Expect(Rows{{1, "c"}, {4, "a"}});
  Land(*sink, {Del(1), Up(1, "d"), Up(2, "e"), Del(4)});
  Expect(Rows{{1, "d"}, {2, "e"}});
  Land(*sink, {Del(1), Del(2)});
  Expect({});
  Land(*sink, {Up(1, "f")});
  Expect(Rows{{1, "f"}});
}

TEST_P(UpsertTest, TombstonesDeleteAndDeletesBeforeTheTableIsThereTouchNothing) {
  const auto sink = Open(Options());
  Write(*sink, {Del(1), Del(2)});
  EXPECT_EQ(sink->Commit({}), CommitOutcome::kNothing) << "no row yet, no table, no place for positions";
  // Deletes and the rows they delete, before there is a table, in batches that lanes take at the same time.
  for (int64_t id = 0; id < 20; ++id) {
    Write(*sink, {Up(id, "a")});
    if (id % 2 == 0) Write(*sink, {Del(id)});
  }
  auto tombstones = std::make_shared<event::EventBatch>(*event::BatchOf({"", ""}, offset_));
  tombstones->key_payload = PaddedBuffer::CopyOf("1319");
  tombstones->keys = {{0, 2}, {2, 2}};
  sink->Write(tombstones);
  offset_ += 2;
  ASSERT_EQ(sink->Commit({}), CommitOutcome::kCommitted);
  Rows wanted;
  for (int64_t id = 1; id < 20; id += 2) wanted[id] = "a";
  wanted.erase(13);
  wanted.erase(19);
  Expect(wanted);
  EXPECT_EQ(sink->counts().deletes, 14U);
}

TEST_P(UpsertTest, AnUpdateThatMovesTheRowToAnotherPartitionLeavesNothingBehind) {
  auto options = Options();
  options.table.partition_by = std::vector<std::string>{"name"};
  auto sink = Open(options);
  std::vector<std::string> lines;
  Rows wanted;
  for (int64_t id = 0; id < 60; ++id) lines.push_back(Up(id, "p" + std::to_string(id % 6)));
  Land(*sink, lines);
  lines.clear();
  for (int64_t id = 0; id < 60; ++id) {
    wanted[id] = "p" + std::to_string(id % 6);
    if (id % 3 == 0) lines.push_back(Up(id, wanted[id] = "p" + std::to_string((id + 1) % 6)));
    if (id % 3 == 1) {
      lines.push_back(Del(id));
      wanted.erase(id);
    }
  }
  Land(*sink, lines);
  Expect(wanted);
  // And under another spec: the old rows lie in partitions of the old one.
  options.table.partition_by = std::vector<std::string>{"bucket(3, id)"};
  sink.reset();
  sink = Open(options);
  lines.clear();
  for (int64_t id = 0; id < 60; id += 2) lines.push_back(Up(id, wanted[id] = "moved"));
  Land(*sink, lines);
  Expect(wanted);
}

TEST_P(UpsertTest, RowsThatWaitOnDiskOrInManyRowGroupsAreFoundWhereTheyEndUp) {
  auto options = Options();
  options.table.partition_by = std::vector<std::string>{"bucket(200, id)"};
  options.table.sort_by = std::vector<std::string>{"name"};
  ByteBudget tight(int64_t{4} << 20);
  TableSink sink(*lake_.catalog, options, tight);
  sink.Recover();
  Rows wanted;
  for (int round = 0; round < 2; ++round) {
    for (int batch = 0; batch < 30; ++batch) {
      std::vector<std::string> lines;
      for (int64_t i = 0; i < 400; ++i) {
        const int64_t id = (batch * 211 + i * 7) % 3000;
        wanted[id] = "r" + std::to_string((id * 31 + batch + round) % 97);
        lines.push_back(Up(id, wanted[id]));
      }
      Write(sink, lines);
    }
    ASSERT_EQ(sink.Commit({}), CommitOutcome::kCommitted);
    Expect(wanted);
  }
}

TEST_P(IndexedUpsertTest, TheNewestByTheOrderColumnStandsWheneverItComes) {
  auto options = Options();
  options.upsert->order_by = "at";
  const auto at = [](int64_t when) { return R"(, "at": )" + std::to_string(when); };
  auto sink = Open(options);
  Land(*sink, {Up(1, "new", at(9)), Up(1, "old", at(3)), Up(2, "a", at(5)), Up(2, "b", at(5)), Up(3, "x", at(1))});
  Expect(Rows{{1, "new"}, {2, "b"}, {3, "x"}});
  Write(*sink, {Up(1, "late", at(8)), Up(3, "y", at(2)), Up(3, "z", at(1))});
  Write(*sink, {Up(4, "first", at(4))});
  ASSERT_EQ(sink->Commit({}), CommitOutcome::kCommitted);
  Expect(Rows{{1, "new"}, {2, "b"}, {3, "y"}, {4, "first"}});
  // The index is a copy: the order is in the table.
  sink.reset();
  std::filesystem::remove_all(folder_->path() / "keys");
  sink = Open(options);
  Land(*sink, {Up(1, "later still", at(8)), Up(4, "second", at(4)), Up(5, "no order")});
  Expect(Rows{{1, "new"}, {2, "b"}, {3, "y"}, {4, "second"}, {5, "no order"}});
  Land(*sink, {Up(1, "no order either"), Up(5, "ordered", at(1))});
  Expect(Rows{{1, "no order either"}, {2, "b"}, {3, "y"}, {4, "second"}, {5, "ordered"}});
}

TEST_P(UpsertTest, CommitsAreCalledWhatTheyDo) {
  const auto sink = Open(Options());
  Land(*sink, {Up(1, "a"), Up(2, "a")});
  EXPECT_EQ(Operation(), "append");
  Land(*sink, {Up(3, "a"), Del(77)});
  if (GetParam().mode == UpsertMode::kEqualityDeletes) {
    EXPECT_EQ(Operation(), "overwrite") << "nobody knows what was there";
    Land(*sink, {Del(2)});
    EXPECT_EQ(Operation(), "delete");
    EXPECT_EQ(Metadata().current_snapshot()->summary.at("added-equality-deletes"), "1");
    EXPECT_EQ(Metadata().current_snapshot()->summary.at("total-equality-deletes"), "3");
    return;
  }
  EXPECT_EQ(Operation(), "append") << "nothing was there to delete";
  Land(*sink, {Up(1, "b")});
  EXPECT_EQ(Operation(), "overwrite");
  Land(*sink, {Del(2)});
  const auto summary = Metadata().current_snapshot()->summary;
  if (GetParam().mode == UpsertMode::kMergeOnRead) {
    const bool vectors = GetParam().format == 3;  // the second one has what the first one had
    EXPECT_EQ(Operation(), "delete");
    EXPECT_EQ(summary.at("added-position-deletes"), vectors ? "2" : "1");
    EXPECT_EQ(summary.at("total-position-deletes"), "2");
    EXPECT_EQ(summary.at("total-delete-files"), vectors ? "1" : "2");
    EXPECT_EQ(summary.at("total-records"), "4");
  } else {
    EXPECT_EQ(summary.at("total-records"), "2");
    EXPECT_EQ(summary.at("total-delete-files"), "0");
  }
}

TEST_P(IndexedUpsertTest, AStartWithoutTheIndexFindsTheRowsInTheTable) {
  auto sink = Open(Options());
  Land(*sink, {Up(1, "a"), Up(2, "a"), Up(3, "a")});
  Land(*sink, {Up(1, "b"), Del(2)});
  sink.reset();
  std::filesystem::remove_all(folder_->path() / "keys");
  sink = Open(Options());
  Land(*sink, {Up(1, "c"), Up(2, "c")});
  Expect(Rows{{1, "c"}, {2, "c"}, {3, "a"}});
  // One that is a commit behind, as after a crash between the commit and the index.
  const auto keys = folder_->path() / "keys";
  std::filesystem::copy(keys, folder_->path() / "behind", std::filesystem::copy_options::recursive);
  Land(*sink, {Up(1, "d"), Del(3), Up(4, "d")});
  sink.reset();
  std::filesystem::remove_all(keys);
  std::filesystem::rename(folder_->path() / "behind", keys);
  sink = Open(Options());
  Land(*sink, {Up(1, "e"), Up(3, "e"), Del(4)});
  Expect(Rows{{1, "e"}, {2, "c"}, {3, "e"}});
}

TEST_P(UpsertTest, ACompactionThatMovedTheRowsMeanwhileLosesNoDelete) {
  auto options = Options();
  options.table.sort_by = std::vector<std::string>{"name"};
  const auto sink = Open(options);
  Rows wanted;
  std::vector<std::string> lines;
  for (int64_t id = 0; id < 100; ++id) lines.push_back(Up(id, wanted[id] = "a" + std::to_string(id * 37 % 100)));
  Land(*sink, lines);
  for (int round = 0; round < 3; ++round) {
    lines.clear();
    for (int64_t id = round; id < 100; id += 7) lines.push_back(Up(id, wanted[id] = "b" + std::to_string(round)));
    lines.push_back(Del(50 + round));
    wanted.erase(50 + round);
    Write(*sink, lines);
    Compact();
    ASSERT_EQ(sink->Commit({}), CommitOutcome::kCommitted);
    Expect(wanted);
  }
}

TEST_P(UpsertTest, TwoWorkersThatChangeOneKeyLeaveOneRow) {
  auto options = Options();
  const auto one = Open(options);
  options.key_index_folder = folder_->path() / "keys2";
  TableSink two(*lake_.catalog, options, budget_);
  two.Recover();
  Land(*one, {Up(1, "one"), Up(2, "one")});
  const auto theirs = [](const std::vector<std::string>& lines, int64_t offset) {
    return event::BatchOf(lines, offset, "topic:t/1");
  };
  two.Write(theirs({Up(2, "two"), Up(3, "two")}, 0));
  Write(*one, {Up(2, "one again"), Up(3, "one again"), Up(4, "one again")});
  ASSERT_EQ(two.Commit({}), CommitOutcome::kCommitted);
  Expect(Rows{{1, "one"}, {2, "two"}, {3, "two"}});
  ASSERT_EQ(one->Commit({}), CommitOutcome::kCommitted);
  Expect(Rows{{1, "one"}, {2, "one again"}, {3, "one again"}, {4, "one again"}});
  two.Write(theirs({Del(4), Up(1, "two again")}, 2));
  ASSERT_EQ(two.Commit({}), CommitOutcome::kCommitted);
  Expect(Rows{{1, "two again"}, {2, "one again"}, {3, "one again"}});
}

TEST_P(UpsertTest, ALostAnswerLandsItsDeletesOnceAndALateRequestNever) {
  using catalog::CatalogCall;
  using Effect = catalog::CatalogFault::Effect;
  catalog::FaultCatalog faulty(*lake_.catalog);
  Open(Options());
  TableSink sink(faulty, Options(), budget_);
  sink.Recover();
  Rows wanted;
  int round = 0;
  for (const auto effect : {Effect::kLoseAnswer, Effect::kLoseRequest, Effect::kLandLate}) {
    Land(sink, {Up(1, "before" + std::to_string(round)), Up(2, "x"), Up(3, "x")});
    faulty.Inject({.call = CatalogCall::kCommit, .effect = effect});
    Write(sink, {Up(1, "a" + std::to_string(round)), Up(1, "b" + std::to_string(round)), Del(2)});
    ASSERT_EQ(sink.Commit({}), CommitOutcome::kCommitted);
    faulty.Clear();
    faulty.LandLate();
    Expect(Rows{{1, "b" + std::to_string(round)}, {3, "x"}});
    ++round;
  }
}

TEST_P(IndexedUpsertTest, RowsOfOneKeyThatSomebodyElseAppendedBecomeOne) {
  auto options = Options();
  auto sink = Open(options);
  Land(*sink, {Up(1, "a"), Up(2, "a"), Up(3, "a")});
  auto appending = options;
  appending.key.clear();
  appending.upsert.reset();
  appending.scope = "somebody else";
  TableSink stranger(*lake_.catalog, appending, budget_);
  stranger.Recover();
  stranger.Write(event::BatchOf({Up(2, "stranger"), Up(4, "stranger")}, 0));
  ASSERT_EQ(stranger.Commit({}), CommitOutcome::kCommitted);
  Land(*sink, {Up(3, "b")});
  Expect(Rows{{1, "a"}, {2, "stranger"}, {3, "b"}, {4, "stranger"}});
  Land(*sink, {Del(4), Up(2, "c")});
  Expect(Rows{{1, "a"}, {2, "c"}, {3, "b"}});
}

TEST_P(UpsertTest, AChangeWithoutAKeyIsKeptInQuarantine) {
  const auto sink = Open(Options());
  Land(*sink, {Up(1, "a"), R"({"name": "no key"})", "{broken", Up(2, "a")});
  Expect(Rows{{1, "a"}, {2, "a"}});
  EXPECT_EQ(sink->counts().rejected.at(event::RejectCause::kMissingKey), 1U);
  EXPECT_EQ(sink->counts().rejected.at(event::RejectCause::kMalformed), 1U);
  EXPECT_EQ(testing::ReadTable(folder_->path(), "quarantine.silver_users", {"record"}).size(), 2U);
}

TEST_P(UpsertTest, ColumnsThatComeBetweenUpdatesAreTheNewRows) {
  const auto sink = Open(Options());
  Land(*sink, {Up(1, "a"), Up(2, "a"), Up(3, "a")});
  Write(*sink, {Up(1, "b", R"(, "late": "x")"), Up(4, "b")});
  Write(*sink, {Up(2, "b", R"(, "later": "y")"), Del(3)});
  ASSERT_EQ(sink->Commit({}), CommitOutcome::kCommitted);
  Expect(Rows{{1, "b"}, {2, "b"}, {4, "b"}});
  Expect(Rows{{1, "x"}, {2, ""}, {4, ""}}, "late");
  Expect(Rows{{1, ""}, {2, "y"}, {4, ""}}, "later");
}

TEST_P(UpsertTest, TheBudgetMakesACommitDue) {
  ByteBudget tight(int64_t{1} << 20);
  auto options = Options();
  options.freshness = std::chrono::hours(1);
  TableSink sink(*lake_.catalog, options, tight);
  sink.Recover();
  int64_t id = 0;
  for (int batch = 0; batch < 200 && !sink.CommitDue(); ++batch) {
    std::vector<std::string> lines;
    for (int i = 0; i < 200; ++i) lines.push_back(Up(id++, "a"));
    Write(sink, lines);
  }
  EXPECT_TRUE(sink.CommitDue());
  EXPECT_LT(id, 40'000);
  ASSERT_EQ(sink.Commit({}), CommitOutcome::kCommitted);
  EXPECT_FALSE(sink.CommitDue());
}

TEST_P(EqualityDeleteTest, ACommitNamesEachKeyOnceAndKeepsNoIndex) {
  auto options = Options();
  options.table.partition_by = std::vector<std::string>{"name"};
  std::filesystem::create_directories(options.key_index_folder);
  const auto sink = Open(options);
  Write(*sink, {Up(1, "a"), Up(2, "a"), Up(1, "b")});
  Write(*sink, {Up(1, "c")});
  ASSERT_EQ(sink->Commit({}), CommitOutcome::kCommitted);
  Expect(Rows{{1, "c"}, {2, "a"}});
  const auto by_value = [](const table::DataFile& file) {
    return file.content == table::FileContent::kEqualityDeletes;
  };
  EXPECT_TRUE(std::ranges::none_of(Live(), by_value)) << "there was nothing to delete";
  Write(*sink, {Up(1, "d"), Up(1, "e"), Del(2), Up(3, "d"), Del(3)});
  Write(*sink, {Del(1), Up(1, "f"), Up(2, "f"), Del(4)});
  ASSERT_EQ(sink->Commit({}), CommitOutcome::kCommitted);
  Expect(Rows{{1, "f"}, {2, "f"}});
  const auto files = Live();
  const auto deletes = std::ranges::find_if(files, by_value);
  ASSERT_NE(deletes, files.end());
  EXPECT_EQ(std::ranges::count_if(files, by_value), 1);
  EXPECT_EQ(deletes->record_count, 4) << "1, 2, 3 and 4";
  const auto metadata = Metadata();
  EXPECT_THAT(deletes->equality_ids, ::testing::ElementsAre(metadata.schema().Find("id")->id));
  EXPECT_TRUE(metadata.FindSpec(deletes->spec_id)->fields.empty()) << "it reaches all partitions";
  EXPECT_EQ(metadata.spec().fields.size(), 1U) << "new rows are partitioned as before";
  EXPECT_FALSE(std::filesystem::exists(options.key_index_folder));
}

TEST_P(EqualityDeleteTest, KeysOfSeveralColumnsAreComparedWhole) {
  auto options = Options();
  options.key = {"name", "id"};
  const auto sink = Open(options);
  const auto row = [](int64_t id, const std::string& name, const std::string& v) {
    return Up(id, name, R"(, "v": ")" + v + "\"");
  };
  Land(*sink, {row(1, "a", "x"), row(1, "b", "x"), row(2, "a", "x"), R"({"id": 3, "v": "no name"})"});
  EXPECT_EQ(sink->counts().rejected.at(event::RejectCause::kMissingKey), 1U);
  Land(*sink, {row(2, "a", "y")});
  Expect(Rows{{1, "x"}, {2, "y"}}, "v", {{1, "x"}});
}

TEST(KeyValues, ColumnsWhoseValuesIcebergDoesNotCompareAreRefused) {
  table::TableMetadata metadata;
  schema::Schema columns;
  for (const auto* type : {"long", "double", "float", "list<string>", "struct<zip: string>", "decimal(9, 2)"}) {
    const auto number = static_cast<int32_t>(columns.fields.size()) + 1;
    columns.fields.push_back(
        {.id = schema::FieldId(number), .name = "c" + std::to_string(number), .type = schema::ParseType(type)});
  }
  metadata.schemas = {columns};
  metadata.current_schema_id = columns.schema_id;
  const auto check = [&](const std::string& name) { KeyValues({name}).Check(metadata); };
  check("c1");
  check("c6");
  for (const auto* name : {"c2", "c3", "c4", "c5", "c5.zip", "none"}) {
    EXPECT_THAT([&] { check(name); }, ::testing::ThrowsMessage<Error>(::testing::HasSubstr("merge_on_read"))) << name;
  }
}

TEST_P(EqualityDeleteTest, TheWayOfWritingMayChangeBackAndForth) {
  auto options = Options();
  options.table.partition_by = std::vector<std::string>{"bucket(2, name)"};
  const auto by_value = options.upsert;
  Rows wanted;
  for (int round = 0; round < 4; ++round) {
    options.upsert = round % 2 == 0 ? by_value : UpsertOptions{.mode = UpsertMode::kMergeOnRead};
    const auto sink = Open(options);
    for (int commit = 0; commit < 2; ++commit) {
      const std::string name = "r" + std::to_string(round) + std::to_string(commit);
      std::vector<std::string> lines = {Del(round)};
      wanted.erase(round);
      for (int64_t id = round + commit + 1; id < 20; id += 2) lines.push_back(Up(id, wanted[id] = name));
      Land(*sink, lines);
      Expect(wanted);
    }
    if (round == 1) Compact();
  }
  Compact();
  Expect(wanted);
  EXPECT_TRUE(std::ranges::all_of(Live(), [](const auto& file) { return file.content == table::FileContent::kData; }));
}

TEST_P(IndexedUpsertTest, AnOrderThatIsNoNumberIsRefused) {
  auto options = Options();
  options.upsert->order_by = "name";
  const auto sink = Open(options);
  Write(*sink, {Up(1, "a")});
  EXPECT_THAT([&] { sink->Commit({}); }, ::testing::ThrowsMessage<Error>(::testing::HasSubstr("order_by")));
}

}  // namespace
}  // namespace millrace::land
