#include "stream/kafka/consumer.h"

#include <fmt/format.h>

#include <algorithm>
#include <atomic>
#include <thread>

#include "base/log.h"
#include "stream/kafka/kafka_error.h"
#include "stream/kafka/partition_list.h"

namespace millrace::stream {
namespace {

using std::chrono::milliseconds;

constexpr int64_t kKiB = 1024;
/// A group that does not let go in this time finds out by the session timeout.
constexpr milliseconds kCloseMax{5000};
/// What a group is asked for is answered in this time, or never.
constexpr milliseconds kAnswerMax{200};
/// One answer to a fetch holds this much of all its partitions at most, compressed, unless one record is larger.
constexpr int64_t kFetchBytesMax = int64_t{8} << 20;

Properties ConsumerProperties(const KafkaOptions& options, const std::string& group, int64_t queue_bytes) {
  const auto fetch = std::clamp<int64_t>(queue_bytes / 2, 1024 * kKiB, kFetchBytesMax);
  Properties properties = {
      {"group.id", group.empty() ? options.group_prefix + "look" : group},
      {"enable.auto.commit", "false"},
      {"enable.auto.offset.store", "false"},
      // Never to be decided by the library: where a partition is read from is in the table.
      {"auto.offset.reset", "error"},
      {"isolation.level", options.read_committed ? "read_committed" : "read_uncommitted"},
      {"allow.auto.create.topics", "false"},
      {"check.crcs", "true"},
      // Only bytes bound the queue; and a full one makes no partition wait for a second.
      {"queued.min.messages", "10000000"},
      {"queued.max.messages.kbytes", std::to_string(std::max<int64_t>(queue_bytes / kKiB, 1))},
      {"fetch.queue.backoff.ms", "5"},
      {"fetch.max.bytes", std::to_string(fetch)},
      {"fetch.message.max.bytes", std::to_string(std::min<int64_t>(fetch, 1024 * kKiB))},
  };
  if (group.empty()) return properties;
  properties.emplace_back("partition.assignment.strategy", "cooperative-sticky");
  properties.emplace_back("session.timeout.ms", std::to_string(options.session_timeout.count()));
  properties.emplace_back("heartbeat.interval.ms",
                          std::to_string(std::min<int64_t>(options.session_timeout.count() / 4, 3000)));
  if (!options.worker.empty()) properties.emplace_back("group.instance.id", options.worker);
  return properties;
}

std::vector<TopicPartition> PlacesOf(const rd_kafka_topic_partition_list_t* list) {
  std::vector<TopicPartition> places;
  for (int i = 0; list != nullptr && i < list->cnt; ++i)
    places.push_back({list->elems[i].topic, list->elems[i].partition});
  return places;
}

}  // namespace

Consumer::Consumer(const KafkaOptions& options, const std::string& group, int64_t queue_bytes)
    : client_(Client::Kind::kConsumer, options, ConsumerProperties(options, group, queue_bytes),
              {.events = RD_KAFKA_EVENT_REBALANCE}) {
  ThrowIf(rd_kafka_poll_set_consumer(handle()), "reading from Kafka");
  group_queue_.reset(rd_kafka_queue_get_consumer(handle()));
  records_.reset(rd_kafka_queue_new(handle()));
}

Consumer::~Consumer() {
  // Records that nobody took hold their partitions, and the handle waits for these.
  records_.reset();
  Close();
  group_queue_.reset();
}

/// The library drops what it is asked while a group ends, and lets whoever asked wait for the answer without end
/// (librdkafka 2.15, rd_kafka_cgrp_op_serve). So another thread asks, and is left behind in that case: it holds
/// nothing.
void Consumer::ReleaseAtTheEnd(const std::vector<TopicPartition>& places) {
  const auto answered = std::make_shared<std::atomic<bool>>(false);
  const std::shared_ptr<rd_kafka_topic_partition_list_t> list(TakePlaced(places));
  std::thread asking([answered, list, handle = handle()] {
    if (auto* error = rd_kafka_incremental_unassign(handle, list.get())) rd_kafka_error_destroy(error);
    *answered = true;
  });
  std::optional<std::chrono::steady_clock::time_point> ended;
  while (!*answered) {
    const auto now = std::chrono::steady_clock::now();
    if (!ended && rd_kafka_consumer_closed(handle()) != 0) ended = now;
    if (ended && now > *ended + kAnswerMax) {
      LogDebug("kafka: a group ended before it took partitions back");
      return asking.detach();
    }
    std::this_thread::sleep_for(milliseconds(1));
  }
  asking.join();
}

/// The library's own close waits for an answer of ours without end when it is called while the group rebalances.
void Consumer::Close() {
  const KafkaErrorPtr error(rd_kafka_consumer_close_queue(handle(), group_queue_.get()));
  const auto deadline = std::chrono::steady_clock::now() + kCloseMax;
  while (!error && rd_kafka_consumer_closed(handle()) == 0 && std::chrono::steady_clock::now() < deadline) {
    try {
      const auto rebalance = Poll(milliseconds(50));
      if (rebalance && rebalance->kind == Rebalance::Kind::kRevoked) ReleaseAtTheEnd(rebalance->places);
    } catch (const Error& failure) {
      LogDebug("kafka: leaving a group: {}", failure.what());
    }
  }
}

void Consumer::Subscribe(const std::string& subscription) {
  const auto list = NewPartitionList(1);
  Add(list, {subscription, RD_KAFKA_PARTITION_UA}, RD_KAFKA_OFFSET_INVALID);
  ThrowIf(rd_kafka_subscribe(handle(), list.get()), fmt::format("reading {}", subscription));
}

std::optional<Rebalance> Consumer::Poll(milliseconds wait) {
  rd_kafka_event_t* event = rd_kafka_queue_poll(group_queue_.get(), static_cast<int>(wait.count()));
  if (event == nullptr) return std::nullopt;
  const std::unique_ptr<rd_kafka_event_t, void (*)(rd_kafka_event_t*)> owned(event, rd_kafka_event_destroy);
  if (rd_kafka_event_type(event) == RD_KAFKA_EVENT_FETCH) {
    throw Error(ErrorCode::kInternal, "records of a partition came by the queue of the group");
  }
  if (rd_kafka_event_type(event) == RD_KAFKA_EVENT_ERROR) {
    client_.Told(rd_kafka_event_error(event), rd_kafka_event_error_string(event));
  }
  if (rd_kafka_event_type(event) != RD_KAFKA_EVENT_REBALANCE) return std::nullopt;
  Rebalance rebalance;
  rebalance.places = PlacesOf(rd_kafka_event_topic_partition_list(event));
  if (rd_kafka_event_error(event) == RD_KAFKA_RESP_ERR__ASSIGN_PARTITIONS) {
    // The group has its answer at once; what is fetched is decided by Place.
    const auto none = NewPartitionList();
    ThrowIf(rd_kafka_incremental_assign(handle(), none.get()), "taking over partitions");
    return rebalance;
  }
  rebalance.kind = Rebalance::Kind::kRevoked;
  rebalance.lost = rd_kafka_assignment_lost(handle()) != 0;
  return rebalance;
}

PartitionList Consumer::TakePlaced(const std::vector<TopicPartition>& places) {
  auto list = NewPartitionList(places.size());
  for (const auto& place : places) {
    if (placed_.erase(place) > 0) Add(list, place, RD_KAFKA_OFFSET_INVALID);
  }
  return list;
}

void Consumer::Release(const std::vector<TopicPartition>& places) {
  const auto list = TakePlaced(places);
  ThrowIf(rd_kafka_incremental_unassign(handle(), list.get()), "giving back partitions");
}

void Consumer::Stop(const std::vector<TopicPartition>& places) {
  const auto list = TakePlaced(places);
  if (list->cnt > 0) ThrowIf(rd_kafka_incremental_unassign(handle(), list.get()), "no longer fetching partitions");
}

void Consumer::Forward(const TopicPartition& place) {
  const Queue queue(rd_kafka_queue_get_partition(handle(), place.topic.c_str(), place.partition));
  if (queue) rd_kafka_queue_forward(queue.get(), records_.get());
}

void Consumer::Place(const std::map<TopicPartition, int64_t>& offsets) {
  if (offsets.empty()) return;
  const auto list = NewPartitionList(offsets.size());
  std::vector<TopicPartition> places;
  for (const auto& [place, offset] : offsets) {
    places.push_back(place);
    Add(list, place, offset);
  }
  Stop(places);
  // Before, so that the first record does not go to the group's queue; and after, because the end of a fetch, which the
  // library has dealt with once it takes the new assignment, undoes it.
  for (const auto& place : places) Forward(place);
  ThrowIf(rd_kafka_incremental_assign(handle(), list.get()), "fetching partitions");
  for (const auto& place : places) Forward(place);
  placed_.insert(places.begin(), places.end());
}

size_t Consumer::Take(rd_kafka_message_t** messages, size_t max, milliseconds wait) {
  const auto first = rd_kafka_consume_batch_queue(records_.get(), static_cast<int>(wait.count()), messages, 1);
  if (first <= 0) return 0;
  const auto more = rd_kafka_consume_batch_queue(records_.get(), 0, messages + 1, max - 1);
  return 1 + static_cast<size_t>(std::max<ssize_t>(more, 0));
}

void Consumer::Wake() { rd_kafka_queue_yield(records_.get()); }

Offsets Consumer::Positions(const std::vector<TopicPartition>& places) {
  Offsets positions;
  const auto list = ListOf(places);
  if (rd_kafka_position(handle(), list.get()) != RD_KAFKA_RESP_ERR_NO_ERROR) return positions;
  for (int i = 0; i < list->cnt; ++i) {
    const auto& at = list->elems[i];
    if (at.err == RD_KAFKA_RESP_ERR_NO_ERROR && at.offset >= 0) positions[{at.topic, at.partition}] = at.offset;
  }
  return positions;
}

std::optional<int64_t> Consumer::KnownEnd(const TopicPartition& place) {
  int64_t low = 0;
  int64_t high = 0;
  const auto error = rd_kafka_get_watermark_offsets(handle(), place.topic.c_str(), place.partition, &low, &high);
  if (error != RD_KAFKA_RESP_ERR_NO_ERROR || high < 0) return std::nullopt;
  return high;
}

void Consumer::Commit(const std::vector<CommittedOffset>& offsets, milliseconds wait) {
  if (offsets.empty()) return;
  const auto list = NewPartitionList(offsets.size());
  for (const auto& offset : offsets) {
    auto& added = Add(list, offset.place, offset.offset);
    added.metadata = ::strdup(offset.metadata.c_str());  // the list frees it
    added.metadata_size = offset.metadata.size();
  }
  const Queue answer(rd_kafka_queue_new(handle()));
  auto* queue = wait.count() > 0 ? answer.get() : nullptr;
  const auto error = queue != nullptr ? rd_kafka_commit_queue(handle(), list.get(), queue, nullptr, nullptr)
                                      : rd_kafka_commit(handle(), list.get(), 1);
  if (error != RD_KAFKA_RESP_ERR_NO_ERROR) {
    LogDebug("kafka: offsets are not told to the broker: {}", rd_kafka_err2str(error));
    return;
  }
  if (queue == nullptr) return;
  if (auto* event = rd_kafka_queue_poll(queue, static_cast<int>(wait.count()))) rd_kafka_event_destroy(event);
}

}  // namespace millrace::stream
