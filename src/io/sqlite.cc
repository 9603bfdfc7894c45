#include "io/sqlite.h"

#include <sqlite3.h>

#include <utility>
namespace millrace::io {
namespace {

constexpr int kBusyTimeoutMilliseconds = 30'000;
constexpr int kCheckpointWaitMilliseconds = 100;

std::string FileOf(sqlite3* connection) {
  const char* name = connection == nullptr ? nullptr : sqlite3_db_filename(connection, "main");
  return name == nullptr || *name == '\0' ? "the database" : name;
}

void Check(sqlite3* connection, int code) {
  if (code != SQLITE_OK) ThrowSqlite(connection, code);
}

[[noreturn]] void ThrowOf(const std::string& file, sqlite3* connection, int code) {
  const std::string cause = connection == nullptr ? sqlite3_errstr(code) : sqlite3_errmsg(connection);
  switch (code & 0xFF) {
    case SQLITE_IOERR:
      throw DiskFailure(ErrorCode::kStop,
                        file + ": the disk failed (" + cause + ", code " +
                            std::to_string(connection == nullptr ? code : sqlite3_extended_errcode(connection)) +
                            "); check the disk, then start again");
    case SQLITE_BUSY:
    case SQLITE_LOCKED:
      throw DatabaseFailure(ErrorCode::kUnavailable, file + " is being written by another process; try again");
    case SQLITE_FULL:
      throw DatabaseFailure(ErrorCode::kStop, file + ": the disk is full; free some space, then start again");
    case SQLITE_READONLY:
    case SQLITE_PERM:
    case SQLITE_AUTH:
      throw DatabaseFailure(ErrorCode::kStop, file + " cannot be written (" + cause + "); mend its permissions");
    case SQLITE_CANTOPEN:
      throw DatabaseFailure(ErrorCode::kStop, file + " cannot be opened (" + cause +
                                                  "); check that its folder exists and can be written by this user");
    case SQLITE_NOTADB:
      throw DatabaseFailure(ErrorCode::kStop,
                            file + " is not a database of this program; move it away or choose another data_dir");
    case SQLITE_CORRUPT:
      throw DatabaseFailure(ErrorCode::kStop, file + " is damaged (" + cause + "); restore it from a copy");
    case SQLITE_NOMEM:
      throw DatabaseFailure(ErrorCode::kUnavailable, file + ": out of memory");
    default:
      throw DatabaseFailure(ErrorCode::kInternal, file + ": " + cause);
  }
}

}  // namespace

void ThrowSqlite(sqlite3* connection, int code) { ThrowOf(FileOf(connection), connection, code); }
void ThrowSqlite(const std::string& file, int code) { ThrowOf(file, nullptr, code); }

Statement::Statement(sqlite3* connection, std::string_view sql) : statement_(nullptr) {
  Check(connection, sqlite3_prepare_v3(connection, sql.data(), static_cast<int>(sql.size()), SQLITE_PREPARE_PERSISTENT,
                                       &statement_, nullptr));
}

Statement::Statement(Statement&& other) noexcept : statement_(std::exchange(other.statement_, nullptr)) {}

Statement::~Statement() { sqlite3_finalize(statement_); }

Statement& Statement::Bind(int index, int64_t value) {
  Check(sqlite3_db_handle(statement_), sqlite3_bind_int64(statement_, index + 1, value));
  return *this;
}

Statement& Statement::Bind(int index, std::string_view text) {
  Check(sqlite3_db_handle(statement_),
        sqlite3_bind_text64(statement_, index + 1, text.data() == nullptr ? "" : text.data(), text.size(),
                            SQLITE_STATIC, SQLITE_UTF8));
  return *this;
}

Statement& Statement::BindBlob(int index, std::string_view bytes) {
  Check(sqlite3_db_handle(statement_),
        sqlite3_bind_blob64(statement_, index + 1, bytes.data() == nullptr ? "" : bytes.data(), bytes.size(),
                            SQLITE_STATIC));
  return *this;
}

Statement& Statement::BindNull(int index) {
  Check(sqlite3_db_handle(statement_), sqlite3_bind_null(statement_, index + 1));
  return *this;
}

bool Statement::Step() {
  const int code = sqlite3_step(statement_);
  if (code == SQLITE_ROW) return true;
  if (code == SQLITE_DONE) return false;
  sqlite3* const connection = sqlite3_db_handle(statement_);
  try {
    ThrowSqlite(connection, code);
  } catch (...) {
    sqlite3_reset(statement_);
    throw;
  }
}

void Statement::Run() {
  while (Step()) {
  }
  Reset();
}

void Statement::Reset() { sqlite3_reset(statement_); }

int64_t Statement::Int(int column) const { return sqlite3_column_int64(statement_, column); }

std::string Statement::Text(int column) const { return std::string(Blob(column)); }

std::string_view Statement::Blob(int column) const {
  const void* const bytes = sqlite3_column_blob(statement_, column);
  const int size = sqlite3_column_bytes(statement_, column);
  if (bytes == nullptr && sqlite3_errcode(sqlite3_db_handle(statement_)) == SQLITE_NOMEM) {
    ThrowSqlite(sqlite3_db_handle(statement_), SQLITE_NOMEM);
  }
  return {static_cast<const char*>(bytes), static_cast<size_t>(size)};
}

bool Statement::IsNull(int column) const { return sqlite3_column_type(statement_, column) == SQLITE_NULL; }

Connection::Connection(const std::filesystem::path& path, const std::string& vfs) {
  const int code =
      sqlite3_open_v2(path.c_str(), &connection_, SQLITE_OPEN_READWRITE | SQLITE_OPEN_CREATE | SQLITE_OPEN_NOMUTEX,
                      vfs.empty() ? nullptr : vfs.c_str());
  if (code != SQLITE_OK) {
    try {
      ThrowOf(path.string(), connection_, code);
    } catch (...) {
      sqlite3_close(connection_);
      throw;
    }
  }
  sqlite3_busy_timeout(connection_, kBusyTimeoutMilliseconds);
  // In place of SQLite's own checkpoints, whose errors nobody hears.
  sqlite3_wal_hook(
      connection_,
      [](void* self, sqlite3*, const char*, int frames) {
        static_cast<Connection*>(self)->wal_frames_ = frames;
        return SQLITE_OK;
      },
      this);
}

Connection::~Connection() { sqlite3_close(connection_); }

void Connection::Execute(const std::string& sql) {
  Check(connection_, sqlite3_exec(connection_, sql.c_str(), nullptr, nullptr, nullptr));
}

int64_t Connection::QueryInt(std::string_view sql) {
  auto statement = Prepare(sql);
  return statement.Step() ? statement.Int(0) : 0;
}

int64_t Connection::changes() const { return sqlite3_changes64(connection_); }

void Connection::SyncCommits(bool sync) {
  if (std::exchange(sync_commits_, sync) != sync) {
    Execute(sync ? "PRAGMA synchronous=FULL" : "PRAGMA synchronous=NORMAL");
  }
}

void Connection::Checkpoint(bool restart) {
  sqlite3_busy_timeout(connection_, kCheckpointWaitMilliseconds);
  const int code = sqlite3_wal_checkpoint_v2(
      connection_, nullptr, restart ? SQLITE_CHECKPOINT_RESTART : SQLITE_CHECKPOINT_PASSIVE, nullptr, nullptr);
  sqlite3_busy_timeout(connection_, kBusyTimeoutMilliseconds);
  if (code != SQLITE_OK && code != SQLITE_BUSY) ThrowSqlite(connection_, code);
}

Transaction::Transaction(Connection& connection, Kind kind) : connection_(connection) {
  connection_.Execute(kind == Kind::kWrite ? "BEGIN IMMEDIATE" : "BEGIN");
}

Transaction::~Transaction() {
  if (!open_) return;
  try {
    connection_.Execute("ROLLBACK");
  } catch (const std::exception&) {
    // SQLite has rolled back by itself after the error that brought us here.
  }
}

void Transaction::Commit() {
  connection_.Execute("COMMIT");
  open_ = false;
}

}  // namespace millrace::io
