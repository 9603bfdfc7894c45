// Any bytes, as a manifest or a manifest list: they are read or refused as damaged data, in bounded time and memory,
// and what was read survives being written and read again.
//
// First byte: 0 the rest is the object; 1 the rest is one block of a manifest of ours; 2 of a manifest list of ours.
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <map>
#include <string>

#include "base/error.h"
#include "table/avro_file.h"
#include "table/manifest.h"
#include "table/manifest_schema.h"
#include "table/manifest_writer.h"

namespace {

using namespace millrace;
using namespace millrace::table;

constexpr const char* kUri = "memory://object";

void Require(bool holds, const char* what) {
  if (holds) return;
  std::fprintf(stderr, "%s\n", what);
  std::abort();
}

/// Objects in a map, under their URIs.
class MemoryStore final : public io::ObjectStore {
 public:
  io::PutOutcome PutIfAbsent(const std::string& key, std::string_view bytes) override {
    return objects_.emplace(key, bytes).second ? io::PutOutcome::kCreated : io::PutOutcome::kExists;
  }
  std::optional<std::string> Get(const std::string& key) override {
    const auto found = objects_.find(key);
    return found == objects_.end() ? std::nullopt : std::optional(found->second);
  }
  void Delete(const std::string& key) override { objects_.erase(key); }
  std::string UriOf(const std::string& key) const override { return key; }
  std::optional<std::string> KeyOf(std::string_view uri) const override { return std::string(uri); }

  std::unique_ptr<io::ObjectWriter> OpenWriter(const std::string&) override { std::abort(); }
  std::optional<int64_t> Size(const std::string&) override { std::abort(); }
  std::string GetRange(const std::string&, int64_t, int64_t) override { std::abort(); }
  void List(const std::string&, const std::string&, const std::function<bool(const io::ObjectInfo&)>&) override {
    std::abort();
  }

 private:
  std::map<std::string, std::string> objects_;
};

/// A partition field of each kind of value.
TableMetadata Metadata() {
  TableMetadata metadata;
  metadata.location = "memory://t";
  schema::Schema schema;
  PartitionSpec spec;
  for (const char* type : {"boolean", "int", "long", "float", "double", "decimal(9,2)", "string", "uuid", "fixed[3]"}) {
    const auto id = static_cast<int32_t>(schema.fields.size() + 1);
    schema.fields.push_back({.id = schema::FieldId(id), .name = type, .type = schema::ParseType(type)});
    spec.fields.push_back({.source_id = schema::FieldId(id), .field_id = 999 + id, .name = type});
  }
  metadata.schemas = {schema};
  metadata.partition_specs = {spec};
  return metadata;
}

std::string Container(const std::string& schema, std::string_view block) {
  AvroEncoder out;
  out.Fixed(std::string_view("Obj\1", 4));
  out.Long(1);
  out.Bytes("avro.schema");
  out.Bytes(schema);
  out.Long(0);
  out.Fixed("0123456789abcdef");
  if (!block.empty()) {
    out.Long(static_cast<uint8_t>(block.front()) % 8);
    out.Bytes(block.substr(1));
    out.Fixed("0123456789abcdef");
  }
  return std::string(out.bytes());
}

void CheckRewritten(MemoryStore& store, const TableMetadata& metadata, const std::vector<ManifestEntry>& entries) {
  Random random(1);
  CommitObjects objects(store);
  ManifestWriter writer(objects, random,
                        {.metadata = metadata, .added_by = SnapshotId(1), .next_uri = [] { return "memory://again"; }});
  for (ManifestEntry entry : entries) {
    if (entry.status == EntryStatus::kAdded) entry.status = EntryStatus::kExisting;
    writer.Add(entry);
  }
  const std::vector<ManifestFile> written = std::move(writer).Finish();
  Require(written.size() == (entries.empty() ? 0 : 1), "one manifest");
  if (written.empty()) return;
  const std::vector<ManifestEntry> again = ReadManifest(store, metadata, written.front());
  Require(again.size() == entries.size(), "as many entries");
  for (size_t i = 0; i < again.size(); ++i) {
    const DataFile& a = again[i].file;
    const DataFile& b = entries[i].file;
    Require(again[i].sequence_number == entries[i].sequence_number, "the same sequence number");
    Require(a.file_path == b.file_path && a.record_count == b.record_count, "the same file");
    Require(a.lower_bounds == b.lower_bounds && a.value_counts == b.value_counts, "the same metrics");
    Require(a.split_offsets == b.split_offsets && a.key_metadata == b.key_metadata, "the same rest");
    for (size_t p = 0; p < a.partition.size(); ++p) {
      Require(a.partition[p].has_value() == b.partition[p].has_value(), "the same nulls");
    }
  }
}

/// Errors of data are the right answer to most inputs; any other is a defect.
template <typename Body>
void Tolerate(Body&& body) {
  try {
    body();
  } catch (const Error& error) {
    Require(error.code() == ErrorCode::kData, error.what());
  }
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  static const TableMetadata kMetadata = Metadata();
  static const std::string kEntrySchema =
      ManifestEntrySchemaJson(PartitionTypeOf(kMetadata, kMetadata.partition_specs.front()), 3);
  static const std::string kListSchema = ManifestListSchemaJson(3);
  if (size == 0) return 0;
  const std::string_view rest(reinterpret_cast<const char*>(data) + 1, size - 1);
  const int mode = data[0] % 3;
  MemoryStore store;
  store.PutIfAbsent(kUri, mode == 0 ? std::string(rest) : Container(mode == 1 ? kEntrySchema : kListSchema, rest));

  Snapshot snapshot;
  snapshot.manifest_list = kUri;
  ManifestFile manifest;
  manifest.manifest_path = kUri;
  manifest.sequence_number = SequenceNumber(3);
  if (mode != 1) Tolerate([&] { ReadManifestList(store, snapshot); });
  std::vector<ManifestEntry> entries;
  bool read = false;
  Tolerate([&] {
    entries = ReadManifest(store, kMetadata, manifest);
    read = true;
  });
  if (read) Tolerate([&] { CheckRewritten(store, kMetadata, entries); });
  return 0;
}
