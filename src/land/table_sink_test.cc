#include "land/table_sink.h"

#include <fmt/format.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <atomic>
#include <nlohmann/json.hpp>
#include <optional>
#include <stop_token>
#include <thread>

#include "base/error.h"
#include "base/hand_clock.h"
#include "catalog/fault_catalog.h"
#include "contract/sink_contract.h"
#include "land/committer.h"
#include "land/lake.h"
#include "land/plain_decoder.h"

namespace millrace::land {
namespace {

using event::BatchOf;
using event::CommitOutcome;
using event::Ids;
using event::Range;
using event::RecordOf;
using ::testing::ElementsAre;
using testing::Lake;
using testing::ReadTable;
using testing::TempFolder;

TableSinkOptions Options(const std::filesystem::path& folder) {
  TableSinkOptions options;
  options.table.name = {"silver", "users"};
  options.scope = "pipe";
  options.decoder = [] { return std::make_unique<testing::PlainDecoder>(); };
  options.lanes = 2;
  options.key_index_folder = folder / "keys";
  return options;
}

class TableSinkFixture : public event::SinkFixture {
 public:
  std::unique_ptr<event::Sink> Open() override {
    return std::make_unique<TableSink>(*lake_.catalog, Options(folder_.path()), budget_);
  }
  std::vector<int64_t> Landed() override {
    std::vector<int64_t> ids;
    for (const auto& id : ReadTable(folder_.path(), "silver.users", {"id"})) ids.push_back(id.get<int64_t>());
    return ids;
  }
  std::vector<std::string> Quarantined() override {
    std::vector<std::string> records;
    for (const auto& record : ReadTable(folder_.path(), "quarantine.silver_users", {"record"})) {
      records.push_back(record.get<std::string>());
    }
    return records;
  }

 private:
  TempFolder folder_;
  Lake lake_{folder_.path()};
  ByteBudget budget_{int64_t{64} << 20};
};
}  // namespace
}  // namespace millrace::land

namespace millrace::event {
INSTANTIATE_TYPED_TEST_SUITE_P(TableSink, SinkContract, land::TableSinkFixture);
}

namespace millrace::land {
namespace {

class TableSinkTest : public ::testing::Test {
 protected:
  std::unique_ptr<TableSink> Open(const TableSinkOptions& options) {
    auto sink = std::make_unique<TableSink>(*lake_.catalog, options, budget_);
    sink->Recover();
    return sink;
  }
  table::TableMetadata Metadata() { return *lake_.catalog->Load({"silver", "users"})->metadata; }

  TempFolder folder_;
  Lake lake_{folder_.path()};
  ByteBudget budget_{int64_t{64} << 20};
};

TEST_F(TableSinkTest, ColumnsThatComeLaterAreAddedWhileLanesRun) {
  const auto sink = Open(Options(folder_.path()));
  int64_t offset = 0;
  for (int i = 0; i < 40; ++i) {
    std::vector<std::string> lines;
    for (int k = 0; k < 25; ++k) {
      const std::string id = std::to_string(offset + k);
      lines.push_back(R"({"id": )" + id + R"(, "c)" + std::to_string(i / 8) + R"(": "x)" + id + "\"}");
    }
    sink->Write(BatchOf(lines, offset));
    offset += 25;
  }
  ASSERT_EQ(sink->Commit({}), CommitOutcome::kCommitted);
  const auto rows = ReadTable(folder_.path(), "silver.users", {"id", "c0", "c1", "c2", "c3", "c4"});
  ASSERT_EQ(rows.size(), 1000U);
  for (const auto& row : rows) {
    const auto id = row[0].get<int64_t>();
    for (int c = 0; c < 5; ++c) {
      const auto& value = row[static_cast<size_t>(c) + 1];
      if (c == id / 200) {
        EXPECT_EQ(value, "x" + std::to_string(id));
      } else {
        EXPECT_TRUE(value.is_null());
      }
    }
  }
  EXPECT_EQ(budget_.used(), 0);
}

TEST_F(TableSinkTest, ColumnsThatAreDroppedOrRenamedUnderAChunkAreNotWrittenFor) {
  const auto sink = Open(Options(folder_.path()));
  sink->Write(BatchOf({R"({"id": 0, "note": "old", "size": 1})"}, 0));
  ASSERT_EQ(sink->Commit({}), CommitOutcome::kCommitted);
  const auto late = BatchOf({R"({"id": 1, "note": "new", "size": 2})"}, 1);
  sink->Write(late);
  const auto base = Metadata();
  schema::Schema changed = base.schema();
  std::erase_if(changed.fields, [](const schema::Field& field) { return field.name == "note"; });
  for (auto& field : changed.fields) field.name = field.name == "size" ? "bytes" : field.name;
  const auto made = lake_.catalog->Commit({"silver", "users"}, {},
                                          {table::AddSchema{changed, base.last_column_id}, table::SetCurrentSchema{}});
  ASSERT_TRUE(std::holds_alternative<catalog::Committed>(made));
  EXPECT_EQ(sink->Commit({}), CommitOutcome::kConflict);
  sink->Write(late);
  ASSERT_EQ(sink->Commit({}), CommitOutcome::kCommitted);
  const auto landed = Metadata();
  EXPECT_EQ(landed.current_snapshot()->summary.at("total-records"), "2");
  for (const char* name : {"note", "size"}) {
    const auto* column = landed.schema().Find(name);
    ASSERT_NE(column, nullptr) << name;
    EXPECT_GT(column->id.value(), base.last_column_id) << "a name that comes again is another column";
  }
}

TEST_F(TableSinkTest, AStopEndsAWriteThatAnOutageKeepsWaiting) {
  catalog::FaultCatalog catalog(*lake_.catalog);
  TableSink sink(catalog, Options(folder_.path()), budget_);
  sink.Recover();
  sink.Write(Ids(0, 10));
  ASSERT_EQ(sink.Commit({}), CommitOutcome::kCommitted);
  catalog.Inject({.call = catalog::CatalogCall::kLoad, .effect = catalog::CatalogFault::Effect::kFail, .times = 1000});
  std::stop_source stop;
  std::atomic<int64_t> written = 10;
  std::optional<Error> ended;
  std::thread driver([&] {
    try {
      // Lanes wait for the catalogue with columns of their own, and the queue before them is full.
      for (int64_t at = 10;; ++at) {
        sink.Write(BatchOf({fmt::format(R"({{"id": {0}, "c{0}": "x"}})", at)}, at), stop.get_token());
        written = at + 1;
      }
    } catch (const Error& error) {
      ended = error;
    }
  });
  while (catalog.fired() < 3) std::this_thread::yield();
  for (int64_t seen = -1; seen != written;) {  // until it has stood still for a while
    seen = written;
    std::this_thread::sleep_for(std::chrono::milliseconds(200));
  }
  EXPECT_EQ(sink.WaitsFor().kind, event::WaitKind::kCatalog);
  stop.request_stop();
  driver.join();
  ASSERT_TRUE(ended.has_value());
  EXPECT_EQ(ended->code(), ErrorCode::kUnavailable);
  catalog.Clear();
  EXPECT_EQ(sink.Recover(), sink.positions());
  sink.Write(Ids(10, 20));
  ASSERT_EQ(sink.Commit({}), CommitOutcome::kCommitted);
  EXPECT_EQ(ReadTable(folder_.path(), "silver.users", {"id"}).size(), 20U);
  EXPECT_EQ(budget_.used(), 0);
}

TEST_F(TableSinkTest, AStopEndsAWriteThatWaitsForMemory) {
  ByteBudget budget(int64_t{1} << 20);
  TableSink sink(*lake_.catalog, Options(folder_.path()), budget);
  sink.Recover();
  const auto held = budget.Force(int64_t{2} << 20);  // by others, who do not give it back
  std::stop_source stop;
  std::thread later([&] {
    while (!budget.under_pressure()) std::this_thread::yield();
    stop.request_stop();
  });
  EXPECT_THROW(sink.Write(Ids(0, 10), stop.get_token()), Error);
  later.join();
}

TEST_F(TableSinkTest, AFrozenContractStopsAtTheRecordThatBreaksIt) {
  auto options = Options(folder_.path());
  options.decoder = [] { return std::make_unique<testing::PlainDecoder>(event::RejectCause::kFrozen); };
  const auto sink = Open(options);
  sink->Write(BatchOf({RecordOf(0), "{broken"}, 0));
  try {
    sink->Commit({});
    FAIL() << "it went on";
  } catch (const Error& error) {
    EXPECT_EQ(error.code(), ErrorCode::kStop);
    EXPECT_THAT(error.what(), ::testing::HasSubstr("offset 1: the record "));
  }
  EXPECT_FALSE(lake_.catalog->Load({"quarantine", "silver_users"}).has_value());
}

TEST_F(TableSinkTest, AnOutageOfTheCatalogueWhileColumnsComeIsWaitedOut) {
  catalog::FaultCatalog catalog(*lake_.catalog);
  TableSink sink(catalog, Options(folder_.path()), budget_);
  sink.Recover();
  sink.Write(BatchOf({R"({"id": 0, "a": "x"})"}, 0));
  ASSERT_EQ(sink.Commit({}), CommitOutcome::kCommitted);
  using Effect = catalog::CatalogFault::Effect;
  catalog.Inject({.call = catalog::CatalogCall::kLoad, .effect = Effect::kFail, .times = 3});
  catalog.Inject({.call = catalog::CatalogCall::kCommit, .effect = Effect::kFail, .times = 2});
  catalog.Inject({.call = catalog::CatalogCall::kCommit, .effect = Effect::kLoseAnswer});
  sink.Write(BatchOf({R"({"id": 1, "b": "y"})"}, 1));
  ASSERT_EQ(sink.Commit({}), CommitOutcome::kCommitted);
  EXPECT_EQ(catalog.fired(), 6);
  auto rows = ReadTable(folder_.path(), "silver.users", {"id", "a", "b"});
  std::ranges::sort(rows);
  EXPECT_EQ(nlohmann::json(rows).dump(), R"([[0,"x",null],[1,null,"y"]])");
}

TEST_F(TableSinkTest, AStopEndsTheWaitForACatalogueThatStaysAway) {
  catalog::FaultCatalog catalog(*lake_.catalog);
  TableSink sink(catalog, Options(folder_.path()), budget_);
  sink.Recover();
  catalog.Inject({.call = catalog::CatalogCall::kLoad, .times = 1'000'000});
  sink.Write(BatchOf({R"({"id": 0})"}, 0));
  std::stop_source stop;
  stop.request_stop();
  try {
    sink.Commit(stop.get_token());
    FAIL();
  } catch (const Error& error) {
    EXPECT_EQ(error.code(), ErrorCode::kUnavailable);
  }
  catalog.Clear();
  sink.Recover();
  sink.Write(BatchOf({R"({"id": 0})"}, 0));
  ASSERT_EQ(sink.Commit({}), CommitOutcome::kCommitted);
  EXPECT_EQ(ReadTable(folder_.path(), "silver.users", {"id"}).size(), 1U);
}

TEST_F(TableSinkTest, TheFirstOfAKeyStaysAcrossBatchesCommitsAndStarts) {
  auto options = Options(folder_.path());
  options.key = {"id"};
  options.lanes = 4;
  auto sink = Open(options);
  const auto version = [](int64_t id, int v) {
    return R"({"id": )" + std::to_string(id) + R"(, "name": "v)" + std::to_string(v) + "\"}";
  };
  int64_t offset = 0;
  for (int v = 0; v < 30; ++v) {
    std::vector<std::string> lines;
    for (int64_t id = v; id < v + 10; ++id) lines.push_back(version(id, v));
    sink->Write(BatchOf(lines, offset));
    offset += 10;
    if (v == 10) {
      ASSERT_EQ(sink->Commit({}), CommitOutcome::kCommitted);
    }
  }
  ASSERT_EQ(sink->Commit({}), CommitOutcome::kCommitted);
  EXPECT_EQ(sink->counts().rows, 39U);
  EXPECT_EQ(sink->counts().duplicates, 300U - 39U);

  // A new start reads the index; a start without it reads the table.
  for (const bool keep : {true, false}) {
    sink.reset();
    if (!keep) std::filesystem::remove_all(folder_.path() / "keys");
    sink = Open(options);
    sink->Write(BatchOf({version(3, 99), version(100 + keep, 99), R"({"name": "no key"})"}, offset));
    offset += 3;
    ASSERT_EQ(sink->Commit({}), CommitOutcome::kCommitted);
    EXPECT_EQ(sink->counts().rows, 1U);
    EXPECT_EQ(sink->counts().duplicates, 1U);
    EXPECT_EQ(sink->counts().rejected.at(event::RejectCause::kMissingKey), 1U);
  }
  for (const auto& row : ReadTable(folder_.path(), "silver.users", {"id", "name"})) {
    const auto id = row[0].get<int64_t>();
    EXPECT_EQ(row[1], id >= 100 ? "v99" : "v" + std::to_string(std::max<int64_t>(0, id - 9)));
  }
}

TEST_F(TableSinkTest, AChunkThatWasLostLeavesNoKeys) {
  auto options = Options(folder_.path());
  options.key = {"id"};
  {
    const auto sink = Open(options);
    sink->Write(Ids(0, 10));  // never committed
  }
  const auto sink = Open(options);
  sink->Write(Ids(0, 10));
  ASSERT_EQ(sink->Commit({}), CommitOutcome::kCommitted);
  EXPECT_EQ(sink->counts().rows, 10U);
}

TEST_F(TableSinkTest, RowsCarryWhereTheyCameFrom) {
  auto options = Options(folder_.path());
  options.metadata_columns = {.origin = true};
  const auto sink = Open(options);
  sink->Write(BatchOf({RecordOf(7), "{broken", RecordOf(9)}, 0));
  ASSERT_EQ(sink->Commit({}), CommitOutcome::kCommitted);
  const auto rows =
      ReadTable(folder_.path(), "silver.users", {"id", "_topic", "_partition", "_offset", "_ingested_at", "_key"});
  ASSERT_EQ(rows.size(), 2U);
  EXPECT_EQ(rows[1], (nlohmann::json{9, "t", 0, 2, "2020-09-13 12:26:40+00:00", nullptr}));
}

TEST_F(TableSinkTest, PartitionsAndOrderAreThoseDeclared) {
  auto options = Options(folder_.path());
  options.table.partition_by = std::vector<std::string>{"bucket(4, id)"};
  options.table.sort_by = std::vector<std::string>{"name desc"};
  const auto sink = Open(options);
  sink->Write(Ids(0, 100));
  ASSERT_EQ(sink->Commit({}), CommitOutcome::kCommitted);
  EXPECT_EQ(sink->counts().files, 4U);
  EXPECT_EQ(Metadata().sort_orders.back().fields.size(), 1U);
  EXPECT_EQ(ReadTable(folder_.path(), "silver.users", {"id"}).size(), 100U);
}

TEST_F(TableSinkTest, ATableThatIsThereTakesTheDeclaredPartitionsAndOrderForNewFiles) {
  auto options = Options(folder_.path());
  options.table.partition_by = std::vector<std::string>{"bucket(4, id)"};
  auto sink = Open(options);
  sink->Write(Ids(0, 100));
  ASSERT_EQ(sink->Commit({}), CommitOutcome::kCommitted);

  options.table.partition_by = std::vector<std::string>{"name"};
  options.table.sort_by = std::vector<std::string>{"id desc"};
  sink.reset();
  sink = Open(options);
  const auto changed = Metadata();
  EXPECT_EQ(changed.partition_specs.size(), 2U);
  EXPECT_EQ(changed.spec().fields.at(0).name, "name");
  EXPECT_NE(changed.default_sort_order_id, 0);
  sink->Write(Ids(100, 103));
  ASSERT_EQ(sink->Commit({}), CommitOutcome::kCommitted);
  EXPECT_EQ(sink->counts().files, 3U);

  // Not declared: it keeps what it has. Declared as before: the spec it had is used again.
  options.table.partition_by.reset();
  sink.reset();
  sink = Open(options);
  EXPECT_EQ(Metadata().spec().fields.at(0).name, "name");
  options.table.partition_by = std::vector<std::string>{"bucket(4, id)"};
  sink.reset();
  sink = Open(options);
  EXPECT_EQ(Metadata().partition_specs.size(), 2U);
  EXPECT_EQ(Metadata().spec().fields.at(0).name, "id_bucket");
  EXPECT_EQ(ReadTable(folder_.path(), "silver.users", {"id"}).size(), 103U);
}

TEST_F(TableSinkTest, ARollbackStopsUntilAPersonSaysWhereToGoOn) {
  const auto sink = Open(Options(folder_.path()));
  sink->Write(Ids(0, 10));
  sink->Commit({});
  const auto first = *Metadata().current_snapshot_id;
  sink->Write(Ids(10, 20));
  sink->Commit({});
  const auto table = *lake_.catalog->Load({"silver", "users"});
  const auto rolled_back = lake_.catalog->Commit(
      table.name, {}, {table::SetSnapshotRef{.name = "main", .ref = {.snapshot_id = first, .type = "branch"}}});
  ASSERT_TRUE(std::holds_alternative<catalog::Committed>(rolled_back));
  TableSink again(*lake_.catalog, Options(folder_.path()), budget_);
  EXPECT_THAT([&] { again.Recover(); }, ::testing::ThrowsMessage<Error>(::testing::HasSubstr("offsets set")));

  Committer committer(*lake_.catalog, table.name, table.metadata->table_uuid);
  committer.Override("pipe", {{event::SplitId("topic:t/0"), event::OffsetCursor(10)}}, {});
  EXPECT_EQ(again.Recover().at(event::SplitId("topic:t/0")), event::OffsetCursor(10));
  again.Write(Ids(10, 20));
  ASSERT_EQ(again.Commit({}), CommitOutcome::kCommitted);
  EXPECT_EQ(ReadTable(folder_.path(), "silver.users", {"id"}).size(), 20U);
}

TEST_F(TableSinkTest, ACommitIsDueByTheClockAlone) {
  auto options = Options(folder_.path());
  options.freshness = std::chrono::milliseconds(0);
  const auto sink = Open(options);
  EXPECT_FALSE(sink->CommitDue());
  sink->Write(Ids(0, 1));
  EXPECT_TRUE(sink->CommitDue());
}

TEST_F(TableSinkTest, TheFirstRowsAndTheEndOfABacklogNeedNotWaitForFreshness) {
  using std::chrono::milliseconds;
  const HandClock clock;
  auto options = Options(folder_.path());
  options.first_freshness = milliseconds(500);
  options.file_size_bytes = 8'000;
  TableSink sink(*lake_.catalog, options, budget_, clock);
  sink.Recover();
  sink.Write(Ids(0, 1));
  EXPECT_FALSE(sink.CommitDue());
  clock.Pass(milliseconds(500));
  EXPECT_TRUE(sink.CommitDue());
  ASSERT_EQ(sink.Commit({}), CommitOutcome::kCommitted);

  sink.Write(Ids(1, 2));
  clock.Pass(milliseconds(9'999));
  EXPECT_FALSE(sink.CommitDue()) << "little came, and freshness is ten seconds";
  sink.Write(Ids(2, 1'000));
  EXPECT_FALSE(sink.CommitDue()) << "more may come at once";
  clock.Pass(milliseconds(1));
  EXPECT_TRUE(sink.CommitDue());
  ASSERT_EQ(sink.Commit({}), CommitOutcome::kCommitted);

  sink.Write(Ids(1'000, 2'000));
  EXPECT_FALSE(sink.CommitDue());
  clock.Pass(milliseconds(200));
  EXPECT_TRUE(sink.CommitDue()) << "enough for files of a fair size, and nothing comes";
}

TEST_F(TableSinkTest, ALaneThatFailsStopsTheSinkUntilItRecovers) {
  auto options = Options(folder_.path());
  options.table.partition_by = std::vector<std::string>{"day(nowhere)"};
  const auto sink = Open(options);
  sink->Write(Ids(0, 10));
  EXPECT_THROW(sink->Commit({}), Error);
  EXPECT_THROW(sink->Commit({}), Error);
  sink->Recover();
  EXPECT_EQ(budget_.used(), 0);
}

}  // namespace
}  // namespace millrace::land
