#pragma once

#include <chrono>
#include <cstdint>
#include <functional>
#include <mutex>
#include <string>
#include <vector>

#include "base/clock.h"
#include "catalog/catalog.h"

namespace millrace::catalog {

enum class CatalogCall { kLoad, kCreate, kCommit };

/// What goes wrong, and when.
struct CatalogFault {
  enum class Effect {
    kFail,         // Error kUnavailable, and nothing happens
    kLoseRequest,  // Unknown, and nothing happens
    kLoseAnswer,   // Unknown, although it happened
    kLandLate,     // Unknown; it happens when LandLate is called
    kDelay,        // it happens, later
  };
  CatalogCall call = CatalogCall::kCommit;
  Effect effect = Effect::kFail;
  int64_t skip = 0;   // calls that pass first
  int64_t times = 1;  // calls that are hit then
  std::chrono::milliseconds delay{0};
};

/// A catalogue whose calls fail on request, for tests of whoever uses one. A Load that is hit always throws: it has no
/// Unknown. Thread-safe; borrows the catalogue and the clock.
class FaultCatalog final : public Catalog {
 public:
  explicit FaultCatalog(Catalog& catalog, const Clock& clock = Clock::System()) : catalog_(catalog), clock_(clock) {}

  void Inject(CatalogFault fault);
  void Clear();
  /// Calls that were hit so far.
  int64_t fired() const;
  /// Sends the requests that were held back, in order; what became of each.
  std::vector<CommitResult> LandLate();

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
  CommitResult Send(CatalogCall call, std::function<CommitResult()> request);
  std::optional<CatalogFault> Take(CatalogCall call);

  Catalog& catalog_;
  const Clock& clock_;
  mutable std::mutex mutex_;
  std::vector<CatalogFault> faults_;
  std::vector<std::function<CommitResult()>> held_;
  int64_t fired_ = 0;
};

}  // namespace millrace::catalog
