#include "land/position_deletes.h"

#include <arrow/api.h>
#include <fmt/format.h>

#include <algorithm>
#include <utility>

#include "base/error.h"
#include "base/fault.h"
#include "land/arrow_status.h"
#include "land/data_path.h"
#include "land/deleted_rows.h"
#include "land/drop_file.h"
#include "land/file_metrics.h"
#include "land/parquet_file.h"
#include "table/delete_files.h"
#include "table/deletion_vector.h"
#include "table/live_files.h"
#include "table/puffin_file.h"

namespace millrace::land {
namespace {

constexpr int64_t kRowGroupRows = int64_t{1} << 17;
constexpr int kZstdLevel = 1;

schema::Schema Columns() {
  schema::Schema columns;
  columns.fields = {
      {.id = table::kDeletedPathField, .name = "file_path", .type = schema::ParseType("string"), .required = true},
      {.id = table::kDeletedPositionField, .name = "pos", .type = schema::ParseType("long"), .required = true}};
  return columns;
}

void SortOnce(std::vector<int64_t>& positions) {
  std::ranges::sort(positions);
  positions.erase(std::ranges::unique(positions).begin(), positions.end());
}

/// One delete file while it is written.
class DeleteFile {
 public:
  DeleteFile(io::ObjectStore& store, std::string key)
      : columns_(schema::ToArrow(Columns())), file_(store, std::move(key), columns_, kZstdLevel, encodings_) {}

  void Add(const std::string& path, int64_t position) {
    Check(paths_.Append(path), "deleted rows");
    Check(positions_.Append(position), "deleted rows");
    if (positions_.length() == kRowGroupRows) WriteRowGroup();
  }

  WrittenParquet Close() {
    if (positions_.length() > 0) WriteRowGroup();
    return std::move(file_).Close();
  }

 private:
  void WriteRowGroup() {
    const auto paths = ValueOf(paths_.Finish(), "deleted rows");
    const auto positions = ValueOf(positions_.Finish(), "deleted rows");
    file_.WriteRowGroup(*arrow::Table::Make(columns_, {paths, positions}));
  }

  std::shared_ptr<arrow::Schema> columns_;
  ChosenEncodings encodings_;
  ParquetFile file_;
  arrow::StringBuilder paths_;
  arrow::Int64Builder positions_;
};

}  // namespace

void PositionDeletes::Add(const table::DataFile& of, int64_t position) {
  partitions_[table::PartitionOf(of)][of.file_path].push_back(position);
}

std::set<std::string> PositionDeletes::AddFormer(io::ObjectStore& store, const table::TableMetadata& metadata) {
  std::set<std::string> replaced;
  const auto* head = metadata.current_snapshot();
  if (head == nullptr) return replaced;
  const auto deletes = [](const table::ManifestFile& file) { return file.content == table::ManifestContent::kDeletes; };
  table::ForEachLiveFile(store, metadata, *head, deletes, [&](table::ManifestEntry entry) {
    const auto& former = entry.file;
    if (former.content != table::FileContent::kPositionDeletes) return;
    const auto partition = partitions_.find(table::PartitionOf(former));
    if (partition == partitions_.end()) return;
    auto& files = partition->second;
    const auto of = table::DataFileOf(former);
    if (of && !files.contains(std::string(*of))) return;
    ForEachDeletedPosition(store, former, [&](std::string_view path, int64_t position) {
      if (const auto found = files.find(std::string(path)); found != files.end()) found->second.push_back(position);
    });
    if (of) replaced.insert(table::NameOf(former));
  });
  return replaced;
}

std::vector<table::DataFile> PositionDeletes::WriteVectors(io::ObjectStore& store, const table::TableMetadata& metadata,
                                                           const std::string& name) {
  const std::string key = DataPrefix(store, metadata) + name + "-deletes.puffin";
  table::PuffinFile puffin;
  std::vector<table::DataFile> made;
  for (auto& [partition, files] : partitions_) {
    for (auto& [path, positions] : files) {
      SortOnce(positions);
      table::DataFile vector;
      vector.content = table::FileContent::kPositionDeletes;
      vector.file_path = store.UriOf(key);
      vector.file_format = "PUFFIN";
      vector.spec_id = partition.spec_id;
      vector.partition = partition.values;
      vector.record_count = static_cast<int64_t>(positions.size());
      vector.referenced_data_file = path;
      const auto blob = puffin.AddDeletionVector(table::EncodeDeletionVector(positions), path, vector.record_count);
      vector.content_offset = blob.offset;
      vector.content_size_in_bytes = blob.size;
      made.push_back(std::move(vector));
    }
  }
  const std::string bytes = std::move(puffin).Finish();
  for (auto& vector : made) vector.file_size_in_bytes = static_cast<int64_t>(bytes.size());
  FaultPoint("land.before_position_deletes");
  if (store.PutIfAbsent(key, bytes) != io::PutOutcome::kCreated) {
    throw Error(ErrorCode::kInternal, key + " exists already, although its name is fresh");
  }
  FaultPoint("land.after_position_deletes");
  return made;
}

std::vector<table::DataFile> PositionDeletes::Write(io::ObjectStore& store, const table::TableMetadata& metadata,
                                                    const std::string& name, Granularity granularity) {
  if (metadata.format_version > 2) return WriteVectors(store, metadata, name);
  static const schema::Schema kColumns = Columns();
  // Readers find the data file by its whole path in the bounds.
  const MetricsConfig whole({{"write.metadata.metrics.default", "full"}}, kColumns);
  std::vector<table::DataFile> made;
  const auto write = [&](const table::PartitionKey& partition, OfPartition::iterator first,
                         OfPartition::iterator last) {
    const auto key = DataKey(store, metadata, partition.spec_id, partition.values,
                             fmt::format("{}-deletes-{:05}.parquet", name, made.size() + 1));
    DeleteFile file(store, key);
    for (auto of = first; of != last; ++of) {
      auto& positions = of->second;
      SortOnce(positions);
      for (const int64_t position : positions) file.Add(of->first, position);
    }
    FaultPoint("land.before_position_deletes");
    table::DataFile deletes = Measure(file.Close(), kColumns, whole);
    FaultPoint("land.after_position_deletes");
    deletes.content = table::FileContent::kPositionDeletes;
    deletes.file_path = store.UriOf(key);
    deletes.spec_id = partition.spec_id;
    deletes.partition = partition.values;
    if (std::next(first) == last) deletes.referenced_data_file = first->first;
    made.push_back(std::move(deletes));
  };
  try {
    for (auto& [partition, files] : partitions_) {
      if (granularity == Granularity::kPartition) {
        write(partition, files.begin(), files.end());
        continue;
      }
      for (auto file = files.begin(); file != files.end(); ++file) write(partition, file, std::next(file));
    }
  } catch (...) {
    for (const auto& file : made) DropFile(store, file.file_path);
    throw;
  }
  return made;
}

}  // namespace millrace::land
