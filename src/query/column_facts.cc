#include "query/column_facts.h"

#include <algorithm>
#include <limits>
#include <optional>

#include "query/partition_range.h"
#include "table/partition_type.h"
#include "table/transform.h"

namespace millrace::query {
namespace {

const schema::PrimitiveType* PrimitiveOf(const schema::Schema& schema, schema::FieldId id) {
  const auto* field = schema.Find(id);
  return field ? std::get_if<schema::PrimitiveType>(&field->type) : nullptr;
}

template <typename Map>
const typename Map::mapped_type* FindIn(const Map& map, schema::FieldId id) {
  const auto found = map.find(id);
  return found == map.end() ? nullptr : &found->second;
}

std::optional<table::Value> Bound(const std::map<schema::FieldId, std::string>& bounds, schema::FieldId id,
                                  const schema::PrimitiveType& type) {
  const auto* bytes = FindIn(bounds, id);
  return bytes ? table::DecodeBound(type, *bytes) : std::nullopt;
}

ColumnFacts FactsOfFile(const table::DataFile& file, const schema::Schema& schema, schema::FieldId id) {
  ColumnFacts facts;
  const auto* type = PrimitiveOf(schema, id);
  if (!type) return facts;
  const auto* values = FindIn(file.value_counts, id);
  const auto* nulls = FindIn(file.null_value_counts, id);
  const auto* nans = FindIn(file.nan_value_counts, id);
  facts.may_have_null = !nulls || *nulls != 0;
  facts.may_have_value = !nulls || !values || *nulls != *values;
  facts.may_have_nan = !nans || *nans != 0;
  facts.lower = Bound(file.lower_bounds, id, *type);
  facts.upper = Bound(file.upper_bounds, id, *type);
  return facts;
}

/// What the partition values between `lower` and `upper` say of the source column.
void Tighten(ColumnFacts& facts, const table::Transform& transform, const schema::PrimitiveType& source,
             const std::optional<table::Value>& lower, const std::optional<table::Value>& upper) {
  if (lower) facts.lower = LowestSource(transform, source, *lower);
  if (upper) facts.upper = HighestSource(transform, source, *upper);
}

bool KeepsNulls(const table::Transform& transform) {
  return transform.kind != table::Transform::Kind::kVoid && transform.kind != table::Transform::Kind::kUnknown;
}

}  // namespace

bool MayMatchPartition(const Predicate& predicate, const table::TableMetadata& metadata, const schema::Schema& schema,
                       const table::DataFile& file) {
  const auto* spec = metadata.FindSpec(file.spec_id);
  const auto by_partition = [&](schema::FieldId id) {
    ColumnFacts facts;
    const auto* type = PrimitiveOf(schema, id);
    for (size_t i = 0; type && spec && i < std::min(spec->fields.size(), file.partition.size()); ++i) {
      const auto& field = spec->fields[i];
      if (field.source_id != id || !KeepsNulls(field.transform)) continue;
      const auto& value = file.partition[i];
      facts.may_have_null = !value;
      facts.may_have_value = value.has_value();
      Tighten(facts, field.transform, *type, value, value);
      if (field.transform.kind != table::Transform::Kind::kBucket) continue;
      facts.may_equal = [&transform = field.transform, type, &value](const table::Value& wanted) {
        return table::ApplyTransform(transform, *type, wanted) == value;
      };
    }
    return facts;
  };
  return MayMatch(predicate, by_partition);
}

bool MayMatch(const Predicate& predicate, const table::TableMetadata& metadata, const schema::Schema& schema,
              const table::DataFile& file) {
  return MayMatchPartition(predicate, metadata, schema, file) &&
         MayMatch(predicate, [&](schema::FieldId id) { return FactsOfFile(file, schema, id); });
}

bool MayMatch(const Predicate& predicate, const table::TableMetadata& metadata, const schema::Schema& schema,
              const table::ManifestFile& manifest) {
  const auto* spec = metadata.FindSpec(manifest.partition_spec_id);
  if (!spec || manifest.partitions.size() != spec->fields.size()) return true;
  const auto types = table::PartitionTypeOf(metadata, *spec);
  return MayMatch(predicate, [&](schema::FieldId id) {
    ColumnFacts facts;
    const auto* type = PrimitiveOf(schema, id);
    for (size_t i = 0; type && i < spec->fields.size(); ++i) {
      const auto& field = spec->fields[i];
      if (field.source_id != id || !KeepsNulls(field.transform) || !types[i].source_known) continue;
      const auto& summary = manifest.partitions[i];
      facts.may_have_null = summary.contains_null;
      const auto decode = [&](const std::optional<std::string>& bytes) {
        return bytes ? table::DecodeBound(types[i].type, *bytes) : std::nullopt;
      };
      Tighten(facts, field.transform, *type, decode(summary.lower_bound), decode(summary.upper_bound));
    }
    return facts;
  });
}

}  // namespace millrace::query
