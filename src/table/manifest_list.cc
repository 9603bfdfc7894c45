#include "table/manifest_list.h"

#include <fmt/format.h>

#include "base/error.h"
#include "table/avro_file.h"
#include "table/manifest_schema.h"
#include "table/read_object.h"

namespace millrace::table {
namespace {

namespace id = manifest_list_field;
constexpr int kNoId = -1;

[[noreturn]] void Wrong(std::string_view what) {
  throw Error(ErrorCode::kData, fmt::format("it is damaged: {}", what));
}

FieldSummary ReadSummary(AvroDecoder& in, const AvroType& record) {
  if (record.kind != AvroType::Kind::kRecord) Wrong("a partition summary is no record");
  FieldSummary summary;
  for (const AvroField& field : record.fields) {
    const AvroType* type = in.Resolve(*field.type);
    if (type == nullptr) continue;
    switch (field.id.value_or(kNoId)) {
      case id::kContainsNull:
        summary.contains_null = in.Boolean(*type);
        break;
      case id::kContainsNan:
        summary.contains_nan = in.Boolean(*type);
        break;
      case id::kLowerBound:
        summary.lower_bound = in.ByteString(*type);
        break;
      case id::kUpperBound:
        summary.upper_bound = in.ByteString(*type);
        break;
      default:
        in.Skip(*type);
    }
  }
  return summary;
}

void ReadMember(AvroDecoder& in, int field_id, const AvroType& type, ManifestFile& manifest) {
  switch (field_id) {
    case id::kPath:
      manifest.manifest_path = in.ByteString(type);
      return;
    case id::kLength:
      manifest.manifest_length = in.Integer(type);
      return;
    case id::kSpecId:
      manifest.partition_spec_id = in.Int32(type);
      return;
    case id::kContent: {
      const int32_t content = in.Int32(type);
      if (content != 0 && content != 1) Wrong(fmt::format("the manifest content {} is not known", content));
      manifest.content = static_cast<ManifestContent>(content);
      return;
    }
    case id::kSequenceNumber:
      manifest.sequence_number = SequenceNumber(in.Integer(type));
      return;
    case id::kMinSequenceNumber:
      manifest.min_sequence_number = SequenceNumber(in.Integer(type));
      return;
    case id::kAddedSnapshotId:
      manifest.added_snapshot_id = SnapshotId(in.Integer(type));
      return;
    case id::kAddedFiles:
      manifest.added_files_count = in.Int32(type);
      return;
    case id::kExistingFiles:
      manifest.existing_files_count = in.Int32(type);
      return;
    case id::kDeletedFiles:
      manifest.deleted_files_count = in.Int32(type);
      return;
    case id::kAddedRows:
      manifest.added_rows_count = in.Integer(type);
      return;
    case id::kExistingRows:
      manifest.existing_rows_count = in.Integer(type);
      return;
    case id::kDeletedRows:
      manifest.deleted_rows_count = in.Integer(type);
      return;
    case id::kPartitions:
      in.Items(type, [&](const AvroType& item) { manifest.partitions.push_back(ReadSummary(in, item)); });
      return;
    case id::kKeyMetadata:
      manifest.key_metadata = in.ByteString(type);
      return;
    case id::kFirstRowId:
      manifest.first_row_id = in.Integer(type);
      return;
    default:
      in.Skip(type);
  }
}

ManifestFile ReadManifestFile(AvroDecoder& in, const AvroType& root) {
  if (root.kind != AvroType::Kind::kRecord) Wrong("its Avro schema is no record");
  ManifestFile manifest;
  manifest.added_files_count = manifest.existing_files_count = manifest.deleted_files_count = kUnknownCount;
  manifest.added_rows_count = manifest.existing_rows_count = manifest.deleted_rows_count = kUnknownCount;
  for (const AvroField& field : root.fields) {
    if (const AvroType* type = in.Resolve(*field.type)) ReadMember(in, field.id.value_or(kNoId), *type, manifest);
  }
  if (manifest.manifest_path.empty()) Wrong("a manifest has no path; its Avro schema may lack field ids");
  return manifest;
}

void WriteOptional(AvroEncoder& out, const std::optional<std::string>& value) {
  out.Long(value ? 1 : 0);
  if (value) out.Bytes(*value);
}

void WriteSummaries(AvroEncoder& out, const std::vector<FieldSummary>& summaries) {
  out.Long(1);
  if (!summaries.empty()) {
    out.Long(static_cast<int64_t>(summaries.size()));
    for (const FieldSummary& summary : summaries) {
      out.Boolean(summary.contains_null);
      out.Long(summary.contains_nan ? 1 : 0);
      if (summary.contains_nan) out.Boolean(*summary.contains_nan);
      WriteOptional(out, summary.lower_bound);
      WriteOptional(out, summary.upper_bound);
    }
  }
  out.Long(0);
}

/// In the order of ManifestListSchemaJson.
void WriteManifestFile(AvroEncoder& out, const ManifestFile& manifest, int32_t format_version) {
  out.Bytes(manifest.manifest_path);
  out.Long(manifest.manifest_length);
  out.Long(manifest.partition_spec_id);
  out.Long(static_cast<int64_t>(manifest.content));
  out.Long(manifest.sequence_number.value());
  out.Long(manifest.min_sequence_number.value());
  out.Long(manifest.added_snapshot_id.value());
  out.Long(manifest.added_files_count);
  out.Long(manifest.existing_files_count);
  out.Long(manifest.deleted_files_count);
  out.Long(manifest.added_rows_count);
  out.Long(manifest.existing_rows_count);
  out.Long(manifest.deleted_rows_count);
  WriteSummaries(out, manifest.partitions);
  WriteOptional(out, manifest.key_metadata);
  if (format_version < 3) return;
  out.Long(manifest.first_row_id ? 1 : 0);
  if (manifest.first_row_id) out.Long(*manifest.first_row_id);
}

}  // namespace

std::vector<ManifestFile> ReadManifestList(io::ObjectStore& store, const Snapshot& snapshot) {
  return WithContext("manifest list " + snapshot.manifest_list, [&] {
    const AvroFileReader file(ReadObject(store, snapshot.manifest_list));
    std::vector<ManifestFile> manifests;
    file.ForEachRecord(
        [&](AvroDecoder& decoder) { manifests.push_back(ReadManifestFile(decoder, file.schema().root())); });
    return manifests;
  });
}

std::string EncodeManifestList(const Snapshot& snapshot, const std::vector<ManifestFile>& manifests, Random& random) {
  const auto& parent = snapshot.parent_snapshot_id;
  const int32_t format_version = snapshot.first_row_id ? 3 : 2;
  AvroMetadata header = {{"format-version", std::to_string(format_version)},
                         {"snapshot-id", std::to_string(snapshot.snapshot_id.value())},
                         {"parent-snapshot-id", parent ? std::to_string(parent->value()) : "null"},
                         {"sequence-number", std::to_string(snapshot.sequence_number.value())}};
  if (snapshot.first_row_id) header.emplace("first-row-id", std::to_string(*snapshot.first_row_id));
  AvroFileWriter writer(ManifestListSchemaJson(format_version), std::move(header), random);
  AvroEncoder encoder;
  for (const ManifestFile& manifest : manifests) {
    encoder.Clear();
    WriteManifestFile(encoder, manifest, format_version);
    writer.Append(encoder);
  }
  return std::move(writer).Finish();
}

}  // namespace millrace::table
