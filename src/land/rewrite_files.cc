#include "land/rewrite_files.h"

#include <arrow/api.h>
#include <arrow/compute/api.h>
#include <arrow/util/byte_size.h>

#include <algorithm>
#include <memory>
#include <optional>
#include <utility>

#include "base/error.h"
#include "land/arrow_compute.h"
#include "land/arrow_status.h"
#include "land/data_file_rows.h"
#include "land/data_path.h"
#include "land/file_metrics.h"
#include "land/join_files.h"
#include "land/parquet_file.h"
#include "land/row_lineage.h"
#include "land/row_order.h"

namespace millrace::land {
namespace {

constexpr int64_t kStretchBytesMin = int64_t{8} << 20;
constexpr int64_t kStretchBytesMax = int64_t{512} << 20;
/// Of the budget; the rest is landing's.
constexpr int64_t kShareOfBudget = 4;
/// What opening a file and decoding its first batch takes before it is measured.
constexpr int64_t kFirstBytes = int64_t{1} << 20;

/// A column that numbers rows while they are sorted; it never reaches a file.
constexpr const char* kNumbers = "__millrace_number";

/// Gathers rows, sorts them and writes them as row groups of one file.
class GroupWriter {
 public:
  /// `columns`: the table's, or with those of lineage.
  GroupWriter(io::ObjectStore& store, const table::TableMetadata& metadata, const schema::Schema& columns,
              std::string key, const RewriteOptions& options, ByteBudget& budget)
      : columns_(schema::ToArrow(columns)),
        read_columns_(columns_),
        gathered_columns_(columns_),
        options_(options),
        budget_(budget),
        file_(store, std::move(key), columns_, options.zstd_level, encodings_) {
    if (options.visit) {
      gathered_columns_ = ValueOf(columns_->AddField(columns_->num_fields(), arrow::field(kNumbers, arrow::int64())),
                                  "columns of a file to rewrite");
    }
    if (const auto* order = metadata.FindSortOrder(metadata.default_sort_order_id)) {
      order_.emplace(*order, metadata.schema());
    }
    const int64_t share = std::clamp(budget.limit() / kShareOfBudget, kStretchBytesMin, kStretchBytesMax);
    stretch_bytes_ = sorted() ? share : std::min(share, options.row_group_bytes);
  }

  /// Takes columns that are dictionaries in `file` as such: for rows that are neither sorted nor shown.
  void TakeDictionariesOf(io::ObjectStore& store, const std::string& file) {
    if (sorted() || numbered()) return;
    read_columns_ = WithDictionaries(store, file, columns_);
    gathered_columns_ = read_columns_;
  }

  /// Of the rows that it takes.
  const std::shared_ptr<arrow::Schema>& columns() const { return read_columns_; }

  bool numbered() const { return static_cast<bool>(options_.visit); }

  /// `numbers`: one a row, when they are asked for.
  void Add(std::shared_ptr<arrow::RecordBatch> rows, const std::shared_ptr<arrow::Array>& numbers,
           const std::stop_token& stop) {
    if (numbered()) {
      auto columns = rows->columns();
      columns.push_back(numbers);
      rows = arrow::RecordBatch::Make(gathered_columns_, rows->num_rows(), std::move(columns));
    }
    const int64_t bytes = arrow::util::TotalBufferSize(*rows);
    // Waiting while holding something could wait for oneself.
    held_.Merge(gathered_.empty() ? budget_.Reserve(std::max(bytes, kFirstBytes), stop) : budget_.Force(bytes));
    gathered_bytes_ += bytes;
    gathered_.push_back(std::move(rows));
    if (gathered_bytes_ >= stretch_bytes_ || budget_.under_pressure()) WriteStretch();
  }

  WrittenParquet Close() {
    WriteStretch();
    return std::move(file_).Close();
  }

  /// The whole file is in the table's order.
  bool in_order() const { return sorted() && stretches_ == 1; }

 private:
  bool sorted() const { return order_ && order_->sorted(); }

  void WriteStretch() {
    if (gathered_.empty()) return;
    auto rows = ValueOf(arrow::Table::FromRecordBatches(gathered_columns_, gathered_), "rows of a stretch");
    gathered_.clear();
    if (sorted()) {
      rows = order_->Sort(rows);
    } else if (read_columns_ != columns_) {
      rows = ValueOf(arrow::DictionaryUnifier::UnifyTable(*rows), "dictionaries of a stretch");
    }
    if (numbered()) {
      const auto numbers = ValueOf(arrow::Concatenate(rows->column(columns_->num_fields())->chunks()), "rows");
      rows = ValueOf(rows->RemoveColumn(columns_->num_fields()), "rows of a stretch");
      Show(*rows, numbers);
    }
    const int64_t groups = std::max<int64_t>(1, gathered_bytes_ / options_.row_group_bytes);
    const int64_t rows_each = (rows->num_rows() + groups - 1) / groups;
    for (int64_t first = 0; first < rows->num_rows(); first += rows_each) {
      file_.WriteRowGroup(*rows->Slice(first, rows_each));
    }
    ++stretches_;
    gathered_bytes_ = 0;
    held_.Release();
  }

  void Show(const arrow::Table& rows, const std::shared_ptr<arrow::Array>& numbers) const {
    arrow::TableBatchReader batches(rows);
    int64_t first = 0;
    while (const auto batch = ValueOf(batches.Next(), "rows of a stretch")) {
      const auto slice = numbers->Slice(first, batch->num_rows());
      options_.visit(*batch, static_cast<const arrow::Int64Array&>(*slice));
      first += batch->num_rows();
    }
  }

  std::shared_ptr<arrow::Schema> columns_;
  std::shared_ptr<arrow::Schema> read_columns_;      // with dictionaries, when they are taken
  std::shared_ptr<arrow::Schema> gathered_columns_;  // with the numbers, when they are asked for
  const RewriteOptions& options_;
  ByteBudget& budget_;
  ChosenEncodings encodings_;  // of this file alone: it is large enough to choose its own
  ParquetFile file_;
  std::optional<RowOrder> order_;
  int64_t stretch_bytes_ = 0;
  arrow::RecordBatchVector gathered_;
  int64_t gathered_bytes_ = 0;
  Reservation held_;
  int stretches_ = 0;
};

/// Which rows [first, first + count) of a file stay, counted from `first`.
std::vector<int64_t> Kept(const std::vector<int64_t>& deleted, int64_t first, int64_t count) {
  std::vector<int64_t> kept;
  auto gone = std::ranges::lower_bound(deleted, first);
  for (int64_t row = first; row < first + count; ++row) {
    const bool goes = gone != deleted.end() && *gone == row;
    if (goes) {
      ++gone;
    } else {
      kept.push_back(row - first);
    }
  }
  return kept;
}

std::shared_ptr<arrow::Array> NumbersOf(const std::vector<int64_t>& rows, int64_t first) {
  arrow::Int64Builder builder;
  Check(builder.Reserve(static_cast<int64_t>(rows.size())), "numbers of rows");
  for (const int64_t row : rows) builder.UnsafeAppend(first + row);
  return ValueOf(builder.Finish(), "numbers of rows");
}

/// Reads one file of a group into the writer; gives its rows, deleted ones too. `lineage`: the file, when its rows keep
/// theirs.
int64_t Copy(DataFileRows& source, const table::DatedFile* lineage, const std::vector<int64_t>& deleted,
             int64_t numbered_from, GroupWriter& writer, const std::stop_token& stop) {
  const bool numbered = writer.numbered();
  int64_t position = 0;
  while (auto batch = source.Next()) {
    if (lineage != nullptr) batch = Inherited(batch, *lineage, position);
    if (stop.stop_requested()) {
      throw Error(ErrorCode::kUnavailable, "stopped while files were rewritten; the next run does it");
    }
    std::vector<int64_t> kept;
    if (!deleted.empty() || numbered) kept = Kept(deleted, position, batch->num_rows());
    auto rows = batch;
    if (!deleted.empty() && static_cast<int64_t>(kept.size()) < batch->num_rows()) {
      const arrow::Int64Array indices(static_cast<int64_t>(kept.size()), arrow::Buffer::Wrap(kept));
      rows = ValueOf(arrow::compute::Take(arrow::Datum(batch), arrow::Datum(indices.data()),
                                          arrow::compute::TakeOptions::NoBoundsCheck()),
                     "leaving deleted rows out")
                 .record_batch();
    }
    const auto numbers = numbered ? NumbersOf(kept, numbered_from + position) : nullptr;
    if (rows->num_rows() > 0) writer.Add(rows, numbers, stop);
    position += batch->num_rows();
  }
  return position;
}

/// False when no row is left.
bool CopyRows(io::ObjectStore& store, const FileGroup& group, bool lineage, const DeletedRows& deleted,
              GroupWriter& writer, const std::stop_token& stop) {
  if (!group.files.empty()) writer.TakeDictionariesOf(store, group.files.front().file.file_path);
  int64_t rows = 0;
  int64_t gone = 0;
  for (const auto& dated : group.files) {
    const auto& file = dated.file;
    DataFileRows source(store, file.file_path, writer.columns());
    const auto& positions = deleted.Of(file.file_path);
    const int64_t copied = Copy(source, lineage ? &dated : nullptr, positions, rows, writer, stop);
    if (copied != file.record_count) {
      throw Error(ErrorCode::kData, file.file_path + " holds " + std::to_string(copied) +
                                        " rows and the table states " + std::to_string(file.record_count) +
                                        ": it was changed after it was committed; restore it from a copy");
    }
    gone += std::ranges::lower_bound(positions, copied) - positions.begin();
    rows += copied;
  }
  return gone < rows;
}

/// Nothing is asked of the rows but that they stand in one file.
bool KeepsPages(const table::TableMetadata& metadata, const FileGroup& group, const DeletedRows& deleted,
                const RewriteOptions& options) {
  const auto* order = metadata.FindSortOrder(metadata.default_sort_order_id);
  return !options.visit && (order == nullptr || order->fields.empty()) &&
         std::ranges::all_of(group.files, [&](const auto& dated) { return deleted.Of(dated.file.file_path).empty(); });
}

}  // namespace

std::optional<table::DataFile> RewriteFiles(io::ObjectStore& store, const table::TableMetadata& metadata,
                                            const FileGroup& group, const DeletedRows& deleted,
                                            const RewriteOptions& options, ByteBudget& budget,
                                            const std::stop_token& stop) {
  StartCompute();
  const bool lineage = std::ranges::any_of(group.files, [&](const auto& dated) { return HasLineage(metadata, dated); });
  const std::string key = DataKey(store, metadata, group.spec_id, group.partition, options.file_name + ".parquet");
  const schema::Schema columns = lineage ? WithLineage(metadata) : metadata.schema();
  bool in_order = false;
  auto written =
      !lineage && KeepsPages(metadata, group, deleted, options)
          ? JoinFiles(store, metadata, group.files,
                      {.key = key, .zstd_level = options.zstd_level, .row_group_bytes = options.row_group_bytes},
                      budget, stop)
          : std::nullopt;
  if (!written) {
    GroupWriter writer(store, metadata, columns, key, options, budget);
    if (!CopyRows(store, group, lineage, deleted, writer, stop)) return std::nullopt;
    written = writer.Close();
    in_order = writer.in_order();
  }
  auto made = Measure(*written, columns,
                      lineage ? MetricsWithLineage(metadata, columns) : MetricsConfig(metadata.properties, columns));
  made.file_path = store.UriOf(key);
  made.spec_id = group.spec_id;
  made.partition = group.partition;
  made.sort_order_id = in_order ? metadata.default_sort_order_id : 0;
  return made;
}

}  // namespace millrace::land
