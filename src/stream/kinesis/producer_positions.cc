#include "stream/kinesis/producer_positions.h"

#include "io/sqlite_format.h"

namespace millrace::stream {
namespace {

constexpr int64_t kLayout = 1;

event::Cursor CursorOf(io::Connection& connection, const event::ProducerPosition& position) {
  auto select = connection.Prepare("SELECT cursor FROM producer WHERE name = ? AND split = ?");
  select.Bind(0, position.producer).Bind(1, position.split.value());
  return select.Step() ? event::Cursor(select.Text(0)) : event::kStart;
}

}  // namespace

ProducerPositions::ProducerPositions(const std::filesystem::path& path) : connection_(path, {}) {
  connection_.Execute("PRAGMA synchronous = FULL");
  io::EnsureLayout(connection_, path, kLayout);
  connection_.Execute(
      "CREATE TABLE IF NOT EXISTS producer (name TEXT NOT NULL, split TEXT NOT NULL, cursor TEXT NOT NULL, "
      "PRIMARY KEY (name, split)) WITHOUT ROWID");
}

event::Positions ProducerPositions::Of(const std::string& producer) {
  const std::lock_guard lock(mutex_);
  auto select = connection_.Prepare("SELECT split, cursor FROM producer WHERE name = ?");
  select.Bind(0, producer);
  event::Positions positions;
  while (select.Step()) positions[event::SplitId(select.Text(0))] = event::Cursor(select.Text(1));
  return positions;
}

bool ProducerPositions::StandsAt(const event::ProducerPosition& position) {
  const std::lock_guard lock(mutex_);
  return CursorOf(connection_, position) == position.begin;
}

bool ProducerPositions::Move(const event::ProducerPosition& position) {
  const std::lock_guard lock(mutex_);
  io::Transaction transaction(connection_, io::Transaction::Kind::kWrite);
  if (CursorOf(connection_, position) != position.begin) return false;
  auto replace = connection_.Prepare("INSERT OR REPLACE INTO producer (name, split, cursor) VALUES (?, ?, ?)");
  replace.Bind(0, position.producer).Bind(1, position.split.value()).Bind(2, position.end.value()).Run();
  transaction.Commit();
  return true;
}

}  // namespace millrace::stream
