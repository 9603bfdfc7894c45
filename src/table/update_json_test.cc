#include "table/update_json.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <nlohmann/json.hpp>

#include "base/error.h"
#include "judge/python.h"
#include "table/transform.h"

namespace millrace::table {
namespace {

using nlohmann::json;
using testing::HasSubstr;
using testing::ThrowsMessage;

const std::vector<Requirement> kRequirements = {
    AssertCreate{},
    AssertTableUuid{"8c3a1b9e-6a0b-4b8c-9d65-0f7f2a7c5d11"},
    AssertRefSnapshotId{"main", SnapshotId(7)},
    AssertRefSnapshotId{"main", std::nullopt},
    AssertLastAssignedFieldId{3},
    AssertCurrentSchemaId{1},
    AssertLastAssignedPartitionId{1001},
    AssertDefaultSpecId{2},
    AssertDefaultSortOrderId{4},
};

constexpr const char* kStatisticsFile = R"({"snapshot-id": 5, "statistics-path": "s3://b/s.puffin",
  "file-size-in-bytes": 10, "file-footer-size-in-bytes": 4,
  "blob-metadata": [{"type": "apache-datasketches-theta-v1", "snapshot-id": 5, "sequence-number": 6, "fields": [1]}]})";

std::vector<Update> Updates() {
  schema::Schema schema;
  schema.schema_id = 2;
  schema.fields.push_back({.name = "id", .type = schema::ParseType("long"), .required = true});
  schema.fields.push_back({.name = "tags", .type = schema::ParseType("list<struct<k: string>>")});
  schema::AssignIds(schema, 0);
  const PartitionSpec spec{.spec_id = 1,
                           .fields = {{.source_id = schema::FieldId(1),
                                       .field_id = 1000,
                                       .name = "id_bucket",
                                       .transform = ParseTransform("bucket[16]")}}};
  const SortOrder order{
      .order_id = 1,
      .fields = {{.source_id = schema::FieldId(1), .transform = {}, .ascending = false, .nulls_first = false}}};
  const Snapshot snapshot{.snapshot_id = SnapshotId(9'007'199'254'740'993),  // not a double
                          .parent_snapshot_id = SnapshotId(5),
                          .sequence_number = SequenceNumber(6),
                          .timestamp_ms = 1'700'000'000'000,
                          .manifest_list = "s3://b/m.avro",
                          .summary = {{"operation", "append"}, {"millrace.positions.p", "{}"}},
                          .schema_id = 2};
  return {
      AssignUuid{"8c3a1b9e-6a0b-4b8c-9d65-0f7f2a7c5d11"},
      UpgradeFormatVersion{2},
      AddSchema{schema, 4},
      SetCurrentSchema{-1},
      AddPartitionSpec{spec},
      SetDefaultSpec{-1},
      AddSortOrder{order},
      SetDefaultSortOrder{-1},
      AddSnapshot{snapshot},
      SetSnapshotRef{"main", {.snapshot_id = SnapshotId(5), .type = "branch", .max_ref_age_ms = 1000}},
      RemoveSnapshotRef{"old"},
      RemoveSnapshots{{SnapshotId(1), SnapshotId(2)}},
      SetLocation{"s3://b/t"},
      SetProperties{{{"a", "1"}}},
      RemoveProperties{{"b", "c"}},
      RemovePartitionSpecs{{3, 4}},
      RemoveSchemas{{5}},
      SetStatistics{.of_partitions = false, .snapshot_id = SnapshotId(5), .file = json::parse(kStatisticsFile).dump()},
      SetStatistics{.of_partitions = true,
                    .snapshot_id = SnapshotId(5),
                    .file = R"({"file-size-in-bytes":10,"snapshot-id":5,"statistics-path":"s3://b/p"})"},
      RemoveStatistics{.of_partitions = false, .snapshot_id = SnapshotId(6)},
      RemoveStatistics{.of_partitions = true, .snapshot_id = SnapshotId(6)},
  };
}

json Printed() {
  json document = {{"requirements", json::array()}, {"updates", json::array()}};
  for (const Requirement& one : kRequirements) document["requirements"].push_back(ToJson(one));
  for (const Update& one : Updates()) document["updates"].push_back(ToJson(one));
  return document;
}

/// What was read from `document`, printed again.
json ReadBack(const json& document) {
  json again = {{"requirements", json::array()}, {"updates", json::array()}};
  for (const json& one : document["requirements"]) again["requirements"].push_back(ToJson(RequirementFromJson(one)));
  for (const json& one : document["updates"]) again["updates"].push_back(ToJson(UpdateFromJson(one)));
  return again;
}

TEST(UpdateJsonTest, EveryKindComesBackAsItWas) {
  ASSERT_EQ(kRequirements.size(), std::variant_size_v<Requirement> + 1);
  ASSERT_EQ(Updates().size(), std::variant_size_v<Update> + 2) << "statistics of two kinds";
  EXPECT_EQ(ReadBack(Printed()), Printed());
}

TEST(UpdateJsonTest, PyicebergReadsEveryKindAndWritesItTheSame) {
  const judge::Folder folder;
  judge::Spill(folder.File("ours.json"), Printed().dump());
  const json theirs = json::parse(judge::Python("updates.py", folder.File("ours.json")));
  EXPECT_EQ(ReadBack(theirs), Printed());
}

TEST(UpdateJsonTest, WhatIsLeftOutHasItsDefault) {
  const auto schema = UpdateFromJson(json::parse(
      R"({"action":"add-schema","schema":{"type":"struct","schema-id":0,"fields":[{"id":3,"name":"x","required":false,"type":"long"}]}})"));
  EXPECT_EQ(std::get<AddSchema>(schema).last_column_id, 3);
  const auto spec = UpdateFromJson(
      json::parse(R"({"action":"add-spec","spec":{"fields":[{"source-id":3,"name":"x","transform":"identity"}]}})"));
  EXPECT_EQ(std::get<AddPartitionSpec>(spec).spec.fields.at(0).field_id, 1000);
  const auto ref = RequirementFromJson(json::parse(R"({"type":"assert-ref-snapshot-id","ref":"main"})"));
  EXPECT_EQ(std::get<AssertRefSnapshotId>(ref).snapshot_id, std::nullopt);
}

TEST(UpdateJsonTest, WhatIsWrongIsNamed) {
  const auto refusal = [](const char* text) { return [text] { UpdateFromJson(json::parse(text)); }; };
  EXPECT_THAT(refusal(R"({"action":"make-coffee"})"), ThrowsMessage<Error>(HasSubstr("'make-coffee' is not known")));
  EXPECT_THAT(refusal(R"({})"), ThrowsMessage<Error>(HasSubstr("action is missing")));
  EXPECT_THAT(refusal(R"([])"), ThrowsMessage<Error>(testing::_));
  EXPECT_THAT(refusal(R"({"action":"remove-snapshots","snapshot-ids":["1"]})"),
              ThrowsMessage<Error>(HasSubstr("remove-snapshots: snapshot-ids")));
  EXPECT_THAT([] { RequirementFromJson(json::parse(R"({"type":"assert-default-spec-id"})")); },
              ThrowsMessage<Error>(HasSubstr("default-spec-id is missing")));
}

}  // namespace
}  // namespace millrace::table
