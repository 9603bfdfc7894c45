#pragma once

#include "catalog/catalog.h"

namespace millrace::catalog {

/// Deletes the files that a dropped table reaches and that are below its location; none when its property gc.enabled is
/// false. What cannot be deleted is logged and stays.
void PurgeFiles(io::ObjectStore& store, const LoadedTable& dropped);

}  // namespace millrace::catalog
