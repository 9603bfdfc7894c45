#include "table/read_object.h"

#include "base/error.h"

namespace millrace::table {

std::string KeyOf(const io::ObjectStore& store, const std::string& uri) {
  if (auto key = store.KeyOf(uri)) return *std::move(key);
  throw Error(ErrorCode::kData,
              "it is not below the warehouse: point lake.warehouse at the folder or bucket that holds the table");
}

std::string ReadObject(io::ObjectStore& store, const std::string& uri) {
  auto bytes = store.Get(KeyOf(store, uri));
  if (!bytes) {
    throw Error(ErrorCode::kData,
                "it is missing though the table refers to it: restore it, or roll the table back to an older snapshot");
  }
  return *std::move(bytes);
}

}  // namespace millrace::table
