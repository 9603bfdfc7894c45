#include "table/commit_objects.h"

#include <fmt/format.h>

#include <algorithm>

#include "base/error.h"
#include "base/fault.h"
#include "base/log.h"
#include "table/read_object.h"

namespace millrace::table {

std::string MetadataFolder(const TableMetadata& metadata) {
  const auto set = metadata.properties.find("write.metadata.path");
  std::string folder = set != metadata.properties.end() ? set->second : metadata.location + "/metadata";
  while (folder.ends_with('/')) folder.pop_back();
  return folder;
}

void CommitObjects::Put(const std::string& uri, std::string_view bytes, std::string_view kind) {
  const std::string key = WithContext(uri, [&] { return KeyOf(store_, uri); });
  uris_.push_back(uri);
  FaultPoint(fmt::format("table.{}.before_put", kind));
  const io::PutOutcome outcome = store_.PutIfAbsent(key, bytes);
  FaultPoint(fmt::format("table.{}.after_put", kind));
  // Names hold a fresh UUID: an object of that name is this one, put by a request whose answer was lost.
  if (outcome == io::PutOutcome::kExists && store_.Get(key) != bytes) {
    uris_.pop_back();
    throw Error(ErrorCode::kStop, fmt::format("{} exists with other content: something else writes under this "
                                              "table's names; find it before running again",
                                              uri));
  }
}

void CommitObjects::Delete(const std::string& uri) noexcept {
  const auto found = std::find(uris_.begin(), uris_.end(), uri);
  if (found == uris_.end()) return;
  try {
    store_.Delete(KeyOf(store_, uri));
    uris_.erase(found);
  } catch (const std::exception& error) {
    LogWarning("{} is not needed and could not be deleted: {}", uri, error.what());
  }
}

void CommitObjects::DeleteAll() noexcept {
  const std::vector<std::string> all = uris_;
  for (const std::string& uri : all) Delete(uri);
}

}  // namespace millrace::table
