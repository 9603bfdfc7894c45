#pragma once

#include <chrono>
#include <optional>
#include <string>
#include <string_view>

namespace millrace {

/// Written "500ms", "10s", "5m", "1h", "7d".
using Duration = std::chrono::milliseconds;
/// nullopt when it is no duration or overflows.
std::optional<Duration> ParseDuration(std::string_view text);
std::string FormatDuration(Duration duration);

}  // namespace millrace
