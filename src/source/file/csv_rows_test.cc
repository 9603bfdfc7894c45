#include "source/file/csv_rows.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <array>
#include <nlohmann/json.hpp>
#include <random>

#include "base/bytes.h"
#include "base/error.h"
#include "contract/source_contract.h"
#include "source/file/file_source.h"
#include "source/file/test_folder.h"

namespace millrace::source {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;
using testing::SizeIs;
using Json = nlohmann::ordered_json;

std::vector<std::string> Records(const FileSourceOptions& options) {
  FileSource source(options);
  std::vector<std::string> records;
  for (const auto& record : event::ReadToEnd(source, {}, {}).records) records.push_back(record.bytes);
  return records;
}

FileSourceOptions Options(const std::string& path) {
  FileSourceOptions options;
  options.name = "csv";
  options.paths = {path};
  return options;
}

/// What Python's csv module reads, as [[field, ...], ...] without blank rows.
Json PythonReads(const std::string& path, const std::string& delimiter) {
  const TestFolder folder;
  const auto script = folder.Write("read.py",
                                   "import csv, json, sys\n"
                                   "rows = csv.reader(open(sys.argv[1], newline='', encoding='utf-8-sig'), "
                                   "delimiter=sys.argv[2])\n"
                                   "print(json.dumps([row for row in rows if row]))\n");
  const auto out = folder.path() / "out";
  const std::string command = std::string(MILLRACE_DEPS_DIR) + "/venv/bin/python " + script.native() + " '" + path +
                              "' '" + delimiter + "' > " + out.native();
  if (std::system(command.c_str()) != 0) throw std::runtime_error(command);
  return Json::parse(ReadFile(out));
}

/// Our rows against Python's: names, order, and every value by its text.
void ExpectAsPython(const FileSourceOptions& options, const std::string& delimiter = ",") {
  const auto expected = PythonReads(options.paths[0], delimiter);
  const auto records = Records(options);
  ASSERT_EQ(records.size() + 1, expected.size());
  for (size_t i = 0; i < records.size(); ++i) {
    const auto row = Json::parse(records[i]);
    ASSERT_EQ(row.size(), expected[0].size()) << records[i];
    size_t column = 0;
    for (const auto& [name, value] : row.items()) {
      const auto text = expected[i + 1][column].get<std::string>();
      ASSERT_EQ(name, expected[0][column].get<std::string>());
      if (value.is_null()) {
        ASSERT_EQ(text, "");
      } else if (value.is_string()) {
        ASSERT_EQ(value.get<std::string>(), text);
      } else if (value.is_boolean()) {
        ASSERT_EQ(value.get<bool>() ? "true" : "false", text);
      } else {
        ASSERT_EQ(value.get<double>(), std::stod(text));
      }
      ++column;
    }
  }
}

TEST(CsvRows, RealCardsReadAsPythonReadsThem) {
  auto options = Options(MILLRACE_SOURCE_DIR "/examples/data/cards_data.csv");
  ExpectAsPython(options);
  const auto row = Json::parse(Records(options).at(0));
  EXPECT_TRUE(row["id"].is_number_integer());
  EXPECT_TRUE(row["card_number"].is_number());
  EXPECT_TRUE(row["expires"].is_string());
  EXPECT_EQ(Records(options).size(), 6146u);
  options.csv.drop = {"card_number", "cvv"};
  EXPECT_THAT(Json::parse(Records(options).at(0)), SizeIs(11));
}

TEST(CsvRows, QuotingReadsAsPythonReadsIt) {
  TestFolder folder;
  const std::string text =
      "\xEF\xBB\xBFplain,\"quo\"\"ted\",\"with, comma\",last\r\n"
      "1,\"a\nb\r\nc\",\"\"\"x\"\"\",\r\n"
      "2,\"\",in\"ner,\"closed\"tail\r\n"
      "\r\n"
      "3,\" spaced \", x ,\xc3\xbc\n"
      "4,\"tab\tnul\x01\",\"\\\",end";
  ExpectAsPython(Options(folder.Write("x.csv", text)));
  ExpectAsPython(Options(folder.Write("x.tsv", "a\tb\n1,5\t\"x\ty\"\n")), "\t");
}

TEST(CsvRows, TypesAreWhatEveryValueAgreesOn) {
  TestFolder folder;
  const auto records =
      Records(Options(folder.Write("x.csv",
                                   "int,big,zip,mixed,flag,real,empty,long,neg\n"
                                   "1,9223372036854775807,01234,1,true,1.5,,0.12345678901234567890,-3\n"
                                   "0,9223372036854775808,99999,x,False,2e10,,1,-0.5\n")));
  ASSERT_EQ(records.size(), 2u);
  EXPECT_EQ(records[0],
            R"({"int":1,"big":"9223372036854775807","zip":"01234","mixed":"1","flag":true,"real":1.5,"empty":null,)"
            R"("long":"0.12345678901234567890","neg":-3})");
  EXPECT_EQ(records[1],
            R"({"int":0,"big":"9223372036854775808","zip":"99999","mixed":"x","flag":false,"real":2e10,"empty":null,)"
            R"("long":"1","neg":-0.5})");
}

/// A value of a kind that rows have, now and then one that is of the long way.
std::string RandomValue(std::mt19937& random) {
  static const std::vector<std::string> kValues = {
      "",       "0",  "00",       "-1",       "12345678", "123456789", "1.5",        "1e5",      "TRUE", "false",
      "truely", "/:", "12/4:6;8", "\xc3\xbc", "a\"b",     "\\",        "\"x\"\"y\"", "\x7f\x80", "\t",   "x\x1f"};
  const auto kind = random() % (kValues.size() + 10);
  if (kind < kValues.size() - 5 || (kind < kValues.size() && random() % 20 == 0)) return kValues[kind];
  std::string text(random() % 70, '\0');
  for (auto& c : text) c = static_cast<char>('a' + random() % 26);
  return text;
}

TEST(CsvRows, ShortWayWritesWhatTheLongWayWrites) {
  std::mt19937 random(7);
  int plain = 0, other = 0;
  for (int round = 0; round < 3000; ++round) {
    const CsvDialect dialect{",;\t\""[round % 4], round % 4 == 3 ? '\'' : '"'};
    CsvOptions options;
    for (size_t i = 0; i <= random() % 5; ++i) {
      options.columns.push_back(std::string(random() % 40, 'n') + std::to_string(i));
      options.types[options.columns.back()] =
          std::array{CsvType::kString, CsvType::kNumber, CsvType::kBoolean}[random() % 3];
      if (random() % 8 == 0) options.drop.push_back(options.columns.back());
    }
    CsvRows rows("x.csv", dialect, options, {});
    std::string row;
    const size_t fields = options.columns.size() + (random() % 10 == 0 ? 1 : 0);
    for (size_t i = 0; i < fields; ++i) row += (i == 0 ? "" : std::string(1, dialect.delimiter)) + RandomValue(random);
    std::string expected;
    rows.Append(row, 0, &expected);
    const auto padded = PaddedBuffer::CopyOf(row);
    std::string made(rows.plain().RoomFor(row.size()), '#');
    const char* const end = rows.plain().Write(padded->view(), made.data());
    end != nullptr ? ++plain : ++other;
    if (end != nullptr) {
      ASSERT_EQ(made.substr(0, static_cast<size_t>(end - made.data())), expected);
    }
  }
  EXPECT_GT(plain, 1000);
  EXPECT_GT(other, 300);
}

TEST(CsvRows, ValueThatStraysFromItsColumnStaysText) {
  TestFolder folder;
  std::string text = "n,pad\n";
  for (int i = 0; i < 2000; ++i) text += std::to_string(i) + "," + std::string(60, 'x') + "\n";
  const auto records = Records(Options(folder.Write("x.csv", text + "seven,x\n0x10,y\n,z\n\"\",z\n")));
  ASSERT_EQ(records.size(), 2004u);
  EXPECT_EQ(records[2000], R"({"n":"seven","pad":"x"})");
  EXPECT_EQ(records[2001], R"({"n":"0x10","pad":"y"})");
  EXPECT_EQ(records[2002], R"({"n":null,"pad":"z"})");
  EXPECT_EQ(records[2003], R"({"n":null,"pad":"z"})");
}

TEST(CsvRows, GivenTypesAndNamesRule) {
  TestFolder folder;
  auto options = Options(folder.Write("x.csv", "1,2\n3,4\n"));
  options.csv.columns = {"a", "b"};
  options.csv.types = {{"b", CsvType::kString}};
  EXPECT_THAT(Records(options), ElementsAre(R"({"a":1,"b":"2"})", R"({"a":3,"b":"4"})"));
  options.csv.drop = {"c"};
  EXPECT_THROW(Records(options), Error);
}

TEST(CsvRows, NamesAreMadeDistinct) {
  TestFolder folder;
  EXPECT_THAT(Records(Options(folder.Write("x.csv", "a,a,,a\n1,2,3,4\n"))),
              ElementsAre(R"({"a":1,"a_2":2,"column_3":3,"a_3":4})"));
}

TEST(CsvRows, RaggedRowsSayWhatIsWrongAndWhere) {
  TestFolder folder;
  const auto path = folder.Write("x.csv", "a,b\n1,2\n{\"a\":1}\n3,4,5\n6,7\n");
  EXPECT_THAT(Records(Options(path)),
              ElementsAre(R"({"a":1,"b":2})", path.native() + " byte 8: 1 fields where there are 2 columns: {\"a\":1}",
                          path.native() + " byte 16: 3 fields where there are 2 columns: 3,4,5", R"({"a":6,"b":7})"));
}

TEST(CsvRows, OpenQuoteLosesOnlyItsLine) {
  TestFolder folder;
  std::string text = "a,b\n1,2\n3,\"open\n";
  for (int i = 0; i < 1000; ++i) text += "5,6\n";
  auto options = Options(folder.Write("x.csv", text));
  for (const size_t limit : {size_t{500}, size_t{1} << 20}) {
    options.record_bytes_max = limit;
    const auto records = Records(options);
    ASSERT_EQ(records.size(), 1002u) << limit;
    EXPECT_THAT(records[1], HasSubstr("a quote that does not close: 3,\"open"));
    EXPECT_EQ(records[2], R"({"a":5,"b":6})");
  }
}

}  // namespace
}  // namespace millrace::source
