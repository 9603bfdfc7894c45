#include "refine/maintenance/expiry.h"

#include <algorithm>
#include <charconv>
#include <chrono>
#include <utility>
#include <vector>

#include "base/error.h"
#include "base/fault.h"
#include "base/log.h"
#include "land/positions.h"
#include "table/reachable.h"
#include "table/table_property.h"
#include "table/update.h"

namespace millrace::refine {
namespace {

constexpr int kAttemptsMax = 20;
constexpr std::chrono::milliseconds kPause{50};
constexpr std::string_view kModelPositions = "millrace.positions.model:";

bool MayDeleteFiles(const table::TableMetadata& metadata) {
  return table::BooleanProperty(metadata, "gc.enabled", true);
}

std::optional<table::SnapshotId> SnapshotOf(const event::Cursor& cursor) {
  const std::string& text = cursor.value();
  int64_t id = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), id);
  if (error != std::errc() || end != text.data() + text.size()) return std::nullopt;
  return table::SnapshotId(id);
}

/// What would go if `expiry` landed on `base`.
std::vector<std::string> ObjectsOf(catalog::Catalog& catalog, const table::TableMetadata& base,
                                   const table::Expiry& expiry, Timestamp now) {
  if (!MayDeleteFiles(base)) return {};
  const auto planned = table::Apply(base, expiry.change.updates, now);
  return table::UnreachableObjects(catalog.store(), base, planned);
}

}  // namespace

std::set<table::SnapshotId> SnapshotsThatModelsNeed(catalog::Catalog& catalog, const std::string& table_uuid) {
  const event::SplitId split("table:" + table_uuid);
  std::set<table::SnapshotId> needed;
  for (const auto& name_space : catalog.ListNamespaces()) {
    for (const auto& name : catalog.ListTables(name_space)) {
      const auto loaded = catalog.Load(name);
      if (!loaded) continue;
      for (const auto& [property, text] : loaded->metadata->properties) {
        if (!property.starts_with(kModelPositions)) continue;
        const auto positions = land::ParsePositions(text, "property " + property);
        const auto found = positions.find(split);
        if (found == positions.end()) continue;
        if (const auto id = SnapshotOf(found->second)) needed.insert(*id);
      }
    }
  }
  return needed;
}

int64_t DeleteUnreachable(catalog::Catalog& catalog, const catalog::TableName& name,
                          const std::vector<std::string>& uris) {
  if (uris.empty()) return 0;
  const auto fresh = catalog.Load(name);
  if (!fresh || !MayDeleteFiles(*fresh->metadata)) return 0;
  std::set<std::string> unreachable(uris.begin(), uris.end());
  unreachable.erase(fresh->metadata_location);
  table::EraseReachable(catalog.store(), *fresh->metadata, unreachable);
  const auto root = catalog.store().KeyOf(fresh->metadata->location);
  int64_t deleted = 0;
  for (const auto& uri : uris) {
    const auto key = catalog.store().KeyOf(uri);
    if (!root || !key || !key->starts_with(*root + "/") || !unreachable.contains(uri)) continue;
    FaultPoint("maintain.before_delete");
    catalog.store().Delete(*key);
    ++deleted;
  }
  return deleted;
}

ExpiryReport ExpireSnapshots(catalog::Catalog& catalog, const catalog::TableName& name, const table::ExpiryRules& rules,
                             bool dry_run, const DeletionJournal& journal, const Clock& clock,
                             const std::stop_token& stop) {
  ExpiryReport report;
  auto doomed = journal.Read();
  for (int attempt = 0; attempt < kAttemptsMax; ++attempt) {
    const auto table = catalog.Load(name);
    if (!table) return report;
    const auto expiry = table::PlanExpiry(*table->metadata, rules, clock.Now());
    if (expiry.change.empty()) break;
    auto objects = ObjectsOf(catalog, *table->metadata, expiry, clock.Now());
    report.snapshots = static_cast<int64_t>(expiry.expired.size());
    report.refs = static_cast<int64_t>(expiry.dropped_refs.size());
    if (dry_run) {
      report.objects_deleted = static_cast<int64_t>(objects.size());
      return report;
    }
    doomed.insert(doomed.end(), objects.begin(), objects.end());
    journal.Write(doomed);
    const auto result = catalog.Commit(name, expiry.change.requirements, expiry.change.updates);
    FaultPoint("maintain.after_expiry");
    if (std::holds_alternative<catalog::Committed>(result)) break;
    report.snapshots = report.refs = 0;
    if (!clock.SleepFor(kPause, stop)) return report;
  }
  if (dry_run || doomed.empty()) return report;
  report.objects_deleted = DeleteUnreachable(catalog, name, doomed);
  journal.Clear();
  return report;
}

}  // namespace millrace::refine
