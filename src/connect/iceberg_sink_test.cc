#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "base/error.h"
#include "connect/plugin.h"

namespace millrace::connect {
namespace {

using testing::HasSubstr;

const Plugin& Sink() { return *FindPlugin("org.apache.iceberg.connect.IcebergSinkConnector"); }

std::string Refusal(Properties properties) {
  properties.emplace("topics", "events");
  properties.emplace("iceberg.tables", "db.events");
  try {
    const auto made = Sink().Translate("lake", properties);
    return "none: " + made.yaml;
  } catch (const Error& error) {
    EXPECT_EQ(error.code(), ErrorCode::kConfig);
    return error.what();
  }
}

TEST(IcebergSink, TableAndRestCatalogue) {
  const auto made = Sink().Translate("lake", {{"topics", "events, late.events"},
                                              {"tasks.max", "2"},
                                              {"iceberg.tables", "db.events"},
                                              {"iceberg.tables.auto-create-enabled", "true"},
                                              {"iceberg.tables.evolve-schema-enabled", "TRUE"},
                                              {"iceberg.tables.default-partition-by", "days(ts), bucket(id, 16),kind"},
                                              {"iceberg.control.commit.interval-ms", "60000"},
                                              {"iceberg.catalog.type", "rest"},
                                              {"iceberg.catalog.uri", "http://127.0.0.1:8181"},
                                              {"iceberg.catalog.warehouse", "s3://lake/wh"},
                                              {"iceberg.catalog.io-impl", "org.apache.iceberg.aws.s3.S3FileIO"},
                                              {"iceberg.catalog.s3.endpoint", "http://127.0.0.1:9000"},
                                              {"iceberg.catalog.s3.path-style-access", "true"},
                                              {"iceberg.catalog.client.region", "us-east-1"},
                                              {"iceberg.catalog.s3.access-key-id", "id"},
                                              {"iceberg.catalog.s3.secret-access-key", "${env:S3_SECRET}"}});
  EXPECT_EQ(made.yaml, R"yaml(lake:
  warehouse: "s3://lake/wh"
  s3:
    endpoint: "http://127.0.0.1:9000"
    region: "us-east-1"
    access_key: { secret: "env:CONNECT_LAKE_ICEBERG_CATALOG_S3_ACCESS_KEY_ID" }
    secret_key: { secret: "env:S3_SECRET" }
    path_style: true
  catalog:
    rest:
      uri: "http://127.0.0.1:8181"
      warehouse: "s3://lake/wh"
tables:
  db.events:
    from: "^(events|late\\.events)$"
    iceberg:
      create: true
      partition_by: ["day(ts)", "bucket(16, id)", kind]
    contract: { columns: evolve }
    freshness: "60000ms"
)yaml");
  EXPECT_EQ(made.secrets.at("CONNECT_LAKE_ICEBERG_CATALOG_S3_ACCESS_KEY_ID"), "id");
  EXPECT_EQ(made.topics, (std::vector<std::string>{"events", "late.events"}));
}

TEST(IcebergSink, UpsertsOfTheOlderClass) {
  const auto* older = FindPlugin("io.tabular.iceberg.connect.IcebergSinkConnector");
  ASSERT_EQ(older, &Sink());
  const auto made = older->Translate("lake", {{"topics", "orders"},
                                              {"iceberg.tables", "db.orders"},
                                              {"iceberg.table.db.orders.id-columns", "id"},
                                              {"iceberg.tables.cdc-field", "op"}});
  EXPECT_THAT(made.yaml, HasSubstr("    key: [id]\n    upsert: { operation: op }\n"));
  EXPECT_THAT(made.yaml, HasSubstr("iceberg: { create: false }"));
  EXPECT_THAT(made.yaml, HasSubstr("contract: { columns: discard_value }"));
}

TEST(IcebergSink, TablesInGlue) {
  const auto made =
      Sink().Translate("lake", {{"topics", "orders"},
                                {"iceberg.tables", "db.orders"},
                                {"iceberg.catalog.catalog-impl", "org.apache.iceberg.aws.glue.GlueCatalog"},
                                {"iceberg.catalog.warehouse", "s3://lake/wh"},
                                {"iceberg.catalog.client.region", "eu-central-1"},
                                {"iceberg.catalog.glue.id", "123456789012"}});
  EXPECT_THAT(made.yaml, HasSubstr("warehouse: \"s3://lake/wh\""));
  EXPECT_THAT(made.yaml, HasSubstr("glue:\n      region: \"eu-central-1\"\n"));
  EXPECT_THAT(made.yaml, HasSubstr("catalog_id: \"123456789012\""));
  EXPECT_THAT(made.yaml, testing::Not(HasSubstr("rest")));
}

TEST(IcebergSink, WhatIsNotHonouredIsSaid) {
  EXPECT_THAT(Refusal({{"iceberg.tables.route-field", "kind"}}),
              HasSubstr("iceberg.tables.route-field=kind is not supported by Millrace: a table takes all"));
  EXPECT_THAT(Refusal({{"iceberg.tables.dynamic-enabled", "true"}}), HasSubstr("is not supported by Millrace"));
  EXPECT_THAT(Refusal({{"iceberg.tables.default-id-columns", "id"}}), HasSubstr("upsert-mode-enabled=true"));
  EXPECT_THAT(Refusal({{"iceberg.catalog.type", "hive"}}), HasSubstr("the catalogue 'hive' is not supported"));
  EXPECT_THAT(
      Refusal(
          {{"iceberg.catalog.type", "rest"}, {"iceberg.catalog.uri", "http://x"}, {"iceberg.catalog.clients", "9"}}),
      HasSubstr("iceberg.catalog.clients=9 is not supported by Millrace"));
  EXPECT_THAT(Refusal({{"transforms", "a"}, {"transforms.a.type", "x"}}), HasSubstr("transforms=a is not supported"));
  EXPECT_THAT(Refusal({{"iceberg.table.db.other.partition-by", "day(t)"}}),
              HasSubstr("is of no table of iceberg.tables"));
  EXPECT_THAT(Refusal({{"value.converter", "org.apache.kafka.connect.json.JsonConverter"}}),
              HasSubstr("value.converter.schemas.enable=false"));
  EXPECT_THAT(Refusal({{"value.converter", "io.confluent.connect.avro.AvroConverter"}}),
              HasSubstr("schema.registry.url"));
  EXPECT_THAT(Refusal({{"iceberg.catalog.token", "${file:/a.properties:key}"},
                       {"iceberg.catalog.type", "rest"},
                       {"iceberg.catalog.uri", "http://x"}}),
              HasSubstr("the config provider 'file' is not supported"));
}

}  // namespace
}  // namespace millrace::connect
