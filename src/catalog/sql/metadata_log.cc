#include "catalog/sql/metadata_log.h"

#include <exception>

#include "base/error.h"
#include "base/fault.h"
#include "base/log.h"
#include "catalog/table_files.h"

namespace millrace::catalog {
namespace {

/// What one crash leaves to look at, and what the catalogue's file grows by.
constexpr size_t kWaitingMax = 4096;
constexpr int64_t kUnsettledBytesMax = int64_t{64} << 20;
/// A larger one is worth an fsync of its own.
constexpr size_t kKeptBytesMax = size_t{256} << 10;

}  // namespace

MetadataLog::MetadataLog(SqlTables& tables, io::ObjectStore& store, io::UnsyncedFiles& files,
                         std::chrono::milliseconds pause)
    : tables_(tables), store_(store), files_(files), pause_(pause), thread_([this](const std::stop_token& stop) {
        Run(stop);
      }) {}

MetadataLog::~MetadataLog() {
  thread_.request_stop();
  thread_.join();
  Settle();
}

void MetadataLog::Restore() {
  int mended = 0;
  for (const auto& row : tables_.KeptFiles()) {
    const auto key = store_.KeyOf(row.location);
    if (!key) continue;
    const std::string text = tables_.KeptFile(row);
    if (text.empty() || store_.Get(*key) == text) continue;
    // A row that is gone by now was settled, or has expired and took its file along: whoever wrote it lives.
    if (tables_.KeptFile(row).empty()) continue;
    FaultPoint("catalog.restore.before");
    files_.Replace(*key, text);
    FaultPoint("catalog.restore.after");
    ++mended;
  }
  if (mended > 0)
    LogWarning("{} metadata files that the last stop had taken were written again from the catalogue", mended);
}

void MetadataLog::Adopt() {
  const auto rows = tables_.KeptFiles();
  const std::lock_guard lock(mutex_);
  for (const auto& row : rows) {
    if (store_.KeyOf(row.location)) waiting_.emplace(row.location, row.id);
  }
  woken_.notify_all();
}

std::string MetadataLog::Write(const std::string& location, const std::string& text) {
  std::string packed = HasRoom() ? PackMetadata(text) : "";
  if (packed.size() > kKeptBytesMax) packed.clear();
  WriteMetadataText(store_, location, text, packed.empty() ? nullptr : &files_);
  return packed;
}

bool MetadataLog::HasRoom() {
  const std::lock_guard lock(mutex_);
  return waiting_.size() < kWaitingMax && unsettled_bytes_ < kUnsettledBytesMax;
}

std::vector<MetadataRow> MetadataLog::RowsOf(const std::vector<std::string>& locations) {
  std::vector<MetadataRow> rows;
  const std::lock_guard lock(mutex_);
  for (const auto& location : locations) {
    if (const auto found = waiting_.find(location); found != waiting_.end()) rows.push_back({found->second, location});
  }
  return rows;
}

void MetadataLog::Moved(const std::vector<SqlTables::Move>& moves) {
  const std::lock_guard lock(mutex_);
  const bool idle = waiting_.empty();
  for (const auto& move : moves) {
    for (const auto& row : move.forgotten) waiting_.erase(row.location);
    if (move.kept.empty()) continue;
    waiting_.emplace(move.to, move.row.id);
    unsettled_bytes_ += static_cast<int64_t>(move.kept.size());
  }
  if (idle && !waiting_.empty()) woken_.notify_all();
}

bool MetadataLog::Waits(const MetadataRow& row) {
  const std::lock_guard lock(mutex_);
  return waiting_.contains(row.location);
}

void MetadataLog::Rewrite(const MetadataRow& row) {
  if (!Waits(row)) return;  // it has expired meanwhile, and its file with it
  const std::string text = tables_.KeptFile(row);
  if (const auto key = store_.KeyOf(row.location); key && !text.empty()) files_.Replace(*key, text);
}

void MetadataLog::MakeDurable(const std::vector<MetadataRow>& rows) {
  std::map<std::string, const MetadataRow*> by_key;
  std::vector<std::string> keys;
  for (const auto& row : rows) {
    if (const auto key = store_.KeyOf(row.location)) {
      keys.push_back(*key);
      by_key.emplace(*key, &row);
    }
  }
  if (synced_tells_) {
    try {
      for (const auto& key : files_.Sync(keys)) Rewrite(*by_key.at(key));
      return;
    } catch (const Error& error) {
      synced_tells_ = false;
      LogWarning("metadata files could not be synced, and are written again: {}", error.what());
    }
  }
  for (const auto& row : rows) Rewrite(row);
}

bool MetadataLog::Settle() {
  const std::lock_guard settling(settling_);
  std::vector<MetadataRow> rows;
  {
    const std::lock_guard lock(mutex_);
    for (const auto& [location, id] : waiting_) rows.push_back({.id = id, .location = location});
    unsettled_bytes_ = 0;
  }
  if (rows.empty()) return true;
  try {
    FaultPoint("catalog.settle.before");
    MakeDurable(rows);
    FaultPoint("catalog.settle.after");
    if (tables_.Forget(rows) != SqlTables::Outcome::kDone) return false;
  } catch (const std::exception& error) {
    LogWarning("{} metadata files stay in the catalogue, too, for now: {}", rows.size(), error.what());
    return false;
  }
  const std::lock_guard lock(mutex_);
  for (const auto& row : rows) waiting_.erase(row.location);
  return true;
}

void MetadataLog::Run(const std::stop_token& stop) {
  std::unique_lock lock(mutex_);
  while (!stop.stop_requested()) {
    if (!woken_.wait(lock, stop, [this] { return !waiting_.empty(); })) return;
    woken_.wait_for(lock, stop, pause_, [] { return false; });
    lock.unlock();
    Settle();
    lock.lock();
  }
}

}  // namespace millrace::catalog
