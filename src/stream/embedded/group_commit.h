#pragma once

#include <atomic>
#include <condition_variable>
#include <cstdint>
#include <exception>
#include <functional>
#include <memory>
#include <mutex>
#include <stop_token>
#include <thread>
#include <vector>

#include "base/error.h"
#include "stream/embedded/ledger.h"
#include "stream/embedded/log_copier.h"
#include "stream/embedded/wake_all.h"

namespace millrace::stream {

/// Tells readers in this process that something was committed.
class CommitSignal {
 public:
  uint64_t value() const { return value_.load(std::memory_order_acquire); }
  void Raise();
  /// Waits until value() is not `seen`, for `wait` at the most.
  void WaitBeyond(uint64_t seen, std::chrono::nanoseconds wait, std::stop_token stop);

 private:
  std::atomic<uint64_t> value_{0};
  std::mutex mutex_;
  std::condition_variable_any raised_;
};

struct GroupCommitLimits {
  size_t queue_bytes_max = 0;
  int64_t checkpoint_bytes = 0;
  int64_t segment_bytes = 0;
};

/// What makes work durable.
enum class DurableBy {
  kJournal,   // appends alone: the journal's sync; stream.db follows from it
  kDatabase,  // everything else that changes stream.db: its own sync
};

/// The one writer of this process: all work that waits runs in one transaction and one fsync, and then its callers go.
/// Work that comes meanwhile is the next group; as each sync costs the same for one as for many, it is given a moment
/// for those who were served last to come back, no longer than the commit before took. A caller who finds nobody
/// writing does it itself, so that a lone one waits for no other thread; what queued meanwhile goes to the writer's own
/// thread. When the disk fails, the process ends: nothing after that could be told durable. Thread-safe; the destructor
/// finishes what was queued.
class GroupCommit {
 public:
  using Work = std::function<void(Ledger&)>;

  /// `copying` is a second connection to the same file, for the write-ahead log.
  GroupCommit(std::unique_ptr<Connection> connection, std::unique_ptr<Connection> copying, const SegmentFolder& folder,
              const GroupCommitLimits& limits);
  ~GroupCommit();

  /// Returns when `work` is durable; what it throws, or what the transaction failed with, is thrown here.
  /// Waits for room while more than queue_bytes_max are queued.
  void Run(const Work& work, size_t bytes, DurableBy durable_by);

  CommitSignal& signal() { return signal_; }

 private:
  struct Request {
    const Work* work = nullptr;
    std::exception_ptr error;
  };
  struct Group {
    std::vector<Request*> requests;
    size_t bytes = 0;
    bool by_database = false;
    WakeAll done;
  };

  void Loop();
  /// What is queued becomes the group to write; the lock is held, and let go of to wait for those who are expected.
  std::shared_ptr<Group> Take(std::unique_lock<std::mutex>& lock);
  void Gather(std::unique_lock<std::mutex>& lock);
  /// What is not an Error ends the process: nobody else could take the connection over.
  void Write(Group& group) noexcept;
  void Ended(const Group& group, std::chrono::steady_clock::duration took);
  void Execute(Group& group);
  void RunWork(Group& group);

  std::unique_ptr<Connection> connection_;
  Journal journal_;
  Ledger ledger_;
  const size_t queue_bytes_max_;
  CommitSignal signal_;
  LogCopier copier_;

  std::mutex mutex_;
  std::condition_variable work_;
  std::condition_variable room_;
  std::shared_ptr<Group> open_ = std::make_shared<Group>();
  bool writing_ = false;  // somebody has the connection, or it was handed to the thread
  bool handed_ = false;   // to the thread
  bool closing_ = false;
  // How the last group ended: who writes next may wait until that many are here.
  size_t expected_ = 0;
  int wait_for_nobody_ = 0;  // groups
  std::chrono::steady_clock::time_point gather_until_{};
  std::condition_variable gathered_;
  std::thread thread_;
};

}  // namespace millrace::stream
