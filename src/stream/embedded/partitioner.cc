#include "stream/embedded/partitioner.h"

#include <fmt/format.h>
#include <xxhash.h>

#include <cstring>
#include <utility>

#include "base/error.h"

namespace millrace::stream {
namespace {

/// Slices with fewer bytes of records than this are packed by the writer, together with those of other callers.
constexpr size_t kReadyBytesMin = size_t{16} << 10;

bool HoldsNewline(const Slice& slice) {
  for (size_t i = 0; i < slice.size(); ++i) {
    const auto record = slice.events->record(slice.index(i));
    if (!record.empty() && std::memchr(record.data(), '\n', record.size()) != nullptr) return true;
  }
  return false;
}

size_t RecordsBytes(const Slice& slice) {
  size_t bytes = 0;
  for (size_t i = 0; i < slice.size(); ++i) bytes += slice.events->records[slice.index(i)].size + 1;
  return bytes;
}

PartAppend MakeReady(int32_t partition, Slice slice) {
  slice.newline_free = slice.events->newline_joined || !HoldsNewline(slice);
  PartAppend part{partition, std::move(slice), {}};
  if (RecordsBytes(part.slice) < kReadyBytesMin) return part;
  BatchBuilder builder;
  for (size_t at = 0; at < part.slice.size();) {
    at += builder.Add(part.slice, at, kRowBytesMax);
    part.ready.push_back(builder.Finish());
  }
  return part;
}

Error NoSuchPartition(const std::string& topic, int32_t partition, int32_t partitions) {
  return {ErrorCode::kConfig,
          fmt::format("topic {} has no partition {}; it has 0 to {}", topic, partition, partitions - 1)};
}

}  // namespace

int32_t PartitionOf(std::string_view key, int32_t partitions) {
  return static_cast<int32_t>(XXH3_64bits(key.data(), key.size()) % static_cast<uint64_t>(partitions));
}

std::vector<PartAppend> SplitByPartition(const event::AppendRequest& request, Timestamp ingested_at, int32_t partitions,
                                         int32_t keyless) {
  const auto& events = *request.events;
  std::vector<PartAppend> parts;
  if (request.details.empty() && (events.keys.empty() || partitions == 1)) {
    parts.push_back(MakeReady(events.keys.empty() ? keyless : 0, {&events, ingested_at, {}, true, false}));
    return parts;
  }
  std::vector<std::vector<uint32_t>> chosen(static_cast<size_t>(partitions));
  for (size_t i = 0; i < events.size(); ++i) {
    const auto key = events.key(i);
    auto partition = key.empty() ? keyless : PartitionOf(key, partitions);
    if (!request.details.empty() && request.details[i].partition >= 0) partition = request.details[i].partition;
    if (partition >= partitions) throw NoSuchPartition(request.topic, partition, partitions);
    chosen[static_cast<size_t>(partition)].push_back(static_cast<uint32_t>(i));
  }
  for (int32_t partition = 0; partition < partitions; ++partition) {
    auto& mine = chosen[static_cast<size_t>(partition)];
    if (!mine.empty()) parts.push_back(MakeReady(partition, {&events, ingested_at, std::move(mine), false, false}));
  }
  return parts;
}

}  // namespace millrace::stream
