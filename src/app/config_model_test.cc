#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <filesystem>
#include <fstream>

#include "api/observe_routes.h"
#include "api/registry_routes.h"
#include "app/load_config.h"
#include "base/error.h"

namespace millrace::app {
namespace {

using ::testing::HasSubstr;

class ConfigModelTest : public testing::Test {
 protected:
  ConfigModelTest() {
    std::string name = testing::TempDir() + "config_model_test_XXXXXX";
    folder_ = mkdtemp(name.data());
  }
  ~ConfigModelTest() override { std::filesystem::remove_all(folder_); }

  PipelineConfig Load(const std::string& yaml) const {
    const auto file = (folder_ / "p.yaml").string();
    std::ofstream(file) << yaml;
    return LoadConfig({file});
  }

  /// What is wrong, the folder's name taken out.
  std::string Mistakes(const std::string& yaml) const {
    try {
      Load(yaml);
    } catch (const Error& error) {
      EXPECT_EQ(error.code(), ErrorCode::kConfig);
      std::string text = error.what();
      const auto prefix = folder_.string() + "/";
      for (size_t at = 0; (at = text.find(prefix, at)) != std::string::npos;) text.erase(at, prefix.size());
      return text;
    }
    return "no mistake was found";
  }

  std::filesystem::path folder_;
};

TEST_F(ConfigModelTest, ReadsAPipeline) {
  const auto pipeline = Load(R"(
name: shop
memory: 256MiB
sources:
  users: { generator: { kind: users, rows: 10, duplicates: 1% }, topic: created }
  clicks: { file: { path: [in/*.jsonl, more.jsonl], follow: true } }
topics:
  created: { partitions: 4, retention: 7d, retention_size: 1GiB }
tables:
  bronze.users: { from: created, files: { compression: zstd } }
  silver.users: { from: created, key: [id], contract: { types: discard_row }, iceberg: { partition_by: day(registered_date) } }
  silver.clicks: { from: clicks, metadata: true }
)");
  EXPECT_EQ(pipeline.data_dir.value, (folder_ / "millrace-data").string());
  EXPECT_EQ(pipeline.warehouse(), (folder_ / "millrace-data/lake").string());
  EXPECT_EQ(pipeline.sources.at("clicks").file->path[0].value, (folder_ / "in/*.jsonl").string());
  EXPECT_EQ(pipeline.tables.at("silver.users").iceberg->partition_by, std::vector<std::string>{"day(registered_date)"});
  EXPECT_EQ(pipeline.tables.at("silver.users").contract.types, ContractWord::kDiscardRow);
  EXPECT_EQ(pipeline.tables.at("silver.users").freshness, config::Duration(10'000));
  EXPECT_EQ(pipeline.topics.at("created").partitions, 4);
}

TEST_F(ConfigModelTest, EveryKindOfMistakeIsToldAtOnce) {
  EXPECT_EQ(Mistakes(R"(name: shop
memory: 1MiB
topics: { t: { schema: {} } }
lake: { warehouse: "hdfs://lake/wh", catalog: { rest: { uri: x } } }
sources:
  users: { http_poll: { url: "ftp://x", rows: "$..a", for: 5s } }
  both: { file: { path: a.csv }, generator: { kind: users }, topic: t }
  cards: { file: { path: a.jsonl, format: jsonl, csv: { quote: "ab" } }, drop: [cvv], topic: cards }
tables:
  users: { from: t }
  quarantine.x: { from: t }
  bronze.a: { from: card, files: { compression: auto }, key: [id] }
  silver.b: { from: cards, files: {}, iceberg: {} }
  silver.c: { from: cards, columns: { a: lnog } }
  silver.d: { from: both, metadata: all }
  silver.e: { key: [id] }
  bronze.f: { from: cards, files: { path: ../x } }
)"),
            R"(20 mistakes in the configuration:
  p.yaml:2: memory: expected at least 64MiB, found '1MiB'
  p.yaml:3: topics.t: 'schema' (schemas of topics) is not supported by this version of millrace
  p.yaml:4: lake.catalog.rest.uri: 'x' is no http:// or https:// address
  p.yaml:4: lake.warehouse: 'hdfs://' is not supported by this version of millrace; give a local folder, s3://bucket/prefix or gs://bucket/prefix
  p.yaml:6: sources.users.http_poll.url: 'ftp://x' is no http:// or https:// address
  p.yaml:6: sources.users.http_poll.url: 'ftp://x' is no address that can be asked; user names and passwords go to `auth`
  p.yaml:6: sources.users.http_poll.for: needs `every`; without it there is one round
  p.yaml:6: sources.users.http_poll.rows: '$..a' is no JSON path that is understood here: write $.name.name, $['any name'], [0] for one element, and [*] at the end for all
  p.yaml:7: sources.both: needs exactly one kind of source: file, generator, http_poll, http_ingest or mongodb
  p.yaml:8: sources.cards.file.csv.quote: expected one character, found 'ab'
  p.yaml:12: tables.bronze.a.files.compression: expected one of none, gzip, zstd, snappy, found 'auto'
  p.yaml:13: tables.silver.b: is either `files` or `iceberg`, not both
  p.yaml:14: tables.silver.c.columns.a: the type 'lnog' cannot be read: 'lnog' is no type; allowed are boolean, int, long, float, double, decimal(p, s), date, time, timestamp, timestamptz, string, uuid, binary, fixed[n], list<type>, map<type, type>, struct<name: type, ...>
  p.yaml:15: tables.silver.d.metadata: expected true or false, found 'all'
  p.yaml:16: tables.silver.e: 'from' is missing: The topic, or the source without a topic, it is made from. Of a Kafka stream also a pattern of topic names that begins with ^.
  p.yaml:17: tables.bronze.f.files.path: must stay below the table's folder
  p.yaml:12: tables.bronze.a.from: there is no topic or source 'card'; did you mean 'cards'?
  p.yaml:11: tables.quarantine.x: the layer 'quarantine' is where millrace keeps rejected records; choose another
  p.yaml:15: tables.silver.d.from: the source 'both' goes to a topic; take from that: `from: t`
  p.yaml:10: tables.users: 'users' is no table name; write namespace.name, as in silver.users)");
}

TEST_F(ConfigModelTest, WhatTheServerAnswersItselfTakesNoEvents) {
  struct : api::Observation {
    std::string MetricsText() override { return {}; }
    std::optional<std::string> Stuck() override { return {}; }
    std::vector<std::string> NotReady() override { return {}; }
    std::string StatusJson() override { return {}; }
  } nothing;
  schema::RegistryStore store(folder_ / "registry.db");
  io::HttpRoutes own;
  api::AddObserveRoutes(own, nothing);
  api::AddRegistryRoutes(own, store);
  for (const auto& route : own.all()) {
    EXPECT_THAT(Mistakes("server: {}\nsources: { a: { http_ingest: { routes: { '" + route.pattern + "': t } } } }\n"),
                HasSubstr("is a path of the server's own"))
        << route.pattern;
  }
}

TEST_F(ConfigModelTest, NoTwoRoutesTakeTheSameRequests) {
  EXPECT_EQ(Mistakes(R"(server: {}
sources:
  a: { http_ingest: { routes: { "/x/{one}": t, "/x/{two}": t, "/x/y": t } } }
  b: { http_ingest: { routes: { "/x/{other}": t, "/x/y/z": t } } }
)"),
            R"(2 mistakes in the configuration:
  p.yaml:3: sources.a.http_ingest.routes: '/x/{two}' takes what '/x/{one}' of sources.a takes
  p.yaml:4: sources.b.http_ingest.routes: '/x/{other}' takes what '/x/{one}' of sources.a takes)");
}

TEST_F(ConfigModelTest, ARestCatalogueNeedsAnAddressThatKeepsItsSecrets) {
  EXPECT_EQ(Mistakes(R"(lake:
  catalog:
    rest:
      uri: http://catalog.example.com
      oauth2: { client_id: a, client_secret: { secret: "env:HOME" }, server_uri: "ftp://x" }
      sigv4: {}
)"),
            R"(3 mistakes in the configuration:
  p.yaml:4: lake.catalog.rest.uri: secrets go over https:// only; give the https address
  p.yaml:5: lake.catalog.rest.oauth2.server_uri: 'ftp://x' is no http:// or https:// address
  p.yaml:4: lake.catalog.rest: give one of token, oauth2, sigv4)");
  EXPECT_EQ(Mistakes(R"(lake:
  catalog: { rest: { uri: "http://127.0.0.1:8181", token: { secret: "env:HOME" } } }
)"),
            "no mistake was found");
}

TEST_F(ConfigModelTest, TheExamplesAreGood) {
  for (const auto* example : {"github", "generator"}) {
    EXPECT_NO_THROW(LoadConfig({std::string(MILLRACE_SOURCE_DIR) + "/examples/" + example + "/millrace.yaml"}))
        << example;
  }
}

TEST_F(ConfigModelTest, AStreamInKafka) {
  const auto pipeline = Load(R"(
stream:
  kafka: { brokers: "a:9092,b:9092", tls: {}, sasl: { mechanism: SCRAM-SHA-512, username: u, password: { secret: "env:HOME" } } }
tables:
  silver.a: { from: orders, start: latest, on_gap: land }
  silver.b: { from: "^clicks-.*", start: 2026-01-31T00:00:00Z }
  silver.c: { from: orders, start: { 0: 1500, 1: 7 } }
)");
  EXPECT_EQ(pipeline.stream.kafka->brokers, "a:9092,b:9092");
  EXPECT_EQ(StartText(pipeline.tables.at("silver.a").start.start), "latest");
  EXPECT_EQ(pipeline.tables.at("silver.a").on_gap, GapWord::kLand);
  EXPECT_EQ(StartText(pipeline.tables.at("silver.b").start.start), "2026-01-31T00:00:00Z");
  EXPECT_EQ(StartText(pipeline.tables.at("silver.c").start.start), "0=1500,1=7");
}

TEST_F(ConfigModelTest, AStreamInKinesis) {
  const auto pipeline = Load(R"(
stream:
  kinesis: { region: eu-central-1, prefix: prod-, access_key: { secret: "env:HOME" }, secret_key: { secret: "env:HOME" }, poll: 500ms }
tables:
  silver.t: { from: clicks, start: latest }
)");
  EXPECT_EQ(pipeline.stream.kinesis->prefix, "prod-");
  EXPECT_EQ(pipeline.stream.kinesis->poll, config::Duration(500));
  EXPECT_TRUE(pipeline.stream.is_remote());
  const auto mistakes = Mistakes(R"(
stream: { kinesis: { access_key: { secret: "env:HOME" }, endpoint: "here" } }
tables:
  silver.a: { from: "^clicks" }
  silver.b: { from: clicks, start: { 0: 5 } }
)");
  for (const auto* mistake : {"access_key and secret_key go together", "endpoint: expected http://host:port",
                              "silver.a.from: ", "Kinesis has no offsets to start at"}) {
    EXPECT_THAT(mistakes, testing::HasSubstr(mistake));
  }
  EXPECT_THAT(Mistakes("stream: { kafka: { brokers: 'b:9092' }, kinesis: {} }\n"),
              testing::HasSubstr("stream: takes one of kafka and kinesis"));
}

TEST_F(ConfigModelTest, MistakesAboutKafka) {
  const auto mistakes = Mistakes(R"(
stream:
  kafka:
    brokers: "broker-1:9092"
    sasl: { mechanism: PLAIN, username: u, password: { secret: "env:HOME" } }
    properties: { plugin.library.paths: /tmp/x.so, linger.ms: 5 }
sources: { in: { file: { path: a.jsonl } } }
tables:
  silver.a: { from: "^(", start: latest }
  silver.b: { from: in, start: latest }
  silver.c: { from: orders, start: soon }
)");
  for (const auto* told :
       {"5 mistakes", "p.yaml:6: stream.kafka.properties: 'plugin.library.paths' is no client property that may be set",
        "p.yaml:5: stream.kafka.sasl: passwords and tokens go over TLS only",
        "p.yaml:11: tables.silver.c.start: expected earliest, latest, a time",
        "p.yaml:9: tables.silver.a.from: '^(' is no pattern of topic names",
        "p.yaml:10: tables.silver.b.start: is for tables from a topic"}) {
    EXPECT_NE(mistakes.find(told), std::string::npos) << told << "\n" << mistakes;
  }
}

}  // namespace
}  // namespace millrace::app
