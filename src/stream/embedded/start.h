#pragma once

#include <string>

#include "event/stream.h"
#include "stream/embedded/sqlite.h"

namespace millrace::stream {

/// What a start is in offsets of one incarnation of a topic: Stream::FindStart. By time, the first stored batch that
/// holds a record of `time` or later: batches are not taken apart.
event::Positions StartPositions(Connection& connection, const std::string& topic, const std::string& topic_id,
                                const event::Start& start);

}  // namespace millrace::stream
