#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cstdlib>
#include <fstream>
#include <set>
#include <sstream>
#include <thread>

#include "base/error.h"
#include "base/fault.h"
#include "contract/stream_records.h"
#include "fault/power_cut_vfs.h"
#include "judge/python.h"
#include "stream/embedded/embedded_stream.h"

namespace millrace::stream {
namespace {

using contract::Drain;
using contract::MakeBatch;
using contract::Numbered;

constexpr int kAppends = 24;
constexpr int kRecords = 5;  // an append

int64_t Setting(const char* name) {
  const char* text = std::getenv(name);
  return text == nullptr ? 0 : std::atoll(text);
}

event::ProducerPosition FromTo(int append) {
  const auto cursor = [](int n) { return n == 0 ? event::kStart : event::Cursor(std::to_string(n)); };
  return {"driver", event::SplitId("file:driver"), cursor(append), cursor(append + 1)};
}

int NextAppend(event::Stream& stream) {
  const auto positions = stream.ProducerPositions("driver");
  return positions.empty() ? 0 : std::stoi(positions.begin()->second.value());
}

/// Goes on where the stream stands, notes in `<folder>/acknowledged` each append that returned, and uses everything
/// else that writes on the way.
void RunWorkload(const std::string& folder, const std::string& vfs) {
  EmbeddedStream stream(
      {.path = folder + "/stream.db", .checkpoint_bytes = 64 << 10, .segment_bytes = 1 << 10, .vfs = vfs});
  const auto topic = stream.EnsureTopic({.name = "t", .retention_age = std::chrono::hours(1)});
  auto reader = stream.OpenReader("t", "r");
  std::ofstream acknowledged(folder + "/acknowledged", std::ios::app);
  for (int i = NextAppend(stream); i < kAppends; ++i) {
    if (stream.Append({"t", MakeBatch(Numbered(i * kRecords, kRecords)), FromTo(i), {}}) !=
        event::AppendOutcome::kAppended) {
      throw Error(ErrorCode::kInternal, "fenced");
    }
    acknowledged << i << std::endl;
    if (i % 8 != 7) continue;
    stream.EnsureTopic({.name = "passing"});
    stream.Append({"passing", MakeBatch({"x"}), {}, "key"});
    stream.DeleteTopic("passing");
    // Nothing is acknowledged past the start, so that retention may not take anything.
    reader->Acknowledge({{event::TopicSplit(topic.id, 0), event::kStart}});
    stream.EnforceRetention(Clock::System().Now());
  }
}

int LastAcknowledged(const std::string& folder) {
  std::ifstream in(folder + "/acknowledged");
  int last = -1;
  for (int i = 0; in >> i;) last = i;
  return last;
}

/// What was acknowledged is there, once, and the producer's position says exactly what is there.
void CheckStream(const std::string& folder) {
  EmbeddedStream stream({.path = folder + "/stream.db"});
  const int landed = NextAppend(stream);
  EXPECT_GT(landed, LastAcknowledged(folder));
  if (landed == 0) return;
  auto reader = stream.OpenReader("t", "");
  const auto drained = Drain(*reader, static_cast<size_t>(landed * kRecords));
  EXPECT_EQ(drained.by_partition.at(0), Numbered(0, landed * kRecords));
  EXPECT_EQ(stream.FindTopic("t")->partitions[0].next_offset, landed * kRecords);
}

/// Not tests: what the tests below run in processes of their own.
TEST(StreamChild, DISABLED_Workload) {
  const bool cut = std::getenv("STREAM_VFS") != nullptr;
  if (cut) {
    fault::PowerCutDisk::Get().Install({.cut_at = Setting("STREAM_CUT_AT"),
                                        .seed = static_cast<uint64_t>(Setting("STREAM_SEED")),
                                        .fail_sync_at = Setting("STREAM_FAIL_SYNC_AT"),
                                        .full_at = Setting("STREAM_FULL_AT")});
  }
  try {
    RunWorkload(std::getenv("STREAM_FOLDER"), cut ? fault::kPowerCutVfs : "");
  } catch (const Error& error) {
    std::fprintf(stderr, "%s\n", error.what());
    ::_exit(error.code() == ErrorCode::kStop ? 70 : 71);
  }
  ::_exit(0);
}

TEST(StreamChild, DISABLED_Tail) {
  const std::string folder = std::getenv("STREAM_FOLDER");
  EmbeddedStream stream({.path = folder + "/stream.db"});
  auto reader = stream.OpenReader("t", "");
  const auto drained = Drain(*reader, kAppends * kRecords);
  ::_exit(drained.by_partition.at(0) == Numbered(0, kAppends * kRecords) ? 0 : 1);
}

std::string ChildCommand(const std::string& child, const std::string& folder, const std::string& settings) {
  return "STREAM_FOLDER=" + folder + " " + settings + " " + std::filesystem::read_symlink("/proc/self/exe").string() +
         " --gtest_also_run_disabled_tests --gtest_filter=StreamChild.DISABLED_" + child + " >/dev/null 2>" + folder +
         "/err";
}

int RunChild(const std::string& folder, const std::string& settings) {
  const int status = std::system(ChildCommand("Workload", folder, settings).c_str());
  return WIFEXITED(status) ? WEXITSTATUS(status) : -1;
}

std::string NewFolder(const judge::Folder& parent, const std::string& name) {
  const auto path = parent.path() / name;
  std::filesystem::create_directories(path);
  return path.string();
}

TEST(StreamDurabilityTest, ACrashAtEveryPointLosesAndDoublesNothing) {
  const judge::Folder parent;
  const auto clean = NewFolder(parent, "clean");
  ASSERT_EQ(RunChild(clean, "MILLRACE_FAULT_LOG=" + parent.File("points")), 0) << judge::Slurp(clean + "/err");
  CheckStream(clean);
  std::istringstream points(judge::Slurp(parent.File("points")));
  std::set<std::string> fired;
  for (std::string point; std::getline(points, point);) {
    for (int pass = 1;; pass += pass < 3 ? 1 : 13) {
      const auto folder = NewFolder(parent, point + std::to_string(pass));
      const int status = RunChild(folder, "MILLRACE_FAULT=" + point + ":" + std::to_string(pass));
      ASSERT_TRUE(status == 0 || status == kFaultExitStatus) << point << ":" << pass << " " << status;
      if (status == 0) break;
      fired.insert(point);
      CheckStream(folder);
      ASSERT_EQ(RunChild(folder, ""), 0) << judge::Slurp(folder + "/err");
      CheckStream(folder);
    }
  }
  EXPECT_EQ(fired,
            (std::set<std::string>{
                "stream.before_create", "stream.after_create", "stream.before_append", "stream.after_append",
                "stream.before_journal_sync", "stream.before_commit", "stream.after_commit", "stream.before_clean",
                "stream.after_clean", "stream.before_remove_segment", "stream.before_checkpoint",
                "stream.after_checkpoint", "stream.before_acknowledge", "stream.after_acknowledge",
                "stream.before_delete_topic", "stream.after_delete_topic", "stream.before_trim", "stream.after_trim"}));
}

TEST(StreamDurabilityTest, ACrashWhileTheJournalIsReadAgainLosesAndDoublesNothing) {
  const judge::Folder parent;
  for (const char* point : {"stream.before_recover", "stream.after_recover"}) {
    const auto folder = NewFolder(parent, point);
    // The entry is in the journal and not in stream.db.
    ASSERT_EQ(RunChild(folder, "MILLRACE_FAULT=stream.before_commit:9"), kFaultExitStatus);
    ASSERT_EQ(RunChild(folder, "MILLRACE_FAULT=" + std::string(point) + ":1"), kFaultExitStatus);
    CheckStream(folder);
    ASSERT_EQ(RunChild(folder, ""), 0) << judge::Slurp(folder + "/err");
    CheckStream(folder);
  }
}

TEST(StreamDurabilityTest, APowerCutAtAnyWriteLosesNothingAcknowledged) {
  const judge::Folder parent;
  int cuts = 0;
  bool through = false;
  for (int64_t at = 1; !through; at += at < 40 ? 1 : 11) {
    const auto folder = NewFolder(parent, std::to_string(at));
    const int status = RunChild(
        folder, "STREAM_VFS=1 STREAM_SEED=" + std::to_string(at * 31) + " STREAM_CUT_AT=" + std::to_string(at));
    through = status == 0;
    ASSERT_TRUE(through || status == fault::kPowerCutStatus) << at << " " << status << judge::Slurp(folder + "/err");
    cuts += through ? 0 : 1;
    CheckStream(folder);
    if (testing::Test::HasFailure()) FAIL() << "cut at " << at;
  }
  EXPECT_GT(cuts, 30);
}

TEST(StreamDurabilityTest, WhatADeadProcessLeftInTheJournalIsWrittenOver) {
  const judge::Folder parent;
  const auto folder = NewFolder(parent, "two");
  auto living = std::make_unique<EmbeddedStream>(EmbeddedStreamOptions{.path = folder + "/stream.db"});
  living->EnsureTopic({.name = "living"});
  for (const char* point : {"stream.before_commit:5", "stream.before_journal_sync:7", "stream.before_commit:6"}) {
    ASSERT_EQ(RunChild(folder, std::string("MILLRACE_FAULT=") + point), kFaultExitStatus);
    living->Append({"living", MakeBatch({point}), {}, {}});
  }
  living.reset();
  CheckStream(folder);
  ASSERT_EQ(RunChild(folder, ""), 0) << judge::Slurp(folder + "/err");
  CheckStream(folder);
  EmbeddedStream stream({.path = folder + "/stream.db"});
  EXPECT_EQ(Drain(*stream.OpenReader("living", ""), 3).count, 3U);
}

TEST(StreamDurabilityTest, ASyncThatFailsEndsTheProcess) {
  const judge::Folder parent;
  for (const int64_t at : {5, 12}) {
    const auto folder = NewFolder(parent, std::to_string(at));
    EXPECT_EQ(RunChild(folder, "STREAM_VFS=1 STREAM_FAIL_SYNC_AT=" + std::to_string(at)), 1);
    EXPECT_THAT(judge::Slurp(folder + "/err"), testing::HasSubstr("stopping at once"));
    CheckStream(folder);
    EXPECT_EQ(RunChild(folder, ""), 0);
    CheckStream(folder);
  }
}

TEST(StreamDurabilityTest, AFullDiskIsAnErrorThatSaysSo) {
  const judge::Folder parent;
  // Writes of the journal and of SQLite's log take turns.
  for (int64_t at = 45; at < 75; at += 2) {
    const auto folder = NewFolder(parent, std::to_string(at));
    EXPECT_EQ(RunChild(folder, "STREAM_VFS=1 STREAM_FULL_AT=" + std::to_string(at)), 70);
    EXPECT_THAT(judge::Slurp(folder + "/err"), testing::HasSubstr("the disk is full; free some space"));
    CheckStream(folder);
    {
      EmbeddedStream stream({.path = folder + "/stream.db"});
      EXPECT_EQ(NextAppend(stream), LastAcknowledged(folder) + 1) << "what was refused came back, " << at;
    }
    EXPECT_EQ(RunChild(folder, ""), 0);
    CheckStream(folder);
  }
}

TEST(StreamDurabilityTest, AnotherProcessTailsWhatThisOneAppends) {
  const judge::Folder parent;
  const auto folder = NewFolder(parent, "two");
  EmbeddedStream stream({.path = folder + "/stream.db"});
  stream.EnsureTopic({.name = "t"});
  int status = -1;
  {
    std::jthread tail([&] { status = std::system(ChildCommand("Tail", folder, "").c_str()); });
    for (int i = 0; i < kAppends; ++i) stream.Append({"t", MakeBatch(Numbered(i * kRecords, kRecords)), {}, {}});
  }
  EXPECT_EQ(status, 0) << judge::Slurp(folder + "/err");
}

}  // namespace
}  // namespace millrace::stream
