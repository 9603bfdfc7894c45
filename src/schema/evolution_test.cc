#include "schema/evolution.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "schema/name_mapping.h"

namespace millrace::schema {
namespace {

using testing::ElementsAre;
using testing::IsEmpty;

Schema Columns(const std::string& structure) { return {.fields = std::get<StructType>(ParseType(structure)).fields}; }

Schema Table(const std::string& structure) {
  Schema schema = Columns(structure);
  AssignIds(schema, 0);
  return schema;
}

std::string Shape(const Schema& schema) { return ToString(StructType{schema.fields}); }

std::vector<std::string> Paths(const Evolved& evolved) {
  std::vector<std::string> paths;
  for (const SchemaChange& change : evolved.changes) paths.push_back(change.path + ": " + change.detail);
  return paths;
}

TEST(EvolveTest, AddsMissingColumnsAtEveryLevelBehindTheOldOnes) {
  const Schema table = Table(
      "struct<id: long, device: struct<os: string>, items: list<struct<sku: string>>, by: map<string, struct<n: "
      "int>>>");
  const Evolved evolved = Evolve(
      table, 20,
      Columns("struct<extra: struct<a: int>, by: map<string, struct<m: date>>, items: list<struct<price: double>>, "
              "device: struct<model: string>>"));
  EXPECT_EQ(
      Shape(evolved.schema),
      "struct<id: long, device: struct<os: string, model: string>, items: list<struct<sku: string, price: double>>, "
      "by: map<string, struct<n: int, m: date>>, extra: struct<a: int>>");
  EXPECT_THAT(Paths(evolved), ElementsAre("extra: struct<a: int>", "by.value.m: date", "items.element.price: double",
                                          "device.model: string"));
  EXPECT_EQ(evolved.schema.Find("id")->id, table.Find("id")->id);
  EXPECT_EQ(evolved.schema.Find("items.element.sku")->id, table.Find("items.element.sku")->id);
  EXPECT_EQ(evolved.schema.Find("extra")->id, FieldId(21));
  EXPECT_EQ(evolved.last_column_id, 25);
  EXPECT_EQ(evolved.schema.highest_id(), FieldId(25));
  EXPECT_FALSE(evolved.schema.Find("extra.a")->required);
}

TEST(EvolveTest, MakesTheThreePromotionsAndNoOther) {
  const Evolved evolved = Evolve(
      Table("struct<a: int, b: float, c: decimal(9, 2), d: long, e: string, f: decimal(9, 2), g: date>"), 7,
      Columns("struct<a: long, b: double, c: decimal(12, 2), d: int, e: long, f: decimal(12, 3), g: timestamp>"));
  EXPECT_EQ(Shape(evolved.schema),
            "struct<a: long, b: double, c: decimal(12, 2), d: long, e: string, f: decimal(9, 2), g: date>");
  EXPECT_THAT(Paths(evolved),
              ElementsAre("a: int to long", "b: float to double", "c: decimal(9, 2) to decimal(12, 2)"));
  EXPECT_EQ(evolved.last_column_id, 7);
}

TEST(EvolveTest, WhatDoesNotFitStaysAsTheTableHasIt) {
  const Schema table = Table("struct<a: struct<x: int>, b: list<int>, c: string, d: map<int, int>>");
  const Evolved evolved =
      Evolve(table, 10, Columns("struct<a: string, b: struct<y: int>, c: list<string>, d: map<long, int>>"));
  EXPECT_EQ(evolved.schema, table);
  EXPECT_THAT(evolved.changes, IsEmpty());
}

TEST(EvolveTest, RequiredBecomesOptionalUnlessItIsTheKeyAndNeverTheOtherWay) {
  Schema table = Table("struct<id: long, name: string, note: string>");
  table.fields[0].required = table.fields[1].required = true;
  table.identifier_field_ids = {FieldId(1)};
  Schema wanted = Columns("struct<id: long, name: string, note: string, extra: int>");
  wanted.fields[2].required = wanted.fields[3].required = true;
  const Evolved evolved = Evolve(table, 3, wanted);
  EXPECT_THAT(Paths(evolved), ElementsAre("name: required to optional", "extra: int"));
  EXPECT_TRUE(evolved.schema.fields[0].required);
  EXPECT_FALSE(evolved.schema.fields[1].required);
  EXPECT_FALSE(evolved.schema.fields[2].required);
  EXPECT_FALSE(evolved.schema.fields[3].required);
}

TEST(EvolveTest, NothingNewIsNoChange) {
  const Schema table = Table("struct<a: int, b: struct<c: string>>");
  const Evolved evolved = Evolve(table, 3, Columns("struct<b: struct<c: string>>"));
  EXPECT_THAT(evolved.changes, IsEmpty());
  EXPECT_EQ(evolved.schema, table);
  EXPECT_EQ(evolved.last_column_id, 3);
}

/// An id that was given once, to a column since dropped, is not given again.
TEST(EvolveTest, DroppedIdsAreNotReused) {
  const Evolved evolved = Evolve(Table("struct<a: int>"), 9, Columns("struct<b: int>"));
  EXPECT_EQ(evolved.schema.Find("b")->id, FieldId(10));
}

TEST(NameMappingTest, GrowsWithColumnsAndKeepsOldNames) {
  Schema table = Table("struct<id: long, device: struct<os: string>>");
  NameMapping mapping = MappingOf(table);
  EXPECT_EQ(ParseNameMapping(PrintNameMapping(mapping)), mapping);
  table.fields[0].name = "key";  // a rename
  table.fields.push_back({.name = "id", .type = ParseType("int")});
  AssignIds(table, 3);
  mapping = Extend(mapping, table);
  ASSERT_EQ(mapping.fields.size(), 3U);
  EXPECT_THAT(mapping.fields[0].names, ElementsAre("key")) << "the new column took the name over";
  EXPECT_THAT(mapping.fields[2].names, ElementsAre("id"));
  table.fields[2].name = "number";
  EXPECT_THAT(Extend(mapping, table).fields[2].names, ElementsAre("id", "number"));
}

}  // namespace
}  // namespace millrace::schema
