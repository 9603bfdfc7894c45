#include "land/files_sink.h"

#include <fmt/format.h>

#include <algorithm>
#include <utility>
#include <vector>

#include "base/bytes.h"
#include "base/error.h"
#include "base/fault.h"
#include "base/trace.h"
#include "io/digest.h"
#include "io/several_at_once.h"
#include "land/files_column_chunk.h"
#include "land/files_line_chunk.h"
#include "land/land_events.h"
#include "land/through_outage.h"

namespace millrace::land {
namespace {

constexpr std::chrono::milliseconds kFirstDelay{200};
constexpr std::chrono::milliseconds kLongestDelay{30'000};
constexpr size_t kPutsAtOnce = 8;
/// Files that are full wait this long for others that are not.
constexpr std::chrono::milliseconds kFullFilesWait{60'000};

std::string_view FolderOfPlan(std::string_view key) { return key.substr(0, key.rfind('/')); }

}  // namespace

FilesSink::FilesSink(io::ObjectStore& store, FilesSinkOptions options, ByteBudget& budget, Rejects* rejects,
                     const Clock& clock)
    : store_(store),
      options_(std::move(options)),
      budget_(budget),
      rejects_(rejects),
      clock_(clock),
      folder_(PlansFolder(options_.encoding.prefix, options_.pipeline)),
      schemas_(store, FilesSchemasFolder(folder_)),
      board_(clock) {
  const PathTemplate checked(options_.encoding.path, PathTemplate::Of::kRecords, options_.encoding.time_zone);
  const NameTemplate name(options_.encoding.name);
  const PathTemplate checked_too(options_.encoding.error_path, PathTemplate::Of::kRefused);
}

template <typename Body>
auto FilesSink::Insist(std::stop_token stop, Body&& body) {
  for (auto delay = kFirstDelay;; delay = std::min(2 * delay, kLongestDelay)) {
    try {
      auto result = body();
      board_.Put(event::WaitKind::kCommitting, "files are being written");
      return result;
    } catch (const Error& error) {
      if (error.code() != ErrorCode::kUnavailable || stop.stop_requested()) throw;
      board_.Put(
          event::WaitKind::kStore,
          fmt::format("the object store does not take the files ({}); trying again, everything is kept", error.what()));
      StoreFailed{.why = error.what(), .delay = delay}.Emit();
      if (!clock_.SleepFor(delay, stop)) throw;
    }
  }
}

event::Positions FilesSink::Recover() {
  splits_.clear();
  schemas_.Forget();
  buffered_since_.reset();
  board_.Clear();
  std::vector<std::string> newest;
  store_.List(folder_, "", [&](const io::ObjectInfo& object) {
    if (!object.key.ends_with(".plan")) return true;
    if (newest.empty() || FolderOfPlan(newest.back()) != FolderOfPlan(object.key)) newest.emplace_back();
    newest.back() = object.key;
    return true;
  });
  for (const auto& key : newest) Adopt(key);
  auto landed = positions();
  if (rejects_ != nullptr) rejects_->Recover(landed);
  return landed;
}

void FilesSink::Adopt(const std::string& key) {
  const auto text = store_.Get(key);
  if (!text) throw Error(ErrorCode::kStop, "plan " + key + " was deleted while it was read; put it back");
  auto plan = ReadPlan(key, *text);
  bool whole = true;
  for (const auto& object : plan.objects) {
    const auto size = store_.Size(object.key);
    whole = whole && size.has_value();
    if (size && *size != object.bytes) {
      throw Error(ErrorCode::kStop,
                  fmt::format("{} has {} bytes and its plan {} says {}: something else wrote it; move it away",
                              object.key, *size, key, object.bytes));
    }
  }
  auto& split = splits_[plan.split];
  split.landed = split.chained = split.written = whole ? plan.end : plan.begin;
  split.last_offset = whole ? plan.last_offset : plan.first_offset - 1;
  if (!whole) split.replay = std::move(plan);
}

void FilesSink::Write(event::EventBatchPtr events, std::stop_token stop) {
  const StoreOutage outage(board_, clock_, stop);
  auto& split = splits_[events->split];
  if (events->begin != split.written) {
    throw Error(ErrorCode::kInternal, fmt::format("split {}: a batch begins at '{}' where '{}' is due",
                                                  events->split.value(), events->begin.value(), split.written.value()));
  }
  if (events->size() > 0 && events->offset(0) <= split.last_offset) {
    throw Error(
        ErrorCode::kStop,
        fmt::format("topic {} partition {} goes back to offset {} and files up to {} have landed; they cannot be "
                    "taken back, so give the table another name to go on from there",
                    events->topic, events->partition, events->offset(0), split.last_offset));
  }
  if (events->gap) KeepGap(*events);
  const size_t replayed = split.replay ? Replay(split, *events, stop) : 0;
  if (replayed < events->size()) Buffered(split, nullptr, *events, replayed, events->size(), stop);
  split.written = events->end;
  if (events->size() > 0) split.last_offset = events->offset(events->size() - 1);
  ShowBuffered();
}

void FilesSink::KeepGap(const event::EventBatch& events) {
  const event::Gap& gap = *events.gap;
  if (rejects_ == nullptr) {
    throw Error(ErrorCode::kData, fmt::format("topic {} partition {}: records [{}, {}) are missing; give the files a "
                                              "quarantine, which keeps note of it",
                                              events.topic, events.partition, gap.first_offset, gap.end_offset));
  }
  rejects_->AddGap(events);
  counts_.missing += static_cast<uint64_t>(gap.end_offset - gap.first_offset);
}

std::unique_ptr<FilesChunk> FilesSink::MakeChunk(const Split& split, const FilesPlan* planned) {
  const auto& encoding = planned == nullptr ? options_.encoding : planned->encoding;
  if (encoding.form == FilesForm::kLines) {
    return std::make_unique<FilesLineChunk>(options_.pipeline, encoding, split.chained, split.object_bytes);
  }
  if (!options_.decoder) throw Error(ErrorCode::kInternal, "files of columns need a decoder");
  return std::make_unique<FilesColumnChunk>(options_.pipeline, encoding, split.chained,
                                            FilesColumns{options_.decoder, &schemas_, rejects_},
                                            planned == nullptr ? nullptr : &planned->columns);
}

void FilesSink::Buffered(Split& split, const FilesPlan* planned, const event::EventBatch& events, size_t first,
                         size_t last, std::stop_token stop) {
  auto& buffer = split.buffer;
  if (buffer.chunk == nullptr) {
    buffer.chunk = MakeChunk(split, planned);
    if (!buffered_since_) buffered_since_ = clock_.Steady();
  }
  buffer.chunk->Add(events, first, last, [&](const event::EventBatch& batch, const FilesChunk::Added& added) {
    Took(buffer, batch, added);
  });
  buffer.counts.records += last - first;
  Settle(buffer, false, std::move(stop));
}

void FilesSink::Took(Buffer& buffer, const event::EventBatch& events, const FilesChunk::Added& added) {
  buffer.counts.rows += added.rows;
  buffer.counts.blank += added.blank;
  buffer.counts.rescued_values += added.rescued_values;
  for (const auto& reject : added.rejects) ++buffer.counts.rejected[reject.cause];
  if (added.rejects.empty() || buffer.chunk->keeps_rejects()) return;
  if (rejects_ == nullptr) {
    const auto& reject = added.rejects.front();
    throw Error(ErrorCode::kData, fmt::format("topic {} partition {} offset {}: {} ({}); give the files a quarantine",
                                              events.topic, events.partition, events.offset(reject.record),
                                              event::ToString(reject.cause), reject.detail));
  }
  rejects_->Add(events, added.rejects);
}

void FilesSink::Settle(Buffer& buffer, bool all, std::stop_token stop) {
  Insist(std::move(stop), [&] {
    buffer.chunk->Settle(
        all, [&](const event::EventBatch& batch, const FilesChunk::Added& added) { Took(buffer, batch, added); });
    return true;
  });
  const int64_t held = buffer.chunk->held_bytes();
  if (held > buffer.held_bytes) buffer.reservation.Merge(budget_.Force(held - std::exchange(buffer.held_bytes, held)));
}

size_t FilesSink::Replay(Split& split, const event::EventBatch& events, std::stop_token stop) {
  const FilesPlan& plan = *split.replay;
  size_t count = 0;
  while (count < events.size() && events.offset(count) <= plan.last_offset) ++count;
  if (count > 0) Buffered(split, &plan, events, 0, count, stop);
  const bool reached = count < events.size() || (count > 0 && events.offset(count - 1) == plan.last_offset);
  if (!reached) return count;
  if (split.buffer.chunk != nullptr) Seal(split, plan.end, stop);
  if (split.sealed.empty() || split.sealed.back().chunk.plan != plan) {
    throw Error(
        ErrorCode::kStop,
        fmt::format("split {}: the records from '{}' to '{}' do not make the files that were planned before the "
                    "crash; run the version of millrace that planned them, or remove the plan at {} and its files",
                    plan.split.value(), plan.begin.value(), plan.end.value(),
                    PlanKey(folder_, plan.split, plan.first_offset)));
  }
  split.sealed.back().planned = true;
  split.replay.reset();
  return count;
}

void FilesSink::Seal(Split& split, event::Cursor end, std::stop_token stop) {
  Settle(split.buffer, true, std::move(stop));
  auto buffer = std::exchange(split.buffer, {});
  split.chained = end;
  auto chunk = std::move(*buffer.chunk).Seal(std::move(end));
  split.object_bytes = 0;
  for (const auto& content : chunk.contents) split.object_bytes = std::max(split.object_bytes, content.size());
  split.sealed.push_back({std::move(chunk), std::move(buffer.counts), std::move(buffer.reservation), false});
}

int64_t FilesSink::committable_bytes() const {
  int64_t bytes = 0;
  for (const auto& [id, split] : splits_) {
    if (split.buffer.chunk != nullptr && !split.replay) bytes += split.buffer.chunk->raw_bytes();
  }
  return bytes;
}

bool FilesSink::FullFilesDue(std::chrono::milliseconds waited) const {
  if (options_.encoding.file_rows == 0) return false;
  bool any = false;
  bool all = true;
  for (const auto& [id, split] : splits_) {
    if (split.buffer.chunk == nullptr || split.replay) continue;
    any = any || split.buffer.chunk->has_full();
    all = all && split.buffer.chunk->all_full();
  }
  return any && (all || waited >= kFullFilesWait);
}

bool FilesSink::CommitDue() const {
  const bool sealed = std::ranges::any_of(splits_, [](const auto& entry) { return !entry.second.sealed.empty(); });
  if (sealed) return true;
  const bool buffered = std::ranges::any_of(
      splits_, [](const auto& entry) { return entry.second.buffer.chunk != nullptr && !entry.second.replay; });
  if (!buffered) return false;
  const auto waited = buffered_since_
                          ? std::chrono::duration_cast<std::chrono::milliseconds>(clock_.Steady() - *buffered_since_)
                          : std::chrono::milliseconds(0);
  return committable_bytes() >= options_.buffer_bytes || budget_.under_pressure() || FullFilesDue(waited) ||
         waited >= options_.buffer_time;
}

event::CommitOutcome FilesSink::Commit(std::stop_token stop) {
  const StoreOutage outage(board_, clock_, stop);
  for (auto& [id, split] : splits_) {
    if (split.buffer.chunk != nullptr && !split.replay) Seal(split, split.written, stop);
  }
  if (std::ranges::all_of(splits_, [](const auto& entry) { return entry.second.sealed.empty(); })) {
    return event::CommitOutcome::kNothing;
  }
  const ChildSpan span("commit");
  board_.Put(event::WaitKind::kCommitting, "files are being written");
  if (!OwnsStarts(stop) || !CommitRejects(stop)) return GiveWay();
  for (auto& [id, split] : splits_) {
    for (; !split.sealed.empty(); split.sealed.pop_front()) {
      auto& sealed = split.sealed.front();
      if (!sealed.planned && !PutPlan(sealed, stop)) return GiveWay();
      PutObjects(sealed.chunk, stop);
      split.landed = sealed.chunk.plan.end;
      AddCounts(sealed.counts, counts_);
    }
  }
  ++counts_.commits;
  buffered_since_.reset();
  if (std::ranges::any_of(splits_, [](const auto& entry) { return entry.second.buffer.chunk != nullptr; })) {
    buffered_since_ = clock_.Steady();
  }
  ShowBuffered();
  return event::CommitOutcome::kCommitted;
}

bool FilesSink::OwnsStarts(std::stop_token stop) {
  for (auto& [id, split] : splits_) {
    for (auto& sealed : split.sealed) {
      if (sealed.planned) continue;
      const auto key = PlanKey(folder_, id, sealed.chunk.plan.first_offset);
      const auto there = Insist(stop, [&] { return store_.Get(key); });
      if (there && *there != WritePlan(sealed.chunk.plan)) return false;
      sealed.planned = there.has_value();
    }
  }
  return true;
}

bool FilesSink::CommitRejects(std::stop_token stop) {
  if (rejects_ == nullptr) return true;
  event::Positions from;
  event::Positions to;
  for (const auto& [id, split] : splits_) {
    if (split.sealed.empty()) continue;
    if (split.landed != event::kStart) from[id] = split.landed;
    to[id] = split.sealed.back().chunk.plan.end;
  }
  FaultPoint("files.before_rejects");
  const bool ours = rejects_->Commit(from, to, stop);
  FaultPoint("files.after_rejects");
  return ours;
}

bool FilesSink::PutPlan(Sealed& sealed, std::stop_token stop) {
  const auto& plan = sealed.chunk.plan;
  const auto key = PlanKey(folder_, plan.split, plan.first_offset);
  const auto text = WritePlan(plan);
  FaultPoint("files.before_plan");
  const bool ours = Insist(stop, [&] {
    if (store_.PutIfAbsent(key, text) == io::PutOutcome::kCreated) return true;
    return store_.Get(key) == text;  // an earlier attempt whose answer was lost, or another worker
  });
  FaultPoint("files.after_plan");
  sealed.planned = ours;
  return ours;
}

/// In any order: the plan is there, and each object is created for itself. A store takes its time over each.
void FilesSink::PutObjects(const SealedChunk& chunk, std::stop_token stop) {
  const auto& objects = chunk.plan.objects;
  if (options_.before_objects) {
    FaultPoint("files.before_register");
    Insist(stop, [&] {
      options_.before_objects(chunk.plan);
      return true;
    });
    FaultPoint("files.after_register");
  }
  io::SeveralAtOnce(objects.size(), kPutsAtOnce, [&](size_t i) {
    const StoreOutage outage(board_, clock_, stop);
    FaultPoint("files.before_object");
    PutObject(objects[i], chunk.contents[i], stop);
    FaultPoint("files.after_object");
  });
  counts_.files += objects.size();
  for (const auto& object : objects) counts_.bytes += static_cast<uint64_t>(object.bytes);
}

void FilesSink::PutObject(const PlannedObject& object, const std::string& content, std::stop_token stop) {
  Insist(stop, [&] {
    if (store_.PutHashed(object.key, content, object.sha256) == io::PutOutcome::kCreated) return true;
    const auto there = store_.Get(object.key);
    if (there && io::Hex(io::Sha256(*there)) == object.sha256) return true;
    throw Error(ErrorCode::kStop, object.key +
                                      " is there already with other content than planned: something else wrote it; "
                                      "move it away, then start again");
  });
}

event::CommitOutcome FilesSink::GiveWay() {
  if (rejects_ != nullptr) rejects_->Drop();
  splits_.clear();
  buffered_since_.reset();
  board_.Clear();
  return event::CommitOutcome::kConflict;
}

event::Positions FilesSink::positions() const {
  event::Positions landed;
  for (const auto& [id, split] : splits_) {
    if (split.landed != event::kStart) landed[id] = split.landed;
  }
  return landed;
}

void FilesSink::ShowBuffered() {
  for (const auto& [id, split] : splits_) {
    if (!split.replay) continue;
    return board_.Put(
        event::WaitKind::kReplay,
        fmt::format("records of split {} are read again up to offset {}, to finish the files that a crash "
                    "left",
                    id.value(), split.replay->last_offset));
  }
  const int64_t bytes = committable_bytes();
  if (bytes == 0) return board_.Clear();
  board_.Put(event::WaitKind::kBuffering,
             fmt::format("{} are buffered; files are written at {} or {} s after the first of it",
                         FormatByteSize(static_cast<uint64_t>(bytes)),
                         FormatByteSize(static_cast<uint64_t>(options_.buffer_bytes)),
                         static_cast<double>(options_.buffer_time.count()) / 1000));
}

event::Wait FilesSink::WaitsFor() const { return board_.Get(); }

}  // namespace millrace::land
