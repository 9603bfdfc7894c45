#include "stream/kafka/kafka_reader.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <mutex>
#include <random>
#include <set>
#include <thread>

#include "base/error.h"
#include "contract/source_contract.h"
#include "contract/stream_records.h"
#include "services/kafka_broker.h"
#include "stream/kafka/admin.h"
#include "stream/kafka/kafka_stream.h"

namespace millrace::stream {
namespace {

using contract::MakeBatch;
using contract::Numbered;
using contract::Records;
using testing::HasSubstr;

/// What stands for a table that several workers land into: records and positions move together, and only from where a
/// worker thinks they are.
class Table {
 public:
  event::Positions positions() {
    const std::lock_guard lock(mutex_);
    return positions_;
  }
  bool Commit(const event::Positions& from, const event::Positions& to, const Records& records) {
    const std::lock_guard lock(mutex_);
    for (const auto& [split, cursor] : from) {
      const auto found = positions_.find(split);
      if ((found == positions_.end() ? event::kStart : found->second) != cursor) return false;
    }
    for (const auto& [split, cursor] : to) positions_[split] = cursor;
    records_.insert(records_.end(), records.begin(), records.end());
    return true;
  }
  std::multiset<std::string> records() {
    const std::lock_guard lock(mutex_);
    return {records_.begin(), records_.end()};
  }

 private:
  std::mutex mutex_;
  event::Positions positions_;
  Records records_;
};

/// Drives a reader as a table's feed does, in a thread of its own.
class Worker {
 public:
  Worker(std::unique_ptr<event::Source> reader, Table& table) : reader_(std::move(reader)), table_(table) {
    thread_ = std::jthread([this](const std::stop_token& stop) { Run(stop); });
  }
  ~Worker() {
    thread_.request_stop();
    thread_.join();
  }
  /// Lands nothing while it is set, as when a store is stalled.
  std::atomic<bool> stalled = false;
  std::atomic<int> landed = 0;
  std::atomic<int> conflicts = 0;
  std::atomic<int> reassigned = 0;
  std::string error() {
    const std::lock_guard lock(mutex_);
    return error_;
  }
  event::Source& reader() { return *reader_; }

 private:
  void Run(const std::stop_token& stop) {
    try {
      Recover();
      while (!stop.stop_requested()) Step(stop);
      Commit(stop);
    } catch (const Error& error) {
      const std::lock_guard lock(mutex_);
      error_ = error.what();
    }
  }
  void Step(const std::stop_token& stop) {
    const auto read = reader_->Read({}, stop);
    if (read.state == event::ReadState::kBatch) {
      const auto& batch = *read.batch;
      from_.try_emplace(batch.split, batch.begin);
      if (to_.contains(batch.split)) {
        EXPECT_EQ(to_[batch.split], batch.begin);
      }
      to_[batch.split] = batch.end;
      for (auto& record : contract::RecordsOf(batch)) records_.push_back(std::move(record));
    }
    if (read.state == event::ReadState::kReassigned) {
      ++reassigned;
      Commit(stop);
      Recover();
    } else if (records_.size() >= 50 || (!records_.empty() && read.state != event::ReadState::kBatch)) {
      Commit(stop);
    }
  }
  void Recover() {
    from_.clear();
    to_.clear();
    records_.clear();
    const auto positions = table_.positions();
    reader_->Seek(positions);
    reader_->Acknowledge(positions);
  }
  void Commit(const std::stop_token& stop) {
    while (stalled && !stop.stop_requested()) std::this_thread::sleep_for(std::chrono::milliseconds(10));
    if (!reader_->ConfirmRead({}) || !table_.Commit(from_, to_, records_)) {
      ++conflicts;
      return Recover();
    }
    landed += static_cast<int>(records_.size());
    reader_->Acknowledge(table_.positions());
    from_.clear();
    to_.clear();
    records_.clear();
  }

  std::unique_ptr<event::Source> reader_;
  Table& table_;
  event::Positions from_, to_;
  Records records_;
  std::mutex mutex_;
  std::string error_;
  std::jthread thread_;
};

/// A topic that nobody appends to any more, as a source that ends.
class Drained final : public event::Source {
 public:
  explicit Drained(std::unique_ptr<event::Source> reader) : reader_(std::move(reader)) {}
  std::string_view name() const override { return reader_->name(); }
  void Seek(const event::Positions& positions) override { reader_->Seek(positions); }
  event::ReadResult Read(const event::ReadLimits& limits, std::stop_token stop) override {
    auto read = reader_->Read(limits, stop);
    if (read.state == event::ReadState::kIdle) read.state = event::ReadState::kExhausted;
    return read;
  }
  void Acknowledge(const event::Positions& positions) override { reader_->Acknowledge(positions); }
  event::Lag lag() override { return reader_->lag(); }

 private:
  std::unique_ptr<event::Source> reader_;
};

class KafkaReaderTest : public testing::Test {
 protected:
  KafkaReaderTest() : options_(services::KafkaBroker::NewOptions()), stream_(options_, nullptr), admin_(options_) {
    static int made = 0;
    topic_ = "reader-" + std::to_string(++made);
  }
  ~KafkaReaderTest() override {
    for (const auto& name : admin_.TopicNames()) {
      if (name.starts_with(topic_)) admin_.Delete(name);
    }
  }
  void Append(const std::string& topic, const Records& records) {
    stream_.Append({topic, MakeBatch(records, records), {}, {}});
  }
  std::unique_ptr<Worker> Start(Table& table, const std::string& name, const std::string& subscription) {
    auto options = options_;
    options.worker = name;
    streams_.push_back(std::make_unique<KafkaStream>(options, nullptr));
    return std::make_unique<Worker>(streams_.back()->OpenReader(subscription, event::ReaderOptions{.reader = "r"}),
                                    table);
  }
  template <typename Body>
  static bool Eventually(Body&& body, int seconds = 30) {
    for (int tries = 0; tries < seconds * 20; ++tries) {
      if (body()) return true;
      std::this_thread::sleep_for(std::chrono::milliseconds(50));
    }
    return false;
  }
  static std::multiset<std::string> SetOf(const Records& records) { return {records.begin(), records.end()}; }

  KafkaOptions options_;
  KafkaStream stream_;
  Admin admin_;
  std::string topic_;
  std::vector<std::unique_ptr<KafkaStream>> streams_;
};

TEST_F(KafkaReaderTest, IsASource) {
  stream_.EnsureTopic({.name = topic_, .partitions = 2});
  Append(topic_, Numbered(0, 40));
  event::CheckSourceContract([&] { return std::make_unique<Drained>(stream_.OpenReader(topic_, "")); },
                             {.bytes_max = 120, .wait = std::chrono::milliseconds(10)});
}

TEST_F(KafkaReaderTest, WhatIsAppendedAheadKeepsItsOrder) {
  stream_.EnsureTopic({.name = topic_, .partitions = 1});
  std::vector<std::unique_ptr<event::PendingAppend>> pending;
  Records sent;
  for (int i = 0; i < 50; ++i) {
    const auto some = Numbered(i * 20, 20);
    sent.insert(sent.end(), some.begin(), some.end());
    // Nobody but the stream keeps the batch.
    pending.push_back(stream_.BeginAppend({topic_, MakeBatch(some, some), {}, {}}));
  }
  for (const auto& append : pending) append->Await();
  const auto reader = stream_.OpenReader(topic_, "");
  Records found;
  for (int reads = 0; reads < 300 && found.size() < sent.size(); ++reads) {
    const auto read = reader->Read({}, {});
    if (read.state != event::ReadState::kBatch) continue;
    for (size_t i = 0; i < read.batch->size(); ++i) found.emplace_back(read.batch->record(i));
  }
  EXPECT_EQ(found, sent);
}

TEST_F(KafkaReaderTest, ARefusedRecordOfAnAppendAheadIsToldOf) {
  stream_.EnsureTopic({.name = topic_, .partitions = 1});
  std::mt19937 random(1);  // what does not pack well
  std::string letters(size_t{8} << 20, '\0');
  for (auto& letter : letters) letter = static_cast<char>('0' + random() % 64);
  const Records large = {letters};
  const auto refused = stream_.BeginAppend({topic_, MakeBatch(large, {"k"}), {}, {}});
  EXPECT_THROW(refused->Await(), Error);
}

TEST_F(KafkaReaderTest, WorkersShareThePartitionsAndLandEachRecordOnce) {
  stream_.EnsureTopic({.name = topic_, .partitions = 6});
  Table table;
  auto one = Start(table, "one", topic_);
  Append(topic_, Numbered(0, 300));
  ASSERT_TRUE(Eventually([&] { return table.records().size() == 300; })) << one->error();
  auto two = Start(table, "two", topic_);
  int next = 300;
  ASSERT_TRUE(Eventually([&] {
    Append(topic_, Numbered(next, 20));
    next += 20;
    return two->landed > 0 && one->landed > 300;
  })) << one->error()
      << two->error() << " landed " << one->landed << " and " << two->landed << " of " << next << "; "
      << one->reader().WaitsFor() << "; " << two->reader().WaitsFor();
  const int before = one->landed;
  two.reset();  // its partitions come back when its session is over
  ASSERT_TRUE(Eventually([&] {
    Append(topic_, Numbered(next, 20));
    next += 20;
    std::this_thread::sleep_for(std::chrono::milliseconds(200));
    return table.records().size() == static_cast<size_t>(next);
  })) << one->error();
  EXPECT_GT(one->landed, before);
  EXPECT_EQ(table.records(), SetOf(Numbered(0, next)));
  EXPECT_EQ(one->error(), "");
}

TEST_F(KafkaReaderTest, AStalledWorkerKeepsItsMembershipAndGivesUpPartitionsInTime) {
  stream_.EnsureTopic({.name = topic_, .partitions = 4});
  Table table;
  auto one = Start(table, "one", topic_);
  Append(topic_, Numbered(0, 100));
  ASSERT_TRUE(Eventually([&] { return table.records().size() == 100; }));
  one->stalled = true;
  Append(topic_, Numbered(100, 100));
  std::this_thread::sleep_for(options_.session_timeout + std::chrono::seconds(1));
  EXPECT_EQ(one->reassigned, 1) << "nobody took its partitions away";
  auto two = Start(table, "two", topic_);
  ASSERT_TRUE(Eventually([&] { return two->landed > 0; })) << "the other one waits no longer than the patience";
  one->stalled = false;
  ASSERT_TRUE(Eventually([&] { return table.records().size() == 200; })) << one->error() << two->error();
  std::this_thread::sleep_for(std::chrono::milliseconds(500));
  EXPECT_EQ(table.records(), SetOf(Numbered(0, 200)));
  EXPECT_GT(one->conflicts, 0) << "what it held of the others' partitions was turned away";
}

TEST_F(KafkaReaderTest, AWorkerWhoseNameAnotherTakesGoesOnUnderAnother) {
  stream_.EnsureTopic({.name = topic_, .partitions = 4});
  Table table;
  auto one = Start(table, "same", topic_);
  Append(topic_, Numbered(0, 100));
  ASSERT_TRUE(Eventually([&] { return table.records().size() == 100; })) << one->error();
  auto two = Start(table, "same", topic_);
  int next = 100;
  const auto more = [&] {
    Append(topic_, Numbered(next, 20));
    next += 20;
    std::this_thread::sleep_for(std::chrono::milliseconds(100));
  };
  ASSERT_TRUE(Eventually([&] { return more(), two->landed > 0; })) << two->error();
  const int before = one->landed;
  ASSERT_TRUE(Eventually([&] { return more(), one->landed > before + 50; }))
      << one->error() << one->reader().WaitsFor() << two->reader().WaitsFor();
  ASSERT_TRUE(Eventually([&] { return table.records().size() == static_cast<size_t>(next); }));
  EXPECT_EQ(table.records(), SetOf(Numbered(0, next)));
}

TEST_F(KafkaReaderTest, NewPartitionsAndTopicsAreReadFromTheirBeginning) {
  stream_.EnsureTopic({.name = topic_ + "-a", .partitions = 1});
  Append(topic_ + "-a", Numbered(0, 10));
  Table table;
  auto worker = Start(table, "one", "^" + topic_ + "-.*");
  ASSERT_TRUE(Eventually([&] { return table.records().size() == 10; })) << worker->error();
  stream_.EnsureTopic({.name = topic_ + "-b", .partitions = 2});
  Append(topic_ + "-b", Numbered(10, 30));
  ASSERT_TRUE(Eventually([&] { return table.records().size() == 40; })) << worker->error();
  rd_kafka_NewPartitions_t* more = rd_kafka_NewPartitions_new((topic_ + "-a").c_str(), 4, nullptr, 0);
  rd_kafka_queue_t* queue = rd_kafka_queue_new(admin_.client().handle());
  rd_kafka_CreatePartitions(admin_.client().handle(), &more, 1, nullptr, queue);
  rd_kafka_event_destroy(rd_kafka_queue_poll(queue, 10'000));
  rd_kafka_queue_destroy(queue);
  rd_kafka_NewPartitions_destroy(more);
  ASSERT_TRUE(Eventually([&] { return stream_.FindTopic(topic_ + "-a")->spec.partitions == 4; }));
  std::this_thread::sleep_for(std::chrono::seconds(6));  // a producer looks this often
  Append(topic_ + "-a", Numbered(40, 200));
  ASSERT_TRUE(Eventually([&] { return table.records().size() == 240; })) << worker->error();
  EXPECT_EQ(table.records(), SetOf(Numbered(0, 240)));
}

/// librdkafka goes on at the old offset when a topic is replaced by a longer one between two looks at it.
TEST_F(KafkaReaderTest, ALongerTopicInPlaceOfAnotherIsReadFromItsBeginning) {
  for (int round = 0; round < 3; ++round) {
    stream_.EnsureTopic({.name = topic_});
    Append(topic_, Numbered(0, 5));
    Table table;
    auto worker = Start(table, "one", topic_);
    ASSERT_TRUE(Eventually([&] { return table.records().size() == 5; })) << worker->error();
    stream_.DeleteTopic(topic_);
    stream_.EnsureTopic({.name = topic_});
    Append(topic_, Numbered(100, 50));
    ASSERT_TRUE(Eventually([&] { return table.records().size() == 55; }))
        << worker->error() << " " << table.records().size();
    auto expected = Numbered(0, 5);
    for (auto& record : Numbered(100, 50)) expected.push_back(record);
    EXPECT_EQ(table.records(), SetOf(expected));
    EXPECT_EQ(table.positions().size(), 2U) << "two incarnations";
    worker.reset();
    stream_.DeleteTopic(topic_);
  }
}

TEST_F(KafkaReaderTest, WaitingBatchesAreChargedAndBounded) {
  auto options = options_;
  options.reader_bytes = int64_t{2} << 20;
  ByteBudget budget(int64_t{6} << 20);
  KafkaStream stream(options, &budget);
  stream.EnsureTopic({.name = topic_, .partitions = 2});
  const std::string record(1000, 'x');
  for (int i = 0; i < 20; ++i) stream.Append({topic_, MakeBatch(Records(1000, record)), {}, {}});
  const auto reader = stream.OpenReader(topic_, "");
  ASSERT_TRUE(Eventually([&] { return budget.used() > 0; }));
  std::this_thread::sleep_for(std::chrono::seconds(1));
  EXPECT_LE(budget.used(), int64_t{6} << 20);
  EXPECT_GT(budget.used(), 0);
  EXPECT_EQ(contract::Drain(*reader, 20'000).count, 20'000U);
  EXPECT_TRUE(Eventually([&] { return budget.used() == 0 || budget.used() == int64_t{4} << 20; })) << budget.used();
}

TEST(KafkaClient, SaysWhyNoBrokerAnswers) {
  KafkaOptions options;
  options.brokers = "127.0.0.1:1";
  try {
    const KafkaStream stream(options, nullptr);
    FAIL() << "there is no broker";
  } catch (const Error& error) {
    EXPECT_EQ(error.code(), ErrorCode::kUnavailable);
    EXPECT_THAT(error.what(), HasSubstr("127.0.0.1:1"));
    EXPECT_THAT(error.what(), HasSubstr("Connection refused"));
  }
}

TEST(KafkaClient, PropertiesOutsideTheListAreRefused) {
  for (const auto* name :
       {"plugin.library.paths", "sasl.kerberos.kinit.cmd", "ssl.ca.location", "ssl.engine.location", "sasl.password",
        "debug", "auto.offset.reset", "enable.auto.commit", "group.id", "isolation.level", "enable.idempotence",
        "sasl.oauthbearer.assertion.file", "ssl.keystore.location", "bootstrap.servers", "none.such"}) {
    EXPECT_THROW(CheckKafkaProperty(name), Error) << name;
  }
  CheckKafkaProperty("fetch.wait.max.ms");
  CheckKafkaProperty("linger.ms");
}

}  // namespace
}  // namespace millrace::stream
