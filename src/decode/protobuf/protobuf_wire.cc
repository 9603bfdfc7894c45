#include "decode/protobuf/protobuf_wire.h"

#include <cstring>

namespace millrace::decode {

namespace pb = google::protobuf;

void PutVarint(std::string& out, uint64_t value) {
  for (; value >= 0x80; value >>= 7) out += static_cast<char>(value | 0x80);
  out += static_cast<char>(value);
}
void PutLong(std::string& out, int64_t value) {
  PutVarint(out, (static_cast<uint64_t>(value) << 1) ^ static_cast<uint64_t>(value >> 63));
}
void PutBytes(std::string& out, std::string_view bytes) {
  PutLong(out, static_cast<int64_t>(bytes.size()));
  out += bytes;
}
/// Avro's decimal: two's complement, big-endian.
void PutUnsigned(std::string& out, uint64_t value) {
  std::string bytes(1, '\0');
  for (int shift = 56; shift >= 0; shift -= 8) bytes += static_cast<char>(value >> shift & 0xff);
  size_t lead = 0;
  while (lead + 1 < bytes.size() && bytes[lead] == '\0' && (bytes[lead + 1] & 0x80) == 0) ++lead;
  PutBytes(out, std::string_view(bytes).substr(lead));
}

bool TakeVarint(std::string_view& in, uint64_t& value) {
  value = 0;
  for (unsigned i = 0, shift = 0; i < in.size() && shift < 70; ++i, shift += 7) {
    const auto byte = static_cast<uint8_t>(in[i]);
    if (shift < 64) value |= static_cast<uint64_t>(byte & 0x7f) << shift;
    if (byte < 0x80) {
      in.remove_prefix(i + 1);
      return true;
    }
  }
  return false;
}

/// Of a type of up to 64 bits with a sign, or of 32 without.
int64_t Integer(pb::FieldDescriptor::Type type, uint64_t bits) {
  switch (type) {
    case pb::FieldDescriptor::TYPE_UINT32:
    case pb::FieldDescriptor::TYPE_FIXED32:
      return static_cast<uint32_t>(bits);
    case pb::FieldDescriptor::TYPE_SINT32:
      bits = static_cast<uint32_t>(bits);
      return static_cast<int32_t>(static_cast<uint32_t>((bits >> 1) ^ (~(bits & 1) + 1)));
    case pb::FieldDescriptor::TYPE_SINT64:
      return static_cast<int64_t>((bits >> 1) ^ (~(bits & 1) + 1));
    case pb::FieldDescriptor::TYPE_INT32:
    case pb::FieldDescriptor::TYPE_SFIXED32:
    case pb::FieldDescriptor::TYPE_ENUM:
      return static_cast<int32_t>(static_cast<uint32_t>(bits));
    default:
      return static_cast<int64_t>(bits);
  }
}

/// What a field without a value holds.
std::string DefaultOf(const pb::FieldDescriptor& field) {
  std::string out;
  switch (field.cpp_type()) {
    case pb::FieldDescriptor::CPPTYPE_STRING:
      PutBytes(out, field.default_value_string());
      break;
    case pb::FieldDescriptor::CPPTYPE_ENUM:
      PutBytes(out, field.default_value_enum()->name());
      break;
    case pb::FieldDescriptor::CPPTYPE_BOOL:
      out += field.default_value_bool() ? '\1' : '\0';
      break;
    case pb::FieldDescriptor::CPPTYPE_FLOAT: {
      const float value = field.default_value_float();
      out.append(reinterpret_cast<const char*>(&value), sizeof value);
      break;
    }
    case pb::FieldDescriptor::CPPTYPE_DOUBLE: {
      const double value = field.default_value_double();
      out.append(reinterpret_cast<const char*>(&value), sizeof value);
      break;
    }
    case pb::FieldDescriptor::CPPTYPE_INT32:
      PutLong(out, field.default_value_int32());
      break;
    case pb::FieldDescriptor::CPPTYPE_INT64:
      PutLong(out, field.default_value_int64());
      break;
    case pb::FieldDescriptor::CPPTYPE_UINT32:
      PutLong(out, field.default_value_uint32());
      break;
    case pb::FieldDescriptor::CPPTYPE_UINT64:
      PutUnsigned(out, field.default_value_uint64());
      break;
    case pb::FieldDescriptor::CPPTYPE_MESSAGE:
      break;
  }
  return out;
}

uint64_t LoadFixed(std::string_view bytes) {
  uint64_t bits = 0;
  std::memcpy(&bits, bytes.data(), bytes.size());
  return bits;
}

}  // namespace millrace::decode
