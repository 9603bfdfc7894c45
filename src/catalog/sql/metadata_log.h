#pragma once

#include <chrono>
#include <condition_variable>
#include <cstdint>
#include <map>
#include <mutex>
#include <string>
#include <thread>
#include <vector>

#include "catalog/sql/sql_tables.h"
#include "io/object_store.h"
#include "io/unsynced_files.h"

namespace millrace::catalog {

/// Metadata files whose commit does not wait for their own fsync. The file is written, and the transaction that moves
/// the table's row to it keeps its bytes too (MetadataRows): what the catalogue points to is in the catalogue until a
/// thread here has synced the file, a moment later. Whoever opens the catalogue after a power cut writes anew what the
/// cut took.
///
/// How much waits is bounded: past that, and for large files, Write syncs before it returns, as without a log.
/// Thread-safe. Borrows all three; dropping it syncs what is left.
class MetadataLog {
 public:
  /// `pause`: how long files may gather. Many versions of one table are synced once then, or never when they expire
  /// sooner.
  MetadataLog(SqlTables& tables, io::ObjectStore& store, io::UnsyncedFiles& files, std::chrono::milliseconds pause);
  ~MetadataLog();
  MetadataLog(const MetadataLog&) = delete;
  MetadataLog& operator=(const MetadataLog&) = delete;

  /// Files that the catalogue keeps and that are not there as they should be. For whoever opens a catalogue.
  void Restore();
  /// Takes over what is kept, from processes that are gone or share the catalogue. After Restore.
  void Adopt();

  /// Writes a file that nothing names yet. What the commit's Move has to keep; empty when it is durable already.
  std::string Write(const std::string& location, const std::string& text);
  /// The rows of those of the files that wait here, for Move::forgotten.
  std::vector<MetadataRow> RowsOf(const std::vector<std::string>& locations);
  /// A transaction is through: its files wait, what it forgot does not any more. Before a forgotten file is deleted.
  void Moved(const std::vector<SqlTables::Move>& moves);
  /// Everything that waits is durable when it returns true; its rows are gone.
  bool Settle();

 private:
  bool HasRoom();
  void Run(const std::stop_token& stop);
  bool Waits(const MetadataRow& row);
  void MakeDurable(const std::vector<MetadataRow>& rows);
  void Rewrite(const MetadataRow& row);

  SqlTables& tables_;
  io::ObjectStore& store_;
  io::UnsyncedFiles& files_;
  const std::chrono::milliseconds pause_;

  std::mutex settling_;  // before mutex_
  /// False once a sync failed: what the kernel shows of a file may then not be on the disk.
  bool synced_tells_ = true;

  std::mutex mutex_;
  std::map<std::string, int64_t> waiting_;  // location to row
  int64_t unsettled_bytes_ = 0;             // that were kept since the last settlement began
  std::condition_variable_any woken_;
  std::jthread thread_;  // the last: it uses the others
};

}  // namespace millrace::catalog
