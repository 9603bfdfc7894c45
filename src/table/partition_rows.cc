#include <arrow/api.h>

#include <functional>
#include <unordered_map>

#include "base/error.h"
#include "table/partition.h"
#include "table/transform.h"

namespace millrace::table {
namespace {

using schema::PrimitiveType;

/// Numbers the distinct values of a column from 0 in order of appearance. Rows that come in runs cost a comparison
/// each.
struct Codes {
  std::vector<uint32_t> code_of_row;
  uint32_t count = 0;
};

template <typename Key, typename KeyAt>
Codes Encode(const arrow::Array& column, KeyAt key_at) {
  Codes codes;
  codes.code_of_row.resize(static_cast<size_t>(column.length()));
  std::unordered_map<Key, uint32_t> known;
  std::optional<uint32_t> null_code;
  Key last{};
  uint32_t last_code = 0;
  bool has_last = false;
  for (int64_t row = 0; row < column.length(); ++row) {
    uint32_t& code = codes.code_of_row[static_cast<size_t>(row)];
    if (column.IsNull(row)) {
      if (!null_code) null_code = codes.count++;
      code = *null_code;
      continue;
    }
    const Key key = key_at(row);
    if (!has_last || key != last) {
      const auto [found, is_new] = known.try_emplace(key, codes.count);
      if (is_new) ++codes.count;
      last = key;
      last_code = found->second;
      has_last = true;
    }
    code = last_code;
  }
  return codes;
}

Codes EncodeColumn(const arrow::Array& column) {
  switch (column.type_id()) {
    case arrow::Type::BOOL: {
      const auto& flags = static_cast<const arrow::BooleanArray&>(column);
      return Encode<bool>(column, [&](int64_t row) { return flags.Value(row); });
    }
    case arrow::Type::STRING:
    case arrow::Type::BINARY: {
      const auto& bytes = static_cast<const arrow::BinaryArray&>(column);
      return Encode<std::string_view>(column, [&](int64_t row) { return bytes.GetView(row); });
    }
    case arrow::Type::FIXED_SIZE_BINARY:
    case arrow::Type::DECIMAL128: {
      const auto& bytes = static_cast<const arrow::FixedSizeBinaryArray&>(column);
      return Encode<std::string_view>(column, [&](int64_t row) { return bytes.GetView(row); });
    }
    case arrow::Type::INT32:
    case arrow::Type::DATE32:
    case arrow::Type::FLOAT: {
      const auto* bits = column.data()->GetValues<uint32_t>(1);
      return Encode<uint32_t>(column, [bits](int64_t row) { return bits[row]; });
    }
    default: {
      const auto* bits = column.data()->GetValues<uint64_t>(1);
      return Encode<uint64_t>(column, [bits](int64_t row) { return bits[row]; });
    }
  }
}

/// Splits the groups of `left` by the codes of `right`.
Codes Cross(const Codes& left, const Codes& right) {
  Codes crossed;
  crossed.code_of_row.resize(left.code_of_row.size());
  std::unordered_map<uint64_t, uint32_t> known;
  uint64_t last = 0;
  uint32_t last_code = 0;
  for (size_t row = 0; row < crossed.code_of_row.size(); ++row) {
    const uint64_t pair = uint64_t{left.code_of_row[row]} << 32 | right.code_of_row[row];
    if (crossed.count == 0 || pair != last) {
      const auto [found, is_new] = known.try_emplace(pair, crossed.count);
      if (is_new) ++crossed.count;
      last = pair;
      last_code = found->second;
    }
    crossed.code_of_row[row] = last_code;
  }
  return crossed;
}

/// The child of a struct column with the struct's own nulls applied.
std::shared_ptr<arrow::Array> ChildOf(const std::shared_ptr<arrow::Array>& parent, const std::string& name) {
  if (parent->type_id() != arrow::Type::STRUCT) return nullptr;
  const auto& structure = static_cast<const arrow::StructArray&>(*parent);
  const int index = structure.struct_type()->GetFieldIndex(name);
  if (index < 0) return nullptr;
  auto child = structure.GetFlattenedField(index);
  if (!child.ok()) throw Error(ErrorCode::kInternal, "reading column " + name + ": " + child.status().ToString());
  return child.MoveValueUnsafe();
}

/// The column of a field, found by going down from the top by names.
std::shared_ptr<arrow::Array> ColumnOf(const std::vector<schema::Field>& fields, schema::FieldId id,
                                       const std::function<std::shared_ptr<arrow::Array>(const std::string&)>& child) {
  for (const schema::Field& field : fields) {
    if (field.id == id) return child(field.name);
    const auto* structure = std::get_if<schema::StructType>(&field.type);
    if (structure == nullptr) continue;
    const auto parent = child(field.name);
    if (parent == nullptr) continue;
    if (auto found = ColumnOf(structure->fields, id, [&](const std::string& name) { return ChildOf(parent, name); }))
      return found;
  }
  return nullptr;
}

std::shared_ptr<arrow::Array> PartitionColumn(const PartitionField& field, const schema::Schema& schema,
                                              const arrow::RecordBatch& batch) {
  const schema::Field* source = schema.Find(field.source_id);
  const auto* type = source == nullptr ? nullptr : std::get_if<PrimitiveType>(&source->type);
  if (type == nullptr && field.transform.kind == Transform::Kind::kVoid) {
    return std::make_shared<arrow::NullArray>(batch.num_rows());
  }
  auto column =
      ColumnOf(schema.fields, field.source_id, [&](const std::string& name) { return batch.GetColumnByName(name); });
  if (type == nullptr || column == nullptr) {
    throw Error(ErrorCode::kInternal, "the rows lack the source of the partition field '" + field.name + "'");
  }
  return TransformColumn(field.transform, *type, column);
}

/// The first row of each group.
std::vector<int64_t> FirstRows(const Codes& groups) {
  std::vector<int64_t> first;
  first.reserve(groups.count);
  for (size_t row = 0; row < groups.code_of_row.size() && first.size() < groups.count; ++row) {
    if (groups.code_of_row[row] == first.size()) first.push_back(static_cast<int64_t>(row));
  }
  return first;
}

}  // namespace

PartitionedRows PartitionRows(const PartitionSpec& spec, const schema::Schema& schema,
                              const arrow::RecordBatch& batch) {
  Codes groups;
  groups.code_of_row.resize(static_cast<size_t>(batch.num_rows()), 0);
  groups.count = batch.num_rows() == 0 ? 0 : 1;
  std::vector<std::shared_ptr<arrow::Array>> columns;
  for (const PartitionField& field : spec.fields) {
    columns.push_back(PartitionColumn(field, schema, batch));
    if (columns.back()->null_count() == batch.num_rows()) continue;  // one value: splits nothing
    groups = groups.count <= 1 ? EncodeColumn(*columns.back()) : Cross(groups, EncodeColumn(*columns.back()));
  }
  PartitionedRows partitioned;
  for (const int64_t row : FirstRows(groups)) {
    PartitionTuple& tuple = partitioned.partitions.emplace_back();
    for (const auto& column : columns) tuple.push_back(column->IsNull(row) ? std::nullopt : ValueAt(*column, row));
  }
  partitioned.group_of_row = std::move(groups.code_of_row);
  return partitioned;
}

}  // namespace millrace::table
