#include "table/schema_update.h"

#include <fmt/format.h>

#include <algorithm>
#include <functional>

#include "base/error.h"
#include "schema/evolution.h"
#include "schema/name_mapping.h"

namespace millrace::table {
namespace {

using schema::Field;

[[noreturn]] void Refuse(std::string message) { throw Error(ErrorCode::kUsage, std::move(message)); }

/// Called on the list of siblings that holds the field, and its place there.
using EditSiblings = std::function<void(std::vector<Field>&, std::vector<Field>::iterator)>;

bool EditIn(std::vector<Field>& fields, schema::FieldId id, const EditSiblings& edit);

bool EditIn(schema::Type& type, schema::FieldId id, const EditSiblings& edit) {
  if (auto* record = std::get_if<schema::StructType>(&type)) return EditIn(record->fields, id, edit);
  const auto child = [&](std::shared_ptr<const Field>& held) {
    Field copy = *held;
    if (!EditIn(copy.type, id, edit)) return false;
    held = std::make_shared<const Field>(std::move(copy));
    return true;
  };
  if (auto* list = std::get_if<schema::ListType>(&type)) return child(list->element);
  if (auto* map = std::get_if<schema::MapType>(&type)) return child(map->key) || child(map->value);
  return false;
}

bool EditIn(std::vector<Field>& fields, schema::FieldId id, const EditSiblings& edit) {
  for (auto field = fields.begin(); field != fields.end(); ++field) {
    if (field->id == id) {
      edit(fields, field);
      return true;
    }
    if (EditIn(field->type, id, edit)) return true;
  }
  return false;
}

/// The current schema with one struct member edited.
schema::Schema Edited(const TableMetadata& base, std::string_view path, const EditSiblings& edit) {
  schema::Schema next = base.schema();
  const Field* field = next.Find(path);
  if (field == nullptr) Refuse(fmt::format("the table has no column {}; `millrace tables describe` lists them", path));
  const schema::FieldId id = field->id;
  if (!EditIn(next.fields, id, edit)) Refuse(fmt::format("{} is a part of a list or map, which stays as it is", path));
  return next;
}

bool SameName(std::string_view left, std::string_view right) {
  const auto lower = [](char letter) { return letter >= 'A' && letter <= 'Z' ? letter - 'A' + 'a' : letter; };
  return std::equal(left.begin(), left.end(), right.begin(), right.end(),
                    [&](char a, char b) { return lower(a) == lower(b); });
}

void CheckMayGo(const TableMetadata& base, const Field& field, std::string_view path) {
  const auto used = [&](schema::FieldId id) {
    std::vector<Field> fields = {field};
    return EditIn(fields, id, [](std::vector<Field>&, std::vector<Field>::iterator) {});
  };
  for (const schema::FieldId id : base.schema().identifier_field_ids) {
    if (used(id)) Refuse(fmt::format("{} is an identifier column of the table and may not be dropped", path));
  }
  for (const PartitionField& partition : base.spec().fields) {
    if (partition.transform.kind != Transform::Kind::kVoid && used(partition.source_id)) {
      Refuse(fmt::format("{} is what the table is partitioned by: change partition_by first, then drop it", path));
    }
  }
  for (const SortOrder& order : base.sort_orders) {
    if (order.order_id != base.default_sort_order_id) continue;
    for (const SortField& sort : order.fields) {
      if (used(sort.source_id))
        Refuse(fmt::format("the table is sorted by {}: change sort_by first, then drop it", path));
    }
  }
}

}  // namespace

TableChange ChangeSchema(const TableMetadata& base, schema::Schema next, int32_t last_column_id) {
  TableChange change;
  if (SameColumns(next, base.schema()) && next.identifier_field_ids == base.schema().identifier_field_ids)
    return change;
  change.requirements = {AssertTableUuid{base.table_uuid}, AssertCurrentSchemaId{base.current_schema_id},
                         AssertLastAssignedFieldId{base.last_column_id}};
  const auto known = std::find_if(base.schemas.begin(), base.schemas.end(), [&](const schema::Schema& old) {
    return SameColumns(next, old) && next.identifier_field_ids == old.identifier_field_ids;
  });
  if (known != base.schemas.end()) {
    change.updates.push_back(SetCurrentSchema{known->schema_id});
  } else {
    int32_t highest = -1;
    for (const schema::Schema& old : base.schemas) highest = std::max(highest, old.schema_id);
    next.schema_id = highest + 1;
    change.updates.push_back(AddSchema{next, std::max(last_column_id, base.last_column_id)});
    change.updates.push_back(SetCurrentSchema{-1});
  }
  if (const auto found = base.properties.find(schema::kNameMappingProperty); found != base.properties.end()) {
    const schema::NameMapping mapping = WithContext(std::string("table property ") + schema::kNameMappingProperty,
                                                    [&] { return schema::ParseNameMapping(found->second); });
    change.updates.push_back(SetProperties{{{found->first, PrintNameMapping(schema::Extend(mapping, next))}}});
  }
  return change;
}

TableChange EvolveSchema(const TableMetadata& base, const schema::Schema& wanted) {
  schema::Evolved evolved = schema::Evolve(base.schema(), base.last_column_id, wanted);
  if (evolved.changes.empty()) return {};
  return ChangeSchema(base, std::move(evolved.schema), evolved.last_column_id);
}

TableChange DocumentColumns(const TableMetadata& base, const std::map<std::string, std::string>& docs) {
  schema::Schema next = base.schema();
  for (Field& field : next.fields) {
    const auto doc = docs.find(field.name);
    field.doc = doc == docs.end() ? std::string() : doc->second;
  }
  return ChangeSchema(base, std::move(next), base.last_column_id);
}

TableChange RenameColumn(const TableMetadata& base, std::string_view path, std::string_view name) {
  if (name.empty()) Refuse("a column needs a name");
  schema::Schema next = Edited(base, path, [&](std::vector<Field>& siblings, std::vector<Field>::iterator field) {
    for (const Field& other : siblings) {
      if (other.id != field->id && SameName(other.name, name)) {
        Refuse(fmt::format("{} cannot be renamed to {}: there is a column {} beside it", path, name, other.name));
      }
    }
    field->name = name;
  });
  return ChangeSchema(base, std::move(next), base.last_column_id);
}

TableChange DropColumn(const TableMetadata& base, std::string_view path) {
  schema::Schema next = Edited(base, path, [&](std::vector<Field>& siblings, std::vector<Field>::iterator field) {
    CheckMayGo(base, *field, path);
    if (siblings.size() == 1) Refuse(fmt::format("{} is the only column there is: a table or struct needs one", path));
    siblings.erase(field);
  });
  return ChangeSchema(base, std::move(next), base.last_column_id);
}

}  // namespace millrace::table
