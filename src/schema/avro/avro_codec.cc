#include "schema/avro/avro_codec.h"

#include <fmt/format.h>

#include <bit>
#include <cstring>
#include <limits>

#include "base/error.h"

namespace millrace::schema {
namespace {

constexpr int kDepthMax = 64;
constexpr int64_t kStepsFree = 1'000'000;
constexpr int64_t kStepsPerByte = 8;

static_assert(std::endian::native == std::endian::little);

[[noreturn]] void Wrong(std::string_view what) {
  throw Error(ErrorCode::kData, fmt::format("its Avro data is damaged: {}", what));
}

void Expect(bool fits, const char* wanted) {
  if (!fits) Wrong(fmt::format("a field that should be {} is of another type", wanted));
}

template <typename T>
T Load(std::string_view bytes) {
  T value;
  std::memcpy(&value, bytes.data(), sizeof(T));
  return value;
}

}  // namespace

void AvroEncoder::Long(int64_t value) {
  auto bits = (static_cast<uint64_t>(value) << 1) ^ static_cast<uint64_t>(value >> 63);
  while (bits >= 0x80) {
    bytes_.push_back(static_cast<char>(bits | 0x80));
    bits >>= 7;
  }
  bytes_.push_back(static_cast<char>(bits));
}

void AvroEncoder::Float(float value) { bytes_.append(reinterpret_cast<const char*>(&value), sizeof(value)); }

void AvroEncoder::Double(double value) { bytes_.append(reinterpret_cast<const char*>(&value), sizeof(value)); }

void AvroEncoder::Bytes(std::string_view value) {
  Long(static_cast<int64_t>(value.size()));
  bytes_.append(value);
}

AvroDecoder::AvroDecoder(std::string_view bytes)
    : rest_(bytes), steps_left_(kStepsFree + kStepsPerByte * static_cast<int64_t>(bytes.size())) {}

int64_t AvroDecoder::Long() {
  uint64_t bits = 0;
  for (unsigned shift = 0; shift < 64; shift += 7) {
    if (rest_.empty()) Wrong("it ends inside a number");
    const auto byte = static_cast<uint8_t>(rest_.front());
    rest_.remove_prefix(1);
    if (shift == 63 && byte > 1) break;
    bits |= static_cast<uint64_t>(byte & 0x7f) << shift;
    if ((byte & 0x80) == 0) return static_cast<int64_t>((bits >> 1) ^ (~(bits & 1) + 1));
  }
  Wrong("a number is longer than 64 bits");
}

std::string_view AvroDecoder::Take(int64_t length) {
  if (length < 0 || static_cast<uint64_t>(length) > rest_.size()) Wrong("a length runs past the end");
  const std::string_view taken = rest_.substr(0, static_cast<size_t>(length));
  rest_.remove_prefix(taken.size());
  return taken;
}

const AvroType* AvroDecoder::Resolve(const AvroType& type) {
  Step();
  const AvroType* resolved = &type;
  if (type.kind == AvroType::Kind::kUnion) {
    const int64_t branch = Long();
    if (branch < 0 || static_cast<uint64_t>(branch) >= type.branches.size()) Wrong("a union has no such branch");
    resolved = type.branches[static_cast<size_t>(branch)];
  }
  return resolved->kind == AvroType::Kind::kNull ? nullptr : resolved;
}

int64_t AvroDecoder::Integer(const AvroType& type) {
  Expect(type.kind == AvroType::Kind::kInt || type.kind == AvroType::Kind::kLong, "an integer");
  return Long();
}

int32_t AvroDecoder::Int32(const AvroType& type) {
  const int64_t value = Integer(type);
  if (value < std::numeric_limits<int32_t>::min() || value > std::numeric_limits<int32_t>::max()) {
    Wrong("an int is out of range");
  }
  return static_cast<int32_t>(value);
}

bool AvroDecoder::Boolean(const AvroType& type) {
  Expect(type.kind == AvroType::Kind::kBoolean, "a boolean");
  return Take(1).front() != 0;
}

float AvroDecoder::Float(const AvroType& type) {
  Expect(type.kind == AvroType::Kind::kFloat, "a float");
  return Load<float>(Take(sizeof(float)));
}

double AvroDecoder::Double(const AvroType& type) {
  if (type.kind == AvroType::Kind::kFloat) return Float(type);
  Expect(type.kind == AvroType::Kind::kDouble, "a double");
  return Load<double>(Take(sizeof(double)));
}

std::string_view AvroDecoder::ByteString(const AvroType& type) {
  if (type.kind == AvroType::Kind::kFixed) return Take(type.size);
  Expect(type.kind == AvroType::Kind::kString || type.kind == AvroType::Kind::kBytes, "text or bytes");
  return Take(Long());
}

void AvroDecoder::Items(const AvroType& type, const std::function<void(const AvroType&)>& item) {
  Expect(type.kind == AvroType::Kind::kArray, "an array");
  for (int64_t left = BlockCount(); left > 0; left = BlockCount()) {
    for (; left > 0; --left) {
      Step();
      item(*type.items);
    }
  }
}

void AvroDecoder::Pairs(const AvroType& type, const std::function<void(std::string_view, const AvroType&)>& pair) {
  Expect(type.kind == AvroType::Kind::kMap, "a map");
  for (int64_t left = BlockCount(); left > 0; left = BlockCount()) {
    for (; left > 0; --left) {
      const std::string_view key = Take(Long());
      pair(key, *type.items);
    }
  }
}

/// The items of the next block of an array or map; 0 ends it. A negative count carries the block's length, not needed
/// here.
int64_t AvroDecoder::BlockCount() {
  const int64_t count = Long();
  if (count >= 0) return count;
  if (count == std::numeric_limits<int64_t>::min()) Wrong("a block count is out of range");
  Long();
  return -count;
}

void AvroDecoder::Skip(const AvroType& type) { SkipAt(type, 0); }

void AvroDecoder::SkipAt(const AvroType& type, int depth) {
  if (depth > kDepthMax) Wrong("a value is nested too deep");
  Step();
  switch (type.kind) {
    case AvroType::Kind::kNull:
      return;
    case AvroType::Kind::kBoolean:
      Take(1);
      return;
    case AvroType::Kind::kInt:
    case AvroType::Kind::kLong:
    case AvroType::Kind::kEnum:
      Long();
      return;
    case AvroType::Kind::kFloat:
      Take(sizeof(float));
      return;
    case AvroType::Kind::kDouble:
      Take(sizeof(double));
      return;
    case AvroType::Kind::kBytes:
    case AvroType::Kind::kString:
    case AvroType::Kind::kFixed:
      ByteString(type);
      return;
    case AvroType::Kind::kRecord:
      for (const AvroField& field : type.fields) SkipAt(*field.type, depth + 1);
      return;
    case AvroType::Kind::kArray:
      Items(type, [&](const AvroType& item) { SkipAt(item, depth + 1); });
      return;
    case AvroType::Kind::kMap:
      Pairs(type, [&](std::string_view, const AvroType& value) { SkipAt(value, depth + 1); });
      return;
    case AvroType::Kind::kUnion:
      if (const AvroType* branch = Resolve(type)) SkipAt(*branch, depth + 1);
      return;
  }
}

void AvroDecoder::Step() {
  if (--steps_left_ < 0) Wrong("it holds more empty values than any real file");
}

}  // namespace millrace::schema
