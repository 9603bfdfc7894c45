#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <variant>

#include "event/decoder.h"
#include "event/event_batch.h"

namespace millrace::land {

enum class LineOutcome { kRow, kBlank, kRejected };

/// Makes one line of JSON of a record: an object as it came, byte for byte, with our members in front of its own,
///   {"_topic":"t","_partition":0,"_offset":7,"_event_time":"...","_ingested_at":"...","_key":"k", ...
/// raw line ends between its tokens as spaces; any other JSON value as member "_value". A key that is not UTF-8 comes
/// as "_key_base64". Members of the record that are called like ours get one underscore more (files_json_names.h). What
/// is no JSON document is rejected. A pure function of the record; single-threaded.
class JsonLineWriter {
 public:
  explicit JsonLineWriter(size_t record_bytes_max);
  ~JsonLineWriter();

  /// The batch that the next records are of; it must live until the next Begin.
  void Begin(const event::EventBatch& events);

  /// Appends the line with its '\n' to `out`, or sets reject().
  LineOutcome Append(size_t record, std::string& out);
  const event::Reject& reject() const { return reject_; }
  /// Appends a line that says why the record of `reject` was refused, with the record in Base64.
  void AppendRefused(const event::Reject& reject, std::string& out);

 private:
  class Parser;

  std::optional<event::Reject> Check(std::string_view record);
  void AppendMembers(size_t record, std::string& out);

  const size_t record_bytes_max_;
  std::unique_ptr<Parser> parser_;
  const event::EventBatch* events_ = nullptr;
  std::string prefix_;  // {"_topic":...,"_partition":...,"_offset":
  /// The text of the last time written: times of neighbours are mostly the same.
  struct TimeText {
    Timestamp time{};
    std::string text;
    const std::string& Of(Timestamp wanted);
  };
  TimeText event_time_;
  TimeText arrival_;
  event::Reject reject_;
};

}  // namespace millrace::land
