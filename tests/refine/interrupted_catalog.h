#pragma once

#include <functional>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "catalog/catalog.h"

namespace millrace::refine {

/// Calls somebody before the next commit passes: what happens at the worst moment.
class InterruptedCatalog final : public catalog::Catalog {
 public:
  explicit InterruptedCatalog(catalog::Catalog& catalog) : catalog_(catalog) {}
  std::function<void()> before_commit;

  void EnsureNamespace(const std::string& name_space) override { catalog_.EnsureNamespace(name_space); }
  std::vector<std::string> ListNamespaces() override { return catalog_.ListNamespaces(); }
  std::vector<catalog::TableName> ListTables(const std::string& name_space) override {
    return catalog_.ListTables(name_space);
  }
  std::optional<catalog::LoadedTable> Load(const catalog::TableName& name) override { return catalog_.Load(name); }
  catalog::CommitResult Create(const catalog::CreateTable& request) override { return catalog_.Create(request); }
  catalog::CommitResult Commit(const catalog::TableName& name, const std::vector<table::Requirement>& requirements,
                               const std::vector<table::Update>& updates) override {
    if (auto interrupt = std::exchange(before_commit, nullptr)) interrupt();
    return catalog_.Commit(name, requirements, updates);
  }
  bool Drop(const catalog::TableName& name) override { return catalog_.Drop(name); }
  void Rename(const catalog::TableName& from, const catalog::TableName& to) override { catalog_.Rename(from, to); }
  io::ObjectStore& store() override { return catalog_.store(); }

 private:
  catalog::Catalog& catalog_;
};

}  // namespace millrace::refine
