#pragma once

#include <functional>
#include <map>
#include <memory>
#include <mutex>
#include <optional>
#include <set>
#include <stop_token>
#include <string>
#include <thread>
#include <vector>

#include "base/byte_budget.h"
#include "base/clock.h"
#include "event/stream.h"
#include "stream/kafka/admin.h"
#include "stream/kafka/batch_builder.h"
#include "stream/kafka/consumer.h"
#include "stream/kafka/reader_shared.h"

namespace millrace::stream {

/// The thread of a reader: serves the group (poll_thread.cc), looks after topics and their ids (poll_topics.cc),
/// sees to partitions that nobody reads (poll_orphans.cc), fetches (poll_records.cc) and knows how far it is
/// (poll_progress.cc). Nothing in it waits for the driver.
class PollThread {
 public:
  PollThread(const KafkaOptions& options, std::shared_ptr<Admin> admin, ByteBudget* budget, std::string subscription,
             const event::ReaderOptions& reader, ReaderShared& shared);
  /// Tells the broker what was acknowledged last, and leaves the group.
  ~PollThread();

  /// Ends its waiting. From any thread.
  void Wake();

 private:
  /// Between attempts at what brokers did not answer.
  static constexpr std::chrono::milliseconds kRetry{1000};
  /// Brokers that served records a moment ago answer at once, or are dead: then it is cheaper to read again.
  static constexpr std::chrono::milliseconds kConfirmPatience{2000};

  bool member() const { return !reader_.reader.empty(); }
  std::string group() const { return options_.group_prefix + reader_.reader; }
  void Run(std::stop_token stop);
  void Step();

  // the group
  std::unique_ptr<Consumer> NewConsumer(const std::string& worker) const;
  /// Goes on with another handle of the library, which knows nothing of what was.
  void Renew();
  void GoOnUnderAnotherName();
  void ServeGroup();
  void GiveBackLeavers();
  void GiveBack();
  void TellAcknowledged(std::chrono::milliseconds wait);

  // partitions that the group gives to nobody: poll_orphans.cc
  void LookForOrphans();
  std::vector<TopicPartition> Orphans(const std::set<TopicPartition>& assigned);
  void Stir();

  // topics and their ids: poll_topics.cc
  void NameTopics();
  void Refresh();
  void FindPartitions();
  void Name(const std::vector<DescribedTopic>& topics);
  void AnswerQuestions();
  bool Holds();

  // records: poll_records.cc
  void PlaceDue();
  void Fetch();
  bool HasRoom();
  void Take(Fetched fetched);
  void Handle(const FetchError& error);
  void LookAtGap(const TopicPartition& place);

  // how far: poll_progress.cc
  void LookForMore();
  bool Drained();
  bool NothingIsOpen(const std::vector<TopicPartition>& places, const Offsets& ends);
  void UpdateEnds();
  void UpdateWaitsFor();

  /// Runs what asks brokers; when they do not answer, it is tried again later. False: it did not work out.
  bool Attempt(const std::function<void()>& body);

  static SteadyTime Now() { return std::chrono::steady_clock::now(); }
  /// True when the time has come; then it is `every` from now.
  static bool Due(SteadyTime& at, std::chrono::milliseconds every);

  const KafkaOptions& options_;
  const std::shared_ptr<Admin> admin_;
  ByteBudget* const budget_;
  const std::string subscription_;
  const event::ReaderOptions reader_;
  ReaderShared& shared_;
  std::mutex waking_;   // Wake comes from other threads
  std::string worker_;  // empty: a name of the moment
  std::unique_ptr<Consumer> consumer_;
  BatchBuilder builder_;
  std::vector<rd_kafka_message_t*> messages_;
  std::vector<FetchError> errors_;
  int64_t record_bytes_ = 4096;  // of late

  Patience patience_;  // serves the group meanwhile
  std::chrono::milliseconds confirm_patience_;
  bool assigned_once_ = false;
  std::optional<SteadyTime> leave_by_;
  std::optional<SteadyTime> open_since_;
  bool orphans_possible_ = false;
  std::optional<SteadyTime> orphans_since_;
  SteadyTime orphans_at_{};
  SteadyTime stir_until_{};
  std::unique_ptr<Consumer> stirrer_;  // a guest in the group, for as long as it takes to share anew
  SteadyTime refresh_at_{};
  SteadyTime name_at_{};
  SteadyTime look_at_{};
  SteadyTime ends_at_{};
  SteadyTime attempt_at_{};
  std::string trouble_;                     // why the last attempt did not work out
  std::map<std::string, std::string> ids_;  // of topics, as the handle knows them
  std::set<std::string> gone_;              // topics that are told to be gone

  std::jthread thread_;
};

}  // namespace millrace::stream
