#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <variant>

#include "event/decoder.h"
#include "event/event_batch.h"
#include "land/files_object.h"

namespace millrace::land {

enum class LineOutcome { kRow, kBlank, kRejected };

/// Makes one line of JSON of a record: an object as it came, byte for byte, with our members in front of its own,
///   {"_topic":"t","_partition":0,"_offset":7,"_event_time":"...","_ingested_at":"...","_key":"k", ...
/// raw line ends between its tokens as spaces; any other JSON value as member "_value". A key that is not UTF-8 comes
/// as "_key_base64". Members of the record that are called like ours get one underscore more (files_json_names.h). What
/// is no JSON document is rejected. Other forms of a record are plainer: the document itself, or its payload alone; any
/// text as a JSON string; any bytes, and then the line has whatever ends it in it. A pure function of the record;
/// single-threaded.
class JsonLineWriter {
 public:
  struct Options {
    size_t record_bytes_max = 0;
    FilesRecord record = FilesRecord::kOrigin;
    std::string separator = "\n";
    /// Five bytes that name a schema stand before each record.
    bool framed = false;
    /// Of kOrigin: "_headers" stands behind the key (header_json.h).
    bool headers = false;
  };
  explicit JsonLineWriter(Options options);
  ~JsonLineWriter();

  /// The batch that the next records are of; it must live until the next Begin.
  void Begin(const event::EventBatch& events);

  /// Appends the line with its separator to `out`, or sets reject().
  LineOutcome Append(size_t record, std::string& out);
  /// Of the JSON record that was appended last: the text of a member that is text, a number, true or false; "a.b" is
  /// the member b of a, unless there is one of that name.
  std::optional<std::string> Member(const std::string& name) const;
  const event::Reject& reject() const { return reject_; }
  /// Appends a line that says why the record of `reject` was refused, with the record in Base64.
  void AppendRefused(const event::Reject& reject, std::string& out);

 private:
  class Parser;

  std::optional<event::Reject> Check(std::string_view record);
  LineOutcome Rejected(event::Reject reject, size_t record);
  LineOutcome AppendPlain(size_t record, std::string& out);
  void AppendDocument(std::string_view text, size_t record, std::string& out);
  void AppendMembers(size_t record, std::string& out);

  const Options options_;
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
