#include "stream/embedded/journal.h"

#include <fmt/format.h>

#include <algorithm>
#include <utility>

#include "base/error.h"
#include "stream/embedded/log_copier.h"

namespace millrace::stream {
namespace {

/// Smaller payloads are gathered and written with those beside them.
constexpr size_t kOwnWriteBytesMin = size_t{64} << 10;

/// Measured on ext4 with 512 bytes: a sync over bytes that are there takes two thirds of one that appends. Larger
/// entries would pay more for zeros than they save.
constexpr uint64_t kZeroAheadEntryMax = uint64_t{32} << 10;
constexpr size_t kZeroAheadBytes = size_t{1} << 20;

}  // namespace

Journal::Journal(Connection& connection, const SegmentFolder& folder, int64_t segment_bytes)
    : connection_(connection),
      folder_(folder),
      segment_bytes_(segment_bytes),
      stream_(static_cast<uint64_t>(connection.QueryInt("SELECT id FROM stream"))),
      read_place_(connection.Prepare("SELECT id, end_at, sequence, chain FROM segment ORDER BY id DESC LIMIT 1")),
      enter_(connection.Prepare("INSERT OR IGNORE INTO segment VALUES(?, 0, 0, 0, 0)")),
      note_(connection.Prepare("UPDATE segment SET end_at = ?, sequence = ?, chain = ?, live_bytes = live_bytes + ? "
                               "WHERE id = ?")),
      drop_(connection.Prepare("UPDATE segment SET live_bytes = live_bytes - ? WHERE id = ?")) {}

const JournalPlace& Journal::place() {
  if (place_) return *place_;
  if (!read_place_.Step()) throw Error(ErrorCode::kStop, "stream.db lacks its segments; restore it from a copy");
  place_ = JournalPlace{read_place_.Int(0), read_place_.Int(1), static_cast<uint64_t>(read_place_.Int(2)),
                        static_cast<uint32_t>(read_place_.Int(3))};
  read_place_.Reset();
  return *place_;
}

void Journal::Enter(int64_t segment) {
  if (place_->segment != segment) {
    enter_.Bind(0, segment).Run();
    *place_ = {segment, 0, place_->sequence, place_->chain};
  }
  if (file_ != nullptr && file_segment_ == segment) return;
  Sync();  // the rest of this commit lies in the next one
  file_ = folder_.Open(segment, VfsFile::Mode::kWrite);
  file_segment_ = segment;
  file_bytes_ = file_->size();
  if (file_bytes_ < place_->end) {
    throw DatabaseFailure(ErrorCode::kStop, fmt::format("{} has {} bytes where stream.db counts {}; restore the folder "
                                                        "and stream.db from one copy",
                                                        folder_.PathOf(segment).string(), file_bytes_, place_->end));
  }
}

void Journal::ZeroAhead(uint64_t entry_bytes) {
  const int64_t end = place_->end + static_cast<int64_t>(entry_bytes);
  if (entry_bytes > kZeroAheadEntryMax || end <= file_bytes_) return;
  file_bytes_ = file_->size();  // another process may have been here
  if (end <= file_bytes_) return;
  static const std::string zeros(kZeroAheadBytes, '\0');
  const auto room =
      std::string_view(zeros).substr(0, static_cast<size_t>(std::max<int64_t>(0, segment_bytes_ - file_bytes_)));
  file_->Write(file_bytes_, room);
  file_bytes_ += static_cast<int64_t>(room.size());
}

PayloadSpot Journal::Write(const JournalMeta& meta, std::span<const std::string_view> payloads, bool moved) {
  place();
  Enter(place_->end >= segment_bytes_ ? place_->segment + 1 : place_->segment);
  if (!written_) written_ = {place_->segment, place_->end};
  synced_ = false;

  JournalHeader header{.stream = stream_, .sequence = place_->sequence + 1, .chain = place_->chain, .moved = moved};
  room_ = EncodeEntry(meta, header);
  ZeroAhead(header.entry_bytes());
  const PayloadSpot spot{place_->segment, place_->end + static_cast<int64_t>(room_.size())};
  int64_t at = place_->end;
  const auto write = [&](std::string_view bytes) {
    file_->Write(at, bytes);
    at += static_cast<int64_t>(bytes.size());
  };
  for (const auto payload : payloads) {
    if (payload.size() < kOwnWriteBytesMin) {
      room_ += payload;
      continue;
    }
    write(room_);
    room_.clear();
    write(payload);
  }
  if (!room_.empty()) write(room_);
  *place_ = {place_->segment, at, header.sequence, header.checksum};
  Note(header.payload_bytes);
  return spot;
}

void Journal::Note(uint64_t payload_bytes) {
  note_.Bind(0, place_->end)
      .Bind(1, static_cast<int64_t>(place_->sequence))
      .Bind(2, int64_t{place_->chain})
      .Bind(3, static_cast<int64_t>(payload_bytes))
      .Bind(4, place_->segment)
      .Run();
}

void Journal::Sync() {
  if (!std::exchange(synced_, true)) file_->Sync();
}

void Journal::Advance(const JournalPlace& after, uint64_t payload_bytes) {
  enter_.Bind(0, after.segment).Run();
  place_ = after;
  Note(payload_bytes);
}

void Journal::Drop(int64_t segment, int64_t payload_bytes) {
  if (payload_bytes > 0) drop_.Bind(0, payload_bytes).Bind(1, segment).Run();
}

void Journal::Withdraw() {
  Reload();
  synced_ = true;
  const auto written = std::exchange(written_, std::nullopt);
  if (!written) return;
  try {
    const Transaction lock(connection_, Transaction::Kind::kWrite);
    const auto now = place();
    const bool there = now.segment == written->segment && now.end == written->at;
    if (!there && (now.segment + 1 != written->segment || written->at != 0)) return;  // another has written over it
    const auto file = folder_.Open(written->segment, VfsFile::Mode::kWrite);
    file->Write(written->at, std::string(JournalHeader::kBytes, '\0'));
    file->Sync();
  } catch (const DiskFailure& failure) {
    EndProcess(failure);
  } catch (const Error&) {
    // The next append writes over it; only a power cut before that could bring it back.
  }
}

}  // namespace millrace::stream
