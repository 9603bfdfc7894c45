#pragma once

#include <cstdint>
#include <string>

#include "table/metadata.h"

namespace millrace::table {

/// A property that any engine may have set on the table. Error kConfig, naming it, for text that is no such value.
int64_t IntegerProperty(const TableMetadata& metadata, const std::string& name, int64_t fallback);
bool BooleanProperty(const TableMetadata& metadata, const std::string& name, bool fallback);

}  // namespace millrace::table
