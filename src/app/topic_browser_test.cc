#include "app/topic_browser.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <cstdlib>
#include <filesystem>
#include <nlohmann/json.hpp>
#include <vector>

#include "app/storage.h"
#include "base/error.h"
#include "query/record_sql.h"
#include "source/joined_records.h"

namespace millrace::app {
namespace {

using testing::ElementsAre;

/// A topic of the embedded stream. Records come one second after another from kFirst on.
class TopicBrowserTest : public testing::Test {
 protected:
  static constexpr auto kFirst = Timestamp(std::chrono::hours(500'000));

  TopicBrowserTest() {
    std::string name = testing::TempDir() + "topic_browser_XXXXXX";
    folder_ = mkdtemp(name.data());
    config_.data_dir.value = folder_;
    directory_.emplace(DataDirectory::OpenToWrite(folder_));
    stream_ = OpenStream(config_, *directory_);
    stream_->EnsureTopic({.name = "t", .partitions = 2});
  }
  ~TopicBrowserTest() override {
    stream_.reset();
    std::filesystem::remove_all(folder_);
  }

  void Append(int32_t partition, const std::string& value) { Append(partition, std::vector<std::string>{value}); }
  void Append(int32_t partition, const std::vector<std::string>& values) {
    auto batch = source::Joined({values.begin(), values.end()});
    batch->ingested_at = kFirst + std::chrono::seconds(count_++);
    batch->timestamps.assign(values.size(), batch->ingested_at);
    event::AppendRequest request{.topic = "t", .events = batch, .position = {}, .idempotency_key = {}};
    request.details.assign(values.size(), {.partition = partition});
    stream_->Append(request);
  }
  /// Ten records, by turns.
  void Fill() {
    for (int i = 0; i < 10; ++i)
      Append(i % 2, R"({"n":)" + std::to_string(i) + R"(,"user":{"id":"u)" + std::to_string(i % 3) + "\"}}");
  }
  nlohmann::ordered_json Browse(const BrowseOptions& options) {
    // As the sandbox does it in a process of its own.
    const auto filter = [this](const std::string& where, std::span<const std::string_view> records, Duration) {
      ++asked_;
      query::RecordsMet found;
      const auto result = query::RecordSql(where, "").Run(records);
      for (const auto& row : result.rows) {
        if (row.is_object) found.met.push_back(row.record);
      }
      found.failed = result.failures.size();
      if (found.failed > 0) found.failure = result.failures[0].why;
      return found;
    };
    return BrowseTopic(*stream_, "t", options, filter, {});
  }
  static std::vector<int> Numbers(const nlohmann::ordered_json& answer) {
    std::vector<int> numbers;
    for (const auto& record : answer["records"])
      numbers.push_back(nlohmann::json::parse(record["value"].get<std::string>())["n"].get<int>());
    return numbers;
  }

  std::filesystem::path folder_;
  PipelineConfig config_;
  std::optional<DataDirectory> directory_;
  std::unique_ptr<event::Stream> stream_;
  int count_ = 0;
  int asked_ = 0;  // times that a condition was
};

TEST_F(TopicBrowserTest, ShowsTheNewestFirst) {
  Fill();
  const auto answer = Browse({.records_max = 4});
  EXPECT_THAT(Numbers(answer), ElementsAre(9, 8, 7, 6));
  EXPECT_EQ(answer["complete"], true);
  EXPECT_EQ(answer["records"][0]["partition"], 1);
  EXPECT_EQ(answer["records"][0]["offset"], 4);
  EXPECT_EQ(answer["records"][0]["time"], FormatTimestamp(kFirst + std::chrono::seconds(9)));
  EXPECT_EQ(answer["records"][0]["key"], nullptr);
}

TEST_F(TopicBrowserTest, PagesGoOnWithoutGapsOrRepetition) {
  Fill();
  BrowseOptions options{.offset = 0, .records_max = 3};
  std::vector<int> all;
  for (int page = 0; page < 4; ++page) {
    const auto answer = Browse(options);
    for (const int n : Numbers(answer)) all.push_back(n);
    options.offset.reset();
    options.positions.clear();
    for (const auto& [partition, offset] : answer["next"].items())
      options.positions[std::stoi(partition)] = offset.get<int64_t>();
  }
  EXPECT_THAT(all, ElementsAre(0, 1, 2, 3, 4, 5, 6, 7, 8, 9));
}

TEST_F(TopicBrowserTest, BeginsAtATimeAndKeepsToAPartition) {
  Fill();
  EXPECT_THAT(Numbers(Browse({.time = kFirst + std::chrono::seconds(7)})), ElementsAre(7, 8, 9));
  EXPECT_THAT(Numbers(Browse({.partition = 1, .offset = 3})), ElementsAre(7, 9));
  EXPECT_THAT(Numbers(Browse({.partition = 0, .records_max = 2})), ElementsAre(8, 6));
  EXPECT_THROW(Browse({.partition = 2}), Error);
}

TEST_F(TopicBrowserTest, FiltersByTextAndByWhatStandsAtAPath) {
  Fill();
  EXPECT_THAT(Numbers(Browse({.offset = 0, .contains = "u2"})), ElementsAre(2, 5, 8));
  EXPECT_THAT(Numbers(Browse({.path = "user.id", .equals = "u2"})), ElementsAre(8, 5, 2));
  EXPECT_THAT(Numbers(Browse({.path = "$.n", .equals = "4"})), ElementsAre(4));
  EXPECT_THAT(Numbers(Browse({.path = "user.name", .equals = ""})), ElementsAre());
  Append(0, "no JSON");
  EXPECT_THAT(Numbers(Browse({.path = "n", .equals = "4"})), ElementsAre(4));
}

TEST_F(TopicBrowserTest, FiltersByAConditionInSql) {
  Fill();
  Append(0, "no JSON");
  Append(1, R"([1])");
  Append(1, R"({"n":"ten"})");
  EXPECT_THAT(Numbers(Browse({.offset = 0, .where = "n % 2 = 0 AND user.id = 'u2'"})), ElementsAre(2, 8));
  EXPECT_THAT(Numbers(Browse({.records_max = 2, .where = "n < 7"})), ElementsAre(6, 5));
  EXPECT_THAT(Numbers(Browse({.offset = 0, .contains = "u1", .where = "n > 4"})), ElementsAre(7));
  const auto answer = Browse({.offset = 0, .where = "n + 1 = 3"});
  EXPECT_THAT(Numbers(answer), ElementsAre(2));
  EXPECT_EQ(answer["failed"], 1);  // of "ten"
  EXPECT_THAT(answer["failure"].get<std::string>(), testing::HasSubstr("No function matches"));
  EXPECT_THROW(Browse({.where = "n = "}), Error);
  EXPECT_FALSE(Browse({.offset = 0, .where = "user.id = 'u1'"}).contains("failed"));
}

TEST_F(TopicBrowserTest, AConditionPagesWithoutGapsOrRepetition) {
  for (int i = 0; i < 5000; i += 500) {
    std::vector<std::string> values;
    for (int n = i; n < i + 500; ++n) values.push_back("{\"n\":" + std::to_string(n) + "}");
    Append(i / 500 % 2, values);
  }
  BrowseOptions options{.offset = 0, .records_max = 70, .where = "n % 50 = 7"};
  std::vector<int> all;
  for (int page = 0; page < 3; ++page) {
    const auto answer = Browse(options);
    for (const int n : Numbers(answer)) all.push_back(n);
    options.offset.reset();
    options.positions.clear();
    for (const auto& [partition, offset] : answer["next"].items())
      options.positions[std::stoi(partition)] = offset.get<int64_t>();
  }
  std::ranges::sort(all);
  std::vector<int> expected;
  for (int n = 7; n < 5000; n += 50) expected.push_back(n);
  EXPECT_EQ(all, expected);
}

TEST_F(TopicBrowserTest, CutsWhatIsLarge) {
  Append(0, std::string(size_t{100} << 10, 'x'));
  const auto record = Browse({})["records"][0];
  EXPECT_EQ(record["value"].get<std::string>().size(), size_t{64} << 10);
  EXPECT_EQ(record["bytes"], int64_t{100} << 10);
}

}  // namespace
}  // namespace millrace::app
