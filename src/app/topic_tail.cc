#include "app/topic_tail.h"

#include <fmt/format.h>

#include <algorithm>
#include <cstdio>
#include <nlohmann/json.hpp>

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
  auto value = nlohmann::ordered_json::parse(batch.record(index), nullptr, false);
  line["value"] = value.is_discarded() ? nlohmann::ordered_json(std::string(batch.record(index))) : std::move(value);
  fmt::print("{}\n", line.dump(-1, ' ', false, nlohmann::json::error_handler_t::replace));
}

}  // namespace

void TailTopic(event::Stream& stream, const event::TopicInfo& topic, const TailOptions& options) {
  const SignalStop stop;
  event::Positions positions;
  for (const auto& partition : topic.partitions) {
    const auto first = std::max(partition.first_offset, partition.next_offset - options.records);
    positions[event::TopicSplit(topic.id, partition.partition)] = event::OffsetCursor(first);
  }
  const auto reader = stream.OpenReader(topic.spec.name, "");
  reader->Seek(positions);
  while (!stop.signalled()) {
    const auto read = reader->Read({}, stop.token());
    if (read.state == event::ReadState::kReassigned) {
      reader->Seek(positions);
    } else if (read.state == event::ReadState::kBatch) {
      positions[read.batch->split] = read.batch->end;
      for (size_t i = 0; i < read.batch->size(); ++i) PrintRecord(*read.batch, i, options.json);
      std::fflush(stdout);
      if (std::ferror(stdout) != 0) return;
    } else if (!options.follow && read.state != event::ReadState::kWaiting) {
      return;
    }
  }
}

}  // namespace millrace::app
