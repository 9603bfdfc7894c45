#include "source/file/file_source.h"

#include <fcntl.h>
#include <fmt/format.h>

#include <algorithm>

#include "base/error.h"
#include "base/log.h"
#include "io/file_descriptor.h"

namespace millrace::source {
namespace {

constexpr std::chrono::seconds kLookEvery{1};
constexpr size_t kRecordBytesLimit = size_t{1} << 30;  // spans are 32 bits

std::string HeadOf(const std::string& path) {
  const auto file = io::FileDescriptor::Open(path, O_RDONLY);
  std::string head(static_cast<size_t>(kHeadBytesMax), '\0');
  head.resize(file.is_open() ? static_cast<size_t>(io::ReadAt(file, head.data(), kHeadBytesMax, 0, path)) : 0);
  return head;
}

}  // namespace

FileSource::FileSource(FileSourceOptions options, const Clock& clock) : options_(std::move(options)), clock_(clock) {
  if (options_.paths.empty()) throw Error(ErrorCode::kConfig, "a file source needs a path");
  if (options_.record_bytes_max == 0 || options_.record_bytes_max > kRecordBytesLimit) {
    throw Error(ErrorCode::kConfig, fmt::format("a record limit of {} bytes is not possible: give 1 byte to 1 GiB",
                                                options_.record_bytes_max));
  }
  const char delimiter = options_.csv.delimiter, quote = options_.csv.quote;
  if (delimiter == '\n' || delimiter == '\r' || quote == '\n' || delimiter == quote) {
    throw Error(ErrorCode::kConfig, "csv.delimiter and csv.quote must differ, and be no line breaks");
  }
  Seek({});
}

FileSource::~FileSource() = default;

void FileSource::Seek(const event::Positions& positions) {
  ledger_ = FileLedger(positions, options_.compression);
  looked_.reset();
  waiting_.clear();
  files_.clear();
  held_copies_.clear();
}

event::ReadResult FileSource::Read(const event::ReadLimits& limits, std::stop_token stop) {
  return options_.follow ? ReadFollowing(limits, stop) : ReadBounded(limits);
}

event::ReadResult FileSource::Batch(std::shared_ptr<event::EventBatch> batch) const {
  batch->topic = options_.name;
  batch->ingested_at = clock_.Now();
  return {event::ReadState::kBatch, std::move(batch)};
}

void FileSource::FindBounded() {
  const auto found = FindFiles(options_.paths);
  const auto known = ledger_.Resolve(found);
  for (size_t i = 0; i < found.size(); ++i) {
    if (known[i]) waiting_.push_back({found[i], *known[i]});
  }
  for (const auto& path : options_.paths) {
    if (FindFiles({path}).empty()) {
      if (!IsPattern(path)) throw Error(ErrorCode::kConfig, fmt::format("there is no file {}: check its path", path));
      LogWarning("source {}: no file matches {}", options_.name, path);
    }
  }
  looked_ = clock_.Steady();
}

event::ReadResult FileSource::ReadBounded(const event::ReadLimits& limits) {
  if (!looked_) FindBounded();
  for (;;) {
    if (files_.empty()) {
      if (waiting_.empty()) return {event::ReadState::kExhausted, nullptr};
      const auto& next = waiting_.front();
      auto file = FileInProgress::Open(next.found, next.known, options_);
      if (file) {
        files_.push_back(std::move(file));
      } else {
        LogWarning("{} was deleted before it was read", next.found.path);
      }
      waiting_.pop_front();
      continue;
    }
    if (auto batch = files_.front()->Next(limits.bytes_max, true)) return Batch(std::move(batch));
    files_.pop_front();
  }
}

event::ReadResult FileSource::ReadFollowing(const event::ReadLimits& limits, std::stop_token stop) {
  if (!looked_ || clock_.Steady() - *looked_ >= kLookEvery) LookForFiles();
  if (auto batch = NextInTurn(limits.bytes_max)) return Batch(std::move(batch));
  clock_.SleepFor(limits.wait, stop);
  if (auto batch = NextInTurn(limits.bytes_max)) return Batch(std::move(batch));
  return {event::ReadState::kIdle, nullptr};
}

std::shared_ptr<event::EventBatch> FileSource::NextInTurn(size_t bytes_max) {
  for (size_t left = files_.size(); left > 0; --left) {
    auto file = std::move(files_.front());
    files_.pop_front();
    bool ended = false;
    auto batch = NextOf(*file, bytes_max, &ended);
    if (ended) {
      ledger_.Retire(file->known());
      looked_.reset();  // its path may hold a file already
    } else {
      files_.push_back(std::move(file));
    }
    if (batch) return batch;
  }
  return nullptr;
}

/// `ended`: nothing will come of this file any more.
std::shared_ptr<event::EventBatch> FileSource::NextOf(FileInProgress& file, size_t bytes_max, bool* ended) {
  const auto change = file.LookAgain();
  *ended = change == FileInProgress::Change::kCutShort;
  if (*ended) return nullptr;
  if (change == FileInProgress::Change::kGrown || !file.drained()) {
    if (auto batch = file.Next(bytes_max, false)) return batch;
  }
  if (!file.Deleted()) return nullptr;
  auto rest = file.Next(bytes_max, true);
  *ended = rest == nullptr;
  return rest;
}

void FileSource::LookForFiles() {
  looked_ = clock_.Steady();
  RetireCutFiles();
  std::vector<FoundFile> fresh;
  for (const auto& found : FindFiles(options_.paths)) {
    const auto followed = std::find_if(files_.begin(), files_.end(), [&](const auto& file) { return file->Is(found); });
    if (followed != files_.end()) {
      (*followed)->Rename(found.path);
    } else if (Ready(found) && !IsCopyOfFollowed(found)) {
      fresh.push_back(found);
    }
  }
  const auto known = ledger_.Resolve(fresh);
  for (size_t i = 0; i < fresh.size(); ++i) {
    if (!known[i]) continue;
    if (auto file = FileInProgress::Open(fresh[i], *known[i], options_)) files_.push_back(std::move(file));
  }
}

/// Before names are looked up: the copy that rotation made of such a file is to go on under its split.
void FileSource::RetireCutFiles() {
  std::erase_if(files_, [&](const auto& file) {
    if (file->LookAgain() != FileInProgress::Change::kCutShort) return false;
    LogInfo("{} was cut and begins again", file->path());
    ledger_.Retire(file->known());
    return true;
  });
}

/// Enough is there to tell what the file is: of CSV the header and a row.
bool FileSource::Ready(const FoundFile& found) const {
  if (found.size == 0) return false;
  if (found.size >= kHeadBytesMax) return true;
  const OpenFile file{found.path, io::FileDescriptor::Open(found.path, O_RDONLY)};
  if (!file.descriptor.is_open()) return true;  // Open says why
  const auto layout = DetectLayout(file, options_, found.size);
  if (layout->format != FileFormat::kCsv) return true;
  std::vector<event::Span> rows;
  MakeCsvScanner(layout->dialect.delimiter, layout->dialect.quote, options_.record_bytes_max)
      ->Scan(layout->sample, false, &rows);
  return rows.size() >= (options_.csv.columns.empty() ? 2u : 1u);
}

/// Log rotation by copy: for a moment "app.log.1" is what "app.log" is. It must not be read a second time.
bool FileSource::IsCopyOfFollowed(const FoundFile& found) {
  for (const auto& file : files_) {
    const bool named_after = found.path.starts_with(file->path()) && found.path.size() > file->path().size();
    if (!named_after) continue;
    const auto copy = HeadOf(found.path), original = HeadOf(file->path());
    const size_t common = std::min(copy.size(), original.size());
    if (common == 0 || copy.compare(0, common, original, 0, common) != 0) continue;
    if (held_copies_.insert(found.path).second) {
      LogWarning("{} is a copy of {} so far: it is not read until they differ", found.path, file->path());
    }
    return true;
  }
  return false;
}

event::Lag FileSource::lag() {
  if (!looked_) options_.follow ? LookForFiles() : FindBounded();
  int64_t bytes = 0;
  for (const auto& file : files_) bytes += file->raw_bytes_left();
  for (const auto& file : waiting_) bytes += file.found.size;
  return {.records = bytes == 0 ? 0 : -1, .bytes = bytes, .oldest = {}};
}

}  // namespace millrace::source
