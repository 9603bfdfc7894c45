#include "query/data_files.h"

#include <fmt/format.h>

#include <string_view>
#include <utility>

#include "base/error.h"
#include "io/digest.h"
#include "table/deletion_vector.h"

namespace millrace::query {
namespace {

constexpr std::string_view kFileScheme = "file://";

std::string UriRoot(const io::ObjectStore& store) {
  constexpr std::string_view kAnyKey = "x";
  const auto uri = store.UriOf(std::string(kAnyKey));
  return uri.substr(0, uri.size() - kAnyKey.size());
}

}  // namespace

DataFiles::DataFiles(io::ObjectStore& store, const std::string& cache_directory, int64_t cache_bytes) : store_(store) {
  const auto root = UriRoot(store);
  if (root.starts_with(kFileScheme)) {
    folder_ = root.substr(kFileScheme.size());
    return;
  }
  if (cache_directory.empty())
    throw Error(ErrorCode::kConfig, fmt::format("{}: queries need a folder for copies of its files", root));
  // Copies of one warehouse never serve another.
  const auto name = io::Hex(io::Sha256(root)).substr(0, 16);
  cache_ = std::make_unique<ObjectCache>(store, std::filesystem::path(cache_directory) / name, cache_bytes);
  folder_ = cache_->folder();
  uri_root_ = root;
}

DataFiles::DataFiles(io::ObjectStore& store, BroughtFiles brought)
    : store_(store),
      bring_(std::move(brought.bring)),
      folder_(std::move(brought.folder)),
      uri_root_(std::move(brought.uri_root)) {}

std::string DataFiles::KeyOf(const std::string& uri) const {
  if (const auto key = store_.KeyOf(uri)) return *key;
  throw Error(ErrorCode::kStop,
              fmt::format("{} lies outside of the warehouse {}; it is not read", uri, UriRoot(store_)));
}

std::string DataFiles::PathOf(const std::string& uri) const { return folder_ + KeyOf(uri); }

std::shared_ptr<void> DataFiles::Bring(const ScanPlan& plan) {
  if (!cache_ && !bring_) return nullptr;
  std::vector<KnownObject> objects;
  for (const auto* file : plan.All()) {
    // Deletion vectors are read where they lie: several share a file, of which each is a small part.
    if (!table::IsDeletionVector(*file)) objects.push_back({KeyOf(file->file_path), file->file_size_in_bytes});
  }
  return Bring(objects);
}

std::shared_ptr<void> DataFiles::Bring(const std::vector<KnownObject>& objects) {
  if (bring_) bring_(objects);
  if (!cache_) return nullptr;
  cache_->Trim();
  auto hold = cache_->Hold();
  cache_->Fetch(objects);
  return hold;
}

}  // namespace millrace::query
