#include "app/topic_tail.h"

#include <fmt/format.h>

#include <algorithm>
#include <cstdio>
#include <deque>
#include <map>
#include <nlohmann/json.hpp>
#include <utility>

#include "app/header_json.h"
#include "app/signal_stop.h"

namespace millrace::app {
namespace {

void PrintRecord(const event::EventBatch& batch, size_t index, bool json) {
  if (!json) {
    fmt::print("{}\n", batch.record(index));
    return;
  }
  nlohmann::ordered_json line = {{"topic", batch.topic},
                                 {"partition", batch.partition},
                                 {"offset", batch.offset(index)},
                                 {"time", FormatTimestamp(batch.timestamp(index))}};
  line["key"] =
      batch.key(index).empty() ? nlohmann::ordered_json() : nlohmann::ordered_json(std::string(batch.key(index)));
  if (const auto headers = batch.header_block(index); !headers.empty()) line["headers"] = HeadersAsJson(headers);
  auto value = nlohmann::ordered_json::parse(batch.record(index), nullptr, false);
  line["value"] = value.is_discarded() ? nlohmann::ordered_json(std::string(batch.record(index))) : std::move(value);
  fmt::print("{}\n", line.dump(-1, ' ', false, nlohmann::json::error_handler_t::replace));
}

/// Where the newest records of each partition begin; where the stream cannot count, those of the last hour.
event::Positions BeginOf(event::Stream& stream, const event::TopicInfo& topic, int64_t records) {
  event::Positions positions;
  for (const auto& partition : topic.partitions) {
    if (partition.next_offset < 0) {
      const auto time = Clock::System().Now() - std::chrono::hours(1);
      return stream.FindStart(topic.spec.name, {.at = event::Start::At::kTime, .time = time});
    }
    const auto first = std::max(partition.first_offset, partition.next_offset - records);
    positions[event::TopicSplit(topic.id, partition.partition)] = event::OffsetCursor(first);
  }
  return positions;
}

/// Holds the newest records of each partition back until all that there is was read, where they could not be sought.
class Newest {
 public:
  explicit Newest(const TailOptions& options) : options_(options) {}

  void Add(const event::EventBatchPtr& batch) {
    auto& held = held_[batch->partition];
    for (size_t i = 0; i < batch->size(); ++i) held.emplace_back(batch, i);
    while (held.size() > static_cast<size_t>(options_.records)) held.pop_front();
  }
  void Print() {
    for (const auto& [partition, held] : held_) {
      for (const auto& [batch, index] : held) PrintRecord(*batch, index, options_.json);
    }
    held_.clear();
  }

 private:
  const TailOptions& options_;
  std::map<int32_t, std::deque<std::pair<event::EventBatchPtr, size_t>>> held_;
};

}  // namespace

void TailTopic(event::Stream& stream, const event::TopicInfo& topic, const TailOptions& options) {
  const SignalStop stop;
  auto positions = BeginOf(stream, topic, options.records);
  Newest newest(options);
  bool counts = std::ranges::all_of(topic.partitions, [](const auto& each) { return each.next_offset >= 0; });
  const auto reader = stream.OpenReader(topic.spec.name, event::ReaderOptions{.reader = {}, .headers = options.json});
  reader->Seek(positions);
  while (!stop.signalled()) {
    const auto read = reader->Read({}, stop.token());
    if (read.state == event::ReadState::kReassigned) {
      reader->Seek(positions);
    } else if (read.state == event::ReadState::kBatch) {
      positions[read.batch->split] = read.batch->end;
      if (!counts) {
        newest.Add(read.batch);
        continue;
      }
      for (size_t i = 0; i < read.batch->size(); ++i) PrintRecord(*read.batch, i, options.json);
      std::fflush(stdout);
      if (std::ferror(stdout) != 0) return;
    } else if (read.state != event::ReadState::kWaiting) {
      newest.Print();
      std::fflush(stdout);
      counts = true;
      if (!options.follow) return;
    }
  }
}

}  // namespace millrace::app
