#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "base/bytes.h"
#include "event/event_batch.h"
#include "source/file/byte_stream.h"
#include "source/file/csv_rows.h"
#include "source/file/file_identity.h"
#include "source/file/file_layout.h"
#include "source/file/record_scanner.h"

namespace millrace::source {

/// Some records of a file and the place behind them.
struct FileChunk {
  std::shared_ptr<const PaddedBuffer> payload;
  std::vector<event::Span> records;
  std::vector<int64_t> offsets;  // of the records, in the (decompressed) file
  bool newline_joined = false;
  /// The records are objects that were written here, of rows of CSV: valid JSON where their bytes are UTF-8.
  bool objects = false;
  FileCursor end;
};

/// Reads the records of one open file from a place on. Big blocks go straight into the payload that is handed out;
/// only the piece of a record at the end of a block is copied, to the front of the next. Single-threaded; the file
/// outlives it.
class FileReader {
 public:
  FileReader(const OpenFile& file, const FileLayout& layout, const FileSourceOptions& options);

  /// Goes to `place`. False when the file is shorter. Error kStop when the bytes before it are not those that were
  /// read.
  bool Seek(const FileCursor& place);

  /// The next records, at most about `bytes_max` bytes of the file. nullopt: no whole record is there now. `final`:
  /// what is there is all there will be, so half a record at the end is one, and compressed data that is not whole is
  /// reported by a record of its own.
  std::optional<FileChunk> Next(size_t bytes_max, bool final);

  /// Bytes of the file (as it lies on disk) that were taken in.
  int64_t raw_offset() const { return stream_->raw_offset(); }
  /// Nothing behind this can be read, and that has been said.
  bool finished() const { return finished_; }
  /// True unless the bytes of an uncompressed file before raw_offset() are others than those that were read.
  bool Unchanged() const;

 private:
  /// A record that is too long to hold: its front, while its end is looked for.
  struct LongRecord {
    std::string front;
    int64_t offset = 0;
  };

  /// A CSV row grows by its column names when it becomes JSON.
  static constexpr size_t kCsvGrowth = 4;

  bool Discard(int64_t bytes);
  std::optional<FileChunk> FromBlock(std::shared_ptr<PaddedBuffer> block, const std::vector<event::Span>& spans,
                                     size_t consumed);
  FileChunk InPlace(std::shared_ptr<PaddedBuffer> block, std::vector<event::Span> records, size_t consumed) const;
  FileChunk ToJson(const PaddedBuffer& block, const std::vector<event::Span>& rows, int64_t base);
  void Consume(std::string_view bytes);
  void StartLong(std::string_view block);
  std::optional<FileChunk> FinishLong(bool final);
  std::optional<FileChunk> BreakOff(std::string_view rest);
  FileChunk Single(std::string_view record, int64_t offset) const;
  FileCursor Place() const { return {offset_, HashOf(tail_), std::nullopt}; }

  const OpenFile& file_;
  const FileLayout& layout_;
  size_t record_bytes_max_;
  StreamLimits stream_limits_;
  std::unique_ptr<ByteStream> stream_;
  std::unique_ptr<RecordScanner> scanner_;
  std::unique_ptr<CsvRows> rows_;
  double growth_ = kCsvGrowth;  // of CSV that becomes JSON, seen last
  bool header_due_ = false;     // the next row of a CSV file is its header
  int64_t offset_ = 0;          // of the front of carry_
  std::string carry_;           // read, but not whole records yet
  std::string tail_;            // the bytes before offset_
  std::optional<LongRecord> long_;
  bool finished_ = false;
};

}  // namespace millrace::source
