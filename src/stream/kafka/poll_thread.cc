#include "stream/kafka/poll_thread.h"

#include <fmt/format.h>

#include <algorithm>
#include <utility>

#include "base/error.h"
#include "base/fault.h"
#include "base/log.h"
#include "stream/kafka/kafka_error.h"

namespace millrace::stream {
namespace {

using std::chrono::milliseconds;

constexpr size_t kMessagesMax = 16'384;
constexpr milliseconds kFarewell{3000};

}  // namespace

PollThread::PollThread(const KafkaOptions& options, std::shared_ptr<Admin> admin, ByteBudget* budget,
                       std::string subscription, const event::ReaderOptions& reader, ReaderShared& shared)
    : options_(options),
      admin_(std::move(admin)),
      budget_(budget),
      subscription_(std::move(subscription)),
      reader_(reader),
      shared_(shared),
      worker_(options.worker),
      consumer_(NewConsumer(options.worker)),
      builder_(reader.headers),
      messages_(kMessagesMax),
      confirm_patience_(kConfirmPatience) {
  if (!member()) {
    FindPartitions();
    shared_.ledger.Seek({});
  }
  orphans_possible_ = member();
  refresh_at_ = Now() + options_.refresh;
  thread_ = std::jthread([this](const std::stop_token& stop) { Run(stop); });
}

PollThread::~PollThread() {
  thread_.request_stop();
  Wake();
  if (thread_.joinable()) thread_.join();
}

void PollThread::Wake() {
  shared_.room.notify_one();
  const std::lock_guard lock(waking_);
  if (consumer_) consumer_->Wake();
}

void PollThread::Run(std::stop_token stop) {
  patience_.stop = stop;
  // A group that is not answered gives the partitions to others, however busy the brokers keep us.
  patience_.meanwhile = [this] {
    ServeGroup();
    GiveBackLeavers();
  };
  try {
    while (!stop.stop_requested()) Step();
    TellAcknowledged(kFarewell);
    if (leave_by_) GiveBack();
  } catch (...) {
    {
      const std::lock_guard lock(shared_.mutex);
      shared_.failure = std::current_exception();
    }
    shared_.ready.notify_all();
  }
}

void PollThread::Step() {
  NameTopics();
  Refresh();
  ServeGroup();
  GiveBackLeavers();
  LookForOrphans();
  PlaceDue();
  TellAcknowledged({});
  AnswerQuestions();
  Fetch();
  for (const auto& error : std::exchange(errors_, {})) Handle(error);
  LookForMore();
  UpdateEnds();
  const auto failure = consumer_->client().failure();
  if (!failure) return;
  if (!consumer_->client().fenced()) throw *failure;
  GoOnUnderAnotherName();
}

bool PollThread::Due(SteadyTime& at, milliseconds every) {
  if (Now() < at) return false;
  at = Now() + every;
  return true;
}

bool PollThread::Attempt(const std::function<void()>& body) {
  if (Now() < attempt_at_) return false;
  try {
    body();
    trouble_.clear();
    return true;
  } catch (const Error& error) {
    if (error.code() != ErrorCode::kUnavailable) throw;
    if (trouble_.empty()) LogWarning("{}; trying again", error.what());
    trouble_ = error.what();
    attempt_at_ = Now() + kRetry;
    return false;
  }
}

// ---- the group

std::unique_ptr<Consumer> PollThread::NewConsumer(const std::string& worker) const {
  auto options = options_;
  options.worker = worker;
  auto consumer = std::make_unique<Consumer>(options, member() ? group() : std::string(), options.reader_bytes / 2);
  if (member()) consumer->Subscribe(subscription_);
  return consumer;
}

void PollThread::Renew() {
  leave_by_.reset();
  errors_.clear();
  {
    const std::lock_guard lock(shared_.mutex);
    member() ? shared_.ledger.Forget(shared_.ledger.places()) : shared_.ledger.FetchAllAgain();
  }
  shared_.ready.notify_all();
  std::unique_ptr<Consumer> last;
  {
    const std::lock_guard lock(waking_);
    last.swap(consumer_);
  }
  last.reset();  // before the next one takes its place in the group
  auto next = NewConsumer(worker_);
  orphans_possible_ = member();
  const std::lock_guard lock(waking_);
  consumer_.swap(next);
}

/// That another process has taken the worker's name is one reason; a broker that died and a library that answered the
/// next one too late is the other. Nothing is at stake: where the table stands is in the table.
void PollThread::GoOnUnderAnotherName() {
  LogWarning(
      "{}: the brokers say that another process reads under this worker's name; going on under another. If there is "
      "such a process, give it a data_dir of its own, not a copy",
      subscription_);
  worker_.clear();
  Renew();
}

void PollThread::ServeGroup() {
  if (!member()) {
    consumer_->Poll();
    return;
  }
  while (const auto rebalance = consumer_->Poll()) {
    std::unique_lock lock(shared_.mutex);
    if (rebalance->kind == Rebalance::Kind::kAssigned) {
      assigned_once_ = true;
      LogInfo("{}: {} partitions more to read", subscription_, rebalance->places.size());
      shared_.ledger.Add(rebalance->places);
      name_at_ = {};
    } else if (rebalance->lost) {
      LogWarning("{}: the group gave {} partitions to others without asking; going on from what has landed",
                 subscription_, rebalance->places.size());
      shared_.ledger.Forget(rebalance->places);
      lock.unlock();
      consumer_->Release(rebalance->places);
    } else {
      LogInfo("{}: {} partitions go to another worker", subscription_, rebalance->places.size());
      shared_.ledger.Leave(rebalance->places);
      leave_by_ = Now() + options_.revoke_patience;
    }
    shared_.ready.notify_all();
  }
}

void PollThread::GiveBackLeavers() {
  if (!leave_by_) return;
  {
    const std::lock_guard lock(shared_.mutex);
    if (!shared_.ledger.LeaversSettled() && Now() < *leave_by_) return;
  }
  TellAcknowledged({});
  FaultPoint("kafka.before_give_back");
  GiveBack();
}

void PollThread::GiveBack() {
  std::vector<TopicPartition> leaving;
  {
    const std::lock_guard lock(shared_.mutex);
    leaving = shared_.ledger.leavers();
    shared_.ledger.Forget(leaving);
  }
  leave_by_.reset();
  consumer_->Release(leaving);
  shared_.ready.notify_all();
}

void PollThread::TellAcknowledged(milliseconds wait) {
  if (!member()) return;
  std::vector<CommittedOffset> offsets;
  {
    const std::lock_guard lock(shared_.mutex);
    offsets = shared_.ledger.TakeAcknowledged();
  }
  consumer_->Commit(offsets, wait);
}

}  // namespace millrace::stream
