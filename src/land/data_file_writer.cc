#include "land/data_file_writer.h"

#include <arrow/api.h>
#include <arrow/compute/api.h>
#include <arrow/util/byte_size.h>

#include <algorithm>
#include <map>
#include <utility>

#include "base/error.h"
#include "land/arrow_compute.h"
#include "land/arrow_status.h"
#include "land/conform.h"
#include "land/data_path.h"
#include "land/file_metrics.h"
#include "land/parquet_file.h"
#include "land/partition_router.h"
#include "land/row_order.h"
#include "land/row_spill.h"
#include "land/write_properties.h"

namespace millrace::land {
namespace {

/// Files that have a row group already and wait for more. Each holds a descriptor, or a buffer of a remote store.
constexpr size_t kOpenFilesMax = 16;
/// Rows of several partitions are split together once this much has come, so that each gets a stretch worth a copy.
constexpr int64_t kStageBytesMax = int64_t{16} << 20;
/// Rows of a stage go to disk when a partition has less than this of them on average.
constexpr int64_t kSpillBelowBytes = int64_t{1} << 20;
/// What rows on disk will be in Parquet, at most.
constexpr int64_t kSpilledToEncoded = 4;
/// Neighbouring partitions lie in one piece on disk, of about this much at least.
constexpr int64_t kPieceBytes = int64_t{256} << 10;
/// Chunks of fewer rows are joined before they are encoded.
constexpr int64_t kChunkRowsMin = 1'024;
/// What an Arrow array costs besides its values.
constexpr int64_t kArrayOverheadBytes = 400;
/// The part of a row group that is worth one of its own when its writer rests.
constexpr int64_t kFairPart = 8;

/// A column that numbers rows on their way through the writer; it never reaches a file.
constexpr const char* kNumbers = "__millrace_number";

/// Rows of one partition that are not encoded yet, and the file they will go to when it has a row group already.
struct PartitionBuffer {
  arrow::RecordBatchVector batches;
  int64_t bytes = 0;
  std::unique_ptr<ParquetFile> file;
  std::vector<uint32_t> numbers;  // of the rows in `file`
  int64_t row_groups = 0;
  uint64_t written_at = 0;  // when its file last got a row group, in row groups
};

/// A stage on disk, in the order of its partitions.
struct SpilledStage {
  std::vector<int64_t> begins;          // row of each partition, and the end; partitions that came later have none
  std::vector<RowSpill::Piece> pieces;  // each of the same number of partitions
};

int64_t CostOf(const arrow::RecordBatch& rows) {
  return arrow::util::TotalBufferSize(rows) + kArrayOverheadBytes * rows.num_columns();
}

std::shared_ptr<arrow::Schema> WithNumbers(const arrow::Schema& columns) {
  return ValueOf(columns.AddField(columns.num_fields(), arrow::field(kNumbers, arrow::uint32(), false)),
                 "numbers of rows");
}

/// One chunk a column. A column at a time, so that two copies of the whole never stand side by side.
std::shared_ptr<arrow::Table> Joined(std::shared_ptr<arrow::Table> rows) {
  const auto schema = rows->schema();
  const int64_t length = rows->num_rows();
  auto columns = rows->columns();
  rows.reset();
  arrow::ArrayVector joined;
  for (auto& column : columns) {
    joined.push_back(ValueOf(arrow::Concatenate(column->chunks()), "rows of a row group"));
    column.reset();
  }
  return arrow::Table::Make(schema, joined, length);
}

const table::SortOrder* DefaultOrder(const table::TableMetadata& metadata) {
  for (const auto& order : metadata.sort_orders) {
    if (order.order_id == metadata.default_sort_order_id) return &order;
  }
  return nullptr;
}

}  // namespace

struct DataFileWriter::State {
  State(io::ObjectStore& object_store, std::shared_ptr<const table::TableMetadata> table,
        DataFileWriterOptions writer_options, ByteBudget& byte_budget)
      : store(object_store),
        metadata(std::move(table)),
        options(WithTableProperties(std::move(writer_options), metadata->properties)),
        budget(byte_budget),
        file_schema(schema::ToArrow(metadata->schema())),
        arrow_schema(options.on_closed ? WithNumbers(*file_schema) : file_schema),
        metrics(metadata->properties, metadata->schema()),
        router(metadata->spec(), metadata->schema()),
        data_prefix(DataPrefix(store, *metadata)) {
    const table::SortOrder* sort_order = DefaultOrder(*metadata);
    if (sort_order != nullptr) order.emplace(*sort_order, metadata->schema());
  }

  void Hold(int64_t bytes) {
    held.Merge(budget.Force(bytes));
    buffered += bytes;
  }
  void LetGo(int64_t bytes) {
    buffered -= bytes;
    held.Release();
    held = budget.Force(buffered);
  }

  void Append(uint32_t number, std::shared_ptr<arrow::RecordBatch> batch, int64_t bytes);
  void SettleStage();
  void SplitStage();
  std::vector<int64_t> StageBegins() const;
  void SpillStage(std::vector<int64_t> begins);
  void EncodeSpilled();
  void EncodePiece(size_t piece);
  void EncodeBuffer(uint32_t number);
  std::shared_ptr<arrow::Table> TakeNumbers(std::shared_ptr<arrow::Table> rows, std::vector<uint32_t>& numbers) const;
  /// False when it holds fewer bytes than that.
  bool EncodeLargest(int64_t bytes_min = 1);
  void CloseFile(uint32_t number);
  void CloseSurplusFiles();
  void Relieve();
  std::string NextKey(uint32_t number);

  io::ObjectStore& store;
  std::shared_ptr<const table::TableMetadata> metadata;
  DataFileWriterOptions options;
  ByteBudget& budget;
  std::shared_ptr<arrow::Schema> file_schema;
  std::shared_ptr<arrow::Schema> arrow_schema;  // of rows that are not encoded yet: with their numbers
  MetricsConfig metrics;
  PartitionRouter router;
  const std::string data_prefix;
  std::optional<RowOrder> order;

  std::map<uint32_t, PartitionBuffer> buffers;
  arrow::RecordBatchVector staged;
  std::vector<uint32_t> staged_partitions;  // of each staged row
  int64_t staged_bytes = 0;
  std::unique_ptr<RowSpill> spill;
  std::vector<SpilledStage> spilled;
  size_t piece_partitions = 0;
  ChosenEncodings chosen;
  int64_t buffered = 0;
  Reservation held;
  uint64_t row_groups = 0;
  int files_named = 0;
  int open = 0;
  int64_t row_count = 0;
  int64_t closed_bytes = 0;
  std::vector<table::DataFile> closed;
  std::vector<std::string> closed_keys;
};

void DataFileWriter::State::Append(uint32_t number, std::shared_ptr<arrow::RecordBatch> batch, int64_t bytes) {
  PartitionBuffer& buffer = buffers[number];
  buffer.batches.push_back(std::move(batch));
  buffer.bytes += bytes;
  if (buffer.bytes >= options.row_group_bytes) EncodeBuffer(number);
}

/// Where each partition's rows begin once the stage is in their order, and the end.
std::vector<int64_t> DataFileWriter::State::StageBegins() const {
  std::vector<int64_t> begins(*std::ranges::max_element(staged_partitions) + size_t{2});
  for (const uint32_t partition : staged_partitions) ++begins[partition + 1];
  for (size_t i = 1; i < begins.size(); ++i) begins[i] += begins[i - 1];
  return begins;
}

void DataFileWriter::State::SettleStage() {
  if (staged.empty()) return;
  if (!options.spill_folder.empty()) {
    std::vector<int64_t> begins = StageBegins();
    int64_t partitions = 0;
    for (size_t i = 1; i < begins.size(); ++i) partitions += begins[i] > begins[i - 1] ? 1 : 0;
    if (staged_bytes / partitions < kSpillBelowBytes) return SpillStage(std::move(begins));
  }
  SplitStage();
}

void DataFileWriter::State::SpillStage(std::vector<int64_t> begins) {
  std::vector<int64_t> rows(staged_partitions.size());
  std::vector<int64_t> next = begins;
  for (size_t row = 0; row < staged_partitions.size(); ++row) {
    rows[static_cast<size_t>(next[staged_partitions[row]]++)] = static_cast<int64_t>(row);
  }
  staged_partitions.clear();
  const arrow::Int64Array indices(static_cast<int64_t>(rows.size()), arrow::Buffer::Wrap(rows));
  auto columns = ValueOf(arrow::Table::FromRecordBatches(arrow_schema, staged), "staged rows")->columns();
  staged.clear();
  arrow::ArrayVector ordered;
  for (auto& column : columns) {
    // One column at a time, so that two copies of the whole never stand side by side.
    const auto joined = ValueOf(arrow::Concatenate(column->chunks()), "staged rows");
    column.reset();
    ordered.push_back(ValueOf(arrow::compute::Take(*joined, indices, arrow::compute::TakeOptions::NoBoundsCheck()),
                              "ordering rows by partition"));
  }
  const auto batch = arrow::RecordBatch::Make(arrow_schema, indices.length(), std::move(ordered));
  if (!spill) {
    spill = std::make_unique<RowSpill>(options.spill_folder);
    const auto partitions = static_cast<int64_t>(begins.size() - 1);
    piece_partitions = static_cast<size_t>(std::clamp<int64_t>(partitions * kPieceBytes / staged_bytes, 1, partitions));
  }
  SpilledStage& stage = spilled.emplace_back();
  for (size_t first = 0; first + 1 < begins.size(); first += piece_partitions) {
    const int64_t begin = begins[first];
    const int64_t end = begins[std::min(first + piece_partitions, begins.size() - 1)];
    stage.pieces.push_back(begin == end ? RowSpill::Piece{} : spill->Write(*batch->Slice(begin, end - begin)));
  }
  stage.begins = std::move(begins);
  LetGo(std::exchange(staged_bytes, 0));
}

/// The same partitions of every stage on disk.
void DataFileWriter::State::EncodePiece(size_t piece) {
  arrow::RecordBatchVector rows;
  for (const auto& stage : spilled) {
    const bool has = piece < stage.pieces.size() && stage.pieces[piece].bytes > 0;
    rows.push_back(has ? spill->Read(stage.pieces[piece], arrow_schema) : nullptr);
  }
  const size_t first = piece * piece_partitions;
  for (size_t number = first; number < first + piece_partitions; ++number) {
    for (size_t i = 0; i < spilled.size(); ++i) {
      const auto& begins = spilled[i].begins;
      if (!rows[i] || number + 1 >= begins.size() || begins[number] == begins[number + 1]) continue;
      const int64_t length = begins[number + 1] - begins[number];
      const int64_t bytes = spilled[i].pieces[piece].bytes * length / rows[i]->num_rows();
      Hold(bytes);
      Append(static_cast<uint32_t>(number), rows[i]->Slice(begins[number] - begins[first], length), bytes);
    }
    const auto buffer = buffers.find(static_cast<uint32_t>(number));
    if (buffer == buffers.end()) continue;
    if (!buffer->second.batches.empty()) EncodeBuffer(buffer->first);
    if (buffers.contains(static_cast<uint32_t>(number))) CloseFile(static_cast<uint32_t>(number));
  }
}

/// Partition by partition, from all that is on disk.
void DataFileWriter::State::EncodeSpilled() {
  if (!spill) return;
  if (!staged.empty()) SpillStage(StageBegins());
  size_t pieces = 0;
  for (const auto& stage : spilled) pieces = std::max(pieces, stage.pieces.size());
  for (size_t piece = 0; piece < pieces; ++piece) EncodePiece(piece);
  spilled.clear();
  spill.reset();
}

/// Gives each partition its rows of the stage, copied together.
void DataFileWriter::State::SplitStage() {
  if (staged.empty()) return;
  const auto stage =
      ValueOf(ValueOf(arrow::Table::FromRecordBatches(arrow_schema, staged), "staged rows")->CombineChunksToBatch(),
              "staged rows");
  std::map<uint32_t, std::vector<int64_t>> rows_of;
  for (size_t row = 0; row < staged_partitions.size(); ++row) {
    rows_of[staged_partitions[row]].push_back(static_cast<int64_t>(row));
  }
  staged.clear();
  staged_partitions.clear();
  LetGo(std::exchange(staged_bytes, 0));
  for (const auto& [number, rows] : rows_of) {
    const auto indices =
        std::make_shared<arrow::Int64Array>(static_cast<int64_t>(rows.size()), arrow::Buffer::Wrap(rows));
    const auto taken =
        ValueOf(arrow::compute::Take(stage, arrow::Datum(indices), arrow::compute::TakeOptions::NoBoundsCheck()),
                "splitting rows by partition")
            .record_batch();
    const int64_t bytes = CostOf(*taken);
    Hold(bytes);
    Append(number, taken, bytes);
  }
}

std::string DataFileWriter::State::NextKey(uint32_t number) {
  const std::string& path = router.partition(number).path;
  const std::string sequence = std::to_string(++files_named);
  return data_prefix + (path.empty() ? "" : path + "/") + options.file_prefix + "-" +
         std::string(sequence.size() < 5 ? 5 - sequence.size() : 0, '0') + sequence + ".parquet";
}

/// Appends the numbers of rows that are about to be encoded, and gives the rows without them.
std::shared_ptr<arrow::Table> DataFileWriter::State::TakeNumbers(std::shared_ptr<arrow::Table> rows,
                                                                 std::vector<uint32_t>& numbers) const {
  const int last = rows->num_columns() - 1;
  for (const auto& chunk : rows->column(last)->chunks()) {
    const auto& values = static_cast<const arrow::UInt32Array&>(*chunk);
    numbers.insert(numbers.end(), values.raw_values(), values.raw_values() + values.length());
  }
  return ValueOf(rows->RemoveColumn(last), "rows of a row group");
}

void DataFileWriter::State::EncodeBuffer(uint32_t number) {
  PartitionBuffer& buffer = buffers[number];
  auto rows = ValueOf(arrow::Table::FromRecordBatches(arrow_schema, buffer.batches), "rows of a row group");
  buffer.batches.clear();
  if (order && order->sorted()) {
    rows = order->Sort(rows);
  } else if (rows->num_columns() > 0 && rows->num_rows() < kChunkRowsMin * rows->column(0)->num_chunks()) {
    rows = Joined(std::move(rows));
  }
  if (options.on_closed) rows = TakeNumbers(std::move(rows), buffer.numbers);
  if (!buffer.file) {
    buffer.file = std::make_unique<ParquetFile>(store, NextKey(number), file_schema, options.zstd_level, chosen);
    buffer.row_groups = 0;
    ++open;
  }
  buffer.file->WriteRowGroup(*rows);
  rows.reset();
  ++buffer.row_groups;
  buffer.written_at = ++row_groups;
  LetGo(std::exchange(buffer.bytes, 0));
  if (buffer.file->written_bytes() >= options.file_size_target_bytes) CloseFile(number);
  CloseSurplusFiles();
}

bool DataFileWriter::State::EncodeLargest(int64_t bytes_min) {
  const auto largest =
      std::ranges::max_element(buffers, {}, [](const auto& numbered) { return numbered.second.bytes; });
  if (largest == buffers.end() || largest->second.bytes < bytes_min) return false;
  EncodeBuffer(largest->first);
  return true;
}

void DataFileWriter::State::CloseSurplusFiles() {
  if (open <= static_cast<int>(kOpenFilesMax)) return;
  uint32_t oldest = 0;
  uint64_t oldest_at = UINT64_MAX;
  for (const auto& [number, buffer] : buffers) {
    if (buffer.file && buffer.written_at < oldest_at) {
      oldest = number;
      oldest_at = buffer.written_at;
    }
  }
  CloseFile(oldest);
}

void DataFileWriter::State::CloseFile(uint32_t number) {
  PartitionBuffer& buffer = buffers[number];
  const WrittenParquet written = std::move(*buffer.file).Close();
  buffer.file.reset();
  --open;
  closed_keys.push_back(written.key);
  closed_bytes += written.size_bytes;
  table::DataFile file = Measure(written, metadata->schema(), metrics);
  file.file_path = store.UriOf(written.key);
  file.spec_id = metadata->spec().spec_id;
  file.partition = router.partition(number).values;
  // The order holds within a row group, so a file of several is not sorted as a whole.
  file.sort_order_id = order && order->sorted() && buffer.row_groups == 1 ? metadata->default_sort_order_id : 0;
  if (options.on_closed) options.on_closed(file, std::exchange(buffer.numbers, {}));
  closed.push_back(std::move(file));
  if (buffer.batches.empty()) buffers.erase(number);
}

void DataFileWriter::State::Relieve() {
  while (buffered > options.buffer_bytes_max || (buffered > 0 && budget.under_pressure())) {
    if (EncodeLargest()) continue;
    if (staged.empty()) return;
    SettleStage();
  }
}

DataFileWriter::DataFileWriter(io::ObjectStore& store, std::shared_ptr<const table::TableMetadata> metadata,
                               DataFileWriterOptions options, ByteBudget& budget) {
  StartCompute();
  state_ = std::make_unique<State>(store, std::move(metadata), std::move(options), budget);
}

DataFileWriter::~DataFileWriter() = default;

void DataFileWriter::Write(const std::shared_ptr<arrow::RecordBatch>& rows, std::span<const uint32_t> numbers) {
  if (rows->num_rows() == 0) return;
  State& state = *state_;
  auto batch = Conform(rows, state.file_schema);
  if (state.options.on_closed) {
    arrow::UInt32Builder builder;
    Check(builder.AppendValues(numbers.data(), static_cast<int64_t>(numbers.size())), "numbers of rows");
    auto columns = batch->columns();
    columns.push_back(ValueOf(builder.Finish(), "numbers of rows"));
    batch = arrow::RecordBatch::Make(state.arrow_schema, batch->num_rows(), std::move(columns));
  }
  const int64_t bytes = CostOf(*batch);
  state.row_count += batch->num_rows();
  PartitionRouter::Assignment assignment = state.router.Assign(*batch);
  state.Hold(bytes);
  if (assignment.of_row.empty() && state.staged.empty()) {
    state.Append(assignment.first, std::move(batch), bytes);
  } else {
    if (assignment.of_row.empty()) assignment.of_row.assign(static_cast<size_t>(batch->num_rows()), assignment.first);
    state.staged.push_back(std::move(batch));
    state.staged_partitions.insert(state.staged_partitions.end(), assignment.of_row.begin(), assignment.of_row.end());
    state.staged_bytes += bytes;
    if (state.staged_bytes >= std::min(kStageBytesMax, state.options.buffer_bytes_max / 4)) state.SettleStage();
  }
  state.Relieve();
}

void DataFileWriter::Relieve() { state_->Relieve(); }

void DataFileWriter::Rest() {
  while (state_->EncodeLargest(state_->options.row_group_bytes / kFairPart)) {
  }
}

int64_t DataFileWriter::buffered_bytes() const { return state_->buffered; }

int64_t DataFileWriter::rows() const { return state_->row_count; }

int64_t DataFileWriter::encoded_bytes() const {
  int64_t bytes = state_->closed_bytes + (state_->spill ? state_->spill->bytes() / kSpilledToEncoded : 0);
  for (const auto& [number, buffer] : state_->buffers) bytes += buffer.file ? buffer.file->written_bytes() : 0;
  return bytes;
}

int DataFileWriter::open_files() const { return state_->open; }

const std::vector<std::string>& DataFileWriter::closed_keys() const { return state_->closed_keys; }

std::vector<table::DataFile> DataFileWriter::Finish() && {
  State& state = *state_;
  state.EncodeSpilled();
  state.SplitStage();
  while (!state.buffers.empty()) {
    const uint32_t number = state.buffers.begin()->first;
    if (state.buffers[number].bytes > 0) state.EncodeBuffer(number);
    const auto still = state.buffers.find(number);
    if (still == state.buffers.end()) continue;
    if (still->second.file) {
      state.CloseFile(number);
    } else {
      state.buffers.erase(still);
    }
  }
  return std::move(state.closed);
}

}  // namespace millrace::land
