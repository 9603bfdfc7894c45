#include "app/table_feed.h"

#include <fmt/format.h>

#include <algorithm>
#include <utility>

#include "app/chunk_trace.h"
#include "base/error.h"
#include "base/fault.h"
#include "base/log.h"
#include "base/scheduling.h"
#include "io/outage_patience.h"

namespace millrace::app {
namespace {

constexpr std::chrono::milliseconds kFirstDelay{50};
constexpr std::chrono::milliseconds kLongestDelay{5000};
/// A feed that waits for its turn looks after its commits so often in the time that events may take to be visible.
constexpr int kLooksInFreshness = 20;
constexpr std::chrono::milliseconds kTurnWaitMin{100};
constexpr std::chrono::milliseconds kTurnWaitMax{500};
/// It reads a little without one after this time.
constexpr std::chrono::seconds kReadAnyway{2};

}  // namespace

TableFeed::TableFeed(std::unique_ptr<event::Source> reader, std::shared_ptr<event::Sink> sink, Options options)
    : reader_(std::move(reader)),
      sink_(std::move(sink)),
      options_(std::move(options)),
      account_(options_.table, options_.topic),
      turn_(options_.turns) {}

void TableFeed::Run(std::stop_token stop, std::stop_token abort) {
  WorkInBatches();
  const io::OutagePatience stoppable(abort, {});
  try {
    WithContext(options_.title, [&] { RunUntilAborted(stop, abort); });
    account_.Turned(drained_ ? FeedState::kDrained : FeedState::kStopped);
  } catch (const std::exception& failure) {
    ChunkTrace::OfThread().Failed(failure.what());
    account_.Turned(FeedState::kFailed, failure.what());
    throw;
  }
}

void TableFeed::RunUntilAborted(const std::stop_token& stop, const std::stop_token& abort) {
  try {
    RunToEnd(stop, abort);
  } catch (const Error& error) {
    if (error.code() != ErrorCode::kUnavailable || !abort.stop_requested()) throw;
    throw Error(ErrorCode::kUnavailable,
                fmt::format("stopped, and what was read could not be landed: {}. Nothing that was committed is lost; "
                            "the next start goes on from there",
                            error.what()));
  }
}

void TableFeed::RunToEnd(const std::stop_token& stop, const std::stop_token& abort) {
  account_.Turned(FeedState::kStarting);
  Recover();
  account_.Turned(FeedState::kRunning);
  began_ = Clock::System().Steady();
  while (!stop.stop_requested()) {
    const bool more = !TimeIsUp() && ReadOnce(stop, abort);
    const bool commits = !more || sink_->CommitDue();
    if (commits) turn_.Encodes();
    const bool landed = !commits || Commit(stop, abort);
    if (commits) turn_.End();
    if (account_.PublishDue()) Publish();
    if (!more && landed) {
      drained_ = true;
      return Publish();
    }
  }
  Commit(stop, abort);
  Publish();
}

bool TableFeed::TimeIsUp() const { return options_.time && Clock::System().Steady() - began_ >= *options_.time; }

/// Asked when nothing comes any more, as it seems.
bool TableFeed::Settled() {
  const auto now = Clock::System().Steady();
  if (!quiet_since_) quiet_since_ = now;
  return now - *quiet_since_ >= options_.settle;
}

void TableFeed::Recover() {
  const auto landed = sink_->Recover();
  reader_->Seek(landed);
  // A crash after a commit and before its acknowledgement leaves the reader behind what has landed.
  reader_->Acknowledge(landed);
}

void TableFeed::RecoverAgain(const std::stop_token& stop, const std::stop_token& abort) {
  for (auto delay = kFirstDelay; !abort.stop_requested(); delay = std::min(2 * delay, kLongestDelay)) {
    try {
      Recover();
      return recovery_.Clear();
    } catch (const Error& error) {
      if (error.code() != ErrorCode::kUnavailable) throw;
      LogWarning("{}: where it stands cannot be read, trying again: {}", options_.title, error.what());
      recovery_.Put(event::WaitKind::kCatalog,
                    fmt::format("where it stands cannot be read ({}); trying again", error.what()));
    }
    // Nothing that was read waits for a commit, so a stop need not either.
    if (!Clock::System().SleepFor(delay, stop)) return;
  }
}

/// Whoever is not behind reads what comes, and whoever is waits for a turn, but not for long: a reader that is never
/// asked cannot say that its splits have gone to another worker.
bool TableFeed::MayRead(const std::stop_token& stop) {
  if (!behind_ || !options_.turns) {
    turn_.End();
    waits_for_turn_ = false;
    return true;
  }
  const auto now = Clock::System().Steady();
  if (!waits_since_) waits_since_ = now;
  waits_for_turn_ = !turn_.taken();
  if (!turn_.Take(std::clamp(options_.freshness / kLooksInFreshness, kTurnWaitMin, kTurnWaitMax), stop)) {
    if (now - *waits_since_ < kReadAnyway) return false;
    turn_.End();  // its place: what it writes may wait for long, and others would wait behind it
  }
  waits_since_.reset();
  waits_for_turn_ = false;
  return !stop.stop_requested();
}

bool TableFeed::ReadOnce(std::stop_token stop, std::stop_token abort) {
  if (!MayRead(stop)) return true;
  // Asked before the read: what comes after "done" cannot be missed by an idle read.
  const bool nothing_will_come = options_.intake_done && options_.intake_done();
  const auto began = ChunkTrace::Wanted() ? Clock::System().Now() : Timestamp{};
  const size_t bytes_max = turn_.taken() ? options_.turns->read_bytes() : options_.read_bytes;
  auto read = reader_->Read({.bytes_max = bytes_max}, stop);
  if (read.state != event::ReadState::kBatch) behind_ = false;
  switch (read.state) {
    case event::ReadState::kBatch: {
      quiet_since_.reset();
      account_.Read(*read.batch);
      if (ChunkTrace::Wanted()) ChunkTrace::OfThread().Read(began, *read.batch, options_.table, options_.from);
      Write(std::move(read.batch), bytes_max, abort);
      return true;
    }
    case event::ReadState::kIdle:
      return !nothing_will_come || stop.stop_requested() || !Settled();
    case event::ReadState::kWaiting:
      return true;
    case event::ReadState::kReassigned:
      if (Commit(stop, abort)) RecoverAgain(stop, abort);
      return true;
    case event::ReadState::kExhausted:
      if (!options_.intake_done) Clock::System().SleepFor(std::chrono::milliseconds(100), stop);
      return !options_.intake_done;
  }
  return true;
}

void TableFeed::Write(event::EventBatchPtr batch, size_t bytes_max, const std::stop_token& abort) {
  const auto bytes = static_cast<size_t>(batch->bytes());
  behind_ = bytes >= bytes_max / 2;
  sink_->Write(std::move(batch), abort);
  if (!behind_ || turn_.Read(bytes)) return;
  // Encoding is of its turn too: whoever comes next finds the cores and the memory free.
  turn_.Encodes();
  sink_->Rest(abort);
  turn_.End();
}

bool TableFeed::Commit(const std::stop_token& stop, const std::stop_token& abort) {
  const auto begin = Clock::System().Steady();
  if (!reader_->ConfirmRead(abort)) {
    LogWarning("{}: what was read since the last commit is dropped and read again", options_.title);
    account_.Overtaken(sink_->counts(), 0);
    ChunkTrace::OfThread().Failed("what was read is dropped and read again");
    RecoverAgain(stop, abort);
    return false;
  }
  auto& trace = ChunkTrace::OfThread();
  event::CommitOutcome outcome{};
  {
    const Tracing::Within within(trace.context());
    outcome = sink_->Commit(abort);
  }
  trace.Ended(outcome, sink_->counts());
  const double seconds = std::chrono::duration<double>(Clock::System().Steady() - begin).count();
  switch (outcome) {
    case event::CommitOutcome::kNothing:
      return true;
    case event::CommitOutcome::kCommitted:
      account_.Committed(sink_->counts(), seconds);
      FaultPoint("app.table_ack");
      reader_->Acknowledge(sink_->positions());
      FaultPoint("app.table_acked");
      if (options_.on_commit) options_.on_commit();
      return true;
    case event::CommitOutcome::kConflict:
      account_.Overtaken(sink_->counts(), seconds);
      RecoverAgain(stop, abort);
      return false;
  }
  return true;
}

void TableFeed::Publish() { account_.Publish(sink_->counts(), reader_->lag()); }

TableStatus TableFeed::status() const {
  auto status = account_.status();
  status.waits_for_turn = waits_for_turn_;
  status.wait = recovery_.Get();
  if (status.wait.kind != event::WaitKind::kNothing) return status;
  status.wait = sink_->WaitsFor();
  if (status.wait.kind != event::WaitKind::kNothing) return status;
  if (auto trouble = reader_->WaitsFor(); !trouble.empty()) {
    status.wait = {.kind = event::WaitKind::kStream, .detail = std::move(trouble), .since = std::nullopt};
  }
  return status;
}

}  // namespace millrace::app
