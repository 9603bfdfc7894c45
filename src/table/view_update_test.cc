#include "table/view_update.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <nlohmann/json.hpp>

#include "base/error.h"
#include "table/update_json.h"

namespace millrace::table {
namespace {

using nlohmann::json;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::ThrowsMessage;

json Schema(const char* column) {
  return {{"type", "struct"},
          {"schema-id", 0},
          {"fields", {{{"id", 0}, {"name", column}, {"type", "long"}, {"required", false}}}}};
}

json Version(const std::string& sql, const std::vector<std::string>& dialects, int64_t at = 1000) {
  json representations = json::array();
  for (const auto& dialect : dialects) representations.push_back({{"type", "sql"}, {"sql", sql}, {"dialect", dialect}});
  return {{"version-id", 1},
          {"timestamp-ms", at},
          {"schema-id", -1},
          {"summary", {{"engine", "e"}}},
          {"default-catalog", "lake"},
          {"default-namespace", {"a", "b"}},
          {"representations", std::move(representations)}};
}

ViewMetadata Apply(ViewMetadata base, const json& updates) {
  std::vector<ViewUpdate> parsed;
  for (const auto& one : updates) parsed.push_back(ViewUpdateFromJson(one));
  return ApplyToView(std::move(base), parsed, Timestamp(std::chrono::seconds(7)));
}

json Becomes(const json& version, const char* column = "id") {
  return {{{"action", "add-schema"}, {"schema", Schema(column)}},
          {{"action", "add-view-version"}, {"view-version", version}},
          {{"action", "set-current-view-version"}, {"view-version-id", -1}}};
}

ViewMetadata Made() {
  ViewMetadata empty;
  empty.location = "file:///lake/v";
  auto made = Apply(empty, Becomes(Version("SELECT 1", {"spark"})));
  return Apply(made, {{{"action", "assign-uuid"}, {"uuid", "u"}},
                      {{"action", "set-properties"}, {"updates", {{"comment", "told"}}}}});
}

TEST(ViewUpdateTest, MetadataIsReadAsItWasWritten) {
  const auto made = Made();
  EXPECT_EQ(ParseViewMetadata(ToJson(made).dump()), made);
  const auto printed = ToJson(made);
  EXPECT_EQ(printed["format-version"], 1);
  EXPECT_EQ(printed["current-version-id"], 1);
  EXPECT_EQ(printed["versions"][0]["schema-id"], 0);
  EXPECT_EQ(printed["versions"][0]["default-namespace"], json({"a", "b"}));
  EXPECT_EQ(printed["version-log"], json::parse(R"([{"timestamp-ms": 1000, "version-id": 1}])"));
}

TEST(ViewUpdateTest, WhatIsThereIsUsedAgain) {
  auto view = Apply(Made(), Becomes(Version("SELECT 2", {"spark"}, 2000), "other"));
  EXPECT_EQ(view.current_version_id, 2);
  EXPECT_EQ(view.Version(2)->schema_id, 1);
  view = Apply(view, Becomes(Version("SELECT 1", {"spark"}, 3000)));
  EXPECT_EQ(view.current_version_id, 1);
  EXPECT_EQ(view.schemas.size(), 2U);
  EXPECT_EQ(view.versions.size(), 2U);
  EXPECT_THAT(view.version_log, ElementsAre(ViewMetadata::LogEntry{1000, 1}, ViewMetadata::LogEntry{2000, 2},
                                            ViewMetadata::LogEntry{7000, 1}));
}

TEST(ViewUpdateTest, ADialectIsLostOnlyWhereThatIsAllowed) {
  const auto both = Apply(Made(), Becomes(Version("SELECT 2", {"spark", "Trino"})));
  const auto narrower = Becomes(Version("SELECT 3", {"trino"}));
  EXPECT_THAT([&] { Apply(both, narrower); }, ThrowsMessage<Error>(HasSubstr("loss of view dialects")));
  auto allowed = narrower;
  allowed.push_back({{"action", "set-properties"}, {"updates", {{"replace.drop-dialect.allowed", "true"}}}});
  EXPECT_EQ(Apply(both, allowed).current_version_id, 3);
}

TEST(ViewUpdateTest, OldVersionsGo) {
  auto view = Apply(Made(), {{{"action", "set-properties"}, {"updates", {{"version.history.num-entries", "2"}}}}});
  for (int i = 2; i <= 5; ++i) view = Apply(view, Becomes(Version("SELECT " + std::to_string(i), {"spark"}, i * 1000)));
  ASSERT_EQ(view.versions.size(), 2U);
  EXPECT_EQ(view.versions[0].version_id, 4);
  EXPECT_EQ(view.current_version_id, 5);
  EXPECT_THAT(view.version_log, ElementsAre(ViewMetadata::LogEntry{4000, 4}, ViewMetadata::LogEntry{5000, 5}));
}

TEST(ViewUpdateTest, WhatCannotApplyIsRefused) {
  const auto refused = [](const json& updates) {
    try {
      Apply(Made(), updates);
    } catch (const Error& error) {
      EXPECT_EQ(error.code(), ErrorCode::kData);
      return std::string(error.what());
    }
    return std::string();
  };
  auto unknown_schema = Version("SELECT 2", {"spark"});
  unknown_schema["schema-id"] = 9;
  EXPECT_THAT(refused({{{"action", "add-view-version"}, {"view-version", unknown_schema}}}),
              HasSubstr("unknown schema: 9"));
  EXPECT_THAT(refused({{{"action", "add-view-version"}, {"view-version", Version("SELECT 2", {"spark"})}}}),
              HasSubstr("no schema has been added"));
  EXPECT_THAT(refused(Becomes(Version("SELECT 2", {"spark", "SPARK"}))),
              HasSubstr("multiple queries for dialect SPARK"));
  EXPECT_THAT(refused({{{"action", "set-current-view-version"}, {"view-version-id", 4}}}),
              HasSubstr("unknown version: 4"));
  EXPECT_THAT(refused({{{"action", "set-current-view-version"}, {"view-version-id", -1}}}),
              HasSubstr("no current version"));
  EXPECT_THAT(refused({{{"action", "assign-uuid"}, {"uuid", "other"}}}), HasSubstr("Cannot reassign uuid"));
  EXPECT_THAT(refused({{{"action", "upgrade-format-version"}, {"format-version", 2}}}), HasSubstr("format version 2"));
  EXPECT_THAT(refused({{{"action", "set-default-spec"}, {"spec-id", 0}}}), HasSubstr("none of views"));
  auto graph = Version("SELECT 2", {"spark"});
  graph["representations"][0]["type"] = "graph";
  EXPECT_THAT(refused(Becomes(graph)), HasSubstr("'graph' is not known"));
  EXPECT_THROW(ParseViewMetadata(R"({"format-version": 2})"), Error);
  auto lost = ToJson(Made());
  lost["current-version-id"] = 5;
  EXPECT_THAT([&] { ParseViewMetadata(lost.dump()); }, ThrowsMessage<Error>(HasSubstr("current-version-id 5")));
}

}  // namespace
}  // namespace millrace::table
