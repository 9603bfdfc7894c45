#include "decode/avro/avro_json.h"

#include <fmt/format.h>

#include <cmath>

#include "base/json_text.h"
#include "decode/json_string.h"
#include "decode/structural_index.h"
#include "io/digest.h"

namespace millrace::decode {
namespace {

using schema::AvroType;

std::string DecimalText(__int128_t unscaled, int32_t scale) {
  const bool negative = unscaled < 0;
  auto rest = negative ? -static_cast<__uint128_t>(unscaled) : static_cast<__uint128_t>(unscaled);
  std::string digits;
  for (; rest != 0; rest /= 10) digits.insert(digits.begin(), static_cast<char>('0' + static_cast<int>(rest % 10)));
  const auto wanted = static_cast<size_t>(scale) + 1;
  if (digits.size() < wanted) digits.insert(0, wanted - digits.size(), '0');
  if (scale > 0) digits.insert(digits.size() - static_cast<size_t>(scale), ".");
  return negative ? "-" + digits : digits;
}

class Writer {
 public:
  Writer(AvroCursor& cursor, int depth_max, std::string& out) : cursor_(cursor), depth_left_(depth_max), out_(out) {}

  AvroText Value(const AvroType& type) {
    if (!cursor_.Step()) return AvroText::kDamaged;
    if (depth_left_-- == 0) return AvroText::kTooDeep;
    const AvroText result = OfKind(type);
    ++depth_left_;
    return result;
  }

 private:
  AvroText OfKind(const AvroType& type) {
    switch (type.kind) {
      case AvroType::Kind::kNull:
        out_ += "null";
        return AvroText::kOk;
      case AvroType::Kind::kBoolean: {
        uint8_t value = 0;
        if (!cursor_.Fixed(value) || value > 1) return AvroText::kDamaged;
        out_ += value != 0 ? "true" : "false";
        return AvroText::kOk;
      }
      case AvroType::Kind::kInt:
      case AvroType::Kind::kLong: {
        int64_t value = 0;
        if (!cursor_.Long(value)) return AvroText::kDamaged;
        fmt::format_to(std::back_inserter(out_), "{}", value);
        return AvroText::kOk;
      }
      case AvroType::Kind::kFloat:
        return Number<float>();
      case AvroType::Kind::kDouble:
        return Number<double>();
      case AvroType::Kind::kString:
        return Text();
      case AvroType::Kind::kBytes:
      case AvroType::Kind::kFixed:
        return Bytes(type);
      case AvroType::Kind::kEnum:
        return Symbol(type);
      case AvroType::Kind::kRecord:
        return Record(type);
      case AvroType::Kind::kArray:
      case AvroType::Kind::kMap:
        return Items(type);
      case AvroType::Kind::kUnion: {
        int64_t branch = 0;
        if (!cursor_.Long(branch) || branch < 0 || branch >= static_cast<int64_t>(type.branches.size())) {
          return AvroText::kDamaged;
        }
        return Value(*type.branches[static_cast<size_t>(branch)]);
      }
    }
    return AvroText::kDamaged;
  }

  template <typename T>
  AvroText Number() {
    T value = 0;
    if (!cursor_.Fixed(value)) return AvroText::kDamaged;
    out_ += std::isfinite(value) ? fmt::format("{}", value) : fmt::format("\"{}\"", value);
    return AvroText::kOk;
  }

  AvroText Text() {
    std::string_view text;
    if (!cursor_.Bytes(text)) return AvroText::kDamaged;
    if (!IsUtf8(text)) return AvroText::kInvalidUtf8;
    AppendJsonText(text, out_);
    return AvroText::kOk;
  }

  AvroText Bytes(const AvroType& type) {
    std::string_view bytes;
    const bool fixed = type.kind == AvroType::Kind::kFixed;
    if (!(fixed ? cursor_.Take(type.size, bytes) : cursor_.Bytes(bytes))) return AvroText::kDamaged;
    __int128_t unscaled = 0;
    if (type.logical == "decimal" && ReadUnscaled(bytes, unscaled)) {
      out_ += DecimalText(unscaled, type.scale);
    } else {
      out_ += '"' + io::Base64(bytes) + '"';
    }
    return AvroText::kOk;
  }

  AvroText Symbol(const AvroType& type) {
    int64_t symbol = 0;
    if (!cursor_.Long(symbol) || symbol < 0 || symbol >= static_cast<int64_t>(type.symbols.size())) {
      return AvroText::kDamaged;
    }
    AppendJsonText(type.symbols[static_cast<size_t>(symbol)], out_);
    return AvroText::kOk;
  }

  AvroText Record(const AvroType& type) {
    out_ += '{';
    for (size_t i = 0; i < type.fields.size(); ++i) {
      if (i > 0) out_ += ',';
      AppendJsonText(type.fields[i].name, out_);
      out_ += ':';
      if (const auto result = Value(*type.fields[i].type); result != AvroText::kOk) return result;
    }
    out_ += '}';
    return AvroText::kOk;
  }

  AvroText Items(const AvroType& type) {
    const bool map = type.kind == AvroType::Kind::kMap;
    out_ += map ? '{' : '[';
    bool first = true;
    for (int64_t left = 0;;) {
      if (!cursor_.Block(left)) return AvroText::kDamaged;
      if (left == 0) break;
      for (; left > 0; --left, first = false) {
        if (!first) out_ += ',';
        if (map) {
          if (const auto result = Text(); result != AvroText::kOk) return result;
          out_ += ':';
        }
        if (const auto result = Value(*type.items); result != AvroText::kOk) return result;
      }
    }
    out_ += map ? '}' : ']';
    return AvroText::kOk;
  }

  AvroCursor& cursor_;
  int depth_left_;
  std::string& out_;
};

}  // namespace

AvroText AppendAvroAsJson(const AvroType& type, AvroCursor& cursor, int depth_max, std::string& out) {
  return Writer(cursor, depth_max, out).Value(type);
}

bool ReadUnscaled(std::string_view bytes, __int128_t& value) {
  if (bytes.empty() || bytes.size() > sizeof(value)) return false;
  auto bits = static_cast<__uint128_t>(static_cast<__int128_t>(static_cast<int8_t>(bytes.front())));
  for (size_t i = 1; i < bytes.size(); ++i) bits = bits << 8 | static_cast<uint8_t>(bytes[i]);
  value = static_cast<__int128_t>(bits);
  return true;
}

}  // namespace millrace::decode
