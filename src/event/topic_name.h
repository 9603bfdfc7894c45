#pragma once

#include <cstddef>
#include <string_view>

namespace millrace::event {

/// Kafka's rules for names of topics, which every stream here keeps to.
inline constexpr size_t kTopicNameBytesMax = 249;
bool IsTopicNameCharacter(char c);
bool IsTopicName(std::string_view name);

/// Throws Error kConfig when it is none.
void CheckTopicName(std::string_view name);

}  // namespace millrace::event
