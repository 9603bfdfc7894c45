#include <arrow/io/interfaces.h>
#include <arrow/ipc/writer.h>
#include <arrow/record_batch.h>
#include <arrow/type.h>
#include <arrow/util/byte_size.h>
#include <parquet/arrow/writer.h>
#include <parquet/properties.h>

#include <ostream>
#include <utility>

#include "query/arrow_status.h"
#include "query/result_printer.h"

namespace millrace::query {
namespace {

/// A std::ostream as Arrow writes to it. Does not close it.
class StreamOutput final : public arrow::io::OutputStream {
 public:
  explicit StreamOutput(std::ostream& out) : out_(out) {}

  arrow::Status Close() override {
    closed_ = true;
    return Flush();
  }
  arrow::Result<int64_t> Tell() const override { return written_; }
  int64_t written() const { return written_; }
  bool closed() const override { return closed_; }
  arrow::Status Write(const void* data, int64_t size) override {
    out_.write(static_cast<const char*>(data), size);
    written_ += size;
    return Good();
  }
  arrow::Status Flush() override {
    out_.flush();
    return Good();
  }

 private:
  arrow::Status Good() const {
    return out_ ? arrow::Status::OK() : arrow::Status::IOError("the output is closed or full");
  }

  std::ostream& out_;
  int64_t written_ = 0;
  bool closed_ = false;
};

std::shared_ptr<arrow::Schema> Renamed(const arrow::Schema& schema) {
  const auto names = UniqueNames(schema);
  auto fields = schema.fields();
  for (size_t i = 0; i < fields.size(); ++i) fields[i] = fields[i]->WithName(names[i]);
  return arrow::schema(std::move(fields));
}

class ArrowPrinter final : public ResultPrinter {
 public:
  explicit ArrowPrinter(std::ostream& out) : output_(std::make_shared<StreamOutput>(out)) {}

  void Begin(const std::shared_ptr<arrow::Schema>& schema) override {
    schema_ = Renamed(*schema);
    writer_ = ValueOf(arrow::ipc::MakeStreamWriter(output_, schema_), "writing the result as Arrow");
  }
  void Write(const arrow::RecordBatch& rows) override {
    const auto renamed = arrow::RecordBatch::Make(schema_, rows.num_rows(), rows.columns());
    Check(writer_->WriteRecordBatch(*renamed), "writing the result as Arrow");
  }
  void End() override { Check(writer_->Close(), "writing the result as Arrow"); }

 private:
  std::shared_ptr<StreamOutput> output_;
  std::shared_ptr<arrow::Schema> schema_;
  std::shared_ptr<arrow::ipc::RecordBatchWriter> writer_;
};

class ParquetPrinter final : public ResultPrinter {
 public:
  ParquetPrinter(const PrintOptions& options, std::ostream& out)
      : group_bytes_(options.group_bytes), output_(std::make_shared<StreamOutput>(out)) {}

  void Begin(const std::shared_ptr<arrow::Schema>& schema) override {
    schema_ = Renamed(*schema);
    const auto properties = parquet::WriterProperties::Builder()
                                .compression(parquet::Compression::ZSTD)
                                ->max_row_group_length(2 * kRowsAGroup)
                                ->build();
    writer_ = ValueOf(parquet::arrow::FileWriter::Open(*schema_, arrow::default_memory_pool(), output_, properties),
                      "writing the result as Parquet");
  }
  void Write(const arrow::RecordBatch& rows) override {
    if (gathered_ >= group_bytes_ || rows_ >= kRowsAGroup) {
      Check(writer_->NewBufferedRowGroup(), "writing the result as Parquet");
      packed_ += gathered_;
      gathered_ = rows_ = 0;
    }
    const auto renamed = arrow::RecordBatch::Make(schema_, rows.num_rows(), rows.columns());
    Check(writer_->WriteRecordBatch(*renamed), "writing the result as Parquet");
    gathered_ += ValueOf(arrow::util::ReferencedBufferSize(rows), "measuring rows");
    rows_ += rows.num_rows();
  }
  /// As well packed as what was written before.
  int64_t bytes_waiting() const override {
    const auto written = static_cast<double>(output_->written());
    return packed_ == 0 ? gathered_
                        : static_cast<int64_t>(static_cast<double>(gathered_) * written / static_cast<double>(packed_));
  }
  void End() override { Check(writer_->Close(), "writing the result as Parquet"); }

 private:
  static constexpr int64_t kRowsAGroup = 100000;

  const int64_t group_bytes_;
  int64_t gathered_ = 0;  // bytes since the group of rows began
  int64_t rows_ = 0;      // since then
  int64_t packed_ = 0;    // bytes of the groups before
  std::shared_ptr<StreamOutput> output_;
  std::shared_ptr<arrow::Schema> schema_;
  std::unique_ptr<parquet::arrow::FileWriter> writer_;
};

}  // namespace

std::unique_ptr<ResultPrinter> MakeArrowPrinter(std::ostream& out) { return std::make_unique<ArrowPrinter>(out); }

std::unique_ptr<ResultPrinter> MakeParquetPrinter(const PrintOptions& options, std::ostream& out) {
  return std::make_unique<ParquetPrinter>(options, out);
}

}  // namespace millrace::query
