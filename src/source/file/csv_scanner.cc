#include <algorithm>

#include "source/file/csv_fields.h"
#include "source/file/record_scanner.h"

namespace millrace::source {
namespace {

/// Rows of CSV. A quote that never closes would swallow every row behind it: such a row is taken to end with its
/// first line, so that the rows behind it are read.
class CsvScanner final : public RecordScanner {
 public:
  CsvScanner(CsvDialect dialect, size_t row_bytes_max) : dialect_(dialect), row_bytes_max_(row_bytes_max) {}

  size_t Scan(std::string_view block, bool last, std::vector<event::Span>* records) override {
    size_t begin = 0, quote = 0;  // the next quote, or the block's end
    while (begin < block.size()) {
      if (quote <= begin) quote = std::min(block.find(dialect_.quote, begin), block.size());
      const size_t newline = block.find('\n', begin);
      const size_t size = newline < quote ? newline + 1 - begin : RowSize(block.substr(begin), last);
      if (size == kNotYet) break;
      Add(block, begin, begin + size, records);
      begin += size;
    }
    return begin;
  }

  void StartSkip(std::string_view) override {}

  size_t Skip(std::string_view more) override {
    const auto end = more.find('\n');
    return end == std::string_view::npos ? kNotYet : end + 1;
  }

 private:
  /// With its line break.
  size_t RowSize(std::string_view rest, bool last) const {
    const auto held = rest.substr(0, row_bytes_max_ + 1);
    const size_t end = EndOfCsvRow(held, dialect_);
    if (end != std::string_view::npos) return end;
    if (held.size() <= row_bytes_max_ && !last) return kNotYet;
    const size_t newline = rest.find('\n');
    if (newline != std::string_view::npos) return newline + 1;
    return last ? rest.size() : kNotYet;
  }

  static void Add(std::string_view block, size_t begin, size_t end, std::vector<event::Span>* records) {
    if (end > begin && block[end - 1] == '\n') --end;
    if (end > begin && block[end - 1] == '\r') --end;
    if (end > begin) records->push_back({static_cast<uint32_t>(begin), static_cast<uint32_t>(end - begin)});
  }

  CsvDialect dialect_;
  size_t row_bytes_max_;
};

}  // namespace

std::unique_ptr<RecordScanner> MakeCsvScanner(char delimiter, char quote, size_t row_bytes_max) {
  return std::make_unique<CsvScanner>(CsvDialect{delimiter, quote}, row_bytes_max);
}

}  // namespace millrace::source
