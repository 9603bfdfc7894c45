#include "decode/avro/avro_plan.h"

#include <arrow/type.h>
#include <fmt/format.h>

#include <algorithm>
#include <nlohmann/json.hpp>
#include <utility>

#include "base/error.h"
#include "decode/arrow_columns.h"
#include "event/decoder.h"
#include "schema/avro/avro_encode.h"
#include "schema/avro/schema_avro.h"

namespace millrace::decode {
namespace {

using schema::AvroField;
using schema::AvroType;
using schema::ContractMode;
using schema::Primitive;
using Kind = AvroType::Kind;

constexpr int32_t kDecimalDigitsMax = 38;

size_t CountNames(const schema::Type& type) {
  if (const auto* list = std::get_if<schema::ListType>(&type)) return 1 + CountNames(list->element->type);
  if (const auto* map = std::get_if<schema::MapType>(&type)) return 2 + CountNames(map->value->type);
  const auto* record = std::get_if<schema::StructType>(&type);
  if (record == nullptr) return 0;
  size_t count = record->fields.size();
  for (const auto& field : record->fields) count += CountNames(field.type);
  return count;
}

class PlanMaker {
 public:
  /// kMeasure: the tree stays as it is, and `names` becomes what it would be.
  enum class Pass { kMeasure, kMake };
  PlanMaker(Pass pass, const AvroPlanOptions& options, size_t& names, bool& tree_changed, bool& plans_stale)
      : pass_(pass), options_(options), names_(names), tree_changed_(tree_changed), plans_stale_(plans_stale) {}

  AvroNode Record(const AvroType& type, Column& object, const AvroType* reader) {
    AvroNode node{.step = AvroStep::kRecord, .type = &type, .column = &object};
    std::set<const Column*> filled;
    for (const auto& field : type.fields) {
      node.parts.push_back(Field(*field.type, NameOf(field, type, reader), object, ReaderTypeOf(field, type, reader)));
      auto& part = node.parts.back();
      if (part.column != nullptr && !filled.insert(part.column).second) {
        part = Homeless(*field.type, AvroStep::kRescue, object, field.name);
      }
    }
    if (reader != nullptr) AddDefaults(*reader, object, filled, node);
    for (const auto& member : object.children) {
      if (member->required && !filled.contains(member.get())) node.missing.push_back(member.get());
    }
    return node;
  }

 private:
  static const AvroField* ReaderFieldOf(const AvroField& field, const AvroType& writer, const AvroType* reader) {
    if (reader == nullptr || reader->kind != Kind::kRecord) return nullptr;
    for (const auto& wanted : reader->fields) {
      if (wanted.name == field.name) return &wanted;
    }
    for (const auto& wanted : reader->fields) {
      if (std::ranges::find(wanted.aliases, field.name) == wanted.aliases.end()) continue;
      if (std::ranges::none_of(writer.fields, [&](const auto& other) { return other.name == wanted.name; })) {
        return &wanted;
      }
    }
    return nullptr;
  }
  static std::string NameOf(const AvroField& field, const AvroType& writer, const AvroType* reader) {
    const auto* wanted = ReaderFieldOf(field, writer, reader);
    return wanted == nullptr ? field.name : wanted->name;
  }
  static const AvroType* ReaderTypeOf(const AvroField& field, const AvroType& writer, const AvroType* reader) {
    const auto* wanted = ReaderFieldOf(field, writer, reader);
    return wanted == nullptr ? nullptr : wanted->type;
  }
  /// What is inside a reader's union, where that is one type.
  static const AvroType* WithoutNull(const AvroType* reader) {
    if (reader == nullptr || reader->kind != Kind::kUnion) return reader;
    const auto branches = schema::ValueBranches(*reader);
    return branches.size() == 1 ? branches.front() : nullptr;
  }

  AvroNode Field(const AvroType& type, const std::string& name, Column& object, const AvroType* reader) {
    if (Column* known = object.FindChild(name)) return Value(type, *known, WithoutNull(reader));
    if (IsReserved(object, name) || object.HasFolded(name))
      return Homeless(type, AvroStep::kRescue, object, name, true);
    const auto mode = options_.columns_open ? ContractMode::kEvolve : options_.contract.columns;
    switch (mode) {
      case ContractMode::kEvolve:
        break;
      case ContractMode::kDiscardValue:
        return Homeless(type, AvroStep::kRescue, object, name);
      case ContractMode::kFreeze:
      case ContractMode::kDiscardRow:
        return Homeless(type, AvroStep::kRefuse, object, name);
    }
    Column* const added = Add(type, name, object);
    return added == nullptr ? Homeless(type, AvroStep::kRescue, object, name, true)
                            : Value(type, *added, WithoutNull(reader));
  }

  bool IsReserved(const Column& object, const std::string& name) const {
    if (object.parent != nullptr) return false;
    const auto folded = FoldName(name);
    return folded == event::kRescuedColumn || options_.reserved_names.contains(folded);
  }

  static AvroNode Homeless(const AvroType& type, AvroStep step, Column& object, std::string name,
                           bool reserved = false) {
    return {.step = step, .type = &type, .object = &object, .name = std::move(name), .reserved = reserved};
  }

  /// nullptr: its values say nothing.
  Column* Add(const AvroType& type, const std::string& name, Column& object) {
    const size_t room = options_.columns_max - std::min(names_, options_.columns_max);
    auto column_type = schema::TypeFromAvro(type, room);
    if (!column_type) return nullptr;
    if (pass_ == Pass::kMeasure) {
      names_ += CountNames(*column_type) + 1;
      if (names_ > options_.columns_max) throw Error(ErrorCode::kData, "the table has no room for its columns");
      return nullptr;
    }
    schema::Schema columns;
    columns.fields.push_back({.name = name, .type = *std::move(column_type)});
    AddColumns(*schema::ToArrow(columns), {}, object);
    Column& added = *object.children.back();
    names_ += CountNames(added) + 1;
    tree_changed_ = true;
    return &added;
  }

  void AddDefaults(const AvroType& reader, Column& object, std::set<const Column*>& filled, AvroNode& node) {
    if (reader.kind != Kind::kRecord) return;
    for (const auto& field : reader.fields) {
      const Column* const there = object.FindChild(field.name);
      if (!field.fallback || (there != nullptr && filled.contains(there))) continue;
      auto inner = Field(*field.type, field.name, object, nullptr);
      if (inner.column == nullptr) continue;
      filled.insert(inner.column);
      AvroNode constant{.step = AvroStep::kConstant, .type = field.type, .column = inner.column};
      constant.constant = schema::EncodeAvroDefault(*field.fallback, *field.type);
      constant.parts.push_back(std::move(inner));
      node.parts.push_back(std::move(constant));
    }
  }

  AvroNode Value(const AvroType& type, Column& column, const AvroType* reader) {
    if (column.kind == ColumnKind::kJson) return Leaf(AvroStep::kJson, type, column);
    switch (type.kind) {
      case Kind::kUnion:
        return Union(type, column, reader);
      case Kind::kRecord:
        if (column.kind == ColumnKind::kStruct && !schema::IsRecursive(type)) return Record(type, column, reader);
        return Leaf(column.kind == ColumnKind::kString ? AvroStep::kJson : AvroStep::kMisfit, type, column);
      case Kind::kArray:
        if (column.kind == ColumnKind::kList) return Items(AvroStep::kList, type, column, *column.children[0]);
        return Leaf(AvroStep::kMisfit, type, column);
      case Kind::kMap:
        if (column.kind == ColumnKind::kMap) return Items(AvroStep::kMap, type, column, *column.children[1]);
        return Leaf(AvroStep::kMisfit, type, column);
      default:
        return Scalar(type, column);
    }
  }

  AvroNode Items(AvroStep step, const AvroType& type, Column& column, Column& item) {
    AvroNode node = Leaf(step, type, column);
    node.parts.push_back(Value(*type.items, item, nullptr));
    return node;
  }

  AvroNode Union(const AvroType& type, Column& column, const AvroType* reader) {
    const auto branches = schema::ValueBranches(type);
    const auto null_at =
        std::ranges::find_if(type.branches, [](const auto* part) { return part->kind == Kind::kNull; });
    if (branches.size() == 1 && type.branches.size() <= 2) {
      AvroNode node = Leaf(AvroStep::kOptional, type, column);
      if (null_at != type.branches.end()) node.null_branch = null_at - type.branches.begin();
      node.parts.push_back(Value(*branches.front(), column, reader));
      return node;
    }
    AvroNode node = Leaf(AvroStep::kChoice, type, column);
    for (const auto* branch : type.branches) {
      if (branch->kind == Kind::kNull) {
        node.parts.push_back(Leaf(AvroStep::kNothing, *branch, column));
      } else if (column.kind == ColumnKind::kStruct) {
        node.parts.push_back(Field(*branch, schema::BranchName(type, *branch), column, nullptr));
      } else {
        node.parts.push_back(Value(*branch, column, nullptr));
      }
    }
    return node;
  }

  static AvroNode Leaf(AvroStep step, const AvroType& type, Column& column) {
    return {.step = step, .type = &type, .column = &column};
  }

  AvroNode Scalar(const AvroType& type, Column& column) {
    const auto natural = schema::TypeFromAvro(type, 1);
    if (!natural) return Leaf(type.kind == Kind::kNull ? AvroStep::kNothing : AvroStep::kMisfit, type, column);
    const auto& wanted = std::get<schema::PrimitiveType>(*natural);
    Widen(wanted, column);
    AvroNode node = Leaf(StepFor(wanted, type, column), type, column);
    if (node.step == AvroStep::kScaled) node.factor = type.logical.ends_with("-millis") ? 1000 : 1;
    if (node.step == AvroStep::kDecimal) node.digits = column.scale - type.scale;
    return node;
  }

  /// What the writer's schema promises may be wider than the column.
  void Widen(const schema::PrimitiveType& wanted, Column& column) {
    const bool evolve = options_.columns_open || options_.contract.types == ContractMode::kEvolve;
    if (!evolve || pass_ == Pass::kMeasure) return;
    if (column.kind == ColumnKind::kDecimal && wanted.kind == Primitive::kDecimal) {
      const int32_t precision = std::min(kDecimalDigitsMax, column.scale + wanted.precision - wanted.scale);
      if (column.scale < wanted.scale || precision <= column.precision) return;
      column.precision = precision;
      tree_changed_ = true;
      return;
    }
    const bool wider = (column.kind == ColumnKind::kInt && wanted.kind == Primitive::kLong) ||
                       (column.kind == ColumnKind::kFloat && wanted.kind == Primitive::kDouble);
    if (!wider) return;
    column.Widen();
    tree_changed_ = plans_stale_ = true;
  }

  static AvroStep IntegerStep(bool wide, const Column& column) {
    switch (column.kind) {
      case ColumnKind::kInt:
        return wide ? AvroStep::kLongAsInt : AvroStep::kInt;
      case ColumnKind::kLong:
        return AvroStep::kLong;
      case ColumnKind::kFloat:
        return AvroStep::kIntegerAsFloat;
      case ColumnKind::kDouble:
        return AvroStep::kIntegerAsDouble;
      default:
        return AvroStep::kMisfit;
    }
  }

  static AvroStep TextStep(const Column& column) {
    switch (column.kind) {
      case ColumnKind::kString:
        return AvroStep::kText;
      case ColumnKind::kBinary:
        return AvroStep::kBytes;
      case ColumnKind::kUuid:
      case ColumnKind::kDate:
      case ColumnKind::kTime:
      case ColumnKind::kTimestamp:
      case ColumnKind::kTimestamptz:
      case ColumnKind::kDecimal:
        return AvroStep::kParsedText;
      default:
        return AvroStep::kMisfit;
    }
  }

  static AvroStep TimeStep(const AvroType& type, ColumnKind wanted, const Column& column) {
    if (column.kind != wanted) return AvroStep::kMisfit;
    if (wanted == ColumnKind::kDate) return AvroStep::kInt;
    return type.logical.ends_with("-nanos") ? AvroStep::kNanos : AvroStep::kScaled;
  }

  static AvroStep BytesStep(const AvroType& type, const Column& column) {
    if (type.kind == Kind::kBytes && column.kind == ColumnKind::kString) return AvroStep::kBytesAsText;
    if (type.kind == Kind::kBytes) return column.kind == ColumnKind::kBinary ? AvroStep::kBytes : AvroStep::kMisfit;
    const bool fits =
        column.kind == ColumnKind::kBinary ||
        ((column.kind == ColumnKind::kFixed || column.kind == ColumnKind::kUuid) && column.width == type.size);
    return fits ? AvroStep::kFixed : AvroStep::kMisfit;
  }

  static AvroStep StepFor(const schema::PrimitiveType& wanted, const AvroType& type, const Column& column) {
    switch (wanted.kind) {
      case Primitive::kBoolean:
        return column.kind == ColumnKind::kBool ? AvroStep::kBool : AvroStep::kMisfit;
      case Primitive::kInt:
      case Primitive::kLong:
        return IntegerStep(wanted.kind == Primitive::kLong, column);
      case Primitive::kFloat:
        if (column.kind == ColumnKind::kDouble) return AvroStep::kFloatAsDouble;
        return column.kind == ColumnKind::kFloat ? AvroStep::kFloat : AvroStep::kMisfit;
      case Primitive::kDouble:
        if (column.kind == ColumnKind::kFloat) return AvroStep::kDoubleAsFloat;
        return column.kind == ColumnKind::kDouble ? AvroStep::kDouble : AvroStep::kMisfit;
      case Primitive::kDecimal:
        return column.kind == ColumnKind::kDecimal && column.scale >= wanted.scale ? AvroStep::kDecimal
                                                                                   : AvroStep::kMisfit;
      case Primitive::kDate:
        return TimeStep(type, ColumnKind::kDate, column);
      case Primitive::kTime:
        return TimeStep(type, ColumnKind::kTime, column);
      case Primitive::kTimestamp:
        return TimeStep(type, ColumnKind::kTimestamp, column);
      case Primitive::kTimestamptz:
        return TimeStep(type, ColumnKind::kTimestamptz, column);
      case Primitive::kUuid:
        if (type.kind == Kind::kFixed) return BytesStep(type, column);
        return TextStep(column);
      case Primitive::kString:
        if (type.kind == Kind::kEnum) return column.kind == ColumnKind::kString ? AvroStep::kSymbol : AvroStep::kMisfit;
        return TextStep(column);
      case Primitive::kFixed:
      case Primitive::kBinary:
        return BytesStep(type, column);
    }
    return AvroStep::kMisfit;
  }

  const Pass pass_;
  const AvroPlanOptions& options_;
  size_t& names_;
  bool& tree_changed_;
  bool& plans_stale_;
};

}  // namespace

AvroPlan MakeAvroPlan(const AvroType& writer, const AvroPlanOptions& options, Column& root, size_t& names,
                      bool& tree_changed, bool& plans_stale) {
  if (writer.kind != Kind::kRecord) {
    throw Error(ErrorCode::kData,
                fmt::format("a row is made of a record, and the schema is of a {}", ToString(writer.kind)));
  }
  if (schema::IsRecursive(writer)) throw Error(ErrorCode::kData, "the schema of a row holds itself");
  schema::TypeFromAvro(writer, options.columns_max);
  size_t names_then = names;
  PlanMaker(PlanMaker::Pass::kMeasure, options, names_then, tree_changed, plans_stale)
      .Record(writer, root, options.reader);
  PlanMaker maker(PlanMaker::Pass::kMake, options, names, tree_changed, plans_stale);
  return {.root = maker.Record(writer, root, options.reader)};
}

}  // namespace millrace::decode
