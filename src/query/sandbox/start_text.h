#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "query/engine.h"

namespace millrace::query {

/// What a worker is told: one statement, what it reads and how much it may take.
struct StartText {
  std::string sql;
  QueryOptions query;  // as_of, as_of_snapshot, views, parameters, explain
  /// Given: `sql` is a condition on these.
  std::optional<std::vector<std::string>> records;
  std::string store_root;
  std::string folder;
  std::string uri_root;
  int64_t memory_bytes = 0;
  int64_t cpu_seconds = 0;
  int threads = 1;
};

std::string PrintStart(const StartText& start);
StartText ParseStart(const std::string& text);

std::string PrintScans(const std::vector<ScanReport>& scans);
/// Error kData for anything but what PrintScans prints.
std::vector<ScanReport> ParseScans(const std::string& text);

/// Of a condition's answer: how many records could not be asked, and why one of them.
inline constexpr const char* kFailedRecords = "millrace.failed";
inline constexpr const char* kFailureOfOne = "millrace.failure";

inline constexpr std::string_view kOutOfMemory = "the statement needs more memory than there is";

}  // namespace millrace::query
