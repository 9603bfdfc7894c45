#include "stream/kinesis/kinesis_appender.h"

#include <fmt/format.h>
#include <fmt/ranges.h>
#include <simdjson.h>

#include <algorithm>
#include <unordered_set>
#include <utility>

#include "base/error.h"
#include "base/fault.h"
#include "io/outage_patience.h"

namespace millrace::stream {
namespace {

using std::chrono::milliseconds;

constexpr milliseconds kWaitFirst{50};
constexpr milliseconds kWaitMax{2'000};

size_t CharactersOf(std::string_view text) {
  return static_cast<size_t>(std::ranges::count_if(text, [](char c) { return (c & 0xC0) != 0x80; }));
}

const Shard& ShardFor(const std::string& topic, int32_t partition, const std::vector<Shard>& shards) {
  const auto found = std::ranges::find(shards, partition, &Shard::number);
  if (found != shards.end()) return *found;
  std::vector<int32_t> numbers;
  for (const auto& shard : shards) numbers.push_back(shard.number);
  const bool row = !numbers.empty() && numbers.back() - numbers.front() + 1 == static_cast<int32_t>(numbers.size());
  throw Error(ErrorCode::kConfig, fmt::format("topic {} has no partition {}; it has {}", topic, partition,
                                              row ? fmt::format("{} to {}", numbers.front(), numbers.back())
                                                  : fmt::format("{}", fmt::join(numbers, ", "))));
}

/// While Kinesis does not answer it takes nothing; if it did, it comes twice.
std::vector<PutAnswer> PutOrRefuse(KinesisClient& client, const std::string& stream,
                                   const std::vector<RecordToPut>& records) {
  try {
    return client.Put(stream, records);
  } catch (const Error& error) {
    if (error.code() != ErrorCode::kUnavailable) throw;
    return {records.size(), PutAnswer{.shard = {}, .error = error.message()}};
  }
}

}  // namespace

KinesisAppender::KinesisAppender(const event::AppendRequest& request, const std::vector<Shard>& shards, size_t turn)
    : request_(request) {
  const size_t count = request.events ? request.events->size() : 0;
  if (request.reports != nullptr) request.reports->assign(count, {});
  left_.reserve(count);
  for (size_t i = 0; i < count; ++i) {
    const auto record = RecordAt(i, shards, turn);
    CheckRecord(i, record);
    left_.push_back({i, record});
  }
}

RecordToPut KinesisAppender::RecordAt(size_t index, const std::vector<Shard>& shards, size_t turn) const {
  const auto* const detail = request_.details.empty() ? nullptr : &request_.details[index];
  if (!request_.events->header_block(index).empty()) {
    throw Error(ErrorCode::kData,
                fmt::format("topic {}: Kinesis keeps no headers of records; leave them out", request_.topic));
  }
  RecordToPut record{.key = request_.events->key(index), .data = request_.events->record(index), .hash = {}};
  if (record.key.empty()) {
    record.key = kNoKey;
    if (!shards.empty()) record.hash = shards[(turn + index / kPutRecordsMax) % shards.size()].first_hash;
  }
  if (detail != nullptr && detail->partition >= 0) {
    record.hash = ShardFor(request_.topic, detail->partition, shards).first_hash;
  }
  return record;
}

void KinesisAppender::CheckRecord(size_t index, const RecordToPut& record) const {
  const auto refuse = [&](const std::string& why) {
    throw Error(ErrorCode::kData,
                fmt::format("topic {}: record {} of {} {}", request_.topic, index + 1, request_.events->size(), why));
  };
  const size_t bytes = record.data.size() + record.key.size();
  if (bytes > kPutRecordBytesMax) {
    refuse(fmt::format("has {} bytes with its key, and Kinesis takes {} at the most", bytes, kPutRecordBytesMax));
  }
  if (!simdjson::validate_utf8(record.key.data(), record.key.size())) {
    refuse("has a key that is no UTF-8, and Kinesis's keys are text");
  }
  if (CharactersOf(record.key) > kPutKeyCharactersMax) {
    refuse(fmt::format("has a key of {} characters, and Kinesis takes {}", CharactersOf(record.key),
                       kPutKeyCharactersMax));
  }
}

std::vector<KinesisAppender::Item> KinesisAppender::Cut() {
  std::vector<Item> cut, rest;
  std::unordered_set<std::string_view> keys;
  size_t bytes = 0;
  bool full = false;
  for (auto& item : left_) {
    const size_t size = item.record.data.size() + item.record.key.size();
    full = full || cut.size() == kPutRecordsMax || bytes + size > kPutBytesMax;
    const bool keyed = !request_.events->key(item.index).empty();
    if (full || (keyed && !keys.insert(item.record.key).second)) {
      rest.push_back(item);
      continue;
    }
    bytes += size;
    cut.push_back(item);
  }
  left_ = std::move(rest);
  return cut;
}

bool KinesisAppender::Settle(std::vector<Item> sent, const std::vector<PutAnswer>& answers, std::string& why) {
  std::vector<Item> refused;
  for (size_t i = 0; i < sent.size(); ++i) {
    if (answers[i].shard.empty()) {
      why = answers[i].error;
      refused.push_back(sent[i]);
    } else if (request_.reports != nullptr) {
      (*request_.reports)[sent[i].index] = {.durable = true, .partition = ShardNumber(answers[i].shard), .offset = -1};
    }
  }
  const bool any = refused.size() < sent.size();
  refused.insert(refused.end(), left_.begin(), left_.end());
  left_ = std::move(refused);
  return any;
}

void KinesisAppender::Send(KinesisClient& client, const std::string& stream, milliseconds timeout, const Clock& clock) {
  auto moved = clock.Steady();
  auto wait = kWaitFirst;
  std::vector<RecordToPut> records;
  while (!left_.empty()) {
    auto sent = Cut();
    records.clear();
    for (const auto& item : sent) records.push_back(item.record);
    FaultPoint("kinesis.before_put");
    const auto answers = PutOrRefuse(client, stream, records);
    FaultPoint("kinesis.after_put");
    std::string why;
    if (Settle(std::move(sent), answers, why)) {
      moved = clock.Steady();
      wait = kWaitFirst;
    }
    if (why.empty()) continue;
    if (clock.Steady() - moved >= timeout || !io::OutagePatience::Sleep(wait)) {
      throw Error(ErrorCode::kUnavailable,
                  fmt::format("topic {}: {} records were not taken: {}", request_.topic, left_.size(), why));
    }
    wait = std::min(wait * 2, kWaitMax);
  }
}

}  // namespace millrace::stream
