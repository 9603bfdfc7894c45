#include <fmt/format.h>

#include <algorithm>

#include "base/error.h"
#include "table/avro_file.h"
#include "table/manifest.h"
#include "table/manifest_schema.h"
#include "table/manifest_values.h"
#include "table/partition_type.h"
#include "table/read_object.h"

namespace millrace::table {
namespace {

namespace id = manifest_field;
constexpr int kNoId = -1;

[[noreturn]] void Wrong(std::string_view what) {
  throw Error(ErrorCode::kData, fmt::format("it is damaged: {}", what));
}

template <typename Enum>
Enum ReadEnum(AvroDecoder& in, const AvroType& type, Enum last, const char* what) {
  const int32_t value = in.Int32(type);
  if (value < 0 || value > static_cast<int32_t>(last)) Wrong(fmt::format("{} {} is not known", what, value));
  return static_cast<Enum>(value);
}

/// A map with integer keys is an array of pairs in Avro.
template <typename Mapped, typename ReadValue>
std::map<schema::FieldId, Mapped> ReadIntMap(AvroDecoder& in, const AvroType& type, ReadValue&& read_value) {
  std::map<schema::FieldId, Mapped> map;
  in.Items(type, [&](const AvroType& pair) {
    std::optional<schema::FieldId> key;
    std::optional<Mapped> value;
    for (const AvroField& member : pair.fields) {
      const AvroType* resolved = in.Resolve(*member.type);
      if (resolved == nullptr) continue;
      if (member.name == "key") {
        key = schema::FieldId(in.Int32(*resolved));
      } else if (member.name == "value") {
        value = Mapped(read_value(*resolved));
      } else {
        in.Skip(*resolved);
      }
    }
    if (key && value) map.emplace_hint(map.end(), *key, *std::move(value));
  });
  return map;
}

/// Reads the entries of one manifest, field by field as its writer ordered them.
class EntryReader {
 public:
  EntryReader(const AvroType& root, const PartitionSpec& spec, std::vector<PartitionTypeField> partition)
      : root_(root), spec_id_(spec.spec_id), partition_(std::move(partition)) {
    if (root_.kind != AvroType::Kind::kRecord) Wrong("its Avro schema is no record");
  }

  ManifestEntry Read(AvroDecoder& in) const {
    ManifestEntry entry;
    bool has_file = false;
    for (const AvroField& field : root_.fields) {
      const AvroType* type = in.Resolve(*field.type);
      if (type == nullptr) continue;
      switch (field.id.value_or(kNoId)) {
        case id::kStatus:
          entry.status = ReadEnum(in, *type, EntryStatus::kDeleted, "the entry status");
          break;
        case id::kSnapshotId:
          entry.snapshot_id = SnapshotId(in.Integer(*type));
          break;
        case id::kSequenceNumber:
          entry.sequence_number = SequenceNumber(in.Integer(*type));
          break;
        case id::kFileSequenceNumber:
          entry.file_sequence_number = SequenceNumber(in.Integer(*type));
          break;
        case id::kDataFile:
          entry.file = ReadFile(in, *type);
          has_file = true;
          break;
        default:
          in.Skip(*type);
      }
    }
    if (!has_file) Wrong("an entry has no data file; its Avro schema may lack field ids");
    return entry;
  }

 private:
  DataFile ReadFile(AvroDecoder& in, const AvroType& record) const {
    if (record.kind != AvroType::Kind::kRecord) Wrong("a data file is no record");
    DataFile file;
    file.spec_id = spec_id_;
    file.partition.resize(partition_.size());
    for (const AvroField& field : record.fields) {
      if (const AvroType* type = in.Resolve(*field.type)) ReadMember(in, field.id.value_or(kNoId), *type, file);
    }
    if (file.file_path.empty()) Wrong("a data file has no path");
    if (file.record_count < 0 || file.file_size_in_bytes < 0) Wrong("a data file has a negative count or size");
    return file;
  }

  void ReadMember(AvroDecoder& in, int field_id, const AvroType& type, DataFile& file) const {
    const auto integer = [&](const AvroType& value) { return in.Integer(value); };
    const auto bytes = [&](const AvroType& value) { return std::string(in.ByteString(value)); };
    switch (field_id) {
      case id::kContent:
        file.content = ReadEnum(in, type, FileContent::kEqualityDeletes, "the file content");
        return;
      case id::kFilePath:
        file.file_path = in.ByteString(type);
        return;
      case id::kFileFormat:
        file.file_format = in.ByteString(type);
        return;
      case id::kPartition:
        return ReadPartition(in, type, file);
      case id::kRecordCount:
        file.record_count = in.Integer(type);
        return;
      case id::kFileSize:
        file.file_size_in_bytes = in.Integer(type);
        return;
      case id::kColumnSizes:
        file.column_sizes = ReadIntMap<int64_t>(in, type, integer);
        return;
      case id::kValueCounts:
        file.value_counts = ReadIntMap<int64_t>(in, type, integer);
        return;
      case id::kNullValueCounts:
        file.null_value_counts = ReadIntMap<int64_t>(in, type, integer);
        return;
      case id::kNanValueCounts:
        file.nan_value_counts = ReadIntMap<int64_t>(in, type, integer);
        return;
      case id::kLowerBounds:
        file.lower_bounds = ReadIntMap<std::string>(in, type, bytes);
        return;
      case id::kUpperBounds:
        file.upper_bounds = ReadIntMap<std::string>(in, type, bytes);
        return;
      case id::kKeyMetadata:
        file.key_metadata = in.ByteString(type);
        return;
      case id::kSplitOffsets:
        in.Items(type, [&](const AvroType& item) { file.split_offsets.push_back(in.Integer(item)); });
        return;
      case id::kEqualityIds:
        in.Items(type, [&](const AvroType& item) { file.equality_ids.emplace_back(in.Int32(item)); });
        return;
      case id::kSortOrderId:
        file.sort_order_id = in.Int32(type);
        return;
      case id::kReferencedDataFile:
        file.referenced_data_file = in.ByteString(type);
        return;
      case id::kFirstRowId:
        file.first_row_id = in.Integer(type);
        return;
      case id::kContentOffset:
        file.content_offset = in.Integer(type);
        return;
      case id::kContentSize:
        file.content_size_in_bytes = in.Integer(type);
        return;
      default:
        in.Skip(type);
    }
  }

  void ReadPartition(AvroDecoder& in, const AvroType& record, DataFile& file) const {
    if (record.kind != AvroType::Kind::kRecord) Wrong("a partition is no record");
    for (const AvroField& field : record.fields) {
      const AvroType* type = in.Resolve(*field.type);
      if (type == nullptr) continue;
      const auto known = std::find_if(partition_.begin(), partition_.end(), [&](const PartitionTypeField& candidate) {
        return candidate.field_id == field.id.value_or(kNoId);
      });
      if (known == partition_.end() || !known->source_known) {
        in.Skip(*type);
      } else {
        file.partition[static_cast<size_t>(known - partition_.begin())] = ReadPartitionValue(in, *type, known->type);
      }
    }
  }

  const AvroType& root_;
  const int32_t spec_id_;
  const std::vector<PartitionTypeField> partition_;
};

/// Iceberg spec, "Sequence Number Inheritance". In a v1 list the manifest's number is 0, and so is each file's.
void Inherit(ManifestEntry& entry, const ManifestFile& manifest) {
  if (!entry.snapshot_id) entry.snapshot_id = manifest.added_snapshot_id;
  const bool inherits = entry.status == EntryStatus::kAdded || manifest.sequence_number.value() == 0;
  if (!entry.sequence_number) {
    if (!inherits) Wrong("an entry that was not added by it has no sequence number");
    entry.sequence_number = manifest.sequence_number;
  }
  if (!entry.file_sequence_number && inherits) entry.file_sequence_number = manifest.sequence_number;
}

/// Iceberg spec, "First Row ID Inheritance": files without an id of their own get one after the other, from the
/// manifest's on. In a manifest that has none, as before an upgrade to v3, they stay without.
class RowIds {
 public:
  explicit RowIds(const ManifestFile& manifest)
      : next_(manifest.content == ManifestContent::kData ? manifest.first_row_id : std::nullopt) {}

  void Inherit(ManifestEntry& entry) {
    if (!next_ || entry.file.first_row_id || entry.status == EntryStatus::kDeleted) return;
    entry.file.first_row_id = next_;
    if (entry.file.record_count > INT64_MAX - *next_) Wrong("its row ids are larger than any number");
    *next_ += entry.file.record_count;
  }

 private:
  std::optional<int64_t> next_;
};

}  // namespace

void ForEachEntry(io::ObjectStore& store, const TableMetadata& metadata, const ManifestFile& manifest,
                  const std::function<void(ManifestEntry)>& visit) {
  WithContext("manifest " + manifest.manifest_path, [&] {
    const PartitionSpec& spec = SpecOf(metadata, manifest.partition_spec_id);
    const AvroFileReader file(ReadObject(store, manifest.manifest_path));
    const EntryReader reader(file.schema().root(), spec, PartitionTypeOf(metadata, spec));
    RowIds row_ids(manifest);
    file.ForEachRecord([&](AvroDecoder& decoder) {
      ManifestEntry entry = reader.Read(decoder);
      Inherit(entry, manifest);
      row_ids.Inherit(entry);
      visit(std::move(entry));
    });
  });
}

std::vector<ManifestEntry> ReadManifest(io::ObjectStore& store, const TableMetadata& metadata,
                                        const ManifestFile& manifest) {
  std::vector<ManifestEntry> entries;
  ForEachEntry(store, metadata, manifest, [&](ManifestEntry entry) { entries.push_back(std::move(entry)); });
  return entries;
}

}  // namespace millrace::table
