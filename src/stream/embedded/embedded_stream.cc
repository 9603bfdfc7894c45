#include "stream/embedded/embedded_stream.h"

#include <fmt/format.h>

#include <algorithm>
#include <utility>

#include "base/error.h"
#include "base/fault.h"
#include "event/topic_name.h"
#include "stream/embedded/cleaner.h"
#include "stream/embedded/group_commit.h"
#include "stream/embedded/partitioner.h"
#include "stream/embedded/reader.h"
#include "stream/embedded/retention.h"
#include "stream/embedded/start.h"
#include "stream/embedded/store.h"

namespace millrace::stream {
namespace {

constexpr int32_t kPartitionsMax = 1024;
constexpr size_t kNameBytesMax = 1024;  // readers, producers, idempotency keys
constexpr int kTrimRows = 256;          // in one transaction, so that appends wait little
constexpr std::chrono::milliseconds kIngestGrain{100};

void CheckSpec(const event::TopicSpec& spec) {
  event::CheckTopicName(spec.name);
  if (spec.partitions < 1 || spec.partitions > kPartitionsMax) {
    throw Error(ErrorCode::kConfig,
                fmt::format("topic {}: {} partitions; choose 1 to {}", spec.name, spec.partitions, kPartitionsMax));
  }
}

void CheckName(const std::string& name, std::string_view what) {
  if (name.size() <= kNameBytesMax) return;
  throw Error(ErrorCode::kData,
              fmt::format("a{} of {} bytes is too long; use at most {}", what, name.size(), kNameBytesMax));
}

Error NoSuchTopic(const std::string& topic) {
  return {ErrorCode::kConfig,
          "there is no topic '" + topic + "'; create it with `millrace topics create " + topic + "`"};
}

std::vector<event::TopicInfo> SelectTopics(Connection& connection, const std::string& name) {
  Transaction snapshot(connection, Transaction::Kind::kRead);
  auto topics = connection.Prepare(
      "SELECT id, name, uuid, retention_seconds, retention_bytes FROM topic WHERE ?1 = '' OR name = ?1 ORDER BY name");
  auto parts =
      connection.Prepare("SELECT number, first_offset, next_offset, bytes FROM part WHERE topic = ? ORDER BY number");
  topics.Bind(0, name);
  std::vector<event::TopicInfo> infos;
  while (topics.Step()) {
    event::TopicInfo info;
    info.spec.name = topics.Text(1);
    info.id = topics.Text(2);
    if (!topics.IsNull(3)) info.spec.retention_age = std::chrono::seconds(topics.Int(3));
    if (!topics.IsNull(4)) info.spec.retention_bytes = topics.Int(4);
    parts.Bind(0, topics.Int(0));
    while (parts.Step()) {
      info.partitions.push_back({static_cast<int32_t>(parts.Int(0)), parts.Int(1), parts.Int(2), parts.Int(3)});
    }
    parts.Reset();
    info.spec.partitions = static_cast<int32_t>(info.partitions.size());
    infos.push_back(std::move(info));
  }
  return infos;
}

}  // namespace

EmbeddedStream::EmbeddedStream(EmbeddedStreamOptions options, const Clock& clock)
    : options_(std::move(options)),
      clock_(clock),
      look_(OpenStore(options_.path, options_.vfs)),
      segments_(std::make_unique<SegmentFolder>(options_.path, options_.vfs)),
      writer_(std::make_unique<GroupCommit>(
          OpenStore(options_.path, options_.vfs), OpenStore(options_.path, options_.vfs), *segments_,
          GroupCommitLimits{options_.queue_bytes_max, options_.checkpoint_bytes, options_.segment_bytes})),
      random_(Random::FromSystem()) {}

EmbeddedStream::~EmbeddedStream() = default;

event::TopicInfo EmbeddedStream::EnsureTopic(const event::TopicSpec& spec) {
  CheckSpec(spec);
  std::string uuid;
  {
    const std::lock_guard lock(mutex_);
    uuid = random_.Uuid();
    incarnations_.erase(spec.name);
  }
  writer_->Run(
      [&](Ledger& ledger) {
        auto count = ledger.connection().Prepare(
            "SELECT count(*) FROM part WHERE topic = (SELECT id FROM topic WHERE name = ?)");
        count.Bind(0, spec.name).Step();
        const int64_t partitions = count.Int(0);
        if (partitions == 0) return ledger.CreateTopic(spec, uuid, clock_.Now());
        if (partitions != spec.partitions) {
          throw Error(
              ErrorCode::kConfig,
              fmt::format("topic {} has {} partitions and {} are asked for; keys would move, so make a new topic",
                          spec.name, partitions, spec.partitions));
        }
        ledger.SetRetention(spec);
      },
      0, DurableBy::kDatabase);
  auto info = FindTopic(spec.name);
  if (!info) throw Error(ErrorCode::kUnavailable, "topic " + spec.name + " was deleted as it was made; try again");
  return *std::move(info);
}

void EmbeddedStream::DeleteTopic(const std::string& topic) {
  FaultPoint("stream.before_delete_topic");
  writer_->Run([&](Ledger& ledger) { ledger.DeleteTopic(topic); }, 0, DurableBy::kDatabase);
  FaultPoint("stream.after_delete_topic");
  TrimAll(Timestamp::min());
}

std::vector<event::TopicInfo> EmbeddedStream::ListTopics() {
  const std::lock_guard lock(mutex_);
  return SelectTopics(*look_, "");
}

std::optional<event::TopicInfo> EmbeddedStream::FindTopic(const std::string& topic) {
  if (topic.empty()) return std::nullopt;
  const std::lock_guard lock(mutex_);
  auto found = SelectTopics(*look_, topic);
  if (found.empty()) return std::nullopt;
  return std::move(found.front());
}

std::shared_ptr<const EmbeddedStream::Incarnation> EmbeddedStream::FindIncarnation(const std::string& topic,
                                                                                   bool fresh) {
  const std::lock_guard lock(mutex_);
  if (fresh) incarnations_.erase(topic);
  if (const auto it = incarnations_.find(topic); it != incarnations_.end()) return it->second;
  const auto found = topic.empty() ? std::vector<event::TopicInfo>{} : SelectTopics(*look_, topic);
  if (found.empty()) throw NoSuchTopic(topic);
  return incarnations_[topic] =
             std::make_shared<const Incarnation>(Incarnation{found.front().id, found.front().spec.partitions});
}

void EmbeddedStream::CheckLimits(const event::AppendRequest& request) const {
  CheckName(request.idempotency_key, "n idempotency key");
  if (request.position) CheckName(request.position->producer, " producer name");
  if (request.events == nullptr) return;
  const auto& events = *request.events;
  size_t bytes = 0;
  for (size_t i = 0; i < events.size(); ++i) {
    const size_t size = events.records[i].size + events.key(i).size() + events.header_block(i).size();
    if (size > options_.record_bytes_max) {
      throw Error(ErrorCode::kData, fmt::format("topic {}: record {} of the batch has {} bytes, the limit is {}; "
                                                "leave it out, or raise the limit",
                                                request.topic, i, size, options_.record_bytes_max));
    }
    bytes += size;
  }
  if (bytes > options_.batch_bytes_max) {
    throw Error(ErrorCode::kData,
                fmt::format("topic {}: a batch of {} bytes, the limit is {}; append it in smaller ones", request.topic,
                            bytes, options_.batch_bytes_max));
  }
}

Timestamp EmbeddedStream::ArrivalOf(const event::EventBatch& events) const {
  const auto at = events.ingested_at == Timestamp{} ? clock_.Now() : events.ingested_at;
  return Timestamp(std::chrono::floor<std::chrono::microseconds>(at.time_since_epoch() / kIngestGrain * kIngestGrain));
}

event::AppendOutcome EmbeddedStream::Append(const event::AppendRequest& request) {
  CheckLimits(request);
  const bool empty = request.events == nullptr || request.events->size() == 0;
  const auto at = empty ? Timestamp{} : ArrivalOf(*request.events);
  const size_t bytes = empty ? 0 : request.events->payload->size();
  const uint32_t turn = empty ? 0 : next_keyless_.fetch_add(1, std::memory_order_relaxed);
  for (bool fresh = false;; fresh = true) {
    if (request.reports != nullptr) request.reports->assign(empty ? 0 : request.events->size(), {});
    const auto incarnation = FindIncarnation(request.topic, fresh);
    PreparedAppend append{&request, incarnation->id, {}};
    if (!empty) {
      const auto keyless = static_cast<int32_t>(turn % static_cast<uint32_t>(incarnation->partitions));
      append.parts = SplitByPartition(request, at, incarnation->partitions, keyless);
    }
    std::optional<event::AppendOutcome> outcome;
    FaultPoint("stream.before_append");
    writer_->Run([&](Ledger& ledger) { outcome = ledger.Append(append, clock_.Now()); }, bytes, DurableBy::kJournal);
    FaultPoint("stream.after_append");
    if (!outcome) continue;
    if (request.reports != nullptr && *outcome != event::AppendOutcome::kFenced) {
      for (auto& report : *request.reports) report.durable = true;
    }
    return *outcome;
  }
}

event::Positions EmbeddedStream::ProducerPositions(const std::string& producer) {
  const std::lock_guard lock(mutex_);
  auto select = look_->Prepare("SELECT split, cursor FROM producer WHERE producer = ?");
  select.Bind(0, producer);
  event::Positions positions;
  while (select.Step()) positions.emplace(select.Text(0), select.Text(1));
  return positions;
}

event::Positions EmbeddedStream::FindStart(const std::string& topic, const event::Start& start) {
  const auto incarnation = FindIncarnation(topic, true);
  const std::lock_guard lock(mutex_);
  return StartPositions(*look_, topic, incarnation->id, start);
}

std::unique_ptr<event::Source> EmbeddedStream::OpenReader(const std::string& topic,
                                                          const event::ReaderOptions& options) {
  CheckName(options.reader, " reader name");
  const auto incarnation = FindIncarnation(topic, true);
  if (!options.reader.empty()) {
    writer_->Run([&](Ledger& ledger) { ledger.RegisterReader(options.reader, incarnation->id); }, 0,
                 DurableBy::kDatabase);
  }
  return std::make_unique<EmbeddedReader>(OpenStore(options_.path, options_.vfs), *segments_, *writer_,
                                          ReaderIdentity{topic, incarnation->id, options}, clock_);
}

std::vector<event::ReaderInfo> EmbeddedStream::ListReaders() {
  const std::lock_guard lock(mutex_);
  auto select = look_->Prepare(
      "SELECT reader.reader, topic.name, part.number, reader.next_offset, part.next_offset - reader.next_offset "
      "FROM reader JOIN part ON reader.part = part.id JOIN topic ON part.topic = topic.id ORDER BY 1, 2, 3");
  std::vector<event::ReaderInfo> readers;
  while (select.Step()) {
    readers.push_back(
        {select.Text(0), select.Text(1), static_cast<int32_t>(select.Int(2)), select.Int(3), select.Int(4)});
  }
  return readers;
}

void EmbeddedStream::ForgetReader(const std::string& reader, const std::string& topic) {
  writer_->Run([&](Ledger& ledger) { ledger.ForgetReader(reader, topic); }, 0, DurableBy::kDatabase);
}

int64_t EmbeddedStream::EnforceRetention(Timestamp now) {
  writer_->Run(
      [&](Ledger& ledger) {
        ledger.ForgetIdempotencyKeys(now - options_.idempotency_age, options_.idempotency_keys_max);
      },
      0, DurableBy::kDatabase);
  return TrimAll(now);
}

int64_t EmbeddedStream::TrimAll(Timestamp now) {
  int64_t freed = 0;
  for (bool more = true; more;) {
    FaultPoint("stream.before_trim");
    writer_->Run(
        [&](Ledger& ledger) {
          ledger.Flush();  // so that what appends of this transaction gathered is counted
          const auto trimmed = TrimSome(ledger.connection(), ledger.journal(), now, kTrimRows);
          more = trimmed.more;
          freed += trimmed.bytes;
        },
        0, DurableBy::kDatabase);
    FaultPoint("stream.after_trim");
  }
  CleanSegments();
  return freed;
}

void EmbeddedStream::CleanSegments() {
  const auto look = [&](auto find) {
    const std::lock_guard lock(mutex_);
    return find(*look_);
  };
  while (const auto segment = look(SegmentToClean)) {
    const auto live = LivePayloads(*OpenStore(options_.path, options_.vfs), *segments_, *segment);
    if (live.empty()) break;  // what should be alive cannot be read: who reads it is told
    for (size_t next = 0; next < live.size();) {
      FaultPoint("stream.before_clean");
      writer_->Run([&](Ledger& ledger) { next = MoveSome(ledger, *segments_, live, next); }, 0, DurableBy::kDatabase);
      FaultPoint("stream.after_clean");
    }
  }
  if (!look(HasDeadSegments)) return;
  std::vector<int64_t> dead;
  writer_->Run([&](Ledger& ledger) { dead = ForgetDeadSegments(ledger.connection()); }, 0, DurableBy::kDatabase);
  for (const auto segment : dead) {
    FaultPoint("stream.before_remove_segment");
    segments_->Remove(segment);
  }
}

}  // namespace millrace::stream
