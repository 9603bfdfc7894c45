#include "base/recent_log.h"

namespace millrace {
namespace {

/// Not within a character of UTF-8.
std::string_view Cut(std::string_view text) {
  if (text.size() <= RecentLog::kLineBytesMax) return text;
  size_t end = RecentLog::kLineBytesMax;
  while (end > 0 && (static_cast<unsigned char>(text[end]) & 0xC0U) == 0x80U) --end;
  return text.substr(0, end);
}

}  // namespace

void RecentLog::Add(LogLevel level, std::string_view text, Timestamp at) {
  const std::lock_guard lock(mutex_);
  lines_.push_back({.number = ++last_, .at = at, .level = level, .text = std::string(Cut(text))});
  if (lines_.size() > kLinesMax) lines_.pop_front();
}

std::vector<RecentLog::Line> RecentLog::After(int64_t number) const {
  const std::lock_guard lock(mutex_);
  std::vector<Line> lines;
  for (const auto& line : lines_) {
    if (line.number > number) lines.push_back(line);
  }
  return lines;
}

RecentLog& RecentLog::Process() {
  static RecentLog log;
  return log;
}

std::string_view ToString(LogLevel level) {
  switch (level) {
    case LogLevel::kDebug:
      return "debug";
    case LogLevel::kInfo:
      return "info";
    case LogLevel::kWarning:
      return "warning";
    case LogLevel::kError:
      return "error";
  }
  return "info";
}

}  // namespace millrace
