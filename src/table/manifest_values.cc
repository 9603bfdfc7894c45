#include "table/manifest_values.h"

#include <fmt/format.h>

#include "base/error.h"

namespace millrace::table {
namespace {

using schema::Primitive;
constexpr size_t kDecimalBytesMax = 16;

Decimal DecimalFromBigEndian(std::string_view bytes) {
  if (bytes.size() > kDecimalBytesMax) {
    throw Error(ErrorCode::kData, "a decimal partition value is longer than 38 digits");
  }
  __uint128_t bits = !bytes.empty() && (bytes.front() & 0x80) != 0 ? ~static_cast<__uint128_t>(0) : 0;
  for (const char byte : bytes) bits = (bits << 8) | static_cast<uint8_t>(byte);
  return Decimal{static_cast<__int128_t>(bits)};
}

std::string DecimalToBigEndian(const Decimal& decimal, int bytes) {
  std::string text(static_cast<size_t>(bytes), '\0');
  auto bits = static_cast<__uint128_t>(decimal.unscaled);
  for (auto it = text.rbegin(); it != text.rend(); ++it, bits >>= 8) *it = static_cast<char>(bits & 0xff);
  if (DecimalFromBigEndian(text) != decimal) {
    throw Error(ErrorCode::kData, "a decimal partition value has more digits than its column");
  }
  return text;
}

size_t FixedLength(const schema::PrimitiveType& type) {
  return type.kind == Primitive::kUuid ? 16 : static_cast<size_t>(type.length);
}

std::string_view OfLength(size_t length, std::string_view bytes) {
  if (bytes.size() == length) return bytes;
  throw Error(ErrorCode::kData, fmt::format("a fixed partition value has {} bytes, not {}", bytes.size(), length));
}

}  // namespace

int DecimalBytesOf(int precision) {
  __int128_t bound = 1;
  for (int i = 0; i < precision; ++i) bound *= 10;
  int bytes = 1;
  for (__int128_t reach = 128; reach < bound && bytes < static_cast<int>(kDecimalBytesMax); reach *= 256) ++bytes;
  return bytes;
}

Value ReadPartitionValue(AvroDecoder& decoder, const AvroType& avro, const schema::PrimitiveType& type) {
  switch (type.kind) {
    case Primitive::kBoolean:
      return decoder.Boolean(avro);
    case Primitive::kInt:
    case Primitive::kDate:
      return decoder.Int32(avro);
    case Primitive::kLong:
    case Primitive::kTime:
    case Primitive::kTimestamp:
    case Primitive::kTimestamptz:
      return decoder.Integer(avro);
    case Primitive::kFloat:
      return decoder.Float(avro);
    case Primitive::kDouble:
      return decoder.Double(avro);
    case Primitive::kDecimal:
      return DecimalFromBigEndian(decoder.ByteString(avro));
    case Primitive::kUuid:
    case Primitive::kFixed:
      return std::string(OfLength(FixedLength(type), decoder.ByteString(avro)));
    case Primitive::kString:
    case Primitive::kBinary:
      return std::string(decoder.ByteString(avro));
  }
  throw Error(ErrorCode::kInternal, "a partition type is not handled");
}

void WritePartitionValue(AvroEncoder& encoder, const schema::PrimitiveType& type, const Value& value) {
  switch (type.kind) {
    case Primitive::kBoolean:
      return encoder.Boolean(std::get<bool>(value));
    case Primitive::kInt:
    case Primitive::kDate:
      return encoder.Long(std::get<int32_t>(value));
    case Primitive::kLong:
    case Primitive::kTime:
    case Primitive::kTimestamp:
    case Primitive::kTimestamptz:
      return encoder.Long(std::get<int64_t>(value));
    case Primitive::kFloat:
      return encoder.Float(std::get<float>(value));
    case Primitive::kDouble:
      return encoder.Double(std::get<double>(value));
    case Primitive::kDecimal:
      return encoder.Fixed(DecimalToBigEndian(std::get<Decimal>(value), DecimalBytesOf(type.precision)));
    case Primitive::kUuid:
    case Primitive::kFixed:
      return encoder.Fixed(OfLength(FixedLength(type), std::get<std::string>(value)));
    case Primitive::kString:
    case Primitive::kBinary:
      return encoder.Bytes(std::get<std::string>(value));
  }
}

}  // namespace millrace::table
