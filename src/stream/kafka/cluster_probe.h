#pragma once

#include <memory>
#include <optional>
#include <set>
#include <stop_token>
#include <string>
#include <vector>

#include "event/event_batch.h"
#include "stream/kafka/kafka_options.h"

namespace millrace::stream {

class Admin;

/// Finds out what a cluster lets this client do, by a scratch topic of its own; topics that are in use are only
/// described. One thread.
class ClusterProbe {
 public:
  /// Error kUnavailable when no broker answers, kConfig when they refuse.
  explicit ClusterProbe(KafkaOptions options);
  ~ClusterProbe();
  ClusterProbe(const ClusterProbe&) = delete;
  ClusterProbe& operator=(const ClusterProbe&) = delete;

  /// "host:port" of each.
  std::vector<std::string> Brokers();
  /// The topics that a subscription means; for a name, itself.
  std::vector<std::string> Matching(const std::string& subscription);
  /// READ, WRITE, DESCRIBE ...; absent: there is no such topic, or this user is not told of it.
  std::optional<std::set<std::string>> Rights(const std::string& topic);

  /// A topic of one partition, which goes with the probe. `word` makes its name, and that of all the rest, unique.
  void MakeScratchTopic(const std::string& word);
  void Write(const event::EventBatchPtr& events);
  /// As sources write that append with their position.
  void WriteInTransaction(const event::EventBatchPtr& events);
  /// As a table reads, in a consumer group, up to `expected` records: how many came before `stop` or the options'
  /// timeout.
  size_t Read(size_t expected, const std::stop_token& stop);
  const std::string& scratch() const { return scratch_; }

 private:
  void RemoveScratch() noexcept;

  const KafkaOptions options_;
  std::shared_ptr<Admin> admin_;
  std::string scratch_;  // empty: none was made
  std::string group_;    // empty: none was joined
};

}  // namespace millrace::stream
