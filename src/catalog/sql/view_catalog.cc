#include "catalog/sql/view_catalog.h"

#include <nlohmann/json.hpp>
#include <utility>

#include "base/error.h"
#include "catalog/table_files.h"
#include "table/metadata_file.h"

namespace millrace::catalog {
namespace {

constexpr int kAttemptsMax = 10;
Conflict Exists(const TableName& name) { return {"View already exists: " + ToString(name)}; }

}  // namespace

ViewCatalog::ViewCatalog(const SqlCatalogOptions& options, io::ObjectStore& store, const Clock& clock, Random random)
    : store_(store), views_(options), clock_(clock), random_(random) {}

std::string ViewCatalog::FreshUuid() {
  const std::lock_guard lock(random_mutex_);
  return random_.Uuid();
}

table::ViewMetadata ViewCatalog::Read(const std::string& location) {
  return WithContext(location, [&] { return table::ParseViewMetadata(table::ReadMetadataText(store_, location)); });
}

std::optional<LoadedView> ViewCatalog::Load(const TableName& name) {
  auto location = views_.FindLocation(name);
  if (!location) return std::nullopt;
  return WithContext("view " + ToString(name), [&] {
    return LoadedView{.name = name, .metadata_location = *location, .metadata = Read(*location)};
  });
}

template <typename Keep>
std::optional<ViewResult> ViewCatalog::Write(const TableName& name, const std::string& previous,
                                             table::ViewMetadata metadata, Keep keep) {
  auto location = NextMetadataLocation(metadata.location, metadata.properties, previous, FreshUuid());
  WriteMetadataText(store_, location, table::ToJson(metadata).dump());
  const auto outcome = keep(location);
  if (outcome == SqlViews::Outcome::kUnclear) return Unknown{views_.message()};
  if (outcome == SqlViews::Outcome::kDone) {
    return LoadedView{.name = name, .metadata_location = std::move(location), .metadata = std::move(metadata)};
  }
  DeleteMetadataFile(store_, location);
  if (outcome == SqlViews::Outcome::kBusy) return Conflict{kLocked};
  return std::nullopt;
}

ViewResult ViewCatalog::Create(const CreateView& request) {
  if (Has(request.name)) return Exists(request.name);
  const auto uuid = FreshUuid();
  table::ViewMetadata empty;
  empty.properties = request.properties;
  empty.location = FreshLocation(request.name, request.location, store_, uuid);
  const std::vector<table::ViewUpdate> updates{table::Update(table::AssignUuid{uuid}),
                                               table::AddViewSchema{request.schema},
                                               table::AddViewVersion{request.version}, table::SetCurrentViewVersion{}};
  auto metadata = table::ApplyToView(std::move(empty), updates, clock_.Now());
  auto made = Write(request.name, "", std::move(metadata),
                    [&](const std::string& location) { return views_.Insert(request.name, location); });
  return made ? *std::move(made) : Exists(request.name);
}

ViewResult ViewCatalog::Commit(const TableName& name, const std::string& uuid,
                               const std::vector<table::ViewUpdate>& updates) {
  // Of several here each finds what the one before made.
  const std::lock_guard lock(commits_);
  for (int attempt = 0; attempt < kAttemptsMax; ++attempt) {
    auto base = Load(name);
    if (!base) return Conflict{"there is no view " + ToString(name)};
    if (!uuid.empty() && base->metadata.view_uuid != uuid) {
      return Conflict{"view UUID does not match: expected " + uuid + " != " + base->metadata.view_uuid};
    }
    auto next = table::ApplyToView(base->metadata, updates, clock_.Now());
    if (next == base->metadata) return *std::move(base);
    if (auto done = Write(name, base->metadata_location, std::move(next), [&](const std::string& location) {
          return views_.Swap(name, base->metadata_location, location);
        })) {
      return *std::move(done);
    }
  }
  return Conflict{"the view " + ToString(name) + " is changed by others all the time"};
}

ViewResult ViewCatalog::Register(const TableName& name, const std::string& metadata_location) {
  auto metadata = Read(metadata_location);
  switch (views_.Insert(name, metadata_location)) {
    case SqlViews::Outcome::kDone:
      return LoadedView{.name = name, .metadata_location = metadata_location, .metadata = std::move(metadata)};
    case SqlViews::Outcome::kRefused:
      return Exists(name);
    case SqlViews::Outcome::kBusy:
      return Conflict{kLocked};
    case SqlViews::Outcome::kUnclear:
      break;
  }
  return Unknown{views_.message()};
}

bool ViewCatalog::Rename(const TableName& from, const TableName& to) {
  return DoneOrThrow(views_.Rename(from, to), "renaming a view", views_);
}

bool ViewCatalog::Drop(const TableName& name) { return DoneOrThrow(views_.Delete(name), "dropping a view", views_); }

}  // namespace millrace::catalog
