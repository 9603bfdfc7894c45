#include "catalog/sql/sql_catalog.h"

#include <fmt/format.h>

#include <algorithm>
#include <exception>
#include <functional>
#include <iterator>
#include <set>

#include "base/error.h"
#include "catalog/sql/metadata_log.h"
#include "catalog/table_files.h"
#include "table/metadata_file.h"

namespace millrace::catalog {
namespace {

constexpr size_t kCachedMetadataMax = 128;
/// Locations that are remembered; past that all are forgotten, and looked up once more.
constexpr size_t kLeftMax = 16 << 10;

CommitResult OfOne(TransactionResult result) {
  if (auto* made = std::get_if<std::vector<LoadedTable>>(&result)) return Committed{std::move(made->front())};
  if (auto* conflict = std::get_if<Conflict>(&result)) return std::move(*conflict);
  return std::get<Unknown>(std::move(result));
}

/// Why the commit cannot be made on that version of its table (null: there is none).
std::optional<std::string> Refusal(const TableCommit& commit, const table::TableMetadata* metadata) {
  if (auto why = table::Unmet(commit.requirements, metadata)) return why;
  return metadata != nullptr ? table::Overtaken(commit.updates, *metadata) : std::nullopt;
}

/// A table that its maker describes by updates alone.
table::TableMetadata MadeOf(const std::vector<table::Update>& updates, Timestamp now) {
  auto metadata = table::Apply({}, updates, now);
  if (metadata.schemas.empty() || metadata.location.empty()) {
    throw Error(ErrorCode::kData, "a table is made of a schema and a location at least");
  }
  if (metadata.partition_specs.empty()) metadata.partition_specs.emplace_back();
  if (metadata.sort_orders.empty()) metadata.sort_orders.emplace_back();
  return metadata;
}

}  // namespace

SqlCatalog::SqlCatalog(const SqlCatalogOptions& options, io::ObjectStore& store, const Clock& clock, Random random)
    : options_(options),
      tables_(options.file, options.name, options.lock_wait, options.vfs),
      store_(store),
      clock_(clock),
      cache_(kCachedMetadataMax),
      random_(random) {
  if (options.unsynced == nullptr) return;
  log_ = std::make_unique<MetadataLog>(tables_, store_, *options.unsynced, options.settle_pause);
  log_->Restore();
  if (options.settles) log_->Adopt();
}

SqlCatalog::~SqlCatalog() = default;

std::string SqlCatalog::FreshUuid() {
  const std::lock_guard lock(random_mutex_);
  return random_.Uuid();
}

void SqlCatalog::EnsureNamespace(const std::string& name_space) {
  DoneOrThrow(tables_.EnsureNamespace(name_space), "making a namespace", tables_);
}

std::optional<LoadedTable> SqlCatalog::Load(const TableName& name) {
  auto location = tables_.FindLocation(name);
  if (!location) return std::nullopt;
  return WithContext("table " + ToString(name), [&] {
    LoadedTable loaded{.name = name, .metadata_location = *location, .metadata = cache_.Get(store_, *location)};
    if (!store_.KeyOf(loaded.metadata->location)) {
      throw Error(ErrorCode::kStop,
                  fmt::format("its location {} is outside the warehouse; open the catalogue with the warehouse it "
                              "belongs to, or drop the table from the catalogue",
                              loaded.metadata->location));
    }
    return loaded;
  });
}

CommitResult SqlCatalog::Create(const CreateTable& request) {
  const std::string exists = fmt::format("Table already exists: {}", ToString(request.name));
  if (tables_.FindLocation(request.name)) return Conflict{exists};
  auto metadata = std::make_shared<const table::TableMetadata>(Stage(request));
  LoadedTable made{.name = request.name,
                   .metadata_location = NextMetadataLocation(*metadata, "", FreshUuid()),
                   .metadata = metadata};
  WriteMetadataFile(store_, made.metadata_location, *metadata);
  const auto inserted = tables_.Insert(request.name, made.metadata_location);
  return OfOne(Finish(inserted, {std::move(made)}, exists));
}

table::TableMetadata SqlCatalog::Stage(const CreateTable& request) {
  return NewTable(request, store_, FreshUuid(), clock_.Now());
}

CommitResult SqlCatalog::Register(const TableName& name, const std::string& metadata_location) {
  const std::string exists = fmt::format("Table already exists: {}", ToString(name));
  if (tables_.FindLocation(name)) return Conflict{exists};
  LoadedTable found{.name = name, .metadata_location = metadata_location, .metadata = nullptr};
  try {
    found.metadata = std::make_shared<const table::TableMetadata>(table::ReadMetadataFile(store_, metadata_location));
  } catch (const Error& error) {
    throw Error(ErrorCode::kConfig, fmt::format("{} cannot be registered: {}", ToString(name), error.what()));
  }
  switch (tables_.Insert(name, metadata_location)) {
    case SqlTables::Outcome::kDone:
      return Committed{std::move(found)};
    case SqlTables::Outcome::kRefused:
      return Conflict{exists};
    case SqlTables::Outcome::kBusy:
      return Conflict{kLocked};
    case SqlTables::Outcome::kUnclear:
      break;
  }
  return Unknown{tables_.message()};
}

std::variant<SqlCatalog::Prepared, Conflict> SqlCatalog::Prepare(const TableCommit& commit, Durable durable) {
  const auto base = Load(commit.name);
  if (!base && commit.requirements.empty()) return Conflict{fmt::format("there is no table {}", ToString(commit.name))};
  if (auto why = Refusal(commit, base ? base->metadata.get() : nullptr)) return Conflict{std::move(*why)};
  if (base) return WriteNext(commit.name, &*base, NextVersion(*base, commit.updates, clock_.Now()), durable);
  return WriteNext(commit.name, nullptr, {.metadata = MadeOf(commit.updates, clock_.Now()), .expired = {}}, durable);
}

SqlCatalog::Prepared SqlCatalog::WriteNext(const TableName& name, const LoadedTable* base, NextMetadata next,
                                           Durable durable) {
  if (next.metadata.table_uuid.empty()) next.metadata.table_uuid = FreshUuid();  // format v1 may lack one
  const auto made = std::make_shared<const table::TableMetadata>(std::move(next.metadata));
  const std::string from = base != nullptr ? base->metadata_location : "";
  const auto to = NextMetadataLocation(*made, from, FreshUuid());
  auto text = std::make_shared<const std::string>(table::PrintMetadata(*made));
  std::string kept;
  if (log_ && durable == Durable::kWithCommit) {
    kept = log_->Write(to, *text);
  } else {
    WriteMetadataText(store_, to, *text);
  }
  return {.move = {.name = name, .from = from, .to = to, .kept = std::move(kept)},
          .made = {.name = name, .metadata_location = to, .metadata = made},
          .text = std::move(text),
          .expired = std::move(next.expired)};
}

void SqlCatalog::PreparedAll::Add(Prepared one) {
  moves.push_back(std::move(one.move));
  made.push_back(std::move(one.made));
  texts.push_back(std::move(one.text));
  std::ranges::move(one.expired, std::back_inserter(expired));
}

CommitResult SqlCatalog::Commit(const TableName& name, const std::vector<table::Requirement>& requirements,
                                const std::vector<table::Update>& updates) {
  return OfOne(DecideLocked({{.name = name, .requirements = requirements, .updates = updates}}, Durable::kByItself));
}

SqlCatalog::Turns& SqlCatalog::TurnsOf(const TableName& name) {
  return turns_[std::hash<std::string>{}(ToString(name)) % turns_.size()];
}

TransactionResult SqlCatalog::CommitAll(const std::vector<TableCommit>& commits) {
  return DecideLocked(commits, Durable::kWithCommit);
}

TransactionResult SqlCatalog::DecideLocked(const std::vector<TableCommit>& commits, Durable durable) {
  std::set<Turns*> turns;  // always in one order
  for (const auto& commit : commits) turns.insert(&TurnsOf(commit.name));
  std::vector<std::unique_lock<std::mutex>> locks;
  for (Turns* each : turns) locks.emplace_back(each->mutex);
  return Decide(commits, durable);
}

/// One call of CommitBeside; it lives on its caller's stack.
struct SqlCatalog::Turn {
  const TableCommit& commit;
  std::optional<CommitResult> result = std::nullopt;
  std::exception_ptr failure = nullptr;
  bool done() const { return result || failure; }
};

CommitResult SqlCatalog::CommitBeside(const TableCommit& commit) {
  Turn turn{.commit = commit};
  Turns& turns = TurnsOf(commit.name);
  {
    const std::lock_guard lock(turns.waiting_mutex);
    turns.waiting.push_back(&turn);
  }
  const std::lock_guard lock(turns.mutex);
  if (!turn.done()) {
    std::vector<Turn*> together;
    {
      const std::lock_guard waiting_lock(turns.waiting_mutex);
      const auto others = std::stable_partition(turns.waiting.begin(), turns.waiting.end(),
                                                [&](Turn* one) { return one->commit.name != commit.name; });
      together.assign(others, turns.waiting.end());
      turns.waiting.erase(others, turns.waiting.end());
    }
    DecideTogether(together);
  }
  if (turn.failure) std::rethrow_exception(turn.failure);
  return std::move(*turn.result);
}

void SqlCatalog::DecideTogether(const std::vector<Turn*>& turns) {
  try {
    const TableName& name = turns.front()->commit.name;
    if (const auto left = LoadLeft(name); left && DecideOn(*left, Seen::kBefore, turns)) return;
    if (const auto base = Load(name)) {
      DecideOn(*base, Seen::kNow, turns);
    } else {
      for (Turn* turn : turns) turn->result = OfOne(Decide({turn->commit}, Durable::kWithCommit));
    }
  } catch (...) {
    for (Turn* turn : turns) {
      if (!turn->done()) turn->failure = std::current_exception();
    }
  }
}

bool SqlCatalog::DecideOn(const LoadedTable& base, Seen seen, const std::vector<Turn*>& turns) {
  auto metadata = *base.metadata;
  std::vector<Turn*> applied;
  for (Turn* turn : turns) {
    try {
      if (auto why = Refusal(turn->commit, &metadata)) {
        if (seen == Seen::kBefore) return false;
        turn->result = Conflict{std::move(*why)};
        continue;
      }
      metadata = table::Apply(metadata, turn->commit.updates, clock_.Now());
      applied.push_back(turn);
    } catch (...) {
      if (seen == Seen::kBefore) return false;
      turn->failure = std::current_exception();
    }
  }
  if (applied.empty()) return true;
  PreparedAll all;
  all.Add(WriteNext(base.name, &base, VersionAfter(base, std::move(metadata)), Durable::kWithCommit));
  const auto result = OfOne(Swap(std::move(all)));
  if (seen == Seen::kBefore && std::holds_alternative<Conflict>(result)) return false;
  for (Turn* turn : applied) turn->result = result;
  return true;
}

std::optional<LoadedTable> SqlCatalog::LoadLeft(const TableName& name) {
  std::string location;
  {
    const std::lock_guard lock(left_mutex_);
    const auto found = left_.find(name);
    if (found == left_.end()) return std::nullopt;
    location = found->second;
  }
  // What is not in memory may be gone, as the table may be.
  auto metadata = cache_.Find(location);
  if (!metadata) return std::nullopt;
  return LoadedTable{.name = name, .metadata_location = std::move(location), .metadata = std::move(metadata)};
}

TransactionResult SqlCatalog::Decide(const std::vector<TableCommit>& commits, Durable durable) {
  PreparedAll all;
  const auto forget = [&] {
    for (const auto& move : all.moves) DeleteMetadataFile(store_, move.to);
  };
  try {
    for (const auto& commit : commits) {
      auto prepared = Prepare(commit, durable);
      if (auto* conflict = std::get_if<Conflict>(&prepared)) {
        forget();
        return std::move(*conflict);
      }
      all.Add(std::get<Prepared>(std::move(prepared)));
    }
  } catch (...) {
    forget();
    throw;
  }
  return Swap(std::move(all));
}

TransactionResult SqlCatalog::Swap(PreparedAll prepared) {
  auto& moves = prepared.moves;
  if (log_) moves.front().forgotten = log_->RowsOf(prepared.expired);
  const auto swapped = tables_.Swap(moves);
  if (swapped == SqlTables::Outcome::kDone) {
    if (log_) log_->Moved(moves);
    for (size_t i = 0; i < moves.size(); ++i) {
      cache_.Forget(moves[i].from);
      cache_.Put(moves[i].to, prepared.made[i].metadata, prepared.texts[i]);
    }
    {
      const std::lock_guard lock(left_mutex_);
      if (left_.size() >= kLeftMax) left_.clear();
      for (const auto& move : moves) left_[move.name] = move.to;
    }
    for (const std::string& file : prepared.expired) DeleteMetadataFile(store_, file);
  }
  std::string names;
  for (const auto& move : moves) names += (names.empty() ? "" : ", ") + ToString(move.name);
  return Finish(swapped, std::move(prepared.made), fmt::format("another writer committed to {} first", names));
}

TransactionResult SqlCatalog::Finish(SqlTables::Outcome outcome, std::vector<LoadedTable> made,
                                     const std::string& refused) {
  switch (outcome) {
    case SqlTables::Outcome::kDone:
      for (const auto& table : made) cache_.Put(table.metadata_location, table.metadata);
      return made;
    case SqlTables::Outcome::kRefused:
    case SqlTables::Outcome::kBusy:
      for (const auto& table : made) DeleteMetadataFile(store_, table.metadata_location);
      return Conflict{outcome == SqlTables::Outcome::kBusy ? kLocked : refused};
    case SqlTables::Outcome::kUnclear:
      return Unknown{fmt::format("the catalogue failed while it committed: {}", tables_.message())};
  }
  return Unknown{"the catalogue gave no outcome"};
}

bool SqlCatalog::CreateNamespace(const std::string& name_space, const std::map<std::string, std::string>& properties) {
  return DoneOrThrow(tables_.CreateNamespace(name_space, properties), "making a namespace", tables_);
}

bool SqlCatalog::DropNamespace(const std::string& name_space) {
  return DoneOrThrow(tables_.DropNamespace(name_space), "dropping a namespace", tables_);
}

void SqlCatalog::SetNamespaceProperties(const std::string& name_space,
                                        const std::map<std::string, std::string>& updates,
                                        const std::vector<std::string>& removals) {
  DoneOrThrow(tables_.SetNamespaceProperties(name_space, updates, removals), "changing a namespace", tables_);
}

bool SqlCatalog::Drop(const TableName& name) {
  const bool dropped = DoneOrThrow(tables_.Delete(name), "dropping a table", tables_);
  // Whoever deletes its files deletes them for good.
  if (dropped && log_) log_->Settle();
  return dropped;
}

void SqlCatalog::Rename(const TableName& from, const TableName& to) {
  if (DoneOrThrow(tables_.Rename(from, to), "renaming a table", tables_)) return;
  const std::string why =
      tables_.FindLocation(from) ? "Table already exists: " + ToString(to) : "there is no table " + ToString(from);
  throw Error(ErrorCode::kUsage, fmt::format("{} cannot be renamed to {}: {}", ToString(from), ToString(to), why));
}

}  // namespace millrace::catalog
