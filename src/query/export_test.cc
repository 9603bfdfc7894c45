#include "query/export.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <map>

#include "query/test_lake.h"

namespace millrace::query {
namespace {

using ::testing::HasSubstr;

/// Files that are only there when they are finished.
class ExportTest : public TestLake {
 protected:
  class File final : public ExportFile {
   public:
    File(std::string path, int64_t* open) : path_(std::move(path)), open_(open) { ++*open_; }
    ~File() override { --*open_; }
    void Write(std::string_view bytes) override {
      if (bytes_.size() + bytes.size() > 50'000'000) throw Error(ErrorCode::kUnavailable, "this disk is full");
      bytes_ += bytes;
    }
    void Finish() && override { judge::Spill(path_, bytes_); }

   private:
    const std::string path_;
    int64_t* open_;
    std::string bytes_;
  };

  ExportStats Write(const std::string& sql, ExportOptions options) {
    const auto result = engine_.Run(sql, {}, {});
    for (const auto& file : files_) std::filesystem::remove(file);
    files_.clear();
    return Export(
        *result, options,
        [&](int64_t part) {
          EXPECT_EQ(open_, 0) << "one file at a time";
          files_.push_back(out_.File("part" + std::to_string(part)));
          return std::make_unique<File>(files_.back(), &open_);
        },
        [](const ExportStats&) {});
  }

  std::string WhyNot(const std::string& sql, const ExportOptions& options) {
    try {
      Write(sql, options);
    } catch (const Error& error) {
      return error.what();
    }
    return "no error";
  }

  judge::Folder out_;
  int64_t open_ = 0;
  std::vector<std::string> files_;
};

TEST_F(ExportTest, PartsEndAtTheirSizeAndHoldEveryRowOnce) {
  const std::string sql = "SELECT range AS i, md5(range::VARCHAR) AS t FROM range(200000) ORDER BY i";
  for (const auto format : {OutputFormat::kParquet, OutputFormat::kCsv, OutputFormat::kJsonLines, OutputFormat::kJson,
                            OutputFormat::kArrow}) {
    SCOPED_TRACE(static_cast<int>(format));
    const auto stats = Write(sql, {.format = format, .part_bytes = 1'000'000, .print = {.group_bytes = 400'000}});
    EXPECT_EQ(stats.rows, 200000);
    EXPECT_GE(stats.files, 4);
    ASSERT_EQ(files_.size(), static_cast<size_t>(stats.files));
    int64_t bytes = 0;
    for (const auto& file : files_) {
      const auto size = static_cast<int64_t>(judge::Slurp(file).size());
      EXPECT_LT(size, 1'600'000);
      EXPECT_TRUE(size > 400'000 || file == files_.back()) << file;
      bytes += size;
    }
    EXPECT_EQ(bytes, stats.bytes);
    judge::Python("export_files.py", fmt::format("{} {}", static_cast<int>(format), fmt::join(files_, " ")));
  }
}

TEST_F(ExportTest, AnEmptyResultIsOneFileAndAFailureNone) {
  EXPECT_EQ(Write("SELECT 1 AS a WHERE false", {.format = OutputFormat::kCsv, .part_bytes = 1}).files, 1);
  EXPECT_EQ(judge::Slurp(files_.at(0)), "a\r\n");
  EXPECT_THAT(WhyNot("SELECT CAST(CASE WHEN range = 90000 THEN 'x' ELSE '1' END AS INT) FROM range(100000)",
                     {.format = OutputFormat::kCsv}),
              HasSubstr("Could not convert"));
  EXPECT_EQ(open_, 0);
  EXPECT_THAT(WhyNot("SELECT repeat('x', 1000000) FROM range(100)", {.format = OutputFormat::kCsv}),
              "this disk is full");
  EXPECT_THAT(WhyNot("SELECT md5(range::VARCHAR) || range FROM range(3000000)", {.format = OutputFormat::kParquet}),
              "this disk is full");
  for (const auto& file : files_) EXPECT_EQ(judge::Slurp(file), "");
}

TEST_F(ExportTest, AWorkbookSaysWhereItEnds) {
  const auto why = WhyNot("SELECT 'x' AS short, repeat('ö', 32768) AS long", {.format = OutputFormat::kXlsx});
  EXPECT_THAT(why, HasSubstr("row 1, column long: 32768 characters, and a cell of a sheet has at most 32767"));
  EXPECT_THAT(why, HasSubstr("csv, parquet and jsonl"));
  EXPECT_EQ(Write("SELECT repeat('ö', 32767) AS long", {.format = OutputFormat::kXlsx}).rows, 1);
  EXPECT_THAT(WhyNot("SELECT repeat('🎉', 16384) AS long", {.format = OutputFormat::kXlsx}),
              HasSubstr("32768 characters"));
}

TEST_F(ExportTest, FullSheetsGoOnInTheNextFile) {
  const auto stats =
      Write("SELECT true AS n FROM range(1048580)", {.format = OutputFormat::kXlsx, .part_bytes = 1 << 30});
  EXPECT_EQ(stats.files, 2);
  EXPECT_EQ(stats.rows, 1048580);
  judge::Python("export_files.py", fmt::format("rows 1048575 5 {}", fmt::join(files_, " ")));
}

}  // namespace
}  // namespace millrace::query
