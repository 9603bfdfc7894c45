#include "query/spark/table_names.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "query/spark/spark_error.h"

namespace millrace::query {
namespace {

const std::vector<SparkName> kNames = {{{"silver", "orders"}, "<1>"}, {{"a.b", "t"}, "<2>"}};

std::string Replaced(const std::string& sql, bool quotes_are_names = true) {
  return WithTables(sql, kNames, "lake", quotes_are_names);
}

TEST(TableNames, StandForTablesHoweverTheyAreWritten) {
  EXPECT_EQ(Replaced("SELECT * FROM silver.orders"), "SELECT * FROM <1>");
  EXPECT_EQ(Replaced("FROM Silver.ORDERS o JOIN a.b.t USING (id)"), "FROM <1> o JOIN <2> USING (id)");
  EXPECT_EQ(Replaced("FROM \"silver\".`orders`"), "FROM <1>");
  EXPECT_EQ(Replaced("FROM silver /* . */ . orders, x"), "FROM <1>, x");
  EXPECT_EQ(Replaced("(SELECT 1 FROM silver.orders)"), "(SELECT 1 FROM <1>)");
}

TEST(TableNames, LeaveColumnsAndOtherNames) {
  for (const auto* sql : {"silver.orders.amount", "silver.orders.*", "x.silver.orders", "orders.id", "silver", "a.b",
                          "silver.orders2", "other.orders"})
    EXPECT_EQ(Replaced(sql), sql);
}

TEST(TableNames, LeaveTextsAndComments) {
  for (const auto* sql :
       {"'silver.orders'", "'it''s silver.orders'", R"('\' silver.orders')", "-- silver.orders\n1",
        "/* a /* silver.orders */ silver.orders */", R"(r'\')", "\"silver.orders\"", "'silver.orders"})
    EXPECT_EQ(Replaced(sql), sql);
  EXPECT_EQ(Replaced(R"(r'\' FROM silver.orders)"), R"(r'\' FROM <1>)");
  EXPECT_EQ(Replaced("\"it\" = \"silver\".orders", false), "\"it\" = \"silver\".orders");
}

TEST(TableNames, KeepLines) {
  EXPECT_EQ(Replaced("SELECT 1\nFROM silver\n.orders\nWHERE x"), "SELECT 1\nFROM <1>\n\nWHERE x");
}

TEST(TableNames, RefuseTheCatalogue) {
  try {
    Replaced("SELECT 1\n\nFROM Lake.silver.orders");
    FAIL() << "no error";
  } catch (const SparkError& error) {
    EXPECT_EQ(error.line(), 3);
    EXPECT_THAT(error.message(), ::testing::HasSubstr("'lake.silver.orders' names Spark's catalogue"));
  }
}

TEST(TableNames, AreQuoted) { EXPECT_EQ(SparkQuoted("a`b.c"), "`a``b.c`"); }

}  // namespace
}  // namespace millrace::query
