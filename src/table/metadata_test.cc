#include "table/metadata.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <zlib.h>

#include <nlohmann/json.hpp>
#include <sstream>

#include "base/error.h"
#include "io/local_object_store.h"
#include "judge/python.h"
#include "table/metadata_file.h"

namespace millrace::table {
namespace {

using nlohmann::json;
using testing::HasSubstr;
using testing::ThrowsMessage;

json Minimal() {
  return json::parse(
      R"({"format-version": 2, "table-uuid": "9c12d441-03fe-4693-9a96-a0705ddf69c1", "location": "file:///w/t",
    "last-sequence-number": 3, "last-updated-ms": 1602638573590, "last-column-id": 2,
    "schemas": [{"type": "struct", "schema-id": 0, "fields": [{"id": 1, "name": "x", "required": true, "type": "long"},
                                                               {"id": 2, "name": "y", "required": false, "type": "string"}]}],
    "current-schema-id": 0, "partition-specs": [{"spec-id": 0, "fields": []}], "default-spec-id": 0, "last-partition-id": 999,
    "sort-orders": [{"order-id": 0, "fields": []}], "default-sort-order-id": 0,
    "snapshots": [{"snapshot-id": 5, "sequence-number": 3, "timestamp-ms": 1602638573590, "manifest-list": "file:///w/t/l.avro",
                   "summary": {"operation": "append"}}],
    "current-snapshot-id": 5})");
}

TableMetadata ParseWith(const char* member, json value) {
  json document = Minimal();
  document[member] = std::move(value);
  return ParseMetadata(document.dump());
}

TEST(MetadataTest, WhatPyicebergWritesComesBackEqual) {
  const judge::Folder folder;
  std::istringstream files(judge::Python("metadata.py", "write " + folder.path().string()));
  int count = 0;
  for (std::string file; std::getline(files, file); ++count) {
    const std::string text = judge::Slurp(file);
    EXPECT_EQ(json::parse(PrintMetadata(ParseMetadata(text))), json::parse(text)) << file;
  }
  EXPECT_GE(count, 9);
}

TEST(MetadataTest, PyicebergReadsWhatIsPrinted) {
  const judge::Folder folder;
  json document = Minimal();
  document["statistics"] = json::array({{{"snapshot-id", 5},
                                         {"statistics-path", "file:///w/t/s.puffin"},
                                         {"file-size-in-bytes", 10},
                                         {"file-footer-size-in-bytes", 4},
                                         {"blob-metadata", json::array()}}});
  const std::string printed = PrintMetadata(ParseMetadata(document.dump()));
  judge::Spill(folder.File("m.json"), printed);
  const json seen = json::parse(judge::Python("metadata.py", "check " + folder.File("m.json")));
  json expected = json::parse(printed);
  expected["partition-statistics"] = json::array();  // pyiceberg writes this list even when it is empty
  EXPECT_EQ(seen, expected);
  EXPECT_EQ(seen["statistics"].size(), 1U);
}

TEST(MetadataTest, AMissingMainIsMadeFromTheCurrentSnapshot) {
  const TableMetadata metadata = ParseMetadata(Minimal().dump());
  EXPECT_EQ(metadata.refs.at("main").snapshot_id, SnapshotId(5));
  EXPECT_EQ(metadata.current_snapshot()->manifest_list, "file:///w/t/l.avro");
}

TEST(MetadataTest, MinusOneMeansNoCurrentSnapshot) {
  json document = Minimal();
  document["current-snapshot-id"] = -1;
  document["snapshots"] = json::array();
  const TableMetadata metadata = ParseMetadata(document.dump());
  EXPECT_EQ(metadata.current_snapshot_id, std::nullopt);
  EXPECT_EQ(metadata.current_snapshot(), nullptr);
  EXPECT_FALSE(json::parse(PrintMetadata(metadata)).contains("current-snapshot-id"));
}

/// The example of the Iceberg spec's v1 form: one schema, one spec without ids, no sequence numbers.
TEST(MetadataTest, VersionOneIsUpgraded) {
  const TableMetadata metadata =
      ParseMetadata(R"({"format-version": 1, "table-uuid": "d20125c8-7284-442c-9aea-15fee620737c",
    "location": "s3://bucket/test/location", "last-updated-ms": 1602638573874, "last-column-id": 3,
    "schema": {"type": "struct", "fields": [{"id": 1, "name": "x", "required": true, "type": "long"},
      {"id": 2, "name": "y", "required": true, "type": "long"}, {"id": 3, "name": "z", "required": true, "type": "long"}]},
    "partition-spec": [{"name": "x", "transform": "identity", "source-id": 1}, {"name": "y_bucket", "transform": "bucket[4]", "source-id": 2}],
    "properties": {}, "current-snapshot-id": -1, "snapshots": []})");
  EXPECT_EQ(metadata.format_version, 2);
  EXPECT_EQ(metadata.spec().fields[1].field_id, 1001);
  EXPECT_EQ(metadata.last_partition_id, 1001);
  EXPECT_EQ(metadata.last_sequence_number, 0);
  EXPECT_EQ(metadata.sort_orders.size(), 1U);
  const judge::Folder folder;
  judge::Spill(folder.File("m.json"), PrintMetadata(metadata));
  EXPECT_EQ(json::parse(judge::Python("metadata.py", "check " + folder.File("m.json")))["format-version"], 2);
}

TEST(MetadataTest, VersionThreeIsReadAndWrittenUnlessItHasWhatWouldBeLost) {
  TableMetadata metadata = ParseWith("format-version", 3);
  EXPECT_EQ(metadata.schema().fields.size(), 2U);
  EXPECT_EQ(metadata.next_row_id, 0) << "drafts of it had none";
  metadata.next_row_id = 77;
  const json printed = json::parse(PrintMetadata(metadata));
  EXPECT_EQ(printed["next-row-id"], 77);
  EXPECT_EQ(ParseMetadata(printed.dump()).next_row_id, 77);
  EXPECT_EQ(printed["format-version"], 3);
  EXPECT_FALSE(json::parse(PrintMetadata(ParseWith("format-version", 2))).contains("next-row-id"));
  EXPECT_THROW(ParseWith("format-version", 4), Error);

  const auto refused = [&](json document, const char* words) {
    const TableMetadata other = ParseMetadata(document.dump());
    EXPECT_EQ(other.schema().fields.size(), 2U) << "it is read";
    EXPECT_THAT([&] { PrintMetadata(other); }, ThrowsMessage<Error>(HasSubstr(words)));
  };
  json defaults = printed;
  defaults["schemas"][0]["fields"][1]["write-default"] = 5;
  refused(defaults, "default values of columns");
  json keys = printed;
  keys["encryption-keys"] = {{{"key-id", "k"}, {"encrypted-key-metadata", "AA=="}}};
  refused(keys, "encryption keys");
}

TEST(MetadataTest, ErrorsNameTheMember) {
  const auto fails = [](const char* member, json value, const char* words) {
    EXPECT_THAT([&] { ParseWith(member, std::move(value)); }, ThrowsMessage<Error>(HasSubstr(words))) << member;
  };
  fails("table-uuid", nullptr, "table-uuid is missing");
  fails("last-column-id", "3", "last-column-id is not a whole number");
  fails("last-column-id", 5'000'000'000, "last-column-id is beyond 32 bits");
  fails("current-schema-id", 7, "current-schema-id 7 names no schema");
  fails("default-spec-id", 7, "default-spec-id 7 names no partition spec");
  fails("default-sort-order-id", 7, "default-sort-order-id names no sort order");
  fails("current-snapshot-id", 7, "refs.main names snapshot 7");
  fails("snapshots", json::array({3}), "snapshots[0] is not a JSON object");
  fails("snapshots", json::array({{{"snapshot-id", 1}, {"timestamp-ms", 1}, {"manifests", json::array()}}}), "inline");
  fails(
      "schemas",
      json::array({{{"type", "struct"},
                    {"fields", json::array({{{"id", 1}, {"name", "g"}, {"required", false}, {"type", "geometry"}}})}}}),
      "type 'geometry'");
  fails("properties", {{"a", 1}}, "properties.a is not a string");
  fails("refs", {{"main", {{"snapshot-id", 5}, {"type", "twig"}}}}, "neither branch nor tag");
  EXPECT_THAT([] { ParseMetadata("{\"a\": "); }, ThrowsMessage<Error>(HasSubstr("stops being JSON at byte")));
  EXPECT_THAT([] { ParseMetadata("[]"); }, ThrowsMessage<Error>(HasSubstr("not a JSON object")));
}

std::string Gzip(const std::string& bytes) {
  z_stream stream{};
  deflateInit2(&stream, Z_BEST_SPEED, Z_DEFLATED, 31, 8, Z_DEFAULT_STRATEGY);
  std::string packed(deflateBound(&stream, bytes.size()), '\0');
  stream.next_in = reinterpret_cast<Bytef*>(const_cast<char*>(bytes.data()));
  stream.avail_in = static_cast<uInt>(bytes.size());
  stream.next_out = reinterpret_cast<Bytef*>(packed.data());
  stream.avail_out = static_cast<uInt>(packed.size());
  deflate(&stream, Z_FINISH);
  packed.resize(stream.total_out);
  deflateEnd(&stream);
  return packed;
}

TEST(MetadataFileTest, ReadsPlainAndPackedAndRefusesWhatIsOutside) {
  const judge::Folder folder;
  const auto opened = io::LocalObjectStore::Open(folder.path());
  io::ObjectStore& store = *opened;
  store.PutIfAbsent("t/metadata/1.metadata.json", Minimal().dump());
  store.PutIfAbsent("t/metadata/1.gz.metadata.json", Gzip(Minimal().dump()));
  EXPECT_EQ(ReadMetadataFile(store, store.UriOf("t/metadata/1.metadata.json")).last_column_id, 2);
  EXPECT_EQ(ReadMetadataFile(store, store.UriOf("t/metadata/1.gz.metadata.json")).last_column_id, 2);
  EXPECT_THAT([&] { ReadMetadataFile(store, store.UriOf("t") + "/../../x.json"); },
              ThrowsMessage<Error>(HasSubstr("outside the warehouse")));
  EXPECT_THAT([&] { ReadMetadataFile(store, store.UriOf("no")); }, ThrowsMessage<Error>(HasSubstr("is gone")));
}

TEST(MetadataFileTest, APackedBombAndACutFileAreErrors) {
  const std::string packed = Gzip(std::string(1 << 20, ' '));
  EXPECT_EQ(Gunzip(packed, 1 << 20).size(), size_t{1} << 20);
  EXPECT_THAT([&] { Gunzip(packed, 1000); }, ThrowsMessage<Error>(HasSubstr("more than 1000 bytes")));
  EXPECT_THAT([&] { Gunzip(packed.substr(0, packed.size() / 2), 1 << 20); },
              ThrowsMessage<Error>(HasSubstr("cut off")));
}

}  // namespace
}  // namespace millrace::table
