#include "table/schema_update.h"

#include <gmock/gmock.h>

#include "base/error.h"
#include "schema/name_mapping.h"
#include "table/spec_update.h"
#include "table/test_table.h"

namespace millrace::table {
namespace {

using nlohmann::json;
using schema::Field;
using schema::FieldId;
using testing::HasSubstr;
using testing::ThrowsMessage;

schema::Schema With(schema::Schema schema, const std::string& name, const std::string& type) {
  schema.fields.push_back({.name = name, .type = schema::ParseType(type)});
  return schema;
}

std::vector<std::string> Columns(const TableMetadata& metadata) {
  std::vector<std::string> columns;
  for (const Field& field : metadata.schema().fields) {
    columns.push_back(fmt::format("{} {} {}", field.id.value(), field.name, ToString(field.type)));
  }
  return columns;
}

TEST(SchemaUpdateTest, ThreeEvolutionsAreReadByPyicebergAndDuckDb) {
  TestTable table;
  const std::vector<DataFile> files = table.Files(4, 10);
  table.Append({files[0]});
  table.Land(EvolveSchema(table.metadata(),
                          With(table.metadata().schema(), "device", "struct<os: string, size: struct<w: int>>")));
  table.Append({files[1]});
  table.Land(EvolveSchema(table.metadata(), With(table.metadata().schema(), "tags", "list<string>")));
  table.Land(RenameColumn(table.metadata(), "value", "amount"));
  table.Append({files[2]});
  EXPECT_EQ(table.metadata().schemas.size(), 4U);
  EXPECT_EQ(table.metadata().last_column_id, 10);
  const json seen = table.Inspect();
  EXPECT_EQ(seen["columns"],
            json({"1 id long", "2 kind string", "3 at timestamptz", "4 amount double",
                  "5 device struct<6: os: optional string, 7: size: optional struct<8: w: optional int>>",
                  "9 tags list<string>"}));
  EXPECT_EQ(seen["duckdb"], json({30, 435}));
  EXPECT_EQ(seen["snapshots"][0]["schema"], 0);
  EXPECT_EQ(seen["snapshots"][1]["schema"], 1);
  EXPECT_EQ(seen["snapshots"][2]["schema"], 3);
}

TEST(SchemaUpdateTest, NewIdsGoToNewFieldsOnlyAndNoneIsGivenTwice) {
  TestTable table;
  table.Land(EvolveSchema(table.metadata(), With(table.metadata().schema(), "extra", "string")));
  table.Land(DropColumn(table.metadata(), "extra"));
  EXPECT_EQ(table.metadata().last_column_id, 5) << "never falls";
  EXPECT_EQ(table.metadata().current_schema_id, 0) << "the first schema is used again";
  table.Land(EvolveSchema(table.metadata(), With(table.metadata().schema(), "extra", "string")));
  EXPECT_EQ(table.metadata().schema().Find("extra")->id, FieldId(6));
}

TEST(SchemaUpdateTest, NothingNewIsNoChange) {
  TestTable table;
  EXPECT_TRUE(EvolveSchema(table.metadata(), table.metadata().schema()).empty());
}

TEST(SchemaUpdateTest, ASchemaThatChangedInBetweenIsAConflict) {
  TestTable table;
  const TableChange late = EvolveSchema(table.metadata(), With(table.metadata().schema(), "late", "string"));
  table.Land(EvolveSchema(table.metadata(), With(table.metadata().schema(), "first", "string")));
  EXPECT_NE(Unmet(late.requirements, &table.metadata()), std::nullopt);
}

TEST(SchemaUpdateTest, TheNameMappingLearnsNewNamesAndKeepsOldOnes) {
  TestTable table;
  table.metadata().properties[schema::kNameMappingProperty] =
      PrintNameMapping(schema::MappingOf(table.metadata().schema()));
  table.Land(RenameColumn(table.metadata(), "value", "amount"));
  table.Land(EvolveSchema(table.metadata(), With(table.metadata().schema(), "more", "struct<a: int>")));
  const auto mapping = schema::ParseNameMapping(table.metadata().properties.at(schema::kNameMappingProperty));
  ASSERT_EQ(mapping.fields.size(), 5U);
  EXPECT_THAT(mapping.fields[3].names, testing::UnorderedElementsAre("value", "amount"));
  EXPECT_EQ(mapping.fields[4].fields[0].id, FieldId(6));
  table.metadata().properties[schema::kNameMappingProperty] = "nonsense";
  EXPECT_THAT([&] { RenameColumn(table.metadata(), "amount", "value"); },
              ThrowsMessage<Error>(HasSubstr("schema.name-mapping.default")));
}

TEST(SchemaUpdateTest, NestedColumnsAreRenamedAndDropped) {
  TestTable table;
  table.Land(EvolveSchema(table.metadata(), With(table.metadata().schema(), "device", "struct<os: string, w: int>")));
  table.Land(EvolveSchema(table.metadata(), With(table.metadata().schema(), "items", "list<struct<a: int, b: int>>")));
  table.Land(RenameColumn(table.metadata(), "device.os", "system"));
  table.Land(DropColumn(table.metadata(), "items.element.b"));
  EXPECT_EQ(Columns(table.metadata())[4], "5 device struct<system: string, w: int>");
  EXPECT_EQ(Columns(table.metadata())[5], "8 items list<struct<a: int>>");
  EXPECT_EQ(table.metadata().schema().Find("device.system")->id, FieldId(6));
}

TEST(SchemaUpdateTest, WhatMayNotGoStays) {
  TestTable table;
  table.metadata().schemas[0].identifier_field_ids = {FieldId(1)};
  const auto dropping = [&](const char* path) { return [&table, path] { DropColumn(table.metadata(), path); }; };
  EXPECT_THAT(dropping("id"), ThrowsMessage<Error>(HasSubstr("identifier column")));
  EXPECT_THAT(dropping("kind"), ThrowsMessage<Error>(HasSubstr("partitioned by")));
  EXPECT_THAT(dropping("nothing"), ThrowsMessage<Error>(HasSubstr("no column nothing")));
  EXPECT_THAT([&] { RenameColumn(table.metadata(), "value", "KIND"); },
              ThrowsMessage<Error>(HasSubstr("there is a column kind beside it")));
  EXPECT_THAT([&] { RenameColumn(table.metadata(), "value", ""); }, ThrowsMessage<Error>(HasSubstr("needs a name")));
  table.Land(EvolveSchema(table.metadata(), With(table.metadata().schema(), "tags", "list<string>")));
  EXPECT_THAT(dropping("tags.element"), ThrowsMessage<Error>(HasSubstr("part of a list or map")));
  table.Land(ChangeSortOrder(table.metadata(), ParseSortOrder({"value desc"}, table.metadata().schema())));
  EXPECT_THAT(dropping("value"), ThrowsMessage<Error>(HasSubstr("sorted by")));
}

TEST(SpecUpdateTest, OldSpecsStayAndTheirFilesStayReadable) {
  TestTable table;
  const std::vector<DataFile> files = table.Files(4, 10);
  table.Append({files[0], files[1]});
  const schema::Schema schema = table.metadata().schema();
  table.Land(ChangePartitionSpec(table.metadata(), ParsePartitionSpec({"day(at)", "bucket(4, id)"}, schema)));
  ASSERT_EQ(table.metadata().partition_specs.size(), 2U);
  EXPECT_EQ(table.metadata().spec().fields[0].field_id, 1001) << "day(at) keeps its id";
  EXPECT_EQ(table.metadata().spec().fields[1].field_id, 1002);
  EXPECT_EQ(table.metadata().last_partition_id, 1002);
  DataFile newer = files[2];
  newer.spec_id = 1;
  newer.partition = {files[2].partition[1], Value(int32_t{0})};
  table.Append({newer});
  const json seen = table.Inspect();
  EXPECT_EQ(seen["duckdb"], json({30, 435}));
  EXPECT_EQ(seen["rows"], 30);
  // Back to the first: no third spec.
  table.Land(ChangePartitionSpec(table.metadata(), ParsePartitionSpec({"kind", "day(at)"}, schema)));
  EXPECT_EQ(table.metadata().default_spec_id, 0);
  EXPECT_EQ(table.metadata().partition_specs.size(), 2U);
  EXPECT_TRUE(ChangePartitionSpec(table.metadata(), ParsePartitionSpec({"kind", "day(at)"}, schema)).empty());
  table.Land(ChangePartitionSpec(table.metadata(), {}));
  EXPECT_TRUE(table.metadata().spec().fields.empty());
}

TEST(SpecUpdateTest, TwoFieldsOfOneNameAreRefused) {
  TestTable table;
  PartitionSpec spec = table.metadata().spec();
  spec.fields[1].name = spec.fields[0].name;
  EXPECT_THAT([&] { ChangePartitionSpec(table.metadata(), spec); }, ThrowsMessage<Error>(HasSubstr("another name")));
}

TEST(SpecUpdateTest, SortOrdersAreNumberedAndUsedAgain) {
  TestTable table;
  const schema::Schema schema = table.metadata().schema();
  table.Land(ChangeSortOrder(table.metadata(), ParseSortOrder({"id"}, schema)));
  EXPECT_EQ(table.metadata().default_sort_order_id, 1);
  table.Land(ChangeSortOrder(table.metadata(), ParseSortOrder({"kind desc", "day(at)"}, schema)));
  EXPECT_EQ(table.metadata().default_sort_order_id, 2);
  table.Land(ChangeSortOrder(table.metadata(), ParseSortOrder({"id"}, schema)));
  EXPECT_EQ(table.metadata().default_sort_order_id, 1);
  EXPECT_TRUE(ChangeSortOrder(table.metadata(), ParseSortOrder({"id"}, schema)).empty());
  table.Land(ChangeSortOrder(table.metadata(), {}));
  EXPECT_EQ(table.metadata().default_sort_order_id, 0);
}

}  // namespace
}  // namespace millrace::table
