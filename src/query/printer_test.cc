#include "query/printer.h"

#include <fmt/format.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <fstream>
#include <sstream>

#include "base/error.h"
#include "catalog/sql/sql_catalog.h"
#include "io/local_object_store.h"
#include "judge/python.h"
#include "query/display_width.h"

namespace millrace::query {
namespace {

class PrinterTest : public ::testing::Test {
 protected:
  PrinterTest()
      : store_(io::LocalObjectStore::Open(folder_.path() / "wh")),
        catalog_({.file = folder_.path() / "catalog.db"}, *store_),
        engine_(catalog_, {.spill_directory = ""}) {}

  std::string Printed(const std::string& sql, OutputFormat format, const PrintOptions& options = {}) {
    std::ostringstream out;
    Print(*engine_.Run(sql, {}, {}), format, options, out);
    return out.str();
  }

  judge::Folder folder_;
  std::unique_ptr<io::LocalObjectStore> store_;
  catalog::SqlCatalog catalog_;
  Engine engine_;
};

constexpr const char* kEverything =
    "SELECT i, i::TINYINT AS tiny, -(i::SMALLINT) AS small, i::UTINYINT AS ut, i::UINTEGER AS ui, i * "
    "1000000007::BIGINT AS big, "
    "18446744073709551615::UBIGINT - i::UBIGINT AS ubig, i / 3.0::DOUBLE AS dbl, (i / 7.0)::FLOAT AS flt, "
    "[1.5::DOUBLE, 'nan'::DOUBLE, '-inf'::DOUBLE, 1e300, -0.0][1 + i % 5] AS odd, (i * 1.01)::DECIMAL(9, 2) AS dec, i "
    "% 2 = 0 AS yes, "
    "[NULL, '', 'plain', 'a,b', 'say \"hi\"', E'two\\nlines', '漢字 ö 🎉', E'tab\\there', ' x '][1 + i % 9] AS text, "
    "DATE '1969-12-30' + i AS day, TIMESTAMPTZ '1969-12-31 23:59:59.5Z' + i * INTERVAL 333 MILLISECONDS AS at, "
    "TIMESTAMP '2024-01-01 00:00:00' + i * INTERVAL 1 MICROSECOND AS local, TIME '01:02:03' + i * INTERVAL 1 "
    "MICROSECOND AS clock, "
    "'\\x00\\xFF'::BLOB AS bin, uuid_blob AS id, [i, NULL] AS list, {'a': i, 'b c': ['x', NULL]} AS st, MAP {'k': i} "
    "AS m "
    "FROM (SELECT range::INT AS i, '00112233-4455-6677-8899-aabbccddeeff'::UUID AS uuid_blob FROM range(40)) ORDER BY "
    "i";

/// What a sheet has no place for, or counts otherwise.
constexpr const char* kHardForSheets =
    R"(SELECT * FROM (VALUES
(123456789012345, -999999999999999.0::DECIMAL(20,1), 0.12345678901234::DECIMAL(18,15), DATE '1900-03-01', chr(1) || 'a' || chr(31), '_x0041_'),
(1234567890123456, 1234567890123456.5, 1.0, DATE '1900-02-28', '=1+1', E'a\rb'),
(-9223372036854775807, 0.0, 1.5, DATE '9999-12-31', '<&>"''', '  kept  '),
(0, NULL, NULL, DATE '2024-02-29', 'x' || chr(0) || 'after', chr(65535) || chr(65534))) t(big, dec, fraction, day, text, more))";

TEST_F(PrinterTest, SheetsChangeNoValue) {
  judge::Spill(folder_.File("sql"), kHardForSheets);
  judge::Spill(folder_.File("out"), Printed(kHardForSheets, OutputFormat::kXlsx));
  judge::Python("query_output.py", fmt::format("xlsx {} {}", folder_.File("sql"), folder_.File("out")));
}

TEST_F(PrinterTest, EveryFormatReadsBackElsewhere) {
  judge::Spill(folder_.File("sql"), kEverything);
  for (const auto* name : {"csv", "json", "jsonl", "arrow", "parquet", "table", "xlsx"}) {
    SCOPED_TRACE(name);
    judge::Spill(folder_.File("out"), Printed(kEverything, ParseOutputFormat(name).value()));
    judge::Python("query_output.py", fmt::format("{} {} {}", name, folder_.File("sql"), folder_.File("out")));
  }
}

TEST_F(PrinterTest, NothingIsAnEmptyResultOfEachFormat) {
  const std::string sql = "SELECT 1 AS a, 'x' AS b WHERE false";
  EXPECT_EQ(Printed(sql, OutputFormat::kCsv), "a,b\r\n");
  EXPECT_EQ(Printed(sql, OutputFormat::kJson), "[]\n");
  EXPECT_EQ(Printed(sql, OutputFormat::kJsonLines), "");
  EXPECT_EQ(Printed(sql, OutputFormat::kTable), " a │ b\n───┼───\n(0 rows)\n");
  judge::Spill(folder_.File("sql"), sql);
  for (const auto* name : {"arrow", "parquet"}) {
    judge::Spill(folder_.File("out"), Printed(sql, ParseOutputFormat(name).value()));
    judge::Python("query_output.py", fmt::format("{} {} {}", name, folder_.File("sql"), folder_.File("out")));
  }
}

TEST_F(PrinterTest, ATableFitsTheTerminal) {
  const auto sql = "SELECT 1 AS n, repeat('漢', 50) AS wide, repeat('x', 50) AS long, NULL AS none";
  std::istringstream lines(Printed(sql, OutputFormat::kTable, {.table_width = 40}));
  int count = 0;
  for (std::string line; std::getline(lines, line); ++count) EXPECT_LE(DisplayWidth(line), 40) << line;
  EXPECT_EQ(count, 4);
  EXPECT_THAT(Printed(sql, OutputFormat::kTable, {.cell_width = 5}), ::testing::HasSubstr("│ 漢漢… │ xxxx… │ NULL"));
  EXPECT_EQ(FitInto("e\u0301e\u0301e\u0301", 2), "e\u0301…");
  EXPECT_EQ(FitInto("a\nb", 9), "a\\nb");
}

TEST_F(PrinterTest, LaterRowsOfATableAreCutToTheColumns) {
  const auto text =
      Printed("SELECT CASE WHEN range = 5000 THEN 'long enough to be cut' ELSE 'ab' END AS t FROM range(5001)",
              OutputFormat::kTable);
  EXPECT_TRUE(text.ends_with(" ab\n l…\n(5001 rows)\n")) << text.substr(text.size() - 60);
}

TEST_F(PrinterTest, AFullOutputIsAnError) {
  std::ofstream full("/dev/full", std::ios::binary);
  for (const auto format :
       {OutputFormat::kCsv, OutputFormat::kJson, OutputFormat::kArrow, OutputFormat::kParquet, OutputFormat::kTable}) {
    full.clear();
    EXPECT_THROW(Print(*engine_.Run("SELECT range FROM range(100000)", {}, {}), format, {}, full), Error);
  }
}

}  // namespace
}  // namespace millrace::query
