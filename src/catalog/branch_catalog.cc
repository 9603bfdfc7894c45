#include "catalog/branch_catalog.h"

#include <utility>

namespace millrace::catalog {
namespace {

constexpr const char* kMain = "main";

}  // namespace

LoadedTable AtBranch(LoadedTable table, const std::string& branch) {
  auto shown = std::make_shared<table::TableMetadata>(*table.metadata);
  const auto ref = shown->refs.find(branch);
  shown->current_snapshot_id.reset();
  if (ref != shown->refs.end()) shown->current_snapshot_id = ref->second.snapshot_id;
  // What a commit says of main's retention is not said of the branch.
  shown->refs.erase(kMain);
  table.metadata = std::move(shown);
  return table;
}

std::optional<LoadedTable> BranchCatalog::Load(const TableName& name) {
  auto loaded = catalog_.Load(name);
  if (!loaded || name != table_) return loaded;
  return AtBranch(std::move(*loaded), branch_);
}

CommitResult BranchCatalog::Shown(const TableName& name, CommitResult result) const {
  if (auto* committed = std::get_if<Committed>(&result); committed != nullptr && name == table_) {
    committed->table = AtBranch(std::move(committed->table), branch_);
  }
  return result;
}

CommitResult BranchCatalog::Create(const CreateTable& request) { return Shown(request.name, catalog_.Create(request)); }

CommitResult BranchCatalog::Commit(const TableName& name, const std::vector<table::Requirement>& requirements,
                                   const std::vector<table::Update>& updates) {
  if (name != table_) return catalog_.Commit(name, requirements, updates);
  auto required = requirements;
  for (auto& requirement : required) {
    auto* ref = std::get_if<table::AssertRefSnapshotId>(&requirement);
    if (ref != nullptr && ref->ref == kMain) ref->ref = branch_;
  }
  auto wanted = updates;
  for (auto& update : wanted) {
    auto* ref = std::get_if<table::SetSnapshotRef>(&update);
    if (ref != nullptr && ref->name == kMain) ref->name = branch_;
  }
  return Shown(name, catalog_.Commit(name, required, wanted));
}

}  // namespace millrace::catalog
