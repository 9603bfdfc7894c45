#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <unistd.h>

#include "base/error.h"
#include "base/hand_clock.h"
#include "contract/source_contract.h"
#include "source/file/file_source.h"
#include "source/file/test_folder.h"

namespace millrace::source {
namespace {

namespace fs = std::filesystem;
using testing::ElementsAre;
using testing::IsEmpty;

/// A source that follows a pattern, and what it gave.
class Follow : public testing::Test {
 protected:
  void Start(const std::string& pattern, const event::Positions& from = {}) {
    FileSourceOptions options;
    options.name = "follow";
    options.paths = {(folder_.path() / pattern).native()};
    options.follow = true;
    source_ = std::make_unique<FileSource>(options, clock_);
    source_->Seek(from);
    positions_ = from;
  }

  /// Everything there is within three seconds of the source's clock.
  std::vector<std::string> Read() {
    std::vector<std::string> records;
    for (int idle = 0; idle < 30;) {
      const auto result = source_->Read({}, std::stop_token());
      EXPECT_NE(result.state, event::ReadState::kExhausted);
      if (!result.batch) {
        ++idle;
        continue;
      }
      auto& at = positions_[result.batch->split];
      EXPECT_EQ(at, result.batch->begin);
      at = result.batch->end;
      for (size_t i = 0; i < result.batch->size(); ++i) records.emplace_back(result.batch->record(i));
    }
    return records;
  }

  /// More than the bytes a renamed file is told by.
  static std::string Lines(const std::string& mark, int count = 10) {
    std::string text;
    for (int i = 0; i < count; ++i) text += mark + std::string(100, '.') + std::to_string(i) + "\n";
    return text;
  }

  TestFolder folder_;
  HandClock clock_;
  std::unique_ptr<FileSource> source_;
  event::Positions positions_;
};

TEST_F(Follow, HalfALineWaitsForItsRest) {
  folder_.Write("a.jsonl", "one\ntw");
  Start("a.jsonl");
  EXPECT_THAT(Read(), ElementsAre("one"));
  folder_.Append("a.jsonl", "o\nthree");
  EXPECT_THAT(Read(), ElementsAre("two"));
  folder_.Append("a.jsonl", "\n");
  EXPECT_THAT(Read(), ElementsAre("three"));
  EXPECT_THAT(Read(), IsEmpty());
}

TEST_F(Follow, HalfALineIsReadAgainByTheNextRun) {
  folder_.Write("a.jsonl", "one\ntw");
  Start("a.jsonl");
  EXPECT_THAT(Read(), ElementsAre("one"));
  folder_.Append("a.jsonl", "o\n");
  Start("a.jsonl", positions_);
  EXPECT_THAT(Read(), ElementsAre("two"));
  EXPECT_EQ(positions_.size(), 1u);
}

TEST_F(Follow, NewFilesAreFound) {
  Start("*.jsonl");
  EXPECT_THAT(Read(), IsEmpty());
  folder_.Write("a.jsonl", "");
  folder_.Write("b.jsonl", "b1\n");
  EXPECT_THAT(Read(), ElementsAre("b1"));
  folder_.Append("a.jsonl", "a1\n");
  folder_.Append("b.jsonl", "b2\n");
  EXPECT_THAT(Read(), testing::UnorderedElementsAre("a1", "b2"));
  EXPECT_EQ(source_->lag().bytes, 0);
}

TEST_F(Follow, RotationByRename) {
  const auto log = folder_.Write("app.log", "1\n");
  Start("app.log");
  EXPECT_THAT(Read(), ElementsAre("1"));
  folder_.Append("app.log", "2\n");
  fs::rename(log, folder_.path() / "old");
  folder_.Append("old", "3\n");
  folder_.Write("app.log", "4\n");
  EXPECT_THAT(Read(), testing::UnorderedElementsAre("2", "3", "4")) << "the old file is read out under its other name";
  folder_.Append("old", "5\n");
  folder_.Append("app.log", "6\n");
  EXPECT_THAT(Read(), testing::UnorderedElementsAre("5", "6"));
}

TEST_F(Follow, RotationWhileNobodyLooked) {
  const auto log = folder_.Write("app.log", Lines("a"));
  Start("app.log*");
  EXPECT_EQ(Read().size(), 10u);
  folder_.Append("app.log", "last of the old\n");
  fs::rename(log, folder_.path() / "app.log.1");
  folder_.Write("app.log", "first of the new\n");
  Start("app.log*", positions_);
  EXPECT_THAT(Read(), testing::UnorderedElementsAre("last of the old", "first of the new"));
}

TEST_F(Follow, RotationByCopyAndCut) {
  folder_.Write("app.log", Lines("a"));
  Start("app.log*");
  EXPECT_EQ(Read().size(), 10u);
  fs::copy_file(folder_.path() / "app.log", folder_.path() / "app.log.1");
  EXPECT_THAT(Read(), IsEmpty()) << "the copy is not read";
  folder_.Write("app.log", "");
  EXPECT_THAT(Read(), IsEmpty()) << "nor is it when the original is empty";
  folder_.Append("app.log", "new\n");
  EXPECT_THAT(Read(), ElementsAre("new"));
  Start("app.log*", positions_);
  EXPECT_THAT(Read(), IsEmpty()) << "nor by the next run";
}

TEST_F(Follow, CutWhileRecordsWereUnreadGoesOnInTheCopy) {
  folder_.Write("app.log", Lines("a"));
  Start("app.log*");
  EXPECT_EQ(Read().size(), 10u);
  folder_.Append("app.log", "unread\n");
  fs::copy_file(folder_.path() / "app.log", folder_.path() / "app.log.1");
  folder_.Write("app.log", "new\n");
  EXPECT_THAT(Read(), testing::UnorderedElementsAre("unread", "new"));
}

TEST_F(Follow, CutAndGrownPastThePlaceIsNoticed) {
  folder_.Write("app.log", Lines("a", 5));
  Start("app.log");
  EXPECT_EQ(Read().size(), 5u);
  folder_.Write("app.log", Lines("b", 50));
  EXPECT_EQ(Read().size(), 50u);
  EXPECT_EQ(positions_.size(), 2u);
}

TEST_F(Follow, CutThenTheSameAgainIsANewFile) {
  folder_.Write("app.log", Lines("a", 5));
  Start("app.log");
  EXPECT_EQ(Read().size(), 5u);
  folder_.Append("app.log", Lines("b", 5));
  EXPECT_EQ(Read().size(), 5u);
  folder_.Write("app.log", Lines("a", 5));
  EXPECT_EQ(Read().size(), 5u);
  Start("app.log", positions_);
  EXPECT_THAT(Read(), IsEmpty());
  folder_.Append("app.log", "more\n");
  EXPECT_THAT(Read(), ElementsAre("more"));
}

TEST_F(Follow, DeletedFileIsReadOut) {
  const auto path = folder_.Write("a.jsonl", "1\n");
  Start("*.jsonl");
  EXPECT_THAT(Read(), ElementsAre("1"));
  folder_.Append("a.jsonl", "2\nhalf");
  fs::remove(path);
  EXPECT_THAT(Read(), ElementsAre("2", "half"));
  folder_.Write("a.jsonl", "3\n");
  EXPECT_THAT(Read(), ElementsAre("3"));
}

TEST_F(Follow, ChangeBeforeThePlaceStops) {
  auto text = Lines("a", 2000);  // longer than the bytes that tell which file it is
  const auto path = folder_.Write("a.jsonl", text);
  Start("a.jsonl");
  EXPECT_EQ(Read().size(), 2000u);
  text[text.size() - 50] = '!';
  folder_.Write("a.jsonl", text + "more\n");
  EXPECT_THROW(Read(), Error);
}

TEST_F(Follow, GzipMembersAreAppended) {
  folder_.Write("a.jsonl.gz", PackedBy("gzip -c", "1\n2\n"));
  Start("a.jsonl.gz");
  EXPECT_THAT(Read(), ElementsAre("1", "2"));
  const auto member = PackedBy("gzip -c", "3\n");
  folder_.Append("a.jsonl.gz", member.substr(0, 12));
  EXPECT_THAT(Read(), IsEmpty());
  folder_.Append("a.jsonl.gz", member.substr(12));
  EXPECT_THAT(Read(), ElementsAre("3"));
}

TEST_F(Follow, CsvWaitsForItsFirstRow) {
  folder_.Write("a.csv", "id,na");
  Start("a.csv");
  EXPECT_THAT(Read(), IsEmpty());
  folder_.Append("a.csv", "me\n1,\"a\nb");
  EXPECT_THAT(Read(), IsEmpty());
  folder_.Append("a.csv", "\"\n2,c\n");
  EXPECT_THAT(Read(), ElementsAre(R"({"id":1,"name":"a\nb"})", R"({"id":2,"name":"c"})"));
}

}  // namespace
}  // namespace millrace::source
