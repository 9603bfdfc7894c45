#include "stream/embedded/log_copier.h"

#include <algorithm>
#include <cstdlib>
#include <string>
#include <utility>

#include "base/error.h"
#include "base/fault.h"
#include "base/log.h"
#include "stream/embedded/store.h"

namespace millrace::stream {
namespace {

/// At this many times checkpoint_bytes the writer waits for readers to leave the log, so that it starts over instead
/// of growing.
constexpr int kRestartFactor = 4;
/// Each pass copies what was written during the one before it.
constexpr int kPasses = 3;

template <typename Body>
void Guarded(const Body& body) {
  try {
    body();
  } catch (const DiskFailure& failure) {
    EndProcess(failure);
  } catch (const Error& error) {
    LogWarning("{}; the write-ahead log of the stream grows until that is mended", error.what());
  }
}

}  // namespace

void EndProcess(const DiskFailure& failure) {
  LogLine(LogLevel::kError, std::string("stopping at once, as what was last written may be lost: ") + failure.what());
  std::_Exit(static_cast<int>(ExitCode::kFailed));
}

LogCopier::LogCopier(std::unique_ptr<Connection> connection, int64_t checkpoint_bytes)
    : connection_(std::move(connection)),
      checkpoint_frames_(static_cast<int>(std::max<int64_t>(1, checkpoint_bytes / kPageBytes))),
      due_at_frames_(checkpoint_frames_),
      thread_([this] { Loop(); }) {}

LogCopier::~LogCopier() {
  {
    const std::lock_guard lock(mutex_);
    closing_ = true;
  }
  due_.notify_one();
  thread_.join();
}

void LogCopier::AfterCommit(Connection& writer) {
  const int frames = writer.wal_frames();
  if (frames < std::exchange(last_frames_, frames)) due_at_frames_ = checkpoint_frames_;
  if (frames < due_at_frames_) return;
  {
    const std::lock_guard lock(mutex_);
    if (phase_ == Phase::kCopying) return;
    if (phase_ == Phase::kIdle) {
      phase_ = Phase::kCopying;
      due_.notify_one();
      return;
    }
    phase_ = Phase::kIdle;
  }
  Guarded([&] { CopyRest(writer, frames); });
}

void LogCopier::CopyRest(Connection& writer, int frames) {
  due_at_frames_ = frames + checkpoint_frames_;
  writer.Checkpoint(frames >= kRestartFactor * checkpoint_frames_);
  FaultPoint("stream.after_checkpoint");
}

void LogCopier::Loop() {
  std::unique_lock lock(mutex_);
  for (;;) {
    due_.wait(lock, [&] { return closing_ || phase_ == Phase::kCopying; });
    if (phase_ != Phase::kCopying) return;
    lock.unlock();
    Guarded([&] {
      FaultPoint("stream.before_checkpoint");
      for (int pass = 0; pass < kPasses; ++pass) connection_->Checkpoint(false);
    });
    lock.lock();
    phase_ = Phase::kRest;
  }
}

}  // namespace millrace::stream
