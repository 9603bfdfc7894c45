#include "stream/embedded/cleaner.h"

#include <deque>
#include <string>

namespace millrace::stream {
namespace {

constexpr int kLiveShareMin = 4;  // one in so many bytes
constexpr size_t kMoveBytesMax = size_t{4} << 20;
constexpr size_t kMoveRowsMax = 256;
constexpr const char* kPointsHere = "SELECT 1 FROM batch WHERE place = ? AND segment = ? AND payload_at = ?";

}  // namespace

std::optional<int64_t> SegmentToClean(Connection& connection) {
  auto select = connection.Prepare(
      "SELECT id FROM segment WHERE id < (SELECT max(id) FROM segment) AND live_bytes > 0 AND live_bytes * ? < end_at "
      "ORDER BY live_bytes LIMIT 1");
  select.Bind(0, int64_t{kLiveShareMin});
  return select.Step() ? std::optional(select.Int(0)) : std::nullopt;
}

std::vector<LivePayload> LivePayloads(Connection& connection, const SegmentFolder& folder, int64_t segment) {
  auto points_here = connection.Prepare(kPointsHere);
  const auto file = folder.Open(segment, VfsFile::Mode::kRead);
  std::vector<LivePayload> live;
  int64_t at = 0;
  while (const auto entry = EntryAt(*file, at)) {
    at = entry->payload_at;
    for (const auto& row : entry->meta.rows) {
      if (points_here.Bind(0, row.place).Bind(1, segment).Bind(2, at).Step()) {
        live.push_back({{segment, at}, row});
      }
      points_here.Reset();
      at += row.payload_bytes;
    }
  }
  return live;
}

size_t MoveSome(Ledger& ledger, const SegmentFolder& folder, const std::vector<LivePayload>& live, size_t first) {
  auto& connection = ledger.connection();
  auto points_here = connection.Prepare(kPointsHere);
  auto point = connection.Prepare("UPDATE batch SET segment = ?, payload_at = ? WHERE place = ?");
  PayloadReader payloads(folder);
  JournalMeta meta;
  std::deque<std::string> moved;
  std::vector<std::string_view> views;
  size_t bytes = 0;
  size_t next = first;
  for (; next < live.size() && bytes < kMoveBytesMax && moved.size() < kMoveRowsMax; ++next) {
    const auto& [spot, row] = live[next];
    const bool alive = points_here.Bind(0, row.place).Bind(1, spot.segment).Bind(2, spot.at).Step();
    points_here.Reset();
    if (!alive) continue;
    views.push_back(moved.emplace_back(payloads.Read(spot.segment, spot.at, row.payload_bytes)));
    meta.rows.push_back(row);
    bytes += row.payload_bytes;
  }
  if (meta.rows.empty()) return next;
  auto spot = ledger.journal().Write(meta, views, true);
  for (const auto& row : meta.rows) {
    point.Bind(0, spot.segment).Bind(1, spot.at).Bind(2, row.place).Run();
    spot.at += row.payload_bytes;
  }
  ledger.journal().Drop(live[first].spot.segment, static_cast<int64_t>(bytes));
  return next;
}

bool HasDeadSegments(Connection& connection) {
  return connection.QueryInt(
             "SELECT count(*) FROM segment WHERE live_bytes = 0 AND id < (SELECT max(id) FROM segment)") > 0;
}

std::vector<int64_t> ForgetDeadSegments(Connection& connection) {
  auto forget = connection.Prepare(
      "DELETE FROM segment WHERE live_bytes = 0 AND id < (SELECT max(id) FROM segment) RETURNING id");
  std::vector<int64_t> dead;
  while (forget.Step()) dead.push_back(forget.Int(0));
  return dead;
}

}  // namespace millrace::stream
