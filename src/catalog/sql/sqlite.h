#pragma once

#include <chrono>
#include <cstdint>
#include <filesystem>
#include <initializer_list>
#include <string>
#include <string_view>
#include <unordered_map>
#include <variant>

struct sqlite3;
struct sqlite3_stmt;

namespace millrace::catalog {

/// One connection to a SQLite file. One thread at a time. SQLite's failures become Error in one place, CheckCode.
class SqliteFile {
 public:
  /// Creates the file unless it is there; waits up to `lock_wait` for other connections' locks. `vfs` empty: the
  /// operating system's files.
  SqliteFile(const std::filesystem::path& path, std::chrono::milliseconds lock_wait, const std::string& vfs = "");
  ~SqliteFile();
  SqliteFile(const SqliteFile&) = delete;
  SqliteFile& operator=(const SqliteFile&) = delete;

  void Execute(const char* sql);
  /// False when the write lock could not be had in time: nothing has happened.
  bool TryBeginWrite();
  enum class CommitOutcome { kDone, kBusy, kUnclear };
  /// kBusy: readers stood in the way; it was rolled back. kUnclear: an error came after the file may have changed.
  CommitOutcome Commit();
  void Rollback() noexcept;
  /// From here on a commit is one sync of a log beside the file (SQLite's WAL), and readers wait for no writer. False
  /// when it cannot be so just now: others are in the file, or its file system has no shared memory. Who leaves the
  /// file last makes it one file again. Not inside a transaction.
  bool LogCommits();
  int64_t changed_rows() const;
  int64_t last_inserted_id() const;
  /// The last failure in SQLite's words.
  std::string message() const;

  [[noreturn]] void Fail(int code) const;

 private:
  friend class SqliteStatement;
  std::string path_;
  const std::chrono::milliseconds lock_wait_;
  sqlite3* connection_ = nullptr;
  /// Prepared and not in use, by their text: what is asked again and again is parsed once.
  std::unordered_map<std::string, sqlite3_stmt*> idle_;
};

struct SqliteBlob {
  std::string_view bytes;
};
using SqliteValue = std::variant<std::string_view, int64_t, SqliteBlob>;

/// A prepared statement; values are bound in the order of their question marks.
class SqliteStatement {
 public:
  SqliteStatement(SqliteFile& file, std::string sql, std::initializer_list<SqliteValue> values);
  ~SqliteStatement();
  SqliteStatement(const SqliteStatement&) = delete;
  SqliteStatement& operator=(const SqliteStatement&) = delete;

  /// True while there is a row.
  bool Step();
  enum class RunOutcome { kDone, kConstraint };
  /// For statements without rows; kConstraint when a key was taken already.
  RunOutcome Run();
  std::string Text(int column) const;
  std::string Blob(int column) const;
  int64_t Integer(int column) const;
  bool IsNull(int column) const;

 private:
  SqliteFile& file_;
  const std::string sql_;
  sqlite3_stmt* statement_ = nullptr;
};

}  // namespace millrace::catalog
