#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <string_view>

#include "decode/column.h"
#include "decode/json_decoder.h"
#include "decode/rescue.h"
#include "decode/timestamp.h"
#include "event/decoder.h"

namespace millrace::decode {

/// What the rows of one batch brought about besides themselves.
struct ReadCounts {
  uint64_t rescued_values = 0;
  std::map<std::string, uint64_t> unknown_columns;
  bool schema_changed = false;
};

/// Reads records, by their tokens, into a column tree: one call a record, one row a record that fits. Whatever goes
/// wrong in a record leaves no trace in the columns.
class RecordReader {
 public:
  /// `root` (a struct without validity) and `rescued` (a string column) outlive the reader.
  RecordReader(const JsonDecoderOptions& options, Column& root, Column& rescued);

  /// Tokens as StructuralIndex made them of `text`.
  void SetText(std::string_view text, const uint32_t* tokens, uint32_t count);
  /// While true, new names ask for inference (kInfer) where the contract lets columns in.
  void set_may_infer(bool may_infer) { may_infer_ = may_infer; }
  /// Before there is a first schema every contract lets columns in.
  void set_columns_open(bool open) { columns_open_ = open; }
  /// Names in the tree, all levels: no more than options.columns_max are asked for.
  void set_tree_columns(size_t count) { tree_columns_ = count; }

  enum class Result { kRow, kBlank, kReject, kInfer };
  /// Reads the record that lies at [begin, end) of the text. Records are read in order; after kInfer the same one
  /// again.
  Result Read(size_t begin, size_t end);

  /// Why the last record was rejected.
  const event::Reject& reject() const { return reject_; }
  ReadCounts& counts() { return counts_; }

 private:
  enum class Status { kOk, kMisfit, kReject, kInfer };

  // Objects and their members (record_reader.cc).
  Status ReadObject(Column& object);
  Status ReadMember(Column& object, Column& member);
  Status ReadUnknown(Column& object, std::string_view name);
  Status CloseObject(Column& object);
  /// A required column has no value: it becomes optional, or the record is rejected.
  Status Unrequire(Column& column);
  /// The text of the key at the cursor, good until the next call.
  std::optional<std::string_view> KeyText();
  bool MayAdd(const Column& object, std::string_view name) const;

  // Values by kind (value_reader.cc). kMisfit leaves the column as it was, and the cursor anywhere.
  Status ReadValue(Column& column);
  Status ReadNull(Column& column);
  Status ReadUndecided();
  Status ReadBool(Column& column);
  Status ReadInt(Column& column);
  Status ReadLong(Column& column);
  Status ReadFloat(Column& column);
  Status ReadDouble(Column& column);
  Status ReadDecimal(Column& column);
  Status ReadString(Column& column);
  Status ReadEscapedString(Column& column);
  Status ReadTimestamptz(Column& column);
  Status ReadParsedText(Column& column);
  Status ReadJson(Column& column);
  Status ReadList(Column& list);
  Status ReadElements(Column& list, int32_t open);
  Status ReadMap(Column& map);
  Status ReadEntry(Column& map);

  /// The value at the cursor does not fit: null in `column`, or the record's end, as the contract says.
  Status RescueValue(Column& column);
  Status Rescue(std::string path, std::string_view raw);
  void CountUnknown(std::string path);
  size_t RescuedBytesMax() const;
  /// The raw value at the cursor, checked; the cursor moves behind it. nullopt: rejected.
  std::optional<std::string_view> TakeRaw();
  /// The text of the string at the cursor, unescaped, good until the next call; nullopt when it is no text.
  std::optional<std::string_view> TextHere();
  /// The number, literal or string at the cursor as it is written.
  std::string_view ScalarHere() const;
  bool ScalarEndsAt(const char* end) const {
    return end == base_ + next_[1] || *end == ' ' || *end == '\n' || *end == '\r' || *end == '\t';
  }

  bool ColumnsEvolve() const { return columns_open_ || options_.contract.columns == schema::ContractMode::kEvolve; }
  bool TypesEvolve() const { return options_.contract.types == schema::ContractMode::kEvolve; }
  Status Twice(std::string_view path);
  /// After KeyText found none.
  Status BadKey();
  Status TooWide();
  Status Fail(event::RejectCause cause, std::string detail);
  Status Malformed(const char* what);
  Result Finish(Status status);

  const JsonDecoderOptions& options_;
  Column& root_;
  Column& rescued_;
  RescuedRow rescued_row_;
  TimestampReader timestamps_;
  std::string key_scratch_;
  bool key_is_half_a_pair_ = false;
  std::string scratch_;

  const char* base_ = nullptr;
  const uint32_t* next_ = nullptr;
  const uint32_t* end_ = nullptr;  // behind the last token of the text
  size_t record_begin_ = 0;
  size_t record_end_ = 0;
  bool may_infer_ = true;
  bool columns_open_ = false;
  size_t tree_columns_ = 0;
  event::Reject reject_;
  ReadCounts counts_;
};

}  // namespace millrace::decode
