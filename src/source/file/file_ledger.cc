#include "source/file/file_ledger.h"

#include <fcntl.h>
#include <fmt/format.h>

#include <algorithm>
#include <cerrno>

#include "base/error.h"
#include "io/file_error.h"
#include "source/file/byte_stream.h"

namespace millrace::source {
namespace {

/// Files that share fewer bytes than this may well be strangers.
constexpr int64_t kRenamedHeadBytesMin = 256;

/// nullopt when the file is gone; empty when it is empty.
std::optional<std::string> ReadPiece(const std::string& path, int64_t offset, int64_t size) {
  const auto descriptor = io::FileDescriptor::Open(path, O_RDONLY);
  if (!descriptor.is_open()) {
    if (errno == ENOENT || errno == ENOTDIR) return std::nullopt;
    throw io::FileError(errno, "open", path);
  }
  std::string piece(static_cast<size_t>(size), '\0');
  piece.resize(static_cast<size_t>(io::ReadAt(descriptor, piece.data(), size, offset, path)));
  return piece;
}

bool BeginsAs(const FileSplit& split, std::string_view head) {
  const auto size = static_cast<size_t>(split.head_bytes);
  return head.size() >= size && HashOf(head.substr(0, size)) == split.head_hash;
}

enum class Tail { kSame, kShorter, kOther };

/// Whether the bytes before the cursor are those that were read. Compressed files answer when they are opened.
Tail CompareTail(const FoundFile& file, const FileCursor& cursor) {
  const auto size = std::min<int64_t>(cursor.offset, static_cast<int64_t>(kTailBytesMax));
  const auto tail = ReadPiece(file.path, cursor.offset - size, size);
  if (!tail || static_cast<int64_t>(tail->size()) < size) return Tail::kShorter;
  return cursor.offset == 0 || HashOf(*tail) == cursor.tail_hash ? Tail::kSame : Tail::kOther;
}

}  // namespace

FileLedger::FileLedger(const event::Positions& positions, Compression compression) : compression_(compression) {
  for (const auto& [id, cursor] : positions) {
    if (auto split = ParseFileSplit(id)) Add({std::move(*split), ParseFileCursor(cursor)});
  }
}

void FileLedger::Add(KnownFile file) {
  Entry added{std::move(file)};
  for (auto& entry : entries_) {
    FileSplit same = entry.file.split;
    same.incarnation = added.file.split.incarnation;
    if (same != added.file.split) continue;
    const bool later = entry.file.split.incarnation > added.file.split.incarnation;
    (later ? added : entry).taken = true;
  }
  entries_.push_back(std::move(added));
}

void FileLedger::Retire(const KnownFile& file) {
  std::erase_if(entries_, [&](const Entry& entry) { return entry.file.split == file.split; });
  Add(file);
}

std::vector<std::optional<KnownFile>> FileLedger::Resolve(const std::vector<FoundFile>& files) {
  std::vector<std::optional<KnownFile>> answers(files.size());
  // Files that are where they were go first, so that a copy cannot take their place.
  for (const bool by_path : {true, false}) {
    for (size_t i = 0; i < files.size(); ++i) {
      if (answers[i]) continue;
      const auto head = ReadPiece(files[i].path, 0, kHeadBytesMax);
      if (!head || head->empty()) continue;
      answers[i] = by_path ? ByPath(files[i], *head) : ByContent(files[i], *head);
      if (answers[i] || by_path) continue;
      answers[i] = KnownFile{{static_cast<int64_t>(head->size()), HashOf(*head), 1, files[i].path},
                             {.offset = 0, .tail_hash = HashOf({}), .cut_at_size = {}}};
    }
  }
  return answers;
}

std::optional<KnownFile> FileLedger::ByPath(const FoundFile& file, std::string_view head) {
  for (auto& entry : entries_) {
    if (entry.taken || entry.file.split.path != file.path || !BeginsAs(entry.file.split, head)) continue;
    entry.taken = true;
    const bool packed =
        (compression_ == Compression::kAuto ? DetectCompression(head) : compression_) != Compression::kNone;
    switch (packed ? Tail::kSame : CompareTail(file, entry.file.cursor)) {
      case Tail::kSame:
        return entry.file;
      case Tail::kShorter: {
        FileSplit next = entry.file.split;
        ++next.incarnation;
        return KnownFile{next, {.offset = 0, .tail_hash = HashOf({}), .cut_at_size = {}}};
      }
      case Tail::kOther:
        throw Error(ErrorCode::kStop,
                    fmt::format("{} was changed before byte {}, which had been read already: rows may be missing or "
                                "come twice; put the file back as it was, or give the new one another name",
                                file.path, entry.file.cursor.offset));
    }
  }
  return std::nullopt;
}

std::optional<KnownFile> FileLedger::ByContent(const FoundFile& file, std::string_view head) {
  const bool packed =
      (compression_ == Compression::kAuto ? DetectCompression(head) : compression_) != Compression::kNone;
  for (auto& entry : entries_) {
    if (entry.taken || entry.file.split.head_bytes < kRenamedHeadBytesMin || !BeginsAs(entry.file.split, head))
      continue;
    if (!packed && CompareTail(file, entry.file.cursor) != Tail::kSame) continue;
    entry.taken = true;
    return entry.file;
  }
  return std::nullopt;
}

}  // namespace millrace::source
