#include "land/files_sink.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cstdlib>
#include <fstream>
#include <nlohmann/json.hpp>
#include <set>
#include <sstream>

#include "base/error.h"
#include "base/fault.h"
#include "base/random.h"
#include "event/stream.h"
#include "io/fault_store.h"
#include "io/local_object_store.h"
#include "judge/python.h"
#include "land/files_json_check.h"
#include "land/topic_batch.h"
#include "long_tests.h"

namespace millrace::land {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;

Timestamp At(const char* text) { return ParseTimestamp(text).value(); }

std::vector<std::string> Numbered(int64_t first, int64_t count) {
  std::vector<std::string> records;
  for (int64_t i = first; i < first + count; ++i) records.push_back("{\"n\":" + std::to_string(i) + "}");
  return records;
}

/// Rejected offsets kept in a file, as durable and as repeatable as the quarantine table is.
class FileRejects final : public Rejects {
 public:
  explicit FileRejects(std::string path) : path_(std::move(path)) {}
  void Recover(const event::Positions&) override {
    pending_.clear();
    held_ = Kept(path_);
  }
  void Add(const event::EventBatch& events, const std::vector<event::Reject>& rejects) override {
    for (const auto& reject : rejects) {
      auto line = events.split.value() + " " + std::to_string(events.offset(reject.record)) + " " +
                  std::string(event::ToString(reject.cause));
      if (held_.insert(line).second) pending_.push_back(std::move(line));
    }
  }
  std::optional<event::RejectCause> Holds(const event::SplitId&, int64_t) const override { return std::nullopt; }
  bool holds_any() const override { return false; }
  void AddGap(const event::EventBatch& events) override {
    auto line = events.split.value() + " " + std::to_string(events.gap->first_offset) + " gap to " +
                std::to_string(events.gap->end_offset);
    if (held_.insert(line).second) pending_.push_back(std::move(line));
  }
  bool Commit(const event::Positions&, const event::Positions&, std::stop_token) override {
    std::string text;
    for (const auto& line : pending_) text += line + "\n";
    std::ofstream(path_, std::ios::app) << text << std::flush;
    pending_.clear();
    return true;
  }
  void Drop() override { pending_.clear(); }

  static std::set<std::string> Kept(const std::string& path) {
    std::set<std::string> kept;
    std::ifstream in(path);
    for (std::string line; std::getline(in, line);) EXPECT_TRUE(kept.insert(line).second) << "kept twice: " << line;
    return kept;
  }

 private:
  std::string path_;
  std::set<std::string> held_;
  std::vector<std::string> pending_;
};

class FilesSinkTest : public testing::Test {
 protected:
  FilesSinkOptions Options(FilesCompression compression = FilesCompression::kNone) {
    return {.pipeline = "p", .encoding = {.prefix = "bronze/t", .compression = compression}};
  }
  std::unique_ptr<FilesSink> Open(FilesSinkOptions options) {
    return std::make_unique<FilesSink>(faulty_, std::move(options), budget_, &rejects_);
  }
  std::vector<std::string> Keys(const std::string& suffix) {
    std::vector<std::string> keys;
    store_->List("", "", [&](const io::ObjectInfo& object) {
      if (object.key.ends_with(suffix)) keys.push_back(object.key);
      return true;
    });
    return keys;
  }
  std::vector<std::string> Lines(const std::string& key) {
    std::istringstream in(store_->Get(key).value());
    std::vector<std::string> lines;
    for (std::string line; std::getline(in, line);) lines.push_back(line);
    return lines;
  }
  nlohmann::json Judged() { return nlohmann::json::parse(judge::Python("json_lines.py", folder_.path().string())); }

  judge::Folder folder_;
  std::unique_ptr<io::LocalObjectStore> store_ = io::LocalObjectStore::Open(folder_.path() / "lake");
  io::FaultStore faulty_{*store_};
  ByteBudget budget_{int64_t{64} << 20};
  FileRejects rejects_{folder_.File("rejects")};
};

TEST_F(FilesSinkTest, WritesLinesUnderTheHourOfArrival) {
  auto sink = Open(Options());
  EXPECT_TRUE(sink->Recover().empty());
  auto batch = std::make_shared<event::EventBatch>(
      *TopicBatch(3, 0, {"{\"a\": 1}", " {\n\"b\":\r\n2 }\t", "{}", "[1,\n2]", "7", "", "nope"},
                  {"k\"1", "", "", "\xFF", "", "", ""}));
  batch->timestamps.assign(7, batch->ingested_at);
  batch->timestamps[0] = At("2026-01-01T00:00:00.000001Z");
  sink->Write(batch);
  EXPECT_EQ(sink->Commit({}), event::CommitOutcome::kCommitted);
  EXPECT_EQ(sink->positions().at(batch->split), event::OffsetCursor(7));

  const auto keys = Keys(".jsonl");
  ASSERT_EQ(keys.size(), 1U);
  EXPECT_THAT(keys[0], testing::StartsWith("bronze/t/2026/01/02/03/t-3-00000000000000000000-"));
  const std::string arrival = "\"_ingested_at\":\"2026-01-02T03:59:59.900000Z\"";
  const std::string both = "\"_event_time\":\"2026-01-02T03:59:59.900000Z\"," + arrival;
  EXPECT_THAT(
      Lines(keys[0]),
      ElementsAre("{\"_topic\":\"t\",\"_partition\":3,\"_offset\":0,\"_event_time\":\"2026-01-01T00:00:00.000001Z\"," +
                      arrival + ",\"_key\":\"k\\\"1\",\"a\": 1}",
                  "{\"_topic\":\"t\",\"_partition\":3,\"_offset\":1," + both + ",\"_key\":null, \"b\":  2 }",
                  "{\"_topic\":\"t\",\"_partition\":3,\"_offset\":2," + both + ",\"_key\":null}",
                  "{\"_topic\":\"t\",\"_partition\":3,\"_offset\":3," + both +
                      ",\"_key\":null,\"_key_base64\":\"/w==\",\"_value\":[1, 2]}",
                  "{\"_topic\":\"t\",\"_partition\":3,\"_offset\":4," + both + ",\"_key\":null,\"_value\":7}"));
  const auto counts = sink->counts();
  EXPECT_EQ(counts.records, 7U);
  EXPECT_EQ(counts.rows, 5U);
  EXPECT_EQ(counts.blank, 1U);
  EXPECT_EQ(counts.rejected.at(event::RejectCause::kMalformed), 1U);
  EXPECT_EQ(FileRejects::Kept(folder_.File("rejects")).size(), 1U);
  EXPECT_EQ(sink->Commit({}), event::CommitOutcome::kNothing);
}

TEST_F(FilesSinkTest, MembersOfARecordThatAreCalledLikeOursGetAnUnderscoreMore) {
  auto sink = Open(Options());
  sink->Recover();
  sink->Write(TopicBatch(0, 0,
                         {R"({"_topic":"mine","in":{"_offset":1,"a":["_key"]},"_offset" : {"_topic":2}})",
                          R"({"_key":1,"__key":2,"\u005ftop\u0069c":"\"_value\":","_Value":[{"_value":3}],"n":1e400})",
                          R"({"_links":1,"a_topic":2,"_topics":3,"x":"_topic","y":{"_topic":"{\"_key\":1,"}})"}));
  sink->Commit({});
  const auto lines = Lines(Keys(".jsonl").at(0));
  ASSERT_EQ(lines.size(), 3U);
  EXPECT_THAT(lines[0],
              testing::EndsWith(R"(,"__topic":"mine","in":{"_offset":1,"a":["_key"]},"__offset" : {"_topic":2}})"));
  EXPECT_THAT(lines[1],
              testing::EndsWith(
                  R"(,"___key":1,"__key":2,"_\u005ftop\u0069c":"\"_value\":","__Value":[{"_value":3}],"n":1e400})"));
  EXPECT_THAT(lines[2],
              testing::EndsWith(R"(,"_links":1,"a_topic":2,"_topics":3,"x":"_topic","y":{"_topic":"{\"_key\":1,"}})"));
  EXPECT_EQ(Judged()["rows"], 3);
}

TEST_F(FilesSinkTest, KeepsNumbersOfAnySizeAndRejectsWhatIsNoJson) {
  auto sink = Open(Options());
  sink->Recover();
  const std::string deep = std::string(2000, '[') + std::string(2000, ']');
  sink->Write(TopicBatch(0, 0,
                         {"{\"n\":12345678901234567890123456789012345678901234567890}", "{\"n\":1e400}", "{\"n\":-0}",
                          "\xEF\xBB\xBF{\"bom\":1}", "{\"n\":1e400,}", "{\"n\":NaN}", "{\"s\":\"\xFF\"}",
                          "{\"s\":\"\\ud800\"}", "{\"n\":1} {\"n\":2}", deep, "{\"n\":"}));
  sink->Commit({});
  EXPECT_EQ(sink->counts().rows, 4U);
  EXPECT_EQ(sink->counts().rejected.at(event::RejectCause::kInvalidUtf8), 1U);
  EXPECT_EQ(sink->counts().rejected.at(event::RejectCause::kTooDeep), 1U);
  EXPECT_EQ(sink->counts().rejected.at(event::RejectCause::kMalformed), 5U);
  EXPECT_EQ(Judged()["rows"], 4);
}

TEST_F(FilesSinkTest, WhatIsNoJsonGoesToFilesOfItsOwn) {
  auto options = Options();
  options.encoding.error_path = "_errors/{cause}/{ingested:%Y-%m-%d}";
  const std::vector<std::string> records{"{\"n\":1}", "nope", "{\"s\":\"\xFF\"}", "{\"n\":2}", "{\"n\":"};
  // A crash after the plan and its first object; what is made again is the same.
  {
    auto sink = Open(options);
    sink->Recover();
    sink->Write(TopicBatch(0, 0, records));
    EXPECT_EQ(sink->Commit({}), event::CommitOutcome::kCommitted);
    EXPECT_EQ(sink->counts().rows, 2U);
    EXPECT_EQ(sink->counts().rejected.at(event::RejectCause::kMalformed), 2U);
  }
  const auto malformed = Keys(".jsonl").at(2);
  EXPECT_THAT(malformed, testing::StartsWith("bronze/t/_errors/malformed/2026-01-02/"));
  const auto was = store_->Get(malformed);
  store_->Delete(malformed);
  auto changed = Options();  // without an error path: the plan says what it was
  auto sink = Open(changed);
  sink->Recover();
  sink->Write(TopicBatch(0, 0, records));
  EXPECT_EQ(sink->Commit({}), event::CommitOutcome::kCommitted);
  EXPECT_EQ(store_->Get(malformed), was);

  ASSERT_EQ(Keys(".jsonl").size(), 3U);
  EXPECT_THAT(Keys(".jsonl")[1], testing::StartsWith("bronze/t/_errors/invalid_utf8/2026-01-02/"));
  const auto lines = Lines(malformed);
  ASSERT_EQ(lines.size(), 2U);
  const auto refused = nlohmann::json::parse(lines[0]);
  EXPECT_EQ(refused["_offset"], 1);
  EXPECT_EQ(refused["_error"], "malformed");
  EXPECT_NE(refused["_error_detail"], "");
  EXPECT_EQ(refused["_record_base64"], "bm9wZQ==");
  EXPECT_EQ(nlohmann::json::parse(Lines(Keys(".jsonl")[1]).at(0))["_record_base64"], "eyJzIjoi/yJ9");
  EXPECT_TRUE(FileRejects::Kept(folder_.File("rejects")).empty());
}

TEST_F(FilesSinkTest, PythonReadsEveryCompression) {
  for (const auto compression : {FilesCompression::kNone, FilesCompression::kGzip, FilesCompression::kZstd}) {
    auto options = Options(compression);
    options.encoding.prefix = ToString(compression);
    auto sink = Open(options);
    sink->Recover();
    for (int i = 0; i < 5; ++i) sink->Write(TopicBatch(0, i * 5000, Numbered(i * 5000, 5000)));
    EXPECT_EQ(sink->Commit({}), event::CommitOutcome::kCommitted);
    const auto judged = nlohmann::json::parse(
        judge::Python("json_lines.py", (folder_.path() / "lake" / options.encoding.prefix).string()));
    EXPECT_EQ(judged["rows"], 25'000);
    EXPECT_EQ(judged["distinct"], 25'000);
    EXPECT_EQ(judged["first"]["n"], 0);
  }
}

TEST_F(FilesSinkTest, TheCutIntoBatchesDoesNotShow) {
  std::vector<std::string> contents;
  for (const int64_t size : {1, 7, 3000}) {
    auto options = Options(FilesCompression::kGzip);
    options.encoding.prefix = "cut" + std::to_string(size);
    options.encoding.path = "{event:%d}";
    options.encoding.file_bytes = 100'000;
    options.encoding.open_files_max = 2;
    auto sink = Open(options);
    sink->Recover();
    for (int64_t first = 0; first < 3000; first += size) {
      auto batch =
          std::make_shared<event::EventBatch>(*TopicBatch(0, first, Numbered(first, std::min(size, 3000 - first))));
      for (size_t i = 0; i < batch->size(); ++i) {
        batch->timestamps.push_back(At("2026-01-01T00:00:00Z") +
                                    std::chrono::hours(24 * ((first + static_cast<int64_t>(i)) / 500 % 3)));
      }
      sink->Write(batch);
    }
    sink->Commit({});
    std::string content;
    for (const auto& key : Keys(".gz")) {
      if (key.starts_with(options.encoding.prefix + "/"))
        content += key.substr(key.find('/')) + store_->Get(key).value();
    }
    contents.push_back(content);
  }
  EXPECT_EQ(contents[0], contents[1]);
  EXPECT_EQ(contents[0], contents[2]);
  EXPECT_EQ(Judged()["distinct"], 3000);
  EXPECT_EQ(Judged()["rows"], 9000);
}

TEST_F(FilesSinkTest, OfTwoWorkersAtOneStartOneGivesWay) {
  auto one = Open(Options());
  auto two = Open(Options());
  one->Recover();
  two->Recover();
  one->Write(TopicBatch(0, 0, Numbered(0, 10)));
  two->Write(TopicBatch(0, 0, Numbered(0, 6)));
  EXPECT_EQ(one->Commit({}), event::CommitOutcome::kCommitted);
  EXPECT_EQ(two->Commit({}), event::CommitOutcome::kConflict);
  const auto positions = two->Recover();
  EXPECT_EQ(positions.begin()->second, event::OffsetCursor(10));
  two->Write(TopicBatch(0, 10, Numbered(10, 5)));
  EXPECT_EQ(two->Commit({}), event::CommitOutcome::kCommitted);
  EXPECT_EQ(Judged()["rows"], 15);
  EXPECT_EQ(Judged()["distinct"], 15);
}

TEST_F(FilesSinkTest, LostAnswersAreAskedForAgain) {
  using Effect = io::StoreFault::Effect;
  auto sink = Open(Options());
  sink->Recover();
  sink->Write(TopicBatch(0, 0, Numbered(0, 10)));
  faulty_.Inject({.call = io::StoreCall::kPut, .effect = Effect::kLandThenFail, .key_contains = ".plan"});
  faulty_.Inject({.call = io::StoreCall::kPut, .effect = Effect::kFail, .key_contains = ".plan"});
  faulty_.Inject({.call = io::StoreCall::kPut, .effect = Effect::kLandThenFail, .key_contains = ".jsonl"});
  EXPECT_EQ(sink->Commit({}), event::CommitOutcome::kCommitted);
  EXPECT_EQ(faulty_.fired(), 3);
  EXPECT_EQ(Judged()["rows"], 10);
}

TEST_F(FilesSinkTest, AStopWhileTheStoreIsAwayKeepsEverything) {
  auto sink = Open(Options());
  sink->Recover();
  sink->Write(TopicBatch(0, 0, Numbered(0, 10)));
  faulty_.Inject({.call = io::StoreCall::kPut, .effect = io::StoreFault::Effect::kFail, .times = 1'000'000});
  std::stop_source stop;
  stop.request_stop();
  EXPECT_THROW(sink->Commit(stop.get_token()), Error);
  faulty_.Clear();
  EXPECT_EQ(sink->Commit({}), event::CommitOutcome::kCommitted);
  EXPECT_EQ(Judged()["rows"], 10);
}

TEST_F(FilesSinkTest, SomebodyElsesObjectStops) {
  auto sink = Open(Options());
  sink->Recover();
  sink->Write(TopicBatch(0, 0, Numbered(0, 10)));
  sink->Commit({});
  const auto key = Keys(".jsonl").at(0);
  const auto plan = Keys(".plan").at(0);
  store_->Delete(plan);
  store_->Delete(key);
  store_->PutIfAbsent(key, "something else");
  auto again = Open(Options());
  again->Recover();
  again->Write(TopicBatch(0, 0, Numbered(0, 10)));
  try {
    again->Commit({});
    FAIL();
  } catch (const Error& error) {
    EXPECT_EQ(error.code(), ErrorCode::kStop);
    EXPECT_THAT(error.what(), HasSubstr(key));
  }
}

TEST_F(FilesSinkTest, AnUnfinishedPlanIsFinishedAsItWasPlanned) {
  auto options = Options(FilesCompression::kZstd);
  auto sink = Open(options);
  sink->Recover();
  sink->Write(TopicBatch(0, 0, Numbered(0, 10)));
  sink->Commit({});
  store_->Delete(Keys(".zst").at(0));
  // The configuration has changed since, and the records come cut otherwise.
  auto again = Open(Options(FilesCompression::kGzip));
  EXPECT_TRUE(again->Recover().empty());
  again->Write(TopicBatch(0, 0, Numbered(0, 4)));
  EXPECT_FALSE(again->CommitDue());
  EXPECT_EQ(again->WaitsFor().kind, event::WaitKind::kReplay);
  EXPECT_THAT(again->WaitsFor().detail, HasSubstr("up to offset 9"));
  again->Write(TopicBatch(0, 4, Numbered(4, 20)));
  EXPECT_TRUE(again->CommitDue());
  EXPECT_EQ(again->Commit({}), event::CommitOutcome::kCommitted);
  EXPECT_EQ(again->positions().begin()->second, event::OffsetCursor(24));
  EXPECT_EQ(Keys(".zst").size(), 1U);
  EXPECT_EQ(Keys(".gz").size(), 1U);
  EXPECT_EQ(Judged()["distinct"], 24);
  EXPECT_EQ(Judged()["rows"], 24);
}

TEST_F(FilesSinkTest, OtherRecordsThanPlannedStop) {
  auto sink = Open(Options());
  sink->Recover();
  sink->Write(TopicBatch(0, 0, Numbered(0, 10)));
  sink->Commit({});
  store_->Delete(Keys(".jsonl").at(0));
  auto again = Open(Options());
  again->Recover();
  try {
    again->Write(TopicBatch(0, 0, Numbered(1, 10)));
    FAIL();
  } catch (const Error& error) {
    EXPECT_EQ(error.code(), ErrorCode::kStop);
  }
}

TEST_F(FilesSinkTest, CommitsAreDueByBytesTimeAndPressure) {
  auto options = Options();
  options.buffer_bytes = 2'000;
  auto sink = Open(options);
  sink->Recover();
  EXPECT_FALSE(sink->CommitDue());
  sink->Write(TopicBatch(0, 0, Numbered(0, 2)));
  EXPECT_FALSE(sink->CommitDue());
  sink->Write(TopicBatch(0, 2, Numbered(2, 20)));
  EXPECT_TRUE(sink->CommitDue());
  sink->Commit({});
  EXPECT_EQ(budget_.used(), 0);
  sink->Write(TopicBatch(0, 22, Numbered(22, 2)));
  EXPECT_GT(budget_.used(), 0);
  EXPECT_FALSE(sink->CommitDue());
  const auto pressure = budget_.Force(budget_.limit());
  EXPECT_TRUE(sink->CommitDue());
}

TEST_F(FilesSinkTest, PathsAreCheckedWhenTheSinkIsMade) {
  for (const char* path : {"{ingested}", "{ingested:%Q}", "{nope:%Y}", "{ingested:%Y", "a}", "{ingested:%", "../x",
                           "/x", "a//b", "a/{topic}/.."}) {
    auto options = Options();
    options.encoding.path = path;
    EXPECT_THROW(Open(options), Error) << path;
  }
}

/// The run that crashes: two partitions of 120 records each, some malformed, cut at random, committed now and then.
int RunPipeline(const std::string& folder, uint64_t seed) {
  const auto store = io::LocalObjectStore::Open(folder + "/lake");
  ByteBudget budget(int64_t{64} << 20);
  FileRejects rejects(folder + "/rejects");
  FilesSink sink(
      *store,
      {.pipeline = "p", .encoding = {.prefix = "b", .path = "{event:%H}", .file_bytes = 6'000}, .buffer_bytes = 16'000},
      budget, &rejects);
  constexpr int64_t kRecords = 120;
  Random random(seed);
  auto positions = sink.Recover();
  std::map<int32_t, int64_t> next;
  for (int32_t partition = 0; partition < 2; ++partition) {
    const auto it = positions.find(event::TopicSplit("6c8f2f5e-0000-4000-8000-000000000001", partition));
    next[partition] = it == positions.end() ? 0 : event::OffsetOf(it->second);
  }
  while (next[0] < kRecords || next[1] < kRecords) {
    const auto partition = static_cast<int32_t>(random.Below(2));
    const int64_t first = next[partition];
    const auto count = std::min<int64_t>(kRecords - first, 1 + static_cast<int64_t>(random.Below(40)));
    if (count == 0) continue;
    auto records = Numbered(first, count);
    std::vector<Timestamp> times;
    for (int64_t i = first; i < first + count; ++i) {
      if (i % 50 == 17) records[static_cast<size_t>(i - first)] = "{broken";
      times.push_back(At("2026-01-01T00:00:00Z") + std::chrono::minutes(i));
    }
    auto batch = std::make_shared<event::EventBatch>(*TopicBatch(partition, first, records));
    batch->timestamps = std::move(times);
    sink.Write(batch);
    next[partition] += count;
    if (sink.CommitDue()) sink.Commit({});
  }
  sink.Commit({});
  return 0;
}

/// Not a test: what the crash test below runs in a process of its own.
TEST(FilesCrashChild, DISABLED_Run) {
  ::_exit(RunPipeline(std::getenv("FILES_CRASH_FOLDER"), std::strtoull(std::getenv("FILES_CRASH_SEED"), nullptr, 10)));
}

int RunChild(const std::string& folder, uint64_t seed, const std::string& fault, const std::string& log = {}) {
  return RunFilesChild("FilesCrashChild", folder, seed, fault, log);
}

TEST(FilesCrashTest, ACrashAtEveryPointLandsEveryRecordOnce) {
  const judge::Folder folder;
  const auto run = [&](const std::string& name) { return folder.File(name); };
  ASSERT_EQ(RunChild(run("clean"), 1, "", folder.File("points")), 0);
  std::istringstream points(judge::Slurp(folder.File("points")));
  std::vector<std::string> folders{run("clean")};
  std::set<std::string> fired;
  for (std::string point; std::getline(points, point);) {
    if (!point.starts_with("files.")) continue;
    for (int pass = 1;; pass += pass < 3 || LongTests() ? 1 : 5) {
      const auto name = run(point + std::to_string(pass));
      const int status = RunChild(name, 1, point + ":" + std::to_string(pass));
      ASSERT_TRUE(status == 0 || status == kFaultExitStatus) << point << ":" << pass << " " << status;
      if (status == 0) break;
      fired.insert(point);
      // Recovery reads the records cut otherwise; a second one finds nothing to do.
      ASSERT_EQ(RunChild(name, 2, ""), 0) << point << ":" << pass;
      ASSERT_EQ(RunChild(name, 3, "", name + "/second"), 0);
      EXPECT_THAT(judge::Slurp(name + "/second"), testing::Not(HasSubstr("files."))) << point << ":" << pass;
      EXPECT_EQ(FileRejects::Kept(name + "/rejects").size(), 6U) << point << ":" << pass;
      folders.push_back(name);
    }
  }
  EXPECT_EQ(fired, (std::set<std::string>{"files.before_rejects", "files.after_rejects", "files.before_plan",
                                          "files.after_plan", "files.before_object", "files.after_object"}));
  std::string arguments;
  for (const auto& name : folders) arguments += name + "/lake ";
  std::istringstream judged(judge::Python("json_lines.py", arguments));
  std::optional<nlohmann::json> sum;
  size_t count = 0;
  for (std::string line; std::getline(judged, line); ++count) {
    const auto verdict = nlohmann::json::parse(line);
    EXPECT_EQ(verdict["rows"], 234) << folders[count];
    EXPECT_EQ(verdict["distinct"], 234) << folders[count];
    if (!sum) sum = verdict["sum"];
    EXPECT_EQ(verdict["sum"], *sum) << folders[count];
  }
  EXPECT_EQ(count, folders.size());
}

TEST(IsJsonDocumentTest, FollowsTheGrammar) {
  for (const char* good : {"1", " -0.5e+10 ", "1e400", "\"\\u00e9\\ud83d\\ude00\\n\"", "[]", "{}",
                           "[{},[],[1,2],{\"a\":{}}]", "{\"a\":[1,{\"b\":null}],\"c\":true}", "false"}) {
    EXPECT_TRUE(IsJsonDocument(good)) << good;
  }
  for (const char* bad : {"",     "01",  "1.",      ".5",          "-",           "+1",    "1e",  "[1,]",
                          "[,1]", "{,}", "{\"a\"}", "{\"a\":}",    "{\"a\":1,}",  "{a:1}", "[1}", "[",
                          "]",    "nul", "\"\\x\"", "\"\\ud800\"", "\"\\udc00\"", "\"abc", "1 2", "{\"a\":1}}"}) {
    EXPECT_FALSE(IsJsonDocument(bad)) << bad;
  }
  EXPECT_TRUE(IsJsonDocument(std::string(1024, '[') + std::string(1024, ']')));
  EXPECT_FALSE(IsJsonDocument(std::string(1025, '[') + std::string(1025, ']')));
}

TEST(FilesPlanTest, ReadsBackWhatItWrites) {
  const FilesPlan plan{.pipeline = "p",
                       .split = event::SplitId("file:x y"),
                       .topic = "t",
                       .partition = 2,
                       .begin = event::Cursor("a"),
                       .end = event::Cursor("b\"c"),
                       .first_offset = 5,
                       .last_offset = int64_t{1} << 60,
                       .records = 7,
                       .ingested_at = At("2026-01-02T03:59:59.9Z"),
                       .encoding = {.prefix = "x", .compression = FilesCompression::kZstd, .level = 3},
                       .objects = {{"k", 1, 2, "ff"}}};
  EXPECT_EQ(ReadPlan("key", WritePlan(plan)), plan);
  EXPECT_EQ(PlanKey(PlansFolder("pre", "p 1"), plan.split, 5),
            "pre/_millrace/p_1/file=3ax=20y/00000000000000000005.plan");
  for (const char* text : {"", "{}", "{\"version\":2}", "[]"}) EXPECT_THROW(ReadPlan("key", text), Error) << text;
}

}  // namespace
}  // namespace millrace::land
