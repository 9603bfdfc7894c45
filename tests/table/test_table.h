#pragma once

#include <fmt/format.h>
#include <gtest/gtest.h>

#include <chrono>
#include <memory>
#include <nlohmann/json.hpp>
#include <string>
#include <utility>
#include <vector>

#include "io/local_object_store.h"
#include "judge/python.h"
#include "table/partition.h"
#include "table/snapshot_builder.h"
#include "table/table_change.h"
#include "table/update.h"

namespace millrace::table {

/// A table on the local disk without a catalogue: commits are applied here, and each leaves a metadata file that other
/// implementations open. Its columns are those of the Parquet files that tests/judge/table.py makes.
class TestTable {
 public:
  TestTable() : store_(io::LocalObjectStore::Open(folder_.path())) {
    schema::Schema schema;
    const auto add = [&](const char* name, const char* type, bool required) {
      schema.fields.push_back({.name = name, .type = schema::ParseType(type), .required = required});
    };
    add("id", "long", true);
    add("kind", "string", false);
    add("at", "timestamptz", false);
    add("value", "double", false);
    metadata_.last_column_id = schema::AssignIds(schema, 0);
    metadata_.table_uuid = "6a0c6d4a-6f34-4d5c-9d0b-9c1f5b0a7e11";
    metadata_.location = store_->UriOf("t");
    metadata_.partition_specs = {ParsePartitionSpec({"kind", "day(at)"}, schema)};
    metadata_.last_partition_id = 1001;
    metadata_.schemas = {std::move(schema)};
    metadata_.sort_orders.emplace_back();
    metadata_.last_updated_ms = 1'700'000'000'000;
  }

  /// Real Parquet files of some rows each; file i has ids [i * rows, (i + 1) * rows), one kind and one day.
  std::vector<DataFile> Files(int count, int rows) const {
    const auto folder = (folder_.path() / "t").string();
    const auto made =
        nlohmann::json::parse(judge::Python("table.py", fmt::format("files {} {} {}", folder, count, rows)));
    std::vector<DataFile> files;
    for (const auto& one : made) {
      DataFile& file = files.emplace_back();
      file.file_path = one["path"];
      file.partition = {Value(one["kind"].get<std::string>()), Value(one["day"].get<int32_t>())};
      file.record_count = one["rows"];
      file.file_size_in_bytes = one["size"];
      const schema::PrimitiveType id = std::get<schema::PrimitiveType>(schema::ParseType("long"));
      file.lower_bounds[schema::FieldId(1)] = EncodeBound(id, Value(one["first"].get<int64_t>()));
      file.upper_bounds[schema::FieldId(1)] = EncodeBound(id, Value(one["last"].get<int64_t>()));
      file.value_counts[schema::FieldId(1)] = one["rows"];
      file.null_value_counts[schema::FieldId(1)] = 0;
    }
    return files;
  }

  /// Takes over the metadata that another implementation wrote, by the path or URI that it printed.
  void Adopt(const std::string& printed) {
    const size_t start = printed.find_first_not_of('/', printed.find('/')) - 1;
    metadata_ = ParseMetadata(judge::Slurp(printed.substr(start, printed.find('\n') - start)));
  }

  /// A file that nobody will open.
  static DataFile Phantom(int number) {
    DataFile file;
    file.file_path = fmt::format("file:///phantom/{}.parquet", number);
    file.partition = {Value(std::string("click")), Value(int32_t{18'809 + number % 30})};
    file.record_count = 1;
    file.file_size_in_bytes = 100;
    return file;
  }

  Timestamp Tick() {
    now_ += std::chrono::seconds(1);
    return now_;
  }
  Timestamp now() const { return now_; }

  SnapshotId Commit(SnapshotChange change) {
    SnapshotBuilder builder(*store_, std::move(change));
    const auto request = builder.Build(metadata_, Tick());
    Land(request.requirements, request.updates);
    return builder.snapshot_id();
  }
  SnapshotId Append(std::vector<DataFile> files) { return Commit({.added = std::move(files)}); }

  void Land(const std::vector<Requirement>& requirements, const std::vector<Update>& updates) {
    EXPECT_EQ(Unmet(requirements, &metadata_), std::nullopt);
    metadata_ = Apply(metadata_, updates, now_);
  }
  void Land(const TableChange& change) { Land(change.requirements, change.updates); }

  /// Writes the metadata as the next file and returns its path.
  std::string Publish() {
    const std::string key = fmt::format("t/metadata/{:05}-x.metadata.json", ++versions_);
    store_->PutIfAbsent(key, PrintMetadata(metadata_));
    return folder_.File(key);
  }

  /// What pyiceberg and DuckDB find; DuckDB reads no manifests packed with zstd.
  nlohmann::json Inspect(const std::string& only = {}) {
    return nlohmann::json::parse(judge::Python("table.py", "inspect " + Publish() + " " + only));
  }

  io::LocalObjectStore& store() { return *store_; }
  TableMetadata& metadata() { return metadata_; }
  const judge::Folder& folder() const { return folder_; }

  std::vector<std::string> Keys(const std::string& prefix) {
    std::vector<std::string> keys;
    store_->List(prefix, "", [&](const io::ObjectInfo& object) {
      keys.push_back(object.key);
      return true;
    });
    return keys;
  }

 private:
  const judge::Folder folder_;
  std::unique_ptr<io::LocalObjectStore> store_;
  TableMetadata metadata_;
  Timestamp now_{std::chrono::milliseconds(1'700'000'000'000)};
  int versions_ = 0;
};

inline const Summary& SummaryOf(const TableMetadata& metadata) { return metadata.current_snapshot()->summary; }

}  // namespace millrace::table
