#include "schema/avro/schema_avro.h"

#include <algorithm>
#include <memory>
#include <set>

#include "base/error.h"

namespace millrace::schema {
namespace {

constexpr int32_t kDecimalDigitsMax = 38;
constexpr int64_t kUuidBytes = 16;
constexpr int kDepthMax = 64;

PrimitiveType Decimal(const AvroType& type) {
  return {.kind = Primitive::kDecimal, .precision = type.precision, .scale = type.scale};
}

bool IsDecimal(const AvroType& type) { return type.logical == "decimal" && type.precision <= kDecimalDigitsMax; }

Primitive LongKind(const std::string& logical) {
  if (logical == "time-micros") return Primitive::kTime;
  if (logical.starts_with("timestamp-")) return Primitive::kTimestamptz;
  if (logical.starts_with("local-timestamp-")) return Primitive::kTimestamp;
  return Primitive::kLong;
}

Field Optional(std::string name, Type type) { return {.name = std::move(name), .type = std::move(type)}; }

/// Builds the type of one schema; what it may come to is bounded, since a type that is named often multiplies.
class Converter {
 public:
  explicit Converter(size_t columns_max) : left_(columns_max) {}

  std::optional<Type> Convert(const AvroType& type) {
    if (left_-- == 0) throw Error(ErrorCode::kData, "the Avro schema describes more columns than a table may have");
    if (++depth_ > kDepthMax) throw Error(ErrorCode::kData, "the Avro schema nests types too deep");
    auto converted = FromKind(type);
    --depth_;
    return converted;
  }

 private:
  std::optional<Type> FromKind(const AvroType& type);
  std::optional<Type> FromRecord(const AvroType& type);
  std::optional<Type> FromUnion(const AvroType& type);
  std::optional<Type> FromItems(const AvroType& type);

  size_t left_;
  int depth_ = 0;
};

std::optional<Type> Converter::FromRecord(const AvroType& type) {
  if (IsRecursive(type)) return PrimitiveType{};
  StructType members;
  for (const auto& field : type.fields) {
    if (auto member = Convert(*field.type)) {
      members.fields.push_back(Optional(field.name, *std::move(member)));
      members.fields.back().doc = field.doc;
    }
  }
  if (members.fields.empty()) return std::nullopt;
  return members;
}

std::optional<Type> Converter::FromUnion(const AvroType& type) {
  const auto branches = ValueBranches(type);
  if (branches.size() == 1) return Convert(*branches.front());
  StructType members;
  for (const auto* branch : branches) {
    if (auto member = Convert(*branch)) {
      members.fields.push_back(Optional(BranchName(type, *branch), *std::move(member)));
    }
  }
  if (members.fields.empty()) return std::nullopt;
  return members;
}

std::optional<Type> Converter::FromItems(const AvroType& type) {
  auto item = Convert(*type.items);
  if (!item) return std::nullopt;
  if (type.kind == AvroType::Kind::kArray) {
    return ListType{std::make_shared<const Field>(Optional("element", *std::move(item)))};
  }
  Field key{.name = "key", .type = PrimitiveType{}, .required = true};
  return MapType{std::make_shared<const Field>(std::move(key)),
                 std::make_shared<const Field>(Optional("value", *std::move(item)))};
}

std::optional<Type> Converter::FromKind(const AvroType& type) {
  switch (type.kind) {
    case AvroType::Kind::kNull:
      return std::nullopt;
    case AvroType::Kind::kBoolean:
      return PrimitiveType{Primitive::kBoolean};
    case AvroType::Kind::kInt:
      if (type.logical == "date") return PrimitiveType{Primitive::kDate};
      return PrimitiveType{type.logical == "time-millis" ? Primitive::kTime : Primitive::kInt};
    case AvroType::Kind::kLong:
      return PrimitiveType{LongKind(type.logical)};
    case AvroType::Kind::kFloat:
      return PrimitiveType{Primitive::kFloat};
    case AvroType::Kind::kDouble:
      return PrimitiveType{Primitive::kDouble};
    case AvroType::Kind::kBytes:
      return IsDecimal(type) ? Decimal(type) : PrimitiveType{Primitive::kBinary};
    case AvroType::Kind::kString:
      return PrimitiveType{type.logical == "uuid" ? Primitive::kUuid : Primitive::kString};
    case AvroType::Kind::kEnum:
      return PrimitiveType{};
    case AvroType::Kind::kFixed:
      if (IsDecimal(type)) return Decimal(type);
      if (type.logical == "uuid" && type.size == kUuidBytes) return PrimitiveType{Primitive::kUuid};
      if (type.size == 0) return std::nullopt;
      return PrimitiveType{.kind = Primitive::kFixed, .length = static_cast<int32_t>(type.size)};
    case AvroType::Kind::kRecord:
      return FromRecord(type);
    case AvroType::Kind::kArray:
    case AvroType::Kind::kMap:
      return FromItems(type);
    case AvroType::Kind::kUnion:
      return FromUnion(type);
  }
  return std::nullopt;
}

}  // namespace

std::vector<const AvroType*> ValueBranches(const AvroType& type) {
  std::vector<const AvroType*> branches;
  std::ranges::copy_if(type.branches, std::back_inserter(branches),
                       [](const AvroType* branch) { return branch->kind != AvroType::Kind::kNull; });
  return branches;
}

std::string BranchName(const AvroType& union_type, const AvroType& branch) {
  if (!branch.named()) return std::string(ToString(branch.kind));
  const auto name = ShortName(branch.name);
  const auto alike = std::ranges::count_if(union_type.branches, [&](const AvroType* other) {
    return other->named() ? ShortName(other->name) == name : ToString(other->kind) == name;
  });
  return alike > 1 ? branch.name : std::string(name);
}

bool IsRecursive(const AvroType& type) {
  std::set<const AvroType*> seen;
  std::vector<const AvroType*> next{&type};
  while (!next.empty()) {
    const AvroType* const at = next.back();
    next.pop_back();
    std::vector<const AvroType*> parts = at->branches;
    if (at->items != nullptr) parts.push_back(at->items);
    for (const auto& field : at->fields) parts.push_back(field.type);
    for (const auto* part : parts) {
      if (part == &type) return true;
      if (seen.insert(part).second) next.push_back(part);
    }
  }
  return false;
}

std::optional<Type> TypeFromAvro(const AvroType& type, size_t columns_max) {
  return Converter(columns_max).Convert(type);
}

}  // namespace millrace::schema
