#include "stream/embedded/start.h"

#include <fmt/format.h>

#include "base/error.h"
#include "stream/embedded/store.h"

namespace millrace::stream {
namespace {

struct Part {
  int64_t id = 0;
  int64_t first = 0;
  int64_t next = 0;
};

std::map<int32_t, Part> PartsOf(Connection& connection, const std::string& topic_id) {
  auto select = connection.Prepare(
      "SELECT part.number, part.id, part.first_offset, part.next_offset FROM part JOIN topic ON part.topic = topic.id "
      "WHERE topic.uuid = ?");
  select.Bind(0, topic_id);
  std::map<int32_t, Part> parts;
  while (select.Step()) parts[static_cast<int32_t>(select.Int(0))] = {select.Int(1), select.Int(2), select.Int(3)};
  return parts;
}

int64_t OffsetAt(Connection& connection, const Part& part, Timestamp time) {
  auto select = connection.Prepare("SELECT min(place) FROM batch WHERE place >= ? AND place < ? AND time_max >= ?");
  select.Bind(0, PlaceOf(part.id, 0)).Bind(1, PlaceOf(part.id + 1, 0)).Bind(2, time.time_since_epoch().count());
  if (!select.Step() || select.IsNull(0)) return part.next;
  return std::max(part.first, stream::OffsetAt(select.Int(0)));
}

int64_t CheckedOffset(const std::string& topic, int32_t partition, const std::map<int32_t, Part>& parts,
                      int64_t offset) {
  const auto part = parts.find(partition);
  if (part == parts.end()) {
    throw Error(ErrorCode::kConfig, fmt::format("topic {} has no partition {} to start in", topic, partition));
  }
  if (offset < part->second.first || offset > part->second.next) {
    throw Error(ErrorCode::kConfig, fmt::format("topic {} partition {} has the offsets {} to {}, and {} is to start at",
                                                topic, partition, part->second.first, part->second.next, offset));
  }
  return offset;
}

}  // namespace

event::Positions StartPositions(Connection& connection, const std::string& topic, const std::string& topic_id,
                                const event::Start& start) {
  Transaction snapshot(connection, Transaction::Kind::kRead);
  const auto parts = PartsOf(connection, topic_id);
  event::Positions positions;
  const auto set = [&](int32_t partition, int64_t offset) {
    positions[event::TopicSplit(topic_id, partition)] = event::OffsetCursor(offset);
  };
  switch (start.at) {
    case event::Start::At::kEarliest:
      break;
    case event::Start::At::kLatest:
      for (const auto& [number, part] : parts) set(number, part.next);
      break;
    case event::Start::At::kTime:
      for (const auto& [number, part] : parts) set(number, OffsetAt(connection, part, start.time));
      break;
    case event::Start::At::kOffsets:
      for (const auto& [number, offset] : start.offsets) set(number, CheckedOffset(topic, number, parts, offset));
      break;
  }
  return positions;
}

}  // namespace millrace::stream
