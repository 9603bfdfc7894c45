#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "base/clock.h"

namespace millrace::land {

/// The folder a record goes to, e.g. "{ingested:%Y/%m/%d/%H}" or "type={topic}/{event:%Y-%m-%d}". Fields: topic,
/// partition, and ingested and event with a time format of %Y %m %d %H %M, in UTC. A pure function of the record.
class PathTemplate {
 public:
  /// Error kConfig, which names the fault and what is allowed.
  explicit PathTemplate(std::string_view text);

  /// Whether records of one batch may go to different folders.
  bool by_event_time() const { return by_event_time_; }

  /// Times count to the minute. Characters of the topic that cannot stand in a folder's name become '_'.
  std::string Render(std::string_view topic, int32_t partition, Timestamp ingested, Timestamp event) const;

 private:
  enum class Field { kLiteral, kTopic, kPartition, kIngested, kEvent };
  struct Piece {
    Field field = Field::kLiteral;
    std::string text;  // a literal, or a time format
  };
  static Piece ParseField(std::string_view field);

  std::vector<Piece> pieces_;
  bool by_event_time_ = false;
};

/// What is safe in a folder's or an object's name: other bytes become '_'.
std::string SafeName(std::string_view text);

}  // namespace millrace::land
