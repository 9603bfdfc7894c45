#pragma once

#include <string>

#include "io/object_store.h"

namespace millrace::land {

/// Deletes a file that nothing names; what cannot be deleted stays, with a warning, for the removal of orphans.
void DropFile(io::ObjectStore& store, const std::string& path) noexcept;

}  // namespace millrace::land
