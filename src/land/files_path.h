#pragma once

#include <functional>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/clock.h"

namespace date {
class time_zone;
}  // namespace date

namespace millrace::land {

/// What a path looks at in a record's value: the text of a member, "a" or "a.b"; nullopt when it is not there, or null,
/// or no plain value.
using MemberOf = std::function<std::optional<std::string>(const std::string& name)>;

/// The folder a record goes to, e.g. "{ingested:%Y/%m/%d/%H}" or "type={topic}/{event:%Y-%m-%d}". Fields: topic,
/// partition, field:NAME (a member of the record), ingested, event and field_time:NAME (a member that is a time: text,
/// or milliseconds since 1970) with a time format of %Y %m %d %H %M; for records that are refused, cause too. A pure
/// function of the record.
class PathTemplate {
 public:
  enum class Of { kRecords, kRefused };
  /// Times are those of `time_zone`, a name of the IANA database. Error kConfig, which names the fault and what is
  /// allowed.
  explicit PathTemplate(std::string_view text, Of of = Of::kRecords, const std::string& time_zone = "UTC");

  /// Whether records of one batch may go to different folders.
  bool by_event_time() const { return by_event_time_; }
  /// Whether each record is looked into.
  bool by_members() const { return by_members_; }

  struct Place {
    std::string_view topic;
    int32_t partition = 0;
    Timestamp ingested{};
    Timestamp event{};
    std::string_view cause = {};
  };
  /// Times count to the minute. Characters of the topic that cannot stand in a folder's name become '_', as do slashes
  /// of members. `member` is asked where the template names one; what it does not have is put in `missing`, and the
  /// path is empty then.
  std::string Render(const Place& place, const MemberOf& member = {}, std::string* missing = nullptr) const;

 private:
  enum class Field { kLiteral, kTopic, kPartition, kIngested, kEvent, kCause, kMember, kMemberTime };
  struct Piece {
    Field field = Field::kLiteral;
    std::string text;  // a literal, or a time format
    std::string name = {};
  };
  static Piece ParseField(std::string_view field, Of of);
  std::string FormatTime(std::string_view format, Timestamp time) const;
  std::string MemberText(const Piece& piece, const MemberOf& member) const;

  std::vector<Piece> pieces_;
  const date::time_zone* zone_ = nullptr;  // null: UTC
  bool by_event_time_ = false;
  bool by_members_ = false;
};

/// What is safe in a folder's or an object's name: other bytes become '_'.
std::string SafeName(std::string_view text);

/// The name of a file by its first record: fields topic, partition, offset, and offset:WIDTH with zeros in front. Error
/// kConfig when it names none of partition and offset, so that names would not tell files apart.
class NameTemplate {
 public:
  explicit NameTemplate(std::string_view text);
  std::string Render(std::string_view topic, int32_t partition, int64_t offset) const;

 private:
  struct Piece {
    enum class Field { kLiteral, kTopic, kPartition, kOffset } field = Field::kLiteral;
    std::string text;
    int width = 0;
  };
  std::vector<Piece> pieces_;
};

}  // namespace millrace::land
