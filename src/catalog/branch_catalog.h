#pragma once

#include <string>
#include <vector>

#include "catalog/catalog.h"

namespace millrace::catalog {

/// A table as one of its branches shows it: the branch's head instead of main's is its current snapshot. Of a table
/// without the branch nothing is current.
LoadedTable AtBranch(LoadedTable table, const std::string& branch);

/// A catalogue in which one table is a branch of it: it is loaded as the branch shows it, and what is committed to main
/// goes to the branch, so that whoever lands in a table lands in a branch without knowing. Columns, partitions and
/// properties are the table's, whatever the branch. Other tables are as they are. Thread-safe; borrows the catalogue.
class BranchCatalog final : public Catalog {
 public:
  BranchCatalog(Catalog& catalog, TableName table, std::string branch)
      : catalog_(catalog), table_(std::move(table)), branch_(std::move(branch)) {}

  void EnsureNamespace(const std::string& name_space) override { catalog_.EnsureNamespace(name_space); }
  std::vector<std::string> ListNamespaces() override { return catalog_.ListNamespaces(); }
  std::vector<TableName> ListTables(const std::string& name_space) override { return catalog_.ListTables(name_space); }
  std::optional<LoadedTable> Load(const TableName& name) override;
  CommitResult Create(const CreateTable& request) override;
  CommitResult Commit(const TableName& name, const std::vector<table::Requirement>& requirements,
                      const std::vector<table::Update>& updates) override;
  bool Drop(const TableName& name) override { return catalog_.Drop(name); }
  void Rename(const TableName& from, const TableName& to) override { catalog_.Rename(from, to); }
  io::ObjectStore& store() override { return catalog_.store(); }

 private:
  CommitResult Shown(const TableName& name, CommitResult result) const;

  Catalog& catalog_;
  const TableName table_;
  const std::string branch_;
};

}  // namespace millrace::catalog
