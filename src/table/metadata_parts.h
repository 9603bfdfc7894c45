#pragma once

#include <map>
#include <string>
#include <vector>

#include "schema/json_object.h"
#include "table/metadata.h"

/// Parts of table metadata from JSON (Iceberg spec, appendix C), which metadata files, requests and answers of REST
/// catalogues share. Error kData naming the member that is wrong.
namespace millrace::table {

inline constexpr int32_t kFirstPartitionFieldId = 1000;

template <typename Item, typename Parse>
std::vector<Item> ParseList(const schema::JsonObject& object, const char* member, Parse parse) {
  std::vector<Item> items;
  const nlohmann::json* array = object.MaybeArray(member);
  if (array == nullptr) return items;
  items.reserve(array->size());
  for (size_t i = 0; i < array->size(); ++i)
    items.push_back(parse(schema::JsonObject((*array)[i], object.PathOf(member, i))));
  return items;
}

/// An object whose members are all strings; empty when it is absent.
std::map<std::string, std::string> ParseStrings(const schema::JsonObject& object, const char* member);
/// A list of partition fields; ids that are left out (format v1) count from 1000.
std::vector<PartitionField> ParsePartitionFields(const schema::JsonObject& object, const char* member);

/// Whether a field of that schema or schemas, at any depth, has a default value (format v3). Types nest no deeper here
/// than SchemaFromJson has let them.
bool HasDefault(const nlohmann::json& type);
/// A schema that somebody sends to be kept. Error kData for default values, which would be lost.
schema::Schema SchemaToKeep(const nlohmann::json& schema);

PartitionSpec SpecFromJson(const schema::JsonObject& object);
SortOrder SortOrderFromJson(const schema::JsonObject& object);
Snapshot SnapshotFromJson(const schema::JsonObject& object);
SnapshotRef RefFromJson(const schema::JsonObject& object);

/// ParseMetadata of JSON that is parsed already.
TableMetadata MetadataFromJson(const nlohmann::json& document);

}  // namespace millrace::table
