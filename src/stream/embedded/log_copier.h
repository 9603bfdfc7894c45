#pragma once

#include <condition_variable>
#include <cstdint>
#include <memory>
#include <mutex>
#include <thread>

#include "stream/embedded/sqlite.h"

namespace millrace::stream {

/// A disk that failed under the writer: says so, and ends the process at once.
[[noreturn]] void EndProcess(const DiskFailure& failure);

/// Moves the write-ahead log into the main file, beside the writer: a thread copies nearly all of it through a
/// connection of its own while appends go on; the writer copies the short rest between two transactions, after which
/// its log starts over.
class LogCopier {
 public:
  LogCopier(std::unique_ptr<Connection> connection, int64_t checkpoint_bytes);
  /// Finishes what is due.
  ~LogCopier();

  /// The writer calls this after each transaction, holding `writer`. Errors are logged; a failing disk ends the
  /// process.
  void AfterCommit(Connection& writer);

 private:
  enum class Phase { kIdle, kCopying, kRest };

  void Loop();
  void CopyRest(Connection& writer, int frames);

  std::unique_ptr<Connection> connection_;
  const int checkpoint_frames_;
  int due_at_frames_;
  int last_frames_ = 0;

  std::mutex mutex_;
  std::condition_variable due_;
  Phase phase_ = Phase::kIdle;
  bool closing_ = false;
  std::thread thread_;
};

}  // namespace millrace::stream
