#include "refine/model.h"

#include <fmt/format.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <filesystem>

#include "base/error.h"
#include "judge/python.h"

namespace millrace::refine {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;

std::string ErrorOf(const std::string& text) {
  try {
    ParseModel({"gold", "t"}, "models/gold/t.sql", text);
  } catch (const Error& error) {
    EXPECT_EQ(error.code(), ErrorCode::kConfig);
    return error.what();
  }
  return "no error";
}

TEST(Model, ReadsAHeaderInLineComments) {
  const auto model =
      ParseModel({"gold", "t"}, "t.sql",
                 "\n-- ---\n-- materialized: incremental\n-- over: silver.events\n-- key: [id, day]\n-- newest_by: "
                 "at\n-- partition_by: "
                 "[type, day(at)]\n-- sort_by: id desc\n-- schedule: manual\n-- engine: duckdb\n-- description: what "
                 "it is\n-- tags: "
                 "[a, b]\n-- expect:\n--   - length(type) > 0: drop\n--   - \"at < now()\": fail\n-- ---\nSELECT 1\n");
  EXPECT_EQ(model.materialized, Materialized::kIncremental);
  EXPECT_EQ(ToString(model.over.value()), "silver.events");
  EXPECT_THAT(model.key, ElementsAre("id", "day"));
  EXPECT_THAT(model.newest_by, ElementsAre("at"));
  EXPECT_THAT(model.partition_by, ElementsAre("type", "day(at)"));
  EXPECT_THAT(model.sort_by, ElementsAre("id desc"));
  EXPECT_EQ(model.schedule, Schedule::kManual);
  ASSERT_EQ(model.expectations.size(), 2U);
  EXPECT_EQ(model.expectations[0].condition, "length(type) > 0");
  EXPECT_EQ(model.expectations[0].action, Expectation::Action::kDrop);
  EXPECT_EQ(model.expectations[1].action, Expectation::Action::kFail);
  EXPECT_THAT(model.sql, HasSubstr("SELECT 1"));
}

TEST(Model, ReadsAHeaderInABlockComment) {
  const auto model = ParseModel({"gold", "t"}, "t.sql", "/* ---\nmaterialized: view\n--- */\nSELECT 1");
  EXPECT_EQ(model.materialized, Materialized::kView);
}

TEST(Model, ReadsTimes) {
  const auto model = ParseModel({"gold", "t"}, "t.sql",
                                "-- ---\n-- time_zone: Europe/Berlin\n-- schedule: 30 6 * * 1-5\n-- catch_up: skip\n-- "
                                "retries: 5\n-- timeout: 10m\n-- ---\nSELECT 1");
  EXPECT_EQ(model.schedule, Schedule::kAtTimes);
  ASSERT_TRUE(model.times);
  EXPECT_EQ(model.times->expression(), "30 6 * * 1-5");
  EXPECT_EQ(model.times->zone(), "Europe/Berlin");
  EXPECT_FALSE(model.catch_up);
  EXPECT_EQ(model.retries, 5);
  EXPECT_EQ(model.timeout, std::chrono::minutes(10));
}

TEST(Model, IsATableWithoutAHeader) {
  for (const auto* text :
       {"SELECT 1", "-- a remark: with a colon\nSELECT 1", "/* a remark */ SELECT 1", "-- ---\n-- ---\nSELECT 1", ""}) {
    EXPECT_EQ(ParseModel({"gold", "t"}, "t.sql", text).materialized, Materialized::kTable) << text;
  }
}

TEST(Model, ErrorsNameFileLineAndMend) {
  EXPECT_EQ(ErrorOf("-- ---\n-- key: id\n-- materialised: table\n-- ---\n"),
            "models/gold/t.sql:3: unknown key 'materialised'; did you mean 'materialized'?");
  EXPECT_EQ(ErrorOf("-- ---\n-- materialized: tabel\n-- ---\n"),
            "models/gold/t.sql:2: 'tabel' is none of table, incremental, view; did you mean 'table'?");
  EXPECT_EQ(ErrorOf("/* ---\nkey:\n  a: 1\n--- */"), "models/gold/t.sql:3: a list is expected here: [a, b]");
  EXPECT_THAT(ErrorOf("-- ---\n-- key: [a\n-- ---\n"), HasSubstr("models/gold/t.sql:"));
  EXPECT_THAT(ErrorOf("-- ---\n-- key: a\nSELECT 1"), HasSubstr("models/gold/t.sql:3: the header is not closed"));
  EXPECT_THAT(ErrorOf("/* ---\nkey: a\nSELECT 1"), HasSubstr("the header is not closed"));
  EXPECT_THAT(ErrorOf("-- ---\n-- materialized: incremental\n-- ---\n"), HasSubstr("needs `over:`"));
  EXPECT_THAT(ErrorOf("-- ---\n-- over: silver.x\n-- ---\n"), HasSubstr("`over` belongs to incremental models"));
  EXPECT_THAT(ErrorOf("-- ---\n-- over: x\n-- ---\n"), HasSubstr("models/gold/t.sql:2: "));
  EXPECT_THAT(ErrorOf("-- ---\n-- schedule: \"0 25 * * *\"\n-- ---\n"),
              HasSubstr("models/gold/t.sql:2: schedule: '25' is no hour"));
  EXPECT_THAT(ErrorOf("-- ---\n-- schedule: \"@dayly\"\n-- ---\n"), HasSubstr("did you mean '@daily'?"));
  EXPECT_THAT(ErrorOf("-- ---\n-- schedule: on_comit\n-- ---\n"), HasSubstr("did you mean 'on_commit'?"));
  EXPECT_THAT(ErrorOf("-- ---\n-- schedule: \"@daily\"\n-- time_zone: Berlin\n-- ---\n"),
              HasSubstr("models/gold/t.sql:3: schedule: there is no time zone 'Berlin'"));
  EXPECT_THAT(ErrorOf("-- ---\n-- time_zone: UTC\n-- ---\n"), HasSubstr("models/gold/t.sql:2: this belongs to"));
  EXPECT_THAT(ErrorOf("-- ---\n-- retries: 1\n-- ---\n"), HasSubstr("this belongs to a schedule of times"));
  EXPECT_THAT(ErrorOf("-- ---\n-- timeout: 10\n-- ---\n"), HasSubstr("write it as 10m or 2h"));
  EXPECT_THAT(ErrorOf("-- ---\n-- expect: [a > 0: quarentine]\n-- ---\n"), HasSubstr("did you mean 'quarantine'?"));
  EXPECT_THAT(ErrorOf("-- ---\n-- expect: [a > 0]\n-- ---\n"), HasSubstr("condition: warn | drop | quarantine | fail"));
  const std::pair<const char*, const char*> of_tables[] = {
      {"{unique: id, then: drop}", "t.sql:3: `then` is warn or fail"},
      {"{freshness: {column: ts, within: soon}}", "t.sql:3: 'soon' is no duration"},
      {"{freshness: {within: 2h}}", "t.sql:3: `column` says which"},
      {"{rows: {min: 5, max: 4}}", "t.sql:3: min is more than max"},
      {"{rows: {change: 50}}", "t.sql:3: '50' is no percentage; write it as 20%"},
      {"{drift: {column: a, meen: 5%}}",
       "t.sql:3: 'meen' is none of column, mean, nulls, distinct; did you mean 'mean'?"},
      {"{freshness: {column: a, within: 2h, column: b}}", "t.sql:3: 'column' is there twice"},
      {"{uniqe: [id]}", "t.sql:3: 'uniqe' is none of unique, freshness, rows, volume, drift; did you mean 'unique'?"},
      {"{unique: id, rows: {min: 1}}", "begin each with a dash"},
      {"{then: fail}", "t.sql:3: `then` belongs to one of"}};
  for (const auto& [item, error] : of_tables)
    EXPECT_THAT(ErrorOf(fmt::format("-- ---\n-- expect:\n--   - {}\n-- ---\n", item)), HasSubstr(error));
  EXPECT_THAT(ErrorOf("-- ---\n-- newest_by: a\n-- ---\n"), HasSubstr("there is none"));
  EXPECT_THAT(ErrorOf("-- ---\n-- materialized: view\n-- key: a\n-- ---\n"), HasSubstr("a view is not stored"));
}

TEST(Models, AreNamedByTheirFolders) {
  const judge::Folder folder;
  std::filesystem::create_directories(folder.path() / "gold/daily");
  judge::Spill(folder.File("gold/b.sql"), "SELECT 1");
  judge::Spill(folder.File("gold/daily/a.sql"), "SELECT 1");
  judge::Spill(folder.File("gold/notes.md"), "no model");
  const auto models = ReadModels(folder.path());
  ASSERT_EQ(models.size(), 2U);
  EXPECT_EQ(ToString(models[0].name), "gold.b");
  EXPECT_EQ(ToString(models[1].name), "gold.daily.a");
  judge::Spill(folder.File("top.sql"), "SELECT 1");
  EXPECT_THROW(ReadModels(folder.path()), Error);
  EXPECT_THROW(ReadModels(folder.path() / "none"), Error);
}

TEST(Model, ColumnsAreDescribedAndTested) {
  const auto model = ParseModel({"gold", "t"}, "t.sql", R"(/* ---
columns:
  id: {doc: What a row is known by., tests: [not_null, unique]}
  "order by": {tests: [not_null: quarantine, unique: warn, accepted_values: [a, "it's"]]}
  state: {tests: [accepted_values: {values: [1, 2], then: drop}]}
  note: What else there is to say.
--- */
SELECT 1)");
  ASSERT_EQ(model.columns.size(), 4U);
  EXPECT_EQ(model.columns[0].doc, "What a row is known by.");
  EXPECT_EQ(model.columns[0].tests, (std::vector<std::string>{"\"id\" IS NOT NULL", "unique id"}));
  EXPECT_EQ(model.columns[3].doc, "What else there is to say.");
  using Action = Expectation::Action;
  const std::vector<std::pair<std::string, Action>> rows = {
      {"\"id\" IS NOT NULL", Action::kFail},
      {"\"order by\" IS NOT NULL", Action::kQuarantine},
      {"\"order by\" IS NULL OR \"order by\" IN ('a', 'it''s')", Action::kFail},
      {"\"state\" IS NULL OR \"state\" IN ('1', '2')", Action::kDrop}};
  ASSERT_EQ(model.expectations.size(), rows.size());
  for (size_t i = 0; i < rows.size(); ++i) {
    EXPECT_EQ(model.expectations[i].condition, rows[i].first);
    EXPECT_EQ(model.expectations[i].action, rows[i].second) << rows[i].first;
  }
  ASSERT_EQ(model.table_expectations.size(), 2U);
  EXPECT_TRUE(model.table_expectations[0].fail);
  EXPECT_FALSE(model.table_expectations[1].fail);
  for (const auto& [columns, words] :
       std::map<std::string, std::string>{{"[id]", "columns is a mapping"},
                                          {"{id: {docs: x}}", "did you mean 'doc'?"},
                                          {"{id: {tests: not_null}}", "tests is a list"},
                                          {"{id: {tests: [not_nul]}}", "did you mean 'not_null'?"},
                                          {"{id: {tests: [accepted_values]}}", "lists what is accepted"},
                                          {"{id: {tests: [accepted_values: []]}}", "lists what is accepted"},
                                          {"{id: {tests: [not_null: sometimes]}}", "'sometimes' is none of warn"},
                                          {"{id: {tests: [unique: drop]}}", "`then` is warn or fail"},
                                          {"{id: x, id: y}", "'id' is there twice"}}) {
    EXPECT_THAT(ErrorOf("-- ---\n-- columns: " + columns + "\n-- ---\nSELECT 1"),
                AllOf(HasSubstr(words), HasSubstr("t.sql:2: ")));
  }
}

}  // namespace
}  // namespace millrace::refine
