#include "land/remaining_rows.h"

#include <arrow/api.h>
#include <arrow/compute/api.h>

#include <algorithm>
#include <utility>

#include "land/arrow_compute.h"
#include "land/arrow_status.h"
#include "table/live_files.h"

namespace millrace::land {

SnapshotFiles::SnapshotFiles(io::ObjectStore& store, std::shared_ptr<const table::TableMetadata> metadata)
    : store_(store), metadata_(std::move(metadata)), deletes_(*metadata_) {
  const auto* head = metadata_->current_snapshot();
  if (head == nullptr) return;
  table::ForEachLiveFile(store_, *metadata_, *head, {}, [&](const table::ManifestEntry& entry) {
    table::DatedFile file{.file = entry.file, .sequence = entry.sequence_number.value_or(table::SequenceNumber(0))};
    if (file.file.content == table::FileContent::kData) {
      data_.push_back(std::move(file));
    } else {
      deletes_.Add(std::move(file));
    }
  });
}

std::set<std::string> SnapshotFiles::paths() const {
  std::set<std::string> paths;
  for (const auto& file : data_) paths.insert(file.file.file_path);
  return paths;
}

std::set<std::string> SnapshotFiles::delete_paths() const {
  std::set<std::string> paths;
  for (const auto& file : deletes_.files()) paths.insert(table::NameOf(file.file));
  return paths;
}

DeletedRows SnapshotFiles::DeletedOf(const table::DatedFile& file) const {
  if (deletes_.empty()) return {};
  return {store_, *metadata_, deletes_, {file}};
}

RemainingRows::RemainingRows(io::ObjectStore& store, const SnapshotFiles& files, const table::DatedFile& file,
                             std::shared_ptr<arrow::Schema> columns)
    : path_(file.file.file_path), deleted_(files.DeletedOf(file)), rows_(store, path_, std::move(columns)) {
  StartCompute();
}

std::shared_ptr<arrow::RecordBatch> RemainingRows::Next() {
  auto batch = rows_.Next();
  if (!batch) return nullptr;
  const int64_t first = std::exchange(position_, position_ + batch->num_rows());
  const auto& deleted = deleted_.Of(path_);
  auto gone = std::ranges::lower_bound(deleted, first);
  if (gone == deleted.end() || *gone >= position_) return batch;
  arrow::Int64Builder kept;
  for (int64_t row = first; row < position_; ++row) {
    if (gone != deleted.end() && *gone == row) {
      ++gone;
    } else {
      Check(kept.Append(row - first), "rows that remain");
    }
  }
  return ValueOf(arrow::compute::Take(batch, arrow::Datum(ValueOf(kept.Finish(), "rows that remain"))),
                 "rows that remain")
      .record_batch();
}

}  // namespace millrace::land
