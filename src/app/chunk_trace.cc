#include "app/chunk_trace.h"

#include <algorithm>
#include <utility>

#include "app/feed_account.h"
#include "base/random.h"
#include "land/last_landed.h"
#include "refine/run_lineage.h"
#include "telemetry/lineage.h"

namespace millrace::app {

ChunkTrace& ChunkTrace::OfThread() {
  thread_local ChunkTrace trace;
  return trace;
}

bool ChunkTrace::Wanted() { return Tracing::on() || telemetry::Lineage::Process() != nullptr; }

void ChunkTrace::Read(Timestamp began, const event::EventBatch& events, const std::string& table,
                      const std::string& from) {
  if (!open_) {
    open_ = true;
    context_ = Tracing::Begin();
    oldest_ = events.ingested_at;
    root_ = {.context = context_.value_or(SpanContext{}), .name = "land", .begin = began};
    root_.attributes = {{"millrace.table", table}, {"millrace.from", from}};
    BeginLineage(table, from);
  }
  const auto now = std::max(Clock::System().Now(), began);
  poll_.Add({.begin = began, .end = now, .busy = now - began});
  ++batches_;
  records_ += static_cast<int64_t>(events.size());
  bytes_ += static_cast<int64_t>(RecordBytes(events));
  oldest_ = std::min(oldest_, events.ingested_at);
}

void ChunkTrace::Ended(event::CommitOutcome outcome, const event::SinkCounts& counts) {
  if (outcome == event::CommitOutcome::kNothing) return;  // it goes on
  landed_ = counts;
  landed_.rows -= std::min(before_.rows, counts.rows);
  landed_.files -= std::min(before_.files, counts.files);
  landed_.bytes -= std::min(before_.bytes, counts.bytes);
  before_ = counts;
  if (!open_) return;
  root_.attributes.emplace_back("millrace.rows", static_cast<int64_t>(landed_.rows));
  if (outcome == event::CommitOutcome::kConflict) return End("another writer landed the same events first");
  const auto now = Clock::System().Now();
  root_.events.emplace_back("visible", now);
  root_.attributes.emplace_back("millrace.freshness_seconds",
                                std::max(std::chrono::duration<double>(now - oldest_).count(), 0.0));
  End({});
}

void ChunkTrace::Failed(const std::string& error) {
  if (open_) End(error);
}

void ChunkTrace::BeginLineage(const std::string& table, const std::string& from) {
  auto* lineage = telemetry::Lineage::Process();
  if (lineage == nullptr) return;
  lineage_ = {.run_id = Random::FromSystem().Uuid(), .job = "land." + table, .job_type = "LAND", .streaming = true};
  lineage_.at = Clock::System().Now();
  lineage_.inputs = {{.name_space = lineage->topic_namespace(), .name = from}};
  lineage->Tell(lineage_);
}

/// The table as the commit of this thread left it; of plain files and documents only the name is known.
void ChunkTrace::EndLineage(const std::string& error) {
  auto* lineage = telemetry::Lineage::Process();
  const auto landed = land::TakeLastLanded();
  if (lineage == nullptr || lineage_.run_id.empty()) return;
  using State = telemetry::LineageEvent::State;
  lineage_.state = error.empty() ? State::kComplete : State::kFail;
  lineage_.error = error;
  lineage_.at = Clock::System().Now();
  const auto table = lineage_.job.substr(lineage_.job.find('.') + 1);
  auto output = landed && catalog::ToString(landed->table.name) == table
                    ? refine::DatasetOf(landed->table, landed->snapshot_id)
                    : telemetry::LineageDataset{.name_space = lineage->job_namespace(), .name = table};
  output.rows = static_cast<int64_t>(landed_.rows);
  output.files = static_cast<int64_t>(landed_.files);
  output.bytes = static_cast<int64_t>(landed_.bytes);
  if (error.empty()) lineage_.outputs = {std::move(output)};
  lineage->Tell(lineage_);
}

void ChunkTrace::End(std::string error) {
  EndLineage(error);
  if (context_) EndTrace(std::move(error));
  const auto before = before_;
  *this = ChunkTrace();
  before_ = before;
}

void ChunkTrace::EndTrace(std::string error) {
  {
    const Tracing::Within within(context_);
    if (auto poll = poll_.begin ? Tracing::BeginChild("poll") : std::nullopt) {
      poll->begin = *poll_.begin;
      poll->end = poll_.end;
      poll->attributes = {{"millrace.busy_seconds", std::chrono::duration<double>(poll_.busy).count()},
                          {"millrace.batches", batches_},
                          {"millrace.records", records_},
                          {"millrace.bytes", bytes_}};
      Tracing::End(std::move(*poll));
    }
  }
  root_.end = Clock::System().Now();
  root_.attributes.emplace_back("millrace.records", records_);
  root_.error = std::move(error);
  Tracing::End(std::move(root_));
}

}  // namespace millrace::app
