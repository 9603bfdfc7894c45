#include "stream/kafka/producer.h"

#include <fmt/format.h>

#include <algorithm>

#include "base/error.h"
#include "event/record_headers.h"
#include "stream/kafka/kafka_error.h"

namespace millrace::stream {
namespace {

using std::chrono::milliseconds;
using std::chrono::seconds;

/// New partitions of a topic get records this late.
constexpr seconds kTopicAge{5};
constexpr milliseconds kQueueFull{5};

Properties ProducerProperties(const KafkaOptions& options, const std::string& transactional_id) {
  Properties properties = {
      {"enable.idempotence", "true"},
      {"acks", "all"},
      {"compression.type", options.compression},
      {"delivery.timeout.ms", std::to_string(options.delivery_timeout.count())},
      {"linger.ms", std::to_string(options.linger.count())},
      {"batch.num.messages", "100000"},
      {"queue.buffering.max.messages", "0"},
      {"queue.buffering.max.kbytes", std::to_string(std::max<int64_t>(options.reader_bytes / 1024, 4096))},
      // The brokers have the say about the size of a record.
      {"message.max.bytes", "1000000000"},
  };
  if (!transactional_id.empty()) {
    properties.emplace_back("transactional.id", transactional_id);
    properties.emplace_back("transaction.timeout.ms", "60000");
    // A record may not be on its way for longer than its transaction.
    properties.emplace_back("delivery.timeout.ms",
                            std::to_string(std::min<int64_t>(options.delivery_timeout.count(), 60'000)));
  }
  return properties;
}

struct HeadersDeleter {
  void operator()(rd_kafka_headers_t* headers) const { rd_kafka_headers_destroy(headers); }
};
using HeadersPtr = std::unique_ptr<rd_kafka_headers_t, HeadersDeleter>;

HeadersPtr HeadersOf(std::string_view block) {
  const auto list = event::HeadersOf(block);
  HeadersPtr headers(rd_kafka_headers_new(list.size()));
  for (const auto& [name, value] : list) {
    rd_kafka_header_add(headers.get(), name.data(), static_cast<ssize_t>(name.size()), value ? value->data() : nullptr,
                        value ? static_cast<ssize_t>(value->size()) : 0);
  }
  return headers;
}

void CheckPartitions(const event::AppendRequest& request, int32_t partitions) {
  for (const auto& detail : request.details) {
    if (detail.partition < partitions) continue;
    throw Error(ErrorCode::kConfig, fmt::format("topic {} has no partition {}; it has 0 to {}", request.topic,
                                                detail.partition, partitions - 1));
  }
}

}  // namespace

int32_t PartitionOfKey(std::string_view key, int32_t partitions) {
  return rd_kafka_msg_partitioner_murmur2(nullptr, key.data(), key.size(), partitions, nullptr, nullptr);
}

void Producer::Delivery::Failed(rd_kafka_resp_err_t error, const std::string& topic) {
  const std::lock_guard lock(mutex_);
  if (error_ != RD_KAFKA_RESP_ERR_NO_ERROR) return;
  error_ = error;
  topic_ = topic;
}

void Producer::Delivery::Acknowledged() {
  if (open_.fetch_sub(1) > 1) return;
  const std::lock_guard lock(mutex_);
  done_.notify_all();
}

void Producer::Delivery::Wait() {
  std::unique_lock lock(mutex_);
  done_.wait(lock, [&] { return open_ == 0; });
}

Producer::Producer(const KafkaOptions& options, Admin& admin, const std::string& transactional_id)
    : admin_(admin),
      client_(Client::Kind::kProducer, options, ProducerProperties(options, transactional_id),
              {.delivered = OnDelivered}),
      thread_([this](const std::stop_token& stop) { Poll(stop); }) {
  if (transactional_id.empty()) HurryProducerId();
}

Producer::~Producer() = default;

void Producer::Poll(const std::stop_token& stop) {
  const std::unique_ptr<rd_kafka_queue_t, void (*)(rd_kafka_queue_t*)> queue(rd_kafka_queue_get_main(handle()),
                                                                             rd_kafka_queue_destroy);
  const std::stop_callback wake(stop, [&queue] { rd_kafka_queue_yield(queue.get()); });
  while (!stop.stop_requested()) rd_kafka_poll(handle(), 100);
}

/// An idempotent producer sends nothing before it has its id. The library asks for that when brokers tell it of
/// themselves, and if that came to nothing, as with the connection by which it first learned of them, after half a
/// second. So they are asked once by that connection and once by one that lasts.
void Producer::HurryProducerId() {
  constexpr milliseconds kPatience{500};
  const auto deadline = std::chrono::steady_clock::now() + kPatience;
  for (int i = 0; i < 2; ++i) {
    const auto left = std::chrono::duration_cast<milliseconds>(deadline - std::chrono::steady_clock::now());
    const rd_kafka_metadata_t* metadata = nullptr;
    if (rd_kafka_metadata(handle(), 0, nullptr, &metadata, static_cast<int>(std::max<int64_t>(left.count(), 1))) !=
        RD_KAFKA_RESP_ERR_NO_ERROR) {
      return;  // whoever sends a record is told
    }
    rd_kafka_metadata_destroy(metadata);
  }
}

void Producer::OnDelivered(rd_kafka_t*, const rd_kafka_message_t* message, void*) {
  auto& [delivery, report] = *static_cast<Recipient*>(message->_private);
  const bool failed = message->err != RD_KAFKA_RESP_ERR_NO_ERROR;
  if (report != nullptr) {
    report->durable = !failed;
    report->partition = message->partition;
    // Not known when the brokers had the record already, from an attempt whose answer was lost.
    report->offset = failed ? -1 : std::max<int64_t>(message->offset, -1);
    if (failed) report->error = rd_kafka_err2str(message->err);
  }
  if (failed) delivery->Failed(message->err, rd_kafka_topic_name(message->rkt));
  delivery->Acknowledged();
}

std::pair<rd_kafka_topic_t*, int32_t> Producer::TopicFor(const std::string& topic) {
  const std::lock_guard lock(mutex_);
  auto& known = known_[topic];
  const auto now = std::chrono::steady_clock::now();
  if (!known.handle || now >= known.until) {
    const auto found = admin_.Describe({topic});
    if (found.empty()) {
      known_.erase(topic);
      throw Error(ErrorCode::kConfig,
                  fmt::format("there is no topic '{0}'; create it with `millrace topics create {0}`", topic));
    }
    if (!known.handle) known.handle.reset(rd_kafka_topic_new(handle(), topic.c_str(), nullptr));
    if (!known.handle) throw KafkaError(rd_kafka_last_error(), fmt::format("topic {}", topic));
    known.partitions = found.front().partitions;
    known.until = now + kTopicAge;
  }
  return {known.handle.get(), known.partitions};
}

bool Producer::Enqueue(const Record& record, Recipient& recipient) {
  const int64_t millis = std::chrono::floor<milliseconds>(record.time.time_since_epoch()).count();
  const bool no_value = record.detail != nullptr && record.detail->null_value;
  rd_kafka_vu_t parts[7];
  parts[0].vtype = RD_KAFKA_VTYPE_RKT;
  parts[0].u.rkt = record.topic;
  parts[1].vtype = RD_KAFKA_VTYPE_PARTITION;
  parts[1].u.i32 = record.partition;
  parts[2].vtype = RD_KAFKA_VTYPE_VALUE;
  parts[2].u.mem = {no_value ? nullptr : const_cast<char*>(record.value.data()), no_value ? 0 : record.value.size()};
  parts[3].vtype = RD_KAFKA_VTYPE_KEY;
  parts[3].u.mem = {record.key.empty() ? nullptr : const_cast<char*>(record.key.data()), record.key.size()};
  parts[4].vtype = RD_KAFKA_VTYPE_TIMESTAMP;
  parts[4].u.i64 = millis == 0 ? 1 : millis;  // 0 would mean now
  parts[5].vtype = RD_KAFKA_VTYPE_OPAQUE;
  parts[5].u.ptr = &recipient;
  HeadersPtr headers;
  if (!record.header_block.empty()) {
    headers = HeadersOf(record.header_block);
    parts[6].vtype = RD_KAFKA_VTYPE_HEADERS;
    parts[6].u.headers = headers.get();
  }
  auto& delivery = *recipient.delivery;
  for (;;) {
    ++delivery.open_;
    const KafkaErrorPtr error(rd_kafka_produceva(handle(), parts, headers ? 7 : 6));
    if (!error) {
      static_cast<void>(headers.release());  // the message has them
      return true;
    }
    delivery.Acknowledged();
    const auto code = rd_kafka_error_code(error.get());
    if (code != RD_KAFKA_RESP_ERR__QUEUE_FULL) {
      delivery.Failed(code, rd_kafka_topic_name(record.topic));
      return false;
    }
    Clock::System().SleepFor(kQueueFull, {});
  }
}

void Producer::Send(const event::AppendRequest& request, Delivery& delivery) {
  if (request.reports != nullptr) request.reports->assign(request.events ? request.events->size() : 0, {});
  if (!request.events || request.events->size() == 0) return;
  const auto& events = *request.events;
  const auto [to, partitions] = TopicFor(request.topic);
  CheckPartitions(request, partitions);
  if (request.reports != nullptr) {
    delivery.reported_.clear();
    for (auto& report : *request.reports) delivery.reported_.push_back({&delivery, &report});
  }
  const auto keyless = static_cast<int32_t>(turn_.fetch_add(1) % static_cast<uint32_t>(partitions));
  for (size_t i = 0; i < events.size(); ++i) {
    const auto key = events.key(i);
    const auto* detail = request.details.empty() ? nullptr : &request.details[i];
    auto partition = key.empty() ? keyless : PartitionOfKey(key, partitions);
    if (detail != nullptr && detail->partition >= 0) partition = detail->partition;
    auto& recipient = delivery.reported_.empty() ? delivery.plain_ : delivery.reported_[i];
    const Record record{.topic = to,
                        .partition = partition,
                        .key = key,
                        .value = events.record(i),
                        .time = events.timestamp(i),
                        .detail = detail,
                        .header_block = events.header_block(i)};
    if (!Enqueue(record, recipient)) return;
  }
}

void Producer::Send(const std::string& topic, int32_t partition, std::string_view key, std::string_view value,
                    Delivery& delivery) {
  Enqueue({TopicFor(topic).first, partition, key, value, Clock::System().Now()}, delivery.plain_);
}

void Producer::Await(Delivery& delivery) {
  delivery.Wait();
  if (delivery.error_ == RD_KAFKA_RESP_ERR_NO_ERROR) {
    client_.Answered();
    return;
  }
  const auto what = fmt::format("appending to topic {}", delivery.topic_);
  if (CodeOf(delivery.error_) == ErrorCode::kUnavailable && !client_.trouble().empty()) throw client_.Unreachable(what);
  if (CodeOf(delivery.error_) != ErrorCode::kData) throw KafkaError(delivery.error_, what);
  throw Error(ErrorCode::kData, fmt::format("{}: {}; leave the record out, or raise the topic's max.message.bytes",
                                            what, rd_kafka_err2str(delivery.error_)));
}

}  // namespace millrace::stream
