#include "query/parameter.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <nlohmann/json.hpp>

#include "query/test_lake.h"

namespace millrace::query {
namespace {

using ::testing::HasSubstr;

std::string Read(const std::string& given) {
  try {
    const auto read = ParseParameter(given);
    return fmt::format("{}:{}={}", read.name, read.type, read.text.value_or("(null)"));
  } catch (const Error& error) {
    return error.what();
  }
}

TEST(ParameterTest, AValueIsWhatSqlTakesItsJsonFor) {
  EXPECT_EQ(Read("a=5"), "a:INTEGER=5");
  EXPECT_EQ(Read("a=-2147483649"), "a:BIGINT=-2147483649");
  EXPECT_EQ(Read("a=9223372036854775808"), "a:HUGEINT=9223372036854775808");
  EXPECT_EQ(Read("a=1.50"), "a:DECIMAL(3,2)=1.50");
  EXPECT_EQ(Read("a=-1e3"), "a:DOUBLE=-1e3");
  EXPECT_EQ(Read("a=true"), "a:BOOLEAN=true");
  EXPECT_EQ(Read("a=null"), "a:=(null)");
  for (const std::string text : {"", "x", "05", "1.", ".5", "+1", "0x10", "1e", "True", "NaN", "1 ", "\"a\"",
                                 "2026-01-31", "1234567890123456789012345678901234567890"}) {
    EXPECT_EQ(Read("a=" + text), "a:VARCHAR=" + text);
  }
}

TEST(ParameterTest, ATypeMayBeSaid) {
  EXPECT_EQ(Read("day:date=2026-01-31"), "day:DATE=2026-01-31");
  EXPECT_EQ(Read("n:Text=5"), "n:VARCHAR=5");
  EXPECT_EQ(Read("n:decimal(10, 2)=5"), "n:DECIMAL(10,2)=5");
  EXPECT_EQ(Read("1:timestamptz=2026-01-31T00:00:00Z"), "1:TIMESTAMP WITH TIME ZONE=2026-01-31T00:00:00Z");
  EXPECT_EQ(Read("a=b:c=d"), "a:VARCHAR=b:c=d");
  EXPECT_THAT(Read("n:int) ; DROP=5"), HasSubstr("there are text, boolean"));
  for (const auto* type :
       {"decimal(39,2)", "decimal(5,6)", "decimal(0,0)", "decimal(,)", "decimal(1)", "decimal(1,2,3)", "decimal", ""})
    EXPECT_THAT(Read(fmt::format("n:{}=5", type)), HasSubstr("has the type")) << type;
}

TEST(ParameterTest, NamesAreChecked) {
  for (const auto* given : {"=5", "a b=5", "$a=5", "0=5", "01=5", "1a=5", "a;=1"})
    EXPECT_THAT(Read(given), HasSubstr("names no parameter")) << given;
  EXPECT_THAT(Read("a"), HasSubstr("name=value"));
}

TEST(ParameterTest, JsonSaysTypes) {
  const auto read = ParametersOfJson(nlohmann::json::parse(
      R"({"a": "5", "b": 5, "c": 1.5, "d": null, "e": {"type": "date", "value": "2026-01-31"}, "f": {"type": "text", "value": null}})"));
  ASSERT_EQ(read.size(), 6U);
  EXPECT_EQ(read[0].type, "VARCHAR");
  EXPECT_EQ(read[1].type, "INTEGER");
  EXPECT_EQ(read[2].type, "DECIMAL(2,1)");
  EXPECT_FALSE(read[3].text);
  EXPECT_EQ(read[4].type, "DATE");
  EXPECT_FALSE(read[5].text);
  EXPECT_EQ(ParametersOfJson(nlohmann::json::parse(R"(["x", true])"))[1].name, "2");
  for (const auto* bad : {"5", R"({"a": [1]})", R"({"a": {"value": 1}})", R"({"a": {"type": "date", "value": {}}})",
                          R"({"a b": 1})", R"({"a": "\u0000"})", R"({"a": {"type": "struct", "value": 1}})"})
    EXPECT_THROW(ParametersOfJson(nlohmann::json::parse(bad)), Error) << bad;
}

class BoundParametersTest : public TestLake {
 protected:
  std::string AskWith(const std::string& sql, const std::vector<std::string>& given) {
    QueryOptions options;
    for (const auto& one : given) options.parameters.push_back(ParseParameter(one));
    return ErrorOf(sql, options) == "no error" ? Ask(sql, options) : ErrorOf(sql, options);
  }
};

TEST_F(BoundParametersTest, StandForValuesOfEveryType) {
  EXPECT_EQ(
      AskWith("SELECT $a AS a, $b AS b, typeof($c) AS c, $d AS d, $e IS NULL AS e, $f AS f, typeof($g) AS g, $h AS h",
              {"a=it's $b; --", "b=-7", "c=1.25", "d:decimal(38,1)=-1234567890123456789012345678901234567.8", "e=null",
               "f:timestamptz=2026-01-31T01:00:00+01:00", "g:time=12:30:00",
               "h:uuid=00000000-0000-0000-0000-00000000000f"}),
      "{\"a\":\"it's $b; "
      "--\",\"b\":-7,\"c\":\"DECIMAL(3,2)\",\"d\":-1234567890123456789012345678901234567.8,\"e\":true,"
      "\"f\":\"2026-01-31T00:00:00Z\",\"g\":\"TIME\",\"h\":\"00000000-0000-0000-0000-00000000000f\"}\n");
  EXPECT_EQ(AskWith("SELECT ? + ? AS n LIMIT ?", {"1=40", "2=2", "3=1"}), "{\"n\":42}\n");
  EXPECT_EQ(AskWith("SELECT count(*) AS n FROM deep.er.\"Table One\" WHERE id = $1", {"1=1"}), "{\"n\":1}\n");
  EXPECT_THAT(AskWith("EXPLAIN SELECT $a", {"a=1"}), HasSubstr("explain"));
  // Those that stand where no plan is made of them.
  EXPECT_THAT(AskWith("SUMMARIZE SELECT id + $a AS b FROM silver.events", {"a=1"}), HasSubstr("\"column_name\":\"b\""));
  EXPECT_THAT(AskWith("FROM (DESCRIBE silver.events) WHERE column_name = $c", {"c=type"}), HasSubstr("VARCHAR"));
  EXPECT_EQ(
      AskWith(
          "SELECT count(*) AS n FROM silver.events WHERE list_contains([1, 2], list_transform([id], x -> x + $a)[1])",
          {"a=0"}),
      "{\"n\":2}\n");
  EXPECT_EQ(
      AskWith(
          "WITH RECURSIVE r AS (SELECT $a AS n UNION ALL SELECT n + 1 FROM r WHERE n < $b) SELECT max(n) AS n FROM r",
          {"a=1", "b=9"}),
      "{\"n\":9}\n");
  EXPECT_EQ(AskWith("PIVOT (SELECT type, id FROM silver.events WHERE id < $a) ON type IN ('Push') USING count(*) GROUP "
                    "BY id ORDER BY id LIMIT 1",
                    {"a=2"}),
            "{\"id\":0,\"Push\":1}\n");
}

TEST_F(BoundParametersTest, MissingAndSurplusOnesAreNamed) {
  EXPECT_THAT(AskWith("SELECT $day, $other", {"other=1"}),
              HasSubstr("data: the statement asks for the parameter $day"));
  EXPECT_THAT(AskWith("SELECT $day", {"day=1", "dya=2"}),
              HasSubstr("parameter dya is given, and the statement has no $dya; did you mean 'day'?"));
  EXPECT_THAT(AskWith("SHOW TABLES", {"a=1"}), HasSubstr("it has none at all"));
  EXPECT_THAT(AskWith("SELECT $a", {"a=1", "A=2"}), HasSubstr("given twice"));
  EXPECT_EQ(AskWith("SELECT $Day AS d", {"day=1"}), "{\"d\":1}\n");
  EXPECT_THAT(AskWith("SELECT ?, ?", {"1=1"}), HasSubstr("$2"));
  EXPECT_THAT(AskWith("SELECT $a", {"a:date=soon"}), HasSubstr("parameter a: 'soon' is no DATE"));
  QueryOptions options;
  options.views[{"gold", "v"}] = "SELECT $x AS a";
  EXPECT_THAT(ErrorOf("FROM gold.v", options), HasSubstr("a view has no parameters"));
}

TEST_F(BoundParametersTest, FilesArePrunedAsByConstants) {
  struct Case {
    std::string condition;  // {}: a parameter, or a constant
    std::string given;
    std::string constant;
  };
  const std::vector<Case> cases = {
      {"type = {}", "p=Pull", "'Pull'"},
      {"type > {}", "p=Öl, \"x\"/%y", "'Öl, \"x\"/%y'"},
      {"type = {}", "p=' OR true --", "''' OR true --'"},
      {"id BETWEEN 1000 AND {}", "p=1010", "1010"},
      {"id IN (3, {})", "p=99999999999", "99999999999"},
      {"id < {}", "p=7.5", "7.5"},
      {"amount >= {}", "p=48.99", "48.99"},
      {"amount >= {}", "p:double=48.99", "48.99::DOUBLE"},
      {"f > {}", "p=16", "16"},
      {"ts >= {}", "p=2024-01-10", "'2024-01-10'"},
      {"ts >= {}", "p:timestamptz=2024-01-10T00:00:00Z", "TIMESTAMPTZ '2024-01-10T00:00:00Z'"},
      {"d = {}", "p:date=2024-01-03", "DATE '2024-01-03'"},
      {"d = {}", "p=2024-01-03", "'2024-01-03'"},
      {"ok = {}", "p=true", "true"},
      {"u = {}", "p:uuid=01000000-0000-0000-0000-000000000003", "'01000000-0000-0000-0000-000000000003'"},
      {"s.a = {}", "p=5", "5"},
      {"type IS NOT DISTINCT FROM {}", "p=null", "NULL"}};
  int pruned = 0;
  for (const auto& [condition, given, constant] : cases) {
    SCOPED_TRACE(fmt::format("{} {}", condition, given));
    const std::string ask = "SELECT count(*) AS n, sum(id) AS s FROM {} WHERE {}";
    const auto filled = [&](const std::string& value, const std::string& from) {
      return fmt::format(fmt::runtime(ask), from, fmt::format(fmt::runtime(condition), value));
    };
    const auto plain = Ask(filled(constant, "(SELECT * FROM silver.events LIMIT 1000000)"));
    EXPECT_EQ(Ask(filled(constant, "silver.events")), plain);
    const auto files = scans_[0].files_read;
    EXPECT_EQ(AskWith(filled("$p", "silver.events"), {given}), plain);
    EXPECT_EQ(scans_[0].files_read, files);
    pruned += files < scans_[0].files_total ? 1 : 0;
  }
  EXPECT_GE(pruned, 8);
}

}  // namespace
}  // namespace millrace::query
