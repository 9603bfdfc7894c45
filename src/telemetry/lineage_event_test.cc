#include "telemetry/lineage_event.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <map>
#include <nlohmann/json.hpp>

#include "base/error.h"
#include "telemetry/lineage.h"

namespace millrace::telemetry {
namespace {

TEST(LineageEvent, NamesWhatLiesSomewhereAsTheSpecificationDoes) {
  const auto named = [](const char* location) {
    const auto dataset = DatasetAt(location);
    return dataset.name_space + " " + dataset.name;
  };
  EXPECT_EQ(named("s3://lake/wh/silver/users"), "s3://lake wh/silver/users");
  EXPECT_EQ(named("gs://lake"), "gs://lake /");
  EXPECT_EQ(named("/data/lake/t"), "file /data/lake/t");
  EXPECT_EQ(named("file:///data/lake/t"), "file /data/lake/t");
  EXPECT_EQ(named("file:/data/lake/t"), "file /data/lake/t");
}

TEST(LineageEvent, IsOneLineWhateverItHolds) {
  LineageEvent event;
  event.job = "model.x";
  event.sql = "SELECT '\n\xFF'";
  event.error = "no\nway";
  const auto text = ToJson(event, "ns", "1");
  EXPECT_EQ(text.find('\n'), std::string::npos);
  const auto read = nlohmann::json::parse(text);
  EXPECT_EQ(read["run"]["facets"]["errorMessage"]["message"], "no\nway");
}

std::optional<LineageOptions> Read(const std::map<std::string, std::string>& variables) {
  return ReadLineageOptions([&](const std::string& name) -> std::optional<std::string> {
    const auto found = variables.find(name);
    return found == variables.end() ? std::nullopt : std::optional(found->second);
  });
}

TEST(LineageOptions, AreThoseOfOpenLineagesClients) {
  EXPECT_FALSE(Read({}));
  EXPECT_FALSE(Read({{"OPENLINEAGE_URL", "http://m:5000"}, {"OPENLINEAGE_DISABLED", "true"}}));
  EXPECT_EQ(Read({{"OPENLINEAGE_URL", "http://m:5000/"}})->http.url, "http://m:5000/api/v1/lineage");
  EXPECT_EQ(Read({{"OPENLINEAGE_URL", "http://m:5000"}, {"OPENLINEAGE_ENDPOINT", "/in"}})->http.url,
            "http://m:5000/in");
  EXPECT_EQ(Read({{"OPENLINEAGE__TRANSPORT__TYPE", "file"}, {"OPENLINEAGE__TRANSPORT__LOG_FILE_PATH", "x"}})->file,
            "x");
  EXPECT_THROW(Read({{"OPENLINEAGE__TRANSPORT__TYPE", "kafka"}}), Error);
  EXPECT_THROW(Read({{"OPENLINEAGE__TRANSPORT__TYPE", "file"}}), Error);
  EXPECT_THROW(Read({{"OPENLINEAGE_URL", "m:5000"}}), Error);
  try {
    Read({{"OPENLINEAGE_URL", "http://m"}, {"OPENLINEAGE_API_KEY", "secret\r\nX: y"}});
    ADD_FAILURE();
  } catch (const Error& error) {
    EXPECT_THAT(error.what(), testing::Not(testing::HasSubstr("secret")));
  }
}

}  // namespace
}  // namespace millrace::telemetry
