#include "land/column_file.h"

#include <arrow/api.h>
#include <arrow/io/memory.h>
#include <arrow/util/byte_size.h>

#include <string>
#include <utility>

#include "base/error.h"
#include "base/random.h"
#include "io/digest.h"
#include "land/arrow_status.h"
#include "land/avro_rows.h"
#include "table/avro_file.h"

namespace millrace::land {
namespace {

arrow::Compression::type CodecOf(FilesCompression compression) {
  switch (compression) {
    case FilesCompression::kNone:
      return arrow::Compression::UNCOMPRESSED;
    case FilesCompression::kGzip:
      return arrow::Compression::GZIP;
    case FilesCompression::kZstd:
      return arrow::Compression::ZSTD;
    case FilesCompression::kSnappy:
      return arrow::Compression::SNAPPY;
  }
  return arrow::Compression::UNCOMPRESSED;
}

class ParquetColumnFile final : public ColumnFile {
 public:
  ParquetColumnFile(const FilesEncoding& encoding, std::shared_ptr<arrow::Schema> columns, ChosenEncodings& chosen)
      : columns_(std::move(columns)),
        row_group_bytes_(encoding.row_group_bytes),
        output_(ValueOf(arrow::io::BufferOutputStream::Create(), "a Parquet file in memory")),
        encoder_(output_, columns_, {.codec = CodecOf(encoding.compression), .level = encoding.level}, chosen) {}

  void Append(std::shared_ptr<arrow::RecordBatch> rows) override {
    waiting_bytes_ += ValueOf(arrow::util::ReferencedBufferSize(*rows), "the size of rows");
    waiting_.push_back(std::move(rows));
    if (waiting_bytes_ >= row_group_bytes_) Encode();
  }
  int64_t written_bytes() const override { return ValueOf(output_->Tell(), "a Parquet file in memory"); }
  int64_t held_bytes() const override { return waiting_bytes_ + written_bytes(); }

  std::string Finish() && override {
    if (!waiting_.empty()) Encode();
    std::move(encoder_).Close();
    return ValueOf(output_->Finish(), "closing a Parquet file")->ToString();
  }

 private:
  void Encode() {
    const auto rows = ValueOf(arrow::Table::FromRecordBatches(columns_, waiting_), "rows of a row group");
    waiting_.clear();
    waiting_bytes_ = 0;
    encoder_.WriteRowGroup(*ValueOf(rows->CombineChunks(), "rows of a row group"));
  }

  std::shared_ptr<arrow::Schema> columns_;
  const int64_t row_group_bytes_;
  std::shared_ptr<arrow::io::BufferOutputStream> output_;
  ParquetEncoder encoder_;
  arrow::RecordBatchVector waiting_;
  int64_t waiting_bytes_ = 0;
};

table::AvroCompression AvroCodecOf(FilesCompression compression) {
  switch (compression) {
    case FilesCompression::kNone:
      return table::AvroCompression::kNull;
    case FilesCompression::kGzip:
      return table::AvroCompression::kDeflate;
    case FilesCompression::kZstd:
      return table::AvroCompression::kZstandard;
    case FilesCompression::kSnappy:
      return table::AvroCompression::kSnappy;
  }
  return table::AvroCompression::kNull;
}

/// The marker between blocks follows from the key: no other file has it, and a file made again has it again.
uint64_t SeedOf(const std::string& key) { return std::stoull(io::Hex(io::Sha256(key)).substr(0, 16), nullptr, 16); }

class AvroColumnFile final : public ColumnFile {
 public:
  AvroColumnFile(const std::string& key, const FilesEncoding& encoding, const arrow::Schema& columns)
      : random_(SeedOf(key)),
        writer_(AvroSchemaOf(columns, "record"), {}, random_, AvroCodecOf(encoding.compression), encoding.level) {}

  void Append(std::shared_ptr<arrow::RecordBatch> rows) override {
    schema::AvroEncoder record;
    for (int64_t row = 0; row < rows->num_rows(); ++row) {
      record.Clear();
      AppendAvroRow(*rows, row, record);
      writer_.Append(record);
    }
  }
  int64_t written_bytes() const override { return writer_.bytes_written(); }
  int64_t held_bytes() const override { return writer_.bytes_written(); }
  std::string Finish() && override { return std::move(writer_).Finish(); }

 private:
  Random random_;
  table::AvroFileWriter writer_;
};

}  // namespace

std::unique_ptr<ColumnFile> MakeColumnFile(const std::string& key, const FilesEncoding& encoding,
                                           const std::shared_ptr<arrow::Schema>& columns, ChosenEncodings& chosen) {
  switch (encoding.form) {
    case FilesForm::kParquet:
      return std::make_unique<ParquetColumnFile>(encoding, columns, chosen);
    case FilesForm::kAvro:
      return std::make_unique<AvroColumnFile>(key, encoding, *columns);
    case FilesForm::kLines:
      break;
  }
  throw Error(ErrorCode::kInternal, "files of lines have no columns");
}

}  // namespace millrace::land
