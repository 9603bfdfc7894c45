#include "source/file/file_reader.h"

#include <fmt/format.h>
#include <sys/stat.h>

#include <algorithm>
#include <cstring>

#include "base/error.h"
#include "base/log.h"

namespace millrace::source {
namespace {

constexpr size_t kBlockBytesMin = size_t{64} << 10;

/// Text that grows at its end, and becomes a payload.
class JsonLines {
 public:
  explicit JsonLines(size_t bytes_expected) : bytes_(PaddedBuffer::Allocate(bytes_expected)) {}

  size_t size() const { return size_; }
  std::string_view view() const { return {bytes_->data(), size_}; }
  void Append(std::string_view text) {
    MakeRoom(text.size());
    std::memcpy(bytes_->data() + size_, text.data(), text.size());
    size_ += text.size();
  }
  /// False, and nothing appended, when the row is of another kind.
  bool AppendPlain(const PlainCsvRows& rows, std::string_view row) {
    MakeRoom(rows.RoomFor(row.size()));
    const char* const end = rows.Write(row, bytes_->data() + size_);
    if (end == nullptr) return false;
    size_ = static_cast<size_t>(end - bytes_->data());
    return true;
  }
  std::shared_ptr<const PaddedBuffer> Take() && {
    if (size_ < bytes_->capacity() / 2) return PaddedBuffer::CopyOf(view());
    bytes_->Resize(size_);
    return std::move(bytes_);
  }

 private:
  void MakeRoom(size_t bytes) {
    if (bytes_->capacity() - size_ >= bytes) return;
    auto larger = PaddedBuffer::Allocate(size_ + size_ / 2 + bytes);
    std::memcpy(larger->data(), bytes_->data(), size_);
    bytes_ = std::move(larger);
  }

  std::shared_ptr<PaddedBuffer> bytes_;
  size_t size_ = 0;
};

std::unique_ptr<RecordScanner> ScannerFor(const FileLayout& layout, bool at_start, size_t record_bytes_max) {
  switch (layout.format) {
    case FileFormat::kJsonArray:
      return MakeJsonValueScanner(layout.is_array, at_start);
    case FileFormat::kCsv:
      return MakeCsvScanner(layout.dialect.delimiter, layout.dialect.quote, record_bytes_max);
    case FileFormat::kAuto:
    case FileFormat::kJsonLines:
      return MakeLineScanner();
  }
  return MakeLineScanner();
}

}  // namespace

FileReader::FileReader(const OpenFile& file, const FileLayout& layout, const FileSourceOptions& options)
    : file_(file),
      layout_(layout),
      record_bytes_max_(options.record_bytes_max),
      stream_limits_{.expansion_max = options.expansion_max, .decompressed_bytes_max = options.decompressed_bytes_max} {
  if (layout.format == FileFormat::kCsv) {
    rows_ = std::make_unique<CsvRows>(file.path, layout.dialect, options.csv, layout.sample_rows);
  }
  Seek({.offset = 0, .tail_hash = HashOf({}), .cut_at_size = {}});
}

bool FileReader::Seek(const FileCursor& place) {
  stream_ = MakeByteStream(file_, layout_.compression, stream_limits_);
  scanner_ = ScannerFor(layout_, place.offset == 0, record_bytes_max_);
  header_due_ = rows_ && rows_->has_header() && place.offset == 0;
  offset_ = 0;
  carry_.clear();
  tail_.clear();
  long_.reset();
  finished_ = false;
  if (!Discard(place.offset == 0 ? static_cast<int64_t>(layout_.bom_bytes) : place.offset)) return false;
  if (place.offset == 0 || HashOf(tail_) == place.tail_hash) return true;
  throw Error(ErrorCode::kStop,
              fmt::format("{} was changed before byte {}, which had been read already: rows may be missing or come "
                          "twice; put the file back as it was, or give the new one another name and content",
                          file_.path, place.offset));
}

/// Moves on by `bytes`, keeping the tail; false when the file ends before.
bool FileReader::Discard(int64_t bytes) {
  const int64_t tail_begin = std::max<int64_t>(bytes - static_cast<int64_t>(kTailBytesMax), 0);
  if (stream_->Jump(tail_begin)) offset_ = tail_begin;
  std::string block;
  while (offset_ < bytes) {
    block.resize(static_cast<size_t>(std::min<int64_t>(bytes - offset_, int64_t{1} << 20)));
    const size_t got = stream_->Read(block.data(), block.size());
    if (got == 0) return false;
    Consume({block.data(), got});
  }
  return true;
}

void FileReader::Consume(std::string_view bytes) {
  offset_ += static_cast<int64_t>(bytes.size());
  if (bytes.size() >= kTailBytesMax) {
    tail_ = bytes.substr(bytes.size() - kTailBytesMax);
    return;
  }
  tail_ += bytes;
  if (tail_.size() > kTailBytesMax) tail_.erase(0, tail_.size() - kTailBytesMax);
}

std::optional<FileChunk> FileReader::Next(size_t bytes_max, bool final) {
  if (finished_) return std::nullopt;
  if (long_) return FinishLong(final);
  const size_t block_bytes = std::max(rows_ ? bytes_max / kCsvGrowth : bytes_max, kBlockBytesMin);
  for (;;) {
    auto block = PaddedBuffer::Allocate(std::max(block_bytes, carry_.size() * 2 + kBlockBytesMin));
    std::memcpy(block->data(), carry_.data(), carry_.size());
    const size_t wanted = block->capacity() - carry_.size();
    const size_t got = stream_->Read(block->data() + carry_.size(), wanted);
    block->Resize(carry_.size() + got);
    const bool ended = got < wanted;
    const bool last = ended && final && stream_->state() == StreamState::kBetween;
    std::vector<event::Span> spans;
    const size_t consumed = scanner_->Scan(block->view(), last, &spans);
    carry_.assign(block->data() + consumed, block->size() - consumed);
    if (auto chunk = FromBlock(std::move(block), spans, consumed)) return chunk;
    if (carry_.size() > record_bytes_max_) {
      StartLong(carry_);
      return FinishLong(final);
    }
    if (ended) {
      const bool broken = stream_->state() == StreamState::kBroken;
      const bool cut = final && stream_->state() == StreamState::kMidway;
      return broken || cut ? BreakOff(carry_) : std::nullopt;
    }
  }
}

/// The records of a block, unless there are none; either way the block's `consumed` bytes are done with.
std::optional<FileChunk> FileReader::FromBlock(std::shared_ptr<PaddedBuffer> block,
                                               const std::vector<event::Span>& spans, size_t consumed) {
  const bool header = header_due_ && !spans.empty();
  if (header) header_due_ = false;
  const int64_t base = offset_;
  Consume(block->view().substr(0, consumed));
  const std::vector<event::Span> records(spans.begin() + (header ? 1 : 0), spans.end());
  if (records.empty()) return std::nullopt;
  auto chunk = rows_ ? ToJson(*block, records, base) : InPlace(std::move(block), records, consumed);
  chunk.offsets.reserve(records.size());
  for (const auto& span : records) chunk.offsets.push_back(base + span.begin);
  chunk.end = Place();
  return chunk;
}

FileChunk FileReader::InPlace(std::shared_ptr<PaddedBuffer> block, std::vector<event::Span> records,
                              size_t consumed) const {
  FileChunk chunk;
  chunk.newline_joined = layout_.format == FileFormat::kJsonLines;
  for (auto& span : records) {
    if (span.size <= record_bytes_max_) continue;
    span.size = static_cast<uint32_t>(record_bytes_max_ + 1);
    chunk.newline_joined = false;
  }
  chunk.records = std::move(records);
  block->Resize(consumed);
  if (chunk.newline_joined && block->view().back() != '\n') {
    // The file's last line lacks its line break, which a joined payload has.
    chunk.newline_joined = block->size() < block->capacity();
    if (chunk.newline_joined) {
      block->data()[block->size()] = '\n';
      block->Resize(block->size() + 1);
    }
  }
  const bool mostly_empty = block->size() < block->capacity() / 4;
  chunk.payload = mostly_empty ? PaddedBuffer::CopyOf(block->view()) : std::move(block);
  return chunk;
}

FileChunk FileReader::ToJson(const PaddedBuffer& block, const std::vector<event::Span>& rows, int64_t base) {
  FileChunk chunk;
  chunk.newline_joined = chunk.objects = true;
  chunk.records.reserve(rows.size());
  JsonLines lines(static_cast<size_t>(growth_ * static_cast<double>(block.size())));
  std::string json;
  for (const auto& span : rows) {
    const size_t begin = lines.size();
    const std::string_view row(block.data() + span.begin, span.size);
    const bool whole = row.size() <= record_bytes_max_;
    if (!whole || !lines.AppendPlain(rows_->plain(), row)) {
      json.clear();
      if (whole) rows_->Append(row, base + span.begin, &json);
      lines.Append(whole ? json : row.substr(0, record_bytes_max_ + 1));
      // A row that could not be split stands there as it is, line breaks and all.
      const bool object = whole && json.starts_with('{');
      chunk.objects = chunk.objects && object;
      if (!object && lines.view().find('\n', begin) != std::string_view::npos) chunk.newline_joined = false;
    }
    chunk.records.push_back({static_cast<uint32_t>(begin), static_cast<uint32_t>(lines.size() - begin)});
    lines.Append("\n");
  }
  constexpr double kToSpare = 1.02;
  growth_ = kToSpare * static_cast<double>(lines.size()) / static_cast<double>(block.size());
  chunk.payload = std::move(lines).Take();
  return chunk;
}

void FileReader::StartLong(std::string_view block) {
  long_ = LongRecord{std::string(block.substr(0, record_bytes_max_ + 1)), offset_};
  scanner_->StartSkip(block);
  Consume(block);
  carry_.clear();
}

std::optional<FileChunk> FileReader::FinishLong(bool final) {
  std::string block(kBlockBytesMin, '\0');
  for (;;) {
    const size_t got = stream_->Read(block.data(), block.size());
    const std::string_view bytes(block.data(), got);
    size_t size = got == 0 ? RecordScanner::kNotYet : scanner_->Skip(bytes);
    const bool ended = got < block.size() && (final || stream_->state() == StreamState::kBroken);
    if (size == RecordScanner::kNotYet) {
      Consume(bytes);
      if (!ended) {
        if (got < block.size()) return std::nullopt;
        continue;
      }
      size = got;
    } else {
      Consume(bytes.substr(0, size));
      carry_ = bytes.substr(size);
    }
    const auto record = std::move(*long_);
    long_.reset();
    LogWarning("{}: the record at byte {} is longer than {} bytes; what is behind them, up to byte {}, was left out",
               file_.path, record.offset, record_bytes_max_, offset_);
    auto chunk = Single(record.front, record.offset);
    chunk.end = Place();
    return chunk;
  }
}

/// Says that nothing more can be read, as a record that quarantine will keep, with the piece of a record before it.
std::optional<FileChunk> FileReader::BreakOff(std::string_view rest) {
  finished_ = true;
  const auto problem = stream_->state() == StreamState::kBroken
                           ? stream_->problem()
                           : fmt::format("its {} data ends in the middle", ToString(layout_.compression));
  const auto text = fmt::format("{}: cannot be read beyond byte {}: {}; whole again, it is read on from there: {}",
                                file_.path, stream_->raw_offset(), problem, rest);
  LogWarning("{}", text.substr(0, text.size() - rest.size() - 2));
  auto chunk = Single(std::string_view(text).substr(0, record_bytes_max_), offset_);
  chunk.end = Place();
  struct stat status {};
  if (::fstat(file_.descriptor.get(), &status) == 0) chunk.end.cut_at_size = status.st_size;
  return chunk;
}

FileChunk FileReader::Single(std::string_view record, int64_t offset) const {
  FileChunk chunk;
  chunk.payload = PaddedBuffer::CopyOf(record);
  chunk.records = {{0, static_cast<uint32_t>(record.size())}};
  chunk.offsets = {offset};
  return chunk;
}

bool FileReader::Unchanged() const {
  if (layout_.compression != Compression::kNone) return true;
  const std::string known = tail_ + carry_;
  const auto size = std::min(known.size(), kTailBytesMax);
  std::string now(size, '\0');
  const auto begin = stream_->raw_offset() - static_cast<int64_t>(size);
  now.resize(
      static_cast<size_t>(io::ReadAt(file_.descriptor, now.data(), static_cast<int64_t>(size), begin, file_.path)));
  return now == known.substr(known.size() - size);
}

}  // namespace millrace::source
