#pragma once

#include <google/protobuf/descriptor.h>

#include <cstdint>
#include <string>
#include <string_view>

/// Numbers as Protobuf writes them, and as Avro does.
namespace millrace::decode {

/// Protobuf's and Avro's base-128 number; false when `in` does not begin with one. Bits beyond the 64th are dropped.
bool TakeVarint(std::string_view& in, uint64_t& value);
void PutVarint(std::string& out, uint64_t value);
/// Of 4 or 8 bytes, little-endian.
uint64_t LoadFixed(std::string_view bytes);
/// The number that these bits are in a field of this type, of up to 64 bits with a sign, or of 32 without.
int64_t Integer(google::protobuf::FieldDescriptor::Type type, uint64_t bits);

/// Avro's long, its bytes or string, and its decimal of a number without a sign.
void PutLong(std::string& out, int64_t value);
void PutBytes(std::string& out, std::string_view bytes);
void PutUnsigned(std::string& out, uint64_t value);

/// What a field without a value holds, in Avro; empty for a message.
std::string DefaultOf(const google::protobuf::FieldDescriptor& field);

}  // namespace millrace::decode
