#include "query/record_sql.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace millrace::query {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;

/// "record: json" of each row, then "record! why" of each failure, as far as the first line of it.
std::vector<std::string> RunOn(RecordSql& sql, const std::vector<std::string>& records) {
  const std::vector<std::string_view> views(records.begin(), records.end());
  const auto result = sql.Run(views);
  std::vector<std::string> said;
  for (const auto& row : result.rows) said.push_back(std::to_string(row.record) + ": " + row.json);
  for (const auto& failure : result.failures) {
    said.push_back(std::to_string(failure.record) + "! " + failure.why.substr(0, failure.why.find('\n')));
  }
  return said;
}

std::string WhyNot(const std::string& where, const std::string& transform) {
  try {
    RecordSql sql(where, transform);
  } catch (const Error& error) {
    EXPECT_EQ(error.code(), ErrorCode::kConfig) << error.what();
    return error.what();
  }
  return "";
}

TEST(RecordSqlTest, AConditionKeepsRecordsAsTheyCame) {
  RecordSql sql("length(value) > 0", "");
  EXPECT_THAT(
      RunOn(sql, {R"({"value": "a"})", R"({"value": ""})", R"({"other": 1})", R"({"value": "b", "n": {"x": 1}})"}),
      ElementsAre("0: ", "3: "));
  EXPECT_THAT(RunOn(sql, {}), IsEmpty());
}

TEST(RecordSqlTest, ASelectMakesNewRecords) {
  RecordSql sql("", "SELECT id, upper(name.first) AS who, n - 10 AS less, tags FROM batch WHERE n < 10");
  EXPECT_THAT(RunOn(sql, {R"({"id": "a", "name": {"first": "x"}, "n": 3, "tags": [1, 2]})", R"({"id": "b", "n": 30})",
                          R"({"id": "c", "n": 1})"}),
              ElementsAre(R"(0: {"id":"a","who":"X","less":-7,"tags":[1,2]})",
                          R"(2: {"id":"c","who":null,"less":-9,"tags":null})"));
}

TEST(RecordSqlTest, AStarIsWhatTheRecordsHave) {
  RecordSql sql("", "SELECT * EXCLUDE (secret), 1 AS one FROM batch");
  EXPECT_THAT(RunOn(sql, {R"({"id": 1, "secret": "s"})"}), ElementsAre(R"(0: {"id":1,"one":1})"));
}

TEST(RecordSqlTest, MembersThatComeLaterAndGoAwayAreNullMeanwhile) {
  RecordSql sql("", "SELECT a, b.c AS c FROM batch");
  EXPECT_THAT(RunOn(sql, {R"({"x": 1})"}), ElementsAre(R"(0: {"a":null,"c":null})"));
  EXPECT_THAT(RunOn(sql, {R"({"a": 1.5, "b": {"c": true}})"}), ElementsAre(R"(0: {"a":1.5,"c":true})"));
  EXPECT_THAT(RunOn(sql, {R"({"b": {"d": 1}})"}), ElementsAre(R"(0: {"a":null,"c":null})"));
}

TEST(RecordSqlTest, NumbersKeepTheirDigits) {
  RecordSql sql("", "SELECT n FROM batch");
  EXPECT_THAT(RunOn(sql, {R"({"n": 18446744073709551615})", R"({"n": -9223372036854775808})"}),
              ElementsAre(R"(0: {"n":18446744073709551615})", R"(1: {"n":-9223372036854775808})"));
}

TEST(RecordSqlTest, WhatIsNoObjectComesAsItIs) {
  RecordSql sql("n > 0", "");
  EXPECT_THAT(RunOn(sql, {"no json", R"({"n": 0})", "[1]", "", R"({"n": 1})"}),
              ElementsAre("0: ", "2: ", "3: ", "4: "));
}

TEST(RecordSqlTest, ARecordThatIsToBlameFailsAlone) {
  RecordSql sql("", "SELECT CAST(n AS INTEGER) AS n FROM batch");
  EXPECT_THAT(RunOn(sql, {R"({"n": "1"})", R"({"n": "x"})", R"({"n": "3"})"}),
              ElementsAre(R"(0: {"n":1})", R"(2: {"n":3})", HasSubstr("1! Conversion Error")));
}

TEST(RecordSqlTest, AMemberOfAnotherTypeDoesNotBreakWhatWorked) {
  RecordSql sql("", "SELECT n + 1 AS more FROM batch");
  EXPECT_THAT(RunOn(sql, {R"({"n": 1})"}), ElementsAre(R"(0: {"more":2})"));
  EXPECT_THAT(RunOn(sql, {R"({"n": 2})", R"({"n": {"deep": 1}})", R"({"n": 3})"}),
              ElementsAre(R"(0: {"more":3})", R"(2: {"more":4})", HasSubstr("1! Binder Error")));
  EXPECT_THAT(RunOn(sql, {R"({"n": 4})"}), ElementsAre(R"(0: {"more":5})"));
}

TEST(RecordSqlTest, WhatCannotRunIsSaidAtOnce) {
  EXPECT_THAT(WhyNot("length(value", ""), HasSubstr("where"));
  EXPECT_THAT(WhyNot("", "SELECT nosuch(id) FROM batch"), HasSubstr("nosuch"));
  EXPECT_THAT(WhyNot("", "SELECT id FROM other"), HasSubstr("other"));
  EXPECT_THAT(WhyNot("", "SELECT id FROM batch GROUP BY id"), HasSubstr("one record at a time"));
  EXPECT_THAT(WhyNot("", "SELECT DISTINCT id FROM batch"), HasSubstr("one record at a time"));
  EXPECT_THAT(WhyNot("", "SELECT count(*) FROM batch"), HasSubstr("__record"));
  EXPECT_THAT(WhyNot("", "DROP TABLE records"), HasSubstr("transform"));
  EXPECT_THAT(WhyNot("", "SELECT 1 FROM batch; SELECT 2 FROM batch"), HasSubstr("one statement"));
  EXPECT_THAT(WhyNot("", "SELECT * FROM read_text('/etc/passwd')"), HasSubstr("disabled"));
  EXPECT_THAT(WhyNot("a > 1", "SELECT a FROM batch"), HasSubstr("either"));
}

}  // namespace
}  // namespace millrace::query
