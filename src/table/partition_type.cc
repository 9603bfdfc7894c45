#include "table/partition_type.h"

#include <fmt/format.h>

#include <algorithm>

#include "base/error.h"
#include "table/transform.h"

namespace millrace::table {
namespace {

/// The current schema first, then the others from the newest on.
const schema::Field* FindSource(const TableMetadata& metadata, schema::FieldId id) {
  if (const auto* current = metadata.FindSchema(metadata.current_schema_id)) {
    if (const schema::Field* field = current->Find(id)) return field;
  }
  for (auto it = metadata.schemas.rbegin(); it != metadata.schemas.rend(); ++it) {
    if (const schema::Field* field = it->Find(id)) return field;
  }
  return nullptr;
}

}  // namespace

std::vector<PartitionTypeField> PartitionTypeOf(const TableMetadata& metadata, const PartitionSpec& spec) {
  std::vector<PartitionTypeField> fields;
  fields.reserve(spec.fields.size());
  for (const PartitionField& field : spec.fields) {
    PartitionTypeField& type = fields.emplace_back();
    type.field_id = field.field_id;
    type.name = field.name;
    const schema::Field* source = FindSource(metadata, field.source_id);
    const auto* primitive = source == nullptr ? nullptr : std::get_if<schema::PrimitiveType>(&source->type);
    if (primitive == nullptr) continue;
    type.type = ResultType(field.transform, *primitive);
    type.source_known = true;
  }
  return fields;
}

const PartitionSpec& SpecOf(const TableMetadata& metadata, int32_t spec_id) {
  if (const PartitionSpec* spec = metadata.FindSpec(spec_id)) return *spec;
  throw Error(ErrorCode::kData, fmt::format("the table has no partition spec {}", spec_id));
}

}  // namespace millrace::table
