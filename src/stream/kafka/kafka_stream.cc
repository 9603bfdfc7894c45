#include "stream/kafka/kafka_stream.h"

#include <fmt/format.h>

#include <algorithm>
#include <charconv>
#include <utility>

#include "base/error.h"
#include "base/log.h"
#include "event/topic_name.h"
#include "stream/kafka/admin.h"
#include "stream/kafka/fact_log.h"
#include "stream/kafka/kafka_reader.h"
#include "stream/kafka/producer.h"

namespace millrace::stream {
namespace {

using std::chrono::milliseconds;

/// At the start a cluster has this long to answer: less than later, as somebody waits for the first words.
constexpr milliseconds kFirstAnswer{10'000};
/// Others that keep taking over a name from us, in a row.
constexpr int kFencedMax = 10;

const char* const kIdempotencyAgeMillis = "86400000";

Error NoSuchTopic(const std::string& topic) {
  return {ErrorCode::kConfig,
          fmt::format("there is no topic '{0}'; create it with `millrace topics create {0}`", topic)};
}

/// Kafka's own rule; librdkafka would ask the brokers.
void CheckSpec(const event::TopicSpec& spec) {
  event::CheckTopicName(spec.name);
  if (spec.partitions < 1) {
    throw Error(ErrorCode::kConfig,
                fmt::format("topic {}: {} partitions; choose at least 1", spec.name, spec.partitions));
  }
}

std::map<std::string, std::string> SettingsOf(const event::TopicSpec& spec) {
  std::map<std::string, std::string> settings;
  if (spec.retention_age) settings["retention.ms"] = std::to_string(milliseconds(*spec.retention_age).count());
  // Kafka's is of each partition.
  if (spec.retention_bytes) settings["retention.bytes"] = std::to_string(*spec.retention_bytes / spec.partitions);
  return settings;
}

std::optional<int64_t> NumberOf(const std::map<std::string, std::string>& settings, const std::string& name) {
  const auto found = settings.find(name);
  int64_t number = 0;
  if (found == settings.end()) return std::nullopt;
  const auto& text = found->second;
  if (std::from_chars(text.data(), text.data() + text.size(), number).ec != std::errc() || number < 0)
    return std::nullopt;
  return number;
}

std::vector<TopicPartition> PlacesOf(const std::vector<DescribedTopic>& topics) {
  std::vector<TopicPartition> places;
  for (const auto& topic : topics) {
    for (int32_t partition = 0; partition < topic.partitions; ++partition) places.push_back({topic.name, partition});
  }
  return places;
}

/// Keeps the records while the library reads them.
class Pending final : public event::PendingAppend {
 public:
  Pending(Producer& producer, event::EventBatchPtr events) : producer_(producer), events_(std::move(events)) {}
  void Await() override { producer_.Await(delivery); }

 private:
  Producer& producer_;
  const event::EventBatchPtr events_;

 public:
  Producer::Delivery delivery;  // ends, and so waits, before the records do
};

}  // namespace

KafkaStream::KafkaStream(KafkaOptions options, ByteBudget* budget)
    : options_(std::move(options)), budget_(budget), admin_(std::make_shared<Admin>(options_)) {
  admin_->Connect(kFirstAnswer);
}

KafkaStream::~KafkaStream() = default;

// ---- topics

std::string KafkaStream::ClusterId() {
  char* id = rd_kafka_clusterid(admin_->client().handle(), static_cast<int>(options_.timeout.count()));
  if (id == nullptr) throw Error(ErrorCode::kUnavailable, "the brokers did not say the cluster's id in time");
  std::string text(id);
  rd_kafka_mem_free(admin_->client().handle(), id);
  return text;
}

event::TopicInfo KafkaStream::EnsureTopic(const event::TopicSpec& spec) {
  CheckSpec(spec);
  admin_->Create(spec, SettingsOf(spec));
  auto info = FindTopic(spec.name);
  if (!info) throw Error(ErrorCode::kUnavailable, "topic " + spec.name + " was deleted as it was made; try again");
  if (info->spec.partitions != spec.partitions) {
    throw Error(ErrorCode::kConfig, fmt::format("topic {} has {} partitions and {} are asked for; keys would move, so "
                                                "make a new topic, or change it by Kafka's own tools",
                                                spec.name, info->spec.partitions, spec.partitions));
  }
  return *std::move(info);
}

void KafkaStream::DeleteTopic(const std::string& topic) {
  if (!admin_->Delete(topic)) throw NoSuchTopic(topic);
}

std::vector<event::TopicInfo> KafkaStream::Infos(const std::vector<std::string>& names) {
  const auto topics = admin_->Describe(names);
  const auto places = PlacesOf(topics);
  const auto firsts = admin_->Earliest(places);
  const auto ends = admin_->Ends(places);
  auto settings = admin_->Settings(names);
  std::vector<event::TopicInfo> infos;
  for (const auto& topic : topics) {
    event::TopicInfo info;
    info.id = topic.id;
    info.spec.name = topic.name;
    info.spec.partitions = topic.partitions;
    if (const auto age = NumberOf(settings[topic.name], "retention.ms"))
      info.spec.retention_age = std::chrono::duration_cast<std::chrono::seconds>(milliseconds(*age));
    if (const auto bytes = NumberOf(settings[topic.name], "retention.bytes"))
      info.spec.retention_bytes = *bytes * topic.partitions;
    for (int32_t partition = 0; partition < topic.partitions; ++partition) {
      const auto first = firsts.find({topic.name, partition});
      const auto end = ends.find({topic.name, partition});
      if (first == firsts.end() || end == ends.end()) continue;
      info.partitions.push_back({partition, first->second, end->second, -1});
    }
    infos.push_back(std::move(info));
  }
  std::ranges::sort(infos, {}, [](const auto& info) { return info.spec.name; });
  return infos;
}

std::vector<event::TopicInfo> KafkaStream::ListTopics() { return Infos(admin_->TopicNames()); }

std::optional<event::TopicInfo> KafkaStream::FindTopic(const std::string& topic) {
  if (topic.empty()) return std::nullopt;
  auto found = Infos({topic});
  if (found.empty()) return std::nullopt;
  return std::move(found.front());
}

std::vector<event::TopicInfo> KafkaStream::MatchTopics(const std::string& subscription) {
  return Infos(admin_->Matching(subscription));
}

// ---- appending

Producer& KafkaStream::PlainProducer() {
  const std::lock_guard lock(mutex_);
  if (!producer_) producer_ = std::make_unique<Producer>(options_, *admin_, "");
  return *producer_;
}

FactLog& KafkaStream::FactsOf(const std::string& topic, const std::string& owner) {
  const std::lock_guard lock(mutex_);
  auto& facts = facts_[owner];
  if (facts) return *facts;
  FactLog::Options options{.topic = topic, .settings = {{"cleanup.policy", "compact"}}, .owner = owner};
  if (topic != PositionsTopic()) {
    options.settings = {{"cleanup.policy", "compact,delete"}, {"retention.ms", kIdempotencyAgeMillis}};
  }
  facts = std::make_unique<FactLog>(options_, admin_, std::move(options));
  return *facts;
}

event::AppendOutcome KafkaStream::Append(const event::AppendRequest& request) {
  if (!request.position && request.idempotency_key.empty()) return AppendPlainly(request);
  // A transaction leaves all of it or nothing, whatever brokers said of the records.
  const auto say = [&](bool durable) {
    if (request.reports == nullptr) return;
    request.reports->resize(request.events ? request.events->size() : 0);
    for (auto& report : *request.reports) report.durable = durable;
  };
  try {
    const auto outcome = request.position ? AppendWithPosition(request) : AppendOnce(request);
    say(outcome != event::AppendOutcome::kFenced);
    return outcome;
  } catch (const Error&) {
    say(false);
    throw;
  }
}

event::AppendOutcome KafkaStream::AppendPlainly(const event::AppendRequest& request) {
  auto& producer = PlainProducer();
  Producer::Delivery delivery;
  producer.Send(request, delivery);
  producer.Await(delivery);
  return event::AppendOutcome::kAppended;
}

std::unique_ptr<event::PendingAppend> KafkaStream::BeginAppend(const event::AppendRequest& request) {
  auto& producer = PlainProducer();
  auto pending = std::make_unique<Pending>(producer, request.events);
  producer.Send(request, pending->delivery);
  return pending;
}

void KafkaStream::GetReady() noexcept {
  try {
    PlainProducer();
  } catch (const std::exception& error) {
    LogDebug("kafka: no producer yet: {}", error.what());
  }
}

event::AppendOutcome KafkaStream::AppendWithPosition(const event::AppendRequest& request) {
  const auto& position = *request.position;
  auto& facts = FactsOf(PositionsTopic(), position.producer);
  const auto expected = position.begin == event::kStart ? std::nullopt : std::optional(position.begin.value());
  const auto outcome = facts.Append(request, position.split.value(), expected, position.end.value());
  return outcome == FactLog::Outcome::kAppended ? event::AppendOutcome::kAppended : event::AppendOutcome::kFenced;
}

event::AppendOutcome KafkaStream::AppendOnce(const event::AppendRequest& request) {
  auto& facts = FactsOf(options_.group_prefix + "idempotency", "keys of " + request.topic);
  for (int attempt = 0; attempt < kFencedMax; ++attempt) {
    if (request.reports != nullptr) request.reports->clear();
    switch (facts.Append(request, request.idempotency_key, std::nullopt, "1")) {
      case FactLog::Outcome::kAppended:
        return event::AppendOutcome::kAppended;
      case FactLog::Outcome::kRefused:
        return event::AppendOutcome::kDuplicate;
      case FactLog::Outcome::kFenced:
        break;  // another process appends to the topic as well: look again
    }
  }
  throw Error(ErrorCode::kUnavailable,
              fmt::format("topic {}: other processes keep appending with idempotency keys; try again", request.topic));
}

event::Positions KafkaStream::ProducerPositions(const std::string& producer) {
  event::Positions positions;
  for (const auto& [split, cursor] : FactsOf(PositionsTopic(), producer).Facts()) {
    positions[event::SplitId(split)] = event::Cursor(cursor);
  }
  return positions;
}

// ---- reading

event::Positions KafkaStream::FindStart(const std::string& topic, const event::Start& start) {
  event::Positions positions;
  const auto topics = admin_->Describe(admin_->Matching(topic));
  if (topics.empty() && !IsPattern(topic)) throw NoSuchTopic(topic);
  if (start.at == event::Start::At::kEarliest) return positions;
  auto places = PlacesOf(topics);
  Offsets offsets;
  if (start.at == event::Start::At::kLatest) offsets = admin_->Ends(places);
  if (start.at == event::Start::At::kTime) offsets = admin_->At(places, start.time);
  if (start.at == event::Start::At::kOffsets) {
    const auto firsts = admin_->Earliest(places);
    const auto ends = admin_->Ends(places);
    for (const auto& [partition, offset] : start.offsets) {
      const TopicPartition place{topic, partition};
      if (!ends.contains(place)) {
        throw Error(ErrorCode::kConfig, fmt::format("topic {} has no partition {} to start in", topic, partition));
      }
      if (offset < firsts.at(place) || offset > ends.at(place)) {
        throw Error(ErrorCode::kConfig,
                    fmt::format("topic {} partition {} has the offsets {} to {}, and {} is to start at", topic,
                                partition, firsts.at(place), ends.at(place), offset));
      }
      offsets[place] = offset;
    }
  }
  for (const auto& described : topics) {
    for (int32_t partition = 0; partition < described.partitions; ++partition) {
      const auto found = offsets.find({described.name, partition});
      if (found == offsets.end()) continue;
      positions[event::TopicSplit(described.id, partition)] = event::OffsetCursor(found->second);
    }
  }
  return positions;
}

std::unique_ptr<event::Source> KafkaStream::OpenReader(const std::string& topic, const event::ReaderOptions& options) {
  if (IsPattern(topic)) {
    CheckPattern(topic);
  } else if (admin_->Describe({topic}).empty()) {
    throw NoSuchTopic(topic);
  }
  return std::make_unique<KafkaReader>(options_, admin_, budget_, topic, options);
}

std::vector<event::ReaderInfo> KafkaStream::ListReaders() {
  std::vector<event::ReaderInfo> readers;
  std::vector<std::pair<std::string, CommittedOffset>> committed;
  std::vector<std::string> names;
  for (const auto& group : admin_->Groups()) {
    if (!group.starts_with(options_.group_prefix)) continue;
    for (auto& offset : admin_->Committed(group)) {
      names.push_back(offset.place.topic);
      committed.emplace_back(group.substr(options_.group_prefix.size()), std::move(offset));
    }
  }
  std::ranges::sort(names);
  names.erase(std::unique(names.begin(), names.end()), names.end());
  const auto topics = admin_->Describe(names);
  const auto ends = admin_->Ends(PlacesOf(topics));
  for (const auto& [reader, offset] : committed) {
    const auto topic = std::ranges::find(topics, offset.place.topic, &DescribedTopic::name);
    const auto end = ends.find(offset.place);
    // Of an earlier topic of that name it says nothing about this one.
    if (topic == topics.end() || end == ends.end() || offset.metadata != topic->id) continue;
    readers.push_back({reader, offset.place.topic, offset.place.partition, offset.offset, end->second - offset.offset});
  }
  std::ranges::sort(readers, {}, [](const auto& r) { return std::tuple(r.reader, r.topic, r.partition); });
  return readers;
}

}  // namespace millrace::stream
