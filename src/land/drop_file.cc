#include "land/drop_file.h"

#include <exception>

#include "base/log.h"

namespace millrace::land {

void DropFile(io::ObjectStore& store, const std::string& path) noexcept {
  try {
    if (const auto key = store.KeyOf(path)) store.Delete(*key);
  } catch (const std::exception& error) {
    LogWarning("{} is not needed and could not be deleted: {}", path, error.what());
  }
}

}  // namespace millrace::land
