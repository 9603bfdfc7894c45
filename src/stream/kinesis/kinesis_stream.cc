#include "stream/kinesis/kinesis_stream.h"

#include <fmt/format.h>

#include <algorithm>
#include <utility>

#include "base/error.h"
#include "base/fault.h"
#include "event/topic_name.h"
#include "io/outage_patience.h"
#include "stream/kinesis/kinesis_appender.h"
#include "stream/kinesis/kinesis_reader.h"
#include "stream/kinesis/producer_positions.h"

namespace millrace::stream {
namespace {

using std::chrono::hours;
using std::chrono::milliseconds;

constexpr milliseconds kBetweenLooks{200};
// What Kinesis keeps records for at least, and by itself, and at most.
constexpr hours kRetentionMin{24};
constexpr hours kRetentionMax{8760};

Error NoSuchStream(const std::string& topic) {
  return {ErrorCode::kConfig,
          fmt::format("there is no stream '{0}' in Kinesis; create it with `millrace topics create {0}`", topic)};
}

void CheckSpec(const event::TopicSpec& spec) {
  event::CheckTopicName(spec.name);
  if (spec.partitions < 1) {
    throw Error(ErrorCode::kConfig, fmt::format("topic {}: {} shards; choose at least 1", spec.name, spec.partitions));
  }
  if (spec.retention_bytes) {
    throw Error(ErrorCode::kConfig,
                fmt::format("topic {}: Kinesis keeps records by age alone; leave retention_size out", spec.name));
  }
  if (spec.retention_age && *spec.retention_age > kRetentionMax) {
    throw Error(ErrorCode::kConfig, fmt::format("topic {}: Kinesis keeps records for {} days at the most", spec.name,
                                                kRetentionMax.count() / 24));
  }
}

event::TopicInfo InfoOf(const std::string& topic, const DescribedStream& described, const std::vector<Shard>& shards) {
  event::TopicInfo info;
  info.id = described.id;
  info.spec = {.name = topic, .partitions = described.open_shards, .retention_age = described.retention};
  for (const auto& shard : shards) info.partitions.push_back({shard.number, 0, -1, -1});
  return info;
}

}  // namespace

KinesisStream::KinesisStream(KinesisOptions options, const Clock& clock)
    : options_(std::move(options)), clock_(clock), client_(std::make_shared<KinesisClient>(options_.server)) {}

KinesisStream::~KinesisStream() = default;

// ---- topics

void KinesisStream::Await(const std::string& topic, bool there) {
  const auto deadline = clock_.Steady() + options_.change_timeout;
  for (;;) {
    const auto described = client_->Describe(NameOf(topic));
    if (there ? described && described->active : !described) return;
    if (clock_.Steady() >= deadline || !io::OutagePatience::Sleep(kBetweenLooks)) {
      throw Error(ErrorCode::kUnavailable,
                  fmt::format("topic {}: Kinesis has not {} it in time; try again", topic, there ? "made" : "deleted"));
    }
  }
}

event::TopicInfo KinesisStream::EnsureTopic(const event::TopicSpec& spec) {
  CheckSpec(spec);
  const auto name = NameOf(spec.name);
  auto found = client_->Describe(name);
  if (found && found->deleting) {
    Await(spec.name, false);
    found.reset();
  }
  const bool made = !found && client_->Create(name, spec.partitions);
  Await(spec.name, true);
  if (made && spec.retention_age && *spec.retention_age > kRetentionMin) {
    client_->KeepFor(name, std::chrono::ceil<hours>(*spec.retention_age));
  }
  auto info = FindTopic(spec.name);
  if (!info) throw Error(ErrorCode::kUnavailable, "topic " + spec.name + " was deleted as it was made; try again");
  if (info->spec.partitions != spec.partitions) {
    throw Error(ErrorCode::kConfig,
                fmt::format("topic {} has {} open shards and {} are asked for; split or merge them by AWS's own tools, "
                            "which keeps the order of keys",
                            spec.name, info->spec.partitions, spec.partitions));
  }
  return *std::move(info);
}

void KinesisStream::DeleteTopic(const std::string& topic) {
  if (!client_->Delete(NameOf(topic))) throw NoSuchStream(topic);
  Await(topic, false);
  const std::lock_guard lock(mutex_);
  open_shards_.erase(topic);
}

std::vector<event::TopicInfo> KinesisStream::ListTopics() {
  std::vector<event::TopicInfo> topics;
  for (const auto& name : client_->StreamNames()) {
    if (!name.starts_with(options_.prefix) || name.size() == options_.prefix.size()) continue;
    if (auto topic = FindTopic(name.substr(options_.prefix.size()))) topics.push_back(*std::move(topic));
  }
  return topics;
}

/// nullopt: there is none, or not for much longer.
std::optional<DescribedStream> KinesisStream::Look(const std::string& topic) {
  if (topic.empty()) return std::nullopt;
  auto described = client_->Describe(NameOf(topic));
  return described && !described->deleting ? std::move(described) : std::nullopt;
}

std::optional<event::TopicInfo> KinesisStream::FindTopic(const std::string& topic) {
  const auto described = Look(topic);
  if (!described) return std::nullopt;
  return InfoOf(topic, *described, client_->Shards(NameOf(topic)));
}

// ---- appending

KinesisStream::OpenShards KinesisStream::ShardsOf(const std::string& topic) {
  const auto now = clock_.Steady();
  {
    const std::lock_guard lock(mutex_);
    const auto found = open_shards_.find(topic);
    if (found != open_shards_.end() && now - found->second.at < options_.refresh) return found->second;
  }
  OpenShards open{client_->Shards(NameOf(topic)), now};
  std::erase_if(open.shards, [](const Shard& shard) { return !shard.open; });
  if (open.shards.empty()) throw NoSuchStream(topic);
  const std::lock_guard lock(mutex_);
  return open_shards_[topic] = std::move(open);
}

void KinesisStream::AppendRecords(const event::AppendRequest& request) {
  const auto open = ShardsOf(request.topic);
  KinesisAppender appender(request, open.shards, turn_++);
  appender.Send(*client_, NameOf(request.topic), options_.delivery_timeout, clock_);
}

event::AppendOutcome KinesisStream::Append(const event::AppendRequest& request) {
  if (!request.idempotency_key.empty()) {
    throw Error(ErrorCode::kData, fmt::format("topic {}: Kinesis knows no idempotency keys, so nothing would make it "
                                              "exactly once; send it without one",
                                              request.topic));
  }
  if (!request.position) {
    AppendRecords(request);
    return event::AppendOutcome::kAppended;
  }
  auto& positions = Positions();
  if (!positions.StandsAt(*request.position)) return event::AppendOutcome::kFenced;
  AppendRecords(request);
  FaultPoint("kinesis.before_position");
  const bool moved = positions.Move(*request.position);
  FaultPoint("kinesis.after_position");
  return moved ? event::AppendOutcome::kAppended : event::AppendOutcome::kFenced;
}

stream::ProducerPositions& KinesisStream::Positions() {
  const std::lock_guard lock(mutex_);
  if (!positions_ && options_.positions.empty()) {
    throw Error(ErrorCode::kConfig, "this stream was opened without a data directory, where producers' positions lie");
  }
  if (!positions_) positions_ = std::make_unique<stream::ProducerPositions>(options_.positions);
  return *positions_;
}

event::Positions KinesisStream::ProducerPositions(const std::string& producer) { return Positions().Of(producer); }

// ---- reading

event::Positions KinesisStream::FindStart(const std::string& topic, const event::Start& start) {
  using At = event::Start::At;
  const auto info = FindTopic(topic);
  if (!info) throw NoSuchStream(topic);
  if (start.at == At::kOffsets) {
    throw Error(ErrorCode::kConfig, fmt::format("topic {}: Kinesis has no offsets to start at; take a time", topic));
  }
  event::Positions positions;
  if (start.at == At::kEarliest) return positions;
  const auto time = start.at == At::kLatest ? clock_.Now() : start.time;
  for (const auto& partition : info->partitions) {
    positions[event::TopicSplit(info->id, partition.partition)] = CursorAt({.at = ShardPlace::At::kTime, .time = time});
  }
  return positions;
}

std::unique_ptr<event::Source> KinesisStream::OpenReader(const std::string& topic,
                                                         const event::ReaderOptions& options) {
  const auto described = Look(topic);
  if (!described) throw NoSuchStream(topic);
  KinesisReaderIdentity identity{
      .topic = topic, .stream = NameOf(topic), .topic_id = described->id, .options = options};
  return std::make_unique<KinesisReader>(options_, client_, std::move(identity), clock_);
}

}  // namespace millrace::stream
