#include "schema/avro/avro_encode.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <limits>
#include <nlohmann/json.hpp>
#include <optional>
#include <utility>

#include "base/clock.h"
#include "base/error.h"
#include "schema/avro/schema_avro.h"
#include "schema/json_object.h"

namespace millrace::schema {
namespace {

using Json = nlohmann::json;
using Kind = AvroType::Kind;

constexpr int kDepthMax = 64;
/// Of one default, with those inside it.
constexpr size_t kFallbacksMax = 10'000;
constexpr size_t kFallbackTextMax = size_t{16} << 20;

/// Whole microseconds of "2021-07-21T06:00:00Z", of a text without zone as if it were UTC.
std::optional<int64_t> Micros(const std::string& text, bool local) {
  const auto time = ParseTimestamp(local ? text + "Z" : text);
  if (!time) return std::nullopt;
  return time->time_since_epoch().count();
}

/// What a text says where a logical type has a number.
std::optional<int64_t> NumberOfTime(const std::string& text, const std::string& logical) {
  constexpr int64_t kDayMicros = int64_t{86'400} * 1'000'000;
  std::optional<int64_t> micros;
  if (logical == "date") {
    micros = Micros(text + "T00:00:00", true);
    if (!micros) return std::nullopt;
    return *micros / kDayMicros - (*micros % kDayMicros < 0 ? 1 : 0);
  }
  if (logical.starts_with("time-")) {
    micros = Micros("1970-01-01T" + text, true);
  } else if (logical.starts_with("timestamp-") || logical.starts_with("local-timestamp-")) {
    micros = Micros(text, logical.starts_with("local-"));
  }
  if (!micros) return std::nullopt;
  if (logical.ends_with("-millis")) return *micros / 1000 - (*micros % 1000 < 0 ? 1 : 0);
  int64_t scaled = 0;
  if (__builtin_mul_overflow(*micros, logical.ends_with("-nanos") ? 1000 : 1, &scaled)) return std::nullopt;
  return scaled;
}

/// -12.5 at scale 2 is -1250; nullopt when digits would be lost or there are more than `precision`.
std::optional<__int128_t> Unscaled(std::string_view text, int32_t precision, int32_t scale) {
  const bool negative = text.starts_with('-');
  if (negative) text.remove_prefix(1);
  __int128_t value = 0;
  int32_t digits = 0, decimals = -1;
  for (const char c : text) {
    if (c == '.' && decimals < 0) {
      decimals = 0;
      continue;
    }
    if (c < '0' || c > '9') return std::nullopt;
    if (decimals >= 0 && ++decimals > scale) {
      if (c != '0') return std::nullopt;
      continue;
    }
    if ((value != 0 || c != '0') && ++digits > precision) return std::nullopt;
    value = value * 10 + (c - '0');
  }
  if (text.empty() || text == ".") return std::nullopt;
  for (int32_t i = std::clamp(decimals, 0, scale); i < scale; ++i) {
    if (value != 0 && ++digits > precision) return std::nullopt;
    value *= 10;
  }
  return negative ? -value : value;
}

int SignificantDigits(std::string_view number) {
  int digits = 0;
  for (const char c : number.substr(0, number.find('e'))) {
    if (c >= '0' && c <= '9' && (digits > 0 || c != '0')) ++digits;
  }
  return digits;
}

/// Two's complement, big-endian, no longer than it must be.
std::string DecimalBytes(__int128_t value) {
  std::string bytes;
  for (int byte = 15; byte >= 0; --byte) bytes += static_cast<char>(value >> (8 * byte) & 0xff);
  while (bytes.size() > 1 && (bytes[0] == '\0' || bytes[0] == '\xff') && ((bytes[0] ^ bytes[1]) & 0x80) == 0) {
    bytes.erase(0, 1);
  }
  return bytes;
}

/// One character a byte.
std::optional<std::string> Latin1(const std::string& text) {
  std::string bytes;
  for (size_t i = 0; i < text.size(); ++i) {
    const auto byte = static_cast<uint8_t>(text[i]);
    if (byte < 0x80) {
      bytes += text[i];
    } else if ((byte == 0xc2 || byte == 0xc3) && i + 1 < text.size()) {
      bytes += static_cast<char>((byte & 3) << 6 | (static_cast<uint8_t>(text[++i]) & 0x3f));
    } else {
      return std::nullopt;
    }
  }
  return bytes;
}

std::string_view WordOf(const Json& value) {
  if (value.is_string()) return "text";
  if (value.is_number_integer()) return "an integer";
  return value.is_number() ? "a number" : std::string_view(value.type_name());
}

class Encoder {
 public:
  explicit Encoder(AvroEncoder& out) : out_(out) {}

  /// False: wrong() says why.
  bool Value(const Json& value, const AvroType& type) {
    if (depth_ == kDepthMax) return Wrong("it is nested too deep");
    ++depth_;
    const bool fits = OfKind(value, type);
    --depth_;
    return fits;
  }
  /// A field's default, with those of the records in it: they may name each other, and themselves.
  bool Fallback(std::string_view json, const AvroType& type) {
    if (!defaults_) fallbacks_ = fallback_text_ = 0;
    fallback_text_ += json.size();
    if (++fallbacks_ > kFallbacksMax || fallback_text_ > kFallbackTextMax) return Wrong("its default is too large");
    const auto value = MaybeParseJson(json);
    if (!value) return Wrong("its default is no JSON");
    const bool before = std::exchange(defaults_, true);
    const bool fits = Value(*value, type);
    defaults_ = before;
    return fits;
  }
  std::string wrong() const {
    const std::vector<std::string> path(wrong_path_.rbegin(), wrong_path_.rend());
    return path.empty() ? wrong_ : fmt::format("{}: {}", fmt::join(path, "."), wrong_);
  }

 private:
  bool OfKind(const Json& value, const AvroType& type) {
    switch (type.kind) {
      case Kind::kNull:
        return value.is_null() || Expected("null", value);
      case Kind::kBoolean:
        if (!value.is_boolean()) return Expected("a boolean", value);
        out_.Boolean(value.get<bool>());
        return true;
      case Kind::kInt:
        return Integer(value, type, std::numeric_limits<int32_t>::min(), std::numeric_limits<int32_t>::max());
      case Kind::kLong:
        return Integer(value, type, std::numeric_limits<int64_t>::min(), std::numeric_limits<int64_t>::max());
      case Kind::kFloat:
      case Kind::kDouble:
        return Number(value, type);
      case Kind::kString:
        if (!value.is_string()) return Expected("text", value);
        out_.Bytes(value.get_ref<const std::string&>());
        return true;
      case Kind::kBytes:
      case Kind::kFixed:
        return Bytes(value, type);
      case Kind::kEnum:
        return Symbol(value, type);
      case Kind::kArray:
        return Array(value, type);
      case Kind::kMap:
        return Map(value, type);
      case Kind::kRecord:
        return Record(value, type);
      case Kind::kUnion:
        return Union(value, type);
    }
    return false;
  }

  bool Integer(const Json& value, const AvroType& type, int64_t low, int64_t high) {
    if (value.is_string() && !defaults_ && !type.logical.empty()) {
      const auto number = NumberOfTime(value.get_ref<const std::string&>(), type.logical);
      if (!number || *number < low || *number > high) return Wrong(fmt::format("expected a {}", type.logical));
      out_.Long(*number);
      return true;
    }
    if (value.is_number_float()) {
      const double number = value.get<double>();
      // Of a long, the sum is 2^63.
      if (std::trunc(number) != number || number < static_cast<double>(low) ||
          number >= static_cast<double>(high) + 1) {
        return Wrong(fmt::format("expected {}, found {}", ToString(type.kind), value.dump()));
      }
      out_.Long(static_cast<int64_t>(number));
      return true;
    }
    if (!value.is_number_integer()) return Expected(ToString(type.kind), value);
    const bool fits = value.is_number_unsigned() ? value.get<uint64_t>() <= static_cast<uint64_t>(high)
                                                 : value.get<int64_t>() >= low && value.get<int64_t>() <= high;
    if (!fits) return Wrong(fmt::format("{} is out of the range of {}", value.dump(), ToString(type.kind)));
    out_.Long(value.get<int64_t>());
    return true;
  }

  bool Number(const Json& value, const AvroType& type) {
    double number = 0;
    if (value.is_number()) {
      number = value.get<double>();
    } else if (value == "NaN") {
      number = std::numeric_limits<double>::quiet_NaN();
    } else if (value == "Infinity" || value == "-Infinity") {
      number = std::numeric_limits<double>::infinity() * (value == "Infinity" ? 1 : -1);
    } else {
      return Expected(ToString(type.kind), value);
    }
    if (type.kind == Kind::kDouble) {
      out_.Double(number);
      return true;
    }
    if (std::isfinite(number) && std::abs(number) > std::numeric_limits<float>::max()) {
      return Wrong(fmt::format("{} is out of the range of float", value.dump()));
    }
    out_.Float(static_cast<float>(number));
    return true;
  }

  bool Bytes(const Json& value, const AvroType& type) {
    std::string bytes;
    if (type.logical == "decimal" && !defaults_) {
      const auto text = value.is_string() ? value.get<std::string>() : value.is_number() ? value.dump() : std::string();
      // JSON's numbers went through a double, which may have made them others.
      if (value.is_number_float() && SignificantDigits(text) > std::numeric_limits<double>::digits10) {
        return Wrong(fmt::format("{} has more digits than a number keeps; write the decimal as text", text));
      }
      const auto unscaled = Unscaled(text, std::min(type.precision, 38), type.scale);
      if (!unscaled) {
        return Wrong(fmt::format("expected a decimal({}, {}), found {}", type.precision, type.scale, value.dump()));
      }
      bytes = DecimalBytes(*unscaled);
      const auto width = static_cast<size_t>(type.size);
      if (type.kind == Kind::kFixed && bytes.size() < width) {
        bytes.insert(0, width - bytes.size(), *unscaled < 0 ? '\xff' : '\0');
      }
    } else {
      if (!value.is_string()) return Expected(ToString(type.kind), value);
      auto plain = Latin1(value.get_ref<const std::string&>());
      if (!plain) return Wrong("has characters above U+00FF, which stand for no byte");
      bytes = *std::move(plain);
    }
    if (type.kind == Kind::kBytes) {
      out_.Bytes(bytes);
      return true;
    }
    if (static_cast<int64_t>(bytes.size()) != type.size) {
      return Wrong(fmt::format("is {} bytes long, expected {}", bytes.size(), type.size));
    }
    out_.Fixed(bytes);
    return true;
  }

  bool Symbol(const Json& value, const AvroType& type) {
    if (!value.is_string()) return Expected("one of an enum's symbols", value);
    const auto found = std::ranges::find(type.symbols, value.get_ref<const std::string&>());
    if (found == type.symbols.end()) {
      return Wrong(fmt::format("\"{}\" is no symbol of {}", value.get<std::string>(), type.name));
    }
    out_.Long(found - type.symbols.begin());
    return true;
  }

  bool Array(const Json& value, const AvroType& type) {
    if (!value.is_array()) return Expected("a list", value);
    if (!value.empty()) out_.Long(static_cast<int64_t>(value.size()));
    for (size_t i = 0; i < value.size(); ++i) {
      if (!Value(value[i], *type.items)) return At(std::to_string(i));
    }
    out_.Long(0);
    return true;
  }

  bool Map(const Json& value, const AvroType& type) {
    if (!value.is_object()) return Expected("an object", value);
    if (!value.empty()) out_.Long(static_cast<int64_t>(value.size()));
    for (const auto& [key, item] : value.items()) {
      out_.Bytes(key);
      if (!Value(item, *type.items)) return At(key);
    }
    out_.Long(0);
    return true;
  }

  bool Record(const Json& value, const AvroType& type) {
    if (!value.is_object()) return Expected("an object", value);
    size_t known = 0;
    for (const auto& field : type.fields) {
      const auto member = value.find(field.name);
      if (member != value.end()) ++known;
      if (!(member != value.end() ? Value(*member, *field.type) : Absent(field))) return At(field.name);
    }
    if (known == value.size()) return true;
    for (const auto& [name, member] : value.items()) {
      const auto is_it = [&name = name](const AvroField& field) { return field.name == name; };
      if (std::ranges::none_of(type.fields, is_it)) {
        return Wrong(fmt::format("has the member \"{}\", which {} lacks", name, type.name));
      }
    }
    return true;
  }

  bool Absent(const AvroField& field) {
    if (field.fallback) return Fallback(*field.fallback, *field.type);
    if (defaults_ || field.type->kind != Kind::kUnion || !Value(Json(), *field.type)) return Wrong("is missing");
    return true;
  }

  bool Union(const Json& value, const AvroType& type) {
    if (defaults_) {
      if (type.branches.empty()) return Wrong("a union without branches has no value");
      out_.Long(0);
      return Value(value, *type.branches.front());
    }
    const size_t begin = out_.bytes().size();
    for (size_t i = 0; i < type.branches.size(); ++i) {
      out_.Long(static_cast<int64_t>(i));
      if (Value(value, *type.branches[i])) return true;
      out_.Truncate(begin);
      if (ValueBranches(type).size() > 1) wrong_path_.clear();
    }
    if (value.is_object() && value.size() == 1) {
      for (size_t i = 0; i < type.branches.size(); ++i) {
        const auto& branch = *type.branches[i];
        const auto& name = value.begin().key();
        if (name != (branch.named() ? branch.name : std::string(ToString(branch.kind)))) continue;
        out_.Long(static_cast<int64_t>(i));
        return Value(value.begin().value(), branch);
      }
    }
    if (ValueBranches(type).size() == 1) return false;  // what is wrong with that one has been said
    return Wrong(fmt::format("{} fits none of the union's types", WordOf(value)));
  }

  bool Expected(std::string_view what, const Json& value) {
    return Wrong(fmt::format("expected {}, found {}", what, WordOf(value)));
  }
  bool Wrong(std::string what) {
    wrong_ = std::move(what);
    wrong_path_.clear();
    return false;
  }
  bool At(std::string part) {
    wrong_path_.push_back(std::move(part));
    return false;
  }

  AvroEncoder& out_;
  bool defaults_ = false;  // what is encoded is a default: unions are their first branch
  int depth_ = 0;
  size_t fallbacks_ = 0;  // of the one default that is encoded
  size_t fallback_text_ = 0;
  std::string wrong_;
  std::vector<std::string> wrong_path_;  // innermost first
};

}  // namespace

void EncodeAvro(const Json& value, const AvroType& type, AvroEncoder& out) {
  const size_t begin = out.bytes().size();
  Encoder encoder(out);
  if (encoder.Value(value, type)) return;
  out.Truncate(begin);
  throw Error(ErrorCode::kData, encoder.wrong());
}

std::string EncodeAvroDefault(std::string_view json, const AvroType& type) {
  AvroEncoder out;
  Encoder encoder(out);
  if (!encoder.Fallback(json, type)) {
    throw Error(ErrorCode::kData, fmt::format("the default {} is no value of its type: {}", json, encoder.wrong()));
  }
  return std::string(out.bytes());
}

}  // namespace millrace::schema
