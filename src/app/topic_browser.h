#pragma once

#include <cstdint>
#include <functional>
#include <map>
#include <nlohmann/json_fwd.hpp>
#include <optional>
#include <span>
#include <stop_token>
#include <string>
#include <string_view>

#include "base/clock.h"
#include "event/stream.h"
#include "query/sandbox/sandbox.h"

namespace millrace::app {

struct BrowseOptions {
  std::optional<int32_t> partition = {};  // only this one
  /// Where to begin, in each partition: the offset, the time, or without both so far before the end that the newest
  /// records are found.
  std::optional<int64_t> offset = {};
  std::optional<Timestamp> time = {};
  std::map<int32_t, int64_t> positions = {};  // by partition, before the others: where the last look ended
  int64_t records_max = 50;
  std::string contains = {};  // in key or value
  /// Of values that are JSON: what stands at this path ("user.id"), as text, is `equals`. Empty: all.
  std::string path = {};
  std::string equals = {};
  /// A condition in SQL on the members of values that are JSON objects, as `where` of documents; empty: all.
  std::string where = {};
};

/// Which of some records meet the condition of `where`.
using RecordFilter = std::function<query::RecordsMet(const std::string& where,
                                                     std::span<const std::string_view> records, Duration time_max)>;

/// Records of a topic for somebody who looks: {"records": [{partition, offset, time, key, headers, value, bytes}],
/// "scanned", "complete", "next"}, and of a condition that could not be asked of some, "failed" and the "failure" of
/// one. From a place on, the oldest first; the newest otherwise, the newest first. Headers are as HeadersAsJson has
/// them; a value is text, of which 64 KiB are shown.
/// Looks for some seconds at most, and at no more than kScannedMax records: "complete" says whether it came to the end,
/// and "next" names, by partition, the offset to go on at. Error kUsage when there is no such topic or partition.
nlohmann::ordered_json BrowseTopic(event::Stream& stream, const std::string& topic, const BrowseOptions& options,
                                   const RecordFilter& filter, const std::stop_token& stop);

}  // namespace millrace::app
