#include "refine/maintenance/rewrite_group.h"

#include <arrow/api.h>
#include <arrow/compute/initialize.h>
#include <arrow/util/byte_size.h>

#include <algorithm>
#include <memory>
#include <mutex>
#include <optional>
#include <utility>

#include "base/error.h"
#include "land/arrow_status.h"
#include "land/data_file_rows.h"
#include "land/file_metrics.h"
#include "land/parquet_file.h"
#include "land/row_order.h"
#include "table/partition_type.h"

namespace millrace::refine {
namespace {

constexpr int64_t kStretchBytesMin = int64_t{8} << 20;
constexpr int64_t kStretchBytesMax = int64_t{512} << 20;
/// Of the budget; the rest is landing's.
constexpr int64_t kShareOfBudget = 4;
/// What opening a file and decoding its first batch takes before it is measured.
constexpr int64_t kFirstBytes = int64_t{1} << 20;

void InitializeCompute() {
  static std::once_flag once;
  std::call_once(once, [] { land::Check(arrow::compute::Initialize(), "starting Arrow's compute functions"); });
}

std::string KeyFor(const io::ObjectStore& store, const table::TableMetadata& metadata, const CompactionGroup& group,
                   const std::string& file_name) {
  const auto root = store.KeyOf(metadata.location);
  if (!root) {
    throw Error(ErrorCode::kStop, "the table lies at " + metadata.location +
                                      ", outside this lake's warehouse; open it with the warehouse it was made in");
  }
  const auto path = table::PartitionPath(table::SpecOf(metadata, group.spec_id), metadata.schema(), group.partition);
  return *root + "/data/" + (path.empty() ? "" : path + "/") + file_name + ".parquet";
}

/// Gathers rows, sorts them and writes them as row groups of one file.
class GroupWriter {
 public:
  GroupWriter(io::ObjectStore& store, const table::TableMetadata& metadata, std::string key,
              const RewriteOptions& options, ByteBudget& budget)
      : columns_(schema::ToArrow(metadata.schema())),
        options_(options),
        budget_(budget),
        file_(store, std::move(key), columns_, options.zstd_level, encodings_) {
    if (const auto* order = metadata.FindSortOrder(metadata.default_sort_order_id)) {
      order_.emplace(*order, metadata.schema());
    }
    const int64_t share = std::clamp(budget.limit() / kShareOfBudget, kStretchBytesMin, kStretchBytesMax);
    stretch_bytes_ = sorted() ? share : std::min(share, options.row_group_bytes);
  }

  const std::shared_ptr<arrow::Schema>& columns() const { return columns_; }

  void Add(std::shared_ptr<arrow::RecordBatch> rows, const std::stop_token& stop) {
    const int64_t bytes = arrow::util::TotalBufferSize(*rows);
    // Waiting while holding something could wait for oneself.
    held_.Merge(gathered_.empty() ? budget_.Reserve(std::max(bytes, kFirstBytes), stop) : budget_.Force(bytes));
    gathered_bytes_ += bytes;
    gathered_.push_back(std::move(rows));
    if (gathered_bytes_ >= stretch_bytes_ || budget_.under_pressure()) WriteStretch();
  }

  land::WrittenParquet Close() {
    WriteStretch();
    return std::move(file_).Close();
  }

  /// The whole file is in the table's order.
  bool in_order() const { return sorted() && stretches_ == 1; }

 private:
  bool sorted() const { return order_ && order_->sorted(); }

  void WriteStretch() {
    if (gathered_.empty()) return;
    auto rows = land::ValueOf(arrow::Table::FromRecordBatches(columns_, gathered_), "rows of a stretch");
    gathered_.clear();
    if (sorted()) rows = order_->Sort(rows);
    const int64_t groups = std::max<int64_t>(1, gathered_bytes_ / options_.row_group_bytes);
    const int64_t rows_each = (rows->num_rows() + groups - 1) / groups;
    for (int64_t first = 0; first < rows->num_rows(); first += rows_each) {
      file_.WriteRowGroup(*rows->Slice(first, rows_each));
    }
    ++stretches_;
    gathered_bytes_ = 0;
    held_.Release();
  }

  std::shared_ptr<arrow::Schema> columns_;
  const RewriteOptions& options_;
  ByteBudget& budget_;
  land::ChosenEncodings encodings_;  // of this file alone: it is large enough to choose its own
  land::ParquetFile file_;
  std::optional<land::RowOrder> order_;
  int64_t stretch_bytes_ = 0;
  arrow::RecordBatchVector gathered_;
  int64_t gathered_bytes_ = 0;
  Reservation held_;
  int stretches_ = 0;
};

void CheckRows(const CompactionGroup& group, int64_t rows) {
  int64_t stated = 0;
  for (const auto& file : group.files) stated += file.record_count;
  if (stated == rows) return;
  throw Error(ErrorCode::kData, "the files of a partition hold " + std::to_string(rows) +
                                    " rows and the table states " + std::to_string(stated) +
                                    ": a file was changed after it was committed; restore it from a copy");
}

}  // namespace

table::DataFile RewriteGroup(io::ObjectStore& store, const table::TableMetadata& metadata, const CompactionGroup& group,
                             const RewriteOptions& options, ByteBudget& budget, const std::stop_token& stop) {
  InitializeCompute();
  const std::string key = KeyFor(store, metadata, group, options.file_name);
  GroupWriter writer(store, metadata, key, options, budget);
  int64_t rows = 0;
  for (const auto& file : group.files) {
    land::DataFileRows source(store, file.file_path, writer.columns());
    while (const auto batch = source.Next()) {
      if (stop.stop_requested()) {
        throw Error(ErrorCode::kUnavailable, "stopped while files were merged; the next run merges them");
      }
      rows += batch->num_rows();
      if (batch->num_rows() > 0) writer.Add(batch, stop);
    }
  }
  CheckRows(group, rows);
  const auto written = writer.Close();
  auto made = land::Measure(written, metadata.schema(), land::MetricsConfig(metadata.properties, metadata.schema()));
  made.file_path = store.UriOf(key);
  made.spec_id = group.spec_id;
  made.partition = group.partition;
  made.sort_order_id = writer.in_order() ? metadata.default_sort_order_id : 0;
  return made;
}

}  // namespace millrace::refine
