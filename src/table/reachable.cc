#include "table/reachable.h"

#include <map>
#include <nlohmann/json.hpp>

#include "table/manifest.h"

namespace millrace::table {
namespace {

/// Looks URIs up by the key they name, for writers spell one path in several ways.
class Sought {
 public:
  Sought(const io::ObjectStore& store, std::set<std::string>& uris) : store_(store), uris_(uris) {
    for (const std::string& uri : uris) by_key_.emplace(KeyFor(uri), uri);
  }

  void Erase(const std::string& uri) {
    const auto found = by_key_.find(KeyFor(uri));
    if (found == by_key_.end()) return;
    uris_.erase(found->second);
    by_key_.erase(found);
  }

 private:
  std::string KeyFor(const std::string& uri) const { return store_.KeyOf(uri).value_or(uri); }

  const io::ObjectStore& store_;
  std::set<std::string>& uris_;
  std::map<std::string, std::string> by_key_;
};

void EraseStatistics(const TableMetadata& metadata, Sought& sought) {
  if (metadata.unmodelled.empty()) return;
  const auto rest = nlohmann::json::parse(metadata.unmodelled);
  for (const char* member : {"statistics", "partition-statistics"}) {
    if (!rest.contains(member) || !rest[member].is_array()) continue;
    for (const auto& file : rest[member]) {
      if (file.is_object() && file.contains("statistics-path") && file["statistics-path"].is_string()) {
        sought.Erase(file["statistics-path"].get<std::string>());
      }
    }
  }
}

}  // namespace

void EraseReachable(io::ObjectStore& store, const TableMetadata& metadata, std::set<std::string>& uris) {
  Sought sought(store, uris);
  for (const auto& entry : metadata.metadata_log) sought.Erase(entry.metadata_file);
  EraseStatistics(metadata, sought);
  std::set<std::string> read;
  for (const Snapshot& snapshot : metadata.snapshots) {
    if (uris.empty()) return;
    sought.Erase(snapshot.manifest_list);
    for (const ManifestFile& manifest : ReadManifestList(store, snapshot)) {
      if (!read.insert(manifest.manifest_path).second) continue;
      sought.Erase(manifest.manifest_path);
      ForEachEntry(store, metadata, manifest, [&](const ManifestEntry& entry) {
        if (entry.status != EntryStatus::kDeleted) sought.Erase(entry.file.file_path);
      });
    }
  }
}

}  // namespace millrace::table
