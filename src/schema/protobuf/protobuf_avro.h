#pragma once

#include <string>

namespace google::protobuf {
class Descriptor;
class FieldDescriptor;
}  // namespace google::protobuf

namespace millrace::schema {

/// What a value of a field is, however often it is there.
enum class ProtobufForm {
  kBool,
  kInt,       // int32, sint32, sfixed32
  kLong,      // of 64 bits; uint32 and fixed32, which need more than an int
  kUnsigned,  // uint64, fixed64
  kFloat,
  kDouble,
  kText,
  kBytes,
  kEnum,
  kTimestamp,  // google.protobuf.Timestamp
  kWrapper,    // google.protobuf.Int64Value and its like
  kJson,       // google.protobuf.Struct, Value, ListValue
  kRecord,     // any other message
};
ProtobufForm FormOf(const google::protobuf::FieldDescriptor& field);

/// The field of a record made of a message that keeps what its schema does not know: a map of the field's path in
/// numbers ("3.7") to its value, a number or bytes in Base64.
inline constexpr const char* kUnknownFields = "_unknown_fields";

/// An Avro schema whose records hold a message: its fields under their names in their order, then kUnknownFields.
///   int32, uint32, int64, float, double, bool, string, bytes    int, long, long, float, double, boolean, string, bytes
///   uint64, fixed64                                             decimal(20, 0)
///   enum                                                        string, the name; of an unknown one the number
///   repeated, map                                               array; map, keys as text
///   a message                                                   record; recursive ones too
///   Timestamp, a wrapper, Struct and its like                   timestamp-micros, what it wraps, string of JSON
/// All fields but repeated ones may be null: what is absent and can be told from its default is. Error kData when
/// messages are within messages more than 31 levels deep.
std::string AvroSchemaFor(const google::protobuf::Descriptor& message);

}  // namespace millrace::schema
