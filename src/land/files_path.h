#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "base/clock.h"

namespace millrace::land {

/// The folder a record goes to, e.g. "{ingested:%Y/%m/%d/%H}" or "type={topic}/{event:%Y-%m-%d}". Fields: topic,
/// partition, and ingested and event with a time format of %Y %m %d %H %M, in UTC; for records that are refused, cause
/// too. A pure function of the record.
class PathTemplate {
 public:
  enum class Of { kRecords, kRefused };
  /// Error kConfig, which names the fault and what is allowed.
  explicit PathTemplate(std::string_view text, Of of = Of::kRecords);

  /// Whether records of one batch may go to different folders.
  bool by_event_time() const { return by_event_time_; }

  /// Times count to the minute. Characters of the topic that cannot stand in a folder's name become '_'.
  std::string Render(std::string_view topic, int32_t partition, Timestamp ingested, Timestamp event,
                     std::string_view cause = {}) const;

 private:
  enum class Field { kLiteral, kTopic, kPartition, kIngested, kEvent, kCause };
  struct Piece {
    Field field = Field::kLiteral;
    std::string text;  // a literal, or a time format
  };
  static Piece ParseField(std::string_view field, Of of);

  std::vector<Piece> pieces_;
  bool by_event_time_ = false;
};

/// What is safe in a folder's or an object's name: other bytes become '_'.
std::string SafeName(std::string_view text);

}  // namespace millrace::land
