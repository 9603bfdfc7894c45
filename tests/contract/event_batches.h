#pragma once

#include <chrono>
#include <memory>
#include <string>
#include <vector>

#include "base/bytes.h"
#include "event/event_batch.h"
#include "event/stream.h"

namespace millrace::event {

/// Records `first` to `first + lines.size()` of a split whose cursor is the offset of the next record.
inline EventBatchPtr BatchOf(const std::vector<std::string>& lines, int64_t first,
                             const std::string& split = "topic:t/0") {
  auto batch = std::make_shared<EventBatch>();
  std::string text;
  for (const auto& line : lines) {
    batch->records.push_back({static_cast<uint32_t>(text.size()), static_cast<uint32_t>(line.size())});
    text += line + "\n";
  }
  batch->payload = PaddedBuffer::CopyOf(text);
  batch->newline_joined = true;
  batch->base_offset = first;
  batch->split = SplitId(split);
  batch->begin = OffsetCursor(first);
  batch->end = OffsetCursor(first + static_cast<int64_t>(lines.size()));
  batch->topic = "t";
  batch->ingested_at = Timestamp(std::chrono::microseconds(1'600'000'000'000'000));
  return batch;
}

}  // namespace millrace::event
