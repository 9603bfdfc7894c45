#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "base/error.h"
#include "connect/plugin.h"

namespace millrace::connect {
namespace {

using testing::HasSubstr;

const std::string kIds = "com.mongodb.kafka.connect.sink.processor.id.strategy.";

Properties With(Properties more) {
  more.emplace("topics", "orders");
  more.emplace("database", "shop");
  return more;
}

Translation Made(Properties more) {
  return FindPlugin("com.mongodb.kafka.connect.MongoSinkConnector")->Translate("my-sink", With(std::move(more)));
}

std::string Refusal(Properties more) {
  try {
    return "none: " + Made(std::move(more)).yaml;
  } catch (const Error& error) {
    return error.what();
  }
}

TEST(MongoSink, OneBlockATopic) {
  const auto made = Made({{"topics", "orders,stock.levels"},
                          {"connection.uri", "mongodb://u:p@h:27017"},
                          {"topic.override.stock.levels.collection", "stock"},
                          {"key.converter", "org.apache.kafka.connect.storage.StringConverter"},
                          {"document.id.strategy", kIds + "ProvidedInValueStrategy"}});
  EXPECT_EQ(made.yaml, R"yaml(documents:
  "my-sink_orders":
    from: orders
    key: ["_id"]
    plain_keys: text
    deletes: false
    mongodb:
      uri: { secret: "env:CONNECT_MY_SINK_CONNECTION_URI" }
      database: shop
      collection: orders
  "my-sink_stock_levels":
    from: stock.levels
    key: ["_id"]
    plain_keys: text
    deletes: false
    mongodb:
      uri: { secret: "env:CONNECT_MY_SINK_CONNECTION_URI" }
      database: shop
      collection: stock
)yaml");
  EXPECT_EQ(made.secrets.at("CONNECT_MY_SINK_CONNECTION_URI"), "mongodb://u:p@h:27017");
}

TEST(MongoSink, Ids) {
  EXPECT_THAT(Made({}).yaml, Not(HasSubstr("key:")));
  EXPECT_THAT(Made({{"document.id.strategy", kIds + "FullKeyStrategy"}, {"delete.on.null.values", "true"}}).yaml,
              HasSubstr("    id: record_key\n    plain_keys: text\n    deletes: true\n"));
  const auto partial = [](const char* fields) {
    return Made({{"document.id.strategy", kIds + "PartialValueStrategy"},
                 {"document.id.strategy.partial.value.projection.type", "AllowList"},
                 {"document.id.strategy.partial.value.projection.list", fields}})
        .yaml;
  };
  EXPECT_THAT(partial("shop, sku"), HasSubstr("    key: [shop, sku]\n"));
  EXPECT_THAT(partial("sku"), HasSubstr(R"(transform: "SELECT {'sku': \"sku\"} AS _id, * FROM batch")"));
}

TEST(MongoSink, WhatIsNotHonouredIsSaid) {
  EXPECT_THAT(Refusal({{"document.id.strategy", kIds + "UuidStrategy"}}), HasSubstr("UuidStrategy is not supported"));
  EXPECT_THAT(Refusal({{"writemodel.strategy",
                        "com.mongodb.kafka.connect.sink.writemodel.strategy.UpdateOneTimestampsStrategy"}}),
              HasSubstr("UpdateOneTimestampsStrategy is not supported by Millrace: a document is replaced whole"));
  EXPECT_THAT(Refusal({{"post.processor.chain", "com.mongodb.kafka.connect.sink.processor.KafkaMetaAdder"}}),
              HasSubstr("is not supported by Millrace: make the document by `transform`"));
  EXPECT_THAT(Refusal({{"timeseries.timefield", "ts"}}), HasSubstr("time series collections are not written"));
  const auto uri = Refusal({{"connection.uri", "http://u:hunter2@h"}});
  EXPECT_THAT(uri, HasSubstr("The connection string is invalid"));
  EXPECT_THAT(uri, Not(HasSubstr("hunter2")));
}

}  // namespace
}  // namespace millrace::connect
