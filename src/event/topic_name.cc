#include "event/topic_name.h"

#include <fmt/format.h>

#include <algorithm>

#include "base/error.h"

namespace millrace::event {

bool IsTopicNameCharacter(char c) {
  return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '.' || c == '_' || c == '-';
}

bool IsTopicName(std::string_view name) {
  return !name.empty() && name.size() <= kTopicNameBytesMax && std::ranges::all_of(name, IsTopicNameCharacter) &&
         name != "." && name != "..";
}

void CheckTopicName(std::string_view name) {
  if (IsTopicName(name)) return;
  throw Error(ErrorCode::kConfig, fmt::format("'{}' is no topic name: use 1 to {} of a-z A-Z 0-9 . _ -",
                                              name.substr(0, kTopicNameBytesMax), kTopicNameBytesMax));
}

}  // namespace millrace::event
