#include "stream/embedded/group_commit.h"

#include <algorithm>
#include <utility>

#include "base/fault.h"
#include "stream/embedded/recovery.h"

namespace millrace::stream {
namespace {

/// Groups of more bytes than this wait for nobody: what they write costs as much as the sync.
constexpr size_t kGatherBytesMax = size_t{64} << 10;
/// A wait takes as long as the last commit at the most, and this.
constexpr std::chrono::milliseconds kGatherMax{2};
/// So many groups wait for nobody after a wait in vain: callers with long pauses of their own pay it seldom.
constexpr int kGroupsAfterVain = 16;

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

GroupCommit::GroupCommit(std::unique_ptr<Connection> connection, std::unique_ptr<Connection> copying,
                         const SegmentFolder& folder, const GroupCommitLimits& limits)
    : connection_(std::move(connection)),
      journal_(*connection_, folder, limits.segment_bytes),
      ledger_(*connection_, journal_),
      queue_bytes_max_(limits.queue_bytes_max),
      copier_(std::move(copying), limits.checkpoint_bytes) {
  Recover(ledger_, folder);
  thread_ = std::thread([this] { Loop(); });
}

GroupCommit::~GroupCommit() {
  {
    const std::lock_guard lock(mutex_);
    closing_ = true;
  }
  work_.notify_one();
  thread_.join();
}

void GroupCommit::Run(const Work& work, size_t bytes, DurableBy durable_by) {
  Request request{&work, nullptr};
  std::unique_lock lock(mutex_);
  room_.wait(lock, [&] { return open_->bytes == 0 || open_->bytes + bytes <= queue_bytes_max_; });
  open_->requests.push_back(&request);
  open_->bytes += bytes;
  open_->by_database = open_->by_database || durable_by == DurableBy::kDatabase;
  if (open_->requests.size() == expected_) gathered_.notify_one();
  if (std::exchange(writing_, true)) {
    const auto group = open_;
    lock.unlock();
    group->done.Wait();
  } else {
    const auto group = Take(lock);
    lock.unlock();
    Write(*group);
    lock.lock();
    writing_ = handed_ = !open_->requests.empty();
    if (handed_) work_.notify_one();
  }
  if (request.error) std::rethrow_exception(request.error);
}

void GroupCommit::Loop() {
  std::unique_lock lock(mutex_);
  for (;;) {
    work_.wait(lock, [&] { return handed_ || (closing_ && !writing_); });
    if (!std::exchange(handed_, false)) return;
    while (!open_->requests.empty()) {
      const auto group = Take(lock);
      lock.unlock();
      Write(*group);
      lock.lock();
    }
    writing_ = false;
  }
}

std::shared_ptr<GroupCommit::Group> GroupCommit::Take(std::unique_lock<std::mutex>& lock) {
  Gather(lock);
  auto group = std::exchange(open_, std::make_shared<Group>());
  room_.notify_all();
  return group;
}

void GroupCommit::Gather(std::unique_lock<std::mutex>& lock) {
  if (open_->bytes > kGatherBytesMax || std::chrono::steady_clock::now() >= gather_until_) return;
  gathered_.wait_until(lock, gather_until_, [&] { return open_->requests.size() >= expected_; });
  if (open_->requests.size() < expected_ * 3 / 4) wait_for_nobody_ = kGroupsAfterVain;
}

void GroupCommit::Ended(const Group& group, std::chrono::steady_clock::duration took) {
  const std::lock_guard lock(mutex_);
  if (wait_for_nobody_ > 0) --wait_for_nobody_;
  const bool alone = wait_for_nobody_ > 0 || group.bytes > kGatherBytesMax;
  expected_ = alone ? 0 : group.requests.size() + open_->requests.size();
  gather_until_ = std::chrono::steady_clock::now() + std::min<std::chrono::steady_clock::duration>(took, kGatherMax);
}

void GroupCommit::Write(Group& group) noexcept {
  const auto begin = std::chrono::steady_clock::now();
  Execute(group);
  Ended(group, std::chrono::steady_clock::now() - begin);
  group.done.Raise();
  signal_.Raise();
  copier_.AfterCommit(*connection_);
}

void GroupCommit::Execute(Group& group) {
  try {
    connection_->SyncCommits(group.by_database);
    Transaction transaction(*connection_, Transaction::Kind::kWrite);
    RunWork(group);
    ledger_.Flush();
    FaultPoint("stream.before_journal_sync");
    journal_.Sync();
    FaultPoint("stream.before_commit");
    transaction.Commit();
    journal_.Committed();
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

}  // namespace millrace::stream
