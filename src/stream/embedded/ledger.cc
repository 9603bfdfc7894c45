#include "stream/embedded/ledger.h"

#include <algorithm>
#include <utility>

#include "base/error.h"

namespace millrace::stream {
namespace {

int64_t Micros(Timestamp time) { return time.time_since_epoch().count(); }

}  // namespace

Ledger::Ledger(Connection& connection, Journal& journal)
    : connection_(connection),
      journal_(journal),
      data_version_(connection.Prepare("PRAGMA data_version")),
      find_topic_(connection.Prepare("SELECT id, uuid FROM topic WHERE name = ?")),
      list_parts_(connection.Prepare("SELECT id FROM part WHERE topic = ? ORDER BY number")),
      read_part_(connection.Prepare("SELECT next_offset FROM part WHERE id = ?")),
      write_part_(connection.Prepare("UPDATE part SET next_offset = ?, bytes = bytes + ? WHERE id = ?")),
      insert_batch_(connection.Prepare("INSERT INTO batch VALUES(?, ?, ?, ?, ?, ?, ?, ?, ?, x'', ?, ?, ?)")),
      find_key_(connection.Prepare("SELECT 1 FROM idempotency WHERE topic = ? AND key = ?")),
      insert_key_(connection.Prepare("INSERT OR IGNORE INTO idempotency(topic, key, at) VALUES(?, ?, ?)")),
      find_producer_(connection.Prepare("SELECT cursor FROM producer WHERE producer = ? AND split = ?")),
      move_producer_(connection.Prepare("INSERT INTO producer VALUES(?, ?, ?) "
                                        "ON CONFLICT(producer, split) DO UPDATE SET cursor = excluded.cursor")) {}

void Ledger::Begin() {
  data_version_.Step();
  const int64_t version = data_version_.Int(0);
  data_version_.Reset();
  if (std::exchange(seen_version_, version) == version) return;
  topics_.clear();
  journal_.Reload();
}

void Ledger::Flush() {
  for (auto& [id, part] : parts_) FlushBuilder(id, part);
  WriteJournal();
  for (auto& [id, part] : parts_) {
    write_part_.Bind(0, part.next_offset).Bind(1, part.bytes_added).Bind(2, id).Run();
  }
  parts_.clear();
}

void Ledger::WriteJournal() {
  if (gathered_.rows.empty() && gathered_.positions.empty() && gathered_.keys.empty()) return;
  auto spot = journal_.Write(gathered_, payloads_, false);
  for (const auto& row : gathered_.rows) {
    InsertRow(row, spot);
    spot.at += row.payload_bytes;
  }
  ForgetGathered();
}

void Ledger::ForgetGathered() {
  gathered_ = {};
  payloads_.clear();
  packed_.clear();
}

void Ledger::Forget() {
  ForgetGathered();
  parts_.clear();
  topics_.clear();
  journal_.Withdraw();
}

const Ledger::Topic* Ledger::FindTopic(const std::string& name) {
  if (const auto it = topics_.find(name); it != topics_.end()) return &it->second;
  Topic topic;
  find_topic_.Bind(0, name);
  const bool found = find_topic_.Step();
  if (found) topic = {find_topic_.Int(0), find_topic_.Text(1), {}};
  find_topic_.Reset();
  if (!found) return nullptr;
  list_parts_.Bind(0, topic.id);
  while (list_parts_.Step()) topic.parts.push_back(list_parts_.Int(0));
  list_parts_.Reset();
  return &topics_.emplace(name, std::move(topic)).first->second;
}

Ledger::Part& Ledger::OpenPart(int64_t id) {
  if (const auto it = parts_.find(id); it != parts_.end()) return it->second;
  read_part_.Bind(0, id);
  if (!read_part_.Step()) throw Error(ErrorCode::kInternal, "stream.db lacks partition " + std::to_string(id));
  Part part;
  part.next_offset = read_part_.Int(0);
  read_part_.Reset();
  return parts_.emplace(id, std::move(part)).first->second;
}

void Ledger::AddPart(int64_t id, const PartAppend& append, std::vector<event::RecordReport>* reports) {
  auto& part = OpenPart(id);
  if (reports != nullptr) {
    const int64_t base = part.next_offset + static_cast<int64_t>(part.builder.size());
    for (size_t i = 0; i < append.slice.size(); ++i) {
      auto& report = (*reports)[append.slice.index(i)];
      report.partition = append.partition;
      report.offset = base + static_cast<int64_t>(i);
    }
  }
  if (append.ready.empty()) return AddSlice(id, part, append.slice);
  FlushBuilder(id, part);
  for (const auto& batch : append.ready) GatherBatch(id, part, batch.numbers, batch.payload);
}

void Ledger::AddSlice(int64_t id, Part& part, const Slice& slice) {
  for (size_t at = 0; at < slice.size();) {
    const size_t taken = part.builder.Add(slice, at, kRowBytesMax);
    at += taken;
    if (at < slice.size()) FlushBuilder(id, part);
  }
}

void Ledger::FlushBuilder(int64_t id, Part& part) {
  if (part.builder.empty()) return;
  auto batch = part.builder.Finish();
  GatherBatch(id, part, batch.numbers, packed_.emplace_back(std::move(batch.payload)));
}

void Ledger::GatherBatch(int64_t id, Part& part, const BatchNumbers& numbers, std::string_view payload) {
  if (part.next_offset > kOffsetMax - numbers.count) {
    throw DatabaseFailure(ErrorCode::kStop, "a partition of stream.db is full (2^40 records); make a new topic");
  }
  gathered_.rows.push_back({PlaceOf(id, part.next_offset), numbers, Checksum(numbers, payload, part.next_offset),
                            static_cast<uint32_t>(payload.size())});
  payloads_.push_back(payload);
  part.next_offset += numbers.count;
  part.bytes_added += static_cast<int64_t>(payload.size());
}

void Ledger::InsertRow(const JournalRow& row, PayloadSpot spot) {
  const auto& numbers = row.numbers;
  insert_batch_.Bind(0, row.place)
      .Bind(1, numbers.count)
      .Bind(2, Micros(numbers.time_min))
      .Bind(3, Micros(numbers.time_max))
      .Bind(4, Micros(numbers.ingested_at))
      .Bind(5, numbers.records_bytes)
      .Bind(6, numbers.body_bytes)
      .Bind(7, static_cast<int64_t>(numbers.codec))
      .Bind(8, int64_t{row.checksum})
      .Bind(9, spot.segment)
      .Bind(10, spot.at)
      .Bind(11, int64_t{row.payload_bytes})
      .Run();
}

void Ledger::Redo(const JournalMeta& meta, PayloadSpot spot) {
  int64_t dropped = 0;
  for (const auto& row : meta.rows) {
    const int64_t id = row.place >> kOffsetBits;
    const int64_t next = OffsetAt(row.place) + row.numbers.count;
    if (write_part_.Bind(0, next).Bind(1, int64_t{row.payload_bytes}).Bind(2, id).Run(); connection_.changes() > 0) {
      InsertRow(row, spot);
    } else {
      dropped += row.payload_bytes;
    }
    spot.at += row.payload_bytes;
  }
  journal_.Drop(spot.segment, dropped);
  for (const auto& position : meta.positions) {
    move_producer_.Bind(0, position.producer).Bind(1, position.split).Bind(2, position.cursor).Run();
  }
  for (const auto& key : meta.keys) insert_key_.Bind(0, key.topic).Bind(1, key.key).Bind(2, key.at).Run();
}

bool Ledger::SeenBefore(int64_t topic, const std::string& key) {
  const bool seen = find_key_.Bind(0, topic).Bind(1, key).Step();
  find_key_.Reset();
  return seen;
}

bool Ledger::StandsAt(const event::ProducerPosition& position) {
  find_producer_.Bind(0, position.producer).Bind(1, position.split.value());
  const auto stored = find_producer_.Step() ? event::Cursor(find_producer_.Text(0)) : event::kStart;
  find_producer_.Reset();
  return stored == position.begin;
}

void Ledger::Move(const event::ProducerPosition& position) {
  move_producer_.Bind(0, position.producer).Bind(1, position.split.value()).Bind(2, position.end.value()).Run();
  gathered_.positions.push_back({position.producer, position.split.value(), position.end.value()});
}

std::optional<event::AppendOutcome> Ledger::Append(const PreparedAppend& append, Timestamp now) {
  const auto& request = *append.request;
  const Topic* const topic = FindTopic(request.topic);
  if (topic == nullptr || topic->uuid != append.topic_id) return std::nullopt;
  if (!request.idempotency_key.empty() && SeenBefore(topic->id, request.idempotency_key)) {
    return event::AppendOutcome::kDuplicate;
  }
  if (request.position && !StandsAt(*request.position)) return event::AppendOutcome::kFenced;

  for (const auto& part : append.parts) {
    AddPart(topic->parts.at(static_cast<size_t>(part.partition)), part, request.reports);
  }
  if (!request.idempotency_key.empty()) {
    insert_key_.Bind(0, topic->id).Bind(1, request.idempotency_key).Bind(2, Micros(now)).Run();
    gathered_.keys.push_back({topic->id, request.idempotency_key, Micros(now)});
  }
  if (request.position) Move(*request.position);
  return event::AppendOutcome::kAppended;
}

void Ledger::CreateTopic(const event::TopicSpec& spec, const std::string& uuid, Timestamp now) {
  auto insert = connection_.Prepare("INSERT INTO topic(name, uuid, created_at) VALUES(?, ?, ?) RETURNING id");
  insert.Bind(0, spec.name).Bind(1, uuid).Bind(2, Micros(now));
  insert.Step();
  const int64_t id = insert.Int(0);
  insert.Run();
  auto part =
      connection_.Prepare("INSERT INTO part(topic, number, first_offset, next_offset, bytes) VALUES(?, ?, 0, 0, 0)");
  for (int32_t number = 0; number < spec.partitions; ++number) part.Bind(0, id).Bind(1, int64_t{number}).Run();
  if (connection_.QueryInt("SELECT max(id) FROM part") > kPartMax) {
    throw DatabaseFailure(ErrorCode::kStop, "stream.db has used up its partition ids; start a new data_dir");
  }
  SetRetention(spec);
  topics_.clear();
}

void Ledger::SetRetention(const event::TopicSpec& spec) {
  auto update = connection_.Prepare("UPDATE topic SET retention_seconds = ?, retention_bytes = ? WHERE name = ?");
  spec.retention_age ? update.Bind(0, int64_t{spec.retention_age->count()}) : update.BindNull(0);
  spec.retention_bytes ? update.Bind(1, *spec.retention_bytes) : update.BindNull(1);
  update.Bind(2, spec.name).Run();
}

void Ledger::DeleteTopic(const std::string& name) {
  const Topic* const topic = FindTopic(name);
  if (topic == nullptr) throw Error(ErrorCode::kConfig, "there is no topic '" + name + "'");
  Flush();  // appends to it that share this transaction
  for (const char* sql : {"DELETE FROM reader WHERE part IN (SELECT id FROM part WHERE topic = ?)",
                          "DELETE FROM gap WHERE part IN (SELECT id FROM part WHERE topic = ?)",
                          "DELETE FROM idempotency WHERE topic = ?", "UPDATE part SET topic = NULL WHERE topic = ?",
                          "DELETE FROM topic WHERE id = ?"}) {
    connection_.Prepare(sql).Bind(0, topic->id).Run();
  }
  topics_.clear();
}

void Ledger::RegisterReader(const std::string& reader, const std::string& topic_id) {
  connection_
      .Prepare(
          "INSERT OR IGNORE INTO reader SELECT ?, part.id, part.first_offset FROM part JOIN topic "
          "ON part.topic = topic.id WHERE topic.uuid = ?")
      .Bind(0, reader)
      .Bind(1, topic_id)
      .Run();
}

void Ledger::ForgetReader(const std::string& reader, const std::string& topic) {
  connection_
      .Prepare(
          "DELETE FROM reader WHERE reader = ? AND part IN "
          "(SELECT part.id FROM part JOIN topic ON part.topic = topic.id WHERE topic.name = ?)")
      .Bind(0, reader)
      .Bind(1, topic)
      .Run();
}

void Ledger::Acknowledge(const std::string& reader, const std::string& topic_id,
                         const std::map<int32_t, int64_t>& next_offsets) {
  auto update = connection_.Prepare(
      "UPDATE reader SET next_offset = ? WHERE reader = ? AND part = (SELECT part.id FROM part JOIN topic "
      "ON part.topic = topic.id WHERE topic.uuid = ? AND part.number = ?)");
  for (const auto& [number, offset] : next_offsets) {
    update.Bind(0, offset).Bind(1, reader).Bind(2, topic_id).Bind(3, int64_t{number}).Run();
  }
}

void Ledger::ForgetIdempotencyKeys(Timestamp before, int64_t keep_max) {
  connection_
      .Prepare(
          "DELETE FROM idempotency WHERE seq <= (SELECT coalesce(max(seq), 0) FROM idempotency) - ? OR "
          "seq <= (SELECT coalesce(max(seq), 0) FROM idempotency WHERE at < ?)")
      .Bind(0, keep_max)
      .Bind(1, Micros(before))
      .Run();
}

}  // namespace millrace::stream
