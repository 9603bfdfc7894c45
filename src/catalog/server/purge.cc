#include "catalog/server/purge.h"

#include <set>
#include <string>

#include "base/error.h"
#include "base/log.h"
#include "table/reachable.h"
#include "table/table_property.h"

namespace millrace::catalog {

void PurgeFiles(io::ObjectStore& store, const LoadedTable& dropped) {
  if (!table::BooleanProperty(*dropped.metadata, "gc.enabled", true)) return;
  const auto folder = store.KeyOf(dropped.metadata->location);
  if (!folder) return;
  std::set<std::string> own;
  store.List(*folder + "/", "", [&](const io::ObjectInfo& object) {
    own.insert(store.UriOf(object.key));
    return true;
  });
  std::set<std::string> foreign = own;
  foreign.erase(dropped.metadata_location);
  table::EraseReachable(store, *dropped.metadata, foreign);
  for (const auto& uri : own) {
    if (foreign.contains(uri)) continue;
    try {
      if (const auto key = store.KeyOf(uri)) store.Delete(*key);
    } catch (const Error& error) {
      LogWarning("{} of the dropped table {} could not be deleted: {}", uri, ToString(dropped.name), error.what());
    }
  }
}

}  // namespace millrace::catalog
