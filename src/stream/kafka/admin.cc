#include "stream/kafka/admin.h"

#include <fmt/format.h>

#include <algorithm>
#include <chrono>

#include "io/outage_patience.h"
#include "stream/kafka/kafka_error.h"
#include "stream/kafka/partition_list.h"

namespace millrace::stream {
namespace {

using std::chrono::milliseconds;

constexpr milliseconds kSlice{50};
/// Until every broker that is asked knows of a topic that was made or deleted.
constexpr milliseconds kSettle{10'000};

int Millis(milliseconds duration) { return static_cast<int>(duration.count()); }

struct EventDeleter {
  void operator()(rd_kafka_event_t* event) const { rd_kafka_event_destroy(event); }
};
using Event = std::unique_ptr<rd_kafka_event_t, EventDeleter>;

/// In the alphabet of Kafka's own tools, which is that of URLs.
std::string IdText(const rd_kafka_Uuid_t& id) {
  std::string text = rd_kafka_Uuid_base64str(&id);
  std::ranges::replace(text, '+', '-');
  std::ranges::replace(text, '/', '_');
  return text;
}

}  // namespace

/// One request of the admin interface and the queue its answer comes on.
class Admin::Request {
 public:
  Request(Admin& admin, rd_kafka_admin_op_t operation, std::string what, Patience patience = {})
      : admin_(admin),
        what_(std::move(what)),
        patience_(std::move(patience)),
        longest_(patience_.longest.value_or(admin.options_.timeout)),
        options_(rd_kafka_AdminOptions_new(handle(), operation), rd_kafka_AdminOptions_destroy),
        queue_(rd_kafka_queue_new(handle()), rd_kafka_queue_destroy) {
    char why[256];
    ThrowIf(rd_kafka_AdminOptions_set_request_timeout(options(), Millis(longest_), why, sizeof(why)), what_);
  }

  rd_kafka_t* handle() { return admin_.client_.handle(); }
  rd_kafka_AdminOptions_t* options() { return options_.get(); }
  rd_kafka_queue_t* queue() { return queue_.get(); }

  void SetBroker(int32_t broker) {
    char why[256];
    ThrowIf(rd_kafka_AdminOptions_set_broker(options(), broker, why, sizeof(why)), what_);
  }

  /// Error kUnavailable when nobody answers, or what the answer as a whole says; null when it says `not_yet`.
  Event Wait(rd_kafka_resp_err_t not_yet = RD_KAFKA_RESP_ERR_NO_ERROR) {
    const auto deadline = std::chrono::steady_clock::now() + longest_ + milliseconds(1000);
    for (;;) {
      Event event(rd_kafka_queue_poll(queue(), Millis(kSlice)));
      rd_kafka_poll(handle(), 0);
      if (patience_.meanwhile) patience_.meanwhile();
      const bool patient = std::chrono::steady_clock::now() < deadline && !patience_.stop.stop_requested() &&
                           !io::OutagePatience::Stop().stop_requested();
      if (!event && patient && !admin_.client_.refused()) continue;
      const auto error = event ? rd_kafka_event_error(event.get()) : RD_KAFKA_RESP_ERR__TIMED_OUT;
      if (error == RD_KAFKA_RESP_ERR_NO_ERROR) {
        admin_.client_.Answered();
        return event;
      }
      if (error == not_yet) return nullptr;
      if (CodeOf(error) == ErrorCode::kUnavailable || admin_.client_.refused()) throw admin_.client_.Unreachable(what_);
      throw KafkaError(error, what_, rd_kafka_event_error_string(event.get()));
    }
  }

 private:
  Admin& admin_;
  const std::string what_;
  const Patience patience_;
  const milliseconds longest_;
  std::unique_ptr<rd_kafka_AdminOptions_t, void (*)(rd_kafka_AdminOptions_t*)> options_;
  std::unique_ptr<rd_kafka_queue_t, void (*)(rd_kafka_queue_t*)> queue_;
};

Admin::Admin(const KafkaOptions& options) : options_(options), client_(Client::Kind::kProducer, options, {}, {}) {}

void Admin::Connect(milliseconds patience) {
  const auto deadline = std::chrono::steady_clock::now() + patience;
  for (;;) {
    const rd_kafka_metadata_t* metadata = nullptr;
    const auto error = rd_kafka_metadata(client_.handle(), 0, nullptr, &metadata, Millis(milliseconds(500)));
    rd_kafka_poll(client_.handle(), 0);
    if (error == RD_KAFKA_RESP_ERR_NO_ERROR) {
      rd_kafka_metadata_destroy(metadata);
      client_.Answered();
      return;
    }
    if (client_.refused() || io::OutagePatience::Stop().stop_requested() ||
        std::chrono::steady_clock::now() > deadline) {
      throw client_.Unreachable("stream.kafka");
    }
  }
}

std::vector<DescribedTopic> Admin::Describe(const std::vector<std::string>& names, std::optional<int32_t> broker,
                                            const Patience& patience) {
  if (names.empty()) return {};
  Request request(*this, RD_KAFKA_ADMIN_OP_DESCRIBETOPICS, "looking at topics", patience);
  if (broker) request.SetBroker(*broker);
  std::vector<const char*> texts;
  for (const auto& name : names) texts.push_back(name.c_str());
  const std::unique_ptr<rd_kafka_TopicCollection_t, void (*)(rd_kafka_TopicCollection_t*)> topics(
      rd_kafka_TopicCollection_of_topic_names(texts.data(), texts.size()), rd_kafka_TopicCollection_destroy);
  rd_kafka_DescribeTopics(request.handle(), topics.get(), request.options(), request.queue());
  const auto event = request.Wait();
  size_t count = 0;
  const auto* found = rd_kafka_DescribeTopics_result_topics(rd_kafka_event_DescribeTopics_result(event.get()), &count);
  std::vector<DescribedTopic> described;
  for (size_t i = 0; i < count; ++i) {
    const auto* error = rd_kafka_TopicDescription_error(found[i]);
    const std::string name = rd_kafka_TopicDescription_name(found[i]);
    if (const auto code = rd_kafka_error_code(error); code != RD_KAFKA_RESP_ERR_NO_ERROR) {
      if (code == RD_KAFKA_RESP_ERR_UNKNOWN_TOPIC_OR_PART) continue;
      throw KafkaError(code, fmt::format("topic {}", name), rd_kafka_error_string(error));
    }
    DescribedTopic topic{name, IdText(*rd_kafka_TopicDescription_topic_id(found[i])), 0};
    size_t partitions = 0;
    rd_kafka_TopicDescription_partitions(found[i], &partitions);
    topic.partitions = static_cast<int32_t>(partitions);
    if (topic.id == "AAAAAAAAAAAAAAAAAAAAAA") {
      throw Error(ErrorCode::kConfig,
                  fmt::format("topic {}: these brokers give topics no ids, so one that is deleted and made again could "
                              "not be told from the old one; use Kafka 2.8 or newer",
                              name));
    }
    described.push_back(std::move(topic));
  }
  return described;
}

std::vector<std::string> Admin::TopicNames() {
  const rd_kafka_metadata_t* metadata = nullptr;
  const auto error = rd_kafka_metadata(client_.handle(), 1, nullptr, &metadata, Millis(options_.timeout));
  rd_kafka_poll(client_.handle(), 0);
  if (error != RD_KAFKA_RESP_ERR_NO_ERROR) throw client_.Unreachable("listing topics");
  client_.Answered();
  std::vector<std::string> names;
  for (int i = 0; i < metadata->topic_cnt; ++i) {
    const std::string name = metadata->topics[i].topic;
    if (name != "__consumer_offsets" && name != "__transaction_state" && name != "__share_group_state")
      names.push_back(name);
  }
  rd_kafka_metadata_destroy(metadata);
  std::ranges::sort(names);
  return names;
}

std::vector<std::string> Admin::Matching(const std::string& subscription) {
  if (!IsPattern(subscription)) return {subscription};
  return Matches(subscription, TopicNames());
}

bool Admin::Create(const event::TopicSpec& spec, const std::map<std::string, std::string>& settings) {
  const auto what = fmt::format("making topic {}", spec.name);
  Request request(*this, RD_KAFKA_ADMIN_OP_CREATETOPICS, what);
  char why[256];
  const int replication = spec.replication ? *spec.replication : options_.replication.value_or(-1);
  const std::unique_ptr<rd_kafka_NewTopic_t, void (*)(rd_kafka_NewTopic_t*)> topic(
      rd_kafka_NewTopic_new(spec.name.c_str(), spec.partitions, replication, why, sizeof(why)),
      rd_kafka_NewTopic_destroy);
  if (!topic) throw Error(ErrorCode::kConfig, fmt::format("{}: {}", what, why));
  for (const auto& [name, value] : settings) {
    ThrowIf(rd_kafka_NewTopic_set_config(topic.get(), name.c_str(), value.c_str()), what);
  }
  rd_kafka_NewTopic_t* topics[] = {topic.get()};
  rd_kafka_CreateTopics(request.handle(), topics, 1, request.options(), request.queue());
  const auto event = request.Wait();
  size_t count = 0;
  const auto* made = rd_kafka_CreateTopics_result_topics(rd_kafka_event_CreateTopics_result(event.get()), &count);
  const auto error = rd_kafka_topic_result_error(made[0]);
  const bool there = error == RD_KAFKA_RESP_ERR_TOPIC_ALREADY_EXISTS;
  if (!there && error != RD_KAFKA_RESP_ERR_NO_ERROR)
    throw KafkaError(error, what, rd_kafka_topic_result_error_string(made[0]));
  const auto deadline = std::chrono::steady_clock::now() + kSettle;
  while (Describe({spec.name}).empty() && std::chrono::steady_clock::now() < deadline) {
    Clock::System().SleepFor(kSlice, {});
  }
  return !there;
}

bool Admin::Delete(const std::string& name) {
  const auto what = fmt::format("deleting topic {}", name);
  Request request(*this, RD_KAFKA_ADMIN_OP_DELETETOPICS, what);
  const std::unique_ptr<rd_kafka_DeleteTopic_t, void (*)(rd_kafka_DeleteTopic_t*)> topic(
      rd_kafka_DeleteTopic_new(name.c_str()), rd_kafka_DeleteTopic_destroy);
  rd_kafka_DeleteTopic_t* topics[] = {topic.get()};
  rd_kafka_DeleteTopics(request.handle(), topics, 1, request.options(), request.queue());
  const auto event = request.Wait();
  size_t count = 0;
  const auto* gone = rd_kafka_DeleteTopics_result_topics(rd_kafka_event_DeleteTopics_result(event.get()), &count);
  const auto error = rd_kafka_topic_result_error(gone[0]);
  if (error == RD_KAFKA_RESP_ERR_UNKNOWN_TOPIC_OR_PART) return false;
  if (error != RD_KAFKA_RESP_ERR_NO_ERROR) throw KafkaError(error, what, rd_kafka_topic_result_error_string(gone[0]));
  const auto deadline = std::chrono::steady_clock::now() + kSettle;
  while (!Describe({name}).empty() && std::chrono::steady_clock::now() < deadline) {
    Clock::System().SleepFor(kSlice, {});
  }
  return true;
}

std::map<std::string, std::map<std::string, std::string>> Admin::Settings(const std::vector<std::string>& topics) {
  std::map<std::string, std::map<std::string, std::string>> settings;
  if (topics.empty()) return settings;
  Request request(*this, RD_KAFKA_ADMIN_OP_DESCRIBECONFIGS, "looking at the settings of topics");
  std::vector<rd_kafka_ConfigResource_t*> resources;
  for (const auto& topic : topics)
    resources.push_back(rd_kafka_ConfigResource_new(RD_KAFKA_RESOURCE_TOPIC, topic.c_str()));
  rd_kafka_DescribeConfigs(request.handle(), resources.data(), resources.size(), request.options(), request.queue());
  rd_kafka_ConfigResource_destroy_array(resources.data(), resources.size());
  const auto event = request.Wait();
  size_t count = 0;
  const auto* found =
      rd_kafka_DescribeConfigs_result_resources(rd_kafka_event_DescribeConfigs_result(event.get()), &count);
  for (size_t i = 0; i < count; ++i) {
    if (rd_kafka_ConfigResource_error(found[i]) != RD_KAFKA_RESP_ERR_NO_ERROR) continue;
    size_t entries = 0;
    const auto* configs = rd_kafka_ConfigResource_configs(found[i], &entries);
    auto& topic = settings[rd_kafka_ConfigResource_name(found[i])];
    for (size_t j = 0; j < entries; ++j) {
      const char* value = rd_kafka_ConfigEntry_value(configs[j]);
      if (value != nullptr) topic[rd_kafka_ConfigEntry_name(configs[j])] = value;
    }
  }
  return settings;
}

/// False: a partition has no leader yet, or another one than the library thinks; to be asked again.
bool Admin::ListOnce(const std::vector<TopicPartition>& places, int64_t what, bool committed, const Patience& patience,
                     Offsets& offsets) {
  Request request(*this, RD_KAFKA_ADMIN_OP_LISTOFFSETS, "asking for offsets", patience);
  if (committed) {
    ThrowIf(rd_kafka_AdminOptions_set_isolation_level(request.options(), RD_KAFKA_ISOLATION_LEVEL_READ_COMMITTED),
            "asking for offsets");
  }
  const auto list = ListOf(places, what);
  rd_kafka_ListOffsets(request.handle(), list.get(), request.options(), request.queue());
  // The library's word for that no partition has a leader: of a topic that was made this moment.
  const auto event = request.Wait(RD_KAFKA_RESP_ERR__NOENT);
  if (!event) return false;
  size_t count = 0;
  const auto* infos = rd_kafka_ListOffsets_result_infos(rd_kafka_event_ListOffsets_result(event.get()), &count);
  for (size_t i = 0; i < count; ++i) {
    const auto* place = rd_kafka_ListOffsetsResultInfo_topic_partition(infos[i]);
    const auto missing = place->err == RD_KAFKA_RESP_ERR_UNKNOWN_TOPIC_OR_PART ||
                         place->err == RD_KAFKA_RESP_ERR__UNKNOWN_PARTITION ||
                         place->err == RD_KAFKA_RESP_ERR__UNKNOWN_TOPIC;
    if (missing) continue;
    if (place->err != RD_KAFKA_RESP_ERR_NO_ERROR && CodeOf(place->err) == ErrorCode::kUnavailable) return false;
    ThrowIf(place->err, fmt::format("offsets of topic {} partition {}", place->topic, place->partition));
    offsets[{place->topic, place->partition}] = place->offset;
  }
  return true;
}

Offsets Admin::List(const std::vector<TopicPartition>& places, int64_t what, bool committed, const Patience& patience) {
  const auto deadline = std::chrono::steady_clock::now() + options_.timeout;
  Offsets offsets;
  while (!places.empty() && !ListOnce(places, what, committed, patience, offsets)) {
    if (std::chrono::steady_clock::now() > deadline || !Clock::System().SleepFor(kSlice, patience.stop)) {
      throw Error(
          ErrorCode::kUnavailable,
          "asking for offsets: partitions have no leader; nothing is lost, try again when the brokers are well");
    }
  }
  return offsets;
}

Offsets Admin::Earliest(const std::vector<TopicPartition>& places, const Patience& patience) {
  return List(places, RD_KAFKA_OFFSET_SPEC_EARLIEST, false, patience);
}

Offsets Admin::Latest(const std::vector<TopicPartition>& places, const Patience& patience) {
  return List(places, RD_KAFKA_OFFSET_SPEC_LATEST, options_.read_committed, patience);
}

Offsets Admin::Ends(const std::vector<TopicPartition>& places, const Patience& patience) {
  return List(places, RD_KAFKA_OFFSET_SPEC_LATEST, false, patience);
}

Offsets Admin::At(const std::vector<TopicPartition>& places, Timestamp time) {
  auto offsets = List(places, std::chrono::ceil<milliseconds>(time).time_since_epoch().count(), false, {});
  std::vector<TopicPartition> later;
  for (const auto& [place, offset] : offsets) {
    if (offset < 0) later.push_back(place);
  }
  for (const auto& [place, offset] : Ends(later)) offsets[place] = offset;
  return offsets;
}

std::vector<std::string> Admin::Groups() {
  Request request(*this, RD_KAFKA_ADMIN_OP_LISTCONSUMERGROUPS, "listing consumer groups");
  rd_kafka_ListConsumerGroups(request.handle(), request.options(), request.queue());
  const auto event = request.Wait();
  size_t count = 0;
  const auto* listed =
      rd_kafka_ListConsumerGroups_result_valid(rd_kafka_event_ListConsumerGroups_result(event.get()), &count);
  std::vector<std::string> groups;
  for (size_t i = 0; i < count; ++i) {
    if (const char* name = rd_kafka_ConsumerGroupListing_group_id(listed[i])) groups.emplace_back(name);
  }
  std::ranges::sort(groups);
  return groups;
}

std::vector<CommittedOffset> Admin::Committed(const std::string& group) {
  Request request(*this, RD_KAFKA_ADMIN_OP_LISTCONSUMERGROUPOFFSETS, fmt::format("offsets of group {}", group));
  const std::unique_ptr<rd_kafka_ListConsumerGroupOffsets_t, void (*)(rd_kafka_ListConsumerGroupOffsets_t*)> wanted(
      rd_kafka_ListConsumerGroupOffsets_new(group.c_str(), nullptr), rd_kafka_ListConsumerGroupOffsets_destroy);
  rd_kafka_ListConsumerGroupOffsets_t* groups[] = {wanted.get()};
  rd_kafka_ListConsumerGroupOffsets(request.handle(), groups, 1, request.options(), request.queue());
  const auto event = request.Wait();
  size_t count = 0;
  const auto* results = rd_kafka_ListConsumerGroupOffsets_result_groups(
      rd_kafka_event_ListConsumerGroupOffsets_result(event.get()), &count);
  std::vector<CommittedOffset> committed;
  for (size_t i = 0; i < count; ++i) {
    const auto* partitions = rd_kafka_group_result_partitions(results[i]);
    for (int j = 0; partitions != nullptr && j < partitions->cnt; ++j) {
      const auto& place = partitions->elems[j];
      if (place.err != RD_KAFKA_RESP_ERR_NO_ERROR || place.offset < 0) continue;
      committed.push_back({{place.topic, place.partition},
                           place.offset,
                           std::string(static_cast<const char*>(place.metadata), place.metadata_size)});
    }
  }
  return committed;
}

std::optional<std::set<TopicPartition>> Admin::Assigned(const std::string& group, const Patience& patience) {
  const auto what = fmt::format("the members of group {}", group);
  Request request(*this, RD_KAFKA_ADMIN_OP_DESCRIBECONSUMERGROUPS, what, patience);
  const char* groups[] = {group.c_str()};
  rd_kafka_DescribeConsumerGroups(request.handle(), groups, 1, request.options(), request.queue());
  const auto event = request.Wait();
  size_t count = 0;
  const auto* described = rd_kafka_DescribeConsumerGroups_result_groups(
      rd_kafka_event_DescribeConsumerGroups_result(event.get()), &count)[0];
  if (const auto* error = rd_kafka_ConsumerGroupDescription_error(described))
    throw KafkaError(rd_kafka_error_code(error), what, rd_kafka_error_string(error));
  if (rd_kafka_ConsumerGroupDescription_state(described) != RD_KAFKA_CONSUMER_GROUP_STATE_STABLE) return std::nullopt;
  std::set<TopicPartition> assigned;
  for (size_t i = 0; i < rd_kafka_ConsumerGroupDescription_member_count(described); ++i) {
    const auto* member = rd_kafka_ConsumerGroupDescription_member(described, i);
    const auto* partitions = rd_kafka_MemberAssignment_partitions(rd_kafka_MemberDescription_assignment(member));
    for (int j = 0; partitions != nullptr && j < partitions->cnt; ++j)
      assigned.insert({partitions->elems[j].topic, partitions->elems[j].partition});
  }
  return assigned;
}

std::optional<std::set<std::string>> Admin::Rights(const std::string& name) {
  const auto what = fmt::format("the rights on topic {}", name);
  Request request(*this, RD_KAFKA_ADMIN_OP_DESCRIBETOPICS, what);
  ThrowIf(rd_kafka_AdminOptions_set_include_authorized_operations(request.options(), 1), what);
  const char* names[] = {name.c_str()};
  const std::unique_ptr<rd_kafka_TopicCollection_t, void (*)(rd_kafka_TopicCollection_t*)> topics(
      rd_kafka_TopicCollection_of_topic_names(names, 1), rd_kafka_TopicCollection_destroy);
  rd_kafka_DescribeTopics(request.handle(), topics.get(), request.options(), request.queue());
  const auto event = request.Wait();
  size_t count = 0;
  const auto* topic =
      rd_kafka_DescribeTopics_result_topics(rd_kafka_event_DescribeTopics_result(event.get()), &count)[0];
  const auto* error = rd_kafka_TopicDescription_error(topic);
  if (const auto code = rd_kafka_error_code(error); code != RD_KAFKA_RESP_ERR_NO_ERROR) {
    if (code == RD_KAFKA_RESP_ERR_UNKNOWN_TOPIC_OR_PART) return std::nullopt;
    if (code == RD_KAFKA_RESP_ERR_TOPIC_AUTHORIZATION_FAILED) return std::set<std::string>();
    throw KafkaError(code, what, rd_kafka_error_string(error));
  }
  std::set<std::string> rights;
  const auto* operations = rd_kafka_TopicDescription_authorized_operations(topic, &count);
  for (size_t i = 0; operations != nullptr && i < count; ++i) rights.insert(rd_kafka_AclOperation_name(operations[i]));
  return rights;
}

std::vector<std::string> Admin::Brokers() {
  const rd_kafka_metadata_t* metadata = nullptr;
  const auto error = rd_kafka_metadata(client_.handle(), 0, nullptr, &metadata, Millis(options_.timeout));
  if (error != RD_KAFKA_RESP_ERR_NO_ERROR) throw client_.Unreachable("asking for the brokers");
  std::vector<std::string> brokers;
  for (int i = 0; i < metadata->broker_cnt; ++i) {
    brokers.push_back(fmt::format("{}:{}", metadata->brokers[i].host, metadata->brokers[i].port));
  }
  rd_kafka_metadata_destroy(metadata);
  std::ranges::sort(brokers);
  return brokers;
}

void Admin::DeleteGroup(const std::string& group) {
  const auto what = fmt::format("deleting group {}", group);
  Request request(*this, RD_KAFKA_ADMIN_OP_DELETEGROUPS, what);
  const std::unique_ptr<rd_kafka_DeleteGroup_t, void (*)(rd_kafka_DeleteGroup_t*)> wanted(
      rd_kafka_DeleteGroup_new(group.c_str()), rd_kafka_DeleteGroup_destroy);
  rd_kafka_DeleteGroup_t* groups[] = {wanted.get()};
  rd_kafka_DeleteGroups(request.handle(), groups, 1, request.options(), request.queue());
  const auto event = request.Wait();
  size_t count = 0;
  const auto* gone = rd_kafka_DeleteGroups_result_groups(rd_kafka_event_DeleteGroups_result(event.get()), &count);
  const auto* error = rd_kafka_group_result_error(gone[0]);
  if (error == nullptr || rd_kafka_error_code(error) == RD_KAFKA_RESP_ERR_GROUP_ID_NOT_FOUND) return;
  ThrowIf(rd_kafka_error_code(error), what);
}

}  // namespace millrace::stream
