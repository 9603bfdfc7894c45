#include "land/replay.h"

#include <algorithm>
#include <chrono>
#include <unordered_set>
#include <utility>

#include "base/error.h"
#include "base/fault.h"
#include "base/log.h"
#include "event/stream.h"
#include "land/committer.h"
#include "land/edit_table.h"
#include "land/positions.h"
#include "land/read_keys.h"
#include "table/live_files.h"

namespace millrace::land {
namespace {

using Stage = Replay::Standing::Stage;

constexpr const char* kMain = "main";
constexpr std::chrono::milliseconds kPause{50};
/// Keys that others brought meanwhile are held in memory, 16 bytes each and as much again.
constexpr size_t kForeignKeysMax = size_t{8} << 20;

std::optional<table::SnapshotId> HeadOf(const table::TableMetadata& metadata, const std::string& branch) {
  const auto ref = metadata.refs.find(branch);
  return ref == metadata.refs.end() ? std::nullopt : std::optional(ref->second.snapshot_id);
}

}  // namespace

Replay::Replay(catalog::Catalog& catalog, Options options, const Clock& clock)
    : catalog_(catalog),
      options_(std::move(options)),
      clock_(clock),
      branch_name_(ReplayBranch(options_.name)),
      branch_(catalog, options_.table, branch_name_) {}

std::map<std::string, std::string> Replay::Properties(const std::string& name, const ReplayPlan& plan) {
  return {{ReplayPlanProperty(name), PrintReplayPlan(plan)}};
}

Replay::Standing Replay::StandingOf(const catalog::LoadedTable& table) const {
  const auto& metadata = *table.metadata;
  const std::string scope = ReplayScope(options_.name);
  const auto text = metadata.properties.find(ReplayPlanProperty(options_.name));
  const auto mirrored = metadata.properties.find(PositionsProperty(scope));
  if (text == metadata.properties.end()) {
    if (mirrored == metadata.properties.end()) return {};
    return {.stage = Stage::kDone, .plan = {}, .landed = ParsePositions(mirrored->second, "the table's property")};
  }
  Standing standing{.stage = Stage::kUnderWay, .plan = ParseReplayPlan(text->second, text->first), .landed = {}};
  const auto shown = catalog::AtBranch(table, branch_name_);
  if (shown.metadata->current_snapshot_id) {
    standing.landed = ReadPositions(*shown.metadata, scope).positions;
  } else if (standing.plan->fork || mirrored != metadata.properties.end()) {
    // Somebody dropped the branch: what had landed on it is gone.
    return {};
  }
  return standing;
}

Replay::Standing Replay::Look() {
  const auto table = catalog_.Load(options_.table);
  return table ? StandingOf(*table) : Standing{};
}

Replay::Standing Replay::Begin(ReplayPlan wanted, const std::stop_token& stop) {
  Standing standing;
  const auto table = EditTable(
      catalog_, options_.table,
      [&](const table::TableMetadata& now) -> table::TableChange {
        standing = StandingOf({.name = options_.table,
                               .metadata_location = {},
                               .metadata = std::make_shared<const table::TableMetadata>(now)});
        if (standing.stage != Stage::kNew) return {};
        FaultPoint("replay.before_begin");
        wanted.fork = now.current_snapshot_id;
        if (options_.complete) options_.complete(wanted, now);
        table::TableChange change;
        change.requirements = {table::AssertTableUuid{now.table_uuid},
                               table::AssertRefSnapshotId{kMain, now.current_snapshot_id},
                               table::AssertRefSnapshotId{branch_name_, HeadOf(now, branch_name_)}};
        change.updates.push_back(table::SetProperties{Properties(options_.name, wanted)});
        change.updates.push_back(table::RemoveProperties{{PositionsProperty(ReplayScope(options_.name))}});
        if (wanted.fork) {
          change.updates.push_back(
              table::SetSnapshotRef{branch_name_, {.snapshot_id = *wanted.fork, .type = "branch"}});
        }
        return change;
      },
      clock_, stop);
  FaultPoint("replay.after_begin");
  if (table) standing = StandingOf(*table);
  if (standing.stage == Stage::kNew) standing = {.stage = Stage::kUnderWay, .plan = std::move(wanted), .landed = {}};
  return standing;
}

bool Replay::IsWhole(const catalog::LoadedTable& table, const ReplayPlan& plan) const {
  const auto landed = StandingOf(table).landed;
  return !plan.ranges.empty() && std::ranges::all_of(plan.ranges, [&](const auto& entry) {
    const auto found = landed.find(entry.first);
    return found != landed.end() && event::OffsetOf(found->second) == entry.second.end;
  });
}

/// What goes with the commit that makes the branch a part of main, or drops it.
table::TableChange Replay::Retire(const table::TableMetadata& now) const {
  table::TableChange change;
  change.requirements.push_back(table::AssertRefSnapshotId{branch_name_, HeadOf(now, branch_name_)});
  if (HeadOf(now, branch_name_)) change.updates.push_back(table::RemoveSnapshotRef{branch_name_});
  change.updates.push_back(table::RemoveProperties{{ReplayPlanProperty(options_.name)}});
  return change;
}

Replay::Published Replay::Publish(const std::stop_token& stop) {
  for (;;) {
    const auto table = catalog_.Load(options_.table);
    if (!table) return Published::kDone;  // no record of the ranges became a row, so no table was made
    const Standing standing = StandingOf(*table);
    if (standing.stage == Stage::kDone) return Published::kDone;
    if (standing.stage == Stage::kNew) return Published::kStartOver;
    if (!IsWhole(*table, *standing.plan)) {
      throw Error(ErrorCode::kInternal, "a replay is published before all of it has landed");
    }
    FaultPoint("replay.before_publish");
    if (table->metadata->current_snapshot_id == standing.plan->fork) {
      if (FastForward(*table)) return Published::kDone;
    } else if (Replant(*table, *standing.plan, stop)) {
      return Published::kDone;
    } else if (const auto now = Look(); now.stage == Stage::kUnderWay) {
      StartOver(stop);
      return Published::kStartOver;
    }
    if (!clock_.SleepFor(kPause, stop)) {
      throw Error(ErrorCode::kUnavailable, "stopped before the replay was known to be published; run it again");
    }
  }
}

bool Replay::FastForward(const catalog::LoadedTable& table) {
  const auto& now = *table.metadata;
  table::TableChange change = Retire(now);
  change.requirements.push_back(table::AssertTableUuid{now.table_uuid});
  change.requirements.push_back(table::AssertRefSnapshotId{kMain, now.current_snapshot_id});
  table::SnapshotRef main{.snapshot_id = {}, .type = "branch"};
  if (const auto ref = now.refs.find(kMain); ref != now.refs.end()) main = ref->second;
  main.snapshot_id = *HeadOf(now, branch_name_);
  change.updates.insert(change.updates.begin(), table::SetSnapshotRef{kMain, std::move(main)});
  const auto result = catalog_.Commit(options_.table, change.requirements, change.updates);
  FaultPoint("replay.after_publish");
  return std::holds_alternative<catalog::Committed>(result);
}

bool Replay::Replant(const catalog::LoadedTable& table, const ReplayPlan& plan, const std::stop_token& stop) {
  const auto& now = *table.metadata;
  const auto head = HeadOf(now, branch_name_);
  auto changed = table::FilesChangedBetween(catalog_.store(), now, plan.fork, *head);
  if (!changed) return false;
  const std::string scope = ReplayScope(options_.name);
  const table::TableChange retire = Retire(now);
  table::SnapshotChange change;
  change.added = std::move(changed->added);
  change.removed_paths = std::move(changed->removed);
  change.borrows_files = true;
  change.summary[PositionsProperty(scope)] = now.properties.at(PositionsProperty(scope));
  change.more_requirements = retire.requirements;
  change.more_updates = retire.updates;
  // Deletes by position, and files written again, are of the table as it was at the fork.
  const auto deletes = [](const table::DataFile& file) { return file.content != table::FileContent::kData; };
  if (std::ranges::any_of(change.added, deletes)) return false;
  if (!change.removed_paths.empty()) {
    if (!options_.replaces) return false;
    change.operation = "overwrite";
  }
  const auto added = change.added;
  const auto removed = change.removed_paths;
  Committer committer(catalog_, options_.table, now.table_uuid, clock_);
  const auto landed = committer.CommitIf(
      std::move(change),
      [&](const table::TableMetadata& base) {
        return HeadOf(base, branch_name_) == head && MayBeReplanted(base, plan, added, removed);
      },
      stop);
  FaultPoint("replay.after_replant");
  return landed.has_value();
}

/// Whether what main got since the fork and what the branch got may be in one table.
bool Replay::MayBeReplanted(const table::TableMetadata& main, const ReplayPlan& plan,
                            const std::vector<table::DataFile>& added, const std::set<std::string>& removed) {
  if (options_.key.empty() && !options_.replaces) return true;
  const auto* head = main.current_snapshot();
  if (head == nullptr) return false;
  const auto increment = table::FilesAddedBetween(catalog_.store(), main, plan.fork, head->snapshot_id);
  const auto* theirs = std::get_if<table::AddedFiles>(&increment);
  if (theirs == nullptr) return false;
  size_t there = 0;
  if (!removed.empty()) {
    table::ForEachLiveFile(catalog_.store(), main, *head, {}, [&](const table::ManifestEntry& entry) {
      there += removed.contains(entry.file.file_path) ? 1 : 0;
    });
  }
  return there == removed.size() && (options_.key.empty() || AreApart(main, *theirs, added));
}

/// No key is in files of both.
bool Replay::AreApart(const table::TableMetadata& main, const table::AddedFiles& theirs,
                      const std::vector<table::DataFile>& added) {
  std::unordered_set<KeyHash, HashOfKey> keys;
  for (const auto& entry : theirs.files) {
    ReadKeys(catalog_.store(), main, entry.file, options_.key, [&](const KeyHash& key) { keys.insert(key); });
    if (keys.size() > kForeignKeysMax) return false;
  }
  bool apart = true;
  for (const auto& file : added) {
    if (keys.empty() || !apart) break;
    ReadKeys(catalog_.store(), main, file, options_.key,
             [&](const KeyHash& key) { apart = apart && !keys.contains(key); });
  }
  return apart;
}

void Replay::StartOver(const std::stop_token& stop) {
  LogInfo(
      "{}: others landed keys of the replay, or changed the table, meanwhile; it starts over from what is there now",
      catalog::ToString(options_.table));
  bool asked = false;
  EditTable(
      catalog_, options_.table,
      [&](const table::TableMetadata& now) -> table::TableChange {
        const auto standing = StandingOf({.name = options_.table,
                                          .metadata_location = {},
                                          .metadata = std::make_shared<const table::TableMetadata>(now)});
        // Nothing is left to do once another process has done it, or our request of unknown outcome has.
        if (standing.stage != Stage::kUnderWay || (asked && standing.landed.empty())) return {};
        asked = true;
        ReplayPlan plan = *standing.plan;
        plan.fork = now.current_snapshot_id;
        if (options_.complete) options_.complete(plan, now);
        table::TableChange change;
        change.requirements = {table::AssertTableUuid{now.table_uuid},
                               table::AssertRefSnapshotId{kMain, now.current_snapshot_id},
                               table::AssertRefSnapshotId{branch_name_, HeadOf(now, branch_name_)}};
        if (plan.fork) {
          change.updates.push_back(table::SetSnapshotRef{branch_name_, {.snapshot_id = *plan.fork, .type = "branch"}});
        } else if (HeadOf(now, branch_name_)) {
          change.updates.push_back(table::RemoveSnapshotRef{branch_name_});
        }
        change.updates.push_back(table::SetProperties{Properties(options_.name, plan)});
        change.updates.push_back(table::RemoveProperties{{PositionsProperty(ReplayScope(options_.name))}});
        return change;
      },
      clock_, stop);
}

void Replay::Abandon(const std::stop_token& stop) {
  bool found = false;
  EditTable(
      catalog_, options_.table,
      [&](const table::TableMetadata& now) -> table::TableChange {
        if (!now.properties.contains(ReplayPlanProperty(options_.name))) return {};
        found = true;
        table::TableChange change = Retire(now);
        change.requirements.push_back(table::AssertTableUuid{now.table_uuid});
        change.updates.push_back(table::RemoveProperties{{PositionsProperty(ReplayScope(options_.name))}});
        return change;
      },
      clock_, stop);
  if (!found)
    throw Error(ErrorCode::kUsage, "no replay '" + options_.name + "' is under way in " +
                                       catalog::ToString(options_.table) + "; nothing was changed");
}

}  // namespace millrace::land
