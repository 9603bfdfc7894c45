#include "stream/embedded/recovery.h"

#include <fmt/format.h>

#include <algorithm>
#include <vector>

#include "base/error.h"
#include "base/fault.h"
#include "base/log.h"

namespace millrace::stream {
namespace {

/// Follows the chain of a journal from a place on.
class JournalScanner {
 public:
  JournalScanner(const SegmentFolder& folder, uint64_t stream, const JournalPlace& from)
      : folder_(folder), stream_(stream), place_(from) {}

  /// The next entry of the chain, whole to its last payload; nullopt at the end of the journal. place() is behind it.
  std::optional<ReadEntry> Next() {
    if (auto entry = NextOf(place_.segment, place_.end)) return entry;
    return place_.sequence == 0 ? std::nullopt : NextOf(place_.segment + 1, 0);
  }
  const JournalPlace& place() const { return place_; }

 private:
  std::optional<ReadEntry> NextOf(int64_t segment, int64_t at) {
    if (file_ == nullptr || file_segment_ != segment) {
      if (!folder_.Has(segment)) return std::nullopt;
      file_ = folder_.Open(segment, VfsFile::Mode::kRead);
      file_segment_ = segment;
    }
    auto entry = EntryAt(*file_, at);
    if (!entry) return std::nullopt;
    const auto& header = entry->header;
    if (header.stream != stream_ || header.sequence != place_.sequence + 1 || header.chain != place_.chain ||
        !PayloadsAreWhole(*entry)) {
      return std::nullopt;
    }
    place_ = {segment, entry->payload_at + static_cast<int64_t>(header.payload_bytes), header.sequence,
              header.checksum};
    return entry;
  }

  bool PayloadsAreWhole(const ReadEntry& entry) {
    int64_t at = entry.payload_at;
    for (const auto& row : entry.meta.rows) {
      if (at + static_cast<int64_t>(row.payload_bytes) > file_->size()) return false;
      room_.resize(row.payload_bytes);
      if (!file_->Read(at, room_.data(), room_.size())) return false;
      if (Checksum(row.numbers, room_, OffsetAt(row.place)) != row.checksum) return false;
      at += row.payload_bytes;
    }
    return true;
  }

  const SegmentFolder& folder_;
  const uint64_t stream_;
  JournalPlace place_;
  std::unique_ptr<VfsFile> file_;
  int64_t file_segment_ = 0;
  std::string room_;
};

/// A stream.db that is new, or was put back, beside the segments of another one.
void CheckOwner(const SegmentFolder& folder, uint64_t stream, int64_t segment) {
  if (!folder.Has(segment)) return;
  const auto entry = EntryAt(*folder.Open(segment, VfsFile::Mode::kRead), 0);
  if (!entry || entry->header.stream == stream) return;
  throw Error(ErrorCode::kStop,
              fmt::format("{} belongs to another stream.db; put the one back that it was made with, or move the "
                          "folder away",
                          folder.path().string()));
}

void Redo(Ledger& ledger, const SegmentFolder& folder) {
  auto& journal = ledger.journal();
  FaultPoint("stream.before_recover");
  ledger.connection().SyncCommits(true);
  Transaction transaction(ledger.connection(), Transaction::Kind::kWrite);
  ledger.Begin();
  JournalScanner scanner(folder, journal.stream(), journal.place());
  int64_t entries = 0;
  for (; const auto entry = scanner.Next(); ++entries) {
    const bool moved = entry->header.moved;  // its rows were pointed to it by a commit that did not happen
    journal.Advance(scanner.place(), moved ? 0 : entry->header.payload_bytes);
    if (!moved) ledger.Redo(entry->meta, {scanner.place().segment, entry->payload_at});
  }
  transaction.Commit();
  FaultPoint("stream.after_recover");
  if (entries > 0) LogInfo("stream.db was {} commits behind its journal and has caught up", entries);
}

void RemoveLeftOver(Ledger& ledger, const SegmentFolder& folder) {
  const auto present = folder.List();
  if (present.empty()) return;
  Transaction snapshot(ledger.connection(), Transaction::Kind::kRead);
  std::vector<int64_t> known;
  auto select = ledger.connection().Prepare("SELECT id FROM segment ORDER BY id");
  while (select.Step()) known.push_back(select.Int(0));
  for (const auto segment : present) {
    if (segment < known.back() && !std::ranges::binary_search(known, segment)) folder.Remove(segment);
  }
}

}  // namespace

void Recover(Ledger& ledger, const SegmentFolder& folder) {
  auto& journal = ledger.journal();
  journal.Reload();
  const auto place = journal.place();
  CheckOwner(folder, journal.stream(), place.segment);
  // A look without the lock: there is seldom anything, and what a living writer is about to commit is looked at again.
  if (JournalScanner(folder, journal.stream(), place).Next()) Redo(ledger, folder);
  RemoveLeftOver(ledger, folder);
}

}  // namespace millrace::stream
