#include "schema/schema.h"

#include <fmt/format.h>

#include <algorithm>

#include "base/error.h"
#include "schema/primitive_name.h"

namespace millrace::schema {
namespace {

/// Ids above are metadata columns (Iceberg spec, "Reserved Field IDs").
constexpr int32_t kHighestFieldId = 2147483447;

/// The fields directly inside a type: struct members, the list element, map key and value.
template <typename Visit>
void ForEachChild(const Type& type, Visit visit) {
  if (const auto* structure = std::get_if<StructType>(&type)) {
    for (const Field& field : structure->fields) visit(field);
  } else if (const auto* list = std::get_if<ListType>(&type)) {
    visit(*list->element);
  } else if (const auto* map = std::get_if<MapType>(&type)) {
    visit(*map->key);
    visit(*map->value);
  }
}

/// Depth first over a field and all inside it; `visit` returns true to stop.
template <typename Visit>
bool Walk(const Field& field, Visit& visit) {
  if (visit(field)) return true;
  bool stopped = false;
  ForEachChild(field.type, [&](const Field& child) { stopped = stopped || Walk(child, visit); });
  return stopped;
}

template <typename Visit>
bool Walk(const std::vector<Field>& fields, Visit visit) {
  return std::any_of(fields.begin(), fields.end(), [&](const Field& field) { return Walk(field, visit); });
}

/// Names may hold dots, so each field is tried against the start of the path.
const Field* FindAt(const Field& field, std::string_view path) {
  if (path == field.name) return &field;
  if (path.size() <= field.name.size() || !path.starts_with(field.name) || path[field.name.size()] != '.')
    return nullptr;
  const Field* found = nullptr;
  ForEachChild(field.type, [&](const Field& child) {
    if (found == nullptr) found = FindAt(child, path.substr(field.name.size() + 1));
  });
  return found;
}

bool PathTo(const Field& field, FieldId id, std::string& path) {
  const size_t before = path.size();
  if (!path.empty()) path += '.';
  path += field.name;
  if (field.id == id) return true;
  bool found = false;
  ForEachChild(field.type, [&](const Field& child) { found = found || PathTo(child, id, path); });
  if (!found) path.resize(before);
  return found;
}

/// Gives ids in Java's order (TypeUtil.assignFreshIds): all siblings, then what is inside each.
class IdGiver {
 public:
  explicit IdGiver(int32_t last) : last_(last) {}

  void Give(std::vector<Field>& fields) {
    for (Field& field : fields) Give(field);
    for (Field& field : fields) Descend(field.type);
  }
  int32_t last() const { return last_; }

 private:
  void Give(Field& field) {
    if (field.id != kUnassigned) return;
    if (last_ >= kHighestFieldId) {
      throw Error(ErrorCode::kStop, "the table has used up its column ids; copy it into a new table");
    }
    field.id = FieldId(++last_);
  }

  void Descend(Type& type) {
    if (auto* structure = std::get_if<StructType>(&type)) {
      Give(structure->fields);
    } else if (auto* list = std::get_if<ListType>(&type)) {
      Field element = *list->element;
      Give(element);
      Descend(element.type);
      list->element = std::make_shared<const Field>(std::move(element));
    } else if (auto* map = std::get_if<MapType>(&type)) {
      Field key = *map->key;
      Field value = *map->value;
      Give(key);
      Give(value);
      Descend(key.type);
      Descend(value.type);
      map->key = std::make_shared<const Field>(std::move(key));
      map->value = std::make_shared<const Field>(std::move(value));
    }
  }

  int32_t last_;
};

}  // namespace

bool operator==(const StructType& left, const StructType& right) { return left.fields == right.fields; }
bool operator==(const ListType& left, const ListType& right) { return *left.element == *right.element; }
bool operator==(const MapType& left, const MapType& right) {
  return *left.key == *right.key && *left.value == *right.value;
}

const Field* Schema::Find(std::string_view path) const {
  for (const Field& field : fields) {
    if (const Field* found = FindAt(field, path)) return found;
  }
  return nullptr;
}

const Field* Schema::Find(FieldId id) const {
  const Field* found = nullptr;
  Walk(fields, [&](const Field& field) {
    if (field.id == id) found = &field;
    return found != nullptr;
  });
  return found;
}

std::string Schema::PathOf(FieldId id) const {
  std::string path;
  for (const Field& field : fields) {
    if (PathTo(field, id, path)) return path;
  }
  return {};
}

FieldId Schema::highest_id() const {
  FieldId highest = kUnassigned;
  Walk(fields, [&](const Field& field) {
    highest = std::max(highest, field.id);
    return false;
  });
  return highest;
}

bool SameColumns(const Schema& left, const Schema& right) {
  auto left_keys = left.identifier_field_ids;
  auto right_keys = right.identifier_field_ids;
  std::sort(left_keys.begin(), left_keys.end());
  std::sort(right_keys.begin(), right_keys.end());
  return left.fields == right.fields && left_keys == right_keys;
}

std::string ToString(const Type& type) {
  if (const auto* primitive = std::get_if<PrimitiveType>(&type)) {
    if (primitive->kind == Primitive::kDecimal) {
      return fmt::format("decimal({}, {})", primitive->precision, primitive->scale);
    }
    if (primitive->kind == Primitive::kFixed) return fmt::format("fixed[{}]", primitive->length);
    return std::string(NameOf(primitive->kind));
  }
  if (const auto* list = std::get_if<ListType>(&type)) return "list<" + ToString(list->element->type) + ">";
  if (const auto* map = std::get_if<MapType>(&type)) {
    return "map<" + ToString(map->key->type) + ", " + ToString(map->value->type) + ">";
  }
  std::string text = "struct<";
  for (const Field& field : std::get<StructType>(type).fields) {
    if (text.size() > 7) text += ", ";
    text += field.name + ": " + ToString(field.type);
  }
  return text + ">";
}

int32_t AssignIds(Schema& schema, int32_t last_column_id) {
  IdGiver giver(std::max(last_column_id, schema.highest_id().value()));
  giver.Give(schema.fields);
  return giver.last();
}

}  // namespace millrace::schema
