#pragma once

#include <cstdint>
#include <map>
#include <string>

#include "table/metadata.h"

namespace millrace::table {

/// Each commit leaves a metadata file behind; where this property is not "true" they stay for ever.
inline constexpr const char* kDeleteOldMetadata = "write.metadata.delete-after-commit.enabled";

/// A property that any engine may have set on the table. Error kConfig, naming it, for text that is no such value.
int64_t IntegerProperty(const TableMetadata& metadata, const std::string& name, int64_t fallback);
bool BooleanProperty(const TableMetadata& metadata, const std::string& name, bool fallback);
int64_t IntegerProperty(const std::map<std::string, std::string>& properties, const std::string& name,
                        int64_t fallback);
bool BooleanProperty(const std::map<std::string, std::string>& properties, const std::string& name, bool fallback);

/// The value of "format-version" in the properties of a table that is to be made. Error kConfig unless it is one that
/// is written here.
int32_t FormatVersionOf(const std::string& text);

}  // namespace millrace::table
