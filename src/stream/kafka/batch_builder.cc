#include "stream/kafka/batch_builder.h"

#include <algorithm>
#include <cstring>

namespace millrace::stream {
namespace {

/// A run that holds this much is followed by another; one larger record still fits.
constexpr size_t kRunBytesMax = size_t{4} << 20;
constexpr uint32_t kNoPlan = UINT32_MAX;

Timestamp TimeOf(const rd_kafka_message_t& message) {
  rd_kafka_timestamp_type_t type = RD_KAFKA_TIMESTAMP_NOT_AVAILABLE;
  const int64_t millis = rd_kafka_message_timestamp(&message, &type);
  return type == RD_KAFKA_TIMESTAMP_NOT_AVAILABLE ? Timestamp{} : Timestamp(std::chrono::milliseconds(millis));
}

/// Null where there are none.
rd_kafka_headers_t* HeadersOf(const rd_kafka_message_t& message) {
  rd_kafka_headers_t* headers = nullptr;
  // The library reads them out of the message when it is asked first, and keeps them with it.
  const auto error = rd_kafka_message_headers(&message, &headers);
  return error == RD_KAFKA_RESP_ERR_NO_ERROR ? headers : nullptr;
}

template <typename Take>
void ForEachHeader(const rd_kafka_message_t& message, Take&& take) {
  const auto* const headers = HeadersOf(message);
  const char* name = nullptr;
  const void* value = nullptr;
  size_t size = 0;
  for (size_t i = 0; headers != nullptr && rd_kafka_header_get_all(headers, i, &name, &value, &size) == 0; ++i) {
    const std::string_view bytes(static_cast<const char*>(value), value == nullptr ? 0 : size);
    take(std::string_view(name), value == nullptr ? std::nullopt : std::optional(bytes));
  }
}

FetchError ErrorOf(const rd_kafka_message_t& message) {
  FetchError error;
  if (message.rkt != nullptr) error.place = {rd_kafka_topic_name(message.rkt), message.partition};
  error.error = message.err;
  error.text = rd_kafka_message_errstr(&message);
  return error;
}

}  // namespace

size_t BatchBuilder::PlanFor(const rd_kafka_message_t& message, const From& from) {
  const auto fits = [&](const Plan& plan) {
    return plan.bytes + message.len + 1 <= kRunBytesMax && plan.header_bytes <= kRunBytesMax;
  };
  if (last_ < plans_.size()) {
    const Plan& plan = plans_[last_];
    if (plan.topic == message.rkt && plan.partition == message.partition && fits(plan)) return last_;
  }
  const auto [open, fresh] = open_.try_emplace({message.rkt, message.partition}, plans_.size());
  if (!fresh && fits(plans_[open->second])) return open->second;
  Plan plan;
  plan.topic = message.rkt;
  plan.partition = message.partition;
  plan.run.place = {rd_kafka_topic_name(message.rkt), message.partition};
  plan.from = fresh ? from(plan.run.place) : plans_[open->second].from;
  open->second = plans_.size();
  plans_.push_back(std::move(plan));
  return open->second;
}

void BatchBuilder::Count(const rd_kafka_message_t& message, Plan& plan) const {
  if (plan.records == 0) plan.run.first_offset = message.offset;
  plan.gapless = plan.gapless && message.offset == plan.run.first_offset + static_cast<int64_t>(plan.records);
  plan.run.last_offset = message.offset;
  ++plan.records;
  plan.bytes += message.len + 1;
  plan.key_bytes += message.key_len;
  if (!headers_) return;
  ForEachHeader(message, [&](std::string_view name, std::optional<std::string_view> value) {
    plan.header_bytes += name.size() + value.value_or("").size();
    plan.headers.Add(name, value);
  });
  plan.headers.EndRecord();
}

void BatchBuilder::Allocate(Plan& plan) {
  plan.payload = PaddedBuffer::Allocate(plan.bytes);
  plan.run.batch = std::make_shared<event::EventBatch>();
  auto& batch = *plan.run.batch;
  batch.records.reserve(plan.records);
  batch.timestamps.reserve(plan.records);
  if (!plan.gapless) batch.offsets.reserve(plan.records);
  if (plan.key_bytes == 0) return;
  plan.keys = PaddedBuffer::Allocate(plan.key_bytes);
  batch.keys.reserve(plan.records);
  plan.key_bytes = 0;
}

void BatchBuilder::Copy(const rd_kafka_message_t& message, Plan& plan) {
  auto& batch = *plan.run.batch;
  const size_t begin = batch.records.empty() ? 0 : size_t{batch.records.back().begin} + batch.records.back().size + 1;
  char* to = plan.payload->data() + begin;
  if (message.len > 0) {
    std::memcpy(to, message.payload, message.len);
    plan.joined = plan.joined && std::memchr(to, '\n', message.len) == nullptr;
  }
  to[message.len] = '\n';
  batch.records.push_back({static_cast<uint32_t>(begin), static_cast<uint32_t>(message.len)});
  batch.timestamps.push_back(TimeOf(message));
  if (!plan.gapless) batch.offsets.push_back(message.offset);
  if (plan.keys) {
    if (message.key_len > 0) std::memcpy(plan.keys->data() + plan.key_bytes, message.key, message.key_len);
    batch.keys.push_back({static_cast<uint32_t>(plan.key_bytes), static_cast<uint32_t>(message.key_len)});
    plan.key_bytes += message.key_len;
  }
  auto& brokers = plan.run.brokers;
  const int32_t broker = rd_kafka_message_broker_id(&message);
  if (brokers.empty() || brokers.back() != broker) brokers.push_back(broker);
}

FetchedRun BatchBuilder::Finish(Plan plan) {
  auto& batch = *plan.run.batch;
  plan.payload->Resize(plan.bytes);
  batch.payload = std::move(plan.payload);
  batch.newline_joined = plan.joined;
  if (plan.keys) {
    plan.keys->Resize(plan.key_bytes);
    batch.key_payload = std::move(plan.keys);
  }
  plan.headers.MoveInto(batch);
  batch.base_offset = plan.run.first_offset;
  batch.ingested_at = batch.timestamps.front();
  batch.arrived_one_by_one = true;
  batch.topic = plan.run.place.topic;
  batch.partition = plan.partition;
  return std::move(plan.run);
}

Fetched BatchBuilder::Build(rd_kafka_message_t** messages, size_t count, const From& from) {
  Fetched fetched;
  plans_.clear();
  open_.clear();
  last_ = 0;
  plan_of_.assign(count, kNoPlan);
  for (size_t i = 0; i < count; ++i) {
    const auto& message = *messages[i];
    if (message.err != RD_KAFKA_RESP_ERR_NO_ERROR) {
      fetched.errors.push_back(ErrorOf(message));
      continue;
    }
    last_ = PlanFor(message, from);
    auto& plan = plans_[last_];
    if (message.offset < plan.from) continue;
    Count(message, plan);
    plan_of_[i] = static_cast<uint32_t>(last_);
  }
  for (auto& plan : plans_) {
    if (plan.records > 0) Allocate(plan);
  }
  for (size_t i = 0; i < count; ++i) {
    if (plan_of_[i] != kNoPlan) Copy(*messages[i], plans_[plan_of_[i]]);
    rd_kafka_message_destroy(messages[i]);
  }
  for (auto& plan : plans_) {
    if (plan.records == 0) continue;
    fetched.bytes += static_cast<int64_t>(plan.bytes + plan.header_bytes);
    fetched.runs.push_back(Finish(std::move(plan)));
  }
  return fetched;
}

}  // namespace millrace::stream
