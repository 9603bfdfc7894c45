#pragma once

#include <chrono>
#include <cstdint>
#include <functional>
#include <map>
#include <optional>
#include <set>
#include <stop_token>
#include <string>
#include <utility>
#include <vector>

#include "base/clock.h"
#include "event/stream.h"
#include "stream/kafka/client.h"
#include "stream/kafka/subscription.h"

namespace millrace::stream {

struct DescribedTopic {
  std::string name;
  std::string id;  // as Kafka's tools print it: 22 characters of base64
  int32_t partitions = 0;
};

struct TopicPartition {
  std::string topic;
  int32_t partition = 0;
  friend auto operator<=>(const TopicPartition&, const TopicPartition&) = default;
};
using Offsets = std::map<TopicPartition, int64_t>;

/// Where a group stands in one partition, as it told the broker.
struct CommittedOffset {
  TopicPartition place;
  int64_t offset = 0;
  std::string metadata;
};

/// How an answer is waited for.
struct Patience {
  std::stop_token stop = {};
  std::optional<std::chrono::milliseconds> longest = {};  // absent: KafkaOptions::timeout
  std::function<void()> meanwhile = {};                   // called some twenty times a second
};

/// What is asked of a cluster, each a request and its answer. Error kUnavailable when none comes in time, kConfig when
/// the cluster refuses. Thread-safe.
class Admin {
 public:
  explicit Admin(const KafkaOptions& options);

  /// Returns when a broker has answered.
  void Connect(std::chrono::milliseconds patience);

  /// Those that exist, of these names. `broker`: asks that one, and gets its view.
  std::vector<DescribedTopic> Describe(const std::vector<std::string>& names, std::optional<int32_t> broker = {},
                                       const Patience& patience = {});
  /// Every topic that is not the broker's own, by name.
  std::vector<std::string> TopicNames();
  /// Names that a subscription means: itself, or what matches when it begins with '^'.
  std::vector<std::string> Matching(const std::string& subscription);

  /// False when there is one of that name.
  bool Create(const event::TopicSpec& spec, const std::map<std::string, std::string>& settings);
  /// False when there is none.
  bool Delete(const std::string& topic);
  /// The settings of topics, by name.
  std::map<std::string, std::map<std::string, std::string>> Settings(const std::vector<std::string>& topics);

  /// Log starts; ends of what a reader of this isolation sees; ends of the logs, open transactions included; the first
  /// record at or after a time (the end when there is none). Partitions that do not exist are left out.
  Offsets Earliest(const std::vector<TopicPartition>& places, const Patience& patience = {});
  Offsets Latest(const std::vector<TopicPartition>& places, const Patience& patience = {});
  Offsets Ends(const std::vector<TopicPartition>& places, const Patience& patience = {});
  Offsets At(const std::vector<TopicPartition>& places, Timestamp time);

  std::vector<std::string> Groups();
  std::vector<CommittedOffset> Committed(const std::string& group);
  /// What the members of a group have; absent while they share anew, or when it has none.
  std::optional<std::set<TopicPartition>> Assigned(const std::string& group, const Patience& patience = {});

  /// What this user may do with a topic, in Kafka's words: READ, WRITE, DESCRIBE. Where nobody is held to account,
  /// everything. Absent: there is no such topic, or it is not told of it.
  std::optional<std::set<std::string>> Rights(const std::string& topic);
  /// "host:port" of each.
  std::vector<std::string> Brokers();
  /// Forgets a group that nobody is in any more.
  void DeleteGroup(const std::string& group);

  Client& client() { return client_; }

 private:
  class Request;
  bool ListOnce(const std::vector<TopicPartition>& places, int64_t what, bool committed, const Patience& patience,
                Offsets& offsets);
  Offsets List(const std::vector<TopicPartition>& places, int64_t what, bool committed, const Patience& patience);

  const KafkaOptions options_;
  Client client_;
};

}  // namespace millrace::stream
