#include "refine/maintenance/orphans.h"

#include <algorithm>
#include <fstream>
#include <map>
#include <set>
#include <utility>

#include "refine/maintenance/expiry.h"
#include "table/reachable.h"

namespace millrace::refine {
namespace {

using FirstSeen = std::map<std::string, int64_t>;

bool IsOfATable(const std::string& key) {
  return std::ranges::any_of(std::initializer_list<const char*>{".parquet", ".avro", ".metadata.json"},
                             [&](const char* ending) { return key.ends_with(ending); });
}

std::set<std::string> Listed(io::ObjectStore& store, const std::string& root) {
  std::set<std::string> uris;
  for (const char* folder : {"/data/", "/metadata/"}) {
    store.List(root + folder, "", [&](const io::ObjectInfo& object) {
      if (IsOfATable(object.key)) uris.insert(store.UriOf(object.key));
      return true;
    });
  }
  return uris;
}

FirstSeen Read(const std::filesystem::path& file) {
  FirstSeen seen;
  std::ifstream in(file);
  int64_t when = 0;
  for (std::string uri; in >> when && in.get() && std::getline(in, uri);) seen.emplace(uri, when);
  return seen;
}

/// A torn file only makes its orphans wait longer.
void Write(const std::filesystem::path& file, const FirstSeen& seen) {
  std::ofstream out(file, std::ios::trunc);
  for (const auto& [uri, when] : seen) out << when << ' ' << uri << '\n';
}

}  // namespace

OrphanReport RemoveOrphans(catalog::Catalog& catalog, const catalog::TableName& name,
                           std::chrono::milliseconds older_than, bool dry_run, const std::filesystem::path& first_seen,
                           const Clock& clock) {
  OrphanReport report;
  const auto before = catalog.Load(name);
  const auto root = before ? catalog.store().KeyOf(before->metadata->location) : std::nullopt;
  if (!root) return report;
  auto uris = Listed(catalog.store(), *root);
  // Listed first, read after: what was committed meanwhile is reachable.
  const auto table = catalog.Load(name);
  if (!table || table->metadata->table_uuid != before->metadata->table_uuid) return report;
  uris.erase(catalog.store().UriOf(catalog.store().KeyOf(table->metadata_location).value_or("")));
  table::EraseReachable(catalog.store(), *table->metadata, uris);
  const auto now = std::chrono::duration_cast<std::chrono::milliseconds>(clock.Now().time_since_epoch()).count();
  const auto known = Read(first_seen);
  FirstSeen young;
  for (const auto& uri : uris) {
    const auto found = known.find(uri);
    const int64_t since = found == known.end() ? now : found->second;
    if (now - since >= older_than.count()) {
      report.orphans.push_back(uri);
    } else {
      young.emplace(uri, since);
    }
  }
  report.young = static_cast<int64_t>(young.size());
  if (!dry_run) DeleteUnreachable(catalog, name, report.orphans);
  if (dry_run) {
    for (const auto& uri : report.orphans) young.emplace(uri, known.contains(uri) ? known.at(uri) : now);
  }
  Write(first_seen, young);
  return report;
}

}  // namespace millrace::refine
