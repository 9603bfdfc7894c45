#pragma once

#include <cstdint>
#include <map>
#include <memory>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "event/decoder.h"
#include "schema/protobuf/protobuf_avro.h"

namespace google::protobuf {
class Descriptor;
class FieldDescriptor;
}  // namespace google::protobuf

namespace millrace::decode {

/// Writes messages of one type as the Avro records of schema/protobuf/protobuf_avro.h, straight from their bytes
/// (Protobuf's wire format, "Encoding"): fields in any order, the last value of a field that may be there once, parts
/// of a message put together, repeated numbers packed or not. A field of another wire type than its own is one that the
/// schema does not know. One thread at a time.
class ProtobufTranscoder {
 public:
  struct Limits {
    int64_t record_bytes_max = int64_t{128} << 20;  // of what comes out
    int depth_max = 64;
  };
  /// Borrows the descriptor.
  ProtobufTranscoder(const google::protobuf::Descriptor& message, Limits limits);
  ~ProtobufTranscoder();
  ProtobufTranscoder(const ProtobufTranscoder&) = delete;
  ProtobufTranscoder& operator=(const ProtobufTranscoder&) = delete;

  /// Appends the record. False: `out` is as it was, and reject() says why.
  bool Write(std::string_view message, std::string& out);
  const event::Reject& reject() const { return reject_; }

 private:
  struct FieldPlan;
  struct MessagePlan;
  enum class Wire : uint8_t { kVarint = 0, kFixed64 = 1, kBytes = 2, kGroup = 3, kGroupEnd = 4, kFixed32 = 5 };
  /// A value as it lies in a message.
  struct Occurrence {
    std::string_view bytes;  // a varint, 4 or 8 bytes, what a length stands before, or what is inside a group
    Wire wire = Wire::kVarint;
    uint32_t next = 0;  // of the same field; 0: none
  };
  /// The values of one field of a message.
  struct Slot {
    uint32_t first = 0, last = 0, count = 0;
  };

  const MessagePlan& PlanFor(const google::protobuf::Descriptor& message);
  FieldPlan FieldFor(const google::protobuf::FieldDescriptor& field);
  static Wire WireOf(const google::protobuf::FieldDescriptor& field);

  bool WriteMessage(const MessagePlan& plan, std::string_view message, int depth, std::string& out);
  /// Finds where the values of each field lie: slots_[slots + index of the field].
  bool Scan(const MessagePlan& plan, std::string_view message, size_t slots);
  bool TakeValue(std::string_view& in, uint32_t number, Occurrence& value);
  bool TakeGroup(std::string_view& in, uint32_t number, std::string_view& inside);
  bool NoteUnknown(uint32_t number, const Occurrence& value);
  bool WriteField(const FieldPlan& field, const Slot& slot, int depth, std::string& out);
  bool WriteList(const FieldPlan& field, const Slot& slot, int depth, std::string& out);
  bool WritePacked(const FieldPlan& field, std::string_view numbers, std::string& out);
  bool WriteMap(const FieldPlan& field, const Slot& slot, int depth, std::string& out);
  bool WriteValue(const FieldPlan& field, const Occurrence& value, int depth, std::string& out);
  bool WriteTimestamp(const MessagePlan& plan, std::string_view message, std::string& out);
  bool WriteWrapped(const MessagePlan& plan, std::string_view message, int depth, std::string& out);
  bool WriteJson(const FieldPlan& field, std::string_view message, std::string& out);
  static void WriteNumber(const FieldPlan& field, uint64_t bits, std::string& out);
  void WriteUnknown(std::string& out) const;
  static uint64_t BitsOf(const Occurrence& value);
  static std::string TextOfKey(const FieldPlan& key, const Occurrence& value);
  bool Damaged(std::string_view at, const char* what);
  bool Fail(event::RejectCause cause, std::string detail);

  const Limits limits_;
  std::map<const google::protobuf::Descriptor*, std::unique_ptr<MessagePlan>> plans_;
  const MessagePlan* row_ = nullptr;

  // Of the message that is being written.
  std::string_view message_;
  size_t out_max_ = 0;
  std::vector<Occurrence> occurrences_;
  std::vector<Slot> slots_;
  std::vector<uint32_t> path_;                                // numbers of the fields that it is inside of
  std::vector<std::pair<std::string, std::string>> unknown_;  // path, value
  event::Reject reject_;
};

}  // namespace millrace::decode
