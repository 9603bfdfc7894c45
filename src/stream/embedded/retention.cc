#include "stream/embedded/retention.h"

#include <limits>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "base/log.h"
#include "stream/embedded/store.h"

namespace millrace::stream {
namespace {

struct TopicBounds {
  int64_t id = 0;
  std::string name;
  std::optional<int64_t> age_seconds;
  std::optional<int64_t> bytes;
};

struct OldestRow {
  int64_t place = 0;
  int64_t end_offset = 0;
  int64_t ingested_at = 0;
  int64_t bytes = 0;
  int64_t segment = 0;
};

struct PartRows {
  int64_t id = 0;
  int64_t number = 0;
  int64_t bytes = 0;
  /// What the slowest reader has acknowledged; no reader: everything.
  int64_t floor = 0;
  std::optional<OldestRow> oldest;
};

std::vector<TopicBounds> BoundedTopics(Connection& connection) {
  auto select = connection.Prepare(
      "SELECT id, name, retention_seconds, retention_bytes FROM topic "
      "WHERE retention_seconds IS NOT NULL OR retention_bytes IS NOT NULL");
  std::vector<TopicBounds> topics;
  while (select.Step()) {
    TopicBounds topic{select.Int(0), select.Text(1), {}, {}};
    if (!select.IsNull(2)) topic.age_seconds = select.Int(2);
    if (!select.IsNull(3)) topic.bytes = select.Int(3);
    topics.push_back(std::move(topic));
  }
  return topics;
}

class TopicTrimmer {
 public:
  TopicTrimmer(Connection& connection, Journal& journal, const TopicBounds& topic, Timestamp now)
      : connection_(connection),
        journal_(journal),
        topic_(topic),
        now_(now.time_since_epoch().count()),
        oldest_(connection.Prepare("SELECT place, count, ingested_at, coalesce(payload_bytes, length(payload)), "
                                   "coalesce(segment, 0) FROM batch WHERE place >= ? AND place < ? ORDER BY place "
                                   "LIMIT 1")),
        drop_(connection.Prepare("DELETE FROM batch WHERE place = ?")),
        advance_(connection.Prepare("UPDATE part SET first_offset = ?, bytes = bytes - ? WHERE id = ?")) {
    auto select = connection.Prepare(
        "SELECT id, number, bytes, coalesce((SELECT min(next_offset) FROM reader WHERE part = part.id), ?) "
        "FROM part WHERE topic = ? ORDER BY number");
    select.Bind(0, std::numeric_limits<int64_t>::max()).Bind(1, topic.id);
    while (select.Step()) parts_.push_back({select.Int(0), select.Int(1), select.Int(2), select.Int(3), {}});
    for (auto& part : parts_) FindOldest(part);
  }

  Trimmed Trim(int rows_max) {
    Trimmed trimmed;
    for (int rows = 0; rows < rows_max; ++rows) {
      PartRows* const part = NextToDrop();
      if (part == nullptr) return trimmed;
      trimmed.bytes += Drop(*part);
    }
    trimmed.more = true;
    return trimmed;
  }

 private:
  void FindOldest(PartRows& part) {
    part.oldest.reset();
    oldest_.Bind(0, PlaceOf(part.id, 0)).Bind(1, PlaceOf(part.id + 1, 0));
    if (oldest_.Step()) {
      part.oldest = {oldest_.Int(0), OffsetAt(oldest_.Int(0)) + oldest_.Int(1), oldest_.Int(2), oldest_.Int(3),
                     oldest_.Int(4)};
    }
    oldest_.Reset();
  }

  PartRows* NextToDrop() {
    int64_t total = 0;
    PartRows* oldest = nullptr;
    for (auto& part : parts_) {
      total += part.bytes;
      if (!part.oldest) continue;
      const bool aged = topic_.age_seconds && part.oldest->ingested_at < now_ - *topic_.age_seconds * 1'000'000;
      if (aged && part.oldest->end_offset <= part.floor) return &part;
      if (oldest == nullptr || part.oldest->ingested_at < oldest->oldest->ingested_at) oldest = &part;
    }
    return topic_.bytes && total > *topic_.bytes ? oldest : nullptr;
  }

  int64_t Drop(PartRows& part) {
    const OldestRow row = *part.oldest;
    if (row.end_offset > part.floor) RecordGap(part, row);
    drop_.Bind(0, row.place).Run();
    journal_.Drop(row.segment, row.bytes);
    advance_.Bind(0, row.end_offset).Bind(1, row.bytes).Bind(2, part.id).Run();
    part.bytes -= row.bytes;
    FindOldest(part);
    return row.bytes;
  }

  void RecordGap(const PartRows& part, const OldestRow& row) {
    auto extend =
        connection_.Prepare("UPDATE gap SET end_offset = ?, dropped_at = ? WHERE part = ? AND end_offset = ?");
    extend.Bind(0, row.end_offset).Bind(1, now_).Bind(2, part.id).Bind(3, OffsetAt(row.place)).Run();
    if (connection_.changes() > 0) return;
    LogWarning("topic {} partition {}: retention by bytes drops records from offset {} that a reader has not read",
               topic_.name, part.number, OffsetAt(row.place));
    auto insert = connection_.Prepare("INSERT INTO gap VALUES(?, ?, ?, ?)");
    insert.Bind(0, part.id).Bind(1, OffsetAt(row.place)).Bind(2, row.end_offset).Bind(3, now_).Run();
  }

  Connection& connection_;
  Journal& journal_;
  const TopicBounds& topic_;
  const int64_t now_;
  Statement oldest_;
  Statement drop_;
  Statement advance_;
  std::vector<PartRows> parts_;
};

Trimmed PurgeDeleted(Connection& connection, Journal& journal, int rows_max) {
  const int64_t part = connection.QueryInt("SELECT min(id) FROM part WHERE topic IS NULL");
  if (part == 0) return {};
  auto rows = connection.Prepare(
      "SELECT place, coalesce(payload_bytes, length(payload)), coalesce(segment, 0) FROM batch "
      "WHERE place >= ? AND place < ? LIMIT ?");
  rows.Bind(0, PlaceOf(part, 0)).Bind(1, PlaceOf(part + 1, 0)).Bind(2, int64_t{rows_max});
  std::vector<int64_t> places;
  std::map<int64_t, int64_t> bytes;  // by segment
  Trimmed trimmed{0, true};
  while (rows.Step()) {
    places.push_back(rows.Int(0));
    trimmed.bytes += rows.Int(1);
    bytes[rows.Int(2)] += rows.Int(1);
  }
  rows.Reset();
  auto drop = connection.Prepare("DELETE FROM batch WHERE place = ?");
  for (const auto place : places) drop.Bind(0, place).Run();
  for (const auto& [segment, freed] : bytes) journal.Drop(segment, freed);
  if (places.empty()) connection.Prepare("DELETE FROM part WHERE id = ?").Bind(0, part).Run();
  return trimmed;
}

}  // namespace

Trimmed TrimSome(Connection& connection, Journal& journal, Timestamp now, int rows_max) {
  if (const auto purged = PurgeDeleted(connection, journal, rows_max); purged.more) return purged;
  Trimmed all;
  for (const auto& topic : BoundedTopics(connection)) {
    const auto trimmed = TopicTrimmer(connection, journal, topic, now).Trim(rows_max);
    all.bytes += trimmed.bytes;
    all.more = all.more || trimmed.more;
  }
  return all;
}

}  // namespace millrace::stream
