#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "event/record_headers.h"
#include "event/stream.h"

namespace millrace::source {

/// Collects the records of one request into what is appended.
class RecordsInMaking {
 public:
  /// Throws io::HttpRefusal 413 once keys, values and headers come to more than this.
  explicit RecordsInMaking(int64_t bytes_max) : bytes_max_(bytes_max) {}

  struct Record {
    std::optional<std::string> key;    // a key of no bytes is none
    std::optional<std::string> value;  // nullopt: a tombstone
    int32_t partition = -1;
    std::optional<Timestamp> time{};
    event::HeaderList headers{};
  };
  void Add(Record record);
  size_t size() const { return records_.size(); }

  /// With the time that records have which were given none.
  event::AppendRequest Finish(const std::string& topic, Timestamp now);

 private:
  const int64_t bytes_max_;
  std::string values_;
  std::string keys_;
  bool newline_free_ = true;
  bool has_keys_ = false;
  std::vector<event::Span> records_;
  std::vector<event::Span> key_spans_;
  std::vector<std::optional<Timestamp>> times_;  // empty while none has one
  std::vector<event::RecordDetail> details_;     // empty while none has any
  event::HeaderCollector headers_;
  size_t header_bytes_ = 0;
};

}  // namespace millrace::source
