#include "table/manifest_schema.h"

#include <fmt/format.h>

#include <nlohmann/json.hpp>
#include <set>

#include "table/manifest_values.h"

namespace millrace::table {
namespace {

using Json = nlohmann::ordered_json;

Json Required(std::string_view name, int id, Json type) {
  return {{"name", name}, {"type", std::move(type)}, {"field-id", id}};
}

Json Optional(std::string_view name, int id, Json type) {
  return {{"name", name}, {"type", Json::array({"null", std::move(type)})}, {"default", nullptr}, {"field-id", id}};
}

Json Record(std::string_view name, Json fields) {
  return {{"type", "record"}, {"name", name}, {"fields", std::move(fields)}};
}

/// A map with integer keys: an array of pairs, because Avro's maps have only text as keys.
Json IntMap(int key_id, int value_id, std::string_view value_type) {
  return {{"type", "array"},
          {"logicalType", "map"},
          {"items", Record(fmt::format("k{}_v{}", key_id, value_id),
                           Json::array({Required("key", key_id, "int"), Required("value", value_id, value_type)}))}};
}

Json List(int element_id, Json element) {
  return {{"type", "array"}, {"items", std::move(element)}, {"element-id", element_id}};
}

/// Fixed types have names, and a name may be defined once: the later one of a pair gets the field's id.
Json Fixed(std::string name, int size, int field_id, std::set<std::string>& names) {
  if (!names.insert(name).second) name += fmt::format("_{}", field_id);
  return {{"type", "fixed"}, {"name", name}, {"size", size}};
}

Json AvroTypeOf(const schema::PrimitiveType& type, int field_id, std::set<std::string>& names) {
  using schema::Primitive;
  switch (type.kind) {
    case Primitive::kBoolean:
      return "boolean";
    case Primitive::kInt:
      return "int";
    case Primitive::kLong:
      return "long";
    case Primitive::kFloat:
      return "float";
    case Primitive::kDouble:
      return "double";
    case Primitive::kDecimal: {
      Json json = Fixed(fmt::format("decimal_{}_{}", type.precision, type.scale), DecimalBytesOf(type.precision),
                        field_id, names);
      json.update({{"logicalType", "decimal"}, {"precision", type.precision}, {"scale", type.scale}});
      return json;
    }
    case Primitive::kDate:
      return {{"type", "int"}, {"logicalType", "date"}};
    case Primitive::kTime:
      return {{"type", "long"}, {"logicalType", "time-micros"}};
    case Primitive::kTimestamp:
      return {{"type", "long"}, {"logicalType", "timestamp-micros"}, {"adjust-to-utc", false}};
    case Primitive::kTimestamptz:
      return {{"type", "long"}, {"logicalType", "timestamp-micros"}, {"adjust-to-utc", true}};
    case Primitive::kString:
      return "string";
    case Primitive::kUuid: {
      Json json = Fixed("uuid_fixed", 16, field_id, names);
      json["logicalType"] = "uuid";
      return json;
    }
    case Primitive::kFixed:
      return Fixed(fmt::format("fixed_{}", type.length), type.length, field_id, names);
    case Primitive::kBinary:
      return "bytes";
  }
  return "bytes";
}

Json PartitionFields(const std::vector<PartitionTypeField>& partition) {
  Json fields = Json::array();
  std::set<std::string> names;
  std::set<std::string> type_names;
  for (const PartitionTypeField& field : partition) {
    std::string name = SanitizeAvroName(field.name);
    if (!names.insert(name).second) name += fmt::format("_{}", field.field_id);
    names.insert(name);
    Json json = Optional(name, field.field_id, AvroTypeOf(field.type, field.field_id, type_names));
    if (name != field.name) json["iceberg-field-name"] = field.name;
    fields.push_back(std::move(json));
  }
  return fields;
}

/// `partition` is the list of fields of the partition's record.
Json DataFileFields(const Json& partition, int32_t format_version) {
  namespace id = manifest_field;
  Json fields = Json::array({
      Required("content", id::kContent, "int"),
      Required("file_path", id::kFilePath, "string"),
      Required("file_format", id::kFileFormat, "string"),
      Required("partition", id::kPartition, Record("r102", partition)),
      Required("record_count", id::kRecordCount, "long"),
      Required("file_size_in_bytes", id::kFileSize, "long"),
      Optional("column_sizes", id::kColumnSizes, IntMap(117, 118, "long")),
      Optional("value_counts", id::kValueCounts, IntMap(119, 120, "long")),
      Optional("null_value_counts", id::kNullValueCounts, IntMap(121, 122, "long")),
      Optional("nan_value_counts", id::kNanValueCounts, IntMap(138, 139, "long")),
      Optional("lower_bounds", id::kLowerBounds, IntMap(126, 127, "bytes")),
      Optional("upper_bounds", id::kUpperBounds, IntMap(129, 130, "bytes")),
      Optional("key_metadata", id::kKeyMetadata, "bytes"),
      Optional("split_offsets", id::kSplitOffsets, List(133, "long")),
      Optional("equality_ids", id::kEqualityIds, List(136, "int")),
      Optional("sort_order_id", id::kSortOrderId, "int"),
      Optional("referenced_data_file", id::kReferencedDataFile, "string"),
  });
  if (format_version > 2) {
    fields.push_back(Optional("first_row_id", id::kFirstRowId, "long"));
    fields.push_back(Optional("content_offset", id::kContentOffset, "long"));
    fields.push_back(Optional("content_size_in_bytes", id::kContentSize, "long"));
  }
  return fields;
}

/// A schema of entries as text but for the partition's fields, which alone differ from table to table.
class EntrySchema {
 public:
  explicit EntrySchema(int32_t format_version) {
    namespace id = manifest_field;
    constexpr std::string_view kGap = "?";
    const Json file = Record("r2", DataFileFields(kGap, format_version));
    const auto text = Record("manifest_entry", Json::array({
                                                   Required("status", id::kStatus, "int"),
                                                   Optional("snapshot_id", id::kSnapshotId, "long"),
                                                   Optional("sequence_number", id::kSequenceNumber, "long"),
                                                   Optional("file_sequence_number", id::kFileSequenceNumber, "long"),
                                                   Required("data_file", id::kDataFile, file),
                                               }))
                          .dump();
    const auto gap = Json(kGap).dump();
    const size_t at = text.find(gap);
    before_ = text.substr(0, at);
    after_ = text.substr(at + gap.size());
  }

  std::string Of(const std::vector<PartitionTypeField>& partition) const {
    return before_ + PartitionFields(partition).dump() + after_;
  }

 private:
  std::string before_;
  std::string after_;
};

std::string PrintListSchema(int32_t format_version) {
  namespace id = manifest_list_field;
  const Json summary = Record("r508", Json::array({
                                          Required("contains_null", id::kContainsNull, "boolean"),
                                          Optional("contains_nan", id::kContainsNan, "boolean"),
                                          Optional("lower_bound", id::kLowerBound, "bytes"),
                                          Optional("upper_bound", id::kUpperBound, "bytes"),
                                      }));
  Json fields = Json::array({
      Required("manifest_path", id::kPath, "string"),
      Required("manifest_length", id::kLength, "long"),
      Required("partition_spec_id", id::kSpecId, "int"),
      Required("content", id::kContent, "int"),
      Required("sequence_number", id::kSequenceNumber, "long"),
      Required("min_sequence_number", id::kMinSequenceNumber, "long"),
      Required("added_snapshot_id", id::kAddedSnapshotId, "long"),
      Required("added_files_count", id::kAddedFiles, "int"),
      Required("existing_files_count", id::kExistingFiles, "int"),
      Required("deleted_files_count", id::kDeletedFiles, "int"),
      Required("added_rows_count", id::kAddedRows, "long"),
      Required("existing_rows_count", id::kExistingRows, "long"),
      Required("deleted_rows_count", id::kDeletedRows, "long"),
      Optional("partitions", id::kPartitions, List(508, summary)),
      Optional("key_metadata", id::kKeyMetadata, "bytes"),
  });
  if (format_version > 2) fields.push_back(Optional("first_row_id", id::kFirstRowId, "long"));
  return Record("manifest_file", std::move(fields)).dump();
}

/// The next code point of UTF-8 text, in UTF-16 units; a byte that is no UTF-8 stands for itself.
uint32_t NextCodePoint(std::string_view text, size_t& at) {
  const auto first = static_cast<uint8_t>(text[at++]);
  const int more = first >= 0xf0 ? 3 : first >= 0xe0 ? 2 : first >= 0xc0 ? 1 : 0;
  if (more == 0 || at + more > text.size()) return first;
  uint32_t point = first & (0x3fU >> more);
  for (int i = 0; i < more; ++i) point = (point << 6) | (static_cast<uint8_t>(text[at++]) & 0x3fU);
  return point;
}

void AppendEscaped(std::string& name, uint32_t point) {
  if (point > 0xffff) {
    name += fmt::format("_x{:X}_x{:X}", 0xd800 + ((point - 0x10000) >> 10), 0xdc00 + ((point - 0x10000) & 0x3ff));
  } else {
    name += fmt::format("_x{:X}", point);
  }
}

}  // namespace

std::string ManifestEntrySchemaJson(const std::vector<PartitionTypeField>& partition, int32_t format_version) {
  static const EntrySchema second(2);
  static const EntrySchema third(3);
  return (format_version > 2 ? third : second).Of(partition);
}

std::string ManifestListSchemaJson(int32_t format_version) {
  static const std::string second = PrintListSchema(2);
  static const std::string third = PrintListSchema(3);
  return format_version > 2 ? third : second;
}

std::string SanitizeAvroName(std::string_view name) {
  std::string sanitized;
  for (size_t at = 0; at < name.size();) {
    const bool first = at == 0;
    const uint32_t point = NextCodePoint(name, at);
    const bool letter = (point >= 'a' && point <= 'z') || (point >= 'A' && point <= 'Z') || point == '_';
    const bool digit = point >= '0' && point <= '9';
    if (digit && first) sanitized.push_back('_');
    if (letter || digit) {
      sanitized.push_back(static_cast<char>(point));
    } else {
      AppendEscaped(sanitized, point);
    }
  }
  return sanitized.empty() ? "_" : sanitized;
}

}  // namespace millrace::table
