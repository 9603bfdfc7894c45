#include "app/maintenance_listing.h"

#include <nlohmann/json.hpp>

namespace millrace::app {

MaintenanceListing::MaintenanceListing()
    : listing_({{"table"},
                {"files_merged"},
                {"into"},
                {"bytes_rewritten", Listing::Form::kBytes},
                {"groups_dropped"},
                {"deleted_rows_dropped"},
                {"delete_files_removed"},
                {"manifests_fewer"},
                {"snapshots_expired"},
                {"objects_deleted"},
                {"orphans"},
                {"orphans_young"},
                {"error"}}) {}

void MaintenanceListing::Add(const refine::MaintenanceReport& report) {
  const auto why = report.busy ? "another process maintains it" : report.why_failed;
  listing_.Add({catalog::ToString(report.table), report.compaction.files_removed, report.compaction.files_added,
                report.compaction.bytes_rewritten, report.compaction.groups_dropped, report.compaction.rows_dropped,
                report.compaction.delete_files_removed + report.deletes.files_removed, report.manifests_fewer,
                report.expiry.snapshots, report.expiry.objects_deleted, report.orphans.orphans.size(),
                report.orphans.young, why.empty() ? nlohmann::json() : nlohmann::json(why)});
}

}  // namespace millrace::app
