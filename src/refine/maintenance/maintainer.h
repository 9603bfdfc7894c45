#pragma once

#include <chrono>
#include <filesystem>
#include <optional>
#include <stop_token>
#include <string>
#include <vector>

#include "base/byte_budget.h"
#include "base/clock.h"
#include "base/error.h"
#include "catalog/catalog.h"
#include "refine/maintenance/compaction.h"
#include "refine/maintenance/delete_merge.h"
#include "refine/maintenance/expiry.h"
#include "refine/maintenance/orphans.h"
#include "table/expire.h"

namespace millrace::refine {

struct MaintenanceRules {
  bool compact = true;
  CompactionRules compaction;
  int64_t manifests_max = 100;
  table::ExpiryRules expiry = {.snapshots_max = 1000};
  /// Expiry waits until this many snapshots more than are kept have gathered: it reads every list.
  int64_t snapshots_slack = 0;
  std::optional<std::chrono::milliseconds> orphans_older_than = std::nullopt;  // absent: not looked for
  bool dry_run = false;
};

struct MaintenanceReport {
  catalog::TableName table;
  bool busy = false;  // another process maintains it
  std::string why_failed;
  std::optional<ErrorCode> error;
  CompactionReport compaction;
  DeleteMergeReport deletes;
  int64_t manifests_fewer = 0;
  ExpiryReport expiry;
  OrphanReport orphans;

  bool did_something() const {
    return compaction.files_removed + deletes.files_removed + manifests_fewer + expiry.snapshots + expiry.refs +
                   expiry.objects_deleted >
               0 ||
           !orphans.orphans.empty();
  }
};

/// Keeps tables quick to read: deletes by value located, small files merged, deletes applied or merged, manifests
/// merged, old snapshots expired, orphans removed, in this order, each a commit of its own that changes no row. Every
/// step may be cut short at any point and done again. One thread; several may work on different tables.
class Maintainer {
 public:
  /// `folder` holds locks and journals; it is made.
  Maintainer(catalog::Catalog& catalog, ByteBudget& budget, std::filesystem::path folder,
             const Clock& clock = Clock::System());

  /// A failure is in the report.
  MaintenanceReport Maintain(const catalog::TableName& name, const MaintenanceRules& rules,
                             const std::stop_token& stop);

 private:
  void Steps(const catalog::LoadedTable& table, const MaintenanceRules& rules, const std::stop_token& stop,
             MaintenanceReport& report);

  catalog::Catalog& catalog_;
  ByteBudget& budget_;
  const std::filesystem::path folder_;
  const Clock& clock_;
};

/// Lets every other thread of the machine go first from here on; for a thread that maintains beside others that land.
void YieldToOthers();

}  // namespace millrace::refine
