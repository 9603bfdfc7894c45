#include "app/table_feed.h"

#include <fmt/format.h>

#include <utility>

#include "base/error.h"
#include "base/fault.h"
#include "base/log.h"

namespace millrace::app {

TableFeed::TableFeed(std::unique_ptr<event::Source> reader, std::shared_ptr<event::Sink> sink, Options options)
    : reader_(std::move(reader)), sink_(std::move(sink)), options_(std::move(options)) {}

void TableFeed::Run(std::stop_token stop, std::stop_token abort) {
  WithContext(fmt::format("table {}", options_.table), [&] {
    Recover();
    while (!stop.stop_requested()) {
      const bool more = ReadOnce(stop);
      const bool landed = more && !sink_->CommitDue() ? true : Commit(abort);
      Publish();
      if (!more && landed) {
        drained_ = true;
        return;
      }
    }
    Commit(abort);
    Publish();
  });
}

void TableFeed::Recover() {
  const auto landed = sink_->Recover();
  reader_->Seek(landed);
  // A crash after a commit and before its acknowledgement leaves the reader behind what has landed.
  reader_->Acknowledge(landed);
}

bool TableFeed::ReadOnce(std::stop_token stop) {
  // Asked before the read: what comes after "done" cannot be missed by an idle read.
  const bool nothing_will_come = options_.intake_done && options_.intake_done();
  auto read = reader_->Read({}, stop);
  switch (read.state) {
    case event::ReadState::kBatch: {
      sink_->Write(std::move(read.batch));
      return true;
    }
    case event::ReadState::kIdle:
      return !nothing_will_come || stop.stop_requested();
    case event::ReadState::kExhausted:
      if (!options_.intake_done) Clock::System().SleepFor(std::chrono::milliseconds(100), stop);
      return !options_.intake_done;
  }
  return true;
}

bool TableFeed::Commit(std::stop_token abort) {
  switch (sink_->Commit(abort)) {
    case event::CommitOutcome::kNothing:
      return true;
    case event::CommitOutcome::kCommitted:
      FaultPoint("app.table_ack");
      reader_->Acknowledge(sink_->positions());
      FaultPoint("app.table_acked");
      if (options_.on_commit) options_.on_commit();
      return true;
    case event::CommitOutcome::kConflict:
      LogWarning("table {}: another writer was faster; going on from what it landed", options_.table);
      Recover();
      return false;
  }
  return true;
}

void TableFeed::Publish() {
  TableStatus status{.counts = sink_->counts(), .lag = reader_->lag(), .waits_for = sink_->WaitsFor()};
  const std::lock_guard lock(mutex_);
  status_ = std::move(status);
}

TableStatus TableFeed::status() const {
  const std::lock_guard lock(mutex_);
  return status_;
}

}  // namespace millrace::app
