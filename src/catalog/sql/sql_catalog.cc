#include "catalog/sql/sql_catalog.h"

#include <fmt/format.h>

#include "base/error.h"
#include "catalog/table_files.h"

namespace millrace::catalog {
namespace {

constexpr size_t kCachedMetadataMax = 64;

constexpr const char* kLocked = "the catalogue was locked by another program";

/// For changes of which the caller branches on nothing but done or not.
bool DoneOrThrow(SqlTables::Outcome outcome, const char* doing, SqlTables& tables) {
  switch (outcome) {
    case SqlTables::Outcome::kDone:
      return true;
    case SqlTables::Outcome::kRefused:
      return false;
    case SqlTables::Outcome::kBusy:
      throw Error(ErrorCode::kUnavailable, fmt::format("{}: {}; try again", doing, kLocked));
    case SqlTables::Outcome::kUnclear:
      throw Error(ErrorCode::kUnavailable,
                  fmt::format("{}: the catalogue may or may not have done it ({}); look, then try again", doing,
                              tables.message()));
  }
  return false;
}

}  // namespace

SqlCatalog::SqlCatalog(const SqlCatalogOptions& options, io::ObjectStore& store, const Clock& clock, Random random)
    : tables_(options.file, options.name, options.lock_wait),
      store_(store),
      clock_(clock),
      cache_(kCachedMetadataMax),
      random_(random) {}

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
  const std::string exists = fmt::format("the table {} exists", ToString(request.name));
  if (tables_.FindLocation(request.name)) return Conflict{exists};
  auto metadata = std::make_shared<const table::TableMetadata>(NewTable(request, store_, FreshUuid(), clock_.Now()));
  LoadedTable made{.name = request.name,
                   .metadata_location = NextMetadataLocation(*metadata, "", FreshUuid()),
                   .metadata = metadata};
  WriteMetadataFile(store_, made.metadata_location, *metadata);
  const auto inserted = tables_.Insert(request.name, made.metadata_location);
  return Finish(inserted, std::move(made), exists);
}

CommitResult SqlCatalog::Commit(const TableName& name, const std::vector<table::Requirement>& requirements,
                                const std::vector<table::Update>& updates) {
  const auto base = Load(name);
  if (!base) return Conflict{fmt::format("there is no table {}", ToString(name))};
  if (auto why = table::Unmet(requirements, base->metadata.get())) return Conflict{std::move(*why)};
  auto next = NextVersion(*base, updates, clock_.Now());
  if (next.metadata.table_uuid.empty()) next.metadata.table_uuid = FreshUuid();  // format v1 may lack one
  const auto metadata = std::make_shared<const table::TableMetadata>(std::move(next.metadata));
  LoadedTable made{.name = name,
                   .metadata_location = NextMetadataLocation(*metadata, base->metadata_location, FreshUuid()),
                   .metadata = metadata};
  WriteMetadataFile(store_, made.metadata_location, *metadata);
  const auto swapped = tables_.Swap(name, base->metadata_location, made.metadata_location);
  if (swapped == SqlTables::Outcome::kDone) {
    for (const std::string& expired : next.expired) DeleteMetadataFile(store_, expired);
  }
  return Finish(swapped, std::move(made), fmt::format("another writer committed to {} first", ToString(name)));
}

CommitResult SqlCatalog::Finish(SqlTables::Outcome outcome, LoadedTable made, const std::string& refused) {
  switch (outcome) {
    case SqlTables::Outcome::kDone:
      cache_.Put(made.metadata_location, made.metadata);
      return Committed{std::move(made)};
    case SqlTables::Outcome::kRefused:
      DeleteMetadataFile(store_, made.metadata_location);
      return Conflict{refused};
    case SqlTables::Outcome::kBusy:
      DeleteMetadataFile(store_, made.metadata_location);
      return Conflict{kLocked};
    case SqlTables::Outcome::kUnclear:
      return Unknown{fmt::format("the catalogue failed while it committed: {}", tables_.message())};
  }
  return Unknown{"the catalogue gave no outcome"};
}

bool SqlCatalog::Drop(const TableName& name) { return DoneOrThrow(tables_.Delete(name), "dropping a table", tables_); }

void SqlCatalog::Rename(const TableName& from, const TableName& to) {
  if (DoneOrThrow(tables_.Rename(from, to), "renaming a table", tables_)) return;
  const std::string why =
      tables_.FindLocation(from) ? ToString(to) + " exists already" : "there is no table " + ToString(from);
  throw Error(ErrorCode::kUsage, fmt::format("{} cannot be renamed to {}: {}", ToString(from), ToString(to), why));
}

}  // namespace millrace::catalog
