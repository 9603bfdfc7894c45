#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "base/error.h"
#include "connect/path_format.h"
#include "connect/plugin.h"
#include "connect/topics.h"

namespace millrace::connect {
namespace {

using testing::HasSubstr;

Properties With(Properties more) {
  more.emplace("topics", "orders");
  more.emplace("s3.bucket.name", "lake");
  more.emplace("flush.size", "1000");
  more.emplace("storage.class", "io.confluent.connect.s3.storage.S3Storage");
  more.emplace("format.class", "io.confluent.connect.s3.format.json.JsonFormat");
  return more;
}

std::string Yaml(Properties more) {
  try {
    return FindPlugin("io.confluent.connect.s3.S3SinkConnector")->Translate("archive", With(std::move(more))).yaml;
  } catch (const Error& error) {
    EXPECT_EQ(error.code(), ErrorCode::kConfig);
    return error.what();
  }
}

Properties Timed(Properties more) {
  more.emplace("partitioner.class", "io.confluent.connect.storage.partitioner.TimeBasedPartitioner");
  more.emplace("path.format", "'year'=YYYY/'month'=MM/'day'=dd/'hour'=HH");
  more.emplace("partition.duration.ms", "3600000");
  more.emplace("timezone", "UTC");
  return more;
}

TEST(S3Sink, DefaultPartitioner) {
  EXPECT_EQ(Yaml({{"s3.region", "eu-west-1"},
                  {"store.url", "http://127.0.0.1:9000"},
                  {"aws.access.key.id", "id"},
                  {"aws.secret.access.key", "${env:S3_SECRET}"},
                  {"s3.part.size", "5242880"},
                  {"schema.compatibility", "NONE"},
                  {"rotate.interval.ms", "60000"}}),
            R"yaml(tables:
  archive.orders:
    from: orders
    files:
      location: "s3://lake/topics"
      s3:
        endpoint: "http://127.0.0.1:9000"
        region: "eu-west-1"
        access_key: { secret: "env:CONNECT_ARCHIVE_AWS_ACCESS_KEY_ID" }
        secret_key: { secret: "env:S3_SECRET" }
        path_style: true
      record: json
      compression: none
      extension: ".json"
      path: "{topic}/partition={partition}"
      name: "{topic}+{partition}+{offset:10}"
      file_rows: 1000
      file_span: "60000ms"
      buffer_time: "60000ms"
)yaml");
}

TEST(S3Sink, Partitioners) {
  EXPECT_THAT(Yaml(Timed({})), HasSubstr(R"(path: "{topic}/{ingested:year=%Y/month=%m/day=%d/hour=%H}")"));
  EXPECT_THAT(Yaml(Timed({{"timestamp.extractor", "Record"}, {"timezone", "Europe/Berlin"}})),
              HasSubstr("{event:year=%Y/month=%m/day=%d/hour=%H}\"\n      time_zone: \"Europe/Berlin\""));
  EXPECT_THAT(
      Yaml(
          Timed({{"timestamp.extractor", "RecordField"}, {"timestamp.field", "at"}, {"path.format", "YYYY/MM/dd/HH"}})),
      HasSubstr("{topic}/{field_time:at:%Y/%m/%d/%H}"));
  EXPECT_THAT(Yaml({{"partitioner.class", "io.confluent.connect.storage.partitioner.DailyPartitioner"},
                    {"timezone", "UTC"},
                    {"locale", "en-US"}}),
              HasSubstr("{ingested:year=%Y/month=%m/day=%d}"));
  EXPECT_THAT(Yaml({{"partitioner.class", "io.confluent.connect.storage.partitioner.FieldPartitioner"},
                    {"partition.field.name", "country,shop.id"}}),
              HasSubstr("{topic}/country={field:country}/shop.id={field:shop.id}"));
}

TEST(S3Sink, FormsOfRecords) {
  EXPECT_THAT(Yaml({{"format.class", "io.confluent.connect.s3.format.bytearray.ByteArrayFormat"},
                    {"value.converter", "org.apache.kafka.connect.converters.ByteArrayConverter"},
                    {"format.bytearray.extension", ".txt"},
                    {"format.bytearray.separator", "\\r\\n"},
                    {"s3.compression.type", "gzip"},
                    {"s3.compression.level", "9"}}),
              HasSubstr("record: bytes\n      separator: \"\\r\\n\"\n      compression: gzip\n      level: 9\n"
                        "      extension: \".txt.gz\"\n"));
  EXPECT_THAT(Yaml({{"value.converter", "org.apache.kafka.connect.storage.StringConverter"}}),
              HasSubstr("record: text\n"));
  EXPECT_THAT(Yaml({{"value.converter", "org.apache.kafka.connect.json.JsonConverter"},
                    {"value.converter.schemas.enable", "true"}}),
              HasSubstr("record: payload\n"));
  EXPECT_THAT(Yaml({{"value.converter", "io.confluent.connect.json.JsonSchemaConverter"},
                    {"value.converter.schema.registry.url", "http://127.0.0.1:8081"}}),
              HasSubstr("format: json_schema\n"));
}

constexpr const char* kParquet = "io.confluent.connect.s3.format.parquet.ParquetFormat";
constexpr const char* kAvro = "io.confluent.connect.s3.format.avro.AvroFormat";

TEST(S3Sink, FilesOfColumns) {
  const Properties registry{{"value.converter", "io.confluent.connect.avro.AvroConverter"},
                            {"value.converter.schema.registry.url", "http://127.0.0.1:8081"}};
  auto parquet = registry;
  parquet.emplace("format.class", kParquet);
  const auto yaml = Yaml(parquet);
  EXPECT_THAT(yaml, HasSubstr("schema_registry: { url: \"http://127.0.0.1:8081\" }\n"));
  EXPECT_THAT(yaml, HasSubstr("    format: avro\n"));
  EXPECT_THAT(yaml, HasSubstr("      encoding: parquet\n      record: json\n      compression: snappy\n"
                              "      extension: \".snappy.parquet\"\n"));
  parquet.emplace("parquet.codec", "none");
  EXPECT_THAT(Yaml(parquet), HasSubstr("compression: none\n      extension: \".parquet\"\n"));
  auto avro = registry;
  avro.emplace("format.class", kAvro);
  EXPECT_THAT(Yaml(avro), HasSubstr("encoding: avro\n      record: json\n      compression: none\n"
                                    "      extension: \".avro\"\n"));
  avro.emplace("avro.codec", "deflate");
  EXPECT_THAT(Yaml(avro), HasSubstr("compression: gzip\n      extension: \".avro\"\n"));
  EXPECT_THAT(Yaml({{"format.class", kParquet},
                    {"partitioner.class", "io.confluent.connect.storage.partitioner.FieldPartitioner"},
                    {"partition.field.name", "country"}}),
              HasSubstr("{topic}/country={field:country}"));
}

TEST(S3Sink, WhatFilesOfColumnsDoNotHaveIsSaid) {
  EXPECT_THAT(Yaml({{"format.class", kParquet}, {"parquet.codec", "brotli"}}), HasSubstr("brotli is not supported"));
  EXPECT_THAT(Yaml({{"format.class", kAvro}, {"avro.codec", "bzip2"}}), HasSubstr("bzip2 is not supported"));
  EXPECT_THAT(
      Yaml({{"format.class", kParquet}, {"value.converter", "org.apache.kafka.connect.storage.StringConverter"}}),
      HasSubstr("StringConverter has no columns"));
  EXPECT_THAT(Yaml({{"format.class", kAvro},
                    {"value.converter", "org.apache.kafka.connect.json.JsonConverter"},
                    {"value.converter.schemas.enable", "true"}}),
              HasSubstr("does not make the types that stand beside a document into columns of AvroFormat"));
  EXPECT_THAT(Yaml({{"format.class", kAvro}, {"enhanced.avro.schema.support", "true"}}),
              HasSubstr("enums become text"));
  EXPECT_THAT(Yaml({{"format.class", kAvro}, {"schema.compatibility", "FORWARD_TRANSITIVE"}}),
              HasSubstr("FORWARD_TRANSITIVE is not supported"));
  EXPECT_THAT(Yaml({{"value.converter", "io.confluent.connect.avro.AvroConverter"},
                    {"value.converter.schema.registry.url", "http://127.0.0.1:8081"}}),
              HasSubstr("not supported by Millrace for files of JsonFormat"));
  auto pattern = With({{"topics.regex", "a.*"}, {"format.class", kParquet}});
  pattern.erase("topics");
  try {
    FindPlugin("S3SinkConnector")->Translate("archive", pattern);
    FAIL();
  } catch (const Error& error) {
    EXPECT_THAT(error.what(), HasSubstr("list the topics"));
  }
}

TEST(S3Sink, SeveralTopics) {
  const auto both = Yaml({{"topics", "a.b, c"}});
  EXPECT_THAT(both, HasSubstr("  archive.a_b:\n    from: a.b\n"));
  EXPECT_THAT(both, HasSubstr("  archive.c:\n    from: c\n"));
  auto pattern = With({{"topics.regex", "mysql-\\d+\\.(?:a|b).*"}});
  pattern.erase("topics");
  const auto made = FindPlugin("S3SinkConnector")->Translate("archive", pattern);
  EXPECT_THAT(made.yaml, HasSubstr(R"(from: "^(mysql-[0-9]+\\.(a|b).*)$")"));
  EXPECT_EQ(made.topics_regex, "mysql-\\d+\\.(?:a|b).*");
}

TEST(S3Sink, WhatIsNotHonouredIsSaid) {
  EXPECT_THAT(Yaml({{"partitioner.class", "com.example.Mine"}}),
              HasSubstr("Class com.example.Mine could not be found."));
  EXPECT_THAT(Yaml({{"store.kafka.keys", "true"}}), HasSubstr("store.kafka.keys=true is not supported by Millrace"));
  EXPECT_THAT(Yaml({{"s3.part.size", "1000"}}), HasSubstr("Part size must be at least: 5242880 bytes (5MB)"));
  EXPECT_THAT(Yaml({{"rotate.schedule.interval.ms", "60000"}}), HasSubstr("timezone configuration must be set"));
  EXPECT_THAT(Yaml(Timed({{"path.format", "'week'=ww"}})), HasSubstr("'ww' in ''week'=ww' is not supported"));
  EXPECT_THAT(Yaml(Timed({{"partition.duration.ms", "86400000"}})), HasSubstr("86400000 ms is not supported"));
  EXPECT_THAT(Yaml({{"table.name.format", "${topic}"}}),
              HasSubstr("S3SinkConnector has no property 'table.name.format'"));
  EXPECT_THAT(Yaml({{"s3.sse.customer.key", "hunter2"}}), Not(HasSubstr("hunter2")));
  EXPECT_THAT(Yaml({{"s3.compression.type", "snappy"}}), HasSubstr("String must be one of: none, gzip"));
}

TEST(PathFormat, OfJoda) {
  std::string why;
  EXPECT_EQ(TimeFormatOf("'y'=yyyy/'it''s'/mm", why), "y=%Y/its/%M");
  EXPECT_EQ(why, "");
  EXPECT_EQ(TimeFormatOf("EEE", why), "");
  EXPECT_THAT(why, HasSubstr("'EEE'"));
  EXPECT_EQ(ShortestUnit("%Y/%m/%d"), 86'400'000);
}

TEST(TopicPatterns, OfJava) {
  std::string why;
  EXPECT_EQ(PosixPattern("a.*", why), "^(a.*)$");
  EXPECT_EQ(PosixPattern("[\\w-]+", why), "^([A-Za-z0-9_-]+)$");
  EXPECT_EQ(why, "");
  EXPECT_EQ(PosixPattern("a(?!b)", why), "");
  EXPECT_THAT(why, HasSubstr("'(?!' is not supported"));
  EXPECT_EQ(PosixPattern("a*?", why), "");
}

}  // namespace
}  // namespace millrace::connect
