#include "table/manifest_writer.h"

#include <fmt/format.h>

#include <cmath>
#include <nlohmann/json.hpp>

#include "base/error.h"
#include "table/manifest_schema.h"
#include "table/manifest_values.h"

namespace millrace::table {
namespace {

void WriteOptional(AvroEncoder& out, const std::optional<SequenceNumber>& number) {
  out.Long(number ? 1 : 0);
  if (number) out.Long(number->value());
}

void WriteOptional(AvroEncoder& out, const std::optional<int64_t>& number) {
  out.Long(number ? 1 : 0);
  if (number) out.Long(*number);
}

void WriteOptional(AvroEncoder& out, const std::optional<std::string>& text) {
  out.Long(text ? 1 : 0);
  if (text) out.Bytes(*text);
}

/// An empty map is written as such, not as null: pyiceberg's table of entries has no way to show a null.
template <typename Mapped, typename WriteValue>
void WriteIntMap(AvroEncoder& out, const std::map<schema::FieldId, Mapped>& map, WriteValue&& write_value) {
  out.Long(1);
  if (!map.empty()) {
    out.Long(static_cast<int64_t>(map.size()));
    for (const auto& [key, value] : map) {
      out.Long(key.value());
      write_value(value);
    }
  }
  out.Long(0);
}

template <typename Item, typename ToLong>
void WriteList(AvroEncoder& out, const std::vector<Item>& list, ToLong&& to_long) {
  out.Long(list.empty() ? 0 : 1);
  if (list.empty()) return;
  out.Long(static_cast<int64_t>(list.size()));
  for (const Item& item : list) out.Long(to_long(item));
  out.Long(0);
}

/// In the order of ManifestEntrySchemaJson.
void WriteFile(AvroEncoder& out, const ManifestEntry& entry, const std::vector<PartitionTypeField>& partition,
               int32_t format_version) {
  const DataFile& file = entry.file;
  const auto number = [&](int64_t value) { out.Long(value); };
  const auto bytes = [&](const std::string& value) { out.Bytes(value); };
  out.Long(static_cast<int64_t>(file.content));
  out.Bytes(file.file_path);
  out.Bytes(file.file_format);
  for (size_t i = 0; i < partition.size(); ++i) {
    out.Long(file.partition[i] ? 1 : 0);
    if (file.partition[i]) WritePartitionValue(out, partition[i].type, *file.partition[i]);
  }
  out.Long(file.record_count);
  out.Long(file.file_size_in_bytes);
  WriteIntMap(out, file.column_sizes, number);
  WriteIntMap(out, file.value_counts, number);
  WriteIntMap(out, file.null_value_counts, number);
  WriteIntMap(out, file.nan_value_counts, number);
  WriteIntMap(out, file.lower_bounds, bytes);
  WriteIntMap(out, file.upper_bounds, bytes);
  WriteOptional(out, file.key_metadata);
  WriteList(out, file.split_offsets, [](int64_t offset) { return offset; });
  WriteList(out, file.equality_ids, [](schema::FieldId field) { return field.value(); });
  out.Long(file.sort_order_id ? 1 : 0);
  if (file.sort_order_id) out.Long(*file.sort_order_id);
  WriteOptional(out, file.referenced_data_file);
  if (format_version < 3) return;
  // Of what is added the id is not known before its commit has landed: it is inherited.
  const bool inherits = entry.status == EntryStatus::kAdded || file.content != FileContent::kData;
  WriteOptional(out, inherits ? std::nullopt : file.first_row_id);
  WriteOptional(out, file.content_offset);
  WriteOptional(out, file.content_size_in_bytes);
}

bool IsNan(const Value& value) {
  if (const auto* number = std::get_if<float>(&value)) return std::isnan(*number);
  if (const auto* number = std::get_if<double>(&value)) return std::isnan(*number);
  return false;
}

}  // namespace

ManifestWriter::ManifestWriter(CommitObjects& objects, Random& random, Options options)
    : objects_(objects), random_(random), options_(std::move(options)) {
  const PartitionSpec& spec = SpecOf(options_.metadata, options_.spec_id);
  partition_ = PartitionTypeOf(options_.metadata, spec);
  schema_json_ = ManifestEntrySchemaJson(partition_, options_.metadata.format_version);
  const schema::Schema& schema = options_.metadata.schema();
  header_ = {{"schema", schema::ToJson(schema).dump()},
             {"schema-id", std::to_string(schema.schema_id)},
             {"partition-spec", ToJson(spec).at("fields").dump()},
             {"partition-spec-id", std::to_string(spec.spec_id)},
             {"format-version", std::to_string(options_.metadata.format_version)},
             {"content", options_.content == ManifestContent::kData ? "data" : "deletes"}};
}

void ManifestWriter::Add(const ManifestEntry& entry) {
  const bool added = entry.status == EntryStatus::kAdded;
  if (entry.file.partition.size() != partition_.size()) {
    throw Error(ErrorCode::kInternal,
                fmt::format("{} has {} partition values, its spec {} has {}", entry.file.file_path,
                            entry.file.partition.size(), options_.spec_id, partition_.size()));
  }
  if (!added && (!entry.sequence_number || !entry.snapshot_id)) {
    throw Error(ErrorCode::kInternal,
                fmt::format("{} is carried over without its sequence number", entry.file.file_path));
  }
  if (!writer_) Open();
  encoder_.Clear();
  encoder_.Long(static_cast<int64_t>(entry.status));
  encoder_.Long(1);
  encoder_.Long((entry.snapshot_id ? *entry.snapshot_id : options_.added_by).value());
  WriteOptional(encoder_, entry.sequence_number);
  WriteOptional(encoder_, added ? std::nullopt : entry.file_sequence_number);
  WriteFile(encoder_, entry, partition_, options_.metadata.format_version);
  writer_->Append(encoder_);
  Count(entry);
  Widen(entry.file);
  if (writer_->bytes_written() >= options_.bytes_target) Close();
}

void ManifestWriter::Open() {
  writer_.emplace(schema_json_, header_, random_);
  current_ = ManifestFile();
  current_.partition_spec_id = options_.spec_id;
  current_.content = options_.content;
  current_.sequence_number = kUnassignedSequence;
  current_.min_sequence_number = kUnassignedSequence;
  current_.added_snapshot_id = options_.added_by;
  ranges_.assign(partition_.size(), FieldRange());
  for (FieldRange& range : ranges_) range.summary.contains_nan = false;
}

void ManifestWriter::Count(const ManifestEntry& entry) {
  switch (entry.status) {
    case EntryStatus::kAdded:
      ++current_.added_files_count;
      current_.added_rows_count += entry.file.record_count;
      return Age(entry);
    case EntryStatus::kExisting:
      ++current_.existing_files_count;
      current_.existing_rows_count += entry.file.record_count;
      return Age(entry);
    case EntryStatus::kDeleted:
      ++current_.deleted_files_count;
      current_.deleted_rows_count += entry.file.record_count;
      return;
  }
}

/// What inherits its number is never older than what has one.
void ManifestWriter::Age(const ManifestEntry& entry) {
  if (!entry.sequence_number) return;
  if (current_.min_sequence_number == kUnassignedSequence || *entry.sequence_number < current_.min_sequence_number) {
    current_.min_sequence_number = *entry.sequence_number;
  }
}

void ManifestWriter::Widen(const DataFile& file) {
  for (size_t i = 0; i < ranges_.size(); ++i) {
    FieldRange& range = ranges_[i];
    const std::optional<Value>& value = file.partition[i];
    if (!value) {
      range.summary.contains_null = true;
    } else if (IsNan(*value)) {
      range.summary.contains_nan = true;
    } else {
      if (!range.lower || Compare(*value, *range.lower) < 0) range.lower = value;
      if (!range.upper || Compare(*value, *range.upper) > 0) range.upper = value;
    }
  }
}

void ManifestWriter::Close() {
  const std::string bytes = std::move(*writer_).Finish();
  writer_.reset();
  current_.manifest_path = options_.next_uri();
  current_.manifest_length = static_cast<int64_t>(bytes.size());
  for (size_t i = 0; i < ranges_.size(); ++i) {
    FieldRange& range = ranges_[i];
    if (range.lower) range.summary.lower_bound = EncodeBound(partition_[i].type, *range.lower);
    if (range.upper) range.summary.upper_bound = EncodeBound(partition_[i].type, *range.upper);
    current_.partitions.push_back(std::move(range.summary));
  }
  objects_.Put(current_.manifest_path, bytes, "manifest");
  written_.push_back(std::move(current_));
}

std::vector<ManifestFile> ManifestWriter::Finish() && {
  if (writer_) Close();
  return std::move(written_);
}

}  // namespace millrace::table
