#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "base/error.h"
#include "connect/connector_text.h"
#include "connect/http_source.h"
#include "connect/plugin.h"

namespace millrace::connect {
namespace {

using testing::HasSubstr;

std::string Yaml(const std::string& connector_class, const Properties& given) {
  try {
    return FindPlugin(connector_class)->Translate("in", given).yaml;
  } catch (const Error& error) {
    return error.what();
  }
}

TEST(FileSource, Lines) {
  EXPECT_EQ(
      Yaml("FileStreamSource", {{"file", "in.txt"}, {"topic", "lines"}, {"topic.creation.default.partitions", "3"}}),
      R"(sources:
  in:
    file:
      path: in.txt
      format: jsonl
      follow: true
    topic: lines
topics:
  lines: { partitions: 3 }
)");
  EXPECT_THAT(Yaml("FileStreamSource", {{"topic", "lines"}}), HasSubstr("standard input is not read"));
  EXPECT_THAT(Yaml("FileStreamSource", {{"file", "a"}, {"topic", "a b"}}), HasSubstr("'a b' is no topic name"));
}

TEST(Datagen, Kinds) {
  EXPECT_THAT(
      Yaml("Datagen",
           {{"kafka.topic", "t"}, {"quickstart", "clickstream"}, {"max.interval", "100"}, {"iterations", "-1"}}),
      HasSubstr("    generator:\n      kind: clicks\n      rate: 20\n    topic: t\n"));
  EXPECT_THAT(Yaml("Datagen", {{"kafka.topic", "t"}, {"quickstart", "pizza_orders"}}),
              HasSubstr("'pizza_orders' is not supported by Millrace"));
}

TEST(HttpSource, Rows) {
  const Properties given{
      {"kafka.topic", "issues"},
      {"http.request.url", "https://api.example/search?a=1"},
      {"http.request.params", "limit=10 & order=asc"},
      {"http.request.headers", "Accept: application/json"},
      {"http.response.list.pointer", "/data/items"},
      {"http.auth.type", "Basic"},
      {"http.auth.user", "me"},
      {"http.auth.password", "hunter2"},
      {"http.timer.interval.millis", "5000"},
      {"http.response.record.mapper", "com.github.castorm.kafka.connect.http.record.StringKvSourceRecordMapper"}};
  EXPECT_EQ(Yaml("com.github.castorm.kafka.connect.http.HttpSourceConnector", given), R"(sources:
  in:
    http_poll:
      url: "https://api.example/search?a=1&limit=10&order=asc"
      method: GET
      headers: { Accept: "application/json" }
      auth:
        basic:
          username: me
          password: { secret: "env:CONNECT_IN_HTTP_AUTH_PASSWORD" }
      rows: "$.data.items"
      every: "5000ms"
      timeout: "4000ms"
    topic: issues
)");
  EXPECT_EQ(JsonPathOf("/"), "$");
  EXPECT_EQ(JsonPathOf("/a~1b/0/c d"), "$['a/b'][0]['c d']");
  auto templated = given;
  templated["http.request.params"] = "after=${offset.timestamp?datetime.iso}";
  EXPECT_THAT(Yaml("HttpSource", templated), HasSubstr("templates of offsets are not supported"));
}

TEST(ConnectorText, JsonAndProperties) {
  const auto json = ParseConnector(R"({"name": "a", "config": {"tasks.max": 2, "x": true, "y": "z"}})", "a.json");
  EXPECT_EQ(json.name, "a");
  EXPECT_EQ(json.config, (Properties{{"tasks.max", "2"}, {"x", "true"}, {"y", "z"}}));
  const auto lines = ParseConnector("# c\nname = b\ntopics: a,\\\n  b\n\nsep=\\\\n\nempty=\n", "b.properties");
  EXPECT_EQ(lines.name, "b");
  EXPECT_EQ(lines.config, (Properties{{"name", "b"}, {"topics", "a,b"}, {"sep", "\\n"}, {"empty", ""}}));
  EXPECT_THROW(ParseConnector("{\"a\": [1]}", "c"), Error);
  EXPECT_THROW(ParseConnector("justaword\n", "d"), Error);
}

}  // namespace
}  // namespace millrace::connect
