#include "land/quarantine_replay.h"

#include <fmt/format.h>
#include <xxhash.h>

#include <algorithm>
#include <mutex>
#include <optional>
#include <unordered_map>
#include <unordered_set>
#include <utility>
#include <vector>

#include "base/error.h"
#include "base/fault.h"
#include "base/log.h"
#include "base/random.h"
#include "land/committer.h"
#include "land/key_hash.h"
#include "land/mark_replayed.h"
#include "land/positions.h"
#include "land/quarantine.h"
#include "land/quarantined.h"
#include "land/replay_note.h"

namespace millrace::land {
namespace {

/// Notes that are kept before their marks are made.
constexpr size_t kUnmarkedNotesMax = 50;
/// How often a chunk that others overtook is tried again before somebody is told.
constexpr int kAttemptsMax = 10;

KeyHash HashOf(const QuarantinedPlace& place) {
  const auto text = fmt::format("{}\n{}\n{}", place.scope, place.split.value(), place.offset);
  const auto hash = XXH3_128bits(text.data(), text.size());
  return {hash.high64, hash.low64};
}

}  // namespace

/// Gathers what the sink rejects and, before it commits, writes the note of the chunk.
class QuarantineReplay::ChunkRejects final : public Rejects {
 public:
  explicit ChunkRejects(std::function<void(const ReplayNote&)> keep) : keep_(std::move(keep)) {}

  void Begin(std::string chunk, event::Cursor after) {
    const std::lock_guard lock(mutex_);
    note_ = {.chunk = std::move(chunk), .after = std::move(after), .landed = {}, .failed = {}};
    places_.clear();
    kept_ = false;
  }
  void Expect(const QuarantinedBatch& batch) {
    const std::lock_guard lock(mutex_);
    places_.emplace(batch.events.get(), batch.places);
    note_.landed.insert(batch.places.begin(), batch.places.end());
  }
  const ReplayNote& note() const { return note_; }

  void Recover(const event::Positions&) override {}
  std::optional<event::RejectCause> Holds(const event::SplitId&, int64_t) const override { return std::nullopt; }
  bool holds_any() const override { return false; }
  void Add(const event::EventBatch& events, const std::vector<event::Reject>& rejects) override {
    const std::lock_guard lock(mutex_);
    const auto& places = places_.at(&events);
    for (const auto& reject : rejects) {
      const auto& place = places.at(reject.record);
      note_.landed.erase(place);
      note_.failed[place] = {.cause = std::string(event::ToString(reject.cause)), .detail = reject.detail};
    }
  }
  void AddGap(const event::EventBatch&) override {}
  bool Commit(const event::Positions&, const event::Positions&, std::stop_token) override {
    const std::lock_guard lock(mutex_);
    if (!std::exchange(kept_, true)) keep_(note_);
    return true;
  }
  void Drop() override {}

 private:
  const std::function<void(const ReplayNote&)> keep_;
  std::mutex mutex_;
  ReplayNote note_;
  std::unordered_map<const event::EventBatch*, std::vector<QuarantinedPlace>> places_;
  bool kept_ = false;
};

struct QuarantineReplay::State {
  catalog::Catalog& catalog;
  const QuarantineReplayOptions options;
  ByteBudget& budget;
  const Clock& clock;
  const catalog::TableName quarantine;
  std::string folder = {};  // of the notes
  event::SplitId split = {};
  std::shared_ptr<ChunkRejects> rejects = nullptr;
  std::vector<ReplayNote> unmarked = {};
  event::Cursor settled = {};                         // whatever landed up to here has its marks
  std::unordered_set<KeyHash, HashOfKey> taken = {};  // places of this run

  std::shared_ptr<const table::TableMetadata> LoadQuarantine();
  event::Cursor Stored();
  std::string KeyOf(const std::string& chunk) const { return folder + chunk + ".json"; }
  std::optional<ReplayNote> NoteOf(const event::Cursor& chunk);
  void Keep(const ReplayNote& note);
  void Mark(const std::stop_token& stop);
  void ForgetDeadNotes();
  bool IsFirst(const QuarantinedPlace& place);
  void Untake(const QuarantinedBatch& batch);
  void LeaveOut(QuarantinedBatch& batch);
  std::vector<QuarantinedBatch> NextChunk(QuarantinedRecords& records);
  event::CommitOutcome LandChunk(event::Sink& sink, std::vector<QuarantinedBatch>& batches,
                                 const std::stop_token& stop);
  bool Settle(const std::stop_token& stop);
  bool RunOnce(event::Sink& sink, std::map<std::string, ReplayCounts>& counts, const std::stop_token& stop);
  void Count(const std::vector<QuarantinedBatch>& batches, std::map<std::string, ReplayCounts>& counts);
};

std::shared_ptr<const table::TableMetadata> QuarantineReplay::State::LoadQuarantine() {
  const auto loaded = catalog.Load(quarantine);
  if (!loaded) return nullptr;
  split = event::SplitId("quarantine:" + loaded->metadata->table_uuid);
  const auto root = catalog.store().KeyOf(loaded->metadata->location);
  if (!root) throw Error(ErrorCode::kStop, catalog::ToString(quarantine) + " lies outside the warehouse");
  folder = *root + "/replays/";
  return loaded->metadata;
}

event::Cursor QuarantineReplay::State::Stored() {
  const auto target = catalog.Load(options.target);
  if (!target) return event::kStart;
  return CursorOf(ReadPositions(*target->metadata, "quarantine:" + options.scope).positions, split);
}

std::optional<ReplayNote> QuarantineReplay::State::NoteOf(const event::Cursor& chunk) {
  if (chunk == event::kStart) return std::nullopt;
  const auto text = catalog.store().Get(KeyOf(chunk.value()));
  return text ? std::optional(ParseReplayNote(*text, catalog.store().UriOf(KeyOf(chunk.value())))) : std::nullopt;
}

void QuarantineReplay::State::Keep(const ReplayNote& note) {
  FaultPoint("quarantine.before_note");
  catalog.store().PutIfAbsent(KeyOf(note.chunk), PrintReplayNote(note));
  FaultPoint("quarantine.after_note");
}

/// Marks first, then the notes go, the oldest first: whoever finds one finds all that came after it.
void QuarantineReplay::State::Mark(const std::stop_token& stop) {
  if (unmarked.empty()) return;
  MarkReplayed(catalog, quarantine, unmarked, budget, clock, stop);
  for (const auto& note : unmarked) {
    FaultPoint("quarantine.before_note_delete");
    catalog.store().Delete(KeyOf(note.chunk));
  }
  unmarked.clear();
}

/// Notes of chunks that did not land, and never will: the position they go on from has been left. Notes are read before
/// the position, so that a chunk that lands meanwhile is not taken for one of them.
void QuarantineReplay::State::ForgetDeadNotes() {
  std::map<std::string, ReplayNote> notes;
  catalog.store().List(folder, "", [&](const io::ObjectInfo& object) {
    const auto text = object.key.ends_with(".json") ? catalog.store().Get(object.key) : std::nullopt;
    if (!text) return true;
    auto note = ParseReplayNote(*text, catalog.store().UriOf(object.key));
    notes.emplace(note.chunk, std::move(note));
    return true;
  });
  if (notes.empty()) return;
  const auto now = Stored();
  std::erase_if(notes, [&](const auto& entry) { return entry.second.after == now; });
  for (auto note = NoteOf(now); note; note = NoteOf(note->after)) notes.erase(note->chunk);
  for (const auto& [chunk, note] : notes) catalog.store().Delete(KeyOf(chunk));
}

/// Marks what landed and has none, of this process or another one that died.
bool QuarantineReplay::State::Settle(const std::stop_token& stop) {
  if (!LoadQuarantine()) return false;
  settled = Stored();
  unmarked.clear();
  for (auto note = NoteOf(settled); note; note = NoteOf(unmarked.back().after)) unmarked.push_back(std::move(*note));
  std::ranges::reverse(unmarked);
  Mark(stop);
  ForgetDeadNotes();
  return true;
}

/// False for a record that this run has taken already: it failed, or is in the quarantine twice.
bool QuarantineReplay::State::IsFirst(const QuarantinedPlace& place) { return taken.insert(HashOf(place)).second; }

void QuarantineReplay::State::Untake(const QuarantinedBatch& batch) {
  for (const auto& place : batch.places) taken.erase(HashOf(place));
}

void QuarantineReplay::State::LeaveOut(QuarantinedBatch& batch) {
  QuarantinedBatch kept{.events = std::make_shared<event::EventBatch>(*batch.events), .places = {}, .causes = {}};
  auto& events = *kept.events;
  events.records.clear();
  events.keys.clear();
  events.offsets.clear();
  events.timestamps.clear();
  for (size_t i = 0; i < batch.places.size(); ++i) {
    if (!IsFirst(batch.places[i])) continue;
    events.records.push_back(batch.events->records[i]);
    if (!batch.events->keys.empty()) events.keys.push_back(batch.events->keys[i]);
    events.offsets.push_back(batch.events->offsets[i]);
    events.timestamps.push_back(batch.events->timestamps[i]);
    kept.places.push_back(std::move(batch.places[i]));
    kept.causes.push_back(std::move(batch.causes[i]));
  }
  batch = std::move(kept);
}

std::vector<QuarantinedBatch> QuarantineReplay::State::NextChunk(QuarantinedRecords& records) {
  std::vector<QuarantinedBatch> chunk;
  int64_t bytes = 0, count = 0;
  while (bytes < options.chunk_bytes && count < options.chunk_records) {
    auto more = records.Next();
    if (more.empty()) break;
    for (auto& batch : more) {
      LeaveOut(batch);
      if (batch.places.empty()) continue;
      bytes += batch.events->bytes();
      count += static_cast<int64_t>(batch.places.size());
      chunk.push_back(std::move(batch));
    }
  }
  return chunk;
}

event::CommitOutcome QuarantineReplay::State::LandChunk(event::Sink& sink, std::vector<QuarantinedBatch>& batches,
                                                        const std::stop_token& stop) {
  const std::string chunk = Random::FromSystem().Uuid();
  event::Cursor at = CursorOf(sink.positions(), split);
  rejects->Begin(chunk, at);
  for (size_t i = 0; i < batches.size(); ++i) {
    auto& events = *batches[i].events;
    rejects->Expect(batches[i]);
    events.split = split;
    events.begin = std::exchange(at, event::Cursor(i + 1 == batches.size() ? chunk : fmt::format("{}/{}", chunk, i)));
    events.end = at;
    sink.Write(batches[i].events, stop);
  }
  return sink.Commit(stop);
}

void QuarantineReplay::State::Count(const std::vector<QuarantinedBatch>& batches,
                                    std::map<std::string, ReplayCounts>& counts) {
  const auto& failed = rejects->note().failed;
  for (const auto& batch : batches) {
    for (size_t i = 0; i < batch.places.size(); ++i) {
      auto& count = counts[batch.causes[i]];
      ++count.records;
      const auto found = failed.find(batch.places[i]);
      ++(found == failed.end() ? count.landed : count.failed[found->second.cause]);
    }
  }
}

/// False: another replay was faster, and everything is to be looked at again.
bool QuarantineReplay::State::RunOnce(event::Sink& sink, std::map<std::string, ReplayCounts>& counts,
                                      const std::stop_token& stop) {
  const auto metadata = LoadQuarantine();
  if (!metadata) return true;
  // A chunk of another replay that landed meanwhile would lack its marks in what is read now.
  if (CursorOf(sink.Recover(), split) != settled) return false;
  QuarantinedRecords records(catalog.store(), metadata,
                             {.target = catalog::ToString(options.target), .causes = options.causes});
  while (!stop.stop_requested()) {
    auto chunk = NextChunk(records);
    if (chunk.empty()) break;
    switch (LandChunk(sink, chunk, stop)) {
      case event::CommitOutcome::kConflict:
        for (const auto& batch : chunk) Untake(batch);
        return false;
      case event::CommitOutcome::kNothing:
        // Without a row so far there is no table, and so no position: that they fail is all there is to say.
        sink.Recover();
        [[fallthrough]];
      case event::CommitOutcome::kCommitted:
        unmarked.push_back(rejects->note());
        Count(chunk, counts);
    }
    if (unmarked.size() >= kUnmarkedNotesMax) Mark(stop);
  }
  Mark({});
  return true;
}

QuarantineReplay::QuarantineReplay(catalog::Catalog& catalog, QuarantineReplayOptions options, ByteBudget& budget,
                                   const Clock& clock)
    : state_(nullptr) {
  const auto quarantine = QuarantineTableOf(options.target);
  state_.reset(new State{
      .catalog = catalog, .options = std::move(options), .budget = budget, .clock = clock, .quarantine = quarantine});
  state_->rejects =
      std::make_shared<ChunkRejects>([state = state_.get()](const ReplayNote& note) { state->Keep(note); });
}

QuarantineReplay::~QuarantineReplay() = default;

std::string QuarantineReplay::sink_scope() const { return "quarantine:" + state_->options.scope; }
std::shared_ptr<Rejects> QuarantineReplay::rejects() { return state_->rejects; }

bool QuarantineReplay::Settle(const std::stop_token& stop) { return state_->Settle(stop); }

std::map<std::string, ReplayCounts> QuarantineReplay::Run(event::Sink& sink, const std::stop_token& stop) {
  State& state = *state_;
  std::map<std::string, ReplayCounts> counts;
  for (int attempt = 0; attempt < kAttemptsMax; ++attempt) {
    if (!state.Settle(stop) || state.RunOnce(sink, counts, stop)) return counts;
  }
  throw Error(ErrorCode::kUnavailable, "others replay the quarantine of " + catalog::ToString(state.options.target) +
                                           " all the time; what landed is marked, try again");
}

}  // namespace millrace::land
