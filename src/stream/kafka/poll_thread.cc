#include "stream/kafka/poll_thread.h"

#include <fmt/format.h>

#include <algorithm>
#include <utility>

#include "base/error.h"
#include "base/log.h"
#include "stream/kafka/kafka_error.h"

namespace millrace::stream {
namespace {

using std::chrono::milliseconds;
using std::chrono::seconds;

constexpr size_t kMessagesMax = 16'384;
/// How long a fetch that finds nothing waits; the group and the driver are served this often at least.
constexpr milliseconds kTakeWait{50};
/// While batches wait for the driver, fetches are left to grow.
constexpr milliseconds kGather{5};
constexpr int64_t kRoomBytes = int64_t{4} << 20;
constexpr milliseconds kRetry{1000};
constexpr milliseconds kLookEvery{50};
constexpr milliseconds kEndsEvery{1000};
constexpr milliseconds kFarewell{3000};
constexpr milliseconds kOpenPatience{3000};
/// Brokers that served records a moment ago answer at once, or are dead: then it is cheaper to read again.
constexpr milliseconds kConfirmPatience{2000};

SteadyTime Now() { return std::chrono::steady_clock::now(); }

/// True when the time has come; then it is `every` from now.
bool Due(SteadyTime& at, milliseconds every) {
  if (Now() < at) return false;
  at = Now() + every;
  return true;
}

/// What takes the reading of a partition to an end that no waiting mends.
bool IsGap(rd_kafka_resp_err_t error) {
  return error == RD_KAFKA_RESP_ERR__AUTO_OFFSET_RESET || error == RD_KAFKA_RESP_ERR_OFFSET_OUT_OF_RANGE ||
         error == RD_KAFKA_RESP_ERR__LOG_TRUNCATION || error == RD_KAFKA_RESP_ERR__NO_OFFSET;
}

bool IsMissing(rd_kafka_resp_err_t error) {
  return error == RD_KAFKA_RESP_ERR_UNKNOWN_TOPIC_OR_PART || error == RD_KAFKA_RESP_ERR__UNKNOWN_TOPIC ||
         error == RD_KAFKA_RESP_ERR__UNKNOWN_PARTITION;
}

/// [first, end) is gone; `ahead`: what was read stands behind the end of the log.
std::string Told(const TopicPartition& place, const event::Gap& gap, bool ahead) {
  const auto where = fmt::format("topic {} partition {}", place.topic, place.partition);
  if (ahead) {
    return fmt::format(
        "{}: what was read stands at offset {} and the topic ends at {}: records [{}, {}) are gone, lost by the "
        "brokers "
        "or with an older copy of the topic",
        where, gap.end_offset, gap.first_offset, gap.first_offset, gap.end_offset);
  }
  return fmt::format("{}: records [{}, {}) are gone: retention dropped them before they were read", where,
                     gap.first_offset, gap.end_offset);
}

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
      consumer_(NewConsumer()),
      messages_(kMessagesMax),
      confirm_patience_(kConfirmPatience) {
  if (!member()) {
    FindPartitions();
    shared_.ledger.Seek({});
  }
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

template <typename Body>
bool PollThread::Attempt(Body&& body) {
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

std::unique_ptr<Consumer> PollThread::NewConsumer() const {
  auto options = options_;
  options.worker = worker_;
  const auto group = member() ? options.group_prefix + reader_.reader : std::string();
  auto consumer = std::make_unique<Consumer>(options, group, options.reader_bytes / 2);
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
  auto next = NewConsumer();
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

// ---- topics and their ids

void PollThread::Name(const std::vector<DescribedTopic>& topics) {
  std::vector<TopicPartition> stopped;
  bool replaced = false;
  {
    const std::lock_guard lock(shared_.mutex);
    for (const auto& topic : topics) {
      const auto before = std::exchange(ids_[topic.name], topic.id);
      if (!before.empty() && before != topic.id) {
        LogWarning("topic {} was deleted and made again (id {}, now {}); the new one is read from its beginning",
                   topic.name, before, topic.id);
        replaced = true;
      }
      const auto more = shared_.ledger.Name(topic);
      stopped.insert(stopped.end(), more.begin(), more.end());
    }
  }
  shared_.ready.notify_all();
  // The library takes no leader of the new topic until its epoch has passed that of the old one's, which is never.
  if (replaced) return Renew();
  if (stopped.empty()) return;
  // The library would take it for the answer to what the group asks.
  if (leave_by_) GiveBack();
  consumer_->Stop(stopped);
}

void PollThread::NameTopics() {
  std::set<std::string> unnamed;
  {
    const std::lock_guard lock(shared_.mutex);
    unnamed = shared_.ledger.unnamed();
  }
  if (unnamed.empty() || !Due(name_at_, kRetry)) return;
  Attempt([&] { Name(admin_->Describe({unnamed.begin(), unnamed.end()}, {}, patience_)); });
}

void PollThread::FindPartitions() {
  const auto topics = admin_->Describe(admin_->Matching(subscription_), {}, patience_);
  {
    const std::lock_guard lock(shared_.mutex);
    const auto known = shared_.ledger.places();
    for (const auto& topic : topics) {
      std::vector<TopicPartition> more;
      for (int32_t partition = 0; partition < topic.partitions; ++partition) {
        const TopicPartition place{topic.name, partition};
        if (!std::ranges::binary_search(known, place)) more.push_back(place);
      }
      shared_.ledger.Add(more);
    }
  }
  Name(topics);
}

void PollThread::Refresh() {
  if (!Due(refresh_at_, options_.refresh)) return;
  Attempt([&] {
    if (!member()) return FindPartitions();
    std::set<std::string> names;
    {
      const std::lock_guard lock(shared_.mutex);
      names = shared_.ledger.topics();
    }
    const auto topics = admin_->Describe({names.begin(), names.end()}, {}, patience_);
    for (const auto& topic : topics) {
      names.erase(topic.name);
      gone_.erase(topic.name);
    }
    for (const auto& name : names) {
      if (gone_.insert(name).second) LogWarning("topic {} is gone; waiting for it to be made again", name);
    }
    Name(topics);
  });
}

/// The brokers that served the records say which topic they have under that name: they knew of a new one before they
/// could serve it, and never go back.
bool PollThread::Holds() {
  std::vector<SplitLedger::Unconfirmed> open;
  {
    const std::lock_guard lock(shared_.mutex);
    open = shared_.ledger.unconfirmed();
  }
  auto patience = patience_;
  patience.longest = confirm_patience_;
  std::map<int32_t, std::vector<std::string>> asked;
  for (const auto& topic : open) {
    for (const int32_t broker : topic.brokers) asked[broker].push_back(topic.topic);
  }
  for (auto& [broker, names] : asked) {
    const auto topics = admin_->Describe(names, broker, patience);
    const bool same = std::ranges::all_of(topics, [&](const DescribedTopic& topic) {
      return std::ranges::all_of(open, [&](const auto& read) {
        return read.topic != topic.name || read.id == topic.id || !read.brokers.contains(broker);
      });
    });
    if (same) continue;
    Name(topics);
    return false;
  }
  return true;
}

void PollThread::AnswerQuestions() {
  uint64_t asked = 0;
  {
    const std::lock_guard lock(shared_.mutex);
    if (shared_.answers == shared_.questions) return;
    asked = shared_.questions;
  }
  bool holds = false;
  try {
    holds = Holds();
    confirm_patience_ = kConfirmPatience;
  } catch (const Error& error) {
    if (error.code() != ErrorCode::kUnavailable) throw;
    LogWarning("{}: it cannot be known whether what was read is still of the same topic, so it is read again: {}",
               subscription_, error.what());
    confirm_patience_ = std::min(2 * confirm_patience_, options_.timeout);
  }
  {
    const std::lock_guard lock(shared_.mutex);
    // What waits was not asked about to the end either.
    if (!holds) shared_.ledger.FetchAllAgain();
    shared_.ledger.Confirmed();
    shared_.answers = asked;
    shared_.holds = holds;
  }
  shared_.ready.notify_all();
}

// ---- records

void PollThread::PlaceDue() {
  if (leave_by_) return;  // the library would take it for the answer to what the group asks
  std::map<TopicPartition, SplitLedger::Placement> due;
  {
    const std::lock_guard lock(shared_.mutex);
    due = shared_.ledger.Due();
  }
  if (due.empty()) return;
  std::map<TopicPartition, int64_t> offsets;
  for (const auto& [place, placement] : due) offsets[place] = placement.offset;
  consumer_->Place(offsets);
  const std::lock_guard lock(shared_.mutex);
  shared_.ledger.Placed(due);
}

bool PollThread::HasRoom() {
  std::unique_lock lock(shared_.mutex);
  const auto queued = shared_.ledger.queued_bytes();
  if (queued >= options_.reader_bytes / 2) {
    shared_.room.wait_for(lock, kTakeWait);
    return false;
  }
  if (queued > 0) shared_.room.wait_for(lock, kGather);
  return true;
}

void PollThread::Fetch() {
  if (!HasRoom()) return;
  auto room = budget_ != nullptr ? budget_->TryReserve(kRoomBytes) : Reservation();
  if (!room) {
    std::unique_lock lock(shared_.mutex);
    shared_.room.wait_for(lock, kTakeWait);
    return;
  }
  // However well the brokers' batches were compressed, what is copied at once is about the room that was reserved.
  const auto wanted = std::clamp<int64_t>(kRoomBytes / record_bytes_, 64, kMessagesMax);
  const size_t count = consumer_->Take(messages_.data(), static_cast<size_t>(wanted), kTakeWait);
  if (count == 0) return;
  auto fetched = builder_.Build(messages_.data(), count, [this](const TopicPartition& place) {
    const std::lock_guard lock(shared_.mutex);
    return shared_.ledger.Wanted(place);
  });
  room.reset();
  record_bytes_ = std::max<int64_t>(fetched.bytes / static_cast<int64_t>(count), 1);
  Take(std::move(fetched));
}

void PollThread::Take(Fetched fetched) {
  errors_ = std::move(fetched.errors);
  if (!fetched.runs.empty()) consumer_->client().Answered();
  {
    const std::lock_guard lock(shared_.mutex);
    for (auto& run : fetched.runs) {
      const auto bytes = run.batch->bytes();
      shared_.ledger.Push(std::move(run), budget_ != nullptr ? budget_->Force(bytes) : Reservation());
    }
  }
  shared_.ready.notify_one();
}

void PollThread::Handle(const FetchError& error) {
  if (error.error == RD_KAFKA_RESP_ERR__PARTITION_EOF) return;
  if (IsGap(error.error)) return LookAtGap(error.place);
  if (IsMissing(error.error)) {
    refresh_at_ = std::min(refresh_at_, Now() + kRetry);
    return;
  }
  if (CodeOf(error.error) == ErrorCode::kUnavailable) {
    LogDebug("topic {} partition {}: {}", error.place.topic, error.place.partition, error.text);
    return;
  }
  const auto what = fmt::format("topic {} partition {}", error.place.topic, error.place.partition);
  const auto told = KafkaError(error.error, what, error.text);
  // The library would go on behind records it cannot read.
  throw told.code() == ErrorCode::kConfig
      ? told
      : Error(ErrorCode::kStop, fmt::format("{}; `millrace offsets set` goes on behind them", told.message()));
}

void PollThread::LookAtGap(const TopicPartition& place) {
  const bool looked = Attempt([&] {
    Name(admin_->Describe({place.topic}, {}, patience_));
    const auto first = admin_->Earliest({place}, patience_);
    const auto end = admin_->Ends({place}, patience_);
    if (!first.contains(place) || !end.contains(place)) return;
    std::unique_lock lock(shared_.mutex);
    const auto at = shared_.ledger.StuckAt(place);
    const bool ahead = at && *at > end.at(place);
    if (!at || (*at >= first.at(place) && !ahead)) return shared_.ledger.FetchAgain(place);
    event::Gap gap{std::min(*at, end.at(place)), ahead ? *at : first.at(place), {}};
    gap.why = Told(place, gap, ahead);
    if (!reader_.land_gaps) {
      throw Error(ErrorCode::kStop, fmt::format("{}. `millrace offsets set` goes on without them, and `on_gap: land` "
                                                "does so by itself, with a note in quarantine",
                                                gap.why));
    }
    LogWarning("{}; going on without them, with a note in quarantine", gap.why);
    const int64_t next = ahead ? gap.first_offset : gap.end_offset;
    shared_.ledger.PushGap(place, std::move(gap), next, Clock::System().Now());
    lock.unlock();
    shared_.ready.notify_one();
  });
  // Nothing more comes of the partition until it is fetched anew, so the look is taken again.
  if (!looked) errors_.push_back({place, RD_KAFKA_RESP_ERR__AUTO_OFFSET_RESET, {}});
}

// ---- how far

/// A transaction that was committed a moment ago is not seen until its markers are written; one that hangs is not
/// waited for.
bool PollThread::NothingIsOpen(const std::vector<TopicPartition>& places, const Offsets& ends) {
  if (!options_.read_committed || admin_->Ends(places, patience_) == ends) {
    open_since_.reset();
    return true;
  }
  if (!open_since_) open_since_ = Now();
  return Now() - *open_since_ > kOpenPatience;
}

/// Whether every partition has been read to its end, as the brokers see it from now on.
bool PollThread::Drained() {
  std::vector<TopicPartition> fetched;
  {
    const std::lock_guard lock(shared_.mutex);
    fetched = shared_.ledger.fetched();
    if (fetched.size() != shared_.ledger.places().size()) return false;
  }
  if (fetched.empty()) return !member() || assigned_once_;
  const auto ends = admin_->Latest(fetched, patience_);
  const auto positions = consumer_->Positions(fetched);
  std::vector<TopicPartition> untouched;
  bool drained = ends.size() == fetched.size();
  {
    const std::lock_guard lock(shared_.mutex);
    for (const auto& [place, end] : ends) {
      const auto position = positions.find(place);
      // What lies behind the last record is no record: markers of transactions, aborted ones.
      if (position != positions.end()) shared_.ledger.PushPosition(place, position->second);
      const auto next = shared_.ledger.NextOf(place);
      if (!next) untouched.push_back(place);
      drained = drained && (!next || *next >= end);
    }
  }
  for (const auto& [place, first] : admin_->Earliest(untouched, patience_))
    drained = drained && first >= ends.at(place);
  if (!drained || !NothingIsOpen(fetched, ends)) return false;
  const std::lock_guard lock(shared_.mutex);
  return shared_.ledger.places() == fetched;  // none came while the brokers were asked
}

void PollThread::LookForMore() {
  uint64_t asked = 0;
  {
    const std::lock_guard lock(shared_.mutex);
    asked = shared_.reads;
    if (!reader_.drains || asked == shared_.looked || shared_.ledger.has_batch()) return;
  }
  if (!Due(look_at_, kLookEvery)) return;
  bool drained = false;
  if (!Attempt([&] { drained = Drained(); })) return;
  {
    const std::lock_guard lock(shared_.mutex);
    shared_.looked = asked;
    shared_.drained = drained;
  }
  shared_.ready.notify_all();
}

void PollThread::UpdateEnds() {
  if (!Due(ends_at_, kEndsEvery)) return;
  std::vector<TopicPartition> fetched;
  {
    const std::lock_guard lock(shared_.mutex);
    fetched = shared_.ledger.fetched();
  }
  Offsets ends;
  for (const auto& place : fetched) {
    if (const auto end = consumer_->KnownEnd(place)) ends[place] = *end;
  }
  const std::lock_guard lock(shared_.mutex);
  for (const auto& [place, end] : ends) shared_.ledger.SetEnd(place, end);
  UpdateWaitsFor();
}

/// Under the lock.
void PollThread::UpdateWaitsFor() {
  const auto trouble = trouble_.empty() ? consumer_->client().trouble() : trouble_;
  if (!trouble.empty()) {
    shared_.waits_for = "the brokers: " + trouble;
  } else if (member() && !assigned_once_) {
    shared_.waits_for = "the consumer group to give this worker partitions";
  } else if (shared_.ledger.empty()) {
    shared_.waits_for = member() ? "partitions: other workers have all of them, or there is no such topic"
                                 : fmt::format("a topic that matches {}", subscription_);
  } else if (!gone_.empty()) {
    shared_.waits_for = fmt::format("topic {} to be made again", *gone_.begin());
  } else {
    shared_.waits_for.clear();
  }
}

}  // namespace millrace::stream
