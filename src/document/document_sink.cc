#include "document/document_sink.h"

#include <fmt/format.h>

#include <algorithm>
#include <utility>

#include "base/error.h"
#include "base/fault.h"
#include "base/log.h"
#include "base/trace.h"
#include "event/blank.h"
#include "io/outage_patience.h"

namespace millrace::document {
namespace {

using event::RejectCause;

constexpr auto kForgetEvery = std::chrono::minutes(1);  // at most: it reads the whole collection

}  // namespace

DocumentSink::DocumentSink(std::unique_ptr<DocumentStore> store, DocumentSinkOptions options, ByteBudget& budget,
                           const Clock& clock)
    : store_(std::move(store)),
      options_(std::move(options)),
      budget_(budget),
      clock_(clock),
      parser_(static_cast<size_t>(options_.record_bytes_max)),
      board_(clock) {}

template <typename Body>
auto DocumentSink::Through(const std::stop_token& stop, Body&& body) {
  const auto before = board_.Get();
  const io::OutagePatience patience(
      stop,
      {.on_wait =
           [this](const std::string& why, std::chrono::milliseconds) {
             board_.Put(event::WaitKind::kStore,
                        fmt::format("the document store does not answer ({}); trying again, everything is kept", why));
           },
       .on_end = [this, before] { board_.Put(before.kind, before.detail); }},
      clock_);
  return body();
}

event::Positions DocumentSink::Recover() {
  Drop();
  landed_ = store_->ReadPositions();
  written_ = landed_;
  return landed_;
}

void DocumentSink::Drop() {
  changes_.clear();
  change_of_id_.clear();
  held_.clear();
  buffered_bytes_ = 0;
  reservation_.Release();
  buffered_since_.reset();
  pending_ = {};
  board_.Clear();
}

void DocumentSink::Write(event::EventBatchPtr events, std::stop_token) {
  const auto due = event::CursorOf(written_, events->split);
  if (events->begin != due) {
    throw Error(ErrorCode::kInternal, fmt::format("split {}: a batch begins at '{}' where '{}' is due",
                                                  events->split.value(), events->begin.value(), due.value()));
  }
  if (events->gap) KeepGap(*events);
  const int64_t before = buffered_bytes_;
  pending_.records += events->size();
  if (options_.shape) {
    TakeShaped(events);
  } else {
    for (uint32_t record = 0; record < events->size(); ++record) Take(events, record, events->record(record));
  }
  if (events->size() > 0) buffered_bytes_ += events->bytes();
  reservation_.Merge(budget_.Force(buffered_bytes_ - before));
  written_[events->split] = events->end;
  if (!buffered_since_ && (events->size() > 0 || events->gap)) buffered_since_ = clock_.Steady();
  ShowBuffered();
}

void DocumentSink::TakeShaped(const event::EventBatchPtr& events) {
  auto shaped = options_.shape(*events);
  pending_.filtered += events->size() - shaped.rows.size() - shaped.rejects.size();
  for (auto& reject : shaped.rejects) Reject(*events, reject.record, reject.cause, std::move(reject.detail));
  for (auto& row : shaped.rows) {
    if (row.json.empty()) {
      Take(events, row.record, events->record(row.record));
      continue;
    }
    const size_t size = row.json.size();
    row.json.append(simdjson::SIMDJSON_PADDING, '\0');
    Take(events, row.record, std::string_view(row.json).substr(0, size));
  }
}

void DocumentSink::Take(const event::EventBatchPtr& events, uint32_t record, std::string_view value) {
  try {
    if (!options_.key.empty() && value.empty() && options_.deletes) return TakeDelete(events, record);
    if (event::IsBlank(value)) {
      ++pending_.blank;
      return;
    }
    auto version = VersionOf(*events, record);
    std::string whole;
    if (options_.id_is_record_key || options_.headers) {
      whole = WithOurs(*events, record, value);
      value = std::string_view(whole).substr(0, whole.size() - simdjson::SIMDJSON_PADDING);
    }
    const auto object = parser_.Record(value);
    auto encoded =
        options_.key.empty() ? store_->EncodeAtPlace(object, version) : store_->Encode(object, options_.key, version);
    Keep(events, record, std::move(version), std::move(encoded), false);
  } catch (Unfit& unfit) {
    Reject(*events, record, unfit.cause, std::move(unfit.detail));
  }
}

std::string DocumentSink::WithOurs(const event::EventBatch& events, uint32_t record, std::string_view value) {
  std::string ours;
  if (options_.id_is_record_key) {
    if (event::IsBlank(events.key(record))) throw Unfit{RejectCause::kMissingKey, "it has no key, which is the id"};
    parser_.WholeKey(events.key(record), options_.plain_keys);
    ours = fmt::format(R"("_id":{})", parser_.whole_key_text());
  }
  if (options_.headers) {
    ours += ours.empty() ? R"("_headers":)" : R"(,"_headers":)";
    options_.headers(events.header_block(record), ours);
  }
  const auto open = value.find_first_not_of(" \t\r\n");
  if (open == std::string_view::npos || value[open] != '{') {
    throw Unfit{RejectCause::kNotAnObject, "a document is an object"};
  }
  const auto rest = value.substr(open + 1);
  const auto first = rest.find_first_not_of(" \t\r\n");
  const bool is_empty = first != std::string_view::npos && rest[first] == '}';
  auto whole = fmt::format("{{{}{}{}", ours, is_empty ? "" : ",", rest);
  whole.append(simdjson::SIMDJSON_PADDING, '\0');
  return whole;
}

/// A record without a value: what its key names is to go.
void DocumentSink::TakeDelete(const event::EventBatchPtr& events, uint32_t record) {
  const auto key = events->key(record);
  if (event::IsBlank(key)) throw Unfit{RejectCause::kMissingKey, "it has neither a value nor a key"};
  auto version = VersionOf(*events, record);
  const auto& values = options_.id_is_record_key ? parser_.WholeKey(key, options_.plain_keys)
                                                 : parser_.Key(key, options_.key, options_.plain_keys);
  auto encoded = store_->EncodeDeleted(values, options_.key, version);
  Keep(events, record, std::move(version), std::move(encoded), true);
}

void DocumentSink::Keep(const event::EventBatchPtr& events, uint32_t record, Version version, Encoded encoded,
                        bool deletes) {
  ++(deletes ? pending_.deletes : pending_.rows);
  buffered_bytes_ += static_cast<int64_t>(encoded.id.size() + encoded.body.size());
  Buffered buffered{.change = {.version = std::move(version),
                               .id = encoded.id,
                               .body = std::move(encoded.body),
                               .keyed = !options_.key.empty()},
                    .deletes = deletes,
                    .origin = events,
                    .record = record};
  const auto [known, added] = change_of_id_.try_emplace(std::move(encoded.id), changes_.size());
  if (added) {
    changes_.push_back(std::move(buffered));
  } else if (IsNewer(buffered.change.version, changes_[known->second].change.version)) {
    changes_[known->second] = std::move(buffered);
  }
}

Version DocumentSink::VersionOf(const event::EventBatch& events, uint32_t record) {
  return {.split = events.split, .offset = events.offset(record), .time = events.timestamp(record)};
}

void DocumentSink::Reject(const event::EventBatch& events, uint32_t record, RejectCause cause, std::string detail) {
  ++pending_.rejected[cause];
  held_.push_back({.split = events.split,
                   .offset = events.offset(record),
                   .topic = events.topic,
                   .partition = events.partition,
                   .cause = cause,
                   .detail = std::move(detail),
                   .value = std::string(events.record(record)),
                   .key = std::string(events.key(record)),
                   .time = events.timestamp(record)});
}

void DocumentSink::KeepGap(const event::EventBatch& events) {
  const event::Gap& gap = *events.gap;
  pending_.missing += static_cast<uint64_t>(gap.end_offset - gap.first_offset);
  held_.push_back({.split = events.split,
                   .offset = gap.first_offset,
                   .topic = events.topic,
                   .partition = events.partition,
                   .cause = RejectCause::kGap,
                   .detail = fmt::format("records [{}, {}) are missing: {}", gap.first_offset, gap.end_offset, gap.why),
                   .value = {},
                   .key = {},
                   .time = events.ingested_at});
}

bool DocumentSink::CommitDue() const {
  if (!buffered_since_) return false;
  return buffered_bytes_ >= options_.buffer_bytes || budget_.under_pressure() ||
         clock_.Steady() - *buffered_since_ >= options_.buffer_time;
}

event::CommitOutcome DocumentSink::Commit(std::stop_token stop) {
  if (!buffered_since_) return event::CommitOutcome::kNothing;
  const ChildSpan span("commit");
  board_.Put(event::WaitKind::kCommitting, "documents are being written");
  const bool ours = Through(stop, [&] { return WriteAndMove(); });
  if (!ours) {
    Drop();
    return event::CommitOutcome::kConflict;
  }
  landed_ = written_;
  AddCounts(pending_, counts_);
  ++counts_.commits;
  Drop();
  return event::CommitOutcome::kCommitted;
}

/// False when somebody else has moved our splits.
bool DocumentSink::WriteAndMove() {
  // Not needed for what is in the store in the end; it spares readers what a worker long overtaken would write.
  const auto there = store_->ReadPositions();
  event::Positions moved;
  for (const auto& [split, cursor] : written_) {
    const auto from = event::CursorOf(landed_, split);
    if (cursor == from) continue;
    if (event::CursorOf(there, split) != from) return false;
    moved[split] = cursor;
  }
  WriteChanges();
  if (!held_.empty()) {
    FaultPoint("documents.before_hold");
    store_->Hold(held_);
    FaultPoint("documents.after_hold");
  }
  FaultPoint("documents.before_move");
  const bool ours = store_->MovePositions(landed_, moved);
  FaultPoint("documents.after_move");
  if (ours) ForgetDeleted();
  return ours;
}

void DocumentSink::WriteChanges() {
  if (changes_.empty()) return;
  std::vector<Change> changes;
  changes.reserve(changes_.size());
  for (auto& buffered : changes_) changes.push_back(std::move(buffered.change));
  FaultPoint("documents.before_write");
  const auto refusals = store_->Write(changes);
  FaultPoint("documents.after_write");
  for (const auto& change : changes) pending_.bytes += change.body.size();
  for (const auto& refusal : refusals) {
    const auto& buffered = changes_[refusal.change];
    --(buffered.deletes ? pending_.deletes : pending_.rows);
    Reject(*buffered.origin, buffered.record, RejectCause::kContract, refusal.why);
  }
}

/// What fails here is tried again soon.
void DocumentSink::ForgetDeleted() {
  const auto every = std::max<std::chrono::milliseconds>(kForgetEvery, options_.deleted_for / 24);
  if (options_.key.empty() || (forgot_ && clock_.Steady() - *forgot_ < every)) return;
  forgot_ = clock_.Steady();
  try {
    store_->Forget(clock_.Now() - options_.deleted_for);
  } catch (const Error& error) {
    LogWarning("{}: places of deleted documents are kept for longer: {}", options_.name, error.what());
  }
}

void DocumentSink::ShowBuffered() {
  if (!buffered_since_) return;
  board_.Put(event::WaitKind::kBuffering,
             fmt::format("{} changes wait for the next commit", changes_.size() + held_.size()));
}

}  // namespace millrace::document
