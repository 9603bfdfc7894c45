#pragma once

#include <chrono>
#include <cstdint>
#include <filesystem>
#include <optional>
#include <string>
#include <string_view>

struct sqlite3;
struct sqlite3_stmt;

namespace millrace::catalog {

/// One connection to a SQLite file. One thread at a time. SQLite's failures become Error in one place, CheckCode.
class SqliteFile {
 public:
  /// Creates the file unless it is there; waits up to `lock_wait` for other connections' locks.
  SqliteFile(const std::filesystem::path& path, std::chrono::milliseconds lock_wait);
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
  int64_t changed_rows() const;
  /// The last failure in SQLite's words.
  std::string message() const;

  [[noreturn]] void Fail(int code) const;

 private:
  friend class SqliteStatement;
  std::string path_;
  sqlite3* connection_ = nullptr;
};

/// A prepared statement; values are bound in the order of their question marks.
class SqliteStatement {
 public:
  SqliteStatement(SqliteFile& file, std::string_view sql, std::initializer_list<std::string_view> values);
  ~SqliteStatement();
  SqliteStatement(const SqliteStatement&) = delete;
  SqliteStatement& operator=(const SqliteStatement&) = delete;

  /// True while there is a row.
  bool Step();
  enum class RunOutcome { kDone, kConstraint };
  /// For statements without rows; kConstraint when a key was taken already.
  RunOutcome Run();
  std::string Text(int column) const;
  bool IsNull(int column) const;

 private:
  SqliteFile& file_;
  sqlite3_stmt* statement_ = nullptr;
};

}  // namespace millrace::catalog
