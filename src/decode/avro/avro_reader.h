#pragma once

#include <cstdint>
#include <map>
#include <string>
#include <string_view>

#include "decode/avro/avro_cursor.h"
#include "decode/avro/avro_plan.h"
#include "decode/rescue.h"
#include "decode/timestamp.h"
#include "event/decoder.h"

namespace millrace::decode {

/// Reads records by a plan into the columns it was made for: one call a record, one row a record that fits. Whatever
/// goes wrong in a record leaves no trace in the columns.
class AvroReader {
 public:
  struct Options {
    schema::Contract contract = {};
    int depth_max = 64;
  };
  /// `root` (a struct without validity) and `rescued` (a string column) outlive the reader.
  AvroReader(Options options, Column& root, Column& rescued) : options_(options), root_(root), rescued_(rescued) {}

  /// True: a row. False: reject() says why.
  bool Read(const AvroPlan& plan, std::string_view bytes);

  const event::Reject& reject() const { return reject_; }

  uint64_t rescued_values = 0;
  std::map<std::string, uint64_t> unknown_columns;
  bool schema_changed = false;

 private:
  enum class Status { kOk, kMisfit, kReject };

  Status ReadField(const AvroNode& node, Column& object);
  Status ReadValue(const AvroNode& node);
  Status ReadNumber(const AvroNode& node);
  Status ReadBytes(const AvroNode& node);
  Status ReadRecord(const AvroNode& node);
  Status CloseRecord(const AvroNode& node);
  Status ReadList(const AvroNode& node);
  Status ReadMap(const AvroNode& node);
  Status ReadEntry(const AvroNode& node);
  Status ReadOptional(const AvroNode& node);
  Status ReadChoice(const AvroNode& node);
  Status ReadConstant(const AvroNode& node);
  Status ReadJson(const AvroNode& node);
  Status ReadSymbol(const AvroNode& node);
  Status ReadDecimal(const AvroNode& node);
  Status ReadParsedText(const AvroNode& node);

  Status AppendText(std::string_view text, Column& column);
  Status AppendNull(Column& column);
  /// The value at the cursor goes to the row's rescued object.
  Status Rescue(const schema::AvroType& type, std::string path);
  Status RescueHomeless(const AvroNode& node);
  Status ReadAsJson(const schema::AvroType& type, std::string& out);
  Status Unrequire(Column& column);
  bool TypesEvolve() const { return options_.contract.types == schema::ContractMode::kEvolve; }

  Status Damaged(const char* what);
  Status Fail(event::RejectCause cause, std::string detail);

  const Options options_;
  Column& root_;
  Column& rescued_;
  RescuedRow rescued_row_;
  TimestampReader timestamps_;
  AvroCursor cursor_;
  const char* begin_ = nullptr;
  std::string scratch_;
  event::Reject reject_;
};

}  // namespace millrace::decode
