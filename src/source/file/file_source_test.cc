#include "source/file/file_source.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <nlohmann/json.hpp>
#include <sstream>

#include "base/error.h"
#include "contract/source_contract.h"
#include "source/file/test_folder.h"
#include "source/generator/generator_source.h"

namespace millrace::source {
namespace {

using testing::ElementsAre;
using testing::EndsWith;
using testing::HasSubstr;
using testing::IsEmpty;
using testing::StartsWith;

std::string Gzip(const std::string& bytes) { return PackedBy("gzip -c", bytes); }
std::string Zstd(const std::string& bytes) { return PackedBy("zstd -q -c", bytes); }

FileSourceOptions Options(const std::filesystem::path& path) {
  FileSourceOptions options;
  options.name = "files";
  options.paths = {path.native()};
  return options;
}

std::vector<std::string> Records(const FileSourceOptions& options, event::ReadLimits limits = {}) {
  FileSource source(options);
  std::vector<std::string> records;
  for (const auto& record : event::ReadToEnd(source, {}, limits).records) records.push_back(record.bytes);
  return records;
}

/// Rows of text with what breaks readers: quotes, line breaks, escapes, brackets, two-byte letters.
std::vector<nlohmann::ordered_json> Rows(int count) {
  std::vector<nlohmann::ordered_json> rows;
  for (int i = 0; i < count; ++i) {
    rows.push_back({{"id", i},
                    {"text", "a \"quoted\" {[" + std::string(static_cast<size_t>(i % 300), 'x') + "]},\n\\ \xc3\xbc"},
                    {"part", i % 7 == 0 ? nlohmann::ordered_json() : nlohmann::ordered_json("p,")},
                    {"price", i * 0.25}});
  }
  return rows;
}

std::string AsLines(const std::vector<nlohmann::ordered_json>& rows) {
  std::string text;
  for (const auto& row : rows) text += row.dump() + "\n";
  return text;
}

std::string AsCsv(const std::vector<nlohmann::ordered_json>& rows) {
  std::string text = "id,text,part,price\r\n";
  for (const auto& row : rows) {
    std::string quoted;
    for (const char c : row["text"].get<std::string>()) quoted += c == '"' ? "\"\"" : std::string(1, c);
    const auto part = row["part"].is_null() ? std::string() : "\"p,\"";
    text += row["id"].dump() + ",\"" + quoted + "\"," + part + "," + row["price"].dump() + "\r\n";
  }
  return text;
}

TEST(FileSource, KeepsTheContractInEachFormatAndCompression) {
  TestFolder folder;
  const auto rows = Rows(2000);
  const std::vector<std::pair<std::string, std::string>> formats = {
      {"rows.jsonl", AsLines(rows)}, {"array.json", nlohmann::ordered_json(rows).dump(1)}, {"rows.csv", AsCsv(rows)}};
  for (const auto& [name, text] : formats) {
    for (const auto& [ending, bytes] : std::vector<std::pair<std::string, std::string>>{
             {"", text},
             {".gz", Gzip(text.substr(0, 70'000)) + Gzip(text.substr(70'000))},
             {".zst", Zstd(text.substr(0, 70'000)) + Zstd(text.substr(70'000))}}) {
      SCOPED_TRACE(name + ending);
      const auto path = folder.Write(name + ending, bytes);
      auto options = Options(path);
      event::CheckSourceContract([&] { return std::make_unique<FileSource>(options); }, {.bytes_max = 65'536});
      std::vector<nlohmann::ordered_json> read;
      for (const auto& record : Records(options)) read.push_back(nlohmann::ordered_json::parse(record));
      EXPECT_EQ(read, rows);
    }
  }
}

TEST(FileSource, ReadsManyFilesByName) {
  TestFolder folder;
  for (int i = 0; i < 5; ++i) {
    folder.Write("part-" + std::to_string(4 - i) + ".jsonl", AsLines({{{"file", 4 - i}}, {{"file", 4 - i}, {"n", 2}}}));
  }
  const auto options = Options(folder.path() / "part-*.jsonl");
  const auto records = Records(options);
  ASSERT_EQ(records.size(), 10u);
  EXPECT_EQ(records[0], R"({"file":0})");
  EXPECT_EQ(records[9], R"({"file":4,"n":2})");
  event::CheckSourceContract([&] { return std::make_unique<FileSource>(options); }, {});
}

TEST(FileSource, FilesThatBeginAlikeAreTwo) {
  TestFolder folder;
  const auto text = AsLines(Rows(50));
  folder.Write("a.jsonl", text);
  folder.Write("b.jsonl", text + "{\"only\":\"b\"}\n");
  folder.Write("c.jsonl", text);
  EXPECT_EQ(Records(Options(folder.path() / "*.jsonl")).size(), 151u);
}

TEST(FileSource, LinesOfEveryKind) {
  TestFolder folder;
  const std::string nul("{\"n\":\"\0\"}", 9);
  const auto path = folder.Write(
      "x.jsonl", "\xEF\xBB\xBF{\"a\":1}\r\n\n  \t\r\n{\"b\":\"\xff\"}\nno json\n" + nul + "\n{\"last\":true}");
  EXPECT_THAT(Records(Options(path)), ElementsAre("{\"a\":1}", "{\"b\":\"\xff\"}", "no json", nul, "{\"last\":true}"));
}

TEST(FileSource, EmptyFilesHaveNothing) {
  TestFolder folder;
  folder.Write("a.jsonl", "");
  folder.Write("b.csv", "");
  folder.Write("c.json", "[]");
  folder.Write("d.csv", "id,name\n");
  folder.Write("e.jsonl", "\n\n");
  folder.Write("f.jsonl.gz", Gzip(""));
  EXPECT_THAT(Records(Options(folder.path() / "*")), IsEmpty());
}

TEST(FileSource, MissingFileIsSaid) {
  TestFolder folder;
  EXPECT_THROW(Records(Options(folder.path() / "nothing.jsonl")), Error);
  EXPECT_THAT(Records(Options(folder.path() / "*.jsonl")), IsEmpty());
  EXPECT_THAT(Records(Options(folder.path() / "none" / "*.jsonl")), IsEmpty());
  EXPECT_THROW(Records(Options(folder.path())), Error);
}

TEST(FileSource, ArraysWithDamageLoseOnlyIt) {
  TestFolder folder;
  const auto path = folder.Write("x.json", " [ {\"a\":[1,\"]\"]} , nonsense, 5, \"s,]\", null,\n{\"b\":\"\\\"}\"}] ");
  EXPECT_THAT(Records(Options(path)),
              ElementsAre("{\"a\":[1,\"]\"]}", "nonsense", "5", "\"s,]\"", "null", "{\"b\":\"\\\"}\"}"));
  const auto cut = folder.Write("cut.json", "[{\"a\":1},{\"b\":");
  EXPECT_THAT(Records(Options(cut)), ElementsAre("{\"a\":1}", "{\"b\":"));
}

TEST(FileSource, PrettyPrintedDocumentsAreRecords) {
  TestFolder folder;
  const auto path = folder.Write("x.json", "{\n \"a\": 1\n}\n{\n \"a\": 2\n}\n");
  EXPECT_THAT(Records(Options(path)), ElementsAre("{\n \"a\": 1\n}", "{\n \"a\": 2\n}"));
}

TEST(FileSource, HundredMegabyteRecordIsCutAndItsNeighboursStay) {
  TestFolder folder;
  const std::string huge = "{\"x\":\"" + std::string(100'000'000, 'y') + "\"}";
  for (const auto& [name, text] :
       std::vector<std::pair<std::string, std::string>>{{"x.jsonl", "{\"a\":1}\n" + huge + "\n{\"b\":2}\n"},
                                                        {"x.json", "[{\"a\":1},\n" + huge + ",\n{\"b\":2}]"},
                                                        {"x.csv", "x\n1\n" + huge + "\n2\n"}}) {
    SCOPED_TRACE(name);
    auto options = Options(folder.Write(name, text));
    options.record_bytes_max = 1'000'000;
    const auto records = Records(options);
    ASSERT_EQ(records.size(), 3u);
    EXPECT_EQ(records[1].size(), 1'000'001u);
    EXPECT_EQ(records[1], huge.substr(0, 1'000'001));
    EXPECT_EQ(nlohmann::json::parse(records[2]).size(), 1u);
  }
}

TEST(FileSource, WhatIsCutDoesNotDependOnBlocks) {
  TestFolder folder;
  std::string text;
  for (size_t size = 90; size < 260; ++size) text += "{\"x\":\"" + std::string(size, 'y') + "\"}\n";
  auto options = Options(folder.Write("x.jsonl", text));
  options.record_bytes_max = 150;
  const auto big = Records(options, {.bytes_max = 1 << 20});
  EXPECT_EQ(big.size(), 170u);
  for (const auto& record : big) EXPECT_LE(record.size(), 151u);
}

TEST(FileSource, TruncatedGzipGivesWhatWasBeforeAndSaysSoOnce) {
  TestFolder folder;
  const auto rows = Rows(3000);
  for (const auto* packer : {"gzip -c", "zstd -q -c"}) {
    const auto packed = PackedBy(packer, AsLines(rows));
    const auto path = folder.Write("x.jsonl.packed", packed.substr(0, packed.size() / 2));
    auto options = Options(path);
    FileSource source(options);
    const auto seen = event::ReadToEnd(source, {}, {});
    ASSERT_GT(seen.records.size(), 100u);
    for (size_t i = 0; i + 1 < seen.records.size(); ++i) ASSERT_EQ(seen.records[i].bytes, rows[i].dump());
    EXPECT_THAT(seen.records.back().bytes, StartsWith(path.native() + ": cannot be read beyond byte "));
    EXPECT_THAT(seen.records.back().bytes, HasSubstr("data ends in the middle"));

    const auto stand = seen.stands.back().first;
    EXPECT_THAT(event::ReadToEnd(source, stand, {}).records, IsEmpty()) << "it is said once";
    folder.Write("x.jsonl.packed", packed);
    const auto rest = event::ReadToEnd(source, stand, {}).records;
    EXPECT_EQ(seen.records.size() - 1 + rest.size(), rows.size()) << "whole again, it is read on";
    EXPECT_EQ(rest.back().bytes, rows.back().dump());
  }
}

TEST(FileSource, DamagedGzipGivesWhatWasBefore) {
  TestFolder folder;
  auto packed = Gzip(AsLines(Rows(3000)));
  for (size_t i = 0; i < 50; ++i) packed[packed.size() / 2 + i] = static_cast<char>(i * 37);
  const auto records = Records(Options(folder.Write("x.jsonl.gz", packed)));
  ASSERT_GT(records.size(), 100u);
  EXPECT_THAT(records.back(), HasSubstr("its gzip data is damaged"));
}

TEST(FileSource, BombIsNotUnpackedToItsEnd) {
  TestFolder folder;
  const auto zeros = folder.path() / "zeros";
  ASSERT_EQ(std::system(("truncate -s 256M " + zeros.native() + " && zstd -q --rm " + zeros.native()).c_str()), 0);
  auto options = Options(folder.path() / "zeros.zst");
  options.record_bytes_max = 1 << 20;
  const auto records = Records(options);
  ASSERT_EQ(records.size(), 2u);
  EXPECT_EQ(records[0].size(), (1u << 20) + 1);
  EXPECT_THAT(records[1], HasSubstr("as a bomb does"));
}

TEST(FileSource, ChangedBeforeThePositionStops) {
  TestFolder folder;
  const auto text = AsLines(Rows(2000));
  const auto path = folder.Write("x.jsonl", text);
  FileSource source(Options(path));
  const auto seen = event::ReadToEnd(source, {}, {.bytes_max = 100'000});
  auto changed = text;
  changed[text.size() - 100] ^= 1;
  folder.Write("x.jsonl", changed);
  try {
    event::ReadToEnd(source, seen.stands.back().first, {});
    FAIL() << "the change went unnoticed";
  } catch (const Error& error) {
    EXPECT_EQ(error.code(), ErrorCode::kStop);
    EXPECT_THAT(error.what(), HasSubstr("was changed before byte"));
  }
}

TEST(FileSource, RenamedFileGoesOnWhereItWas) {
  TestFolder folder;
  const auto path = folder.Write("app.log", AsLines(Rows(100)));
  FileSource source(Options(folder.path() / "*.log*"));
  const auto stand = event::ReadToEnd(source, {}, {}).stands.back().first;
  std::filesystem::rename(path, folder.path() / "app.log.1");
  folder.Append("app.log.1", "{\"more\":1}\n");
  folder.Write("app.log", "{\"new\":1}\n");
  const auto rest = event::ReadToEnd(source, stand, {}).records;
  ASSERT_EQ(rest.size(), 2u);
  EXPECT_EQ(rest[0].bytes, "{\"new\":1}");
  EXPECT_EQ(rest[1].bytes, "{\"more\":1}");
  EXPECT_EQ(rest[1].split, stand.begin()->first.value());
}

TEST(FileSource, FileThatBeganAgainIsReadFromItsStart) {
  TestFolder folder;
  const auto path = folder.Write("app.log", AsLines(Rows(100)));
  FileSource source(Options(path));
  const auto first = event::ReadToEnd(source, {}, {}).stands.back().first;
  folder.Append("app.log", AsLines(Rows(3)));
  auto stand = event::ReadToEnd(source, first, {}).stands.back().first;
  folder.Write("app.log", AsLines(Rows(100)));
  const auto again = event::ReadToEnd(source, stand, {});
  EXPECT_EQ(again.records.size(), 100u) << "shorter than what was read: begun again";
  EXPECT_EQ(again.stands.back().first.size(), 2u);
  EXPECT_THAT(event::ReadToEnd(source, again.stands.back().first, {}).records, IsEmpty());
}

TEST(FileSource, GrownFileGoesOnAndHalfALineOfABoundedReadIsARecord) {
  TestFolder folder;
  const auto path = folder.Write("x.jsonl", "{\"a\":1}\n");
  FileSource source(Options(path));
  auto seen = event::ReadToEnd(source, {}, {});
  folder.Append("x.jsonl", "{\"a\":2}\n{\"a\":");
  seen = event::ReadToEnd(source, seen.stands.back().first, {});
  ASSERT_EQ(seen.records.size(), 2u);
  EXPECT_EQ(seen.records[0].bytes, "{\"a\":2}");
  EXPECT_EQ(seen.records[1].bytes, "{\"a\":");
  EXPECT_EQ(seen.records[1].offset, 16);
}

TEST(FileSource, PositionOfAnotherProgramStops) {
  TestFolder folder;
  FileSource source(Options(folder.Write("x.jsonl", "{}\n")));
  EXPECT_THROW(source.Seek({{event::SplitId("file:x"), event::Cursor("1")}}), Error);
  EXPECT_NO_THROW(source.Seek({{event::SplitId("topic:x/0"), event::Cursor("1")}}));
}

}  // namespace
}  // namespace millrace::source
