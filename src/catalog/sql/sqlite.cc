#include "catalog/sql/sqlite.h"

#include <fmt/format.h>
#include <sqlite3.h>

#include <utility>

#include "base/error.h"

namespace millrace::catalog {
namespace {

struct Binder {
  sqlite3_stmt* statement;
  int parameter;
  int operator()(std::string_view text) const {
    return sqlite3_bind_text(statement, parameter, text.data(), static_cast<int>(text.size()), SQLITE_TRANSIENT);
  }
  int operator()(int64_t number) const { return sqlite3_bind_int64(statement, parameter, number); }
  int operator()(SqliteBlob blob) const {
    return sqlite3_bind_blob(statement, parameter, blob.bytes.data(), static_cast<int>(blob.bytes.size()),
                             SQLITE_TRANSIENT);
  }
};

}  // namespace

SqliteFile::SqliteFile(const std::filesystem::path& path, std::chrono::milliseconds lock_wait, const std::string& vfs)
    : path_(path.string()), lock_wait_(lock_wait) {
  const int code =
      sqlite3_open_v2(path_.c_str(), &connection_, SQLITE_OPEN_READWRITE | SQLITE_OPEN_CREATE | SQLITE_OPEN_NOMUTEX,
                      vfs.empty() ? nullptr : vfs.c_str());
  try {
    if (code != SQLITE_OK) Fail(code);
    sqlite3_extended_result_codes(connection_, 1);
    sqlite3_busy_timeout(connection_, static_cast<int>(lock_wait.count()));
    // EXTRA: with a rollback journal, FULL alone may forget the last commit in a power cut.
    Execute("PRAGMA synchronous=EXTRA");
    Execute("PRAGMA trusted_schema=OFF");
  } catch (...) {
    sqlite3_close(connection_);
    throw;
  }
}

SqliteFile::~SqliteFile() {
  for (const auto& [sql, statement] : idle_) sqlite3_finalize(statement);
  sqlite3_busy_timeout(connection_, 0);
  sqlite3_exec(connection_, "PRAGMA journal_mode=DELETE", nullptr, nullptr, nullptr);
  sqlite3_close(connection_);
}

void SqliteFile::Fail(int code) const {
  switch (code & 0xFF) {
    case SQLITE_BUSY:
    case SQLITE_LOCKED:
      throw Error(ErrorCode::kUnavailable,
                  fmt::format("the catalogue {} is locked by another program; try again when it is done", path_));
    case SQLITE_NOTADB:
      throw Error(ErrorCode::kConfig,
                  fmt::format("{} is no SQLite file; give the catalogue another path, or move that file away", path_));
    case SQLITE_CORRUPT:
      throw Error(ErrorCode::kStop,
                  fmt::format("the catalogue {} is damaged ({}); restore it from a copy", path_, message()));
    case SQLITE_CANTOPEN:
      throw Error(ErrorCode::kConfig,
                  fmt::format("the catalogue {} cannot be opened or made; check the folder and its rights", path_));
    case SQLITE_READONLY:
    case SQLITE_PERM:
    case SQLITE_AUTH:
      throw Error(ErrorCode::kStop,
                  fmt::format("the catalogue {} may not be written; check its rights and those of its folder", path_));
    case SQLITE_FULL:
      throw Error(ErrorCode::kStop,
                  fmt::format("the disk is full, so the catalogue {} cannot be written; free some space", path_));
    case SQLITE_IOERR:
      throw Error(ErrorCode::kUnavailable,
                  fmt::format("the disk failed under the catalogue {} ({}); check it and try again", path_, message()));
    default:
      throw Error(ErrorCode::kInternal, fmt::format("the catalogue {}: {}", path_, message()));
  }
}

std::string SqliteFile::message() const { return sqlite3_errmsg(connection_); }

void SqliteFile::Execute(const char* sql) {
  const int code = sqlite3_exec(connection_, sql, nullptr, nullptr, nullptr);
  if (code != SQLITE_OK) Fail(code);
}

bool SqliteFile::TryBeginWrite() {
  const int code = sqlite3_exec(connection_, "BEGIN IMMEDIATE", nullptr, nullptr, nullptr);
  if (code == SQLITE_OK) return true;
  if ((code & 0xFF) != SQLITE_BUSY) Fail(code);
  return false;
}

SqliteFile::CommitOutcome SqliteFile::Commit() {
  const int code = sqlite3_exec(connection_, "COMMIT", nullptr, nullptr, nullptr);
  if (code == SQLITE_OK) return CommitOutcome::kDone;
  Rollback();
  return (code & 0xFF) == SQLITE_BUSY ? CommitOutcome::kBusy : CommitOutcome::kUnclear;
}

void SqliteFile::Rollback() noexcept {
  if (sqlite3_get_autocommit(connection_) == 0) sqlite3_exec(connection_, "ROLLBACK", nullptr, nullptr, nullptr);
}

bool SqliteFile::LogCommits() {
  bool logged = false;
  const auto told = [](void* to, int, char** values, char**) {
    *static_cast<bool*>(to) = std::string_view(values[0]) == "wal";
    return 0;
  };
  sqlite3_busy_timeout(connection_, 0);
  sqlite3_exec(connection_, "PRAGMA journal_mode=WAL", told, &logged, nullptr);
  sqlite3_busy_timeout(connection_, static_cast<int>(lock_wait_.count()));
  return logged;
}

int64_t SqliteFile::changed_rows() const { return sqlite3_changes64(connection_); }

int64_t SqliteFile::last_inserted_id() const { return sqlite3_last_insert_rowid(connection_); }

SqliteStatement::SqliteStatement(SqliteFile& file, std::string sql, std::initializer_list<SqliteValue> values)
    : file_(file), sql_(std::move(sql)) {
  int code = SQLITE_OK;
  if (auto idle = file.idle_.extract(sql_)) {
    statement_ = idle.mapped();
  } else {
    code = sqlite3_prepare_v2(file.connection_, sql_.data(), static_cast<int>(sql_.size()), &statement_, nullptr);
  }
  int parameter = 0;
  for (const auto& value : values) {
    if (code != SQLITE_OK) break;
    code = std::visit(Binder{statement_, ++parameter}, value);
  }
  if (code == SQLITE_OK) return;
  sqlite3_finalize(statement_);
  file.Fail(code);
}

SqliteStatement::~SqliteStatement() {
  sqlite3_reset(statement_);
  sqlite3_clear_bindings(statement_);
  if (!file_.idle_.try_emplace(sql_, statement_).second) sqlite3_finalize(statement_);
}

bool SqliteStatement::Step() {
  const int code = sqlite3_step(statement_);
  if (code != SQLITE_ROW && code != SQLITE_DONE) file_.Fail(code);
  return code == SQLITE_ROW;
}

SqliteStatement::RunOutcome SqliteStatement::Run() {
  const int code = sqlite3_step(statement_);
  if ((code & 0xFF) == SQLITE_CONSTRAINT) return RunOutcome::kConstraint;
  if (code != SQLITE_DONE) file_.Fail(code);
  return RunOutcome::kDone;
}

std::string SqliteStatement::Text(int column) const {
  const auto* text = reinterpret_cast<const char*>(sqlite3_column_text(statement_, column));
  return text == nullptr ? std::string()
                         : std::string(text, static_cast<size_t>(sqlite3_column_bytes(statement_, column)));
}

std::string SqliteStatement::Blob(int column) const {
  const auto* bytes = static_cast<const char*>(sqlite3_column_blob(statement_, column));
  return bytes == nullptr ? std::string()
                          : std::string(bytes, static_cast<size_t>(sqlite3_column_bytes(statement_, column)));
}

int64_t SqliteStatement::Integer(int column) const { return sqlite3_column_int64(statement_, column); }

bool SqliteStatement::IsNull(int column) const { return sqlite3_column_type(statement_, column) == SQLITE_NULL; }

}  // namespace millrace::catalog
