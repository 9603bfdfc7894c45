#include "source/file/file_layout.h"

#include <fmt/format.h>

#include <algorithm>

#include "base/error.h"
#include "source/file/file_identity.h"
#include "source/file/file_name.h"
#include "source/file/record_scanner.h"

namespace millrace::source {
namespace {

constexpr std::string_view kByteOrderMark = "\xEF\xBB\xBF";
/// Of the decompressed head.
constexpr size_t kSampleBytesMax = size_t{1} << 20;

std::string ReadHead(const OpenFile& file, Compression compression, int64_t head_bytes) {
  const auto stream =
      MakeByteStream(file, compression, {.raw_bytes_max = head_bytes, .decompressed_bytes_max = INT64_MAX});
  std::string head(compression == Compression::kNone ? static_cast<size_t>(head_bytes) : kSampleBytesMax, '\0');
  head.resize(stream->Read(head.data(), head.size()));
  return head;
}

/// Whether the first line is one JSON value, as in JSON lines, or only the start of one.
bool FirstLineIsWhole(std::string_view text) {
  const auto line = text.substr(0, text.find('\n'));
  std::vector<event::Span> values;
  const size_t consumed = MakeJsonValueScanner(false, false)->Scan(line, false, &values);
  return values.empty() ? line.size() == text.size()
                        : line.find_first_not_of(" \t\r", consumed) == std::string_view::npos;
}

FileFormat DetectFormat(const std::string& path, std::string_view text) {
  if (const auto named = FormatOfName(path); named != FileFormat::kAuto) return named;
  const size_t first = text.find_first_not_of(" \t\r\n");
  if (first == std::string_view::npos) return FileFormat::kJsonLines;
  if (text[first] == '[') return FileFormat::kJsonArray;
  if (text[first] == '{' && !FirstLineIsWhole(text.substr(first))) return FileFormat::kJsonArray;
  return FileFormat::kJsonLines;
}

void TakeSample(std::string_view text, bool whole, size_t row_bytes_max, FileLayout* layout) {
  layout->sample = std::string(text);
  std::vector<event::Span> rows;
  MakeCsvScanner(layout->dialect.delimiter, layout->dialect.quote, row_bytes_max)->Scan(layout->sample, whole, &rows);
  for (const auto& row : rows) layout->sample_rows.emplace_back(layout->sample.data() + row.begin, row.size);
}

}  // namespace

std::unique_ptr<const FileLayout> DetectLayout(const OpenFile& file, const FileSourceOptions& options,
                                               int64_t head_bytes) {
  auto layout = std::make_unique<FileLayout>();
  layout->compression = options.compression;
  if (layout->compression == Compression::kAuto) {
    layout->compression = DetectCompression(ReadHead(file, Compression::kNone, std::min<int64_t>(head_bytes, 8)));
  }
  const auto head = ReadHead(file, layout->compression, head_bytes);
  std::string_view text = head;
  if (text.starts_with(kByteOrderMark)) layout->bom_bytes = kByteOrderMark.size();
  text.remove_prefix(layout->bom_bytes);
  layout->format = options.format == FileFormat::kAuto ? DetectFormat(file.path, text) : options.format;
  const size_t first = text.find_first_not_of(" \t\r\n");
  layout->is_array = first != std::string_view::npos && text[first] == '[';
  if (layout->format == FileFormat::kCsv) {
    const char given = options.csv.delimiter;
    layout->dialect = {given == 0 ? DelimiterOfName(file.path) : given, options.csv.quote};
    // A head below its limit was the whole file when it was first seen: its last row may lack a line break.
    TakeSample(text, head_bytes < kHeadBytesMax, options.record_bytes_max, layout.get());
    if (layout->sample_rows.empty() && head_bytes == kHeadBytesMax) {
      throw Error(ErrorCode::kData,
                  fmt::format("{} has no line break in its first {} bytes: it is no CSV file, or its header is too "
                              "long; give its format, or csv.columns",
                              file.path, head_bytes));
    }
  }
  return layout;
}

}  // namespace millrace::source
