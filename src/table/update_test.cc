#include "table/update.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <nlohmann/json.hpp>

#include "base/error.h"
#include "table/transform.h"

namespace millrace::table {
namespace {

using schema::FieldId;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::Optional;
using testing::ThrowsMessage;

Timestamp At(int64_t ms) { return Timestamp(std::chrono::milliseconds(ms)); }

schema::Schema Columns(const std::vector<std::string>& names) {
  schema::Schema schema;
  for (const std::string& name : names) schema.fields.push_back({.name = name, .type = schema::ParseType("long")});
  schema::AssignIds(schema, 0);
  return schema;
}

TableMetadata Empty() {
  TableMetadata metadata;
  metadata.table_uuid = "u";
  metadata.location = "file:///w/t";
  metadata.last_updated_ms = 1000;
  metadata.schemas.push_back(Columns({"id", "name"}));
  metadata.last_column_id = 2;
  metadata.partition_specs.emplace_back();
  metadata.sort_orders.emplace_back();
  return metadata;
}

AddSnapshot Add(int64_t id, int64_t sequence, int64_t ms, std::optional<int64_t> parent = std::nullopt) {
  Snapshot snapshot{.snapshot_id = SnapshotId(id),
                    .sequence_number = SequenceNumber(sequence),
                    .timestamp_ms = ms,
                    .manifest_list = "l"};
  if (parent) snapshot.parent_snapshot_id = SnapshotId(*parent);
  return {snapshot};
}

SetSnapshotRef Point(const std::string& name, int64_t id, const std::string& type = "branch") {
  return {name, {.snapshot_id = SnapshotId(id), .type = type}};
}

/// Three commits: snapshots 1, 2, 3, each on the one before.
TableMetadata WithThree() {
  TableMetadata metadata = Apply(Empty(), {Add(1, 1, 2000), Point("main", 1)}, At(2000));
  metadata = Apply(metadata, {Add(2, 2, 3000, 1), Point("main", 2)}, At(3000));
  return Apply(metadata, {Add(3, 3, 4000, 2), Point("main", 3)}, At(4000));
}

std::vector<int64_t> LogOf(const TableMetadata& metadata) {
  std::vector<int64_t> ids;
  for (const auto& entry : metadata.snapshot_log) ids.push_back(entry.snapshot_id.value());
  return ids;
}

auto Refused(const char* words) { return ThrowsMessage<Error>(HasSubstr(words)); }

TEST(RequirementTest, EachNamesWhatDiffers) {
  const TableMetadata base = WithThree();
  const auto unmet = [&](Requirement requirement) { return Unmet({std::move(requirement)}, &base); };
  EXPECT_EQ(unmet(AssertTableUuid{"u"}), std::nullopt);
  EXPECT_THAT(unmet(AssertTableUuid{"v"}), Optional(HasSubstr("UUID does not match: expected v, found u")));
  EXPECT_EQ(unmet(AssertRefSnapshotId{"main", SnapshotId(3)}), std::nullopt);
  EXPECT_THAT(unmet(AssertRefSnapshotId{"main", SnapshotId(2)}), Optional(HasSubstr("at snapshot 3, not 2")));
  EXPECT_THAT(unmet(AssertRefSnapshotId{"main", std::nullopt}), Optional(HasSubstr("not none")));
  EXPECT_EQ(unmet(AssertRefSnapshotId{"side", std::nullopt}), std::nullopt);
  EXPECT_THAT(unmet(AssertRefSnapshotId{"side", SnapshotId(3)}), Optional(HasSubstr("at snapshot none")));
  EXPECT_EQ(unmet(AssertLastAssignedFieldId{2}), std::nullopt);
  EXPECT_THAT(unmet(AssertLastAssignedFieldId{1}), Optional(HasSubstr("last assigned field id changed")));
  EXPECT_THAT(unmet(AssertCurrentSchemaId{1}), Optional(HasSubstr("current schema changed")));
  EXPECT_THAT(unmet(AssertLastAssignedPartitionId{1}),
              Optional(HasSubstr("last assigned partition id changed: expected 1, found 999")));
  EXPECT_THAT(unmet(AssertDefaultSpecId{1}), Optional(HasSubstr("default partition spec changed")));
  EXPECT_THAT(unmet(AssertDefaultSortOrderId{1}), Optional(HasSubstr("default sort order changed")));
  EXPECT_THAT(unmet(AssertCreate{}), Optional(HasSubstr("exists")));
  EXPECT_EQ(Unmet({AssertCreate{}}, nullptr), std::nullopt);
  EXPECT_THAT(Unmet({AssertTableUuid{"u"}}, nullptr), Optional(HasSubstr("no such table")));
}

TEST(UpdateTest, ACommitMovesMainTheLogsAndTheSequenceNumber) {
  const TableMetadata metadata = WithThree();
  EXPECT_EQ(metadata.current_snapshot_id, SnapshotId(3));
  EXPECT_EQ(metadata.refs.at("main").snapshot_id, SnapshotId(3));
  EXPECT_EQ(metadata.last_sequence_number, 3);
  EXPECT_EQ(metadata.last_updated_ms, 4000);
  EXPECT_THAT(LogOf(metadata), ElementsAre(1, 2, 3));
}

TEST(UpdateTest, ASnapshotThatWasCurrentOnlyInsideTheCommitLeavesNoLogEntry) {
  const TableMetadata metadata =
      Apply(WithThree(), {Add(4, 4, 5000, 3), Point("main", 4), Add(5, 5, 5000, 4), Point("main", 5)}, At(5000));
  EXPECT_THAT(LogOf(metadata), ElementsAre(1, 2, 3, 5));
}

TEST(UpdateTest, RemovingASnapshotClearsTheHistoryBeforeIt) {
  const TableMetadata metadata = Apply(WithThree(), {RemoveSnapshots{{SnapshotId(2)}}}, At(5000));
  EXPECT_THAT(LogOf(metadata), ElementsAre(3));
  EXPECT_EQ(metadata.snapshots.size(), 2U);
}

TEST(UpdateTest, AReplacedTableKeepsItsHistory) {
  const TableMetadata metadata =
      Apply(WithThree(), {RemoveSnapshotRef{"main"}, Add(4, 4, 5000, std::nullopt), Point("main", 4)}, At(5000));
  EXPECT_THAT(LogOf(metadata), ElementsAre(1, 2, 3, 4));
}

TEST(UpdateTest, ARollbackIsANewEntry) {
  const TableMetadata metadata = Apply(WithThree(), {Point("main", 1)}, At(9000));
  EXPECT_THAT(LogOf(metadata), ElementsAre(1, 2, 3, 1));
  EXPECT_EQ(metadata.snapshot_log.back().timestamp_ms, 9000);
  EXPECT_EQ(metadata.last_updated_ms, 9000);
}

TEST(UpdateTest, TimeNeverRunsBackwardsInTheLogs) {
  const TableMetadata metadata = Apply(WithThree(), {Add(4, 4, 100, 3), Point("main", 4)}, At(100));
  EXPECT_EQ(metadata.last_updated_ms, 4000);
  EXPECT_EQ(metadata.snapshot_log.back().timestamp_ms, 4000);
}

TEST(UpdateTest, WhatATagHoldsIsNotRemoved) {
  TableMetadata metadata = Apply(WithThree(), {Point("kept", 1, "tag")}, At(5000));
  metadata.unmodelled = R"({"statistics": [{"snapshot-id": 1}, {"snapshot-id": 2}], "other": 1})";
  metadata = Apply(metadata, {RemoveSnapshots{{SnapshotId(1), SnapshotId(2), SnapshotId(3)}}}, At(6000));
  EXPECT_NE(metadata.FindSnapshot(SnapshotId(1)), nullptr);
  EXPECT_EQ(metadata.FindSnapshot(SnapshotId(2)), nullptr);
  EXPECT_NE(metadata.FindSnapshot(SnapshotId(3)), nullptr);
  EXPECT_EQ(metadata.unmodelled, R"({"other":1,"statistics":[{"snapshot-id":1}]})");
}

TEST(UpdateTest, SnapshotsThatWouldUnlinkDataAreRefused) {
  const TableMetadata base = WithThree();
  const auto apply = [&](std::vector<Update> updates) { return [&base, updates] { Apply(base, updates, At(5000)); }; };
  EXPECT_THAT(apply({Add(4, 4, 5000, 99)}), Refused("parent snapshot 99 is not there"));
  EXPECT_THAT(apply({Add(3, 4, 5000, 2)}), Refused("exists already"));
  EXPECT_THAT(apply({Add(4, 3, 5000, 3)}), Refused("not above"));
  EXPECT_THAT(apply({Add(-1, 4, 5000, 3)}), Refused("positive"));
  EXPECT_THAT(apply({Point("main", 2, "tag")}), Refused("never a tag"));
  EXPECT_THAT(apply({Point("main", 9)}), Refused("not there"));
  EXPECT_THAT(apply({AssignUuid{"other"}}), Refused("keeps its uuid"));
  EXPECT_THAT(apply({UpgradeFormatVersion{4}}), Refused("not written"));
}

TEST(UpdateTest, SchemasAreReusedAndIdsNeverFall) {
  TableMetadata metadata =
      Apply(Empty(), {AddSchema{Columns({"id", "name", "extra"}), 3}, SetCurrentSchema{-1}}, At(2000));
  EXPECT_EQ(metadata.current_schema_id, 1);
  EXPECT_EQ(metadata.last_column_id, 3);
  metadata = Apply(metadata, {AddSchema{Columns({"id", "name"}), 2}, SetCurrentSchema{-1}}, At(3000));
  EXPECT_EQ(metadata.current_schema_id, 0);
  EXPECT_EQ(metadata.last_column_id, 3);
  EXPECT_EQ(metadata.schemas.size(), 2U);
  EXPECT_THAT([&] { Apply(metadata, {SetCurrentSchema{-1}}, At(4000)); }, Refused("no schema was added"));
  EXPECT_THAT([&] { Apply(metadata, {SetCurrentSchema{9}}, At(4000)); }, Refused("no schema 9"));
}

PartitionSpec SpecOf(const std::string& name, const char* transform, int32_t source = 1) {
  return {.fields = {{.source_id = FieldId(source), .name = name, .transform = ParseTransform(transform)}}};
}

TEST(UpdateTest, SpecsAreReusedAndPartitionFieldIdsStay) {
  TableMetadata metadata =
      Apply(Empty(), {AddPartitionSpec{SpecOf("id_bucket", "bucket[4]")}, SetDefaultSpec{-1}}, At(2000));
  EXPECT_EQ(metadata.spec().fields[0].field_id, 1000);
  metadata = Apply(metadata, {AddPartitionSpec{SpecOf("name", "identity", 2)}, SetDefaultSpec{-1}}, At(3000));
  EXPECT_EQ(metadata.spec().fields[0].field_id, 1001);
  PartitionSpec both = SpecOf("name", "identity", 2);
  both.fields.push_back(SpecOf("id_bucket", "bucket[4]").fields[0]);
  metadata = Apply(metadata, {AddPartitionSpec{both}, SetDefaultSpec{-1}}, At(4000));
  EXPECT_EQ(metadata.spec().fields[0].field_id, 1001);
  EXPECT_EQ(metadata.spec().fields[1].field_id, 1000);
  EXPECT_EQ(metadata.last_partition_id, 1001);
  EXPECT_EQ(metadata.default_spec_id, 3);
  metadata = Apply(metadata, {AddPartitionSpec{SpecOf("id_bucket", "bucket[4]")}, SetDefaultSpec{-1}}, At(5000));
  EXPECT_EQ(metadata.default_spec_id, 1);
  EXPECT_THAT([&] { Apply(metadata, {AddPartitionSpec{SpecOf("x", "identity", 9)}}, At(6000)); },
              Refused("column id 9"));
  EXPECT_THAT(
      [&] {
        Apply(metadata, {AddSchema{Columns({}), 0}, SetCurrentSchema{-1}}, At(6000));
      },
      Refused("needs column id 1"));
}

TEST(UpdateTest, SortOrdersAreReusedAndZeroIsUnsorted) {
  const SortOrder by_id{.fields = {{.source_id = FieldId(1)}}};
  TableMetadata metadata = Apply(Empty(), {AddSortOrder{by_id}, SetDefaultSortOrder{-1}}, At(2000));
  EXPECT_EQ(metadata.default_sort_order_id, 1);
  metadata = Apply(metadata, {AddSortOrder{{}}, SetDefaultSortOrder{-1}}, At(3000));
  EXPECT_EQ(metadata.default_sort_order_id, 0);
  metadata = Apply(metadata, {AddSortOrder{by_id}, SetDefaultSortOrder{-1}}, At(4000));
  EXPECT_EQ(metadata.default_sort_order_id, 1);
  EXPECT_EQ(metadata.sort_orders.size(), 2U);
}

TEST(UpdateTest, PropertiesAndLocation) {
  const TableMetadata metadata =
      Apply(Empty(), {SetProperties{{{"a", "1"}, {"b", "2"}}}, RemoveProperties{{"a"}}, SetLocation{"file:///w/x/"}},
            At(2000));
  EXPECT_THAT(metadata.properties, ElementsAre(std::pair<const std::string, std::string>("b", "2")));
  EXPECT_EQ(metadata.location, "file:///w/x");
}

TEST(UpdateTest, StatisticsOfASnapshotAreReplacedAndRemoved) {
  const auto file = [](const char* path) {
    return std::string(R"({"snapshot-id":2,"statistics-path":")") + path + "\"}";
  };
  const auto have = [](const TableMetadata& metadata) {
    return metadata.unmodelled.empty() ? nlohmann::json::object() : nlohmann::json::parse(metadata.unmodelled);
  };
  auto metadata = Apply(WithThree(), {SetStatistics{.snapshot_id = SnapshotId(2), .file = file("a")}}, At(5000));
  metadata = Apply(metadata,
                   {SetStatistics{.snapshot_id = SnapshotId(2), .file = file("b")},
                    SetStatistics{.of_partitions = true, .snapshot_id = SnapshotId(2), .file = file("p")}},
                   At(6000));
  EXPECT_EQ(have(metadata)["statistics"], nlohmann::json::array({nlohmann::json::parse(file("b"))}));
  EXPECT_EQ(have(metadata)["partition-statistics"].size(), 1U);
  metadata = Apply(metadata, {RemoveStatistics{.snapshot_id = SnapshotId(2)}}, At(7000));
  EXPECT_EQ(have(metadata)["statistics"], nlohmann::json::array());
  EXPECT_EQ(have(metadata)["partition-statistics"].size(), 1U) << "those of partitions are others";
}

TEST(UpdateTest, WhatIsInUseIsNotRemoved) {
  const auto metadata = Apply(Empty(), {AddSchema{Columns({"id", "name", "more"}), 3}, SetCurrentSchema{}}, At(2000));
  EXPECT_EQ(Apply(metadata, {RemoveSchemas{{0}}}, At(3000)).schemas.size(), 1U);
  EXPECT_THAT([&] { Apply(metadata, {RemoveSchemas{{1}}}, At(3000)); },
              ThrowsMessage<Error>(HasSubstr("schema 1 is the current one")));
  EXPECT_THAT([&] { Apply(metadata, {RemovePartitionSpecs{{0}}}, At(3000)); },
              ThrowsMessage<Error>(HasSubstr("partition spec 0 is the default")));
}

TEST(UpdateTest, WhoReplacesATableMayDropTheColumnThatItsSpecNamed) {
  PartitionSpec by_name{.fields = {{.source_id = FieldId(2), .name = "name", .transform = ParseTransform("identity")}}};
  const auto metadata = Apply(Empty(), {AddPartitionSpec{by_name}, SetDefaultSpec{}}, At(2000));
  const AddSchema without{Columns({"id"}), 2};
  EXPECT_THAT(
      [&] {
        Apply(metadata, {without, SetCurrentSchema{}}, At(3000));
      },
      ThrowsMessage<Error>(HasSubstr("needs column id 2, which the schema lacks")));
  const auto replaced = Apply(metadata, {without, SetCurrentSchema{}, AddPartitionSpec{}, SetDefaultSpec{}}, At(3000));
  EXPECT_TRUE(replaced.spec().fields.empty());
}

TEST(UpdateTest, ASnapshotBehindAnotherBranchIsOvertaken) {
  const auto base = WithThree();
  EXPECT_THAT(Overtaken({Add(9, 3, 5000, 2)}, base), Optional(HasSubstr("another writer was faster")));
  EXPECT_EQ(Overtaken({Add(9, 4, 5000, 2)}, base), std::nullopt);
  EXPECT_EQ(Overtaken({SetLocation{"x"}}, base), std::nullopt);
}

TEST(UpdateTest, SnapshotsOfVersionThreeTakeRowIds) {
  const TableMetadata base = Apply(WithThree(), {UpgradeFormatVersion{3}}, At(4500));
  EXPECT_EQ(base.format_version, 3);
  EXPECT_EQ(base.next_row_id, 0);
  AddSnapshot add = Add(4, 4, 5000, 3);
  const auto apply = [&](const TableMetadata& on) { return [&on, &add] { Apply(on, {add}, At(5000)); }; };
  EXPECT_THAT(apply(base), Refused("needs first-row-id"));
  add.snapshot.first_row_id = 0;
  add.snapshot.added_rows = 30;
  const TableMetadata after = Apply(base, {add}, At(5000));
  EXPECT_EQ(after.next_row_id, 30);
  add = Add(5, 5, 6000, 4);
  add.snapshot.first_row_id = 29;
  add.snapshot.added_rows = 1;
  EXPECT_THAT(apply(after), Refused("behind the table's next-row-id 30"));
  EXPECT_THAT(Overtaken({add}, after), Optional(HasSubstr("another writer was faster")));
  EXPECT_THAT([&] { Apply(base, {UpgradeFormatVersion{2}}, At(5000)); }, Refused("never falls"));
}

}  // namespace
}  // namespace millrace::table
