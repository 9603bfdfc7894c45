#include "app/replay_ranges.h"

#include <fmt/format.h>

#include <charconv>
#include <functional>
#include <limits>
#include <utility>

#include "base/error.h"
#include "config/value_types.h"

namespace millrace::app {
namespace {

[[noreturn]] void Refuse(const std::string& text, const std::string& why) {
  throw Error(ErrorCode::kUsage, fmt::format("'{}': {}; write PARTITION=BEGIN..END, e.g. 0=1500..1600", text, why));
}

int64_t NumberOf(std::string_view number, const std::string& text) {
  int64_t value = 0;
  const auto [end, error] = std::from_chars(number.data(), number.data() + number.size(), value);
  if (error != std::errc() || end != number.data() + number.size() || value < 0) {
    Refuse(text, fmt::format("'{}' is no whole number", number));
  }
  return value;
}

event::Positions EndsOf(const event::TopicInfo& topic) {
  event::Positions ends;
  for (const auto& partition : topic.partitions) {
    ends[event::TopicSplit(topic.id, partition.partition)] = event::OffsetCursor(partition.next_offset);
  }
  return ends;
}

/// Looks into a partition of a topic at any offset.
class PartitionProbe {
 public:
  PartitionProbe(event::Stream& stream, const event::TopicInfo& topic, const event::PartitionInfo& partition)
      : reader_(stream.OpenReader(topic.spec.name, "")),
        split_(event::TopicSplit(topic.id, partition.partition)),
        partition_(partition),
        ends_(EndsOf(topic)) {}

  /// The batch at `offset`, or behind it where it holds no record; null when there is none before the end.
  event::EventBatchPtr At(int64_t offset, size_t bytes_max, const std::stop_token& stop) {
    auto positions = ends_;
    positions[split_] = event::OffsetCursor(offset);
    reader_->Seek(positions);
    return Next(bytes_max, stop);
  }
  event::EventBatchPtr Next(size_t bytes_max, const std::stop_token& stop) {
    for (int idle = 0; idle < kIdleReadsMax && !stop.stop_requested();) {
      const auto read = reader_->Read({.bytes_max = bytes_max}, stop);
      if (read.state == event::ReadState::kWaiting) continue;
      if (read.state != event::ReadState::kBatch) {
        ++idle;
      } else if (read.batch->split == split_ && read.batch->size() > 0) {
        return read.batch->offset(0) < partition_.next_offset ? read.batch : nullptr;
      }
    }
    if (stop.stop_requested()) throw Error(ErrorCode::kUnavailable, "stopped; nothing was changed");
    return nullptr;
  }

  /// The first offset at which `passed` is true of the batch, which it is of all that follow.
  int64_t FirstWhere(const std::function<bool(const event::EventBatch&)>& passed, const std::stop_token& stop) {
    int64_t low = partition_.first_offset;
    int64_t high = partition_.next_offset;
    while (low < high) {
      const int64_t middle = low + (high - low) / 2;
      const auto batch = At(middle, 1, stop);
      if (!batch || passed(*batch)) {
        high = middle;
      } else {
        low = std::max(middle + 1, event::OffsetOf(batch->end));
      }
    }
    return std::min(low, partition_.next_offset);
  }

 private:
  static constexpr int kIdleReadsMax = 20;

  std::unique_ptr<event::Source> reader_;
  const event::SplitId split_;
  const event::PartitionInfo partition_;
  const event::Positions ends_;
};

bool Within(Timestamp time, const TimeRange& times) {
  return (!times.from || time >= *times.from) && (!times.to || time < *times.to);
}

land::OffsetRange ByIngestion(PartitionProbe& probe, const event::PartitionInfo& partition, const TimeRange& times,
                              const std::stop_token& stop) {
  land::OffsetRange range{partition.first_offset, partition.next_offset};
  if (times.from) {
    range.begin = probe.FirstWhere([&](const auto& batch) { return batch.ingested_at >= *times.from; }, stop);
  }
  if (times.to) {
    range.end = probe.FirstWhere([&](const auto& batch) { return batch.ingested_at >= *times.to; }, stop);
  }
  return range;
}

land::OffsetRange ByEvent(PartitionProbe& probe, const event::PartitionInfo& partition, const TimeRange& times,
                          const std::stop_token& stop) {
  constexpr size_t kBytesMax = size_t{4} << 20;
  land::OffsetRange range{std::numeric_limits<int64_t>::max(), 0};
  for (auto batch = probe.At(partition.first_offset, kBytesMax, stop); batch; batch = probe.Next(kBytesMax, stop)) {
    for (size_t i = 0; i < batch->size(); ++i) {
      const int64_t offset = batch->offset(i);
      if (offset >= partition.next_offset || !Within(batch->timestamp(i), times)) continue;
      range.begin = std::min(range.begin, offset);
      range.end = offset + 1;
    }
    if (event::OffsetOf(batch->end) >= partition.next_offset) break;
  }
  return range;
}

}  // namespace

land::OffsetRanges RangesByOffset(const event::TopicInfo& topic, const std::vector<std::string>& texts) {
  land::OffsetRanges ranges;
  for (const std::string& text : texts) {
    const auto equals = text.find('='), dots = text.find("..");
    if (equals == std::string::npos || dots == std::string::npos || dots < equals) Refuse(text, "it is no range");
    const auto number = NumberOf(std::string_view(text).substr(0, equals), text);
    if (std::cmp_greater_equal(number, topic.partitions.size())) {
      Refuse(text, fmt::format("topic {} has the partitions 0 to {}", topic.spec.name, topic.partitions.size() - 1));
    }
    const auto& partition = topic.partitions[static_cast<size_t>(number)];
    const auto begin = std::string_view(text).substr(equals + 1, dots - equals - 1);
    const auto end = std::string_view(text).substr(dots + 2);
    land::OffsetRange range{.begin = begin.empty() ? partition.first_offset : NumberOf(begin, text),
                            .end = end.empty() ? partition.next_offset : NumberOf(end, text)};
    if (range.begin >= range.end) Refuse(text, "it holds no record");
    if (range.begin < partition.first_offset || range.end > partition.next_offset) {
      Refuse(text,
             fmt::format("the stream has the records {}..{} of it", partition.first_offset, partition.next_offset));
    }
    if (!ranges.emplace(event::TopicSplit(topic.id, partition.partition), range).second) {
      Refuse(text, "the partition is named twice");
    }
  }
  return ranges;
}

Timestamp ParseTime(const std::string& text, Timestamp now) {
  if (const auto time = ParseTimestamp(text)) return *time;
  if (const auto day = ParseTimestamp(text + "T00:00:00Z")) return *day;
  if (const auto age = config::ParseDuration(text)) return now - *age;
  throw Error(ErrorCode::kUsage, fmt::format("'{}' is no time; write 2026-01-02, 2026-01-02T03:00:00Z, or 2h for two "
                                             "hours ago",
                                             text));
}

land::OffsetRanges RangesByTime(event::Stream& stream, const event::TopicInfo& topic, const TimeRange& times, TimeOf by,
                                const std::stop_token& stop) {
  land::OffsetRanges ranges;
  for (const auto& partition : topic.partitions) {
    if (partition.first_offset == partition.next_offset) continue;
    PartitionProbe probe(stream, topic, partition);
    const auto range =
        by == TimeOf::kEvent ? ByEvent(probe, partition, times, stop) : ByIngestion(probe, partition, times, stop);
    if (range.begin < range.end) ranges.emplace(event::TopicSplit(topic.id, partition.partition), range);
  }
  return ranges;
}

}  // namespace millrace::app
