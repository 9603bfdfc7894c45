#include "table/manifest.h"

#include <fmt/format.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <nlohmann/json.hpp>

#include "base/error.h"
#include "io/local_object_store.h"
#include "judge/python.h"
#include "table/manifest_list.h"
#include "table/manifest_writer.h"

namespace millrace::table {
namespace {

using nlohmann::json;
using schema::FieldId;
using testing::ElementsAre;
using testing::HasSubstr;

/// A column of every type that can be partitioned by, and a partition field for each, under names Avro does not allow.
struct Wide {
  Wide() {
    const std::vector<std::string> types = {"boolean",      "int",  "long",     "float",     "double",
                                            "decimal(9,2)", "date", "time",     "timestamp", "timestamptz",
                                            "string",       "uuid", "fixed[3]", "binary",    "decimal(9,2)"};
    schema::Schema schema;
    PartitionSpec spec;
    spec.spec_id = 3;
    for (size_t i = 0; i < types.size(); ++i) {
      const auto id = static_cast<int32_t>(i + 1);
      schema::Field field;
      field.id = FieldId(id);
      field.name = fmt::format("c{}", id);
      field.type = schema::ParseType(types[i]);
      schema.fields.push_back(field);
      spec.fields.push_back(
          {.source_id = field.id, .field_id = 1000 + static_cast<int32_t>(i), .name = types[i] + "!"});
    }
    spec.fields.back().name = "decimal again";
    Add(spec, 10, {Transform::Kind::kDay}, "day");
    Add(spec, 10, {Transform::Kind::kHour}, "hour");
    Add(spec, 7, {Transform::Kind::kMonth}, "month");
    Add(spec, 3, {Transform::Kind::kBucket, 16}, "bucket");
    Add(spec, 11, {Transform::Kind::kTruncate, 2}, "truncate");
    metadata.schemas = {schema};
    metadata.partition_specs = {PartitionSpec(), spec};
    metadata.location = "placeholder";
  }

  static void Add(PartitionSpec& spec, int32_t source, Transform transform, const char* name) {
    spec.fields.push_back({.source_id = FieldId(source),
                           .field_id = 1000 + static_cast<int32_t>(spec.fields.size()),
                           .name = name,
                           .transform = transform});
  }

  /// Value number `i` of each field; what pyiceberg prints of it is in kPrinted.
  static std::vector<std::optional<Value>> Partition(int i) {
    return {
        Value(i % 2 == 0),
        Value(int32_t{i}),
        Value(int64_t{i} << 40),
        Value(static_cast<float>(i) / 4),
        Value(static_cast<double>(i) / 8),
        Value(Decimal{-12'345 + i}),
        Value(int32_t{18'829 + i}),
        Value(int64_t{1'000'000} * i),
        Value(int64_t{1'626'847'200'000'000} + i),
        Value(int64_t{1'626'847'200'000'000} + i),
        Value(fmt::format("text {}", i)),
        Value(std::string("\x12\x34\x56\x78\x9a\xbc\x4d\xef\x80\x12\x34\x56\x78\x9a\xbc", 15) + static_cast<char>(i)),
        Value(std::string("ab") + static_cast<char>('0' + i)),
        Value(std::string("\0\xff", 2)),
        Value(Decimal{i}),
        Value(int32_t{18'829}),
        Value(int32_t{451'902}),
        Value(int32_t{618}),
        Value(int32_t{7}),
        Value(std::string("te"))};
  }

  TableMetadata metadata;
};

ManifestEntry EntryOf(int i, EntryStatus status) {
  ManifestEntry entry;
  entry.status = status;
  entry.snapshot_id = SnapshotId(100 + i);
  if (status != EntryStatus::kAdded) {
    entry.sequence_number = SequenceNumber(5 + i);
    entry.file_sequence_number = SequenceNumber(6 + i);
  }
  DataFile& file = entry.file;
  file.file_path = fmt::format("file:///lake/t/data/f{}.parquet", i);
  file.spec_id = 3;
  file.partition = Wide::Partition(i);
  file.record_count = 10 + i;
  file.file_size_in_bytes = 1000 + i;
  file.column_sizes = {{FieldId(1), 11}, {FieldId(2), 22}};
  file.value_counts = {{FieldId(1), 10}, {FieldId(2), 10}};
  file.null_value_counts = {{FieldId(2), 1}};
  file.nan_value_counts = {{FieldId(4), 2}};
  file.lower_bounds = {{FieldId(2), std::string("\1\0\0\0", 4)}};
  file.upper_bounds = {{FieldId(2), std::string("\x7f\0\0\0", 4)}};
  file.split_offsets = {4, 500};
  file.sort_order_id = 1;
  return entry;
}

void ExpectSame(const ManifestEntry& left, const ManifestEntry& right) {
  EXPECT_EQ(left.status, right.status);
  EXPECT_EQ(left.snapshot_id, right.snapshot_id);
  const DataFile& a = left.file;
  const DataFile& b = right.file;
  EXPECT_EQ(a.content, b.content);
  EXPECT_EQ(a.file_path, b.file_path);
  EXPECT_EQ(a.file_format, b.file_format);
  EXPECT_EQ(a.spec_id, b.spec_id);
  EXPECT_EQ(a.partition, b.partition);
  EXPECT_EQ(a.record_count, b.record_count);
  EXPECT_EQ(a.file_size_in_bytes, b.file_size_in_bytes);
  EXPECT_EQ(a.column_sizes, b.column_sizes);
  EXPECT_EQ(a.value_counts, b.value_counts);
  EXPECT_EQ(a.null_value_counts, b.null_value_counts);
  EXPECT_EQ(a.nan_value_counts, b.nan_value_counts);
  EXPECT_EQ(a.lower_bounds, b.lower_bounds);
  EXPECT_EQ(a.upper_bounds, b.upper_bounds);
  EXPECT_EQ(a.split_offsets, b.split_offsets);
  EXPECT_EQ(a.equality_ids, b.equality_ids);
  EXPECT_EQ(a.sort_order_id, b.sort_order_id);
  EXPECT_EQ(a.key_metadata, b.key_metadata);
  EXPECT_EQ(a.referenced_data_file, b.referenced_data_file);
}

class ManifestTest : public testing::Test {
 protected:
  ManifestTest() : store_(io::LocalObjectStore::Open(folder_.path())), objects_(*store_) {
    wide_.metadata.location = store_->UriOf("t");
  }

  ManifestWriter Writer(ManifestContent content = ManifestContent::kData, int64_t bytes_target = int64_t{8} << 20) {
    return ManifestWriter(objects_, random_,
                          {.metadata = wide_.metadata,
                           .spec_id = 3,
                           .content = content,
                           .added_by = SnapshotId(77),
                           .bytes_target = bytes_target,
                           .next_uri = [this] { return store_->UriOf(fmt::format("t/metadata/m{}.avro", named_++)); }});
  }

  Snapshot WriteList(std::vector<ManifestFile> manifests) {
    Snapshot snapshot;
    snapshot.snapshot_id = SnapshotId(77);
    snapshot.sequence_number = SequenceNumber(9);
    snapshot.manifest_list = store_->UriOf("t/metadata/snap.avro");
    for (ManifestFile& manifest : manifests) {
      manifest.sequence_number = snapshot.sequence_number;
      if (manifest.min_sequence_number == kUnassignedSequence) manifest.min_sequence_number = snapshot.sequence_number;
    }
    objects_.Put(snapshot.manifest_list, EncodeManifestList(snapshot, manifests, random_), "manifest_list");
    return snapshot;
  }

  const judge::Folder folder_;
  std::unique_ptr<io::LocalObjectStore> store_;
  CommitObjects objects_;
  Random random_{11};
  Wide wide_;
  int named_ = 0;
};

TEST_F(ManifestTest, PyicebergReadsEveryPartitionTypeAndField) {
  ManifestWriter writer = Writer();
  writer.Add(EntryOf(0, EntryStatus::kAdded));
  writer.Add(EntryOf(1, EntryStatus::kExisting));
  ManifestEntry deleted = EntryOf(2, EntryStatus::kDeleted);
  deleted.file.partition.assign(deleted.file.partition.size(), std::nullopt);
  writer.Add(deleted);
  const Snapshot snapshot = WriteList(std::move(writer).Finish());
  const json judged = json::parse(judge::Python("table.py", "manifests " + snapshot.manifest_list));

  EXPECT_EQ(judged["header"]["snapshot-id"], "77");
  EXPECT_EQ(judged["header"]["sequence-number"], "9");
  EXPECT_EQ(judged["header"]["parent-snapshot-id"], "null");
  ASSERT_EQ(judged["manifests"].size(), 1U);
  const json& manifest = judged["manifests"][0];
  EXPECT_EQ(manifest["length"], manifest["size"]);
  EXPECT_EQ(manifest["sequence"], json({9, 6}));
  EXPECT_EQ(manifest["counts"], json({1, 1, 1}));
  EXPECT_EQ(manifest["rows"], json({10, 11, 12}));
  EXPECT_EQ(manifest["header"]["content"], "data");
  EXPECT_EQ(manifest["header"]["format-version"], "2");
  EXPECT_EQ(manifest["header"]["partition-spec-id"], "3");
  EXPECT_EQ(manifest["header"]["schema-id"], "0");
  EXPECT_EQ(json::parse(manifest["header"]["schema"].get<std::string>())["fields"].size(), 15U);
  EXPECT_EQ(json::parse(manifest["header"]["partition-spec"].get<std::string>())[18]["transform"], "bucket[16]");

  const json& added = manifest["entries"][0];
  EXPECT_EQ(added["status"], 1);
  EXPECT_EQ(added["snapshot"], 100);
  EXPECT_EQ(added["sequence"], json({9, 9})) << "inherited";
  EXPECT_EQ(manifest["raw"][0]["sequence_number"], json()) << "null in the file";
  EXPECT_EQ(manifest["raw"][1]["sequence_number"], 6) << "explicit in the file";
  EXPECT_EQ(manifest["raw"][2]["file_sequence_number"], 8);
  EXPECT_EQ(added["partition"],
            json::parse(R"([true, 0, 0, 0.0, 0.0, "-123.45", 18829, 0, 1626847200000000, 1626847200000000, "text 0",
                            "12345678-9abc-4def-8012-3456789abc00", "616230", "00ff", "0.00", 18829, 451902, 618, 7, "te"])"));
  EXPECT_EQ(added["counts"], json({10, 1000}));
  EXPECT_EQ(added["column_sizes"], json::parse(R"({"1": 11, "2": 22})"));
  EXPECT_EQ(added["value_counts"], json::parse(R"({"1": 10, "2": 10})"));
  EXPECT_EQ(added["null_value_counts"], json::parse(R"({"2": 1})"));
  EXPECT_EQ(added["nan_value_counts"], json::parse(R"({"4": 2})"));
  EXPECT_EQ(added["lower_bounds"], json::parse(R"({"2": "01000000"})"));
  EXPECT_EQ(added["upper_bounds"], json::parse(R"({"2": "7f000000"})"));
  EXPECT_EQ(added["split_offsets"], json({4, 500}));
  EXPECT_EQ(added["equality_ids"], json());
  EXPECT_EQ(added["sort_order_id"], 1);
  EXPECT_EQ(manifest["entries"][1]["sequence"], json({6, 7}));
  EXPECT_EQ(manifest["entries"][2]["status"], 2);
  EXPECT_EQ(manifest["entries"][2]["partition"], json(std::vector<json>(20, json())));
  EXPECT_EQ(manifest["summaries"][1], json::parse(R"([true, false, "00000000", "01000000"])"));
  EXPECT_EQ(manifest["summaries"][5], json::parse(R"([true, false, "cfc7", "cfc8"])"))
      << "decimals have their own form";
}

TEST_F(ManifestTest, EntriesComeBackAsTheyWere) {
  ManifestWriter writer = Writer(ManifestContent::kDeletes);
  std::vector<ManifestEntry> entries = {EntryOf(0, EntryStatus::kAdded), EntryOf(3, EntryStatus::kExisting)};
  entries[0].file.content = FileContent::kEqualityDeletes;
  entries[0].file.equality_ids = {FieldId(1), FieldId(3)};
  entries[1].file.content = FileContent::kPositionDeletes;
  entries[1].file.referenced_data_file = "file:///lake/t/data/f0.parquet";
  entries[1].file.key_metadata = std::string("\0key", 4);
  for (const ManifestEntry& entry : entries) writer.Add(entry);
  const Snapshot snapshot = WriteList(std::move(writer).Finish());
  const std::vector<ManifestFile> manifests = ReadManifestList(*store_, snapshot);
  ASSERT_EQ(manifests.size(), 1U);
  EXPECT_EQ(manifests[0].content, ManifestContent::kDeletes);
  EXPECT_EQ(manifests[0].min_sequence_number, SequenceNumber(8));
  EXPECT_EQ(manifests[0].partitions[3].contains_nan, false);
  const std::vector<ManifestEntry> read = ReadManifest(*store_, wide_.metadata, manifests[0]);
  ASSERT_EQ(read.size(), 2U);
  for (size_t i = 0; i < read.size(); ++i) ExpectSame(read[i], entries[i]);
  EXPECT_EQ(read[0].sequence_number, SequenceNumber(9)) << "inherited";
  EXPECT_EQ(read[1].sequence_number, SequenceNumber(8));
}

TEST_F(ManifestTest, NanAndNullOfAPartitionAreSummarised) {
  ManifestWriter writer = Writer();
  ManifestEntry entry = EntryOf(1, EntryStatus::kAdded);
  entry.file.partition[3] = std::numeric_limits<float>::quiet_NaN();
  entry.file.partition[4] = std::nullopt;
  writer.Add(entry);
  writer.Add(EntryOf(2, EntryStatus::kAdded));
  const std::vector<ManifestFile> written = std::move(writer).Finish();
  EXPECT_EQ(written[0].partitions[3].contains_nan, true);
  EXPECT_FALSE(written[0].partitions[3].contains_null);
  EXPECT_EQ(written[0].partitions[3].lower_bound, written[0].partitions[3].upper_bound) << "NaN is no bound";
  EXPECT_TRUE(written[0].partitions[4].contains_null);
  EXPECT_EQ(written[0].partitions[4].contains_nan, false);
}

TEST_F(ManifestTest, ManyEntriesRollIntoSeveralManifests) {
  ManifestWriter writer = Writer(ManifestContent::kData, 20'000);
  for (int i = 0; i < 1000; ++i) writer.Add(EntryOf(i % 10, EntryStatus::kAdded));
  const std::vector<ManifestFile> written = std::move(writer).Finish();
  EXPECT_GT(written.size(), 1U);
  size_t read = 0;
  for (const ManifestFile& manifest : written) {
    read += ReadManifest(*store_, wide_.metadata, manifest).size();
    EXPECT_LT(manifest.manifest_length, 100'000);
  }
  EXPECT_EQ(read, 1000U);
}

TEST_F(ManifestTest, NoEntryMakesNoManifest) { EXPECT_TRUE(std::move(Writer()).Finish().empty()); }

TEST_F(ManifestTest, APromotedSourceReadsWhatWasWrittenBefore) {
  ManifestWriter writer = Writer();
  writer.Add(EntryOf(3, EntryStatus::kAdded));
  const std::vector<ManifestFile> written = std::move(writer).Finish();
  auto& fields = wide_.metadata.schemas[0].fields;
  fields[1].type = schema::ParseType("long");
  fields[3].type = schema::ParseType("double");
  fields[5].type = schema::ParseType("decimal(20,2)");
  const DataFile file = ReadManifest(*store_, wide_.metadata, written[0])[0].file;
  EXPECT_EQ(file.partition[1], Value(int64_t{3}));
  EXPECT_EQ(file.partition[3], Value(0.75));
  EXPECT_EQ(file.partition[5], Value(Decimal{-12'342}));
}

TEST_F(ManifestTest, ADamagedManifestIsAnErrorThatNamesIt) {
  ManifestWriter writer = Writer();
  writer.Add(EntryOf(0, EntryStatus::kAdded));
  ManifestFile manifest = std::move(writer).Finish()[0];
  const std::string whole = *store_->Get("t/metadata/m0.avro");
  for (size_t at = 0; at < whole.size(); at += 61) {
    std::string bytes = whole;
    bytes[at] = static_cast<char>(bytes[at] ^ 0x41);
    const std::string key = fmt::format("t/metadata/bad-{}.avro", at);
    store_->PutIfAbsent(key, bytes);
    manifest.manifest_path = store_->UriOf(key);
    try {
      ReadManifest(*store_, wide_.metadata, manifest);
    } catch (const Error& error) {
      ASSERT_EQ(error.code(), ErrorCode::kData) << error.what();
      ASSERT_THAT(error.what(), HasSubstr(key));
    }
  }
  manifest.manifest_path = store_->UriOf("t/metadata/none.avro");
  EXPECT_THAT([&] { ReadManifest(*store_, wide_.metadata, manifest); },
              testing::ThrowsMessage<Error>(HasSubstr("none.avro: it is missing")));
  manifest.manifest_path = "file:///elsewhere/m.avro";
  EXPECT_THAT([&] { ReadManifest(*store_, wide_.metadata, manifest); },
              testing::ThrowsMessage<Error>(HasSubstr("not below the warehouse")));
}

TEST_F(ManifestTest, AnEntryCarriedOverWithoutItsNumberIsRefused) {
  ManifestWriter writer = Writer();
  ManifestEntry entry = EntryOf(0, EntryStatus::kExisting);
  entry.sequence_number.reset();
  EXPECT_THROW(writer.Add(entry), Error);
}

}  // namespace
}  // namespace millrace::table
