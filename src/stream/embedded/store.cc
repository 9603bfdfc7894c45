#include "stream/embedded/store.h"

#include <chrono>
#include <thread>

#include "base/error.h"
#include "base/fault.h"

namespace millrace::stream {
namespace {

constexpr int64_t kApplicationId = 0x4D525354;  // "MRST"; frozen
constexpr int64_t kVersion = 2;
constexpr int64_t kVersionWithoutJournal = 1;  // payloads lie in the rows

/// Frozen. `part` is a partition of one incarnation of a topic; ids are never used again. A part
/// without a topic is what a deleted topic left: its rows wait to be purged.
constexpr const char* kSchema = R"(
CREATE TABLE topic(
  id INTEGER PRIMARY KEY AUTOINCREMENT, name TEXT NOT NULL UNIQUE, uuid TEXT NOT NULL UNIQUE,
  retention_seconds INTEGER, retention_bytes INTEGER, created_at INTEGER NOT NULL);
CREATE TABLE part(
  id INTEGER PRIMARY KEY AUTOINCREMENT, topic INTEGER, number INTEGER NOT NULL,
  first_offset INTEGER NOT NULL, next_offset INTEGER NOT NULL, bytes INTEGER NOT NULL);
CREATE INDEX part_of_topic ON part(topic, number);
CREATE TABLE batch(
  place INTEGER PRIMARY KEY, count INTEGER NOT NULL, time_min INTEGER NOT NULL, time_max INTEGER NOT NULL,
  ingested_at INTEGER NOT NULL, records_bytes INTEGER NOT NULL, body_bytes INTEGER NOT NULL, codec INTEGER NOT NULL,
  crc32c INTEGER NOT NULL, payload BLOB NOT NULL);
CREATE TABLE producer(
  producer TEXT NOT NULL, split TEXT NOT NULL, cursor TEXT NOT NULL, PRIMARY KEY(producer, split)) WITHOUT ROWID;
CREATE TABLE idempotency(
  seq INTEGER PRIMARY KEY AUTOINCREMENT, topic INTEGER NOT NULL, key TEXT NOT NULL, at INTEGER NOT NULL,
  UNIQUE(topic, key));
CREATE TABLE reader(
  reader TEXT NOT NULL, part INTEGER NOT NULL, next_offset INTEGER NOT NULL, PRIMARY KEY(reader, part)) WITHOUT ROWID;
CREATE TABLE gap(
  part INTEGER NOT NULL, begin_offset INTEGER NOT NULL, end_offset INTEGER NOT NULL, dropped_at INTEGER NOT NULL,
  PRIMARY KEY(part, begin_offset)) WITHOUT ROWID;
)";

/// What version 2 added: the payload of a batch lies in a segment of the journal, and `payload` is empty unless version
/// 1 wrote the row. The last segment is the one that is written; `sequence` and `chain` are those of its last entry,
/// `live_bytes` the payloads in it that a batch still points to.
constexpr const char* kJournalSchema = R"(
ALTER TABLE batch ADD COLUMN segment INTEGER;
ALTER TABLE batch ADD COLUMN payload_at INTEGER;
ALTER TABLE batch ADD COLUMN payload_bytes INTEGER;
CREATE TABLE segment(
  id INTEGER PRIMARY KEY, end_at INTEGER NOT NULL, sequence INTEGER NOT NULL, chain INTEGER NOT NULL,
  live_bytes INTEGER NOT NULL);
INSERT INTO segment VALUES(1, 0, 0, 0, 0);
CREATE TABLE stream(id INTEGER NOT NULL);
INSERT INTO stream VALUES(random());
)";

/// A process that finds the file being made by another waits for it.
void UseWriteAheadLog(Connection& connection) {
  for (int attempt = 0;; ++attempt) {
    try {
      connection.Execute("PRAGMA journal_mode=WAL");
      return;
    } catch (const Error& error) {
      if (error.code() != ErrorCode::kUnavailable || attempt == 100) throw;
    }
    std::this_thread::sleep_for(std::chrono::milliseconds(20));
  }
}

bool IsEmpty(Connection& connection) { return connection.QueryInt("SELECT count(*) FROM sqlite_schema") == 0; }

/// The version of the file, which is one that this program knows.
int64_t CheckedVersion(Connection& connection, const std::string& file) {
  if (connection.QueryInt("PRAGMA application_id") != kApplicationId) {
    throw Error(ErrorCode::kStop, file + " is a database of another program; move it away or choose another data_dir");
  }
  const auto version = connection.QueryInt("PRAGMA user_version");
  if (version != kVersion && version != kVersionWithoutJournal) {
    throw Error(ErrorCode::kStop, file + " has stream format " + std::to_string(version) + " and this program reads " +
                                      std::to_string(kVersion) + "; run the version of millrace that wrote it");
  }
  return version;
}

void Create(Connection& connection) {
  FaultPoint("stream.before_create");
  Transaction transaction(connection, Transaction::Kind::kWrite);
  if (!IsEmpty(connection)) return;
  connection.Execute(kSchema);
  connection.Execute(kJournalSchema);
  connection.Execute("PRAGMA application_id=" + std::to_string(kApplicationId));
  connection.Execute("PRAGMA user_version=" + std::to_string(kVersion));
  transaction.Commit();
  FaultPoint("stream.after_create");
}

void AddJournal(Connection& connection) {
  Transaction transaction(connection, Transaction::Kind::kWrite);
  if (connection.QueryInt("PRAGMA user_version") != kVersionWithoutJournal) return;
  connection.Execute(kJournalSchema);
  connection.Execute("PRAGMA user_version=" + std::to_string(kVersion));
  transaction.Commit();
}

}  // namespace

std::unique_ptr<Connection> OpenStore(const std::filesystem::path& path, const std::string& vfs) {
  auto connection = std::make_unique<Connection>(path, vfs);
  connection->Execute("PRAGMA page_size=" + std::to_string(kPageBytes));
  if (IsEmpty(*connection)) {
    UseWriteAheadLog(*connection);
    Create(*connection);
  }
  const auto version = CheckedVersion(*connection, path.string());
  UseWriteAheadLog(*connection);
  if (version == kVersionWithoutJournal) AddJournal(*connection);
  connection->Execute("PRAGMA synchronous=FULL; PRAGMA secure_delete=OFF; PRAGMA cache_size=-8192");
  return connection;
}

}  // namespace millrace::stream
