#include "event/position.h"

#include <charconv>

#include "base/error.h"
#include "event/stream.h"

namespace millrace::event {

SplitId TopicSplit(const std::string& topic_id, int32_t partition) {
  return SplitId("topic:" + topic_id + "/" + std::to_string(partition));
}

Cursor OffsetCursor(int64_t offset) { return offset == 0 ? kStart : Cursor(std::to_string(offset)); }

int64_t OffsetOf(const Cursor& cursor) {
  if (cursor == kStart) return 0;
  const auto& text = cursor.value();
  int64_t offset = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), offset);
  const bool ends = end == text.data() + text.size() || *end == '@';
  if (error != std::errc() || !ends || offset < 0) {
    throw Error(ErrorCode::kStop, "'" + text + "' is not an offset; the stored position was written by something else");
  }
  return offset;
}

}  // namespace millrace::event
