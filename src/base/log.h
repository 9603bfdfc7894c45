#pragma once

#include <fmt/format.h>

#include <string_view>

namespace millrace {

enum class LogLevel { kDebug, kInfo, kWarning, kError };

/// Talk goes to stderr, one line an event: level, time, text. Data never goes here, nor a secret.
void SetLogLevel(LogLevel level);
void LogLine(LogLevel level, std::string_view text);

template <typename... Args>
void LogInfo(fmt::format_string<Args...> format, Args&&... args) {
  LogLine(LogLevel::kInfo, fmt::format(format, std::forward<Args>(args)...));
}
template <typename... Args>
void LogWarning(fmt::format_string<Args...> format, Args&&... args) {
  LogLine(LogLevel::kWarning, fmt::format(format, std::forward<Args>(args)...));
}
template <typename... Args>
void LogDebug(fmt::format_string<Args...> format, Args&&... args) {
  LogLine(LogLevel::kDebug, fmt::format(format, std::forward<Args>(args)...));
}

}  // namespace millrace
