#include "query/export.h"

#include <arrow/record_batch.h>

#include <algorithm>
#include <exception>
#include <memory>
#include <ostream>
#include <streambuf>
#include <utility>

#include "base/fault.h"
#include "query/result_printer.h"

namespace millrace::query {
namespace {

/// An ExportFile as std::ostream writes to it. A stream swallows what is thrown through it; here it is kept.
class FileBuffer final : public std::streambuf {
 public:
  explicit FileBuffer(ExportFile& file) : file_(file) {}

  int64_t bytes() const { return bytes_; }
  void Rethrow() const {
    if (failure_) std::rethrow_exception(failure_);
  }

 protected:
  int_type overflow(int_type c) override {
    if (traits_type::eq_int_type(c, traits_type::eof())) return traits_type::not_eof(c);
    const char one = traits_type::to_char_type(c);
    return xsputn(&one, 1) == 1 ? c : traits_type::eof();
  }
  std::streamsize xsputn(const char* text, std::streamsize size) override {
    if (failure_) return 0;
    try {
      file_.Write({text, static_cast<size_t>(size)});
    } catch (...) {
      failure_ = std::current_exception();
      return 0;
    }
    bytes_ += size;
    return size;
  }

 private:
  ExportFile& file_;
  int64_t bytes_ = 0;
  std::exception_ptr failure_;
};

/// One file and the printer that fills it.
class Part {
 public:
  Part(std::unique_ptr<ExportFile> file, const ExportOptions& options, const std::shared_ptr<arrow::Schema>& schema)
      : file_(std::move(file)),
        buffer_(*file_),
        out_(&buffer_),
        printer_(MakePrinter(options.format, options.print, out_)) {
    Do([&] { printer_->Begin(schema); });
  }

  void Write(const arrow::RecordBatch& rows) {
    Do([&] { printer_->Write(rows); });
    rows_ += rows.num_rows();
  }

  /// Bytes of the file.
  int64_t Finish() {
    Do([&] { printer_->End(); });
    out_.flush();
    buffer_.Rethrow();
    FaultPoint("export.before_finish");
    std::move(*file_).Finish();
    FaultPoint("export.after_finish");
    return buffer_.bytes();
  }

  int64_t bytes() const { return buffer_.bytes() + printer_->bytes_waiting(); }
  int64_t room() const { return printer_->rows_max() - rows_; }

 private:
  /// What the file says is worth more than "the output is closed or full".
  template <typename Body>
  void Do(Body&& body) {
    try {
      body();
    } catch (...) {
      buffer_.Rethrow();
      throw;
    }
    buffer_.Rethrow();
  }

  std::unique_ptr<ExportFile> file_;
  FileBuffer buffer_;
  std::ostream out_;
  std::unique_ptr<ResultPrinter> printer_;
  int64_t rows_ = 0;
};

}  // namespace

ExportStats Export(ResultStream& result, const ExportOptions& options,
                   const std::function<std::unique_ptr<ExportFile>(int64_t part)>& open,
                   const std::function<void(const ExportStats&)>& tell) {
  ExportStats stats;
  std::unique_ptr<Part> part;
  const auto finish = [&] {
    stats.bytes += part->Finish();
    ++stats.files;
    part.reset();
  };
  const auto begin = [&] { part = std::make_unique<Part>(open(stats.files), options, result.schema()); };
  for (auto batch = result.Next(); batch; batch = result.Next()) {
    while (batch && batch->num_rows() > 0) {
      if (!part) begin();
      // One file takes all of it, and says so where it cannot.
      const auto room = options.part_bytes > 0 ? std::min(part->room(), batch->num_rows()) : batch->num_rows();
      part->Write(*batch->Slice(0, room));
      stats.rows += room;
      batch = batch->Slice(room);
      if (options.part_bytes > 0 && (part->bytes() >= options.part_bytes || part->room() == 0)) finish();
    }
    tell(stats);
  }
  if (!part && stats.files == 0) begin();
  if (part) finish();
  return stats;
}

}  // namespace millrace::query
