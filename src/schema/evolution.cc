#include "schema/evolution.h"

#include <algorithm>
#include <utility>

namespace millrace::schema {
namespace {

/// Walks what a table has beside what is wanted and grows the former.
class Merger {
 public:
  explicit Merger(const std::vector<FieldId>& keys) : keys_(keys) {}

  void MergeFields(std::vector<Field>& fields, const std::vector<Field>& wanted, const std::string& path) {
    for (const Field& want : wanted) {
      const auto have =
          std::find_if(fields.begin(), fields.end(), [&](const Field& field) { return field.name == want.name; });
      if (have != fields.end()) {
        MergeField(*have, want, Below(path, want.name));
        continue;
      }
      fields.push_back(AsNew(want));
      changes_.push_back({SchemaChange::Kind::kAddColumn, Below(path, want.name), ToString(want.type)});
    }
  }

  std::vector<SchemaChange> TakeChanges() { return std::move(changes_); }

 private:
  void MergeField(Field& have, const Field& want, const std::string& path) {
    const bool is_key = std::find(keys_.begin(), keys_.end(), have.id) != keys_.end();
    if (have.required && !want.required && !is_key) {
      have.required = false;
      changes_.push_back({SchemaChange::Kind::kMakeOptional, path, "required to optional"});
    }
    MergeType(have.type, want.type, path);
  }

  void MergeType(Type& have, const Type& want, const std::string& path) {
    if (auto* primitive = std::get_if<PrimitiveType>(&have)) {
      Promote(*primitive, std::get_if<PrimitiveType>(&want), path);
    } else if (auto* structure = std::get_if<StructType>(&have)) {
      if (const auto* other = std::get_if<StructType>(&want)) MergeFields(structure->fields, other->fields, path);
    } else if (auto* list = std::get_if<ListType>(&have)) {
      if (const auto* other = std::get_if<ListType>(&want))
        MergePart(list->element, *other->element, Below(path, "element"));
    } else if (auto* map = std::get_if<MapType>(&have)) {
      // A key never changes: two keys that were different could become one (spec, "Schema Evolution").
      if (const auto* other = std::get_if<MapType>(&want)) MergePart(map->value, *other->value, Below(path, "value"));
    }
  }

  void MergePart(std::shared_ptr<const Field>& have, const Field& want, const std::string& path) {
    const size_t before = changes_.size();
    Field part = *have;
    MergeField(part, want, path);
    if (changes_.size() != before) have = std::make_shared<const Field>(std::move(part));
  }

  void Promote(PrimitiveType& have, const PrimitiveType* want, const std::string& path) {
    if (want == nullptr || have == *want || !CanPromote(have, *want)) return;
    changes_.push_back({SchemaChange::Kind::kPromote, path, ToString(Type(have)) + " to " + ToString(Type(*want))});
    have = *want;
  }

  /// A wanted column as the table takes it: optional throughout, without ids.
  static Field AsNew(Field field) {
    field.id = kUnassigned;
    field.required = false;
    if (auto* structure = std::get_if<StructType>(&field.type)) {
      for (Field& child : structure->fields) child = AsNew(std::move(child));
    } else if (auto* list = std::get_if<ListType>(&field.type)) {
      list->element = std::make_shared<const Field>(AsNew(*list->element));
    } else if (auto* map = std::get_if<MapType>(&field.type)) {
      Field key = AsNew(*map->key);
      key.required = true;
      map->key = std::make_shared<const Field>(std::move(key));
      map->value = std::make_shared<const Field>(AsNew(*map->value));
    }
    return field;
  }

  static std::string Below(const std::string& path, const std::string& name) {
    return path.empty() ? name : path + "." + name;
  }

  const std::vector<FieldId>& keys_;
  std::vector<SchemaChange> changes_;
};

}  // namespace

bool CanPromote(const PrimitiveType& from, const PrimitiveType& to) {
  if (from == to) return true;
  if (from.kind == Primitive::kInt) return to.kind == Primitive::kLong;
  if (from.kind == Primitive::kFloat) return to.kind == Primitive::kDouble;
  return from.kind == Primitive::kDecimal && to.kind == Primitive::kDecimal && from.scale == to.scale &&
         from.precision <= to.precision;
}

Evolved Evolve(const Schema& current, int32_t last_column_id, const Schema& wanted) {
  Evolved evolved{.schema = current, .last_column_id = last_column_id, .changes = {}};
  Merger merger(current.identifier_field_ids);
  merger.MergeFields(evolved.schema.fields, wanted.fields, "");
  evolved.changes = merger.TakeChanges();
  evolved.last_column_id = AssignIds(evolved.schema, last_column_id);
  return evolved;
}

namespace {

bool KeepsName(const Field& field, const Schema& now);

bool KeepsNames(const std::vector<Field>& fields, const Schema& now) {
  return std::ranges::all_of(fields, [&](const Field& field) { return KeepsName(field, now); });
}

bool KeepsName(const Field& field, const Schema& now) {
  const Field* found = now.Find(field.id);
  if (found == nullptr || found->name != field.name) return false;
  if (const auto* group = std::get_if<StructType>(&field.type)) return KeepsNames(group->fields, now);
  if (const auto* list = std::get_if<ListType>(&field.type)) return KeepsName(*list->element, now);
  if (const auto* map = std::get_if<MapType>(&field.type)) {
    return KeepsName(*map->key, now) && KeepsName(*map->value, now);
  }
  return true;
}

}  // namespace

bool KeepsNames(const Schema& before, const Schema& now) { return KeepsNames(before.fields, now); }

}  // namespace millrace::schema
