#include "table/avro_file.h"

#include <fmt/format.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <nlohmann/json.hpp>

#include "base/error.h"
#include "judge/python.h"
#include "table/manifest_schema.h"

namespace millrace::table {
namespace {

using nlohmann::json;
using testing::HasSubstr;

constexpr const char* kSchema = R"({"type":"record","name":"row","fields":[
  {"name":"id","type":"long","field-id":1},
  {"name":"text","type":["null","string"],"default":null,"field-id":2},
  {"name":"sizes","type":{"type":"array","items":"int"},"field-id":3},
  {"name":"ratio","type":"double","field-id":4},
  {"name":"part","type":"float","field-id":5},
  {"name":"flag","type":"boolean","field-id":6},
  {"name":"hash","type":{"type":"fixed","name":"h","size":2},"field-id":7}]})";

AvroEncoder EncodeRow(int64_t i) {
  AvroEncoder row;
  row.Long(i % 2 == 0 ? i : -i);
  row.Long(i % 3 == 0 ? 0 : 1);
  if (i % 3 != 0) row.Bytes(fmt::format("row {}", i));
  if (i % 2 == 0) {
    row.Long(2);
    row.Long(1);
    row.Long(-1);
  }
  row.Long(0);
  row.Double(static_cast<double>(i) / 2);
  row.Float(0.25F);
  row.Boolean(i % 2 == 0);
  row.Fixed("xy");
  return row;
}

std::string Container(int64_t rows) {
  Random random(7);
  AvroFileWriter writer(kSchema, {{"content", "data"}, {"schema", "{}"}}, random);
  for (int64_t i = 0; i < rows; ++i) writer.Append(EncodeRow(i));
  return std::move(writer).Finish();
}

/// Reads ids, texts and sizes of a container by their field ids.
struct Row {
  int64_t id = 0;
  std::string text = {};
  std::vector<int32_t> sizes = {};
};

std::vector<Row> ReadRows(std::string bytes) {
  const AvroFileReader reader(std::move(bytes));
  std::vector<Row> rows;
  reader.ForEachRecord([&](AvroDecoder& decoder) {
    Row& row = rows.emplace_back();
    for (const AvroField& field : reader.schema().root().fields) {
      const AvroType* type = decoder.Resolve(*field.type);
      if (type == nullptr) continue;
      switch (field.id.value_or(-1)) {
        case 1:
          row.id = decoder.Integer(*type);
          break;
        case 2:
          row.text = decoder.ByteString(*type);
          break;
        case 3:
          decoder.Items(*type, [&](const AvroType& item) { row.sizes.push_back(decoder.Int32(item)); });
          break;
        default:
          decoder.Skip(*type);
      }
    }
  });
  return rows;
}

std::string ErrorOf(const std::string& bytes) {
  try {
    ReadRows(bytes);
  } catch (const Error& error) {
    EXPECT_EQ(error.code(), ErrorCode::kData);
    return error.what();
  }
  return "";
}

TEST(AvroFileTest, FastavroReadsWhatIsWritten) {
  const judge::Folder folder;
  const int64_t rows = 20'000;  // several blocks
  judge::Spill(folder.File("rows.avro"), Container(rows));
  const json read = json::parse(judge::Python("avro.py", "read " + folder.File("rows.avro")));
  EXPECT_EQ(read["metadata"]["avro.codec"], "deflate");
  EXPECT_EQ(read["metadata"]["content"], "data");
  ASSERT_EQ(read["records"].size(), static_cast<size_t>(rows));
  for (const size_t i : {size_t{0}, size_t{1}, size_t{2}, size_t{12'345}, size_t{19'999}}) {
    const json& record = read["records"][i];
    const auto number = static_cast<int64_t>(i);
    EXPECT_EQ(record["id"], number % 2 == 0 ? number : -number);
    EXPECT_EQ(record["text"], number % 3 == 0 ? json() : json(fmt::format("row {}", number)));
    EXPECT_EQ(record["sizes"], number % 2 == 0 ? json({1, -1}) : json::array());
    EXPECT_EQ(record["ratio"], static_cast<double>(number) / 2);
    EXPECT_EQ(record["part"], 0.25);
    EXPECT_EQ(record["flag"], number % 2 == 0);
    EXPECT_EQ(record["hash"], "xy");
  }
}

TEST(AvroFileTest, AnEmptyContainerIsReadByBoth) {
  const judge::Folder folder;
  judge::Spill(folder.File("none.avro"), Container(0));
  EXPECT_TRUE(json::parse(judge::Python("avro.py", "read " + folder.File("none.avro")))["records"].empty());
  EXPECT_TRUE(ReadRows(Container(0)).empty());
}

class AvroCodecTest : public testing::TestWithParam<const char*> {};

TEST_P(AvroCodecTest, WhatFastavroWritesIsReadByFieldIdAndTheRestSkipped) {
  const judge::Folder folder;
  judge::Python("avro.py", "write " + folder.File("rows.avro") + " " + GetParam() + " 1000");
  const std::vector<Row> rows = ReadRows(judge::Slurp(folder.File("rows.avro")));
  ASSERT_EQ(rows.size(), 1000U);
  for (int64_t i = 0; i < 1000; ++i) {
    const Row& row = rows[static_cast<size_t>(i)];
    ASSERT_EQ(row.id, i % 2 != 0 ? -i : i * 1'000'000'007);
    ASSERT_EQ(row.text, i % 3 == 0 ? "" : fmt::format("row {}", i));
    ASSERT_EQ(row.sizes.size(), static_cast<size_t>(i % 5));
  }
}

INSTANTIATE_TEST_SUITE_P(Codecs, AvroCodecTest, testing::Values("null", "deflate", "zstandard"));

TEST(AvroFileTest, AnythingCutOffIsAnErrorAndNeverFewerRows) {
  const std::string whole = Container(50);
  for (size_t length = 0; length < whole.size(); ++length) {
    const std::string error = ErrorOf(whole.substr(0, length));
    // Cut exactly behind the header it is a container without blocks.
    if (!error.empty()) continue;
    EXPECT_EQ(ReadRows(whole.substr(0, length)).size(), 0U) << length;
  }
  EXPECT_EQ(ErrorOf(whole), "");
}

TEST(AvroFileTest, AFlippedByteIsNeverACrash) {
  const std::string whole = Container(50);
  int refused = 0;
  for (size_t at = 0; at < whole.size(); ++at) {
    std::string bytes = whole;
    bytes[at] = static_cast<char>(bytes[at] ^ 0x5a);
    if (!ErrorOf(bytes).empty()) ++refused;
  }
  EXPECT_GT(refused, 0);
}

std::string WithHeader(const std::string& schema, const std::string& codec, const std::string& block, int64_t count) {
  AvroEncoder out;
  out.Fixed(std::string_view("Obj\1", 4));
  out.Long(2);
  out.Bytes("avro.schema");
  out.Bytes(schema);
  out.Bytes("avro.codec");
  out.Bytes(codec);
  out.Long(0);
  out.Fixed("0123456789abcdef");
  out.Long(count);
  out.Bytes(block);
  out.Fixed("0123456789abcdef");
  return std::string(out.bytes());
}

TEST(AvroFileTest, HostileContainersAreRefused) {
  const std::string bomb = Compress(AvroCompression::kDeflate, std::string(size_t{300} << 20, '\0'));
  EXPECT_THAT(ErrorOf(WithHeader("\"string\"", "deflate", bomb, 1)), HasSubstr("decompresses to more than"));
  EXPECT_THAT(ErrorOf(WithHeader("\"string\"", "bzip2", "x", 1)), HasSubstr("compressed as bzip2"));
  EXPECT_THAT(ErrorOf(WithHeader("\"string\"", "null", "", int64_t{1} << 60)), HasSubstr("fewer bytes than records"));
  EXPECT_THAT(ErrorOf(WithHeader("{\"type\":", "null", "", 0)), HasSubstr("it is no JSON"));
  EXPECT_THAT(ErrorOf(WithHeader("\"nonsense\"", "null", "", 0)), HasSubstr("\"nonsense\" is not known"));
  std::string deep = "\"int\"";
  for (int i = 0; i < 100; ++i) deep = R"({"type":"array","items":)" + deep + "}";
  EXPECT_THAT(ErrorOf(WithHeader(deep, "null", "", 0)), HasSubstr("nested too deep"));
}

TEST(AvroFileTest, EveryCodecReadsItself) {
  const std::string text = "text that repeats, text that repeats, text that repeats";
  for (const auto codec :
       {AvroCompression::kNull, AvroCompression::kDeflate, AvroCompression::kZstandard, AvroCompression::kSnappy}) {
    EXPECT_EQ(ParseAvroCompression(ToString(codec)), codec);
    const auto packed = Compress(codec, text);
    EXPECT_EQ(Decompress(codec, packed, text.size()), text);
    EXPECT_EQ(packed.size() < text.size(), codec != AvroCompression::kNull);
    EXPECT_EQ(Decompress(codec, Compress(codec, ""), 100), "");
    if (codec == AvroCompression::kNull) continue;
    EXPECT_THROW(Decompress(codec, packed, text.size() - 1), Error);
    auto damaged = packed;
    damaged.back() = static_cast<char>(damaged.back() ^ 1);
    if (codec == AvroCompression::kSnappy) {
      EXPECT_THROW(Decompress(codec, damaged, text.size()), Error);
    }
  }
}

TEST(AvroFileTest, SchemasOfNothingCannotHoldTheReaderUp) {
  const std::string row = R"({"type":"record","name":"row","fields":[{"name":"a","type":)";
  // A billion nulls in ten bytes.
  AvroEncoder nulls;
  nulls.Long(1'000'000'000);
  nulls.Long(0);
  EXPECT_THAT(ErrorOf(WithHeader(row + R"({"type":"array","items":"null"}}]})", "null", std::string(nulls.bytes()), 1)),
              HasSubstr("more empty values"));
  // Sixty doublings of an empty record.
  std::string doubling = R"({"type":"record","name":"r0","fields":[]})";
  for (int i = 1; i <= 25; ++i) {
    doubling = fmt::format(
        R"({{"type":"record","name":"r{0}","fields":[{{"name":"x","type":{1}}},{{"name":"y","type":"r{2}"}}]}})", i,
        doubling, i - 1);
  }
  EXPECT_THAT(ErrorOf(WithHeader(row + doubling + "}]}", "null", "x", 1)), HasSubstr("damaged"));
  // A record that holds itself.
  EXPECT_THAT(ErrorOf(WithHeader(row + "\"row\"}]}", "null", "x", 1)), HasSubstr("nested too deep"));
}

TEST(AvroNameTest, NamesAreSanitisedAsPyicebergDoes) {
  const std::string given = "plain with-dash 9lives a.b _ok day% x9";
  std::vector<std::string> expected;
  std::istringstream lines(judge::Python("avro.py", "names " + given));
  for (std::string line; std::getline(lines, line);) expected.push_back(line);
  std::vector<std::string> actual;
  std::istringstream words(given);
  for (std::string word; words >> word;) actual.push_back(SanitizeAvroName(word));
  EXPECT_EQ(actual, expected);
  EXPECT_EQ(SanitizeAvroName("\xc3\xa9\xf0\x9f\x98\x80"), "_xE9_xD83D_xDE00");  // Java escapes UTF-16 units
  EXPECT_EQ(SanitizeAvroName(""), "_");
}

}  // namespace
}  // namespace millrace::table
