#include "stream/embedded/group_commit.h"

#include <algorithm>
#include <cstdlib>
#include <utility>

#include "base/fault.h"
#include "base/log.h"

namespace millrace::stream {
namespace {

/// At this many times checkpoint_bytes the writer waits for readers to leave the log, so that it starts over instead
/// of growing.
constexpr int kRestartFactor = 4;

[[noreturn]] void EndProcess(const DiskFailure& failure) {
  LogLine(LogLevel::kError, std::string("stopping at once, as what was last written may be lost: ") + failure.what());
  std::_Exit(static_cast<int>(ExitCode::kFailed));
}

}  // namespace

void CommitSignal::Raise() {
  {
    const std::lock_guard lock(mutex_);
    value_.fetch_add(1, std::memory_order_release);
  }
  raised_.notify_all();
}

void CommitSignal::WaitBeyond(uint64_t seen, std::chrono::nanoseconds wait, std::stop_token stop) {
  std::unique_lock lock(mutex_);
  raised_.wait_for(lock, stop, wait, [&] { return value() != seen; });
}

GroupCommit::GroupCommit(std::unique_ptr<Connection> connection, size_t queue_bytes_max, int64_t checkpoint_bytes)
    : connection_(std::move(connection)),
      ledger_(*connection_),
      queue_bytes_max_(queue_bytes_max),
      checkpoint_frames_(static_cast<int>(std::max<int64_t>(1, checkpoint_bytes / kPageBytes))),
      checkpoint_at_frames_(checkpoint_frames_),
      thread_([this] { Loop(); }) {}

GroupCommit::~GroupCommit() {
  {
    const std::lock_guard lock(mutex_);
    closing_ = true;
  }
  work_.notify_one();
  thread_.join();
}

void GroupCommit::Run(const Work& work, size_t bytes) {
  Request request{&work, nullptr};
  std::shared_ptr<Group> group;
  {
    std::unique_lock lock(mutex_);
    room_.wait(lock, [&] { return open_->bytes == 0 || open_->bytes + bytes <= queue_bytes_max_; });
    group = open_;
    group->requests.push_back(&request);
    group->bytes += bytes;
    if (group->requests.size() == 1) work_.notify_one();
  }
  {
    std::unique_lock lock(group->mutex);
    group->finished.wait(lock, [&] { return group->done; });
  }
  if (request.error) std::rethrow_exception(request.error);
}

void GroupCommit::Loop() {
  while (const auto group = Take()) {
    Execute(*group);
    {
      const std::lock_guard lock(group->mutex);
      group->done = true;
    }
    group->finished.notify_all();
    signal_.Raise();
    try {
      CheckpointWhenDue();
    } catch (const DiskFailure& failure) {
      EndProcess(failure);
    } catch (const Error& error) {
      LogWarning("{}; the write-ahead log of the stream grows until that is mended", error.what());
    }
  }
}

std::shared_ptr<GroupCommit::Group> GroupCommit::Take() {
  std::unique_lock lock(mutex_);
  work_.wait(lock, [&] { return closing_ || !open_->requests.empty(); });
  if (open_->requests.empty()) return nullptr;
  auto group = std::exchange(open_, std::make_shared<Group>());
  lock.unlock();
  room_.notify_all();
  return group;
}

void GroupCommit::Execute(Group& group) {
  try {
    Transaction transaction(*connection_, Transaction::Kind::kWrite);
    RunWork(group);
    ledger_.Flush();
    FaultPoint("stream.before_commit");
    transaction.Commit();
    FaultPoint("stream.after_commit");
  } catch (const DiskFailure& failure) {
    EndProcess(failure);
  } catch (const Error& error) {
    ledger_.Forget();
    for (auto* request : group.requests) request->error = std::make_exception_ptr(Error(error));
  }
}

void GroupCommit::RunWork(Group& group) {
  ledger_.Begin();
  for (auto* request : group.requests) {
    try {
      (*request->work)(ledger_);
    } catch (const DatabaseFailure&) {
      throw;
    } catch (const Error&) {
      request->error = std::current_exception();
    }
  }
}

void GroupCommit::CheckpointWhenDue() {
  const int frames = connection_->wal_frames();
  if (frames < std::exchange(last_frames_, frames)) checkpoint_at_frames_ = checkpoint_frames_;
  if (frames < checkpoint_at_frames_) return;
  FaultPoint("stream.before_checkpoint");
  connection_->Checkpoint(frames >= kRestartFactor * checkpoint_frames_);
  FaultPoint("stream.after_checkpoint");
  checkpoint_at_frames_ = frames + checkpoint_frames_;
}

}  // namespace millrace::stream
