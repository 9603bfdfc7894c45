#include "catalog/glue/hive_table.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <thread>

#include "base/error.h"
#include "services/glue_server.h"

namespace millrace::catalog {
namespace {

using nlohmann::json;
using testing::HasSubstr;
using testing::ThrowsMessage;

HiveTableOptions Options() {
  return {.name = {"bronze", "events"},
          .location = "s3://lake/bronze/events",
          .partition_keys = {"year", "month"},
          .compression = "gzip",
          .serde = HiveSerde::kOpenx,
          .owner = "clouded/bronze.events"};
}

schema::Schema Columns(const std::vector<std::pair<std::string, std::string>>& columns) {
  schema::Schema schema;
  for (const auto& [name, type] : columns) schema.fields.push_back({.name = name, .type = schema::ParseType(type)});
  return schema;
}

class HiveTableTest : public testing::Test {
 protected:
  void SetUp() override {
    if (!services::GlueLacks().empty()) GTEST_SKIP() << services::GlueLacks();
    services::EmptyGlue();
  }
  static HiveTable Open(const HiveTableOptions& options = Options()) {
    return {services::GlueAt(services::GlueEndpoint()), options};
  }
  static json Ask(const std::string& operation, json request) {
    return GlueClient(services::GlueAt(services::GlueEndpoint())).Ask(operation, std::move(request), "looking").value();
  }
  static json Entry() { return Ask("GetTable", {{"DatabaseName", "bronze"}, {"Name", "events"}}).at("Table"); }
  static std::string ColumnsOf(const json& described) {
    std::string columns;
    for (const auto& column : described.at("StorageDescriptor").at("Columns"))
      columns += column.at("Name").get<std::string>() + " " + column.at("Type").get<std::string>() + "\n";
    return columns;
  }
};

TEST_F(HiveTableTest, ColumnsOfParquetHaveTheirTypes) {
  auto options = Options();
  options.serde = HiveSerde::kParquet;
  auto table = Open(options);
  auto columns = Columns({{"Id", "int"},
                          {"at", "timestamptz"},
                          {"noon", "time"},
                          {"u", "uuid"},
                          {"price", "decimal(9, 2)"},
                          {"a b", "double"},
                          {"in", "list<struct<u: uuid, day: date>>"},
                          {"month", "string"}});
  schema::StructType odd{{{.name = "a-b", .type = schema::ParseType("long")}}};
  columns.fields.push_back({.name = "odd", .type = odd});
  table.Ensure(columns);
  const auto entry = Entry();
  EXPECT_EQ(ColumnsOf(entry),
            "id int\nat timestamp\nnoon bigint\nu binary\nprice decimal(9,2)\nin array<struct<u:binary,day:date>>\n");
  EXPECT_EQ(entry.at("Parameters").at("classification"), "parquet");
  EXPECT_THAT(entry.at("StorageDescriptor").at("SerdeInfo").at("SerializationLibrary").get<std::string>(),
              HasSubstr("ParquetHiveSerDe"));
}

TEST_F(HiveTableTest, ATableIsWhatEnginesRead) {
  auto table = Open();
  EXPECT_EQ(table.Find(), std::nullopt);
  table.Ensure(Columns({{"Id", "long"},
                        {"at", "timestamptz"},
                        {"a b", "double"},
                        {"ID", "string"},
                        {"year", "long"},
                        {"device", "struct<Os: string, seen: date>"},
                        {"tags", "list<decimal(9, 2)>"}}));
  const auto entry = Entry();
  EXPECT_EQ(ColumnsOf(entry),
            "id bigint\nat string\na_b double\ndevice struct<Os:string,seen:date>\ntags array<decimal(9,2)>\n");
  EXPECT_EQ(entry.at("PartitionKeys"),
            json::parse(R"([{"Name": "year", "Type": "string"}, {"Name": "month", "Type": "string"}])"));
  const auto& storage = entry.at("StorageDescriptor");
  EXPECT_EQ(storage.at("Location"), "s3://lake/bronze/events/");
  EXPECT_EQ(storage.at("InputFormat"), "org.apache.hadoop.mapred.TextInputFormat");
  EXPECT_EQ(storage.at("SerdeInfo").at("SerializationLibrary"), "org.openx.data.jsonserde.JsonSerDe");
  EXPECT_EQ(storage.at("SerdeInfo").at("Parameters").at("mapping.a_b"), "a b");
  EXPECT_EQ(entry.at("Parameters").at("classification"), "json");
}

TEST_F(HiveTableTest, ColumnsGrowAndNothingIsForgotten) {
  Open().Ensure(Columns({{"id", "int"}, {"device", "struct<os: string>"}}));
  auto again = Open();
  const auto known = again.Find();
  ASSERT_TRUE(known);
  EXPECT_EQ(known->fields.size(), 2U);
  const auto version = Entry().at("VersionId");
  again.Ensure(Columns({{"id", "int"}}));
  EXPECT_EQ(Entry().at("VersionId"), version) << "nothing was to be done";
  again.Ensure(Columns({{"id", "long"}, {"device", "struct<v: long>"}, {"new", "string"}}));
  EXPECT_EQ(ColumnsOf(Entry()), "id bigint\ndevice struct<os:string,v:bigint>\nnew string\n");
}

TEST_F(HiveTableTest, SeveralWorkersAddColumnsAndPartitionsAtOnce) {
  std::vector<std::jthread> workers;
  for (int i = 0; i < 4; ++i) {
    workers.emplace_back([i] {
      auto table = Open();
      for (int step = 0; step < 3; ++step) {
        table.Ensure(Columns({{"id", "long"}, {"c" + std::to_string(i) + std::to_string(step), "string"}}));
        std::vector<HivePartition> partitions;
        for (int month = 0; month < 60; ++month)
          partitions.push_back({{std::to_string(step), std::to_string(month)},
                                "s3://lake/bronze/events/" + std::to_string(step) + "/" + std::to_string(month)});
        table.AddPartitions(partitions);
      }
    });
  }
  workers.clear();
  const auto columns = ColumnsOf(Entry());
  EXPECT_EQ(std::ranges::count(columns, '\n'), 13) << columns;
  const auto partitions = Ask("GetPartitions", {{"DatabaseName", "bronze"}, {"TableName", "events"}}).at("Partitions");
  EXPECT_EQ(partitions.size(), 180U);
  EXPECT_EQ(partitions.at(0).at("StorageDescriptor").at("Location"), "s3://lake/bronze/events/0/0/");
}

TEST_F(HiveTableTest, PartitionsLearnOfColumnsThatCameSince) {
  const auto partition = [](const std::string& month) {
    return json(
        Ask("GetPartition", {{"DatabaseName", "bronze"}, {"TableName", "events"}, {"PartitionValues", {"2026", month}}})
            .at("Partition"));
  };
  const std::vector<HivePartition> both{{{"2026", "01"}, "s3://lake/bronze/events/2026/01"},
                                        {{"2026", "02"}, "s3://lake/bronze/events/2026/02"}};
  auto table = Open();
  table.Ensure(Columns({{"id", "long"}}));
  table.AddPartitions(both);
  table.Ensure(Columns({{"a b", "string"}}));
  table.AddPartitions({both[1]});
  EXPECT_EQ(ColumnsOf(partition("02")), "id bigint\na_b string\n");
  EXPECT_EQ(partition("02").at("StorageDescriptor").at("SerdeInfo").at("Parameters").at("mapping.a_b"), "a b");
  EXPECT_EQ(partition("02").at("StorageDescriptor").at("Location"), "s3://lake/bronze/events/2026/02/");
  EXPECT_EQ(ColumnsOf(partition("01")), "id bigint\n") << "nothing new was written to it";
  // Another worker, which finds the partition there.
  auto other = Open();
  other.Ensure(Columns({{"id", "long"}}));
  other.AddPartitions(both);
  EXPECT_EQ(ColumnsOf(partition("01")), "id bigint\na_b string\n");
}

TEST_F(HiveTableTest, WhatIsAnothersIsLeftAlone) {
  Open().Ensure(Columns({{"id", "long"}}));
  auto other = Options();
  other.owner = "else/bronze.events";
  EXPECT_THAT([&] { Open(other).Find(); }, ThrowsMessage<Error>(HasSubstr("it is not this pipeline's")));
  other = Options();
  other.partition_keys = {"year"};
  EXPECT_THAT([&] { Open(other).Find(); }, ThrowsMessage<Error>(HasSubstr("other levels")));
  other = Options();
  other.location = "s3://lake/elsewhere";
  EXPECT_THAT(
      [&] {
        Open(other).Ensure(Columns({{"id", "long"}}));
      },
      ThrowsMessage<Error>(HasSubstr("its files are at s3://lake/bronze/events/")));
}

}  // namespace
}  // namespace millrace::catalog
