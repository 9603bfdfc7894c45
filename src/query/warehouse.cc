#include "query/warehouse.h"

#include <fmt/format.h>

#include <string_view>

#include "base/error.h"

namespace millrace::query {
namespace {

std::string PathOf(const std::string& uri) {
  constexpr std::string_view kFileScheme = "file://";
  if (!uri.starts_with(kFileScheme))
    throw Error(ErrorCode::kConfig, fmt::format("{}: the SQL engine reads warehouses on local disks only", uri));
  return uri.substr(kFileScheme.size());
}

}  // namespace

std::string WarehouseFolder(const io::ObjectStore& store) {
  constexpr std::string_view kAnyKey = "x";
  const auto path = PathOf(store.UriOf(std::string(kAnyKey)));
  return path.substr(0, path.size() - kAnyKey.size());
}

std::string LocalPath(const io::ObjectStore& store, const std::string& uri) {
  const auto key = store.KeyOf(uri);
  if (!key)
    throw Error(ErrorCode::kStop,
                fmt::format("{} lies outside of the warehouse {}; it is not read", uri, WarehouseFolder(store)));
  return PathOf(store.UriOf(*key));
}

}  // namespace millrace::query
