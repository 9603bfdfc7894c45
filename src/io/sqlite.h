#pragma once

#include <cstdint>
#include <filesystem>
#include <memory>
#include <string>
#include <string_view>

#include "base/error.h"

struct sqlite3;
struct sqlite3_stmt;

namespace millrace::io {

/// A prepared statement. Bind, then Step until it says false; Reset frees it for the next use. Values that are bound
/// must live until the statement is reset. Used by whoever has its connection.
class Statement {
 public:
  Statement(sqlite3* connection, std::string_view sql);
  ~Statement();
  Statement(Statement&& other) noexcept;
  Statement& operator=(Statement&&) = delete;

  /// Parameters and columns count from 0. Text and blobs are not copied.
  Statement& Bind(int index, int64_t value);
  Statement& Bind(int index, std::string_view text);
  Statement& BindBlob(int index, std::string_view bytes);
  Statement& BindNull(int index);

  /// True when there is a row.
  bool Step();
  /// Steps to the end, for statements without rows of interest, and resets.
  void Run();
  void Reset();

  int64_t Int(int column) const;
  std::string Text(int column) const;
  /// Valid until the next Step or Reset.
  std::string_view Blob(int column) const;
  bool IsNull(int column) const;

 private:
  sqlite3_stmt* statement_;
};

/// One connection to one file; one thread at a time.
class Connection {
 public:
  /// `vfs` empty: the operating system's files.
  Connection(const std::filesystem::path& path, const std::string& vfs);
  ~Connection();
  Connection(const Connection&) = delete;
  Connection& operator=(const Connection&) = delete;

  void Execute(const std::string& sql);
  Statement Prepare(std::string_view sql) { return {connection_, sql}; }
  /// The first column of the first row of `sql`; 0 when there is none.
  int64_t QueryInt(std::string_view sql);
  int64_t changes() const;
  /// Frames in the write-ahead log after the last commit through this connection.
  int wal_frames() const { return wal_frames_; }
  /// Whether a commit is durable when it returns (as when it was opened), or only whole: then what was committed last
  /// may be missing after the power went. Not inside a transaction.
  void SyncCommits(bool sync);
  /// Moves what the log holds into the main file; `restart` waits for readers so that the log starts over.
  void Checkpoint(bool restart);

 private:
  sqlite3* connection_ = nullptr;
  int wal_frames_ = 0;
  bool sync_commits_ = true;
};

/// Rolls back unless Commit was called.
class Transaction {
 public:
  enum class Kind { kRead, kWrite };
  Transaction(Connection& connection, Kind kind);
  ~Transaction();
  Transaction(const Transaction&) = delete;
  Transaction& operator=(const Transaction&) = delete;
  void Commit();

 private:
  Connection& connection_;
  bool open_ = true;
};

/// SQLite refused: the transaction it happened in is void, unlike one that was refused by a check of ours.
class DatabaseFailure : public Error {
 public:
  using Error::Error;
};

/// The operating system failed to read, write or sync the file. A writer must not go on after it: what reached the
/// disk is no longer known, and a sync that is tried again reports success over lost pages.
class DiskFailure final : public DatabaseFailure {
 public:
  using DatabaseFailure::DatabaseFailure;
};

/// The one place where SQLite's codes become ours.
[[noreturn]] void ThrowSqlite(sqlite3* connection, int code);
/// The same for a file that no connection stands for.
[[noreturn]] void ThrowSqlite(const std::string& file, int code);

}  // namespace millrace::io
