#pragma once

#include <cstdint>

#include "event/stream.h"

namespace millrace::app {

struct TailOptions {
  int64_t records = 10;  // newest of each partition
  bool follow = false;
  bool json = false;  // each record as an object with its place
};

/// Prints records of a topic, one a line, holding back no retention.
void TailTopic(event::Stream& stream, const event::TopicInfo& topic, const TailOptions& options);

}  // namespace millrace::app
